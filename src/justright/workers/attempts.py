"""What every executor remembers of stacks under way, so that one whose worker dies goes on elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from justright.errors import FolderError, InputError, JustrightError
from justright.runs.events import Event, RunFinished, RunKey, StackCheckpoint
from justright.runs.tasks import (
    BuildTask,
    MeasureTask,
    ReferenceTask,
    StackTask,
    WorkerTask,
    checkpoint_path,
)

# What a task that is no stack does, as its error says it.
WORK: dict[type, str] = {
    BuildTask: "Building the variants",
    MeasureTask: "Measuring the test rows or saving the models",
    ReferenceTask: "Training the reference model",
}
MAX_ATTEMPTS = 2  # a run whose worker dies is tried once more, then marked failed


@dataclass(slots=True)
class Attempts:
    """The last checkpoint of each stack, the runs that have ended, and how often a stack was begun."""

    checkpoints: dict[str, StackCheckpoint] = field(default_factory=dict)
    ended: set[RunKey] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        """Take down an event that its sinks have taken: what it says is safe."""
        if isinstance(event, StackCheckpoint):
            self.checkpoints[event.stack] = replace(event, blocks=(), finished=())
            self.ended |= {finished.run for finished in event.finished}

    def after_failure(self, task: WorkerTask, reason: str) -> WorkerTask | StackCheckpoint:
        """Return the task to try next, a stack from its last checkpoint, or the event that ends its runs as 'failed'.

        Raises:
            InputError: the task failed twice and is no stack: without it the study cannot go on.
        """
        name = _name(task)
        attempts = self.counts[name] = self.counts.get(name, 1) + 1
        if not isinstance(task, StackTask):
            if attempts <= MAX_ATTEMPTS:
                return task
            raise InputError(f"{WORK[type(task)]} failed twice: {reason}")
        last = self.checkpoints.get(task.name)
        left = [run for run in task.runs if run not in self.ended]
        if last and not left:  # it died after its last word
            return last
        if attempts <= MAX_ATTEMPTS:
            return replace(task, checkpoint=last.path if last else task.checkpoint)
        failed = tuple(RunFinished(run, "failed", reason, 0, None, 0.0, {}, {}, {}, {}) for run in left)
        return StackCheckpoint(task.name, checkpoint_path(task.name, 0), 0, (), (), failed)


def raise_refusal(kind: str, text: str) -> None:
    """Raise what a worker's 'refused' or 'unwritable' means; other words mean nothing here.

    Raises:
        InputError: something in the study cannot be used.
        FolderError: the study folder cannot be read or written any more.
    """
    if kind == "refused":
        raise InputError(text)
    if kind == "unwritable":
        raise FolderError(text)


def _name(task: WorkerTask) -> str:
    """Return what a task's attempts are counted under."""
    if isinstance(task, MeasureTask):
        return f"{type(task).__name__} {task.stack.name}"
    return task.name if isinstance(task, StackTask) else type(task).__name__


def attempt(perform: Callable[[WorkerTask], bool], task: WorkerTask) -> tuple[Any, ...]:
    """Return how a task went, as the message a worker sends: a word and what belongs to it.

    ('done', ended); ('refused', text): something in the study cannot be used; ('unwritable', text): the study folder
    cannot; ('failed', text, trace): trying again may help.
    """
    import traceback

    try:
        return "done", perform(task)
    except FolderError as error:
        return "unwritable", str(error)
    except JustrightError as error:
        return "refused", str(error)
    except Exception as error:  # noqa: BLE001  # a user's model may raise anything: the run fails, the study goes on
        return "failed", f"{type(error).__name__}: {error}", traceback.format_exc()
