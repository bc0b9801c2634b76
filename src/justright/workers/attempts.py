"""What the pool remembers of unfinished stacks, so that one whose worker dies continues on another."""

from __future__ import annotations

from collections import Counter
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
# A task that raises, hangs or ends its worker is tried once more: another time it would do the same.
MAX_FAILURES = 2
# A worker that is killed may be anybody's victim: an operator's, a lost node's, or that of the system when memory runs out.
# Only a task whose workers are killed so often in a row, without getting any further, counts as the cause.
MAX_KILLS = 5


@dataclass(slots=True)
class Attempts:
    """The last checkpoint of each stack, the runs that have ended, and how often a task has failed or lost its worker."""

    checkpoints: dict[str, StackCheckpoint] = field(default_factory=dict)
    ended: set[RunKey] = field(default_factory=set)
    failures: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)

    def note(self, event: Event) -> None:
        """Take note of an event that has been stored; a stack that gets further may lose as many workers again."""
        if isinstance(event, StackCheckpoint):
            last = self.checkpoints.get(event.stack)
            if last and event.epoch > last.epoch:
                del self.kills[event.stack]
            self.checkpoints[event.stack] = replace(event, blocks=(), finished=(), parked=())
            self.ended |= {finished.run for finished in event.finished}

    def after_failure(
        self, task: WorkerTask, reason: str, *, is_kill: bool = False
    ) -> WorkerTask | StackCheckpoint:
        """Return the task to try next, a stack from its last checkpoint, or the event that ends its runs as 'failed'.

        Args:
            task: what a worker did not bring to its end.
            reason: why.
            is_kill: whether its worker was killed, perhaps from outside.

        Raises:
            InputError: a task other than a stack failed too often: the study cannot go on without it.
        """
        name = _name(task)
        counts, most = (self.kills, MAX_KILLS) if is_kill else (self.failures, MAX_FAILURES)
        counts[name] += 1
        may_try = counts[name] < most
        if not isinstance(task, StackTask):
            if may_try:
                return task
            times = "twice" if most == MAX_FAILURES else f"{most} times"
            raise InputError(f"{WORK[type(task)]} failed {times}: {reason}")
        last = self.checkpoints.get(task.name)
        left = [run for run in task.all_runs if run not in self.ended]
        if last and not left:  # it died after its last word
            return last
        if may_try:
            return self._from_checkpoint(task)
        failed = tuple(RunFinished(run, "failed", reason, 0, None, 0.0, {}, {}, {}, {}) for run in left)
        return StackCheckpoint(task.name, checkpoint_path(task.name, 0), 0, (), (), failed)

    def resumed(self, task: WorkerTask) -> list[WorkerTask]:
        """Return the task as another worker goes on with it, which counts as no failure; nothing of a stack that has ended."""
        if not isinstance(task, StackTask):
            return [task]
        return [] if self.ended.issuperset(task.all_runs) else [self._from_checkpoint(task)]

    def _from_checkpoint(self, task: StackTask) -> StackTask:
        last = self.checkpoints.get(task.name)
        return replace(task, checkpoint=last.path if last else task.checkpoint)


def _name(task: WorkerTask) -> str:
    """Return the key under which a task's attempts are counted."""
    if isinstance(task, MeasureTask):
        return f"{type(task).__name__} {task.stack.name}"
    return task.name if isinstance(task, StackTask) else type(task).__name__
