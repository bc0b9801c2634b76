"""The state of a study as its events tell it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from justright.records.reader import RunRecord
from justright.runs.events import RunKey, RunStarted
from justright.session.views.progress import TRAIL_POINTS, StudyProgress


def state_of(progress, name, seed=0):
    """Return one run's state."""
    return progress.variants[name].runs[RunKey(name, seed, 10_000)]


def test_a_run_goes_from_waiting_to_its_end(make):
    """Waiting, compiling, training, and the outcome that came inside a checkpoint."""
    progress = StudyProgress(make.study())
    states = [state_of(progress, "Tiny").state]
    for event in (
        RunStarted(RunKey("Tiny", 0, 10_000), 0, "w"),
        make.progress("Tiny", 20, 3.0),
        make.end("Tiny", "stopped early"),
        make.progress("Tiny", 420, 9.0),
    ):
        progress.handle(event)
        states.append(state_of(progress, "Tiny").state)
    assert states == ["waiting", "compiling", "training", "stopped early", "stopped early"]
    assert state_of(progress, "Tiny").best_epoch == 299


def test_runs_of_other_studies_are_passed_over(make):
    """A folder may hold variants that this study does not train."""
    progress = StudyProgress(make.study())
    progress.handle(make.progress("Other", 20, 3.0))
    progress.handle(make.end("Other", "finished"))
    assert set(progress.variants) == set(make.names)


def test_time_left_is_unknown_until_every_variant_has_shown_its_pace(make):
    """One report includes compilation; the second one tells the pace."""
    progress = StudyProgress(make.study())
    for name in make.names:
        progress.handle(make.progress(name, 100, 10.0))
        assert progress.seconds_left() is None
    for name in make.names:
        progress.handle(make.progress(name, 200, 20.0, waited=40))
    # 0.1 s per epoch, three at a time: 60 epochs of patience left, 800 epochs to the limit.
    assert progress.seconds_left() == pytest.approx((6.0, 80.0))


def test_time_left_covers_runs_that_wait(make):
    """A second seed of a variant is counted at the pace of the first."""
    progress = StudyProgress(make.study(seeds=2, patience=None))
    for epoch in (100, 200):
        for name in make.names:
            progress.handle(make.progress(name, epoch, epoch / 10))
    # Three stacks with 800 epochs left and three runs of 1,000 epochs, at 0.1 s, three at a time.
    assert progress.seconds_left() == pytest.approx((180.0, 180.0))


def test_nothing_is_left_when_all_runs_are_over(make):
    """No estimate for a study that has ended."""
    progress = StudyProgress(make.study())
    for name in make.names:
        progress.handle(make.end(name, "finished"))
    assert progress.seconds_left() is None


def test_a_trail_stays_short(make):
    """Memory does not grow with the number of reports."""
    progress = StudyProgress(make.study(max_epochs=10**6))
    for epoch in range(1, 5_000):
        progress.handle(make.progress("Tiny", epoch, epoch / 10))
    trail = progress.variants["Tiny"].trail
    assert TRAIL_POINTS / 2 - 1 <= len(trail) < TRAIL_POINTS
    assert min(trail) == pytest.approx(0.6, abs=0.01)


def test_runs_that_the_folder_holds_count_as_ended(make):
    """A notebook that runs again from its top trains nothing: it must not look as if all waited."""
    recorded = RunRecord(
        RunKey("Tiny", 0, 10_000),
        worker="w",
        outcome="stopped early",
        reason="",
        epochs=400,
        best_epoch=299,
        train_seconds=1.0,
        best={},
        last={"binary_crossentropy": 0.5, "val_binary_crossentropy": 0.7},
        test={},
        test_last={},
        model_path=None,
    )
    unfinished = replace(recorded, run=RunKey("Large", 0, 10_000), outcome=None)
    other = replace(recorded, run=RunKey("Other", 0, 10_000))
    progress = StudyProgress(make.study())
    progress.take_recorded([recorded, unfinished, other])
    state = state_of(progress, "Tiny")
    assert (state.state, state.epoch, state.best_epoch) == ("stopped early", 400, 299)
    assert (state.train, state.validation) == (0.5, 0.7)
    assert state_of(progress, "Large").state == "waiting"
