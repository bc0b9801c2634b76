"""What every executor remembers of stacks under way, so that one whose worker dies goes on elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from justright.engine.events import Event, RunFinished, RunKey, StackCheckpoint
from justright.engine.tasks import StackTask, WorkerTask, checkpoint_path
from justright.errors import InputError, JustrightError

MAX_ATTEMPTS = 2  # a run whose worker dies is tried once more, then marked failed


@dataclass(slots=True)
class Attempts:
    """The last checkpoint of each stack, the runs that have ended, and how often a stack was begun."""

    checkpoints: dict[str, str] = field(default_factory=dict)
    ended: set[RunKey] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        """Take down an event that its sinks have taken: what it says is safe."""
        if isinstance(event, StackCheckpoint):
            self.checkpoints[event.stack] = event.path
            self.ended |= {finished.run for finished in event.finished}

    def after_failure(self, task: WorkerTask, reason: str) -> StackTask | StackCheckpoint:
        """Return the task to try next, from the stack's last checkpoint, or the event that ends its runs as 'failed'.

        Raises:
            InputError: the task is no stack: without it the study cannot go on.
        """
        if not isinstance(task, StackTask):
            raise InputError(f"{type(task).__name__} failed: {reason}")
        attempts = self.counts[task.name] = self.counts.get(task.name, 1) + 1
        left = [run for run in task.runs if run not in self.ended]  # none: it died after its last word
        if left and attempts <= MAX_ATTEMPTS:
            return replace(task, checkpoint=self.checkpoints.get(task.name) or task.checkpoint)
        failed = tuple(RunFinished(run, "failed", reason, 0, -1, 0.0, {}, {}, {}, {}) for run in left)
        return StackCheckpoint(task.name, checkpoint_path(task.name, 0), 0, (), (), failed)


def attempt(perform: Callable[[WorkerTask], bool], task: WorkerTask) -> tuple[Any, ...]:
    """Return how a task went, as the message a worker sends: ('done', ended), ('refused', text) or ('failed', text, trace).

    `refused` means that something in the study cannot be used; `failed`, that trying again may help.
    """
    import traceback

    try:
        return "done", perform(task)
    except JustrightError as error:
        return "refused", str(error)
    except Exception as error:  # noqa: BLE001  # a user's model may raise anything: the run fails, the study goes on
        return "failed", f"{type(error).__name__}: {error}", traceback.format_exc()
