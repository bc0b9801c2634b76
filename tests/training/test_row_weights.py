"""Weights of rows and classes against plain Keras' `sample_weight` and `class_weight`, and scikit-learn's balance."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training.orders import batch_order
from justright.training.row_weights import balanced_weights, row_weights

EPOCHS = 2
BATCH = 100  # of 250 rows: the last batch is smaller
ADAM = {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": 0.01}}
RECIPE = Recipe(BATCH, EPOCHS, None, optimizer=ADAM)
NAMES = ("no", "yes")
AUC = keras.metrics.AUC(from_logits=True, name="auc")


def keras_loop(rows, weigh):
    """Return (training, validation) loss by epoch of Keras' own steps; `weigh` gives the options of a batch."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = mlp(5, activation="tanh", l2=0.01)(28, 1)
    model.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True))
    history = []
    for epoch in range(EPOCHS):
        order = batch_order(0, epoch, len(rows.train[0]))
        total = 0.0
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            model.reset_metrics()
            x, y = rows.train[0][batch], rows.train[1][batch, None]
            logs = model.train_on_batch(x, y, return_dict=True, **weigh(batch))
            total += float(logs["loss"]) * len(batch) / len(order)
        x, y = rows.validation
        history.append((total, model.evaluate(x, y[:, None], batch_size=BATCH, verbose=0)))
    return np.array(history).T


def test_weights_of_rows_and_classes_count_as_in_keras(few_rows, train):
    """In the training loss only: the sum of weighted losses over the number of rows. Both together are multiplied."""
    own = np.random.default_rng(0).uniform(0, 3, len(few_rows.train[0])).astype(np.float32)
    by_class = {0: 0.5, 1: 2.5}
    both = own * np.where(few_rows.train[1] > 0, 2.5, 0.5).astype(np.float32)
    chosen = Recipe(class_weight={"no": 0.5, "yes": 2.5}).class_weight
    plain = replace(few_rows, class_names=NAMES)
    weighted = replace(plain, train_weights=own)
    build = mlp(5, activation="tanh", l2=0.01)
    for rows, given, weigh in (
        (plain, chosen, lambda batch: {"class_weight": by_class}),
        (weighted, chosen, lambda batch: {"sample_weight": both[batch]}),
    ):
        curves = train(build, rows, replace(RECIPE, class_weight=given)).curves[0]
        training, validation = keras_loop(few_rows, weigh)
        np.testing.assert_allclose(curves["loss"], training, rtol=1e-5)
        np.testing.assert_allclose(curves["val_loss"], validation, rtol=1e-5)


def test_classes_are_balanced_as_scikit_learn_does():
    """On the rows that a run trains on, not on those of the whole table."""
    classes = np.array([0] * 70 + [1] * 25 + [2] * 5)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=classes)
    np.testing.assert_allclose(balanced_weights(classes, 3), expected)
    np.testing.assert_allclose(balanced_weights(classes[:90], 3), [90 / 140, 90 / 40, 0.0])


def test_a_run_balances_the_rows_that_it_trains_on(few_rows):
    """A smaller training size has its own shares of classes; unused, there are no weights at all."""
    rows = replace(few_rows, class_names=NAMES)
    recipe = Recipe(class_weight="balanced")
    for places in (np.arange(250), np.arange(40)):
        weights = row_weights(rows, recipe, places)
        share = rows.train[1][places].mean()
        expected = np.where(rows.train[1] > 0, 0.5 / share, 0.5 / (1 - share))
        np.testing.assert_allclose(weights, expected, rtol=1e-6)
        assert weights[places].mean() == pytest.approx(1.0, rel=1e-6)
    assert row_weights(rows, Recipe(), np.arange(250)) is None


def keras_measures(model, rows, weights):
    """Return the weighted mean loss and accuracy that plain Keras finds."""
    loss = keras.metrics.BinaryCrossentropy(from_logits=True, name="loss")
    model.compile(weighted_metrics=[loss, keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy"), AUC])
    x, y = rows
    found = model.evaluate(x, y[:, None], sample_weight=weights, return_dict=True, verbose=0)
    return [found["loss"], found["accuracy"], found["auc"]]


def test_rows_that_choose_and_measure_count_as_in_keras(few_rows, train):
    """Losses, scores and metrics are Keras' `weighted_metrics`, also on the fixed rows; the best epoch is that of the weighted loss."""
    rng = np.random.default_rng(0)
    own, validation, test = (rng.exponential(size=rows).astype(np.float32) for rows in (250, 100, 120))
    validation[::3], test[::5] = 0, 0
    rows = replace(few_rows, train_weights=own, validation_weights=validation, test_weights=test)
    recipe = replace(RECIPE, max_epochs=6, metrics=[AUC], class_weight={"0": 3.0})
    build = mlp(5, activation="tanh", l2=0.01)
    done = train(build, replace(rows, class_names=("0", "1")), recipe)
    curves, ended = done.curves[0], done.finished[0]
    assert ended.best_epoch == np.argmin(curves["val_binary_crossentropy"])
    model = keras.saving.load_model(done.folder / ended.model_path)
    measured = keras_measures(model, few_rows.validation, validation)
    at_best = [curves[f"val_{name}"][ended.best_epoch] for name in ("binary_crossentropy", "accuracy", "auc")]
    np.testing.assert_allclose(at_best, measured, rtol=2e-5)
    penalty = float(sum(model.losses))
    assert curves["val_loss"][ended.best_epoch] == pytest.approx(measured[0] + penalty, rel=2e-5)
    tested = [ended.test[name] for name in ("binary_crossentropy", "accuracy", "auc")]
    np.testing.assert_allclose(tested, keras_measures(model, few_rows.test, test), rtol=2e-5)
    fixed = [ended.best[name] for name in ("fixed_binary_crossentropy", "fixed_accuracy")]
    np.testing.assert_allclose(fixed, keras_measures(model, few_rows.train, own)[:2], rtol=2e-5)


def test_what_training_reports_besides_its_loss_counts_rows_but_not_classes(few_rows, train):
    """With a learning rate of 0 the epoch's means are those of the network as it began, whatever the batches."""
    own = np.random.default_rng(0).exponential(size=250).astype(np.float32)
    ones = np.ones(100, np.float32)
    rows = replace(few_rows, train_weights=own, validation_weights=ones, class_names=NAMES)
    still = replace(RECIPE, optimizer=ADAM | {"config": {"learning_rate": 0.0}}, class_weight={"yes": 9.0})
    done = train(mlp(5), rows, still)
    curves = done.curves[0]
    model = keras.saving.load_model(done.folder / done.finished[0].model_path)
    loss, accuracy, _ = keras_measures(model, few_rows.train, own)
    np.testing.assert_allclose(curves["binary_crossentropy"], loss, rtol=1e-5)
    np.testing.assert_allclose(curves["accuracy"], accuracy, rtol=1e-5)
    plain = train(mlp(5), replace(few_rows, train_weights=own, class_names=NAMES), still).curves[0]
    assert abs(plain["binary_crossentropy"][0] - loss) > 1e-3  # weights for training alone
    np.testing.assert_array_equal(plain["loss"], curves["loss"])


def test_rows_of_weight_0_choose_and_settle_nothing(few_rows, train):
    """A run with such rows among those that validate ends at the same epoch, for the same reason in the same numbers."""
    x, y = few_rows.validation
    junk = np.concatenate([x, 3 * x[:50]]), np.concatenate([y, 1 - y[:50]])
    weights = np.repeat([2.0, 0.0], [100, 50]).astype(np.float32)
    ones = {"train_weights": np.ones(250, np.float32), "test_weights": np.ones(120, np.float32)}
    weighted = replace(few_rows, validation=junk, validation_weights=weights, **ones)
    recipe = replace(RECIPE, max_epochs=200, batch_size=50, stop="settled")
    plain, other = (train(mlp(16), rows, recipe) for rows in (few_rows, weighted))
    assert other.finished[0].epochs < 200
    assert other.finished[0].reason == plain.finished[0].reason
    for name in ("val_loss", "val_accuracy", "fixed_binary_crossentropy"):
        np.testing.assert_allclose(other.curves[0][name], plain.curves[0][name], rtol=1e-6)
