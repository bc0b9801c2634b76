"""A worker that starts while its study is still being described, where there may be an accelerator.

Importing Keras and JAX takes seconds, as does waking the devices. The worker does both side by side while the table is read,
and says which devices there are. If there is one, as on most machines, it goes on to train on it.
"""

from __future__ import annotations

import atexit
import os
import subprocess
from contextlib import suppress

from justright.runs.place import CPU
from justright.workers.accelerators import (
    END_SECONDS,
    PROBE_SECONDS,
    Accelerators,
    ask_ahead,
    expect_answer,
    may_have_accelerators,
    no_answer,
)
from justright.workers.kept_workers import MAX_COPIED_BYTES, send_copies
from justright.workers.processes import Processes, WorkerProcess, connect, end_process, receive, spawn
from justright.workers.worker import EARLY

UNKNOWN = Accelerators("", 1, None)  # until the worker has said what it sees, it may see everything

_waiting: list[WorkerProcess] = []


def start_early() -> None:
    """Start the worker that a single device needs, and let it answer for the devices; nothing where there cannot be any."""
    if not may_have_accelerators() or _waiting:
        return
    if os.environ.get("JAX_PLATFORMS") == CPU:  # it would be of no use
        ask_ahead()
        return
    _waiting.append(spawn(0, 1, UNKNOWN, 1, arguments=[EARLY]))
    atexit.register(end_early)
    expect_answer(hear_early)


def hear_early() -> Accelerators | str | None:
    """Return which devices the worker that waits has found, or one sentence if it is silent; None if it has failed.

    It is ended unless it can train on what it found.
    """
    found = _hear(_waiting[0]) if _waiting else None
    if not isinstance(found, Accelerators) or found.platform == CPU or found.count > 1:
        end_early()
    return found


def end_early() -> None:
    """End the worker that waits, if there is one."""
    while _waiting:
        worker = _waiting.pop()
        worker.process.kill()
        with suppress(subprocess.TimeoutExpired):  # it waits for a broken driver
            worker.process.wait(END_SECONDS)
            end_process(worker)


def _hear(worker: WorkerProcess) -> Accelerators | str | None:
    connect(worker)
    connection = worker.connection
    if connection is None:
        return no_answer() if worker.process.poll() is None else None
    if not connection.poll(PROBE_SECONDS):
        return no_answer()
    message = receive(connection)
    return Accelerators(**message[1]) if message and isinstance(message[1], dict) else None


class EarlyProcesses(Processes):
    """Worker processes with accelerators, the only one of which may have started already; arguments as `Processes`."""

    def start(self, number: int) -> WorkerProcess:
        """Take the worker that waits, or start one."""
        if _waiting and _waiting[0].connection is None:  # nobody needed its answer
            _hear(_waiting[0])
        if not (_waiting and self._is_expected() and _waiting[0].connection):
            end_early()
            return super().start(number)
        worker = _waiting.pop()
        send_copies(worker, (self._rows, self._storage))
        return worker

    def _is_expected(self) -> bool:
        """Return whether the worker that waits has the devices that it should, and gets a copy of few rows."""
        is_small = sum(values.nbytes for values in self._rows.arrays) <= MAX_COPIED_BYTES
        is_only = self.accelerators is not None and self.accelerators.count == 1
        return is_only and self.workers == 1 and is_small
