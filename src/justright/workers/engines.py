"""Where stacks are trained: worker processes on this machine, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from justright.data.checks import is_whole
from justright.errors import InputError, one_of
from justright.runs.place import available_cores
from justright.runs.tasks import Storage, StudyRows
from justright.study.recipe import DeviceKind
from justright.workers.accelerators import find_accelerators
from justright.workers.kept_workers import KeptProcesses
from justright.workers.pool import Pool, Transport
from justright.workers.processes import Processes
from justright.workers.ray_cluster import RayCluster
from justright.workers.watch import HANG_SECONDS


def open_pool(
    engine: str,
    rows: StudyRows,
    storage: Storage,
    *,
    workers: int | None,
    jobs: int,
    address: str | None,
    hang_seconds: float = HANG_SECONDS,
    keep: bool = False,
) -> Pool[Any]:
    """Return the pool of an engine: a context manager that starts and ends its workers.

    Args:
        engine: 'local' or 'ray'.
        rows: the study's rows.
        storage: how workers write to the study folder.
        workers: how many; None takes one per accelerator, or per core if there is none, and at most one per job.
        jobs: runs to be trained.
        address: of the Ray cluster; None starts one here.
        hang_seconds: how long a worker may be silent without computing.
        keep: whether workers on this machine's processors may serve several studies; see `KeptProcesses`.

    Raises:
        InputError: the engine is unknown, or `workers` is not a positive number; on entering, the engine is not
            installed or cannot be used.
    """
    if workers is not None and not is_whole(workers, least=1):
        raise InputError(f"`workers` must be a whole number of at least 1; got {workers!r}.")
    if engine not in ENGINES:
        raise one_of("engine", engine, ENGINES)
    transport = ENGINES[engine](rows, storage, workers=workers, jobs=jobs, address=address, keep=keep)
    return Pool(transport, hang_seconds=hang_seconds)


def device_kind(engine: str) -> DeviceKind | None:
    """Return what an engine's networks train on; None where only a cluster knows."""
    if engine != "local":
        return None
    accelerators = find_accelerators()
    return accelerators.kind if accelerators else DeviceKind()


def _local(
    rows: StudyRows, storage: Storage, *, workers: int | None, jobs: int, address: str | None, keep: bool
) -> Processes:
    """Return processes on this machine, one per accelerator, or per core if there is none."""
    accelerators = find_accelerators()
    most = accelerators.count if accelerators else len(available_cores())
    count = workers or max(1, min(most, jobs))
    if keep and not accelerators:
        return KeptProcesses(rows, storage, workers=count)
    return Processes(rows, storage, workers=count, accelerators=accelerators)


def _ray(rows: StudyRows, storage: Storage, *, keep: bool, **options: Any) -> RayCluster:
    """Return actors of a Ray cluster, which end with their study."""
    return RayCluster(rows, storage, **options)


ENGINES: dict[str, Callable[..., Transport[Any]]] = {"local": _local, "ray": _ray}
