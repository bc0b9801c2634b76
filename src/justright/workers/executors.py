"""Where stacks are trained: worker processes on this machine, or a Ray cluster."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from justright.data.checks import is_whole
from justright.errors import InputError, one_of
from justright.runs.limits import HANG_SECONDS
from justright.runs.place import available_cores
from justright.runs.tasks import Storage, StudyRows
from justright.workers.accelerators import find_accelerators

ENGINES = ("local", "ray")


def open_executor(
    engine: str,
    rows: StudyRows,
    storage: Storage,
    *,
    workers: int | None,
    jobs: int,
    address: str | None,
    hang_seconds: float = HANG_SECONDS,
) -> AbstractContextManager[Any]:
    """Return the executor `engine` names, as a context manager that starts and ends its workers.

    Args:
        engine: 'local' or 'ray'.
        rows: the study's rows.
        storage: how workers write to the study folder.
        workers: how many; None takes one an accelerator, or a core where there is none, but no more than there are jobs.
        jobs: runs to be trained.
        address: the Ray cluster's; None starts one here.
        hang_seconds: how long a worker may be silent without computing.

    Raises:
        InputError: the engine is unknown or not installed, or `workers` is not a positive number.
    """
    if workers is not None and not is_whole(workers, least=1):
        raise InputError(f"`workers` must be a whole number of at least 1; got {workers!r}.")
    if engine == "local":
        from justright.workers.local import LocalExecutor

        accelerators = find_accelerators()
        most = accelerators.count if accelerators else len(available_cores())
        count = workers or max(1, min(most, jobs))
        return LocalExecutor(
            rows, storage, workers=count, hang_seconds=hang_seconds, accelerators=accelerators
        )
    if engine == "ray":
        from justright.workers.ray_cluster import RayExecutor

        return RayExecutor(
            rows, storage, workers=workers, jobs=jobs, address=address, hang_seconds=hang_seconds
        )
    raise one_of("engine", engine, ENGINES)
