"""Losses and metrics of recipes against plain Keras: the same model, batches and optimizer in Keras' own loop."""

from __future__ import annotations

from dataclasses import replace

import cloudpickle
import keras
import numpy as np
import pytest

from justright.errors import InputError
from justright.runs.events import RunKey
from justright.runs.tasks import StackTask, StudyRows
from justright.study.families import mlp
from justright.study.keras_descriptions import name_of
from justright.study.recipe import Recipe
from justright.training.keras_objects import Outputs, own_loss, own_metric
from justright.training.network import build_network, compiled_model
from justright.training.program import stack_program

layers, losses, metrics = keras.layers, keras.losses, keras.metrics
EPOCHS = 2
ADAM = {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": 0.01}}
RECIPE = Recipe(100, EPOCHS, None, optimizer=ADAM)
TOLERANCE = 1e-5  # float32 sums in another order


def network(outputs=1, activation=None, l2=0.01):
    """A model with a penalty."""
    return keras.Sequential(
        [
            *(
                keras.Input((28,)),
                layers.Dense(4, activation="tanh", kernel_regularizer=keras.regularizers.L2(l2)),
            ),
            layers.Dense(outputs, activation=activation),
        ]
    )


def of_task(rows, task):
    """Return the rows with targets of another task."""
    make = {
        "binary": lambda x: (x[:, 0] > 0.8).astype(np.float32),
        "regression": lambda x: np.exp(x[:, 0]) + x[:, 1] ** 2,
    }[task]
    parts = (rows.train[0], rows.validation[0], rows.test[0])
    return StudyRows(task, 1, *((x, make(x)) for x in parts))


def own_error(y_true, y_pred):
    """A loss of a user."""
    return keras.ops.sqrt(1.0 + (y_true - y_pred) ** 2)[:, 0]


class ShareAbove(metrics.Metric):
    """A metric of a user's own class, with an argument and a state of its own."""

    def __init__(self, above=0.5, **options):
        super().__init__(**options)
        self.above = above
        self.hits, self.rows = (self.add_weight(initializer="zeros", name=name) for name in ("hits", "rows"))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count rows whose largest output is above the argument, and is that of their class."""
        best = keras.ops.cast(keras.ops.argmax(y_pred, -1), "int32")
        is_hit = (best == keras.ops.cast(y_true[:, 0], "int32")) & (keras.ops.max(y_pred, -1) > self.above)
        self.hits.assign_add(keras.ops.sum(keras.ops.cast(is_hit, "float32")))
        self.rows.assign_add(y_pred.shape[0])

    def result(self):
        """Return the share of hits."""
        return self.hits / self.rows

    def get_config(self):
        """Return the argument, too."""
        return super().get_config() | {"above": self.above}


def raising(y_true, y_pred):
    """A loss with a mistake in it."""
    raise ValueError("no such column")


# name -> (task, loss of the recipe, the same in plain Keras where the model's logits matter)
CASES = {
    "options": ("regression", losses.Huber(delta=0.5), losses.Huber(delta=0.5)),
    "own function": ("regression", own_error, own_error),
    "logits": ("binary", "binary_focal_crossentropy", losses.BinaryFocalCrossentropy(from_logits=True)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_loss_of_keras_or_one_s_own_is_minimised_as_plain_keras_does(name, few_rows, train, plain_keras):
    """With penalties, on training and validation rows; the loss of the task is measured beside it."""
    task, ours, theirs = CASES[name]
    rows, recipe = of_task(few_rows, task), replace(RECIPE, loss=ours)
    curves = train(network, rows, recipe).curves[0]
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    found = keras.losses.get(theirs)
    measured = metrics.MeanMetricWrapper(getattr(found, "call", found), name="own")
    expected = plain_keras(
        *(network(), rows, recipe),
        optimizer=keras.optimizers.Adam(0.01),
        loss=theirs,
        metrics=[measured],
    )
    own = name_of(recipe.loss)
    pairs = {"loss": "loss", "val_loss": "val_loss", own: "own", f"val_{own}": "val_own"}
    for ours_, theirs_ in pairs.items():
        np.testing.assert_allclose(curves[ours_], expected[theirs_], rtol=TOLERANCE, err_msg=ours_)


@pytest.mark.slow
def test_metrics_are_keras_own_on_the_fixed_subset_and_validation_rows(few_rows, train):
    """At every epoch, from probabilities though the model ends in logits; and on test rows at the end."""
    own = [metrics.AUC(), metrics.Precision(), "mae", own_error]
    recipe = replace(RECIPE, measure_rows=80, metrics=own, monitor="val_auc", max_epochs=6)
    ours = train(mlp(4), few_rows, recipe)
    run, curves = ours.finished[0], ours.curves[0]
    assert run.best_epoch == int(
        np.argmax(curves["val_auc"])
    )  # Keras knows that it is better the larger it is
    model = keras.saving.load_model(ours.folder / run.model_path)
    chosen = np.sort(np.random.default_rng(0).permutation(len(few_rows.train[0]))[:80])
    places = {
        "val_": few_rows.validation,
        "": (few_rows.train[0][chosen], few_rows.train[1][chosen]),
        "test": few_rows.test,
    }
    for prefix, (x, y) in places.items():
        logits = np.asarray(model(x))
        chances = 1 / (1 + np.exp(-logits))
        for metric, given in (
            (metrics.AUC(name="auc"), chances),
            (metrics.Precision(name="precision"), chances),
            (metrics.MeanAbsoluteError(name="mae"), chances),
            (metrics.MeanMetricWrapper(own_error, name="own_error"), logits),
        ):
            metric.update_state(y[:, None], given)
            found = (
                run.test
                if prefix == "test"
                else {key: curve[run.best_epoch] for key, curve in curves.items()}
            )
            name = metric.name if prefix == "test" else f"{prefix}{metric.name}"
            assert found[name] == pytest.approx(float(metric.result()), rel=1e-4), name
    assert len(curves["auc"]) == len(curves["val_auc"]) == 6


def test_classes_come_as_one_hot_rows_where_keras_wants_them():
    """Against Keras' functions of the right form; sparse ones, and a user's, get one column."""
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 40).astype(np.int32)
    logits = random.normal(size=(40, 3)).astype(np.float32)
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    given, one_hot = Outputs("multiclass", 3, are_logits=True), np.eye(3, dtype=np.float32)[y]
    for described, expected in (
        (losses.CategoricalFocalCrossentropy(), losses.categorical_focal_crossentropy(one_hot, chances)),
        ("sparse_categorical_crossentropy", losses.sparse_categorical_crossentropy(y, chances)),
        ("kl_divergence", losses.kl_divergence(one_hot, chances)),
        ("categorical_hinge", losses.categorical_hinge(one_hot, logits)),
        (own_error, own_error(y[:, None], logits)),
    ):
        loss = own_loss("v", Recipe(loss=described).loss, given)
        np.testing.assert_allclose(loss.row_losses(y, logits), expected, rtol=1e-4, err_msg=loss.name)
    metric = own_metric("v", Recipe(metrics=[metrics.F1Score(average="macro")]).metrics[0], given)
    oracle = metrics.F1Score(average="macro")
    oracle.update_state(one_hot, chances)
    np.testing.assert_allclose(metric.value(y, logits, None), oracle.result(), rtol=1e-6)
    assert metric.rises


def test_a_metric_of_a_class_of_one_s_own_is_made_again_where_it_is_computed():
    """With its arguments and its name, on the other side of a pipe; it sees outputs and classes as they are."""
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 40).astype(np.int32)
    logits = random.normal(size=(40, 3)).astype(np.float32)
    mine = ShareAbove(0.8)
    mine.update_state(y[:, None], logits)  # as after a training: what was counted must not count again
    [described] = Recipe(metrics=[mine]).metrics
    [sent] = cloudpickle.loads(cloudpickle.dumps(Recipe(metrics=[described]))).metrics
    metric = own_metric("v", sent, Outputs("multiclass", 3, are_logits=True))
    by_hand = np.mean((logits.argmax(1) == y) & (logits.max(1) > 0.8))
    assert metric.name == "share_above"
    np.testing.assert_allclose(metric.value(y, logits, None), by_hand, rtol=1e-6)
    assert Recipe(metrics=[mine]).to_dict()["metrics"] == [f'{__name__}:ShareAbove {{"above": 0.8}}']


def test_two_classes_come_as_probabilities_unless_a_loss_is_about_outputs():
    """Models in logits and in probabilities give the same; a hinge sees what the model gives."""
    random = np.random.default_rng(0)
    y = (random.random(40) < 0.5).astype(np.float32)
    logits = random.normal(size=(40, 1)).astype(np.float32)
    chances = 1 / (1 + np.exp(-logits))
    for are_logits, outputs in ((True, logits), (False, chances)):
        given = Outputs("binary", 1, are_logits=are_logits)
        for described, expected in (
            ("mse", losses.mean_squared_error(y[:, None], chances)),
            ("binary_focal_crossentropy", losses.binary_focal_crossentropy(y[:, None], chances)),
            ("hinge", losses.hinge(y[:, None], outputs)),
        ):
            loss = own_loss("v", described, given)
            np.testing.assert_allclose(loss.row_losses(y, outputs), expected, rtol=1e-4, err_msg=loss.name)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"loss": losses.Tversky()},
            (
                "The loss 'tversky' of variant 'v' must be one number per row, so that rows can be weighed; for 3 rows it has "
                "shape (). Take another one."
            ),
        ),
        (
            {"loss": "mea"},
            "Keras must know the loss 'mea'; it does not: Could not interpret loss identifier: mea",
        ),
        (
            {"metrics": ["aucc"]},
            "Keras must know the metric 'aucc'; it does not: Could not interpret metric identifier: aucc",
        ),
        (
            {"metrics": [metrics.F1Score()]},
            (
                "The metric 'f1_score' of variant 'v' must be one number; it has shape (1,). Take its mean over classes, for "
                "instance with average='macro'."
            ),
        ),
        (
            {"loss": raising},
            "The loss 'raising' of variant 'v' cannot be computed: ValueError: no such column",
        ),
    ],
)
def test_what_cannot_be_measured_row_by_row_is_refused_before_anything_trains(options, message):
    """Named, with Keras' own account."""
    recipe = Recipe(**options).resolve("binary", 10)
    with pytest.raises(InputError) as caught:
        build_network("v", mlp(2), recipe, seed=0, features=3, outputs=1, task="binary")
    assert str(caught.value).startswith(message)


@pytest.mark.slow
def test_a_saved_model_is_what_its_user_made_with_the_loss_and_metrics_of_its_recipe(few_rows, train):
    """Reloaded by Keras alone: last activation, probabilities, loss and metrics; evaluating it gives what was measured."""
    recipe = replace(RECIPE, loss=losses.BinaryFocalCrossentropy(gamma=1.5), metrics=[metrics.AUC()])
    ours = train(lambda: network(activation="sigmoid"), few_rows, recipe)
    run = ours.finished[0]
    model = keras.saving.load_model(ours.folder / run.model_path)
    assert model.layers[-1].activation is keras.activations.sigmoid
    predicted = model.predict(few_rows.test[0], verbose=0)
    assert 0 < predicted.min() < predicted.max() < 1
    assert type(model.loss) is losses.BinaryFocalCrossentropy
    assert model.loss.get_config()["gamma"] == 1.5
    x, y = few_rows.validation
    measured = model.evaluate(x, y[:, None], return_dict=True, verbose=0)
    assert set(measured) == {"loss", "binary_crossentropy", "accuracy", "auc"}
    for name, value in measured.items():
        assert run.best[f"val_{name}"] == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize(
    ("loss", "task", "is_kept"),
    [
        (losses.LogCosh(), "regression", True),
        (losses.Huber(delta=0.5), "regression", False),  # Keras 3.15 forgets the delta
        (own_error, "regression", False),
        ("binary_focal_crossentropy", "binary", True),
        ("mse", "binary", False),  # of probabilities; Keras would take the logits
    ],
)
def test_a_model_is_saved_with_its_loss_only_if_keras_computes_the_same(loss, task, is_kept):
    """Otherwise with the loss of the task: a file that cannot be loaded, or that says something else, helps nobody."""
    recipe = Recipe(loss=loss).resolve(task, 10)
    made = build_network("v", mlp(2), recipe, seed=0, features=3, outputs=1, task=task)
    compiled = compiled_model(made, recipe, task)
    own = type(made.objective.own_loss.compiled)
    assert (type(compiled.loss) is own) == is_kept
    assert type(keras.models.clone_model(compiled)) is keras.Sequential


def test_two_functions_of_one_name_do_not_share_a_program(few_rows):
    """Two lambdas are alike in every description."""
    cache = {}
    for name, factor in (("v", 1), ("w", 9)):
        recipe = replace(RECIPE, loss=lambda y, p, factor=factor: factor * (y - p)[:, 0] ** 2)
        task = StackTask(
            name, name, mlp(4), recipe.resolve("binary", 250), (RunKey(name, 0, 250),), (), np.arange(250)
        )
        losses_ = stack_program(task, few_rows, cache).network.objective.own_loss.row_losses
        assert float(losses_(np.ones(1), np.zeros((1, 1)))[0]) == factor
