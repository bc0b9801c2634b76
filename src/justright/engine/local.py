"""The local executor: spawned worker processes, one pinned thread each, on this machine's cores."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener, wait
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from justright.engine.attempts import Attempts, raise_refusal
from justright.engine.compiled import compile_cache_variables
from justright.engine.events import Event, StackCheckpoint
from justright.engine.interrupts import held_interrupts
from justright.engine.machine import available_cores, free_memory_bytes, resident_bytes
from justright.engine.tasks import Storage, StudyRows, WorkerTask
from justright.engine.watching import HANG_SECONDS, Watch
from justright.errors import InputError

# jax 0.10.2 computes wrong numbers for some fused reductions on the CPU (jax issue 39103) without the first; the
# second uses AVX-512 where there is any. A word without "--" would make XLA ignore all that follow it.
XLA_FLAGS = (
    "--xla_cpu_experimental_ynn_fusion_type=individual_dot",
    "--xla_cpu_prefer_vector_width=512",
)
SINGLE_THREAD_FLAGS = ("--xla_cpu_multi_thread_eigen=false",)
START_SECONDS = 120.0  # importing Keras and JAX takes 3 s; a cold network disk may take a minute
STOP_SECONDS = 3.5  # an interrupted command must end within 5 s, last checkpoints included
POLL_SECONDS = 0.25
SUMMARY_COLUMNS = "120"  # of the "terminal" Keras draws its model summaries for: nothing is cut off
LOG_TAIL = 600  # characters of a dead worker's error output that go into the reason

Handle = Callable[[Event], None]


@dataclass(slots=True)
class _Worker:
    """A worker process as the coordinator sees it."""

    number: int
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    watch: Watch
    connection: Connection | None = None
    task: WorkerTask | None = None
    ready: bool = False


class LocalExecutor:
    """Runs tasks in worker processes on this machine; use it as a context manager.

    Args:
        rows: the study's rows, sent to each worker once.
        storage: how workers write to the study folder.
        workers: how many processes; each gets an equal share of the cores.
        hang_seconds: how long a worker may be silent without computing; see `watching`.
    """

    def __init__(
        self, rows: StudyRows, storage: Storage, *, workers: int, hang_seconds: float = HANG_SECONDS
    ) -> None:
        self._rows = rows
        self._storage = storage
        self._hang_seconds = hang_seconds
        self.workers = workers
        self._processes: list[_Worker] = []
        self._attempts = Attempts()

    def __enter__(self) -> Self:
        self._key = secrets.token_bytes(32)
        self._listener = Listener(authkey=self._key)
        self._processes = [self._start(number) for number in range(self.workers)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._processes:
            _end(worker)
            worker.log.close()
        self._listener.close()

    def free_bytes(self) -> int:
        """Return the memory that workers may take together: what they hold and what is free."""
        return free_memory_bytes() + sum(resident_bytes(worker.process.pid) for worker in self._processes)

    def keep_workers(self, count: int) -> None:
        """End all workers but `count`, which share the cores from now on as they were given them."""
        kept, surplus = self._processes[:count], self._processes[count:]
        for worker in surplus:
            _end(worker)
            worker.log.close()
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
            elif (worker.task or not worker.ready) and (silent := worker.watch.hung_seconds()):
                said = f"worker {worker.number} made no progress for {silent:.0f} seconds and was ended"
                self._replace(worker, pending, handle, reason=said)

    def _take(self, worker: _Worker, message: bytes, pending: deque[WorkerTask], handle: Handle) -> None:
        import pickle

        # Only a worker that this process started, and that shares its one-time key, can write here.
        kind, *content = pickle.loads(message)  # noqa: S301  # see above
        worker.watch.hear()
        if kind == "ready":
            worker.ready = True
        elif kind == "event":
            handle(content[0])
            self._attempts.note(content[0])
            worker.watch.begin()  # a slow sink is not the worker's silence
        else:
            raise_refusal(kind, str(content[0]))
            task, worker.task = worker.task, None
            if kind == "failed" and task is not None:
                self._retry(task, content[0], pending, handle)

    def _replace(
        self, worker: _Worker, pending: deque[WorkerTask], handle: Handle, *, reason: str = ""
    ) -> None:
        """Start a new process in place of one that is dead, or ended for `reason`, and try its task again."""
        _end(worker)
        reason = reason or _death(worker)
        worker.log.close()
        self._processes[self._processes.index(worker)] = self._start(worker.number)
        if worker.task is not None:
            self._retry(worker.task, reason, pending, handle)
        elif not worker.ready:
            raise InputError(f"A worker process could not start: {reason}")

    def _retry(self, task: WorkerTask, reason: str, pending: deque[WorkerTask], handle: Handle) -> None:
        then = self._attempts.after_failure(task, reason)
        if isinstance(then, StackCheckpoint):
            handle(then)
        else:
            pending.appendleft(then)

    def _give(self, worker: _Worker, task: WorkerTask) -> None:
        worker.task = task
        worker.watch.begin()
        self._send(worker, task)

    def _send(self, worker: _Worker, message: Any) -> None:
        import cloudpickle

        if worker.connection is not None:
            try:
                worker.connection.send_bytes(cloudpickle.dumps(message))
            except OSError:  # the worker died: the next look at it replaces it
                return

    def _start(self, number: int) -> _Worker:
        cores = _cores_of(number, self.workers)
        log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the worker
        process = subprocess.Popen(
            [sys.executable, "-m", "justright.engine.worker"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=_environment(len(cores)),
            start_new_session=True,  # Ctrl-C in the terminal must reach the coordinator alone
        )
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, cores)
        _tell(process, f"{self._listener.address} {self._key.hex()}\n")
        worker = _Worker(number, process, log, Watch(process.pid, self._hang_seconds))
        worker.connection = self._accept(worker)
        self._send(worker, (self._rows, self._storage))
        return worker

    def _accept(self, worker: _Worker) -> Connection:
        """Return the connection of a worker that was just started."""
        import threading

        accepted: list[Connection] = []
        thread = threading.Thread(target=lambda: accepted.append(self._listener.accept()), daemon=True)
        thread.start()
        deadline = time.monotonic() + START_SECONDS
        while thread.is_alive() and time.monotonic() < deadline and worker.process.poll() is None:
            thread.join(POLL_SECONDS / 5)
        if not accepted:
            raise InputError(f"A worker process could not start: {_death(worker)}")
        return accepted[0]

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


def _cores_of(number: int, workers: int) -> list[int]:
    """Return the processors of one worker: an equal share, one at least.

    Example:
        With 4 cores and 2 workers, worker 0 gets the first two and worker 1 the last two.
    """
    cores = available_cores()
    share = max(1, len(cores) // workers)
    start = (number * share) % len(cores)
    return cores[start : start + share]


def _environment(threads: int) -> dict[str, str]:
    """Return a worker's environment: this process's, its import path, and what makes a worker one."""
    variables = worker_variables(threads) | compile_cache_variables()
    return os.environ | variables | {"PYTHONPATH": import_path()}


def worker_variables(threads: int) -> dict[str, str]:
    """Return the variables that make a process a worker: JAX below Keras, and as many threads as it may use."""
    flags = [os.environ.get("XLA_FLAGS", ""), *XLA_FLAGS, *(SINGLE_THREAD_FLAGS if threads == 1 else ())]
    return {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": " ".join(flag for flag in flags if flag),
        "OMP_NUM_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "COLUMNS": SUMMARY_COLUMNS,
    }


def import_path() -> str:
    """Return where this process imports from, for processes on the same machine."""
    return os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)


def _tell(process: subprocess.Popen[bytes], line: str) -> None:
    """Write one line to a new process's standard input and close it."""
    if process.stdin is not None:
        process.stdin.write(line.encode())
        process.stdin.close()


def _end(worker: _Worker) -> None:
    if worker.connection is not None:
        worker.connection.close()
        worker.connection = None
    worker.process.kill()
    worker.process.wait()


def _death(worker: _Worker) -> str:
    """Return one sentence on how a worker ended, with the end of its error output."""
    code = worker.process.poll()
    worker.log.seek(0)
    tail = worker.log.read().decode(errors="replace")[-LOG_TAIL:].strip()
    how = "was killed by signal" if code is not None and code < 0 else "ended with code"
    return f"worker {worker.number} {how} {abs(code or 0)}" + (f": {tail}" if tail else "")
