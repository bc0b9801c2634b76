"""The worker in a Ray actor, which reaches the study folder only through its messages.

Its node may not share a disk with the coordinator, so its storage writes nothing: checkpoints are sent as arrays and
models as the bytes of their files, each before the event that makes it count.
"""

from __future__ import annotations

import pickle
import queue
import tempfile
import threading
import time
import traceback
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

# A worker waits when this many messages are unread; with Ray's own buffer, this limits the memory of a slow coordinator.
UNREAD_MESSAGES = 4
# Packages whose versions affect curves: nothing trains unless they are the same everywhere.
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
        """Ask for a last checkpoint; answered even during a task."""
        self._stopping.set()

    def processor_seconds(self) -> float:
        """Return the processor time of this process; answered even during a task, unless it is stuck."""
        return time.process_time()

    def perform(self, task: bytes, checkpoint: Checkpoint | None) -> Iterator[tuple[float, Message]]:
        """Yield the messages of a task, each with the processor time used so far; the last says how it ended.

        Messages are ('event', event), ('tensors', path, arrays, metadata) and ('model', path, bytes, what it is), paths
        relative to the study folder, and at the end one of `attempt`.

        Args:
            task: what to do, as cloudpickle wrote it.
            checkpoint: the content of the task's checkpoint file; None if the task begins again.
        """
        self._checkpoint = checkpoint or ({}, {})
        future = self._thread.submit(self._run, task)
        while not (future.done() and self._unread.empty()):
            message = self._unread.get()
            yield self.processor_seconds(), message
            if message[0] not in ("event", "tensors", "model"):
                return

    def _run(self, pickled: bytes) -> None:
        outcome: Message = ("failed", "The task left Python.", "")  # a model that raises SystemExit
        try:
            # Only the coordinator's driver can call this actor.
            task = pickle.loads(pickled)  # noqa: S301  # see above
            outcome = attempt(self._performer(), task)
        except Exception as error:  # noqa: BLE001  # what this node cannot import
            outcome = "failed", f"{type(error).__name__}: {error}", traceback.format_exc()
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
        # Ray's arrays are views of its shared memory, which is read-only.
        return {name: np.array(values) for name, values in tensors.items()}, dict(metadata)

    def _send_model(self, model: Any, path: Path, about: Mapping[str, Any]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, path.name)
            model.save(file)
            self._unread.put(("model", _relative(path), file.read_bytes(), dict(about)))


def installed_versions() -> dict[str, str]:
    """Return the versions, in this environment, of the packages that affect curves."""
    return {package: version(package) for package in PACKAGES}


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
