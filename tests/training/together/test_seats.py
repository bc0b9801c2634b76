"""More runs than lanes: one that waits takes the lane of one that has ended, and trains as it would have from the start."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from tests.training.together.mixed_stacks import (
    MASKS,
    PENALTIES,
    TOLERANCE,
    assert_same_runs,
    found_in,
)

from justright.runs.events import StackProgress
from justright.training.stacks import chunk_plans

SEEDS = (1, 2, 3)
LANES = 2
# Host orders and mixtures; some runs reach the limit while others go on.
HOST = {
    name: (build, replace(recipe, batch_orders="host", mixup=0.2, max_epochs=9, patience=3))
    for name, (build, recipe) in PENALTIES.items()
}
LIMITED = {name: (build, replace(recipe, max_epochs=10)) for name, (build, recipe) in MASKS.items()}


def seated(stacks, variants, lanes=LANES):
    """Return a stack of all seeds of some variants with few lanes."""
    task = stacks.task(variants, SEEDS)
    return task.seated(task.runs[:lanes], task.runs[lanes:])


def in_turn(stacks, variants):
    """Return the same runs trained in stacks of as many lanes, one after the other, in which nobody waits."""
    task = stacks.task(variants, SEEDS)
    parts = [task.runs[start : start + LANES] for start in range(0, len(task.runs), LANES)]
    found = [stacks.train(replace(task.seated(part, ()), name=f"s{part[0]}")) for part in parts]
    return found_in([event for one in found for event in one.checkpoints], found[0].folder)


@pytest.mark.parametrize("variants", [PENALTIES, LIMITED, HOST])
def test_a_run_in_the_lane_of_another_is_the_same_run(variants, stacks):
    """Bit by bit: its epochs, the losses of rows on the grid, when it ends and why."""
    task = seated(stacks, variants)
    ours = stacks.train(task)
    assert set(ours.finished) == set(task.all_runs)
    ends = {one.epochs for one in ours.finished.values()}
    assert len(ends) > 1
    assert_same_runs(ours, in_turn(stacks, variants), task.all_runs)


def test_some_reach_the_limit_while_others_go_on(stacks):
    """Which is what the test above needs."""
    found = stacks.train(seated(stacks, LIMITED)).finished.values()
    assert {one.outcome for one in found} == {"finished", "stopped early"}


@pytest.mark.parametrize("variants", [PENALTIES, LIMITED])
def test_the_length_of_chunks_changes_nothing(variants, stacks, monkeypatch):
    """Nor does it matter whether a lane is free at once, or at the end of a chunk."""
    task = seated(stacks, variants)
    whole = stacks.train(task)
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", 0.0)
    assert_same_runs(stacks.train(task), whole, task.all_runs)


@pytest.mark.parametrize("variants", [PENALTIES, LIMITED])
def test_cut_off_after_every_chunk_it_ends_the_same(variants, stacks):
    """Each time in a new session, from the last checkpoint, whose runs may be other ones than the task's."""
    task = seated(stacks, variants)
    whole = stacks.train(task)
    found, sessions = stacks.train_cut_off(task)
    assert sessions > 5
    assert_same_runs(found, whole, task.all_runs)


def test_runs_that_left_go_on_where_a_limit_ended_them(stacks):
    """With a higher limit, those in the last checkpoint and those that were parked: as float32 does among fewer lanes."""
    task, theirs = stacks.task(MASKS, SEEDS), in_turn(stacks, MASKS)
    first = stacks.train(seated(stacks, LIMITED))
    left = [*(one for event in first.checkpoints for one in event.parked), first.checkpoints[-1]]
    assert sorted(run for event in left for run in event.lanes) == sorted(task.runs)
    assert len(left) > 2
    at_limit = [run for run, ended in first.finished.items() if ended.outcome == "finished"]
    for event in left:
        if not set(at_limit).intersection(event.lanes):
            continue
        more = replace(task.seated(event.lanes, ()), name=event.stack, checkpoint=event.path)
        second = stacks.train(more, folder=first.folder)
        for run in set(at_limit).intersection(event.lanes):
            assert second.finished[run].epochs == theirs.finished[run].epochs
            values, expected = (one.curves[run]["val_loss"] for one in (second, theirs))
            np.testing.assert_allclose(values, expected[10:], rtol=TOLERANCE, err_msg=str(run))


def test_every_run_is_saved_and_told(stacks, few_rows):
    """With its own weights, also where its lane has been another's since; the live view gets its own epochs."""
    found = stacks.train(seated(stacks, PENALTIES))
    for ended in found.finished.values():
        model = keras.models.load_model(found.folder / ended.model_path)
        logits = model.predict(few_rows.test[0], verbose=0)[:, 0].astype(np.float64)
        losses = np.logaddexp(0.0, logits) - few_rows.test[1] * logits
        np.testing.assert_allclose(losses.mean(), ended.test["binary_crossentropy"], rtol=1e-5)
    last = [event for event in found.events if isinstance(event, StackProgress)][-1]
    assert all(last.epochs[run] < last.epoch for run in last.runs)
    assert sum(ended.train_seconds for ended in found.finished.values()) > 0


def test_fewer_lanes_compute_in_vain(stacks, monkeypatch):
    """The stack ends sooner than stacks of as many lanes one after the other, of which each waits for its longest run."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", 0.0)
    ours, theirs = stacks.train(seated(stacks, PENALTIES)), in_turn(stacks, PENALTIES)
    runs = stacks.task(PENALTIES, SEEDS).runs
    longest = [
        max(theirs.finished[run].epochs for run in runs[start : start + LANES])
        for start in range(0, len(runs), LANES)
    ]
    last = [event for event in ours.events if isinstance(event, StackProgress)][-1]
    assert last.epoch < sum(longest)
