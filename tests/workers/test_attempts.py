"""What happens to a stack whose worker dies, wherever it ran."""

from __future__ import annotations

import numpy as np
from tests.refusals import refusal

from justright.errors import FolderError, InputError
from justright.runs.events import RunFinished, RunKey, StackCheckpoint
from justright.runs.tasks import ReferenceTask, StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers.attempts import MAX_KILLS, Attempts
from justright.workers.worker import attempt

RUNS = (RunKey("Tiny", 0, 10), RunKey("Tiny", 1, 10))
TASK = StackTask(
    "Tiny-x2", "Tiny", mlp(16), Recipe(), RUNS, ("models/a.keras", "models/b.keras"), np.arange(10)
)


def failed(run, reason="it died"):
    """The outcome of a run that was given up."""
    return RunFinished(run, "failed", reason, 0, None, 0.0, {}, {}, {}, {})


def checkpoint(epoch, lanes=RUNS, ended=()):
    """A checkpoint event; its runs in `ended` have finished."""
    return StackCheckpoint("Tiny-x2", f"checkpoints/{epoch}", epoch, lanes, (), tuple(map(failed, ended)))


def test_a_stack_that_died_before_its_first_checkpoint_begins_anew():
    """Nothing is safe yet, so the very task is tried again."""
    assert Attempts().after_failure(TASK, "it died").checkpoint is None


def test_a_stack_that_died_goes_on_from_its_last_checkpoint():
    """The newest one, not the one it was started from."""
    attempts = Attempts()
    for epoch in (20, 40):
        attempts.note(checkpoint(epoch))
    assert attempts.after_failure(TASK, "it died").checkpoint == "checkpoints/40"


def test_a_stack_that_died_twice_ends_its_remaining_runs_as_failed():
    """A run that had ended keeps its outcome; the reason is that of the last death."""
    attempts = Attempts()
    attempts.note(checkpoint(20, ended=RUNS[:1]))
    attempts.after_failure(TASK, "it died")
    event = attempts.after_failure(TASK, "it died again")
    assert event.lanes == ()
    assert event.finished == (failed(RUNS[1], "it died again"),)


def test_a_stack_whose_worker_died_after_its_last_word_is_not_trained_again():
    """Every run had ended, and the checkpoint of a stack that is done does not exist."""
    attempts = Attempts()
    attempts.note(checkpoint(20, lanes=(), ended=RUNS))
    event = attempts.after_failure(TASK, "it died")
    assert (event.lanes, event.finished) == ((), ())


def test_a_reference_that_fails_twice_ends_the_study():
    """Without it verdicts would silently be other ones."""
    attempts = Attempts()
    assert attempts.after_failure(ReferenceTask(), "it died") == ReferenceTask()
    assert (
        refusal(attempts.after_failure, ReferenceTask(), "ValueError: no rows")
        == "Training the reference model failed twice: ValueError: no rows"
    )


def test_a_task_that_costs_every_worker_ends_the_study():
    """It may be tried more often than one that fails by itself, since others may have killed its workers."""
    attempts = Attempts()
    for _ in range(MAX_KILLS - 1):
        assert attempts.after_failure(ReferenceTask(), "killed", is_kill=True) == ReferenceTask()
    assert (
        refusal(attempts.after_failure, ReferenceTask(), "killed", is_kill=True)
        == "Training the reference model failed 5 times: killed"
    )


def test_bad_input_ends_the_study_and_anything_else_the_run():
    """So does a folder that cannot be written; the last ends only the run."""

    def raising(error):
        def perform(task):
            raise error

        return attempt(perform, TASK)

    assert attempt(lambda task: True, TASK) == ("done", True)
    assert raising(InputError("`units` must be positive.")) == ("refused", "`units` must be positive.")
    assert raising(FolderError("The disk is full.")) == ("unwritable", "The disk is full.")
    assert raising(ValueError("shapes differ"))[:2] == ("failed", "ValueError: shapes differ")


def test_a_stack_that_another_worker_takes_over_has_not_failed():
    """However often, from its last checkpoint; nothing is left of one that has ended, and other tasks are done again."""
    attempts = Attempts()
    assert attempts.resumed(TASK) == [TASK]
    attempts.note(checkpoint(20))
    for _ in range(MAX_KILLS):
        (again,) = attempts.resumed(TASK)
        assert again.checkpoint == "checkpoints/20"
    attempts.note(checkpoint(30, ended=RUNS))
    assert attempts.resumed(TASK) == []
    assert attempts.resumed(ReferenceTask()) == [ReferenceTask()]
