"""The local executor: spawned worker processes, one pinned thread each, on this machine's cores."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self

from justright.runs.events import Event, StackCheckpoint
from justright.runs.limits import HANG_SECONDS
from justright.runs.tasks import Storage, StudyRows, WorkerTask
from justright.workers.accelerators import Accelerators
from justright.workers.attempts import Attempts, raise_refusal
from justright.workers.interrupts import held_interrupts
from justright.workers.machine import free_memory_bytes, resident_bytes
from justright.workers.memory import FreeMemory
from justright.workers.processes import (
    START_ATTEMPTS,
    Worker,
    cannot_start,
    death_of,
    end_worker,
    start_worker,
)
from justright.workers.watch import no_progress

# An interrupted command must end within 5 s. On a crowded machine what follows the last checkpoints takes its time too; a
# worker that is not done by then is ended, and trains again from the checkpoint before, to the same numbers.
STOP_SECONDS = 2.5
POLL_SECONDS = 0.25

Handle = Callable[[Event], None]


class LocalExecutor:
    """Runs tasks in worker processes on this machine; use it as a context manager.

    Args:
        rows: the study's rows, sent to each worker once.
        storage: how workers write to the study folder.
        workers: how many processes; each gets an equal share of the cores.
        hang_seconds: how long a worker may be silent without computing; see `watching`.
        accelerators: devices that the workers share, one each where there are enough; None trains on the CPU.
    """

    def __init__(
        self,
        rows: StudyRows,
        storage: Storage,
        *,
        workers: int,
        hang_seconds: float = HANG_SECONDS,
        accelerators: Accelerators | None = None,
    ) -> None:
        self._rows = rows
        self._storage = storage
        self._hang_seconds = hang_seconds
        self.workers = workers
        self.accelerators = accelerators
        self._processes: list[Worker] = []
        self._attempts = Attempts()

    def __enter__(self) -> Self:
        self._processes = [self._start(number) for number in range(self.workers)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._processes:
            end_worker(worker)

    def free_memory(self) -> FreeMemory:
        """Return the memory that workers may take together: what they hold and what is free."""
        held = sum(resident_bytes(worker.process.pid) for worker in self._processes)
        return FreeMemory((free_memory_bytes() + held,))

    def keep_workers(self, count: int, worker_bytes: int) -> None:
        """End all workers but `count`, which share the cores from now on as they were given them."""
        kept, surplus = self._processes[:count], self._processes[count:]
        for worker in surplus:
            end_worker(worker)
        self._processes, self.workers = kept, count

    def execute(self, tasks: Sequence[WorkerTask], handle: Handle) -> None:
        """Perform all tasks, in order of the list as workers become free, passing events to `handle`.

        A stack whose worker dies or hangs goes on from its last checkpoint once; then its runs end as 'failed'.

        Raises:
            InputError: a worker refused a task: something in the study cannot be used.
            FolderError: a worker, or `handle`, can no longer write to the study folder.
            KeyboardInterrupt: passed on after workers have written their last checkpoints.
        """
        pending = deque(tasks)
        with held_interrupts() as interruption:
            while pending or any(worker.task for worker in self._processes):
                for worker in self._processes:
                    if pending and worker.ready and worker.task is None:
                        self._give(worker, pending.popleft())
                self._listen(pending, handle)
                if interruption.requested:
                    self._stop(handle)
                    raise KeyboardInterrupt

    def _listen(self, pending: deque[WorkerTask], handle: Handle) -> None:
        """Take what workers say for a moment; replace those that died or hang."""
        connections = {worker.connection: worker for worker in self._processes if worker.connection}
        for connection in wait(list(connections), timeout=POLL_SECONDS):
            worker = connections[connection]  # type: ignore[index]  # only connections were waited for
            try:  # one message each: a worker that never stops talking must not keep us from an interruption
                self._take(worker, connection.recv_bytes(), pending, handle)  # type: ignore[union-attr]
            except (EOFError, OSError):
                self._replace(worker, pending, handle)
        for worker in list(self._processes):
            if worker.process.poll() is not None:
                self._replace(worker, pending, handle)
            elif (worker.task or not worker.ready) and (
                silent := worker.watch.hung_seconds(worker.processor_seconds)
            ):
                reason = no_progress(f"worker {worker.number}", silent)
                self._replace(worker, pending, handle, reason=reason)

    def _take(self, worker: Worker, message: bytes, pending: deque[WorkerTask], handle: Handle) -> None:
        import pickle

        # Only a worker that this process started, and that shares its one-time key, can write here.
        kind, *content = pickle.loads(message)  # noqa: S301  # see above
        worker.watch.hear(worker.processor_seconds())
        if kind == "ready":
            worker.ready = True
        elif kind == "event":
            handle(content[0])
            self._attempts.note(content[0])
            worker.watch.begin(worker.processor_seconds())  # a slow sink is not the worker's silence
        else:
            raise_refusal(kind, str(content[0]))
            task, worker.task = worker.task, None
            if kind == "failed" and task is not None:
                self._retry(task, content[0], pending, handle)

    def _replace(
        self, worker: Worker, pending: deque[WorkerTask], handle: Handle, *, reason: str = ""
    ) -> None:
        """Start a new process in place of one that is dead, or ended for `reason`, and try its task again."""
        worker.process.kill()
        worker.process.wait()
        reason = reason or death_of(worker)
        end_worker(worker)
        if not worker.ready and worker.attempts >= START_ATTEMPTS:
            raise cannot_start(reason)
        attempts = 0 if worker.ready else worker.attempts
        self._processes[self._processes.index(worker)] = self._start(worker.number, attempts=attempts)
        if worker.task is not None:
            self._retry(worker.task, reason, pending, handle)

    def _retry(self, task: WorkerTask, reason: str, pending: deque[WorkerTask], handle: Handle) -> None:
        then = self._attempts.after_failure(task, reason)
        if isinstance(then, StackCheckpoint):
            handle(then)
        else:
            pending.appendleft(then)

    def _give(self, worker: Worker, task: WorkerTask) -> None:
        worker.task = task
        worker.watch.begin(worker.processor_seconds())
        self._send(worker, task)

    def _send(self, worker: Worker, message: Any) -> None:
        import cloudpickle

        if worker.connection is not None:
            try:
                worker.connection.send_bytes(cloudpickle.dumps(message))
            except OSError:  # the worker died: the next look at it replaces it
                return

    def _start(self, number: int, *, attempts: int = 0) -> Worker:
        worker = start_worker(
            *(number, self.workers),
            hang_seconds=self._hang_seconds,
            attempts=attempts,
            accelerators=self.accelerators,
        )
        self._send(worker, (self._rows, self._storage))
        return worker

    def _stop(self, handle: Handle) -> None:
        """Ask all workers for a last checkpoint and take what they say until they are done or time is up."""
        for worker in self._processes:
            self._send(worker, "stop")
        deadline = time.monotonic() + STOP_SECONDS
        while any(worker.task for worker in self._processes) and time.monotonic() < deadline:
            connections = {
                worker.connection: worker for worker in self._processes if worker.connection and worker.task
            }
            for connection in wait(list(connections), timeout=POLL_SECONDS):
                worker = connections[connection]  # type: ignore[index]  # only connections were waited for
                try:
                    self._take(worker, worker.connection.recv_bytes(), deque(), handle)  # type: ignore[union-attr]
                except (EOFError, OSError):
                    worker.task = None
