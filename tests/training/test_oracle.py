"""The compiled chunks against a plain Keras loop and against float64 NumPy, epoch by epoch."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from justright.runs.events import RunKey, StackCheckpoint
from justright.runs.tasks import StackTask
from justright.study.recipe import Recipe
from justright.study.studies import named_study
from justright.training.masks import hashed_dropout
from justright.training.orders import batch_order
from justright.training.stacks.stack import run_stack
from justright.training.step import DRAWS_PER_STEP

EPOCHS = 3
BATCH = 500
SEED = 7
# Same weights, same batches, same masks: what differs is the order of float32 sums in fused loops.
TOLERANCE = 1e-5
VARIANTS = {variant.name: variant.build for variant in named_study("tutorial").variants}


def train(build, rows, storage, *, recipe=None, seeds=(SEED,), name="v"):
    """Return {seed: {metric: (epochs,)}} of a stack trained by the engine."""
    recipe = (recipe or Recipe(max_epochs=EPOCHS)).resolve("binary", len(rows.train[0]))
    runs = tuple(RunKey(name, seed, len(rows.train[0])) for seed in seeds)
    models = tuple(f"models/{name}/seed-{seed}.keras" for seed in seeds)
    task = StackTask(name, name, build, recipe, runs, models, np.arange(len(rows.train[0])))
    events = []
    assert run_stack(task, rows, storage, events.append, lambda: False, {})
    blocks = [block for event in events if isinstance(event, StackCheckpoint) for block in event.blocks]
    return {
        run.seed: {
            metric: np.concatenate([block.metrics[metric] for block in blocks if block.run == run])
            for metric in blocks[0].metrics
        }
        for run in runs
    }


def keras_loop(build, rows, *, epochs=EPOCHS, seed=SEED):
    """Return {metric: (epochs,)} of Keras' own trainer with the same weights, batches and masks."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((28,))]
    for width in build.units:
        penalty = keras.regularizers.L2(build.l2) if build.l2 else None
        layers.append(keras.layers.Dense(width, activation="elu", kernel_regularizer=penalty))
        if build.dropout:
            layers.append(keras.layers.Dropout(build.dropout))
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    steps = -(-len(rows.train[0]) // BATCH)
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.InverseTimeDecay(0.001, steps * 1000, 1)),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[
            keras.metrics.BinaryCrossentropy(from_logits=True, name="binary_crossentropy"),
            keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy"),
        ],
    )
    states = [
        variable for variable in model.non_trainable_variables if variable.name == "seed_generator_state"
    ]
    history = []
    for epoch in range(epochs):
        order = batch_order(seed, epoch, len(rows.train[0]))
        totals = dict.fromkeys(("loss", "binary_crossentropy", "accuracy"), 0.0)
        for step in range(steps):
            for state in states:  # the engine derives masks from (seed, step); give Keras the same
                first = int(np.asarray(state.value)[0])
                state.assign(np.array([first, (epoch * steps + step) * DRAWS_PER_STEP], np.uint32))
            batch = order[step * BATCH : (step + 1) * BATCH]
            model.reset_metrics()
            with hashed_dropout():  # only its first call traces
                logs = model.train_on_batch(
                    rows.train[0][batch], rows.train[1][batch, None], return_dict=True
                )
            for metric in totals:
                totals[metric] += float(logs[metric]) * len(batch) / len(order)
        measured = model.evaluate(
            rows.validation[0], rows.validation[1][:, None], batch_size=BATCH, return_dict=True, verbose=0
        )
        history.append(totals | {f"val_{key}": value for key, value in measured.items()})
    return {metric: np.array([float(entry[metric]) for entry in history]) for metric in history[0]}


@pytest.fixture(scope="module")
def six_batches(rows):
    """3,000 rows learn."""
    x, y = rows.train
    return replace(rows, train=(x[: 6 * BATCH], y[: 6 * BATCH]))


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_first_epochs_equal_a_plain_keras_loop(name, six_batches, storage):
    """For every tutorial variant, with dropout's own masks: losses within 1e-5 relative, accuracies to a row."""
    ours = train(VARIANTS[name], six_batches, storage)[SEED]
    theirs = keras_loop(VARIANTS[name], six_batches)
    for metric in ("loss", "binary_crossentropy", "val_loss", "val_binary_crossentropy"):
        np.testing.assert_allclose(ours[metric], theirs[metric], rtol=TOLERANCE, err_msg=metric)
    # A row whose logit is 0 to seven digits may fall to either side.
    np.testing.assert_allclose(ours["accuracy"], theirs["accuracy"], atol=2 / (6 * BATCH))
    np.testing.assert_allclose(ours["val_accuracy"], theirs["val_accuracy"], atol=2 / 1_000)


@pytest.mark.parametrize("name", ["Tiny", "Medium"])
def test_a_last_partial_batch_is_used_as_keras_uses_it(name, small_rows, storage):
    """1,250 rows in batches of 500: three steps per epoch, the metrics weighted by batch."""
    ours = train(VARIANTS[name], small_rows, storage)[SEED]
    theirs = keras_loop(VARIANTS[name], small_rows)
    for metric in ("loss", "val_loss"):
        np.testing.assert_allclose(ours[metric], theirs[metric], rtol=TOLERANCE, err_msg=metric)


def numpy_loop(build, rows, *, epochs=EPOCHS, seed=SEED):
    """Return (training loss, validation loss) by epoch, in float64 NumPy from the formulas alone."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    values = [np.asarray(value.value, np.float64) for value in build(28, 1).trainable_variables]
    first, second = [np.zeros_like(value) for value in values], [np.zeros_like(value) for value in values]
    steps = -(-len(rows.train[0]) // BATCH)
    count = 0
    curve = []
    for epoch in range(epochs):
        order = batch_order(seed, epoch, len(rows.train[0]))
        total = 0.0
        for step in range(steps):
            batch = order[step * BATCH : (step + 1) * BATCH]
            loss, gradients = loss_and_gradients(values, rows.train[0][batch], rows.train[1][batch], build.l2)
            total += loss * len(batch)
            rate = 0.001 / (1 + count / (steps * 1000))
            count += 1
            for index, gradient in enumerate(gradients):  # Kingma and Ba 2015, as Keras writes it
                first[index] += (gradient - first[index]) * (1 - 0.9)
                second[index] += (gradient**2 - second[index]) * (1 - 0.999)
                scale = rate * np.sqrt(1 - 0.999**count) / (1 - 0.9**count)
                values[index] = values[index] - first[index] * scale / (np.sqrt(second[index]) + 1e-7)
        validation, _ = loss_and_gradients(values, *rows.validation, build.l2)
        curve.append((total / len(order), validation))
    return np.array(curve).T


def loss_and_gradients(values, x, y, l2):
    """Return the penalised loss and its gradients by hand-written backpropagation, float64."""
    kernels, biases = values[::2], values[1::2]
    hidden = [np.asarray(x, np.float64)]
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        drive = hidden[-1] @ kernel + bias
        hidden.append(np.where(drive > 0, drive, np.expm1(np.minimum(drive, 0))))
    logits = (hidden[-1] @ kernels[-1] + biases[-1])[:, 0]
    loss = np.mean(np.logaddexp(0, logits) - logits * y) + l2 * sum(
        (kernel**2).sum() for kernel in kernels[:-1]
    )
    back = ((1 / (1 + np.exp(-logits)) - y) / len(y))[:, None]
    gradients = []
    for layer in reversed(range(len(kernels))):
        penalty = 2 * l2 * kernels[layer] if layer < len(kernels) - 1 else 0.0
        gradients = [hidden[layer].T @ back + penalty, back.sum(0), *gradients]
        if layer:
            back = (back @ kernels[layer].T) * np.where(hidden[layer] > 0, 1.0, hidden[layer] + 1.0)
    return loss, gradients


@pytest.mark.parametrize("name", ["Tiny", "Small", "Medium", "L2"])
def test_first_epochs_equal_float64_numpy(name, small_rows, storage):
    """No framework, no float32: guards against a compiler that computes wrong numbers (jax issue 39103)."""
    ours = train(VARIANTS[name], small_rows, storage)[SEED]
    training, validation = numpy_loop(VARIANTS[name], small_rows)
    np.testing.assert_allclose(ours["loss"], training, rtol=TOLERANCE)
    np.testing.assert_allclose(ours["val_loss"], validation, rtol=TOLERANCE)


def test_a_lane_alone_equals_the_same_lane_among_eight(small_rows, storage):
    """Bit for bit on a CPU: lanes are mapped one after the other, so neighbours cannot touch the arithmetic."""
    recipe = Recipe(max_epochs=12)
    alone = train(VARIANTS["Small"], small_rows, storage, recipe=recipe, seeds=(3,))[3]
    among = train(VARIANTS["Small"], small_rows, storage, recipe=recipe, seeds=tuple(range(8)))[3]
    for metric, values in alone.items():
        np.testing.assert_array_equal(values, among[metric], err_msg=metric)
