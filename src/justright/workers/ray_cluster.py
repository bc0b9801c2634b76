"""The Ray executor: one actor a processor, or a GPU where the cluster has some, on any number of machines.

Only the coordinator touches the study folder; see `ray_worker` for how files travel. Ray is imported when an executor
is opened, never before, and a Ray started here sends no usage statistics.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from justright.errors import InputError
from justright.runs.events import StackCheckpoint
from justright.runs.limits import HANG_SECONDS, MEBIBYTE
from justright.runs.place import available_cores
from justright.runs.tasks import Storage, StudyRows, WorkerTask
from justright.workers.accelerators import Accelerators
from justright.workers.attempts import Attempts, raise_refusal
from justright.workers.interrupts import held_interrupts
from justright.workers.local import POLL_SECONDS, STOP_SECONDS, Handle
from justright.workers.memory import USABLE_SHARE, FreeMemory, base_bytes, gigabytes
from justright.workers.processes import START_SECONDS, import_path, worker_variables
from justright.workers.ray_actors import Actor, ModelFile, check_versions, checkpoint_of, death_of
from justright.workers.ray_connection import connect, free_memory, import_ray
from justright.workers.ray_worker import UNREAD_MESSAGES, Checkpoint, Message, RayWorker
from justright.workers.watch import Watch, no_progress

# Ray pins no actor to a processor; this is how many XLA believes in (PJRT's name, and the one before).
ONE_PROCESSOR = {"PJRT_NPROC": "1", "NPROC": "1"}
# What an actor reserves for networks before their sizes are known: enough for the tutorial's. Actors of a study that
# needs more are started again, which takes as long as importing Keras.
NETWORK_BYTES = 256 * MEBIBYTE


class RayExecutor:
    """Runs tasks in the actors of a Ray cluster; use it as a context manager.

    Nodes need the same versions of justright, Keras and JAX, and no common file system.

    Args:
        rows: the study's rows, sent to each node once.
        storage: how the coordinator writes to the study folder.
        workers: how many actors; None takes one a processor (or GPU), but no more than there are jobs.
        jobs: runs to be trained.
        address: of the cluster's head; None starts Ray on this machine, or takes the one this process has started.
        hang_seconds: how long an actor may be silent without computing; see `watching`.

    Raises:
        InputError: on entering, when Ray is not installed, the cluster is not there or has too few processors.
    """

    def __init__(
        self,
        rows: StudyRows,
        storage: Storage,
        *,
        workers: int | None,
        jobs: int,
        address: str | None,
        hang_seconds: float = HANG_SECONDS,
    ) -> None:
        self._rows = rows
        self._storage = storage
        self._wanted = workers
        self._jobs = jobs
        self._address = address
        self._hang_seconds = hang_seconds
        self._free: FreeMemory | None = None
        self._reserved = 0
        self._actors: list[Actor] = []
        self._attempts = Attempts()
        self.workers = 0
        self.accelerators: Accelerators | None = None

    def __enter__(self) -> Self:
        self._ray = import_ray()
        self._owns_ray = not self._ray.is_initialized()
        if self._owns_ray:
            cores = self._wanted or max(1, min(len(available_cores()), self._jobs))
            connect(self._ray, self._address, cores=cores)
        try:
            self._resource, wanted = self._size()
            self.workers = self._reserve(wanted)
            if self._resource == "GPU":  # one each; Ray does not say how much memory they have
                self.accelerators = Accelerators("gpu", self.workers, None)
            self._sent_rows = self._ray.put(self._rows)
            self._actors = [self._start(number) for number in range(self.workers)]
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(self._actors)
        self._actors = []
        if self._owns_ray:
            self._ray.shutdown()

    def free_memory(self) -> FreeMemory | None:
        """Return the memory that Ray had to give on each node before actors were started."""
        return self._free

    def keep_workers(self, count: int, worker_bytes: int) -> None:
        """End all actors but `count`; start them again, with so much memory each, where they asked for less."""
        if self._free is not None and worker_bytes > self._reserved:
            self._end(self._actors)
            self._reserved = worker_bytes
            self._actors = [self._start(number) for number in range(count)]
        else:
            self._end(self._actors[count:])
            self._actors = self._actors[:count]
        self.workers = count

    def execute(self, tasks: Sequence[WorkerTask], handle: Handle) -> None:
        """Perform all tasks, in order of the list as actors become free, passing events to `handle`.

        A stack whose actor dies or hangs goes on from its last checkpoint once; then its runs end as 'failed'.

        Raises:
            InputError: a worker refused a task: something in the study cannot be used.
            FolderError: the study folder can no longer be read or written.
            KeyboardInterrupt: passed on after workers have sent their last checkpoints.
        """
        pending = deque(tasks)
        with held_interrupts() as interruption:
            while pending or any(actor.task for actor in self._actors):
                for actor in self._actors:
                    if pending and actor.is_idle:
                        self._give(actor, pending.popleft())
                for actor, message in self._hear():
                    self._take(actor, message, pending, handle)
                self._end_hanging(pending, handle)
                self._check_started()
                if interruption.requested:
                    self._stop(handle)
                    raise KeyboardInterrupt

    def _size(self) -> tuple[str, int]:
        """Return what an actor occupies, 'GPU' or 'CPU', and how many actors there are to be."""
        resources = self._ray.cluster_resources()
        resource = "GPU" if resources.get("GPU", 0) >= 1 else "CPU"
        there = int(resources.get(resource, 0))
        if (self._wanted or 1) > there:
            raise InputError(
                f"`workers` must be at most the number of {resource}s of the Ray cluster, {there}; "
                f"got {self._wanted or 1}. Ask for fewer, or add nodes."
            )
        return resource, self._wanted or max(1, min(there, self._jobs))

    def _reserve(self, wanted: int) -> int:
        """Take down what an actor reserves, and return how many of `wanted` there is memory for."""
        self._free = free_memory(self._ray)
        if self._free is None:
            return wanted
        most = int(
            USABLE_SHARE * max(self._free.machines)
        )  # less than a worker needs is refused with the plan
        self._reserved = min(base_bytes(self._rows) + NETWORK_BYTES, most)
        while wanted > 1 and not self._free.fits([self._reserved] * wanted):
            wanted -= 1
        return wanted

    def _start(self, number: int) -> Actor:
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
        return Actor(number, handle, handle.versions.remote(), Watch(self._hang_seconds))

    def _end(self, actors: Sequence[Actor]) -> None:
        for actor in actors:
            self._ray.kill(actor.handle)

    def _give(self, actor: Actor, task: WorkerTask) -> None:
        checkpoint: Checkpoint | None = None
        if path := checkpoint_of(task):
            checkpoint = self._storage.read_tensors(self._storage.folder / path)
        actor.task = task
        actor.begin()
        actor.stream = actor.handle.perform.options(
            num_returns="streaming", _generator_backpressure_num_objects=UNREAD_MESSAGES
        ).remote(task, checkpoint)

    def _hear(self) -> Iterator[tuple[Actor, Message]]:
        """Yield one message from each actor that has something to say, waiting a moment for the first."""
        waited = {actor.starting or actor.stream: actor for actor in self._actors if not actor.is_idle}
        ready, _ = self._ray.wait(list(waited), timeout=POLL_SECONDS)
        errors = self._ray.exceptions
        for source in ready:
            actor = waited[source]
            try:
                if actor.starting is not None:
                    yield actor, ("ready", self._ray.get(actor.starting))
                else:
                    seconds, message = self._ray.get(next(actor.stream))
                    actor.watch.hear(seconds)
                    yield actor, message
            except errors.RayActorError as error:
                yield actor, ("died", death_of(error))
            except errors.RayError as error:  # for instance a task that the node cannot unpickle
                yield actor, ("failed", death_of(error))

    def _take(self, actor: Actor, message: Message, pending: deque[WorkerTask], handle: Handle) -> None:
        kind, *content = message
        if kind == "ready":
            check_versions(content[0])
            actor.starting = None
        elif kind in ("event", "tensors", "model"):
            self._store(kind, content, handle)
            actor.begin()  # a slow disk is not the actor's silence
        else:
            raise_refusal(kind, str(content[0]))
            task, actor.task, actor.stream = actor.task, None, None
            if kind == "died":
                self._replace(actor, content[0])
            if kind != "done" and task is not None:
                self._retry(task, content[0], pending, handle)

    def _store(self, kind: str, content: list[Any], handle: Handle) -> None:
        """Write a file that arrived, or pass an event on; its files arrived before it."""
        if kind == "event":
            handle(content[0])
            self._attempts.note(content[0])
            return
        path = self._storage.folder / content[0]
        if kind == "tensors":
            self._storage.write_tensors(path, content[1], content[2])
        else:
            self._storage.save_model(ModelFile(content[1]), path)

    def _retry(self, task: WorkerTask, reason: str, pending: deque[WorkerTask], handle: Handle) -> None:
        then = self._attempts.after_failure(task, reason)
        if isinstance(then, StackCheckpoint):
            handle(then)
        else:
            pending.appendleft(then)

    def _replace(self, actor: Actor, reason: str) -> None:
        """Start a new actor in place of a dead one, which Ray may put on another node."""
        if actor.starting is not None:
            raise InputError(f"A Ray actor could not start: {reason}")
        self._actors[self._actors.index(actor)] = self._start(actor.number)

    def _end_hanging(self, pending: deque[WorkerTask], handle: Handle) -> None:
        """Replace actors that have made no progress for too long, and try their tasks again."""
        for actor in list(self._actors):
            if actor.task and (silent := actor.hung_seconds(self._ray)):
                reason = no_progress(f"Ray actor {actor.number}", silent)
                self._end([actor])
                self._replace(actor, reason)
                self._retry(actor.task, reason, pending, handle)

    def _check_started(self) -> None:
        """Raise InputError when the cluster has given us no processor, or no memory, for too long."""
        asked = max(actor.watch.heard_at for actor in self._actors)  # the last of those that are starting
        is_waiting = all(actor.starting is not None for actor in self._actors)
        if is_waiting and time.monotonic() > asked + START_SECONDS:
            memory = f" and {gigabytes(self._reserved)} GB of memory" if self._reserved else ""
            raise InputError(
                f"A Ray cluster must have a free {self._resource}{memory} on one node; none became free in "
                f"{START_SECONDS:.0f} seconds. Wait for its other jobs, or add nodes."
            )

    def _stop(self, handle: Handle) -> None:
        """Ask all actors for a last checkpoint and take what they say until they are done or time is up."""
        for actor in self._actors:
            actor.handle.stop.remote()
        deadline = time.monotonic() + STOP_SECONDS
        while any(actor.task for actor in self._actors) and time.monotonic() < deadline:
            for actor, (kind, *content) in self._hear():
                if kind in ("event", "tensors", "model"):
                    self._store(kind, content, handle)
                else:
                    actor.starting = actor.task = actor.stream = None
