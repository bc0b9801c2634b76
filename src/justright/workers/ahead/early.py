"""A worker that starts while its study is still being described, where there may be an accelerator.

Importing Keras and JAX takes seconds, as does finding out which devices there are. Both happen while the table is read.
"""

from __future__ import annotations

import atexit

from justright.workers.accelerators import Accelerators, ask_ahead, may_have_accelerators
from justright.workers.kept_workers import MAX_COPIED_BYTES, send_copies
from justright.workers.processes import Processes, WorkerProcess, connect, end_process, spawn
from justright.workers.worker import EARLY

EXPECTED = Accelerators("cuda", 1, None)  # with another one, or several, the worker that waits is of no use

_waiting: list[WorkerProcess] = []


def start_early() -> None:
    """Ask for the devices, and start the worker that a single one needs; nothing where there cannot be any."""
    if not may_have_accelerators():
        return
    ask_ahead()
    if not _waiting:
        _waiting.append(spawn(0, 1, EXPECTED, 1, arguments=[EARLY]))
        atexit.register(end_early)


def end_early() -> None:
    """End the worker that waits, if there is one."""
    while _waiting:
        end_process(_waiting.pop())


class EarlyProcesses(Processes):
    """Worker processes with accelerators, the only one of which may have started already; arguments as `Processes`."""

    def start(self, number: int) -> WorkerProcess:
        """Take the worker that waits, or start one."""
        if not (_waiting and self._is_expected()):
            end_early()
            return super().start(number)
        worker = _waiting.pop()
        connect(worker)
        send_copies(worker, (self._rows, self._storage))
        return worker

    def _is_expected(self) -> bool:
        """Return whether the worker that waits sees the devices that it should, and gets a copy of few rows."""
        own = self.accelerators.variables(0, self.workers, self._devices) if self.accelerators else {}
        is_small = sum(values.nbytes for values in self._rows.arrays) <= MAX_COPIED_BYTES
        return self.workers == 1 and own == EXPECTED.variables(0, 1) and is_small
