"""Worker processes that stay for a minute after a study and train the next one, so that it starts at once.

Starting a worker takes seconds, most of it importing Keras and JAX. A program that trains many small studies, such as a
cross-validation, would spend nearly all of its time on that.
"""

from __future__ import annotations

import atexit
import os
import threading
from typing import Any

from justright.runs.place import available_cores
from justright.runs.tasks import Storage, StudyRows
from justright.workers.processes import (
    Processes,
    WorkerProcess,
    cores_of,
    end_process,
    send_bytes,
    worker_variables,
)
from justright.workers.worker import REST

# A worker that has started already gets a copy of the rows, of which a new one would map the memory.
MAX_COPIED_BYTES = 64 << 20
# Variables that JAX reads when it starts: a worker that started under others is not taken.
PREFIXES = ("CUDA", "JAX", "JUSTRIGHT")

# What a worker has in common with one that can take its place: the process that started it, its processors, its variables.
Kind = tuple[int, tuple[int, ...], frozenset[str]]

_kept: list[tuple[Kind, WorkerProcess]] = []
_lock = threading.Lock()


class KeptProcesses(Processes):
    """Worker processes on this machine's processors that are not ended with their study; arguments as `Processes`.

    Only for studies without a user's own functions: a worker has imported their modules as they were when it started.
    """

    def __init__(self, rows: StudyRows, storage: Storage, *, workers: int) -> None:
        super().__init__(rows, storage, workers=workers)
        self._kinds: dict[WorkerProcess, Kind] = {}

    def start(self, number: int) -> WorkerProcess:
        """Take a worker that is there, or start one."""
        kind = _kind_of(number, self.workers)
        is_small = sum(values.nbytes for values in self._rows.arrays) <= MAX_COPIED_BYTES
        worker = _take(kind) if is_small else None
        if worker is None:
            worker = super().start(number)
        else:
            worker.number = number
            send_copies(worker, (self._rows, self._storage))
        self._kinds[worker] = kind
        return worker

    def release(self, link: WorkerProcess) -> None:
        """Keep an idle worker, unless as many wait as there are processors."""
        with _lock:
            is_kept = len(_waiting()) < len(available_cores())
            if is_kept:
                send_copies(link, REST)
                atexit.unregister(end_kept_workers)  # once is enough
                atexit.register(end_kept_workers)
                _kept.append((self._kinds[link], link))
        if not is_kept:
            self.end(link)


def end_kept_workers() -> None:
    """End the workers that wait for another study; they would end by themselves a minute after their last one."""
    with _lock:
        waiting = _waiting()
        _kept.clear()
    for _, worker in waiting:
        end_process(worker)


def _kind_of(number: int, workers: int) -> Kind:
    cores = cores_of(number, workers)
    flags = worker_variables(len(cores))["XLA_FLAGS"].split()  # some may stand there twice
    variables = (f"{name}={value}" for name, value in os.environ.items() if name.startswith(PREFIXES))
    return os.getpid(), tuple(cores), frozenset((*flags, *variables))


def _take(kind: Kind) -> WorkerProcess | None:
    """Return a waiting worker of this kind; None if there is none."""
    with _lock:
        for entry in _waiting():
            if entry[0] == kind:
                _kept.remove(entry)
                return entry[1]
    return None


def _waiting() -> list[tuple[Kind, WorkerProcess]]:
    """Return the workers of this process that wait; those of any kind that have ended meanwhile are put away.

    They are children of the user's process: the system keeps an entry for each until somebody asks how it ended. No thread
    waits for that, since a process with several threads is warned when it forks.
    """
    own = [entry for entry in _kept if entry[0][0] == os.getpid()]  # a fork of it has a copy of the list
    ended = [entry for entry in own if entry[1].process.poll() is not None]
    for entry in ended:
        _kept.remove(entry)
        end_process(entry[1])
    return [entry for entry in own if entry not in ended]


def send_copies(worker: WorkerProcess, message: Any) -> None:
    """Send a message whose arrays are copied: a worker that has started already cannot map them."""
    import cloudpickle

    send_bytes(worker, cloudpickle.dumps(message))
