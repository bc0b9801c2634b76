"""What the pool remembers of unfinished stacks, so that one whose worker dies continues on another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from justright.errors import InputError
from justright.runs.events import Event, RunFinished, RunKey, StackCheckpoint
from justright.runs.tasks import (
    BuildTask,
    MeasureTask,
    ReferenceTask,
    StackTask,
    WorkerTask,
    checkpoint_path,
)

# What a task other than a stack does, as its error message says.
WORK: dict[type, str] = {
    BuildTask: "Building the variants",
    MeasureTask: "Measuring the test rows or saving the models",
    ReferenceTask: "Training the reference model",
}
MAX_ATTEMPTS = 2  # a run whose worker dies is tried once more, then marked failed


@dataclass(slots=True)
class Attempts:
    """The last checkpoint of each stack, the runs that have ended, and how often a stack was started."""

    checkpoints: dict[str, StackCheckpoint] = field(default_factory=dict)
    ended: set[RunKey] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        """Take note of an event that has been stored."""
        if isinstance(event, StackCheckpoint):
            self.checkpoints[event.stack] = replace(event, blocks=(), finished=())
            self.ended |= {finished.run for finished in event.finished}

    def after_failure(self, task: WorkerTask, reason: str) -> WorkerTask | StackCheckpoint:
        """Return the task to try next, a stack from its last checkpoint, or the event that ends its runs as 'failed'.

        Raises:
            InputError: a task other than a stack failed twice: the study cannot go on without it.
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


def _name(task: WorkerTask) -> str:
    """Return the key under which a task's attempts are counted."""
    if isinstance(task, MeasureTask):
        return f"{type(task).__name__} {task.stack.name}"
    return task.name if isinstance(task, StackTask) else type(task).__name__
