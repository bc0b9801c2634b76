"""Label smoothing, mixup, averaged weights, standardised and noisy inputs: each against loops written without the engine."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from justright.runs.tasks import StudyRows
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training.lanes import first_lane, flatten_lanes
from justright.training.masks import hashed_dropout
from justright.training.network import build_network
from justright.training.objective import objective_for
from justright.training.orders import batch_order, chunk_mixes
from justright.training.step import DRAWS_PER_STEP

EPOCHS = 3
BATCH = 100  # of 250 rows: two full batches and a partial one
STEPS = 3
RATE = 0.01
# Same weights, batches and mixtures: what differs is float32, which the engine computes in.
TOLERANCE = 1e-5
ADAM = {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": RATE}}
PLAIN = Recipe(BATCH, EPOCHS, None, optimizer=ADAM)
NETWORK = mlp(8, 4, activation="tanh", l2=0.01)


def sigmoid(values):
    """Return the logistic function."""
    return 1 / (1 + np.exp(-values))


def row_losses(logits, y, task):
    """Return the loss of each row, float64."""
    return (logits - y) ** 2 if task == "regression" else np.logaddexp(0, logits) - logits * y


def forward(values, x):
    """Return the activations of every layer of a tanh network, the last one's without tanh."""
    hidden = [np.asarray(x, np.float64)]
    for kernel, bias in zip(values[:-2:2], values[1:-2:2], strict=True):
        hidden.append(np.tanh(hidden[-1] @ kernel + bias))
    return [*hidden, (hidden[-1] @ values[-2] + values[-1])[:, 0]]


def penalty_of(build, values):
    """Return the L2 penalty of the hidden layers' kernels."""
    return build.l2 * sum((kernel**2).sum() for kernel in values[:-2:2])


def step_of(build, values, x, targets, task):
    """Return (loss, loss without penalty) and the gradients by hand-written backpropagation.

    `targets` are (weight, targets) pairs whose weighted losses are minimised; the second of the pair (minimised,
    reported) is reported without smoothing.
    """
    *hidden, logits = forward(values, x)
    minimised = sum(weight * row_losses(logits, y, task).mean() for weight, y, _ in targets)
    reported = sum(weight * row_losses(logits, y, task).mean() for weight, _, y in targets)
    slope = (lambda y: 2 * (logits - y)) if task == "regression" else (lambda y: sigmoid(logits) - y)
    back = sum(weight * slope(y) for weight, y, _ in targets)[:, None] / len(x)
    gradients = []
    for layer in reversed(range(len(values) // 2)):
        is_hidden = layer < len(values) // 2 - 1
        shrink = 2 * build.l2 * values[2 * layer] if is_hidden else 0.0
        gradients = [hidden[layer].T @ back + shrink, back.sum(0), *gradients]
        if layer:
            back = (back @ values[2 * layer].T) * (1 - hidden[layer] ** 2)
    return (minimised + penalty_of(build, values), reported), gradients


def rows_for(build, rows):
    """Return how rows enter the network: standardised by the training rows, or as they are."""
    if not build.standardize:
        return lambda x: x.astype(np.float64)
    train = rows.train[0].astype(np.float64)
    return lambda x: (x - train.mean(0)) / train.std(0)


def float64_loop(build, rows, recipe):
    """Return curves and the weights that are measured after each epoch, in NumPy from the formulas alone."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    features = rows.train[0].shape[1]
    values = [np.asarray(value.value, np.float64) for value in build(features, 1).trainable_variables]
    moments = [(np.zeros_like(value), np.zeros_like(value)) for value in values]
    history = []  # of weights after each step, whose weighted mean is the average
    scaled = rows_for(build, rows)
    curves, measured = [], []
    for epoch in range(EPOCHS):
        order = batch_order(0, epoch, len(rows.train[0]))
        mixes = (
            chunk_mixes((0,), epoch, 1, STEPS, alpha=recipe.mixup, length=1)[0, 0] if recipe.mixup else None
        )
        sums = np.zeros(2)
        for step in range(STEPS):
            batch = order[step * BATCH : (step + 1) * BATCH]
            x, y = scaled(rows.train[0][batch]), rows.train[1][batch].astype(np.float64)
            smooth = y * (1 - recipe.label_smoothing) + 0.5 * recipe.label_smoothing
            targets = [(1.0, smooth, y)]
            if mixes is not None:
                mix, after = float(mixes[step]), np.roll(np.arange(len(y)), -1)
                x = mix * x + (1 - mix) * x[after]
                targets = [(mix, smooth, y), (1 - mix, smooth[after], y[after])]
            losses, gradients = step_of(build, values, x, targets, rows.task)
            sums += np.array(losses) * len(batch)
            count = epoch * STEPS + step + 1
            for index, gradient in enumerate(gradients):  # Kingma and Ba 2015, as Keras writes it
                first, second = moments[index]
                first += (gradient - first) * (1 - 0.9)
                second += (gradient**2 - second) * (1 - 0.999)
                rate = RATE * np.sqrt(1 - 0.999**count) / (1 - 0.9**count)
                values[index] = values[index] - first * rate / (np.sqrt(second) + 1e-7)
            history.append([value.copy() for value in values])
        kept = values
        if recipe.ema:  # the definition: newer weights count more, all together 1
            weights = recipe.ema ** np.arange(len(history))[::-1]
            weights /= weights.sum()
            kept = [np.tensordot(weights, np.stack(parts), 1) for parts in zip(*history, strict=True)]
        validation = row_losses(forward(kept, scaled(rows.validation[0]))[-1], rows.validation[1], rows.task)
        curves.append((*(sums / len(order)), validation.mean() + penalty_of(build, kept), validation.mean()))
        measured.append([value.copy() for value in kept])
    return np.array(curves).T, measured


OPTIONS = {
    "mixup": {"mixup": 0.4},
    "averaged weights": {"ema": 0.8},
    "all": {"label_smoothing": 0.1, "mixup": 1.0, "ema": 0.9},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "standardize"),
    [("mixup", True), ("averaged weights", False), ("all", True)],
)
def test_first_epochs_equal_float64_numpy(name, standardize, few_rows, train):
    """Training and validation losses, with and without penalty, test losses, and the weights of the saved model."""
    build, recipe = replace(NETWORK, standardize=standardize), replace(PLAIN, **OPTIONS[name])
    ours = train(build, few_rows, recipe)
    curves, measured = float64_loop(build, few_rows, recipe)
    for metric, values in zip(
        ("loss", "binary_crossentropy", "val_loss", "val_binary_crossentropy"), curves, strict=True
    ):
        np.testing.assert_allclose(ours.curves[0][metric], values, rtol=TOLERANCE, err_msg=metric)
    run = ours.finished[0]
    x, best = rows_for(build, few_rows), measured[run.best_epoch]
    losses = row_losses(forward(best, x(few_rows.test[0]))[-1], few_rows.test[1], "binary")
    np.testing.assert_allclose(run.test["loss"], losses.mean(), rtol=TOLERANCE)
    model = keras.saving.load_model(ours.folder / run.model_path)
    for saved, value in zip(model.trainable_variables, best, strict=True):
        np.testing.assert_allclose(saved, value, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_mixup_of_a_regression_equals_float64_numpy(few_rows, train):
    """The weighted sum of both targets' squared errors: its gradient is that of the mixed target's."""
    parts = (few_rows.train[0], few_rows.validation[0], few_rows.test[0])
    rows = StudyRows("regression", 1, *((x, x[:, 0] * x[:, 1]) for x in parts))
    recipe = replace(PLAIN, mixup=0.3, ema=0.5)
    ours = train(NETWORK, rows, recipe)
    curves, _ = float64_loop(NETWORK, rows, recipe)
    for metric, values in zip(
        ("loss", "mean_squared_error", "val_loss", "val_mean_squared_error"), curves, strict=True
    ):
        np.testing.assert_allclose(ours.curves[0][metric], values, rtol=TOLERANCE, err_msg=metric)


@pytest.mark.parametrize("from_logits", [True, False])
def test_labels_are_smoothed_as_keras_smooths_them(from_logits):
    """Row by row, of two classes and of three, for logits and for probabilities; a regression's cannot be asked for."""
    random = np.random.default_rng(0)
    outputs = random.normal(size=(50, 3)).astype(np.float32)
    y = random.integers(0, 3, 50).astype(np.int32)
    if not from_logits:
        outputs = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    options = {"from_logits": from_logits, "label_smoothing": 0.3}
    ours = objective_for("multiclass", **options).smoothed_losses(y, outputs)
    theirs = keras.losses.categorical_crossentropy(np.eye(3, dtype=np.float32)[y], outputs, **options)
    np.testing.assert_allclose(ours, theirs, rtol=2e-6)
    ours = objective_for("binary", **options).smoothed_losses((y > 0).astype(np.float32), outputs[:, :1])
    theirs = keras.losses.binary_crossentropy((y > 0)[:, None], outputs[:, :1], **options)
    np.testing.assert_allclose(ours, theirs, rtol=2e-6)
    assert objective_for("binary", from_logits=from_logits).smoothed_losses is None


def keras_averages(model, rows, recipe, *, smoothing=0.0):
    """Return curves and the averaged values of all variables, by Keras' own steps and float64 averages."""
    from_logits = {"from_logits": True}
    model.compile(
        optimizer=keras.optimizers.Adam(RATE),
        loss=keras.losses.BinaryCrossentropy(**from_logits, label_smoothing=smoothing),
        metrics=[keras.metrics.BinaryCrossentropy(**from_logits, name="binary_crossentropy")],
    )
    states = [value for value in model.non_trainable_variables if value.name == "seed_generator_state"]
    history, curves = [], []
    for epoch in range(EPOCHS):
        order = batch_order(0, epoch, len(rows.train[0]))
        logs = dict.fromkeys(("loss", "binary_crossentropy"), 0.0)
        for step in range(STEPS):
            for state in states:  # the engine derives noise from (seed, step); give Keras the same
                state.assign([int(np.asarray(state)[0]), (epoch * STEPS + step) * DRAWS_PER_STEP])
            batch = order[step * BATCH : (step + 1) * BATCH]
            model.reset_metrics()
            with hashed_dropout():  # only its first call traces
                found = model.train_on_batch(
                    rows.train[0][batch], rows.train[1][batch, None], return_dict=True
                )
            for metric in logs:
                logs[metric] += float(found[metric]) * len(batch) / len(order)
            history.append([np.asarray(value, np.float64) for value in model.weights])
        raw = model.get_weights()
        weights = recipe.ema ** np.arange(len(history))[::-1]
        means = [
            np.tensordot(weights / weights.sum(), np.stack(parts), 1) for parts in zip(*history, strict=True)
        ]
        model.set_weights(means)
        x, y = rows.validation
        found = model.evaluate(x, y[:, None], batch_size=BATCH, return_dict=True, verbose=0)
        model.set_weights(raw)
        curves.append(logs | {f"val_{name}": value for name, value in found.items()})
    return {name: np.array([entry[name] for entry in curves]) for name in curves[0]}, means


@pytest.mark.slow
def test_noise_and_moving_statistics_equal_a_plain_keras_loop(few_rows, train):
    """Normalization adapted by Keras itself, its Gaussian noise, dropout, and the average of moving statistics."""
    recipe = replace(PLAIN, ema=0.7, label_smoothing=0.1)
    build = mlp(6, dropout=0.2, batch_normalization=True, standardize=True, input_noise=0.3)
    ours = train(build, few_rows, recipe)
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    scaling = layers.Normalization()
    model = keras.Sequential(
        [
            *(keras.Input((28,)), scaling, layers.GaussianNoise(0.3), layers.Dense(6)),
            *(layers.BatchNormalization(), layers.Activation("elu"), layers.Dropout(0.2), layers.Dense(1)),
        ]
    )
    scaling.adapt(few_rows.train[0].astype(np.float64))
    theirs, means = keras_averages(model, few_rows, recipe, smoothing=0.1)
    for metric in ("loss", "binary_crossentropy", "val_binary_crossentropy"):
        np.testing.assert_allclose(ours.curves[0][metric], theirs[metric], rtol=2e-5, err_msg=metric)
    if ours.finished[0].best_epoch == EPOCHS - 1:
        saved = keras.saving.load_model(ours.folder / ours.finished[0].model_path)
        for one, other in zip(saved.weights, means, strict=True):
            if "seed" not in one.path:
                # A bias before batch normalisation has no gradient: Adam makes steps of 1e-4 from its rounding errors.
                np.testing.assert_allclose(one, other, rtol=1e-4, atol=5e-4, err_msg=one.path)


def everything():
    """Noise, dropout, moving statistics, and moments that differ by seed because weights come before them."""
    layers = keras.layers
    return keras.Sequential(
        [
            *(keras.Input((28,)), layers.Normalization(), layers.GaussianNoise(0.1), layers.Dense(4)),
            *(layers.Normalization(), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1)),
        ]
    )


LONG = Recipe(BATCH, 11, 4, label_smoothing=0.05, mixup=0.3, ema=0.9)


def assert_same(ours, theirs, seed):
    """Compare curves, row losses and ends, bit by bit."""
    for metric, values in theirs.curves[seed].items():
        np.testing.assert_array_equal(ours.curves[seed][metric], values, err_msg=metric)
    for key in (key for key in theirs.row_losses if key[0] == seed):
        np.testing.assert_array_equal(ours.row_losses[key], theirs.row_losses[key], err_msg=str(key))
    mine, other = (replace(run.finished[seed], train_seconds=0, rows=()) for run in (ours, theirs))
    assert mine == other


@pytest.mark.slow
def test_a_lane_alone_equals_the_same_lane_among_eight(few_rows, train):
    """With every option at once, bit for bit."""
    among = train(everything, few_rows, LONG, seeds=tuple(range(8)))
    assert_same(train(everything, few_rows, LONG, seeds=(3,)), among, 3)


@pytest.mark.slow
def test_going_on_from_a_checkpoint_changes_nothing(few_rows, train):
    """Averages, mixtures and noise of a run cut after three epochs go on as if it had not been."""
    cache = {}
    whole = train(everything, few_rows, LONG, cache=cache)
    first = train(everything, few_rows, replace(LONG, max_epochs=3), cache={})
    path = first.checkpoints[-1].path
    second = train(everything, few_rows, LONG, cache=cache, folder=first.folder, checkpoint=path)
    both = type(first)([*first.events, *second.events], is_done=True, folder=first.folder)
    assert_same(both, whole, 0)


def test_options_that_are_off_keep_their_state_out_of_checkpoints():
    """A checkpoint of a recipe without averages holds what it held before there were any."""
    recipe = PLAIN.resolve("binary", 10)
    network = build_network("v", mlp(3), recipe, seed=0, features=2, outputs=1, task="binary")
    assert not any(name.startswith("average") for name in flatten_lanes(first_lane(network)))
    averaged = flatten_lanes(first_lane(network, is_averaged=True))
    assert {name for name in averaged if name.startswith("average")} == {
        f"average_weights/{index:04d}" for index in range(4)
    }
