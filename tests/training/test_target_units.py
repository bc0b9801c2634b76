"""A numeric target in units of its spread: against plain Keras, for prices and for tiny numbers alike."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from justright.runs.tasks import StudyRows, TargetUnits
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training.network import build_network, describe_network

layers = keras.layers
EPOCHS = 2
ADAM = {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": 0.01}}
RECIPE = Recipe(100, EPOCHS, None, optimizer=ADAM)


def numbers(rows, *, scale=1.0, offset=0.0):
    """Return rows with a numeric target, and its units."""
    parts = [
        (x, ((x[:, 0] * x[:, 1] + x[:, 2]) * scale + offset).astype(np.float32))
        for x in (rows.train[0], rows.validation[0], rows.test[0])
    ]
    return StudyRows("regression", 1, *parts, units=TargetUnits.of(parts[0][1]))


def own():
    """A user's model, without any scaling."""
    return keras.Sequential(
        [
            *(
                keras.Input((28,)),
                layers.Dense(6, activation="tanh", kernel_regularizer=keras.regularizers.L2(0.01)),
            ),
            layers.Dense(1),
        ]
    )


def test_training_in_units_equals_a_plain_keras_loop_on_the_standardised_target(few_rows, train, plain_keras):
    """Losses are theirs times the variance, penalties included; the saved model predicts in the target's own units."""
    rows = numbers(few_rows, scale=8e4, offset=2e5)
    scale, offset = rows.units.scale, rows.units.offset
    ours = train(own, rows, RECIPE)
    plain = StudyRows(
        "regression",
        1,
        *(
            (x, ((y - offset) / scale).astype(np.float32))
            for x, y in (rows.train, rows.validation, rows.test)
        ),
    )
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = own()
    mean_squared_error = keras.metrics.MeanSquaredError(name="mean_squared_error")
    theirs = plain_keras(
        *(model, plain, RECIPE),
        optimizer=keras.optimizers.Adam(0.01),
        loss="mse",
        metrics=[mean_squared_error],
    )
    for metric in ("loss", "mean_squared_error", "val_loss", "val_mean_squared_error"):
        np.testing.assert_allclose(
            ours.curves[0][metric], theirs[metric] * scale**2, rtol=1e-4, err_msg=metric
        )
    run = ours.finished[0]
    assert run.best_epoch == EPOCHS - 1
    saved = keras.saving.load_model(ours.folder / run.model_path)
    x, y = rows.test
    predicted = saved.predict(x, verbose=0)
    np.testing.assert_allclose(predicted, np.asarray(model(x)) * scale + offset, rtol=1e-4)
    assert run.test["loss"] == pytest.approx(((predicted[:, 0] - y) ** 2).mean(), rel=1e-4)


@pytest.mark.parametrize(("scale", "offset"), [(1e8, 3e8), (1e-6, 2e-6)])
def test_the_units_of_a_target_do_not_matter(scale, offset, few_rows, train):
    """The curve of a target of size 1, times the variance: nothing overflows, and Adam's epsilon sees the same gradients."""
    recipe = replace(RECIPE, max_epochs=3)
    plain = train(mlp(8), numbers(few_rows), recipe).curves[0]["val_loss"]
    rows = numbers(few_rows, scale=scale, offset=offset)
    curves = train(mlp(8), rows, recipe).curves[0]
    np.testing.assert_allclose(curves["val_loss"] / scale**2, plain, rtol=1e-3)


@pytest.mark.parametrize(
    ("last", "is_scaled"),
    [
        ({"activation": None}, True),
        ({"activation": "softplus"}, False),
    ],
)
def test_a_model_with_a_range_of_its_own_keeps_it(last, is_scaled, few_rows):
    """One that predicts positive numbers would not any more; a variant is described as its user wrote it either way."""
    network = build_network(
        *("v", lambda: keras.Sequential([keras.Input((3,)), layers.Dense(1, **last)]), RECIPE),
        seed=0,
        features=3,
        outputs=1,
        task="regression",
        units=TargetUnits(10.0, 5.0),
    )
    assert (type(network.model.layers[-1]).__name__ == "Rescaling") == is_scaled
    assert network.objective.unit == (100.0 if is_scaled else 1.0)
    assert "Rescaling" not in describe_network("v", network).config


def test_a_loss_of_one_s_own_is_weighed_against_penalties_alike_in_any_units(few_rows, train):
    """Absolute errors of prices are 1e5, their penalties count as much: the curve is that of a small target, scaled."""
    recipe = replace(RECIPE, loss="mae", monitor="val_mae")
    small, large = numbers(few_rows), numbers(few_rows, scale=8e4)
    expected = train(mlp(6, l2=0.05), small, recipe).curves[0]
    found = train(mlp(6, l2=0.05), large, recipe).curves[0]
    for metric in ("loss", "val_loss", "val_mae"):
        np.testing.assert_allclose(found[metric] / 8e4, expected[metric], rtol=1e-3, err_msg=metric)
