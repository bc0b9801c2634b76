"""The pool of workers that trains a study: the same loop wherever the workers are.

A `Transport` starts workers (processes on this machine, or actors in a Ray cluster) and carries messages to and from
them. The pool decides the rest: which worker gets which task, which one hangs, what is tried again, and how an
interruption ends.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Self, TypeVar

from justright.errors import FolderError, InputError
from justright.runs.events import Event, StackCheckpoint
from justright.runs.tasks import ReferenceTask, StackTask, WorkerTask
from justright.workers.accelerators import Accelerators
from justright.workers.ahead.deal import Deal
from justright.workers.attempts import MAX_FAILURES, MAX_KILLS, Attempts
from justright.workers.interrupts import held_interrupts
from justright.workers.memory import FreeMemory
from justright.workers.sharing.shared_device import SharedDevice
from justright.workers.watch import HANG_SECONDS, Watch

# An interrupted command must end within 5 s, including what follows the last checkpoints on a crowded machine. A worker
# that is not done by then is ended; its stack resumes from the checkpoint before, to the same numbers.
STOP_SECONDS = 2.5
POLL_SECONDS = 0.25

ENDED = ("died", "killed")  # messages about a worker that is no more

Handle = Callable[[Event], None]
Message = tuple[Any, ...]
Link = TypeVar("Link")
"""A transport's handle of one of its workers."""


class Transport(ABC, Generic[Link]):
    """Where workers run, and how to reach them.

    A message is a tuple: a word and its content. A worker that has started sends ('ready',). During a task it sends
    ('event', event), and at its end one of ('done', ended), ('refused', text) if something in the study cannot be used,
    ('unwritable', text) if the study folder cannot be written, and ('failed', text, trace) if trying again may help.
    The transport itself sends ('stored',) when it has written a file for a worker, ('died', reason) when one has ended by
    itself, and ('killed', reason) when it was ended, or may have been, by something outside.

    Args:
        kind: what messages call a worker.
        label: precedes a worker's number in messages.
        may_queue: whether a starting worker may have to wait for a free place, so that its silence means nothing.
        workers: how many workers to start; known once the transport is open.
        accelerators: the devices that workers train on; None for the CPU.
        devices_per_run: how many of them train one stack together; None leaves it to the plan.
        works_ahead: whether workers are told what they get next, and one more trains the reference model beside them.
        may_share: whether further workers may share the only device, as far as they gain.
    """

    kind: str
    label: str
    may_queue = False
    workers: int
    accelerators: Accelerators | None = None
    devices_per_run: int | None = None
    works_ahead = False
    may_share = False

    def open(self) -> None:
        """Make it possible to start workers."""

    def close(self) -> None:
        """Release what `open` acquired; all workers have ended."""

    @abstractmethod
    def start(self, number: int) -> Link:
        """Start worker `number` of `workers`, counted from 0; it sends 'ready', or it dies."""

    @abstractmethod
    def give(self, link: Link, task: WorkerTask) -> None:
        """Send a task to an idle worker."""

    def prepare(self, link: Link, tasks: Sequence[StackTask]) -> None:
        """Tell a worker which stacks it gets next, the first one at once."""

    def start_beside(self, number: int) -> Link:
        """Start a worker that trains the reference model and nothing else."""
        return self.start(number)

    def start_sharing(self, number: int) -> Link:
        """Start a worker that shares the device of the first one."""
        return self.start(number)

    def hold(self, link: Link, *, is_held: bool) -> None:
        """Let a worker pause after the chunk that it trains, or go on."""

    @abstractmethod
    def request_stop(self, link: Link) -> None:
        """Ask a worker to write a last checkpoint and leave its task."""

    @abstractmethod
    def hear(self, links: Sequence[Link], seconds: float) -> Iterator[tuple[Link, float, Message]]:
        """Yield at most one message per worker, each with the processor time that the worker has used.

        Args:
            links: the workers to listen to.
            seconds: how long to wait for the first message.
        """

    @abstractmethod
    def processor_seconds(self, link: Link) -> float:
        """Return the processor time that a worker has used; the last known value if it does not answer."""

    @abstractmethod
    def end(self, link: Link) -> None:
        """End a worker at once, dead or alive."""

    def release(self, link: Link) -> None:
        """Take back an idle worker that the pool no longer needs."""
        self.end(link)

    @abstractmethod
    def free_memory(self, links: Sequence[Link]) -> FreeMemory | None:
        """Return the memory that workers may take, including what those in `links` hold; None if unknown."""

    def resize(self, workers: int, worker_bytes: int) -> bool:
        """Prepare for `workers` of `worker_bytes` each; return whether running workers must be started again for it."""
        self.workers = workers
        return False

    def group_devices(self, devices: int) -> bool:
        """Prepare for workers with so many devices each; return whether running ones must be started again for it."""
        return False


@dataclass(slots=True, eq=False)
class Worker(Generic[Link]):
    """A worker as the pool sees it: starting, idle, or performing `task`.

    Args:
        number: its number, from 0.
        link: its transport's handle.
        watch: how long it has been silent.
        starts: how often in a row it has been started without becoming ready.
        is_beside: whether it was started for the reference model alone.
        is_sharing: whether it was started to share the device of the first worker.
        is_held: whether it pauses between two chunks.
        is_leaving: whether it ends once it has written a checkpoint.
    """

    number: int
    link: Link
    watch: Watch
    starts: int
    is_ready: bool = False
    task: WorkerTask | None = None
    is_beside: bool = False
    is_sharing: bool = False
    is_held: bool = False
    is_leaving: bool = False


class Pool(Generic[Link]):
    """Performs tasks on workers; use it as a context manager.

    Args:
        transport: where workers run.
        hang_seconds: how long a worker may be silent without computing; see `watch`.

    Raises:
        InputError: on entering, when the transport cannot be opened.
    """

    def __init__(self, transport: Transport[Link], *, hang_seconds: float = HANG_SECONDS) -> None:
        self._transport = transport
        self._hang_seconds = hang_seconds
        self._workers: list[Worker[Link]] = []
        self._attempts = Attempts()

    @property
    def workers(self) -> int:
        """How many stacks train at the same time."""
        return self._transport.workers

    @property
    def accelerators(self) -> Accelerators | None:
        """The devices that stacks train on; None for the CPU."""
        return self._transport.accelerators

    @property
    def may_share(self) -> bool:
        """Whether further workers may share the only device, as far as they gain."""
        return self._transport.may_share

    @property
    def layouts(self) -> dict[int, int] | None:
        """Devices of a stack -> the most workers then, in the order in which plans try them; None for the CPU."""
        devices = self.accelerators
        return devices.layouts(self.workers, self._transport.devices_per_run) if devices else None

    def __enter__(self) -> Self:
        try:
            self._transport.open()
            self._start_missing()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end_surplus(0)
        self._transport.close()

    def free_memory(self) -> FreeMemory | None:
        """Return the memory that workers together may take; None if unknown."""
        return self._transport.free_memory([worker.link for worker in self._workers])

    def keep_workers(self, count: int, worker_bytes: int, *, devices: int = 1) -> None:
        """Continue with `count` workers, each with so much memory and so many devices; those that have less start again."""
        must_restart = self._transport.resize(count, worker_bytes)
        must_restart = self._transport.group_devices(devices) or must_restart
        self._end_surplus(0 if must_restart else count)
        self._start_missing()

    def execute(
        self, tasks: Sequence[WorkerTask], handle: Handle, sharing: SharedDevice | None = None
    ) -> None:
        """Perform all tasks in order as workers become free, passing events to `handle`.

        A stack whose worker dies or hangs is resumed from its last checkpoint, as often as `attempts` allows; after that
        its runs end as 'failed'.

        Args:
            tasks: what to do.
            handle: receives every event.
            sharing: decides whether further workers share the device of the only one; None for no others.

        Raises:
            InputError: a worker refused a task because something in the study cannot be used, or workers do not start.
            EngineError: what starts the workers is gone.
            FolderError: a worker, or `handle`, can no longer write to the study folder.
            KeyboardInterrupt: raised after workers have written their last checkpoints.
        """
        ahead = self._transport.works_ahead
        beside = ahead and any(isinstance(task, ReferenceTask) for task in tasks)
        deal = Deal(tasks, workers=self.workers, ahead=ahead, beside=beside)
        device = SharedDevice() if sharing is None else sharing
        with held_interrupts() as received:
            while deal or self._busy():
                if sharing is not None:
                    self._share(sharing, deal, handle)
                for worker in list(self._workers):
                    if worker.is_ready and worker.task is None:
                        self._give(worker, deal, device)
                if beside:  # once the others have something to do
                    self._workers.append(self._start(self._next_number(), is_beside=True))
                    beside = False
                for worker, message in self._hear(self._workers):
                    deal.put_back(self._take(worker, message, handle, device))
                for worker, reason in self._hanging():
                    deal.put_back(self._replace(worker, reason, handle, device))
                if received:
                    self._stop(handle, device)
                    raise KeyboardInterrupt

    def _share(self, device: SharedDevice, deal: Deal, handle: Handle) -> None:
        """Start, hold, release and dismiss the workers of a device as they are wanted."""
        wanted = device.wanted(deal.stacks)
        for event in device.take_news():
            handle(event)
        if wanted.joins:
            self._workers.append(self._start(self._next_number(), is_sharing=True))
            device.join(self._workers[-1].number)
        for worker in list(self._workers):
            is_held = worker.number in wanted.held
            if worker.is_held != is_held:
                worker.is_held = is_held
                worker.watch.begin()
                self._transport.hold(worker.link, is_held=is_held)
            if worker.number in wanted.leaves and not worker.is_leaving:
                worker.is_leaving = True
                if worker.task is None:
                    self._dismiss(worker, device)
                else:
                    self._transport.request_stop(worker.link)
        deal.share_out([one.number for one in self._workers if not (one.is_beside or one.is_leaving)])

    def _give(self, worker: Worker[Link], deal: Deal, device: SharedDevice) -> None:
        """Give an idle worker its next task, if there is one for it."""
        fits = device.fits if worker.is_sharing else None
        task = deal.take_reference() if worker.is_beside else deal.take(worker.number, fits)
        if task is None:
            if worker.is_beside:
                self._dismiss(worker, device)
            return
        worker.task = task
        worker.watch.begin()
        if isinstance(task, StackTask):
            device.begin(worker.number, task)
            if self._transport.works_ahead:
                self._transport.prepare(worker.link, [task, *deal.keep_for(worker.number, fits)])
        self._transport.give(worker.link, task)

    def _dismiss(self, worker: Worker[Link], device: SharedDevice) -> None:
        """End a worker for good."""
        self._workers.remove(worker)
        self._transport.end(worker.link)
        device.left(worker.number)

    def _next_number(self) -> int:
        return 1 + max((worker.number for worker in self._workers), default=-1)

    def _busy(self) -> list[Worker[Link]]:
        return [worker for worker in self._workers if worker.task is not None]

    def _hear(self, workers: Sequence[Worker[Link]]) -> Iterator[tuple[Worker[Link], Message]]:
        """Yield messages, waiting a moment for the first; the time a message takes here is not a worker's silence."""
        speakers = {worker.link: worker for worker in workers}
        for link, seconds, message in self._transport.hear(list(speakers), POLL_SECONDS):
            worker = speakers[link]
            worker.watch.hear(seconds, is_working=worker.task is not None)
            yield worker, message
            worker.watch.begin()

    def _take(
        self, worker: Worker[Link], message: Message, handle: Handle, device: SharedDevice
    ) -> list[WorkerTask]:
        """Act on a message; return the tasks to try again, one or none."""
        kind, *content = message
        if kind == "ready":
            worker.is_ready = True
        elif kind == "event":
            handle(content[0])
            self._attempts.note(content[0])
            device.hear(worker.number, content[0])
        elif kind in ENDED or (kind == "failed" and worker.is_sharing):
            return self._replace(worker, content[0], handle, device, is_kill=kind == "killed")
        elif kind != "stored":
            task, worker.task = worker.task, None
            device.end(worker.number)
            if kind == "refused":
                raise InputError(content[0])
            if kind == "unwritable":
                raise FolderError(content[0])
            if worker.is_leaving:
                self._dismiss(worker, device)
                return [] if task is None or content[0] else self._attempts.resumed(task)
            if kind == "failed":
                device.fail(worker.number, content[0])
                return self._retry(task, content[0], handle)
        return []

    def _replace(
        self,
        worker: Worker[Link],
        reason: str,
        handle: Handle,
        device: SharedDevice,
        *,
        is_kill: bool = False,
    ) -> list[WorkerTask]:
        """Replace a worker that has died, or is ended for `reason`; return its task to try again, if any.

        One that shares a device is not replaced, and what it did does not count as a failure: the device's memory may have been
        too small for both.
        """
        if not worker.is_beside:
            device.fail(worker.number, reason)
        if worker.is_sharing:
            self._dismiss(worker, device)
            return [] if worker.task is None else self._attempts.resumed(worker.task)
        self._transport.end(worker.link)
        if not worker.is_ready and worker.starts >= (MAX_KILLS if is_kill else MAX_FAILURES):
            raise InputError(f"A {self._transport.kind} could not start: {reason}")
        starts = 1 if worker.is_ready else worker.starts + 1
        self._workers[self._workers.index(worker)] = self._start(
            worker.number, starts=starts, is_beside=worker.is_beside
        )
        return self._retry(worker.task, reason, handle, is_kill=is_kill)

    def _retry(
        self, task: WorkerTask | None, reason: str, handle: Handle, *, is_kill: bool = False
    ) -> list[WorkerTask]:
        """Return the task to try again after a failure; none if there was none, or if its runs have now ended."""
        if task is None:
            return []
        then = self._attempts.after_failure(task, reason, is_kill=is_kill)
        if not isinstance(then, StackCheckpoint):
            return [then]
        handle(then)
        return []

    def _hanging(self) -> Iterator[tuple[Worker[Link], str]]:
        """Yield workers that have made no progress for too long, and the reason to end them."""
        for worker in list(self._workers):
            is_starting = not worker.is_ready and not self._transport.may_queue
            if worker.is_held or (worker.task is None and not is_starting):
                continue
            measure = partial(self._transport.processor_seconds, worker.link)
            if silent := worker.watch.hung_seconds(measure):
                name = f"{self._transport.label} {worker.number}"
                yield worker, f"{name} made no progress for {silent:.0f} seconds and was ended"

    def _stop(self, handle: Handle, device: SharedDevice) -> None:
        """Ask all workers for a last checkpoint, and handle their messages until they are done or time is up."""
        for worker in self._workers:
            self._transport.request_stop(worker.link)
        deadline = time.monotonic() + STOP_SECONDS
        while (busy := self._busy()) and time.monotonic() < deadline:
            for worker, message in self._hear(busy):
                if message[0] in ENDED:
                    worker.task = None
                else:
                    self._take(worker, message, handle, device)

    def _start(
        self, number: int, *, starts: int = 1, is_beside: bool = False, is_sharing: bool = False
    ) -> Worker[Link]:
        transport = self._transport
        start = (
            transport.start_beside
            if is_beside
            else transport.start_sharing
            if is_sharing
            else transport.start
        )
        watch = Watch(self._hang_seconds)
        return Worker(number, start(number), watch, starts, is_beside=is_beside, is_sharing=is_sharing)

    def _start_missing(self) -> None:
        for number in range(len(self._workers), self.workers):
            self._workers.append(self._start(number))

    def _end_surplus(self, count: int) -> None:
        """End all workers but the first `count`."""
        while len(self._workers) > count:
            worker = self._workers.pop()
            is_idle = worker.is_ready and worker.task is None
            (self._transport.release if is_idle else self._transport.end)(worker.link)
