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
PATIENCES = (1, 2, 5, 9)


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


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [(None, "min"), ("val_loss", "min"), ("val_accuracy", "max")],
)
def test_every_lane_stops_as_keras_would(monitor, mode, few_rows, train):
    """Stop epoch, best epoch, outcome and reason for several patience values; accuracies are maximised."""
    full = train(BUILD, few_rows, Recipe(100, EPOCHS, None, monitor, OPTIMIZER), seeds=SEEDS).curves
    metric = monitor or "val_binary_crossentropy"
    stopped = 0
    for patience in PATIENCES:
        ours = train(BUILD, few_rows, Recipe(100, EPOCHS, patience, monitor, OPTIMIZER), seeds=SEEDS)
        for seed in SEEDS:
            epochs, best = keras_stops(full[seed][metric], patience=patience, mode=mode)
            ended = ours.finished[seed]
            assert (ended.epochs, ended.best_epoch) == (epochs, best)
            np.testing.assert_array_equal(ours.curves[seed][metric], full[seed][metric][:epochs])
            if epochs < EPOCHS:
                stopped += 1
                assert ended.outcome == "stopped early"
                assert ended.reason == f"No better {metric} for {patience} epochs."
    assert stopped >= len(SEEDS)  # the claim is about stopping: it must have happened


def test_a_plain_keras_fit_stops_at_the_same_epoch(few_rows, train):
    """The whole of `model.fit` with its callback, fed with the engine's batch orders, not our own curve."""
    from justright.engine.orders import batch_order

    ours = train(BUILD, few_rows, Recipe(125, EPOCHS, 3, None, OPTIMIZER))
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = BUILD(28, 1)
    model.compile(keras.optimizers.Adam(0.02), keras.losses.BinaryCrossentropy(from_logits=True))
    callback = keras.callbacks.EarlyStopping("val_loss", patience=3)
    callback.set_model(model)
    callback.on_train_begin()
    epoch = 0
    while not model.stop_training:
        order = batch_order(0, epoch, 250)
        history = model.fit(
            few_rows.train[0][order],
            few_rows.train[1][order, None],
            batch_size=125,
            shuffle=False,
            verbose=0,
            validation_data=(few_rows.validation[0], few_rows.validation[1][:, None]),
        )
        model.stop_training = False
        callback.on_epoch_end(epoch, {"val_loss": history.history["val_loss"][0]})
        epoch += 1
    assert (ours.finished[0].epochs, ours.finished[0].best_epoch) == (epoch, callback.best_epoch)


def test_saved_weights_are_those_of_the_best_epoch(few_rows, train, storage):
    """The saved model, opened by plain Keras, gives the validation loss recorded at the best epoch, not the last."""
    ours = train(BUILD, few_rows, Recipe(100, EPOCHS, 9, None, OPTIMIZER), seeds=SEEDS)
    x, y = few_rows.validation
    for seed, ended in ours.finished.items():
        logits = np.asarray(keras.saving.load_model(storage.folder / ended.model_path)(x))[:, 0].astype(float)
        losses = np.logaddexp(0, logits) - y * logits
        recorded = ours.curves[seed]["val_binary_crossentropy"]
        assert ended.best_epoch == recorded.argmin() < ended.epochs - 1
        np.testing.assert_allclose(losses.mean(), recorded[ended.best_epoch], rtol=1e-6)
        np.testing.assert_allclose(losses, ours.row_losses[seed, "validation", ended.best_epoch], atol=1e-6)
        assert ended.best["val_binary_crossentropy"] == recorded[ended.best_epoch]
        assert ended.last["val_binary_crossentropy"] == recorded[-1]


def test_a_run_without_patience_ends_at_the_epoch_limit(few_rows, train):
    """`patience=None` never stops early; the outcome says which limit was reached."""
    ended = train(BUILD, few_rows, Recipe(100, 4, None, None, OPTIMIZER)).finished[0]
    assert (ended.outcome, ended.reason, ended.epochs) == (
        "finished",
        "The limit of 4 epochs was reached.",
        4,
    )


def test_a_lane_that_diverges_ends_alone(few_rows, train):
    """An infinite loss is an outcome of that run, its finite epochs' best kept; its neighbours train on."""
    steep = {"module": "keras.optimizers", "class_name": "SGD", "config": {"learning_rate": 1e12}}
    build = mlp(8, activation="relu")
    ended = train(build, few_rows, Recipe(100, 12, None, None, steep), seeds=(0, 1)).finished
    for run in ended.values():
        assert run.outcome == "diverged"
        assert run.reason == f"A loss was not finite at epoch {run.epochs - 1}."
        assert run.best_epoch < run.epochs
        if run.best_epoch < 0:
            assert (run.model_path, run.test, run.rows) == (None, {}, ())
