"""Workers in a Ray cluster: one actor per processor, or per GPU if there are any, on any number of machines.

Only the coordinator touches the study folder; see `ray_worker` for how files travel. Ray is imported only when the cluster
is opened, and a Ray started here sends no usage statistics.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from justright.errors import InputError
from justright.runs.limits import MEBIBYTE
from justright.runs.place import available_cores
from justright.runs.tasks import MeasureTask, StackTask, Storage, StudyRows, WorkerTask
from justright.workers.accelerators import Accelerators
from justright.workers.memory import USABLE_SHARE, FreeMemory, base_bytes, gigabytes
from justright.workers.pool import Message, Transport
from justright.workers.processes import START_SECONDS, import_path, worker_variables
from justright.workers.ray_connection import connect, free_memory, import_ray
from justright.workers.ray_worker import UNREAD_MESSAGES, Checkpoint, RayWorker, installed_versions

# Ray does not pin actors to processors; this is how many XLA assumes (PJRT's name, and the older one).
ONE_PROCESSOR = {"PJRT_NPROC": "1", "NPROC": "1"}
# Memory that an actor reserves before the sizes of networks are known: enough for the tutorial's. If a study needs more,
# its actors are started again, which takes as long as importing Keras.
NETWORK_BYTES = 256 * MEBIBYTE
# A process that does not report its processor time within this time is stopped, or stuck in code that lets nothing else
# run. It is asked only after a long silence; the coordinator waits meanwhile.
ANSWER_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class RayActor:
    """An actor: starting, idle, or streaming messages.

    Args:
        handle: Ray's own.
        asked_at: when the cluster was asked for it, on the monotonic clock.
        starting: the reply that makes it ready; None once it has arrived.
        stream: its messages during a task; None otherwise.
        processor_seconds: processor time it had used when it last spoke.
    """

    handle: Any
    asked_at: float
    starting: Any
    stream: Any = None
    processor_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model that arrived as the bytes of its file, with the `save` of a Keras model."""

    data: bytes

    def save(self, path: Path) -> None:
        """Write the file."""
        path.write_bytes(self.data)


class RayCluster(Transport[RayActor]):
    """Actors of a Ray cluster.

    Nodes need the same versions of justright, Keras and JAX, and no common file system.

    Args:
        rows: the study's rows, sent to each node once.
        storage: how the coordinator writes to the study folder.
        workers: how many actors; None takes one per processor (or GPU), but no more than there are jobs.
        jobs: runs to be trained.
        address: of the cluster's head; None starts Ray on this machine, or uses the one that this process has started.
    """

    kind = label = "Ray actor"
    may_queue = True

    def __init__(
        self, rows: StudyRows, storage: Storage, *, workers: int | None, jobs: int, address: str | None
    ) -> None:
        self._rows = rows
        self._storage = storage
        self._wanted = workers
        self._jobs = jobs
        self._address = address
        self._ray: Any = None
        self._owns_ray = False
        self._sent_rows: Any = None
        self._resource = "CPU"  # the resource that an actor occupies: 'CPU' or 'GPU'
        self._free: FreeMemory | None = None
        self._reserved = 0
        self.workers = 0

    def open(self) -> None:
        """Join the cluster or start one, and find out how many actors it has room for.

        Raises:
            InputError: Ray is not installed, the cluster is not there or has too few processors.
        """
        self._ray = import_ray()
        if not self._ray.is_initialized():
            cores = self._wanted or max(1, min(len(available_cores()), self._jobs))
            connect(self._ray, self._address, cores=cores)
            self._owns_ray = True
        self.workers = self._reserve(self._size())
        if self._resource == "GPU":  # one each; Ray does not say how much memory they have
            self.accelerators = Accelerators("gpu", self.workers, None)
        self._sent_rows = self._ray.put(self._rows)

    def close(self) -> None:
        """Leave the cluster if `open` joined it."""
        if self._owns_ray:
            self._ray.shutdown()

    def start(self, number: int) -> RayActor:
        """Request an actor, which the cluster may put on any node."""
        variables = worker_variables(threads=1) | (ONE_PROCESSOR if self._resource == "CPU" else {})
        if self._owns_ray and self._address is None:
            variables["PYTHONPATH"] = import_path()
        actor = self._ray.remote(RayWorker).options(
            num_cpus=1,
            num_gpus=1 if self._resource == "GPU" else 0,
            memory=self._reserved or None,
            max_concurrency=2,  # `stop` is heard while `perform` is under way
            runtime_env={"env_vars": variables},
        )
        handle = actor.remote(self._sent_rows)
        return RayActor(handle, time.monotonic(), handle.versions.remote())

    def give(self, link: RayActor, task: WorkerTask) -> None:
        """Send the task, and the checkpoint it goes on from."""
        checkpoint: Checkpoint | None = None
        if path := _checkpoint_of(task):
            checkpoint = self._storage.read_tensors(self._storage.folder / path)
        link.stream = link.handle.perform.options(
            num_returns="streaming", _generator_backpressure_num_objects=UNREAD_MESSAGES
        ).remote(task, checkpoint)

    def request_stop(self, link: RayActor) -> None:
        """Call the actor's `stop`, which runs while it trains."""
        link.handle.stop.remote()

    def hear(self, links: Sequence[RayActor], seconds: float) -> Iterator[tuple[RayActor, float, Message]]:
        """Yield one message from each actor that has something to say.

        Raises:
            InputError: the cluster has had no free processor or memory for too long.
        """
        sources = {source: link for link in links if (source := link.starting or link.stream)}
        ready, _ = self._ray.wait(list(sources), timeout=seconds)
        if not ready:
            self._check_started(links)
        for source in ready:
            link = sources[source]
            message = self._next_message(link)
            yield link, link.processor_seconds, message

    def processor_seconds(self, link: RayActor) -> float:
        """Ask the actor."""
        try:
            return float(self._ray.get(link.handle.processor_seconds.remote(), timeout=ANSWER_SECONDS))
        except (
            self._ray.exceptions.RayError
        ):  # no answer in time, or it is dead, which its stream will tell, too
            return link.processor_seconds

    def end(self, link: RayActor) -> None:
        """Let Ray kill its process."""
        self._ray.kill(link.handle)

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

    def _size(self) -> int:
        """Set the resource that an actor occupies, and return how many actors are wanted."""
        resources = self._ray.cluster_resources()
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
        self._free = free_memory(self._ray)
        if self._free is None:
            return wanted
        # A node that has less than a worker needs is refused with the plan.
        most = int(USABLE_SHARE * max(self._free.machines))
        self._reserved = min(base_bytes(self._rows) + NETWORK_BYTES, most)
        while wanted > 1 and not self._free.fits([self._reserved] * wanted):
            wanted -= 1
        return wanted

    def _next_message(self, link: RayActor) -> Message:
        """Return an actor's next message; a file that arrives is written before the event that makes it count."""
        message: Message
        try:
            if link.starting is not None:
                _check_versions(self._ray.get(link.starting))
                link.starting = None
                return ("ready",)
            link.processor_seconds, message = self._ray.get(next(link.stream))
        except self._ray.exceptions.RayActorError as error:
            message = "died", _reason_of(error)
        except self._ray.exceptions.RayError as error:  # for instance a task that the node cannot unpickle
            message = "failed" if link.starting is None else "died", _reason_of(error)
        kind, *content = message
        if kind == "tensors":
            path, tensors, metadata = content
            self._storage.write_tensors(self._storage.folder / path, tensors, metadata)
            return ("stored",)
        if kind == "model":
            path, data = content
            self._storage.save_model(ModelFile(data), self._storage.folder / path)
            return ("stored",)
        if kind != "event":
            link.stream = None
        return message

    def _check_started(self, links: Sequence[RayActor]) -> None:
        """Raise InputError if all actors, including the one requested last, have waited too long."""
        is_waiting = all(link.starting is not None for link in links)
        if is_waiting and time.monotonic() > max(link.asked_at for link in links) + START_SECONDS:
            memory = f" and {gigabytes(self._reserved)} GB of memory" if self._reserved else ""
            raise InputError(
                f"A Ray cluster must have a free {self._resource}{memory} on one node; none became free in "
                f"{START_SECONDS:.0f} seconds. Wait for its other jobs, or add nodes."
            )


def _checkpoint_of(task: WorkerTask) -> str | None:
    """Return the checkpoint a task reads, relative to the study folder."""
    stack = task.stack if isinstance(task, MeasureTask) else task
    return stack.checkpoint if isinstance(stack, StackTask) else None


def _check_versions(theirs: dict[str, str]) -> None:
    """Raise InputError unless a node has the same versions as this process."""
    for package, ours in installed_versions().items():
        if theirs[package] != ours:
            raise InputError(
                f"Every node of the Ray cluster must have the same {package}; this process has {ours}, a node "
                f"{theirs[package]}. Install {package}=={ours} on every node."
            )


def _reason_of(error: Exception) -> str:
    """Return Ray's own description of an error in one line, without its advice."""
    text = " ".join(str(error).split())
    return text.rpartition("The actor is dead because ")[2].partition(" Some common causes")[0]
