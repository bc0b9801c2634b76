"""Which worker gets which task, and which tasks it will get next, so that it can prepare them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from justright.runs.limits import KEPT_PROGRAMS
from justright.runs.tasks import ReferenceTask, StackTask, WorkerTask

Task = TypeVar("Task", bound=WorkerTask)
Fits = Callable[[StackTask], bool]


class Deal:
    """Tasks in order, of which each worker keeps some for itself.

    Workers that prepare nothing take the first that is left. Those that do take what they have prepared; one that has
    nothing left of its own takes what another has kept, and nobody waits.

    Args:
        tasks: in the order in which they begin.
        workers: how many there are.
        ahead: whether workers prepare stacks.
        beside: whether a worker of its own, which does nothing else, trains the reference model.
    """

    def __init__(
        self, tasks: Sequence[WorkerTask], *, workers: int, ahead: bool = False, beside: bool = False
    ) -> None:
        self._left = list(tasks)
        self._ahead, self._beside = ahead, beside
        self._kept: dict[int, list[StackTask]] = {}
        self.share_out(range(workers))

    def __bool__(self) -> bool:
        """Whether there are tasks left."""
        return bool(self._left)

    @property
    def stacks(self) -> list[StackTask]:
        """Those that are left."""
        return [task for task in self._left if isinstance(task, StackTask)]

    def share_out(self, workers: Collection[int]) -> None:
        """Let each of these workers keep its share, and others nothing; one that has more keeps the first of them."""
        self._most = max(1, (KEPT_PROGRAMS - 1) // max(1, len(workers))) if self._ahead else 0
        self._kept = {worker: kept[: self._most] for worker, kept in self._kept.items() if worker in workers}

    def put_back(self, tasks: Sequence[WorkerTask]) -> None:
        """Let these be the next."""
        self._left[:0] = tasks

    def take(self, worker: int, fits: Fits | None = None) -> WorkerTask | None:
        """Return the next task of a worker; None if there is none for it, or none that `fits`, of stacks alone, if that is given."""
        left = [task for task in self._left if not (self._beside and isinstance(task, ReferenceTask))]
        if fits is not None:
            left = [task for task in left if isinstance(task, StackTask) and fits(task)]
        others = [kept for number, tasks in self._kept.items() if number != worker for kept in tasks]
        for choice in (self._kept.get(worker, []), _without(left, others), left):
            if choice:
                self._remove(choice[0])
                return choice[0]
        return None

    def take_reference(self) -> WorkerTask | None:
        """Return the task of the worker beside the others; None if there is none."""
        for task in self._left:
            if isinstance(task, ReferenceTask):
                self._remove(task)
                return task
        return None

    def keep_for(self, worker: int, fits: Fits | None = None) -> list[StackTask]:
        """Return the stacks that a worker will get next, as many as it may keep, of those that `fits`."""
        kept = self._kept.setdefault(worker, [])
        stacks = [task for task in self.stacks if fits is None or fits(task)]
        free = _without(stacks, [task for tasks in self._kept.values() for task in tasks])
        kept += free[: self._most - len(kept)]
        return list(kept)

    def _remove(self, task: WorkerTask) -> None:
        self._left = [one for one in self._left if one is not task]
        for number, kept in self._kept.items():
            self._kept[number] = [one for one in kept if one is not task]


def _without(tasks: Sequence[Task], others: Sequence[WorkerTask]) -> list[Task]:
    """Return the tasks that are not among others; two that are equal are two."""
    names = set(map(id, others))
    return [task for task in tasks if id(task) not in names]
