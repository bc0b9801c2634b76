"""Worker processes: started, heard for the first time, ended, and what is left to say of a dead one."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import IO

from justright.errors import InputError
from justright.runs.place import available_cores
from justright.runs.tasks import WorkerTask
from justright.workers.accelerators import Accelerators
from justright.workers.compiled import compile_cache_variables
from justright.workers.watch import Watch, processor_seconds

# jax 0.10.2 computes wrong numbers for some fused reductions on the CPU (jax issue 39103) without the first; the
# second uses AVX-512 where there is any. A word without "--" would make XLA ignore all that follow it.
XLA_FLAGS = (
    "--xla_cpu_experimental_ynn_fusion_type=individual_dot",
    "--xla_cpu_prefer_vector_width=512",
)
SINGLE_THREAD_FLAGS = ("--xla_cpu_multi_thread_eigen=false",)
START_SECONDS = 120.0  # importing Keras and JAX takes 3 s; a cold network disk may take a minute
START_ATTEMPTS = (
    2  # a process may die for want of memory or by a stray signal; twice in a row has another cause
)
POLL_SECONDS = 0.05
SUMMARY_COLUMNS = "120"  # of the "terminal" Keras draws its model summaries for: nothing is cut off
LOG_TAIL = 600  # characters of a dead worker's error output that go into the reason


@dataclass(slots=True)
class Worker:
    """A worker process as the coordinator sees it."""

    number: int
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    watch: Watch
    connection: Connection | None = None
    task: WorkerTask | None = None
    ready: bool = False
    attempts: int = 1

    def processor_seconds(self) -> float:
        """Return the processor time its process has used."""
        return processor_seconds(self.process.pid)


def start_worker(
    number: int,
    workers: int,
    *,
    hang_seconds: float,
    attempts: int = 0,
    accelerators: Accelerators | None = None,
) -> Worker:
    """Return a new worker process that has said where it is; one that dies before it does is started once more.

    Args:
        number: of the worker, from 0; gives its share of the cores.
        workers: how many share the cores.
        hang_seconds: how long it may be silent without computing.
        attempts: how often it was started already without becoming ready.
        accelerators: the devices that workers share; None trains on the CPU.

    Raises:
        InputError: it died each time, or does not start in time.
    """
    for attempt in range(attempts + 1, START_ATTEMPTS + 1):
        worker = _launch(number, workers, hang_seconds, accelerators)
        worker.attempts = attempt
        if worker.connection is not None:
            return worker
        reason = death_of(worker)
        end_worker(worker)
    raise cannot_start(reason)


def cannot_start(reason: str) -> InputError:
    """Return the error for a worker that does not start."""
    return InputError(f"A worker process could not start: {reason}")


def end_worker(worker: Worker) -> None:
    """End a worker's process at once, if it still runs, and let go of what belongs to it."""
    if worker.connection is not None:
        worker.connection.close()
        worker.connection = None
    worker.process.kill()
    worker.process.wait()
    worker.log.close()


def death_of(worker: Worker) -> str:
    """Return one sentence on how a worker ended, with the end of its error output."""
    code = worker.process.poll()
    if code is None:
        return f"worker {worker.number} said nothing for {START_SECONDS:.0f} seconds"
    worker.log.seek(0)
    tail = worker.log.read().decode(errors="replace")[-LOG_TAIL:].strip()
    how = "was killed by signal" if code is not None and code < 0 else "ended with code"
    return f"worker {worker.number} {how} {abs(code or 0)}" + (f": {tail}" if tail else "")


def _launch(number: int, workers: int, hang_seconds: float, accelerators: Accelerators | None) -> Worker:
    """Start a process; its connection stays None when it ends before it makes one."""
    cores = _cores_of(number, workers)
    log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the worker
    devices = accelerators.variables(number, workers) if accelerators else {}
    process = subprocess.Popen(
        [sys.executable, "-m", "justright.workers.worker"],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        env=_environment(len(cores)) | devices,
        start_new_session=True,  # Ctrl-C in the terminal must reach the coordinator alone
    )
    worker = Worker(number, process, log, Watch(hang_seconds))
    if hasattr(os, "sched_setaffinity"):
        with suppress(ProcessLookupError):  # dead already: found out below
            os.sched_setaffinity(process.pid, cores)
    # An address and a key for each: what a dead process left waiting cannot be taken for the next one's.
    key = secrets.token_bytes(32)
    with Listener(authkey=key) as listener:
        _tell(process, f"{listener.address} {key.hex()}\n")
        worker.connection = _accept(listener, process)
    return worker


def _accept(listener: Listener, process: subprocess.Popen[bytes]) -> Connection | None:
    """Return the connection of a process that was just started; None when it ends, or too much time passes, before."""
    accepted: list[Connection] = []

    def accept() -> None:
        with suppress(OSError, EOFError):  # closed below, or the process died while it proved its key
            accepted.append(listener.accept())

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while thread.is_alive() and time.monotonic() < deadline and process.poll() is None:
        thread.join(POLL_SECONDS)
    return accepted[0] if accepted else None


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
        with suppress(BrokenPipeError):  # dead already: found out by whoever waits for its connection
            process.stdin.write(line.encode())
            process.stdin.close()
