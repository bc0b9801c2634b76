"""The Ray executor: one actor a processor, or a GPU where the cluster has some, on any number of machines.

Only the coordinator touches the study folder; see `ray_worker` for how files travel. Ray is imported when an executor
is opened, never before, and a Ray started here sends no usage statistics.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from justright.engine.accelerators import Accelerators
from justright.engine.attempts import Attempts, raise_refusal
from justright.engine.events import StackCheckpoint
from justright.engine.interrupts import held_interrupts
from justright.engine.launching import START_SECONDS, import_path, worker_variables
from justright.engine.local import POLL_SECONDS, STOP_SECONDS, Handle
from justright.engine.machine import available_cores
from justright.engine.ray_connection import connect, import_ray
from justright.engine.ray_worker import UNREAD_MESSAGES, Checkpoint, Message, RayWorker, installed_versions
from justright.engine.tasks import MeasureTask, StackTask, Storage, StudyRows, WorkerTask
from justright.errors import InputError

# Ray pins no actor to a processor; this is how many XLA believes in (PJRT's name, and the one before).
ONE_PROCESSOR = {"PJRT_NPROC": "1", "NPROC": "1"}


@dataclass(slots=True)
class _Actor:
    """A Ray actor as the coordinator sees it: starting, idle, or performing `task` and streaming messages."""

    handle: Any
    starting: Any
    task: WorkerTask | None = None
    stream: Any = None

    @property
    def is_idle(self) -> bool:
        return self.starting is None and self.task is None


@dataclass(frozen=True, slots=True)
class _ModelFile:
    """A model that arrived as the bytes of its file, and saves itself as a Keras model does."""

    data: bytes

    def save(self, path: Path) -> None:
        path.write_bytes(self.data)


class RayExecutor:
    """Runs tasks in the actors of a Ray cluster; use it as a context manager.

    Nodes need the same versions of justright, Keras and JAX, and no common file system.

    Args:
        rows: the study's rows, sent to each node once.
        storage: how the coordinator writes to the study folder.
        workers: how many actors; None takes one a processor (or GPU), but no more than there are jobs.
        jobs: runs to be trained.
        address: of the cluster's head; None starts Ray on this machine, or takes the one this process has started.

    Raises:
        InputError: on entering, when Ray is not installed, the cluster is not there or has too few processors.
    """

    def __init__(
        self, rows: StudyRows, storage: Storage, *, workers: int | None, jobs: int, address: str | None
    ) -> None:
        self._rows = rows
        self._storage = storage
        self._wanted = workers
        self._jobs = jobs
        self._address = address
        self._actors: list[_Actor] = []
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
            self._resource, self.workers = self._size()
            if self._resource == "GPU":  # one each; Ray does not say how much memory they have
                self.accelerators = Accelerators("gpu", self.workers, None)
            self._sent_rows = self._ray.put(self._rows)
            self._actors = [self._start() for _ in range(self.workers)]
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for actor in self._actors:
            self._ray.kill(actor.handle)
        self._actors = []
        if self._owns_ray:
            self._ray.shutdown()

    def free_bytes(self) -> int | None:
        """Return None: each node has its own memory, and Ray ends what takes too much of it."""
        return None

    def keep_workers(self, count: int) -> None:
        """Keep all actors: only a lack of memory asks for fewer, and that is not known here."""

    def execute(self, tasks: Sequence[WorkerTask], handle: Handle) -> None:
        """Perform all tasks, in order of the list as actors become free, passing events to `handle`.

        A stack whose actor dies goes on from its last checkpoint once; then its runs end as 'failed'.

        Raises:
            InputError: a worker refused a task: something in the study cannot be used.
            FolderError: the study folder can no longer be read or written.
            KeyboardInterrupt: passed on after workers have sent their last checkpoints.
        """
        pending = deque(tasks)
        self._deadline = time.monotonic() + START_SECONDS
        with held_interrupts() as interruption:
            while pending or any(actor.task for actor in self._actors):
                for actor in self._actors:
                    if pending and actor.is_idle:
                        self._give(actor, pending.popleft())
                for actor, message in self._hear():
                    self._take(actor, message, pending, handle)
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

    def _start(self) -> _Actor:
        variables = worker_variables(threads=1) | (ONE_PROCESSOR if self._resource == "CPU" else {})
        if self._owns_ray and self._address is None:
            variables["PYTHONPATH"] = import_path()
        actor = self._ray.remote(RayWorker).options(
            num_cpus=1,
            num_gpus=1 if self._resource == "GPU" else 0,
            max_concurrency=2,  # `stop` is heard while `perform` is under way
            runtime_env={"env_vars": variables},
        )
        handle = actor.remote(self._sent_rows)
        return _Actor(handle, handle.versions.remote())

    def _give(self, actor: _Actor, task: WorkerTask) -> None:
        checkpoint: Checkpoint | None = None
        if path := _checkpoint_of(task):
            checkpoint = self._storage.read_tensors(self._storage.folder / path)
        actor.task = task
        actor.stream = actor.handle.perform.options(
            num_returns="streaming", _generator_backpressure_num_objects=UNREAD_MESSAGES
        ).remote(task, checkpoint)

    def _hear(self) -> Iterator[tuple[_Actor, Message]]:
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
                    yield actor, self._ray.get(next(actor.stream))
            except errors.RayActorError as error:
                yield actor, ("died", _death(error))
            except errors.RayError as error:  # for instance a task that the node cannot unpickle
                yield actor, ("failed", _death(error))

    def _take(self, actor: _Actor, message: Message, pending: deque[WorkerTask], handle: Handle) -> None:
        kind, *content = message
        if kind == "ready":
            _check_versions(content[0])
            actor.starting = None
        elif kind in ("event", "tensors", "model"):
            self._store(kind, content, handle)
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
            self._storage.save_model(_ModelFile(content[1]), path)

    def _retry(self, task: WorkerTask, reason: str, pending: deque[WorkerTask], handle: Handle) -> None:
        then = self._attempts.after_failure(task, reason)
        if isinstance(then, StackCheckpoint):
            handle(then)
        else:
            pending.appendleft(then)

    def _replace(self, actor: _Actor, reason: str) -> None:
        """Start a new actor in place of a dead one, which Ray may put on another node."""
        if actor.starting is not None:
            raise InputError(f"A Ray actor could not start: {reason}")
        self._actors[self._actors.index(actor)] = self._start()

    def _check_started(self) -> None:
        """Raise InputError when the cluster has given us no processor for too long."""
        if all(actor.starting is not None for actor in self._actors) and time.monotonic() > self._deadline:
            raise InputError(
                f"A Ray cluster must have a free {self._resource}; none became free in {START_SECONDS:.0f} seconds. "
                "Wait for its other jobs, or add nodes."
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


def _checkpoint_of(task: WorkerTask) -> str | None:
    """Return the checkpoint a task reads, relative to the study folder."""
    stack = task.stack if isinstance(task, MeasureTask) else task
    return stack.checkpoint if isinstance(stack, StackTask) else None


def _check_versions(theirs: dict[str, str]) -> None:
    """Raise InputError unless a node has the versions that this process has."""
    for package, ours in installed_versions().items():
        if theirs[package] != ours:
            raise InputError(
                f"Every node of the Ray cluster must have the same {package}; this process has {ours}, a node "
                f"{theirs[package]}. Install {package}=={ours} on every node."
            )


def _death(error: Exception) -> str:
    """Return Ray's own account of an error, without its advice, in one line."""
    text = " ".join(str(error).split())
    return text.rpartition("The actor is dead because ")[2].partition(" Some common causes")[0]
