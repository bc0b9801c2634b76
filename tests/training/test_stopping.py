"""Early stopping: each lane stops, and chooses its epoch, as Keras' own EarlyStopping does."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from justright.study.families import mlp
from justright.study.recipe import Recipe

BUILD = mlp(12)
# Fast enough to overfit 250 rows within 40 epochs, so that every patience below bites somewhere.
OPTIMIZER = {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": 0.02}}
EPOCHS = 40
SEEDS = (0, 1, 2)


def keras_stops(curve, *, patience, mode):
    """Return (epochs trained, best epoch) of Keras' EarlyStopping when it is shown `curve`."""
    callback = keras.callbacks.EarlyStopping("metric", patience=patience, mode=mode)
    callback.set_model(SimpleNamespace(stop_training=False))
    callback.on_train_begin()
    for epoch, value in enumerate(curve):
        callback.on_epoch_end(epoch, {"metric": np.float32(value)})
        if callback.model.stop_training:
            return epoch + 1, callback.best_epoch
    return len(curve), callback.best_epoch


@pytest.fixture(scope="module")
def full(few_rows, train):
    """Runs of three seeds to the epoch limit: what is monitored, and for how long, does not touch training."""
    return train(BUILD, few_rows, Recipe(100, EPOCHS, None, None, OPTIMIZER), seeds=SEEDS)


@pytest.fixture(scope="module")
def patient(few_rows, train):
    """The same runs with a patience of 4 epochs."""
    return train(BUILD, few_rows, Recipe(100, EPOCHS, 4, None, OPTIMIZER), seeds=SEEDS)


@pytest.mark.parametrize(
    ("monitor", "mode", "patience"),
    [
        ("val_binary_crossentropy", "min", 1),
        ("val_binary_crossentropy", "min", 4),
        ("val_loss", "min", 9),
        ("val_accuracy", "max", 3),
    ],
)
def test_every_lane_stops_as_keras_would(monitor, mode, patience, full, few_rows, train):
    """Stop epoch, best epoch, outcome and reason for several patience values; accuracies are maximised."""
    recipe = Recipe(100, EPOCHS, patience, monitor, OPTIMIZER)
    ours = train(BUILD, few_rows, recipe, seeds=SEEDS)
    for seed in SEEDS:
        epochs, best = keras_stops(full.curves[seed][monitor], patience=patience, mode=mode)
        ended = ours.finished[seed]
        assert (ended.epochs, ended.best_epoch) == (epochs, best)
        np.testing.assert_array_equal(ours.curves[seed][monitor], full.curves[seed][monitor][:epochs])
        assert epochs < EPOCHS  # the claim is about stopping: it must have happened
        assert ended.outcome == "stopped early"
        assert ended.reason == f"No better {monitor} for {patience} epochs."


def test_a_plain_keras_fit_stops_at_the_same_epoch(few_rows, patient):
    """The whole of `model.fit` with its callback, fed with the engine's batch orders, not our own curve."""
    from justright.training.orders import batch_order

    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = BUILD(28, 1)
    model.compile(keras.optimizers.Adam(0.02), keras.losses.BinaryCrossentropy(from_logits=True))
    callback = keras.callbacks.EarlyStopping("val_loss", patience=4)
    callback.set_model(SimpleNamespace(stop_training=False))
    callback.on_train_begin()
    epoch = 0
    while not callback.model.stop_training:
        order = batch_order(0, epoch, 250)
        history = model.fit(
            few_rows.train[0][order],
            few_rows.train[1][order, None],
            batch_size=100,
            shuffle=False,
            verbose=0,
            validation_data=(few_rows.validation[0], few_rows.validation[1][:, None]),
        )
        callback.on_epoch_end(epoch, {"val_loss": history.history["val_loss"][0]})
        epoch += 1
    ended = patient.finished[0]
    assert (ended.epochs, ended.best_epoch) == (epoch, callback.best_epoch)


def test_saved_weights_are_those_of_the_best_epoch(few_rows, patient):
    """The saved model, opened by plain Keras, gives the validation loss recorded at the best epoch, not the last."""
    x, y = few_rows.validation
    for seed, ended in patient.finished.items():
        model = keras.saving.load_model(patient.folder / ended.model_path)
        logits = np.asarray(model(x))[:, 0].astype(float)
        losses = np.logaddexp(0, logits) - y * logits
        recorded = patient.curves[seed]["val_binary_crossentropy"]
        assert ended.best_epoch == recorded.argmin() < ended.epochs - 1
        np.testing.assert_allclose(losses.mean(), recorded[ended.best_epoch], rtol=1e-6)
        np.testing.assert_allclose(
            losses, patient.row_losses[seed, "validation", ended.best_epoch], atol=1e-6
        )
        assert ended.best["val_binary_crossentropy"] == recorded[ended.best_epoch]
        assert ended.last["val_binary_crossentropy"] == recorded[-1]


def test_a_run_without_patience_ends_at_the_epoch_limit(full):
    """`patience=None` never stops early; the outcome says which limit was reached."""
    ended = full.finished[0]
    said = (ended.outcome, ended.reason, ended.epochs)
    assert said == ("finished", f"The limit of {EPOCHS} epochs was reached.", EPOCHS)


def test_a_lane_that_diverges_ends_alone(few_rows, train):
    """An infinite loss is an outcome of that run, its finite epochs' best kept; its neighbours train on."""
    steep = {"module": "keras.optimizers", "class_name": "SGD", "config": {"learning_rate": 1e12}}
    build = mlp(8, activation="linear")  # ReLU units may die first, and their loss stays finite
    ended = train(build, few_rows, Recipe(100, 12, None, None, steep), seeds=(0, 1)).finished
    for run in ended.values():
        assert run.outcome == "diverged"
        assert run.reason == f"A loss was not finite at epoch {run.epochs - 1}."
        if run.best_epoch is None:
            assert (run.model_path, run.test, run.rows) == (None, {}, ())
        else:
            assert run.best_epoch < run.epochs
