"""What runs in a Ray actor: a worker that reaches the study folder only through the messages it sends.

Its node may share no disk with the coordinator's. So the storage it trains with writes nothing: checkpoints leave
as arrays, models as the bytes of their files, each ahead of the event that makes it count.
"""

from __future__ import annotations

import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.runs.tasks import Storage, StudyRows, WorkerTask
from justright.workers.pool import Message
from justright.workers.worker import attempt, make_performer

# A worker waits when this many messages are unread; with what Ray holds, the most a slow coordinator keeps in memory.
UNREAD_MESSAGES = 4
# Packages whose versions decide what a curve looks like: the same everywhere, or nothing trains.
PACKAGES = ("justright", "keras", "jax", "numpy")
ROOT = Path("study")  # stands for the study folder, which is elsewhere; only paths below it mean anything

Checkpoint = tuple[Mapping[str, npt.NDArray[Any]], Mapping[str, str]]


class RayWorker:
    """Performs one task after the other, always in the same thread of its process.

    Args:
        rows: the study's rows.
    """

    def __init__(self, rows: StudyRows) -> None:
        self._rows = rows
        self._unread: queue.Queue[Message] = queue.Queue(maxsize=UNREAD_MESSAGES)
        self._stopping = threading.Event()
        # Always the same thread: Keras' settings (seed, floats, names) belong to one.
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._checkpoint: Checkpoint = ({}, {})
        self._perform: Callable[[WorkerTask], bool] | None = None

    def versions(self) -> dict[str, str]:
        """Return the versions on this node; answering at all means that the worker is ready."""
        return installed_versions()

    def stop(self) -> None:
        """Ask for a last checkpoint; answered while a task is under way."""
        self._stopping.set()

    def processor_seconds(self) -> float:
        """Return the processor time this process has used; answered while a task is under way, unless it is stuck."""
        return time.process_time()

    def perform(self, task: WorkerTask, checkpoint: Checkpoint | None) -> Iterator[tuple[float, Message]]:
        """Yield what happens in a task, each message with the processor time used so far; the last says how it went.

        Messages are ('event', event), ('tensors', path, arrays, metadata) and ('model', path, bytes), paths relative
        to the study folder, and at the end one of `attempt`.

        Args:
            task: what to do.
            checkpoint: what the task's checkpoint file holds; None when it begins anew.
        """
        self._checkpoint = checkpoint or ({}, {})
        future = self._thread.submit(self._run, task)
        while not (future.done() and self._unread.empty()):
            message = self._unread.get()
            yield self.processor_seconds(), message
            if message[0] not in ("event", "tensors", "model"):
                return

    def _run(self, task: WorkerTask) -> None:
        outcome: Message = ("failed", "The task left Python.", "")  # a model that raises SystemExit
        try:
            outcome = attempt(self._performer(), task)
        finally:
            self._unread.put(outcome)

    def _performer(self) -> Callable[[WorkerTask], bool]:
        if self._perform is None:
            storage = Storage(ROOT, self._send_tensors, self._sent_tensors, self._send_model)
            self._perform = make_performer(
                self._rows,
                storage,
                lambda event: self._unread.put(("event", event)),
                self._stopping.is_set,
            )
        return self._perform

    def _send_tensors(
        self, path: Path, tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]
    ) -> None:
        self._unread.put(("tensors", _relative(path), dict(tensors), dict(metadata)))

    def _sent_tensors(self, path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
        tensors, metadata = self._checkpoint
        # Ray's arrays are views of its shared memory, which nobody may write to.
        return {name: np.array(values) for name, values in tensors.items()}, dict(metadata)

    def _send_model(self, model: Any, path: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, path.name)
            model.save(file)
            self._unread.put(("model", _relative(path), file.read_bytes()))


def installed_versions() -> dict[str, str]:
    """Return the versions, in this environment, of the packages that decide what a curve looks like."""
    return {package: version(package) for package in PACKAGES}


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
