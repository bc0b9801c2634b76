"""One stack, however it is cut into chunks and sessions: the same numbers, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tests.stacks import assert_same_stack, stops_after

from justright.runs.events import RunStarted, StackProgress
from justright.runs.grid import measured_epochs
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training.stacks import chunk_plans, stack

# Everything that could be carried wrongly: dropout's randomness, moving statistics, a schedule, lanes that end early.
BUILD = mlp(6, dropout=0.3, batch_normalization=True)
RECIPE = Recipe(batch_size=100, max_epochs=23, patience=7)
SEEDS = (0, 1, 2)
NAME = "Stacked"


@pytest.fixture(scope="module")
def programs():
    """Compiled programs, shared by the runs of this file."""
    return {}


@pytest.fixture(scope="module")
def whole(few_rows, train, programs):
    """The stack trained without interruption."""
    return train(BUILD, few_rows, RECIPE, seeds=SEEDS, name=NAME, cache=programs)


@pytest.mark.parametrize(("seconds", "most"), [(0.0, 256), (1e9, 5), (1e9, 23)])
def test_the_length_of_chunks_changes_nothing(seconds, most, whole, few_rows, train, programs, monkeypatch):
    """One epoch a chunk, five, or all that are left: curves, row losses and ends are bit-identical."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", seconds)
    monkeypatch.setattr(chunk_plans, "MAX_CHUNK_EPOCHS", most)
    ours = train(BUILD, few_rows, RECIPE, seeds=SEEDS, name=NAME, cache=programs)
    chunks = [event.epoch for event in ours.events if isinstance(event, StackProgress)]
    # The first chunk compiles, the second finds out how long an epoch takes.
    expected = list(range(1, 24)) if seconds == 0 else [1, 2, *range(2 + most, 23, most), 23]
    last = chunks[-1]  # of the most patient lane
    assert chunks == [*(epoch for epoch in expected if epoch < last), last]
    assert_same_stack(ours, whole)


@pytest.mark.parametrize("after", [1, 2, 4])
def test_going_on_from_a_checkpoint_changes_nothing(after, whole, few_rows, train, programs, monkeypatch):
    """Stopped after some chunks, gone on in a new session: together exactly the uninterrupted stack."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(chunk_plans, "MAX_CHUNK_EPOCHS", 4)
    options = {"seeds": SEEDS, "name": NAME}
    first = train(BUILD, few_rows, RECIPE, cache=programs, is_stopping=stops_after(after), **options)
    assert not first.is_done
    last = first.checkpoints[-1]
    assert (first.folder / last.path).is_file()
    second = train(BUILD, few_rows, RECIPE, cache={}, folder=first.folder, checkpoint=last.path, **options)
    assert second.is_done
    started = [event for event in second.events if isinstance(event, RunStarted)]
    assert {event.epoch for event in started} == {last.epoch}
    both = type(first)([*first.events, *second.events], is_done=True, folder=first.folder)
    assert_same_stack(both, whole)


def test_a_checkpoint_is_written_whenever_it_is_due(few_rows, train, programs):
    """With no time between checkpoints, each chunk is safe before the next one starts."""
    ours = train(BUILD, few_rows, RECIPE, seeds=SEEDS, name=NAME, cache=programs, checkpoint_seconds=0.0)
    reports = [event.epoch for event in ours.events if isinstance(event, StackProgress)]
    assert [event.epoch for event in ours.checkpoints] == reports


def test_no_more_training_than_promised_lies_between_checkpoints(few_rows, train, programs, monkeypatch):
    """A kill costs at most that: the state is written before a chunk that would end too late, and not after it."""
    clock, chunk = [0.0], stack._Session.train_chunk

    def two_seconds(session):
        chunk(session)
        clock[0] += 2.0

    monkeypatch.setattr(stack, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(stack._Session, "train_chunk", two_seconds)
    ours = train(BUILD, few_rows, RECIPE, seeds=SEEDS, name=NAME, cache=programs, checkpoint_seconds=5.0)
    at = {event.epoch: event.seconds for event in ours.events if isinstance(event, StackProgress)}
    written = [at[event.epoch] for event in ours.checkpoints if event.lanes]
    assert set(np.diff([0.0, *written])) <= {2.0, 4.0}  # six seconds would be more than five
    assert written[0] == 4.0


def test_validation_rows_are_kept_on_the_grid(whole):
    """Row by row at every measured epoch, and their mean is the curve's value there."""
    for seed, ended in whole.finished.items():
        grid = np.flatnonzero(measured_epochs(0, ended.epochs)).tolist()
        kept = [epoch for run, kind, epoch in whole.row_losses if (run, kind) == (seed, "validation")]
        assert set(grid) <= set(kept) <= {*grid, ended.best_epoch, ended.epochs - 1}
        for epoch in kept:
            mean = whole.row_losses[seed, "validation", epoch].mean(dtype=np.float64)
            np.testing.assert_allclose(mean, whole.curves[seed]["val_binary_crossentropy"][epoch], rtol=1e-6)


def test_fixed_rows_are_measured_on_the_grid_only(whole):
    """NaN elsewhere: nobody mistakes a missing measurement for a number."""
    for seed, curves in whole.curves.items():
        grid = measured_epochs(0, whole.finished[seed].epochs)
        np.testing.assert_array_equal(np.isfinite(curves["fixed_binary_crossentropy"]), grid)


def test_fewer_training_rows_are_the_first_of_them(few_rows, train):
    """A training size is a prefix of the training rows: the same as a table that has no others."""
    recipe = Recipe(batch_size=60, max_epochs=2, patience=None, optimizer=None)
    part = train(mlp(3), few_rows, recipe, train_rows=120)
    short = replace(few_rows, train=tuple(values[:120] for values in few_rows.train))
    optimizer = recipe.resolve("binary", 250).optimizer  # its schedule counts steps of the whole split
    alone = train(mlp(3), short, replace(recipe, optimizer=optimizer))
    np.testing.assert_array_equal(part.curves[0]["val_loss"], alone.curves[0]["val_loss"])
