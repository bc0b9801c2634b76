"""Lanes that are computed together, with orders drawn in the program, as on an accelerator: the same things hold of them."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from tests.stacks import adam, assert_same_stack, stops_after

from justright.runs.events import StackProgress
from justright.runs.grid import measured_epochs
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training import program
from justright.training.orders import drawn_order, seed_keys
from justright.training.stacks import chunk_plans

# Everything that could be carried wrongly: dropout's randomness, moving statistics, a schedule, mixtures, lanes that end early.
BUILD = mlp(6, dropout=0.3, batch_normalization=True)
RECIPE = Recipe(*(100, 43, 4, None, adam(0.02)), batch_orders="device", mixup=0.2)
SEEDS = (0, 1, 2)
NAME = "Together"
TOLERANCE = 2e-5  # the order of float32 sums


@pytest.fixture(scope="module")
def programs():
    """Compiled programs, shared by the runs of this file."""
    return {}


@pytest.fixture(scope="module")
def whole(few_rows, train, programs):
    """The stack trained without interruption."""
    return train(BUILD, few_rows, RECIPE, seeds=SEEDS, name=NAME, cache=programs, together=True)


def test_the_stack_tests_what_it_should(whole):
    """Lanes end at different epochs, some by patience, while others go on."""
    ends = {seed: ended.epochs for seed, ended in whole.finished.items()}
    assert len(set(ends.values())) > 1
    assert {ended.outcome for ended in whole.finished.values()} >= {"stopped early"}


@pytest.mark.parametrize(("seconds", "most"), [(0.0, 256), (1e9, 5), (1e9, 43)])
def test_the_length_of_chunks_changes_nothing(seconds, most, whole, few_rows, train, programs, monkeypatch):
    """One epoch a chunk, five, or as many as there are slots for."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", seconds)
    monkeypatch.setattr(chunk_plans, "MAX_CHUNK_EPOCHS", most)
    ours = train(BUILD, few_rows, RECIPE, seeds=SEEDS, name=NAME, cache=programs, together=True)
    assert_same_stack(ours, whole)


def test_a_chunk_ends_where_no_more_row_losses_can_be_kept(few_rows, train, monkeypatch):
    """The first 20 epochs are all on the grid; the losses of each of them are kept, in as many chunks as that takes."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(chunk_plans, "SLOTS", 8)
    monkeypatch.setattr(program, "SLOTS", 8)
    recipe = Recipe(250, 24, None, batch_orders="device")
    ours = train(mlp(4), few_rows, recipe, together=True)
    assert [event.epoch for event in ours.events if isinstance(event, StackProgress)] == [1, 2, 3, 11, 19, 24]
    grid = np.flatnonzero(measured_epochs(0, 24)).tolist()
    for epoch in grid:
        losses = ours.row_losses[0, "validation", epoch]
        mean = ours.curves[0]["val_binary_crossentropy"][epoch]
        np.testing.assert_allclose(losses.mean(dtype=np.float64), mean, rtol=1e-6)


@pytest.mark.parametrize("after", [1, 2, 4])
def test_going_on_from_a_checkpoint_changes_nothing(after, whole, few_rows, train, programs, monkeypatch):
    """Stopped after some chunks, gone on in a new session: together exactly the uninterrupted stack."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(chunk_plans, "MAX_CHUNK_EPOCHS", 4)
    options = {"seeds": SEEDS, "name": NAME, "together": True}
    first = train(BUILD, few_rows, RECIPE, cache=programs, is_stopping=stops_after(after), **options)
    assert not first.is_done
    last = first.checkpoints[-1]
    second = train(BUILD, few_rows, RECIPE, cache={}, folder=first.folder, checkpoint=last.path, **options)
    assert second.is_done
    both = type(first)([*first.events, *second.events], is_done=True, folder=first.folder)
    assert_same_stack(both, whole)


def test_checkpoints_while_the_device_goes_on_change_nothing(whole, few_rows, train, programs, monkeypatch):
    """One after each chunk, each written while the next one trains; each holds what its event says."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", 0.0)
    options = {"seeds": SEEDS, "name": NAME, "together": True, "checkpoint_seconds": 0.0}
    ours = train(BUILD, few_rows, RECIPE, cache=programs, **options)
    assert len(ours.checkpoints) > 4
    assert_same_stack(ours, whole)
    middle = ours.checkpoints[len(ours.checkpoints) // 2]
    rest = train(
        BUILD, few_rows, RECIPE, cache=programs, folder=ours.folder, checkpoint=middle.path, **options
    )
    before = [event for event in ours.events if getattr(event, "epoch", 0) <= middle.epoch]
    until = before[: before.index(middle) + 1]
    assert_same_stack(type(ours)([*until, *rest.events], is_done=True, folder=ours.folder), whole)


def test_a_lane_does_not_depend_on_those_beside_it(whole, few_rows, train):
    """Seed 1 alone and between two others, up to the order of float32 sums."""
    alone = train(BUILD, few_rows, RECIPE, seeds=(1,), name=NAME, together=True)
    curve, other = (one.curves[1]["val_loss"] for one in (alone, whole))
    np.testing.assert_allclose(curve, other, rtol=TOLERANCE)


def test_row_losses_and_fixed_rows_are_those_of_the_grid(whole):
    """As everywhere."""
    for seed in SEEDS:
        epochs = len(whole.curves[seed]["loss"])
        grid = np.flatnonzero(measured_epochs(0, epochs)).tolist()
        last = {whole.finished[seed].best_epoch, epochs - 1}
        kept = [epoch for run, kind, epoch in whole.row_losses if (run, kind) == (seed, "validation")]
        assert set(kept) == {*grid, *last}
        fixed = whole.curves[seed]["fixed_binary_crossentropy"]
        assert np.isfinite(fixed).nonzero()[0].tolist() == grid
        for epoch in grid:
            losses = whole.row_losses[seed, "validation", epoch]
            mean = whole.curves[seed]["val_binary_crossentropy"][epoch]
            np.testing.assert_allclose(losses.mean(dtype=np.float64), mean, rtol=1e-6)


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_curves_are_those_of_a_plain_keras_loop(l2, few_rows, train, plain_keras):
    """Same weights, and the orders that the device draws."""
    recipe = Recipe(batch_size=100, max_epochs=5, patience=None, batch_orders="device")
    keras.utils.set_random_seed(0)
    model = mlp(6, 5, l2=l2)(28, 1)
    (words,) = seed_keys((0,))
    theirs = plain_keras(
        *(model, few_rows, recipe),
        order_of=lambda seed, epoch, rows: np.asarray(drawn_order(words, epoch, rows)),
        optimizer=keras.optimizers.deserialize(recipe.resolve("binary", 250).optimizer),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[
            keras.metrics.BinaryCrossentropy(from_logits=True, name="binary_crossentropy"),
            keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy"),
        ],
    )
    ours = train(mlp(6, 5, l2=l2), few_rows, recipe, seeds=(0, 1), together=True).curves[0]
    for name in ("loss", "val_loss", "binary_crossentropy", "val_binary_crossentropy", "val_accuracy"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=TOLERANCE, err_msg=name)


def test_a_settled_run_ends_as_it_does_on_a_processor(few_rows, train):
    """The rule looks at all epochs' losses row by row, so none is left on the device."""
    recipe = Recipe(batch_size=100, max_epochs=300, patience=200, stop="settled", batch_orders="device")
    build = mlp(16)
    together = train(build, few_rows, recipe, seeds=(0, 1), together=True)
    one_by_one = train(build, few_rows, recipe, seeds=(0, 1))
    ends = [
        {seed: (one.epochs, one.outcome) for seed, one in each.finished.items()}
        for each in (together, one_by_one)
    ]
    assert ends[0] == ends[1]
    assert "settled" in together.finished[0].reason or together.finished[0].epochs < 300


def test_orders_of_the_device_can_be_drawn_on_a_processor_too(few_rows, train):
    """One lane after the other gives the same curve, mixtures included."""
    recipe = Recipe(100, 4, None, batch_orders="device", mixup=0.2)
    one, other = (
        train(mlp(5), few_rows, recipe, seeds=(3,), together=kind).curves[3] for kind in (True, False)
    )
    np.testing.assert_allclose(one["val_loss"], other["val_loss"], rtol=TOLERANCE)


def test_bfloat16_products_of_lanes_are_near_those_of_float32(few_rows, train):
    """They stay in bfloat16 between layers: within what 8 bits allow, and not the same."""
    recipe = Recipe(batch_size=100, max_epochs=3, patience=None, batch_orders="device")
    curves = [
        train(mlp(64, 64), few_rows, replace(recipe, precision=precision), together=True).curves[0][
            "val_loss"
        ]
        for precision in ("float32", "bfloat16")
    ]
    np.testing.assert_allclose(*curves, rtol=0.02)
    assert not np.array_equal(*curves)
