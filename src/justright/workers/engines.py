"""Where stacks are trained: worker processes on this machine, or a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from justright.data.checks import is_whole
from justright.errors import InputError, one_of
from justright.runs.place import available_cores
from justright.runs.tasks import Storage, StudyRows
from justright.study.recipe import DeviceKind
from justright.workers.accelerators import Accelerators, find_accelerators
from justright.workers.ahead.early import EarlyProcesses
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
    devices_per_run: int | None = None,
) -> Pool[Any]:
    """Return the pool of an engine: a context manager that starts and ends its workers.

    Args:
        engine: 'local' or 'ray'.
        rows: the study's rows.
        storage: how workers write to the study folder.
        workers: how many; None takes one per accelerator, and further ones where they gain, or one per core if there is none, and
            at most one per job.
        jobs: runs to be trained.
        address: of the Ray cluster; None starts one here.
        hang_seconds: how long a worker may be silent without computing.
        keep: whether workers on this machine's processors may serve several studies; see `KeptProcesses`.
        devices_per_run: accelerators of this machine that train one stack together; None for one each, or as many as the
            largest network needs.

    Raises:
        InputError: the engine is unknown, `workers` is not a positive number, or there are not enough accelerators; on
            entering, the engine is not installed or cannot be used.
    """
    if workers is not None and not is_whole(workers, least=1):
        raise InputError(f"`workers` must be a whole number of at least 1; got {workers!r}.")
    if engine not in ENGINES:
        raise one_of("engine", engine, ENGINES)
    transport = ENGINES[engine](
        *(rows, storage),
        workers=workers,
        jobs=jobs,
        address=address,
        keep=keep,
        devices_per_run=devices_per_run,
    )
    return Pool(transport, hang_seconds=hang_seconds)


def accelerators_of(engine: str) -> Accelerators | None:
    """Return the accelerators that an engine's networks train on; None for processors, or where only a cluster knows."""
    return find_accelerators() if engine == "local" else None


def device_kind(engine: str) -> DeviceKind | None:
    """Return what an engine's networks train on; None where only a cluster knows."""
    if engine != "local":
        return None
    accelerators = accelerators_of(engine)
    return accelerators.kind if accelerators else DeviceKind()


def _local(
    rows: StudyRows,
    storage: Storage,
    *,
    workers: int | None,
    jobs: int,
    address: str | None,
    keep: bool,
    devices_per_run: int | None,
) -> Processes:
    """Return processes on this machine, one per accelerator or group of them, or per core if there is none."""
    accelerators = find_accelerators()
    _check_devices(accelerators, devices_per_run, workers)
    if accelerators is None:
        count = workers or max(1, min(len(available_cores()), jobs))
        return (KeptProcesses if keep else Processes)(rows, storage, workers=count)
    count = workers or max(1, min(accelerators.count // (devices_per_run or 1), jobs))
    may_share = workers is None and accelerators.count == 1 and accelerators.sharing_bytes is not None
    return EarlyProcesses(
        rows,
        storage,
        workers=count,
        accelerators=accelerators,
        devices_per_run=devices_per_run,
        may_share=may_share,
    )


def _check_devices(
    accelerators: Accelerators | None, devices_per_run: int | None, workers: int | None
) -> None:
    """Raise InputError unless there are as many accelerators as were asked for."""
    here = str(accelerators) if accelerators else "no accelerator"
    allowed = accelerators.groups if accelerators else (1,)
    devices = 1 if devices_per_run is None else devices_per_run
    if devices not in allowed:
        numbers = " or ".join(filter(None, [", ".join(map(str, allowed[:-1])), str(allowed[-1])]))
        raise InputError(
            f"`devices_per_run` must be {numbers}: JAX uses {here} here; got {devices!r}. Take one of these, or leave it out."
        )
    most = accelerators.most_workers(devices) if accelerators else None
    if workers is not None and most is not None and workers > most:
        raise InputError(
            f"`workers` must be at most {most}: each takes {devices} of {here} for itself; got {workers}. Ask for fewer."
        )


def _ray(
    rows: StudyRows, storage: Storage, *, keep: bool, devices_per_run: int | None, **options: Any
) -> RayCluster:
    """Return actors of a Ray cluster, which end with their study."""
    return RayCluster(rows, storage, **options)


ENGINES: dict[str, Callable[..., Transport[Any]]] = {"local": _local, "ray": _ray}
