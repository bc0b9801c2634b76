"""Workers in a Ray cluster: one actor per processor, or per GPU if there are any, on any number of machines.

Only the coordinator touches the study folder; see `ray_worker` for how files travel. It talks to Ray through a process of
its own (`ray_driver`). When that or Ray's servers end, Ray is started or joined again, and stacks go on from their
checkpoints.
"""

from __future__ import annotations

import importlib.util
import io
import itertools
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from justright.errors import EngineError, InputError
from justright.runs.limits import MEBIBYTE
from justright.runs.place import available_cores
from justright.runs.tasks import MeasureTask, StackTask, Storage, StudyRows, WorkerTask
from justright.workers.accelerators import Accelerators
from justright.workers.memory import USABLE_SHARE, FreeMemory, base_bytes, gigabytes
from justright.workers.pool import Message, Transport
from justright.workers.processes import START_SECONDS, import_path, worker_variables
from justright.workers.ray_connection import Driver, DriverProcess, RayLostError
from justright.workers.ray_worker import Checkpoint

# Ray does not pin actors to processors; this is how many XLA assumes (PJRT's name, and the older one).
ONE_PROCESSOR = {"PJRT_NPROC": "1", "NPROC": "1"}
# Memory that an actor reserves before the sizes of networks are known: enough for the tutorial's. If a study needs more,
# its actors are started again, which takes as long as importing Keras.
NETWORK_BYTES = 256 * MEBIBYTE
# One study survives the loss of Ray this many times, less one: what ends it again and again must be looked at.
MOST_LOSSES = 3


@dataclass(slots=True, eq=False)
class RayActor:
    """An actor, as the coordinator knows it.

    Args:
        number: the driver's name for it.
        driver: the driver that started it; another does not know it.
        asked_at: when the cluster was asked for it, on the monotonic clock.
        is_starting: whether it has not said anything yet.
        processor_seconds: processor time it had used when it last spoke.
    """

    number: int
    driver: Driver
    asked_at: float
    is_starting: bool = True
    processor_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that arrived as the bytes of its file, with the `save` of a Keras model."""

    data: bytes

    def save(self, path: str, *, zipped: bool) -> None:  # only ever called with False
        """Write the parts of the file into a folder, as Keras does when it does not zip."""
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            archive.extractall(path)


class RayCluster(Transport[RayActor]):
    """Actors of a Ray cluster.

    Nodes need the same versions of justright, Keras and JAX, and no common file system.

    Args:
        rows: the study's rows, sent to each node once.
        storage: how the coordinator writes to the study folder.
        workers: how many actors; None takes one per processor (or GPU), but no more than there are jobs.
        jobs: runs to be trained.
        address: of the cluster's head; None starts Ray on this machine, or uses the one that this process has started.
        start_driver: starts what talks to Ray.
    """

    kind = label = "Ray actor"
    may_queue = True

    def __init__(
        self,
        rows: StudyRows,
        storage: Storage,
        *,
        workers: int | None,
        jobs: int,
        address: str | None,
        start_driver: Callable[[], Driver] = DriverProcess,
    ) -> None:
        self._rows = rows
        self._storage = storage
        self._wanted = workers
        self._jobs = jobs
        self._address = address
        self._start_driver = start_driver
        self._driver: Any = None  # a Driver once open
        self._numbers = itertools.count()
        self._losses = 0
        self._resource = "CPU"  # the resource that an actor occupies: 'CPU' or 'GPU'
        self._free: FreeMemory | None = None
        self._reserved = 0
        self.workers = 0

    def open(self) -> None:
        """Join the cluster or start one, and find out how many actors it has room for.

        Raises:
            InputError: Ray is not installed, the cluster is not there or has too few processors.
            EngineError: Ray does not stay alive.
        """
        if importlib.util.find_spec("ray") is None:
            raise InputError(
                "`engine` 'ray' needs the package ray; it is not installed. "
                "Install it with pip install 'justright[ray]', or take engine 'local'."
            )
        self._address = self._address or _address_here()
        resources, self._free = self._connect()
        self.workers = self._reserve(self._size(resources))
        if self._resource == "GPU":  # one each; Ray does not say how much memory they have
            self.accelerators = Accelerators("gpu", self.workers, None)

    def close(self) -> None:
        """Leave the cluster, or end the one that `open` started."""
        if self._driver is not None:
            self._driver.close()

    def start(self, number: int) -> RayActor:
        """Request an actor, which the cluster may put on any node."""
        variables = worker_variables(threads=1, on_accelerator=self._resource == "GPU") | (
            ONE_PROCESSOR if self._resource == "CPU" else {}
        )
        if self._address is None:
            variables["PYTHONPATH"] = import_path()
        options = {
            "num_gpus": 1 if self._resource == "GPU" else 0,
            "memory": self._reserved or None,
            "runtime_env": {"env_vars": variables},
        }
        link = RayActor(next(self._numbers), self._driver, time.monotonic())
        self._tell(link, "start", options)
        return link

    def give(self, link: RayActor, task: WorkerTask) -> None:
        """Send the task, and the checkpoint it goes on from."""
        import cloudpickle

        checkpoint: Checkpoint | None = None
        if path := _checkpoint_of(task):
            checkpoint = self._storage.read_tensors(self._storage.folder / path)
        self._tell(link, "give", cloudpickle.dumps(task), checkpoint)

    def request_stop(self, link: RayActor) -> None:
        """Call the actor's `stop`, which runs while it trains."""
        self._tell(link, "request_stop")

    def hear(self, links: Sequence[RayActor], seconds: float) -> Iterator[tuple[RayActor, float, Message]]:
        """Yield one message from each actor that has something to say.

        Raises:
            InputError: the cluster has had no free processor or memory for too long, or a node has other versions.
            EngineError: Ray is gone.
        """
        known = {link.number: link for link in links if link.driver is self._driver}
        try:
            heard = self._driver.ask("hear", list(known), seconds)
        except RayLostError as ended:
            self._connect(ended)
            for link in links:
                yield link, link.processor_seconds, ("killed", f"Ray ended: {ended}")
            return
        if not heard:
            self._check_started(links)
        for number, used_seconds, message in heard:
            link = known[number]
            link.processor_seconds, link.is_starting = used_seconds, False
            yield link, used_seconds, self._keep_file(message)

    def processor_seconds(self, link: RayActor) -> float:
        """Ask the actor."""
        used_seconds = self._tell(link, "processor_seconds")
        return link.processor_seconds if used_seconds is None else float(used_seconds)

    def end(self, link: RayActor) -> None:
        """Let Ray kill its process."""
        self._tell(link, "end")

    def free_memory(self, links: Sequence[RayActor]) -> FreeMemory | None:
        """Return the memory that Ray had available on each node before actors were started."""
        return self._free

    def resize(self, workers: int, worker_bytes: int) -> bool:
        """Reserve more memory from now on if actors need it; running ones have reserved less."""
        self.workers = workers
        if self._free is None or worker_bytes <= self._reserved:
            return False
        self._reserved = worker_bytes
        return True

    def _tell(self, link: RayActor, name: str, *arguments: Any) -> Any:
        """Call a method of the driver for one actor; None if both are gone, which `hear` notices."""
        if link.driver is self._driver:
            with suppress(RayLostError):
                return link.driver.ask(name, link.number, *arguments)
        return None

    def _connect(self, ended: RayLostError | None = None) -> tuple[dict[str, float], FreeMemory | None]:
        """Start a driver, and with it Ray if need be; return the cluster's resources, and the memory of its nodes.

        Args:
            ended: why the last driver is of no more use; None if there was none.
        """
        while True:
            if ended is not None:
                self._losses += 1
                self.close()
                if self._losses == MOST_LOSSES:
                    raise self._gone(f"it ended {MOST_LOSSES} times, at last because {ended}")
            self._driver = self._start_driver()
            cores = self._wanted or max(1, min(len(available_cores()), self._jobs))
            try:
                found: tuple[dict[str, float], FreeMemory | None]
                found = self._driver.ask("open", self._rows, self._address, cores)
            except RayLostError as again:
                ended = again
            except InputError as error:
                if ended is None:
                    raise
                raise self._gone(f"it ended ({ended}), and does not start again ({error})") from error
            else:
                return found

    def _gone(self, what: str) -> EngineError:
        return EngineError(
            f"Ray must run as long as a study trains; {what}. Nothing recorded is lost.", self._storage.folder
        )

    def _size(self, resources: Mapping[str, float]) -> int:
        """Set the resource that an actor occupies, and return how many actors are wanted."""
        self._resource = "GPU" if resources.get("GPU", 0) >= 1 else "CPU"
        there = int(resources.get(self._resource, 0))
        if (self._wanted or 1) > there:
            raise InputError(
                f"`workers` must be at most the number of {self._resource}s of the Ray cluster, {there}; "
                f"got {self._wanted or 1}. Ask for fewer, or add nodes."
            )
        return self._wanted or max(1, min(there, self._jobs))

    def _reserve(self, wanted: int) -> int:
        """Set the memory that an actor reserves, and return how many of `wanted` fit."""
        if self._free is None:
            return wanted
        # A node that has less than a worker needs is refused with the plan.
        most = int(USABLE_SHARE * max(self._free.machines))
        self._reserved = min(base_bytes(self._rows) + NETWORK_BYTES, most)
        while wanted > 1 and not self._free.fits([self._reserved] * wanted):
            wanted -= 1
        return wanted

    def _keep_file(self, message: Message) -> Message:
        """Write a file that has arrived, before the event that makes it count."""
        kind, *content = message
        if kind == "tensors":
            path, tensors, metadata = content
            self._storage.write_tensors(self._storage.folder / path, tensors, metadata)
            return ("stored",)
        if kind == "model":
            path, data, about = content
            self._storage.save_model(ModelFile(data), self._storage.folder / path, about)
            return ("stored",)
        return message

    def _check_started(self, links: Sequence[RayActor]) -> None:
        """Raise InputError if all actors, including the one requested last, have waited too long."""
        is_waiting = all(link.is_starting for link in links)
        if is_waiting and time.monotonic() > max(link.asked_at for link in links) + START_SECONDS:
            memory = f" and {gigabytes(self._reserved)} GB of memory" if self._reserved else ""
            raise InputError(
                f"A Ray cluster must have a free {self._resource}{memory} on one node; none became free in "
                f"{START_SECONDS:.0f} seconds. Wait for its other jobs, or add nodes."
            )


def _address_here() -> str | None:
    """Return the address of the Ray that this process has started or joined; None if there is none."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return None
    return str(ray.get_runtime_context().gcs_address)


def _checkpoint_of(task: WorkerTask) -> str | None:
    """Return the checkpoint a task reads, relative to the study folder."""
    stack = task.stack if isinstance(task, MeasureTask) else task
    return stack.checkpoint if isinstance(stack, StackTask) else None
