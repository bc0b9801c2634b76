"""Worker processes on this machine, each with one pinned thread or an accelerator."""

from __future__ import annotations

import io
import os
import pickle
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener, wait
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from justright.data.shared_arrays import find_place, share_array
from justright.runs.place import available_cores
from justright.runs.tasks import StackTask, Storage, StudyRows, WorkerTask
from justright.workers.accelerators import Accelerators, without_accelerators
from justright.workers.compiled import compile_cache_variables
from justright.workers.machine import free_memory_bytes, processor_seconds, resident_bytes
from justright.workers.memory import FreeMemory
from justright.workers.pool import Message, Transport
from justright.workers.worker import GO_ON, HOLD, STOP

# jax 0.10.2 computes wrong numbers for some fused reductions on the CPU (jax issue 39103) without the first; the
# second uses AVX-512 where there is any. A word without "--" would make XLA ignore all that follow it.
XLA_FLAGS = (
    "--xla_cpu_experimental_ynn_fusion_type=individual_dot",
    "--xla_cpu_prefer_vector_width=512",
)
# Sums in one order, and products by fixed algorithms rather than by whichever was timed fastest: otherwise two processes get
# different numbers, and a resumed study is not the undisturbed one. (H100, jax 0.11.2: 7 % slower with 8 lanes of 512 units.)
ACCELERATOR_FLAGS = ("--xla_gpu_deterministic_ops=true",)
SINGLE_THREAD_FLAGS = ("--xla_cpu_multi_thread_eigen=false",)
START_SECONDS = 120.0  # importing Keras and JAX takes 1 to 3 s; a cold network disk may take a minute
POLL_SECONDS = 0.05
SUMMARY_COLUMNS = "120"  # of the "terminal" Keras draws its model summaries for: nothing is cut off
KILLS = (signal.SIGTERM, 9)  # signals that come from outside; 9 is SIGKILL, a name that Windows lacks
LOG_TAIL = 600  # characters of a dead worker's error output that go into the reason


@dataclass(slots=True, eq=False)
class WorkerProcess:
    """A worker's process, the file for its output, and its connection; None if it never made one."""

    number: int
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    connection: Connection | None = None


class Processes(Transport[WorkerProcess]):
    """Spawned processes that share this machine's cores, or its accelerators.

    Args:
        rows: the study's rows, which all workers map; where the system does not allow that, each gets a copy.
        storage: how workers write to the study folder.
        workers: how many processes; each gets an equal share of the cores.
        accelerators: devices that the workers share, one each if there are enough; None trains on the CPU.
        devices_per_run: how many of them train one stack together; None leaves it to the plan.
        may_share: whether further processes may share the only device, as far as they gain.
    """

    kind = "worker process"
    label = "worker"

    def __init__(
        self,
        rows: StudyRows,
        storage: Storage,
        *,
        workers: int,
        accelerators: Accelerators | None = None,
        devices_per_run: int | None = None,
        may_share: bool = False,
    ) -> None:
        self._rows = rows.with_arrays(share_array)
        self._storage = storage
        self.workers = workers
        self.accelerators = accelerators
        self.works_ahead = accelerators is not None
        self.devices_per_run = devices_per_run
        self._devices = devices_per_run or 1
        self.may_share = may_share

    def start(self, number: int) -> WorkerProcess:
        """Start a process and send it the study's rows."""
        inherited = self._descriptors()
        worker = _launch(number, self.workers, self.accelerators, self._devices, inherited=inherited)
        _send(worker, (self._rows, self._storage))
        return worker

    def start_beside(self, number: int) -> WorkerProcess:
        """Start a process without a device, on the upper half of the cores."""
        worker = _launch(1, 2, None, 1, inherited=self._descriptors())
        worker.number = number
        _send(worker, (self._rows, None))
        return worker

    def start_sharing(self, number: int) -> WorkerProcess:
        """Start a process on the first one's cores and device, with a small part of the device's memory."""
        share = self.accelerators.sharing_variables() if self.accelerators else {}
        worker = _launch(0, 1, self.accelerators, 1, inherited=self._descriptors(), variables=share)
        worker.number = number
        _send(worker, (self._rows, self._storage))
        return worker

    def _descriptors(self) -> set[int]:
        return {place.fd for place in map(find_place, self._rows.arrays) if place}

    def prepare(self, link: WorkerProcess, tasks: Sequence[StackTask]) -> None:
        """Send the stacks; the worker prepares them in threads."""
        _send(link, list(tasks))

    def group_devices(self, devices: int) -> bool:
        """Let workers that are started from now on see so many devices each; the others see another number."""
        before, self._devices = self._devices, devices
        return devices != before

    def give(self, link: WorkerProcess, task: WorkerTask) -> None:
        """Send the task."""
        _send(link, task)

    def request_stop(self, link: WorkerProcess) -> None:
        """Send the message that a worker reads while it trains."""
        _send(link, STOP)

    def hold(self, link: WorkerProcess, *, is_held: bool) -> None:
        """Send the message that a worker reads while it trains, or pauses."""
        _send(link, HOLD if is_held else GO_ON)

    def hear(
        self, links: Sequence[WorkerProcess], seconds: float
    ) -> Iterator[tuple[WorkerProcess, float, Message]]:
        """Yield one message each: a worker that never stops talking must not keep us from an interruption."""
        ready = wait([link.connection for link in links if link.connection is not None], timeout=seconds)
        for link in links:
            message: Message | None = None
            if link.connection in ready:
                message = receive(link.connection)
            elif link.connection is not None and link.process.poll() is None:
                continue
            yield link, self.processor_seconds(link), message or _death_of(link)

    def processor_seconds(self, link: WorkerProcess) -> float:
        """Return the system's figure."""
        return processor_seconds(link.process.pid)

    def end(self, link: WorkerProcess) -> None:
        """Kill the process if it still runs, and close its files and connection."""
        end_process(link)

    def free_memory(self, links: Sequence[WorkerProcess]) -> FreeMemory:
        """Return the memory that this process and its workers hold plus what is free."""
        workers = sum(resident_bytes(link.process.pid, with_shared=False) for link in links)
        return FreeMemory((free_memory_bytes() + workers + resident_bytes(os.getpid(), with_shared=True),))


def end_process(worker: WorkerProcess) -> None:
    """Kill a worker if it still runs, and close its files and connection."""
    if worker.connection is not None:
        worker.connection.close()
        worker.connection = None
    worker.process.kill()
    worker.process.wait()
    _close_input(worker.process)
    worker.log.close()


def send_bytes(worker: WorkerProcess, message: bytes | memoryview) -> None:
    """Send a pickled message to a worker."""
    if worker.connection is not None:
        with suppress(OSError):  # the worker died: reading from it will show that
            worker.connection.send_bytes(message)


def _send(worker: WorkerProcess, message: Any) -> None:
    send_bytes(worker, _pickled(message))


def _pickled(message: Any) -> memoryview:
    """Return a message as bytes; arrays in shared memory are sent as the place where the worker finds them."""
    import cloudpickle

    def reduce(values: npt.NDArray[Any]) -> Any:
        place = find_place(values)
        return (place.attach, ()) if place else values.__reduce_ex__(pickle.HIGHEST_PROTOCOL)

    class Pickler(cloudpickle.Pickler):
        dispatch_table = cloudpickle.Pickler.dispatch_table.new_child({np.ndarray: reduce})

    buffer = io.BytesIO()
    Pickler(buffer).dump(message)
    return buffer.getbuffer()


def receive(connection: Connection) -> Message | None:
    """Return a worker's message; None if it is dead."""
    try:
        # Only a worker that this process started, and that shares its one-time key, can write here.
        return pickle.loads(connection.recv_bytes())  # noqa: S301  # see above
    except (EOFError, OSError):
        return None


def _death_of(worker: WorkerProcess) -> Message:
    """Return one sentence on how a worker ended, with the end of its error output; end it if it still runs."""
    name = f"{Processes.label} {worker.number}"
    if worker.connection is None and worker.process.poll() is None:
        return "died", f"{name} said nothing for {START_SECONDS:.0f} seconds"
    worker.process.kill()
    code = worker.process.wait()
    worker.log.seek(0)
    tail = worker.log.read().decode(errors="replace")[-LOG_TAIL:].strip()
    how = "was killed by signal" if code < 0 else "ended with code"
    reason = f"{name} {how} {abs(code)}" + (f": {tail}" if tail else "")
    return "killed" if -code in KILLS else "died", reason


def _launch(
    number: int,
    workers: int,
    accelerators: Accelerators | None,
    devices: int,
    *,
    inherited: Collection[int],
    variables: Mapping[str, str] = MappingProxyType({}),
) -> WorkerProcess:
    """Start a process that inherits these descriptors; its connection stays None if it ends before it makes one."""
    worker = spawn(number, workers, accelerators, devices, inherited=inherited, variables=variables)
    connect(worker)
    return worker


def spawn(
    number: int,
    workers: int,
    accelerators: Accelerators | None,
    devices: int,
    *,
    inherited: Collection[int] = (),
    arguments: Sequence[str] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> WorkerProcess:
    """Start a process that inherits these descriptors, and waits for its coordinator's address.

    `variables` are those of its environment beside what all workers have.
    """
    cores = cores_of(number, workers)
    log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the worker
    own = accelerators.variables(number, workers, devices) if accelerators else without_accelerators()
    process = subprocess.Popen(  # noqa: S603  # this interpreter, and a module of ours
        [sys.executable, "-m", "justright.workers.worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        env=_environment(len(cores), on_accelerator=accelerators is not None) | own | dict(variables),
        pass_fds=tuple(inherited),
        start_new_session=True,  # Ctrl-C in the terminal must reach the coordinator alone
    )
    if hasattr(os, "sched_setaffinity"):
        with suppress(ProcessLookupError):  # dead already: found out when it should connect
            os.sched_setaffinity(process.pid, cores)
    return WorkerProcess(number, process, log)


def connect(worker: WorkerProcess) -> None:
    """Let a new process connect; its connection stays None if it ends before."""
    worker.connection = connection_to(worker.process)
    _close_input(worker.process)


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()


def connection_to(process: subprocess.Popen[bytes]) -> Connection | None:
    """Return the connection of a new process that reads its address from standard input; None if it makes none.

    Address and key are new for each: a connection left by a dead process cannot be taken for the next one's.
    """
    key = secrets.token_bytes(32)
    with Listener(authkey=key) as listener:
        _tell(process, f"{listener.address} {key.hex()}\n")
        return _accept(listener, process)


def _accept(listener: Listener, process: subprocess.Popen[bytes]) -> Connection | None:
    """Return the connection of a new process; None if it ends, or takes too long, before making one."""
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


def cores_of(number: int, workers: int) -> list[int]:
    """Return the processors of one worker: an equal share, at least one.

    Example:
        With 4 cores and 2 workers, worker 0 gets the first two and worker 1 the last two.
    """
    cores = available_cores()
    share = max(1, len(cores) // workers)
    start = (number * share) % len(cores)
    return cores[start : start + share]


def _environment(threads: int, *, on_accelerator: bool) -> dict[str, str]:
    """Return a worker's environment: that of this process, its import path, and the variables of workers."""
    variables = worker_variables(threads, on_accelerator=on_accelerator) | compile_cache_variables()
    return os.environ | variables | {"PYTHONPATH": import_path()}


def worker_variables(threads: int, *, on_accelerator: bool = False) -> dict[str, str]:
    """Return the environment variables of workers: JAX as Keras' backend, and the number of threads."""
    flags = [os.environ.get("XLA_FLAGS", ""), *XLA_FLAGS, *(SINGLE_THREAD_FLAGS if threads == 1 else ())]
    flags += ACCELERATOR_FLAGS if on_accelerator else ()
    return {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": " ".join(flag for flag in flags if flag),
        "OMP_NUM_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "COLUMNS": SUMMARY_COLUMNS,
    }


def import_path() -> str:
    """Return the import path of this process, for processes on the same machine."""
    return os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)


def _tell(process: subprocess.Popen[bytes], line: str) -> None:
    """Write one line to a new process's standard input."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # dead already: found out by whoever waits for its connection
            process.stdin.write(line.encode())
            process.stdin.flush()
