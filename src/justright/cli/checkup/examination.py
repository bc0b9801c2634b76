"""The whole examination as one plain dict, which terminal and `--json` show."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

from justright.cli.checkup.installed import installed_extras, installed_plugins
from justright.cli.checkup.surroundings import cache, disk, processors, ray
from justright.cli.checkup.system_devices import find_system_devices
from justright.cli.checkup.trial import try_jax
from justright.records.fingerprints import versions
from justright.study.recipe import DeviceKind
from justright.workers.accelerators import accelerator_fault, ask_ahead, find_accelerators
from justright.workers.machine import free_memory_bytes

# Variables that decide which devices JAX sees, or how it computes; LD_LIBRARY_PATH may name other CUDA libraries than JAX's own.
VARIABLES = (
    *("JAX_PLATFORMS", "JAX_DEFAULT_MATMUL_PRECISION", "XLA_FLAGS", "CUDA_VISIBLE_DEVICES"),
    *("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "RAY_ADDRESS"),
    *("JUSTRIGHT_CACHE", "JUSTRIGHT_COMPILE_CACHE"),
)


class Examination(TypedDict):
    """What was found.

    Args:
        versions: package -> version, Python among them; 'not installed' for one that is missing.
        system: operating system and processor architecture.
        plugins: packages that make JAX use another device than the CPU -> version.
        devices: the accelerators that networks train on: platform, name, count, and memory_bytes that a process may take of
            each (None: not said); None for the CPU.
        device_fault: why no accelerator is used though a plug-in is installed; None if one is, or none is installed.
        computes: what JAX computed a product on, in its own word; empty if it could not.
        compute_fault: why not, or what is wrong with it; empty if all is well.
        complaint: what JAX warned of when it computed; empty if of nothing.
        precision: what `--precision auto` takes here.
        system_devices: what the system itself says, as `SystemDevices` has it.
        processors: name, count, quota, bfloat16_products, blas and blas_threads.
        memory_free_bytes: what is free without swapping.
        disks: 'here' and 'cache': path, free_bytes and is_writable.
        cache: path and bytes of what is kept between studies; compiled, compiled_bytes and programs of compiled programs.
        ray: version, address and answers.
        extras: extra -> what it installed; None where it is not installed.
        variables: environment variables that bear on it.
    """

    versions: dict[str, str]
    system: str
    plugins: dict[str, str]
    devices: dict[str, Any] | None
    device_fault: str | None
    computes: str
    compute_fault: str
    complaint: str
    precision: str
    system_devices: dict[str, Any]
    processors: dict[str, Any]
    memory_free_bytes: int
    disks: dict[str, dict[str, Any]]
    cache: dict[str, Any]
    ray: dict[str, Any]
    extras: dict[str, str | None]
    variables: dict[str, str]


def examine() -> Examination:
    """Return what is here.

    JAX is asked by processes of their own, the two at the same time, each for a limited time.
    """
    ask_ahead()
    trial = try_jax()
    found, fault = find_accelerators(), accelerator_fault()
    kept = cache()
    return {
        "versions": {"python": platform.python_version(), **versions()},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "plugins": installed_plugins(),
        "devices": asdict(found) if found else None,
        "device_fault": fault,
        "computes": trial.platform,
        "compute_fault": trial.fault,
        "complaint": trial.complaint,
        "precision": (found.kind if found else DeviceKind()).default_precision,
        "system_devices": asdict(find_system_devices()),
        "processors": processors(),
        "memory_free_bytes": free_memory_bytes(),
        "disks": {"here": disk(Path.cwd()), "cache": disk(Path(kept["path"]))},
        "cache": kept,
        "ray": ray(),
        "extras": installed_extras(),
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }
