"""A worker process: one pinned thread (or an accelerator) that trains the stacks it is sent.

It is started as `python -m justright.workers.worker`, never forked, so the caller's Keras backend, threads and
`__main__` do not matter. It reads the coordinator's address and a one-time key from standard input.
"""

from __future__ import annotations

import gc
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Client, Connection
from typing import TYPE_CHECKING, Any

from justright.errors import FolderError, JustrightError
from justright.runs.events import Event
from justright.runs.tasks import MeasureTask, ReferenceTask, StackTask, Storage, StudyRows, WorkerTask
from justright.study.recipe import Recipe
from justright.study.registered import register_objects
from justright.study.variant import Build
from justright.workers.keras_import import import_keras

if TYPE_CHECKING:
    from justright.training.network import Network

LOST_COORDINATOR = 3  # exit code of a worker whose coordinator is gone
REST = "rest"  # the message after which a worker waits this long for the next study
REST_SECONDS = 60.0
STOP, HOLD, GO_ON = "stop", "hold", "go on"  # messages that are read while a worker trains
EARLY = "early"  # the argument of a worker that starts before its study is known


def main() -> None:
    """Connect to the coordinator and serve until it is gone, or has no study for this worker for a while."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # left to the coordinator, which asks for a last checkpoint
    die_with_parent()
    found = wake_devices() if EARLY in sys.argv else None
    address, key = sys.stdin.buffer.readline().decode().split()
    connection = Client(address, authkey=bytes.fromhex(key))
    if found is not None:
        connection.send_bytes(pickle.dumps(("devices", found)))
    inbox: queue.Queue[Any] = queue.Queue()
    told = _Told()
    threading.Thread(target=_listen, args=(connection, inbox, told), daemon=True).start()
    _serve(connection, inbox, told)


class _Told:
    """What the coordinator has said that concerns the stack being trained: to stop, or to pause for a while."""

    def __init__(self) -> None:
        self._stopping, self._going = threading.Event(), threading.Event()
        self._going.set()

    def take(self, word: str) -> None:
        """Take one of the three words."""
        if word == STOP:
            self._stopping.set()
        if word == HOLD:
            self._going.clear()
        else:
            self._going.set()

    def forget(self) -> None:
        """Begin anew, with another study."""
        self._stopping.clear()
        self._going.set()

    def is_stopping(self) -> bool:
        """Return, after a pause if there is to be one, whether the task must come to an end."""
        if not self._stopping.is_set():
            self._going.wait()
        return self._stopping.is_set()


def wake_devices() -> dict[str, Any] | str:
    """Return what `Accelerators` takes of the devices, or why there is no answer; Keras is imported in the meantime."""
    from justright.training.devices.device_trial import describe_devices

    with ThreadPoolExecutor(1, "devices") as thread:
        described = thread.submit(describe_devices)
        import_keras()
        import justright.training.ahead.preparation  # noqa: F401  # imported again when it is needed

        try:
            return described.result()
        except Exception as error:  # noqa: BLE001  # a driver may raise anything
            return f"{type(error).__name__}: {error}"


def _serve(connection: Connection, inbox: queue.Queue[Any], told: _Told) -> None:
    import cloudpickle

    def send(*message: Any) -> None:
        connection.send_bytes(cloudpickle.dumps(message))

    perform: Any = None
    programs: dict[Any, Any] = {}
    seconds: float | None = None
    while True:
        try:
            message = inbox.get(timeout=seconds)
        except queue.Empty:
            return
        seconds = REST_SECONDS if message == REST else None
        if isinstance(message, tuple):
            rows, storage = message
            perform = make_performer(
                rows, storage, lambda event: send("event", event), told.is_stopping, programs
            )
            send("ready")
        elif isinstance(message, list):
            perform.prepare(message)
        elif message != REST:
            send(*attempt(perform, message))


def make_performer(
    rows: StudyRows,
    storage: Storage | None,
    emit: Callable[[Event], None],
    is_stopping: Callable[[], bool],
    programs: dict[Any, Any] | None = None,
) -> Callable[[WorkerTask], bool]:
    """Return the function that performs a task in this process and says whether it ended.

    Args:
        rows: the study's rows.
        storage: how to write to the study folder; None for a worker that only trains the reference model.
        emit: receives every event.
        is_stopping: whether the task must come to an end.
        programs: the compiled programs of earlier studies in this process.
    """
    if storage is None:
        return lambda task: _train_reference(task, rows, emit)
    return Performer(rows, storage, emit, is_stopping, {} if programs is None else programs)


class Performer:
    """Performs tasks in this process; arguments as for `make_performer`.

    Keras and JAX are imported here, after the environment has chosen the backend.
    """

    def __init__(
        self,
        rows: StudyRows,
        storage: Storage,
        emit: Callable[[Event], None],
        is_stopping: Callable[[], bool],
        programs: dict[Any, Any],
    ) -> None:
        import_keras()
        from justright.training.ahead.preparation import Preparation

        # Keras collects garbage before each model. Scanning the 300,000 objects of its and JAX's modules took 0.25 s per model:
        # 5.5 instead of 2.5 s until a stack of 16 small networks trains. They live as long as the process.
        if not gc.get_freeze_count():
            gc.collect()
            gc.freeze()
        self._rows = rows
        self._storage = storage
        self._emit = emit
        self._is_stopping = is_stopping
        self._programs = programs
        self._preparation = Preparation(rows, programs)

    def prepare(self, tasks: Sequence[StackTask]) -> None:
        """Begin to prepare the stacks that are coming, the first one at once."""
        self._preparation.ask(tasks)

    def __call__(self, task: WorkerTask) -> bool:
        """Perform a task; return whether it ended."""
        from justright.training.devices.placement import beside_devices
        from justright.training.network import build_network, describe_network
        from justright.training.stacks.run_end import revisit_runs
        from justright.training.stacks.stack import run_stack
        from justright.training.together.traced_steps import StepTracer

        rows, storage, emit = self._rows, self._storage, self._emit
        if isinstance(task, ReferenceTask):
            return _train_reference(task, rows, emit)
        register_objects(task.registered)
        if isinstance(task, StackTask):
            self._preparation.wait(task)
            return run_stack(task, rows, storage, emit, self._is_stopping, self._programs)
        if isinstance(task, MeasureTask):
            revisit_runs(task, rows, storage, emit, self._programs)
            return True
        shape = {
            "features": rows.features,
            "feature_names": rows.feature_names,
            "outputs": rows.outputs,
            "task": rows.task,
            "units": rows.units,
        }

        def make(name: str, build: Build, recipe: Recipe) -> Network:
            return build_network(*(name, build, recipe), seed=0, is_blank=True, **shape)  # type: ignore[arg-type]  # values differ in type

        tracer = StepTracer(rows, make) if task.traces_steps else None
        # Also one that fits on no single device is built once before it is known over how many it can be sharded.
        with beside_devices():
            for variant in task.variants:
                network = make(*variant)
                emit(describe_network(variant[0], network))
                for traced in tracer.take(*variant, network) if tracer else ():
                    emit(traced)
        return True


def _train_reference(task: WorkerTask, rows: StudyRows, emit: Callable[[Event], None]) -> bool:
    from justright.training.reference import measure_reference

    if not isinstance(task, ReferenceTask):
        raise TypeError(f"This worker only trains the reference model; got {task!r}.")
    emit(measure_reference(rows, seed=task.seed))
    return True


def attempt(perform: Callable[[WorkerTask], bool], task: WorkerTask) -> tuple[Any, ...]:
    """Return the message a worker sends at the end of a task.

    ('done', ended); ('refused', text): something in the study cannot be used; ('unwritable', text): the study folder
    cannot; ('failed', text, trace): trying again may help.
    """
    try:
        return "done", perform(task)
    except FolderError as error:
        return "unwritable", str(error)
    except JustrightError as error:
        return "refused", str(error)
    except Exception as error:  # noqa: BLE001  # a user's model may raise anything: the run fails, the study goes on
        return "failed", f"{type(error).__name__}: {error}", traceback.format_exc()


def _listen(connection: Connection, inbox: queue.Queue[Any], told: _Told) -> None:
    """Pass messages on; end at once if the coordinator is gone, since another process may then own the folder."""
    try:
        while True:
            # Only the coordinator that started this process, and shares its one-time key, can write here.
            message = pickle.loads(connection.recv_bytes())  # noqa: S301  # see above
            if message in (STOP, HOLD, GO_ON):
                told.take(message)
                continue
            if isinstance(message, tuple):  # another study
                told.forget()
            inbox.put(message)
    except (EOFError, OSError):
        os._exit(LOST_COORDINATOR)


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies, even in the middle of a compiled chunk."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    set_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    main()
