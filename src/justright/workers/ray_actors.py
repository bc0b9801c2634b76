"""A Ray actor as the coordinator sees it, and what the two say to each other before and after a task."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from justright.errors import InputError
from justright.runs.tasks import MeasureTask, StackTask, WorkerTask
from justright.workers.ray_worker import installed_versions
from justright.workers.watch import Watch

# A process that does not say within this time how long it has computed is stopped, or stuck in code that lets nothing
# else run. Asked only after a long silence; the coordinator waits meanwhile.
ANSWER_SECONDS = 5.0


@dataclass(slots=True)
class Actor:
    """A Ray actor: starting, idle, or performing `task` and streaming messages.

    Args:
        number: from 0, as messages name it.
        handle: Ray's.
        starting: the answer that makes it ready; None once it has come.
        watch: how long it has been silent: since it was asked for, was given work, or spoke.
    """

    number: int
    handle: Any
    starting: Any
    watch: Watch = field(default_factory=Watch)
    task: WorkerTask | None = None
    stream: Any = None

    @property
    def is_idle(self) -> bool:
        """Whether it waits for work."""
        return self.starting is None and self.task is None

    def begin(self) -> None:
        """Take down that its silence begins anew."""
        self.watch.begin(self.watch.processor_seconds)

    def hung_seconds(self, ray: Any) -> float | None:
        """Return how long it has been silent at work if that is too long, otherwise None."""

        def ask() -> float:
            try:
                return float(ray.get(self.handle.processor_seconds.remote(), timeout=ANSWER_SECONDS))
            except (
                ray.exceptions.RayError
            ):  # no answer in time, or it is dead, which its stream will tell, too
                return self.watch.processor_seconds

        return self.watch.hung_seconds(ask) if self.task else None


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that arrived as the bytes of its file, and saves itself as a Keras model does."""

    data: bytes

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(self.data)


def checkpoint_of(task: WorkerTask) -> str | None:
    """Return the checkpoint a task reads, relative to the study folder."""
    stack = task.stack if isinstance(task, MeasureTask) else task
    return stack.checkpoint if isinstance(stack, StackTask) else None


def check_versions(theirs: dict[str, str]) -> None:
    """Raise InputError unless a node has the versions that this process has."""
    for package, ours in installed_versions().items():
        if theirs[package] != ours:
            raise InputError(
                f"Every node of the Ray cluster must have the same {package}; this process has {ours}, a node "
                f"{theirs[package]}. Install {package}=={ours} on every node."
            )


def death_of(error: Exception) -> str:
    """Return Ray's own account of an error, without its advice, in one line."""
    text = " ".join(str(error).split())
    return text.rpartition("The actor is dead because ")[2].partition(" Some common causes")[0]
