"""Networks of other widths train in a program of wider layers as they would in their own."""

from __future__ import annotations

import jax
import keras
import numpy as np
import pytest

from justright.runs.events import RunKey
from justright.runs.tasks import StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training import padding, program
from justright.training.lanes import flatten_lanes
from justright.training.padding import ACTIVATIONS, OPTIMIZERS, padded_build, resized
from justright.training.stacks.stack import _Session

# Everything at once that a padded network can have: penalties, noise, averages, decay of weights, clipped gradients.
FULL = mlp(5, 20, l2=1e-3, input_noise=0.1, standardize=True)
RECIPE = Recipe(
    100,
    3,
    None,
    optimizer=keras.optimizers.AdamW(0.01, weight_decay=0.01, global_clipnorm=0.5),
    ema=0.9,
)
# What differs is the order of float32 sums.
TOLERANCE = 2e-5


def resolved(**options):
    """Return a resolved recipe."""
    return Recipe(**options).resolve("binary", train_rows=250)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_an_activation_of_zero_is_zero_and_has_a_slope(name):
    """Otherwise additional units would say something, or poison gradients."""
    value, slope = jax.value_and_grad(lambda x: keras.activations.get(name)(x).sum())(np.zeros(2, np.float32))
    assert value == 0
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_an_optimizer_leaves_padding_at_zero(name):
    """The first weight learns, the second one has neither value nor gradient; decay and clipping do not change that."""
    settings = {"learning_rate": 0.1, "weight_decay": 0.1, "clipnorm": 0.5}
    optimizer = getattr(keras.optimizers, name)(**settings)
    weights = keras.Variable(np.array([1.0, 0.0], np.float32))
    optimizer.build([weights])
    for _ in range(3):
        optimizer.apply([np.array([2.0, 0.0], np.float32)])
    learned, padded = np.asarray(weights)
    assert learned < 1
    assert padded == 0


def test_widths_are_multiples_and_everything_else_stays():
    """Networks that are as wide already, deeper ones, and what follows the layers."""
    recipe = resolved()
    assert padded_build(mlp(16, 512), recipe) == mlp(16, 512)
    assert padded_build(mlp(1, 17, activation="relu", l2=0.1), recipe) == mlp(
        16, 32, activation="relu", l2=0.1
    )
    assert padded_build(mlp(), recipe) == mlp()


@pytest.mark.parametrize(
    ("build", "options"),
    [
        (mlp(5, dropout=0.5), {}),
        (mlp(5, l1=0.001), {}),
        (mlp(5, batch_normalization=True), {}),
        (mlp(5, activation="sigmoid"), {}),
        (mlp(5), {"precision": "bfloat16"}),
        (mlp(5), {"optimizer": keras.optimizers.Adafactor()}),
        (keras.Sequential, {}),
    ],
)
def test_other_networks_keep_a_program_of_their_own(build, options):
    """Where padding would change more than the order of sums, or where widths are not known."""
    assert padded_build(build, resolved(**options)) is build


def test_a_padded_network_learns_what_it_learns_in_its_own_program(few_rows, train, monkeypatch):
    """Same curves, row losses and saved model, up to rounding."""
    padded = train(FULL, few_rows, RECIPE)
    monkeypatch.setattr(program, "padded_build", lambda build, recipe: build)
    own = train(FULL, few_rows, RECIPE)
    for name, curve in own.curves[0].items():
        close = {"atol": 1 / 100} if name.endswith("accuracy") else {"rtol": TOLERANCE}
        np.testing.assert_allclose(padded.curves[0][name], curve, err_msg=name, **close)
    for key, losses in own.row_losses.items():
        if key[1] in ("validation", "test", "fixed"):
            np.testing.assert_allclose(padded.row_losses[key], losses, atol=1e-5, err_msg=str(key))
    models = [keras.saving.load_model(one.folder / one.finished[0].model_path) for one in (padded, own)]
    for mine, other in zip(*(model.weights for model in models), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-4, err_msg=mine.path)


def test_padding_stays_zero_and_checkpoints_do_not_hold_it(few_rows, storage):
    """After three epochs: cutting it off and adding zeros again gives the same state, bit for bit."""
    run = RunKey("v", 1, 250)
    task = StackTask("v", "v", FULL, RECIPE.resolve("binary", 250), (run,), ("m.keras",), np.arange(250))
    session = _Session(task, few_rows, storage, lambda event: None, {})
    while not session.is_done:
        session.train_chunk()
    own, wide = session.network.shapes(), session.program.network.shapes()
    assert own["weights"] == [(28, 5), (5,), (5, 20), (20,), (20, 1), (1,)]
    assert wide["weights"] == [(28, 16), (16,), (16, 32), (32,), (32, 1), (1,)]
    again = flatten_lanes(resized(resized(session.lanes, own), wide))
    for name, values in flatten_lanes(session.lanes).items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)
    tensors, _ = storage.read_tensors(storage.folder / session.checkpoint()().path)
    assert tensors["weights/0002"].shape == (1, 5, 20)
    assert tensors["best_weights/0002"].shape == (1, 5, 20)


def test_arrays_take_other_shapes_after_the_axis_of_lanes():
    """Zeros follow what is there; values of a shape that fits are not copied."""
    lanes = np.arange(12.0).reshape(2, 2, 3)
    wide = padding._resize(lanes, (4, 3))
    np.testing.assert_array_equal(wide[:, :2], lanes)
    assert not wide[:, 2:].any()
    np.testing.assert_array_equal(padding._resize(wide, (1, 2)), lanes[:, :1, :2])
    assert padding._resize(lanes, (2, 3)) is lanes


def test_two_recipes_are_two_programs(few_rows):
    """Widths are padded to the same program under one recipe only."""
    cache = {}

    def program_of(width, batch_size):
        recipe = resolved(batch_size=batch_size)
        run = RunKey(f"w{width}", 1, 250)
        task = StackTask("s", run.variant, mlp(width), recipe, (run,), ("",), np.arange(250))
        return program.stack_program(task, few_rows, cache)

    first = program_of(3, 100)
    assert program_of(16, 100) is first
    assert program_of(17, 100) is not first
    assert program_of(3, 50) is not first
