"""Any Keras model and optimizer, epoch by epoch, against Keras' own training loop."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from justright.runs.tasks import StudyRows
from justright.study.recipe import Recipe

EPOCHS = 3
BATCH = 100  # of 250 rows: two full batches and a partial one
# Same weights and batches: what differs is the order of float32 sums.
TOLERANCE = 2e-5
LOGITS = {
    "loss": lambda: keras.losses.BinaryCrossentropy(from_logits=True),
    "metrics": lambda: [
        keras.metrics.BinaryCrossentropy(from_logits=True, name="binary_crossentropy"),
        keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy"),
    ],
}
CHANCES = {
    "loss": keras.losses.BinaryCrossentropy,
    "metrics": lambda: [
        keras.metrics.BinaryCrossentropy(name="binary_crossentropy"),
        keras.metrics.BinaryAccuracy(name="accuracy"),
    ],
}


def plain():
    """A small network: what the optimizers are tried on."""
    return keras.Sequential([keras.Input((28,)), keras.layers.Dense(6, "tanh"), keras.layers.Dense(1)])


def normalised():
    """Batch normalisation twice: its moving statistics are no trainable weights."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28,)),
            layers.BatchNormalization(momentum=0.9),
            layers.Dense(6, "elu"),
            layers.BatchNormalization(momentum=0.9),
            layers.Dense(1),
        ]
    )


def branched():
    """A functional model with two branches that meet again."""
    inputs = keras.Input((28,))
    left = keras.layers.Dense(5, "relu")(inputs)
    right = keras.layers.LayerNormalization()(keras.layers.Dense(5, "gelu")(inputs))
    joined = keras.layers.Concatenate()([left, keras.layers.Add()([left, right])])
    return keras.Model(inputs, keras.layers.Dense(1)(joined))


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    """A model of one's own, with a layer used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = keras.layers.Dense(28, activation="tanh")
        self.last = keras.layers.Dense(1)

    def call(self, inputs, training=False):
        """Return logits."""
        return self.last(self.first(self.first(inputs)))


def penalised():
    """L1, L2 and activity penalties, and weights constrained after each step."""
    layers, penalties = keras.layers, keras.regularizers
    return keras.Sequential(
        [
            keras.Input((28,)),
            layers.Dense(6, "elu", kernel_regularizer=penalties.L1(0.01), bias_regularizer=penalties.L2(0.1)),
            layers.Dense(6, "elu", activity_regularizer=penalties.L2(0.01)),
            layers.Dense(6, kernel_constraint=keras.constraints.MaxNorm(0.5)),
            layers.Dense(1, kernel_constraint=keras.constraints.NonNeg()),
        ]
    )


def squashed():
    """A last layer that gives probabilities."""
    return keras.Sequential(
        [keras.Input((28,)), keras.layers.Dense(6, "relu"), keras.layers.Dense(1, activation="sigmoid")]
    )


def schedules():
    """Optimizers with their schedules, by name; steps per epoch are 3."""
    of = keras.optimizers
    return {
        "SGD, momentum, cosine": of.SGD(
            of.schedules.CosineDecay(0.1, 9, alpha=0.1), momentum=0.9, nesterov=True
        ),
        "AdamW, pieces": of.AdamW(
            of.schedules.PiecewiseConstantDecay([3, 6], [0.01, 0.005, 0.001]), weight_decay=0.1
        ),
        "RMSprop, exponential": of.RMSprop(of.schedules.ExponentialDecay(0.01, 2, 0.8, staircase=True)),
        "Adam, clipped": of.Adam(0.01, clipnorm=0.1, amsgrad=True),
    }


MODELS = {
    "normalised": (normalised, LOGITS),
    "branched": (branched, LOGITS),
    "subclassed": (Subclassed, LOGITS),
    "penalised": (penalised, LOGITS),
    "squashed": (squashed, CHANCES),
}


def seeded(build):
    """Return a model as the engine initialises it for seed 0."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = build()
    model(np.zeros((1, 28), np.float32))  # a subclassed model makes its weights when it is called
    return model


def assert_same_curves(ours, theirs):
    """Compare every metric that Keras reports; accuracies to one row."""
    for name, values in theirs.items():
        close = {"atol": 1 / 100} if name.endswith("accuracy") else {"rtol": TOLERANCE}
        np.testing.assert_allclose(ours[name], values, err_msg=name, **close)


@pytest.mark.parametrize("name", MODELS)
def test_any_model_trains_as_keras_trains_it(name, few_rows, train, plain_keras):
    """Losses, penalties and scores, training and validation, equal Keras' own for three epochs."""
    build, compiled = MODELS[name]
    recipe = Recipe(BATCH, EPOCHS, None, None, keras.optimizers.Adam(0.01))
    ours = train(build, few_rows, recipe)
    model = seeded(build)
    optimizer = keras.optimizers.Adam(0.01)
    theirs = plain_keras(
        model, few_rows, recipe, optimizer=optimizer, loss=compiled["loss"](), metrics=compiled["metrics"]()
    )
    assert_same_curves(ours.curves[0], theirs)
    if name == "normalised" and ours.finished[0].best_epoch == EPOCHS - 1:
        saved = keras.saving.load_model(ours.folder / ours.finished[0].model_path)
        for one, other in zip(saved.non_trainable_variables, model.non_trainable_variables, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6, err_msg=one.path)


@pytest.mark.parametrize("name", schedules())
def test_any_optimizer_steps_as_keras_steps(name, few_rows, train, plain_keras):
    """Curves and the learning rate after each epoch equal Keras', schedules counted in steps."""
    recipe = Recipe(BATCH, EPOCHS, None, None, schedules()[name])
    ours = train(plain, few_rows, recipe)
    model = seeded(plain)
    theirs = plain_keras(
        model,
        few_rows,
        recipe,
        optimizer=schedules()[name],
        loss=LOGITS["loss"](),
        metrics=LOGITS["metrics"](),
    )
    assert_same_curves(ours.curves[0], theirs)


@pytest.fixture(scope="module")
def three_classes(few_rows):
    """A table with three classes."""
    parts = (few_rows.train[0], few_rows.validation[0], few_rows.test[0])
    return StudyRows("multiclass", 3, *((x, (x[:, 1] > 0).astype(np.int32) + (x[:, 2] > 0)) for x in parts))


@pytest.mark.parametrize("from_logits", [True, False])
def test_multiclass_tables_train_as_keras_trains_them(from_logits, three_classes, train, plain_keras):
    """Logits and softmax outputs, told apart from the last layer's activation."""

    def build():
        last = keras.layers.Dense(3, activation=None if from_logits else "softmax")
        return keras.Sequential([keras.Input((28,)), keras.layers.Dense(6, "relu"), last])

    recipe = Recipe(BATCH, EPOCHS, None, None, keras.optimizers.Adam(0.01))
    name = "sparse_categorical_crossentropy"
    theirs = plain_keras(
        seeded(build),
        three_classes,
        recipe,
        optimizer=keras.optimizers.Adam(0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits),
        metrics=[
            keras.metrics.SparseCategoricalCrossentropy(name=name, from_logits=from_logits),
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
        ],
    )
    assert_same_curves(train(build, three_classes, recipe).curves[0], theirs)


def test_regression_tables_train_as_keras_trains_them(few_rows, train, plain_keras):
    """Squared error is minimised, absolute error reported."""
    parts = (few_rows.train[0], few_rows.validation[0], few_rows.test[0])
    rows = StudyRows("regression", 1, *((x, x[:, 0] * x[:, 1]) for x in parts))
    recipe = Recipe(BATCH, EPOCHS, None, None, keras.optimizers.Adam(0.01))
    theirs = plain_keras(
        seeded(plain),
        rows,
        recipe,
        optimizer=keras.optimizers.Adam(0.01),
        loss="mean_squared_error",
        metrics=["mean_squared_error", "mean_absolute_error"],
    )
    assert_same_curves(train(plain, rows, recipe).curves[0], theirs)


def test_random_layers_draw_anew_at_each_step_and_for_each_seed(few_rows, train):
    """Gaussian noise and dropout: training is noisy, validation is not, and a run can be repeated bit by bit."""

    def build():
        layers = keras.layers
        return keras.Sequential(
            [
                keras.Input((28,)),
                layers.GaussianNoise(0.5),
                layers.Dense(6),
                layers.Dropout(0.5),
                layers.Dense(1),
            ]
        )

    still = Recipe(250, 4, None, None, keras.optimizers.SGD(0.0))
    cache = {}
    ours = train(build, few_rows, still, seeds=(0, 1), cache=cache)
    for seed in (0, 1):
        assert (
            len(set(ours.curves[seed]["loss"])) == 4
        )  # one step an epoch, weights fixed: only the noise differs
        assert len(set(ours.curves[seed]["val_loss"])) == 1
    assert set(ours.curves[0]["loss"]).isdisjoint(ours.curves[1]["loss"])
    again = train(build, few_rows, still, seeds=(0, 1), cache=cache)
    for seed in (0, 1):
        np.testing.assert_array_equal(ours.curves[seed]["loss"], again.curves[seed]["loss"])


def test_bfloat16_trains_to_nearly_the_same_losses(few_rows, train):
    """Products with bf16 operands change losses by about their rounding, and do change them."""

    def build():
        dense = keras.layers.Dense
        return keras.Sequential([keras.Input((28,)), dense(64, "elu"), dense(64, "elu"), dense(1)])

    recipe = Recipe(BATCH, EPOCHS, None)
    exact = train(build, few_rows, recipe).curves[0]["val_loss"]
    narrow = train(build, few_rows, replace(recipe, precision="bfloat16")).curves[0]["val_loss"]
    assert not np.array_equal(exact, narrow)
    np.testing.assert_allclose(narrow, exact, rtol=2**-8)


def test_fixed_rows_are_measured_without_penalty_or_noise(few_rows, train):
    """The fixed subset's loss at the last epoch is what the saved model gives on those rows, by the formula."""
    ours = train(penalised, few_rows, Recipe(BATCH, EPOCHS, None, measure_rows=40))
    chosen = np.sort(np.random.default_rng(0).permutation(250)[:40])
    model = keras.saving.load_model(ours.folder / ours.finished[0].model_path)
    logits = np.asarray(model(few_rows.train[0][chosen]))[:, 0].astype(float)
    losses = np.logaddexp(0, logits) - few_rows.train[1][chosen] * logits
    best = ours.finished[0].best_epoch
    np.testing.assert_allclose(ours.curves[0]["fixed_binary_crossentropy"][best], losses.mean(), rtol=1e-5)
    np.testing.assert_allclose(ours.row_losses[0, "fixed", best], losses, atol=1e-5)
