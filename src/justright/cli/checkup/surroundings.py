"""What training needs besides JAX: processors, memory, disk, caches, and a Ray cluster where one is used."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from justright.cli.checkup.installed import installed_version
from justright.data.cache import default_cache_dir
from justright.runs.place import available_cores
from justright.workers.compiled import compile_cache_variables
from justright.workers.machine import CONTAINER, has_bfloat16_products, processor_name

COMPILE_CACHE = "JAX_COMPILATION_CACHE_DIR"
RAY_ADDRESS = "RAY_ADDRESS"
CONNECT_SECONDS = 2.0


def processors() -> dict[str, Any]:
    """Return this machine's processors, as far as this process may use them.

    `quota` is how many processors' time its container may take, None if that is not limited.
    """
    import numpy as np  # noqa: F401  # loads the BLAS that is asked for its threads
    from threadpoolctl import threadpool_info  # type: ignore[import-untyped]  # has no type hints

    blas = [one for one in threadpool_info() if one["user_api"] == "blas"]
    return {
        "name": processor_name(),
        "count": len(available_cores()),
        "quota": _quota(),
        "bfloat16_products": has_bfloat16_products(),
        "blas": blas[0]["internal_api"] if blas else None,
        "blas_threads": blas[0]["num_threads"] if blas else None,
    }


def _quota() -> float | None:
    """Return how many processors' time a container gives its processes (cgroup v2)."""
    try:
        most, period = (CONTAINER / "cpu.max").read_text().split()
        return int(most) / int(period)
    except (OSError, ValueError):  # no container; "max": unlimited
        return None


def disk(folder: Path) -> dict[str, Any]:
    """Return a folder, what is free on its disk, and whether something can be written there."""
    there = next((one for one in (folder, *folder.absolute().parents) if one.is_dir()), Path("/"))
    try:
        free = shutil.disk_usage(there).free
    except OSError:
        return {"path": str(folder), "free_bytes": 0, "is_writable": False}
    return {"path": str(folder), "free_bytes": free, "is_writable": os.access(there, os.W_OK)}


def cache() -> dict[str, Any]:
    """Return where tables and compiled programs are kept, and what they take; `compiled` is None where none are kept."""
    place = default_cache_dir()
    variables = compile_cache_variables()
    compiled = variables.get(COMPILE_CACHE) or os.environ.get(COMPILE_CACHE)
    files = _sizes(Path(compiled)) if compiled else {}
    return {
        "path": str(place),
        "bytes": sum(_sizes(place).values()),
        "compiled": compiled,
        "compiled_bytes": sum(files.values()),
        "programs": sum(name.endswith("-cache") for name in files),
    }


def _sizes(folder: Path) -> dict[str, int]:
    """Return path -> size of every file below a folder; others may remove some meanwhile."""
    found: dict[str, int] = {}
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                found[str(path)] = path.stat().st_size
        except OSError:
            continue
    return found


def ray(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return Ray's version, the address of the cluster that `--ray-address auto` would join, and whether it answers.

    Ray itself is not imported: it leaves the address of a cluster on this machine in a file.
    """
    version = installed_version("ray") if find_spec("ray") else None
    address = environment.get(RAY_ADDRESS, "")
    if not address:
        try:
            address = (Path(tempfile.gettempdir()) / "ray" / "ray_current_cluster").read_text().strip()
        except OSError:
            address = ""
    return {"version": version, "address": address or None, "answers": bool(address) and _answers(address)}


def _answers(address: str) -> bool:
    """Return whether something listens at HOST:PORT; addresses of other forms are not tried."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdigit():
        return False
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS):
            return True
    except (OSError, OverflowError):
        return False
