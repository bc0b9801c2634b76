"""Where XLA's compiled programs are kept between studies, so that the next one of the same networks starts sooner.

JAX's own persistent cache does the work; this module decides where it is and how large it may grow, and keeps it private
and intact. A program is reused only if its constants, shapes, XLA flags and jaxlib are the same; the machine code that was
compiled is loaded again, so no number can differ.

Whoever can write machine code there can run code as this user: the folder lies in the user's own cache, never in a study
folder, and is not used if others may write to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from justright.data.cache import default_cache_dir
from justright.workers.machine import processor_features

SWITCH = "JUSTRIGHT_COMPILE_CACHE"
OFF = frozenset({"0", "off", "false", "no"})
# A program of the tutorial's takes 50-150 kB: thousands of them fit.
MAX_BYTES = 256 << 20
# Below this a program is as soon compiled as read, decompressed and linked.
LEAST_SECONDS = 0.1
# Folders of other processors and other versions of jaxlib, last used longer ago than this, are removed.
KEPT_SECONDS = 60 * 86_400.0
# Files of JAX's cache: a program, when it was last used (written after it), and the lock of both.
PROGRAM, USED, LOCK = "-cache", "-atime", ".lockfile"
LOCK_SECONDS = 5.0


def compile_cache_variables(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment variables that let a worker on this machine keep its programs; empty to keep none.

    None are kept if $JUSTRIGHT_COMPILE_CACHE is off, or the folder cannot be made or others may write to it. If JAX's own
    variables name a cache already, that one is used.

    Args:
        environment: that of this process.
    """
    if environment.get(SWITCH, "").strip().lower() in OFF or "JAX_COMPILATION_CACHE_DIR" in environment:
        return {}
    place = default_cache_dir() / "compiled"
    folder = place / _machine_key()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if not (_is_private(place) and _is_private(folder)):
            return {}
        tidy_compile_cache(folder)
    except OSError:  # read-only, full, or not a folder: programs are compiled each time
        return {}
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_COMPILATION_CACHE_MAX_SIZE": str(MAX_BYTES),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": str(LEAST_SECONDS),
    }


def tidy_compile_cache(folder: Path) -> None:
    """Remove programs that were not written completely, and sibling folders that have not been used for long.

    JAX writes a program in place and never replaces one, so one that a killed worker left half-written would stay for
    ever. Such a program lacks the time of its last use, which is written after it.

    Raises:
        OSError: a file cannot be removed.
    """
    import filelock

    lock = filelock.FileLock(folder / LOCK, timeout=LOCK_SECONDS)
    with contextlib.suppress(filelock.Timeout), lock:  # held by a writer: the next study will tidy
        names = {path.name for path in folder.iterdir()}
        for name in names:
            for end, other in ((PROGRAM, USED), (USED, PROGRAM)):
                if name.endswith(end) and name.removesuffix(end) + other not in names:
                    (folder / name).unlink(missing_ok=True)
    os.utime(folder)
    for sibling in folder.parent.iterdir():
        if sibling.is_dir() and time.time() - sibling.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(sibling, ignore_errors=True)


def _machine_key() -> str:
    """Return a name for this kind of processor and this jaxlib: machine code made for others may not even run."""
    return hashlib.sha256(f"{version('jaxlib')} {processor_features()}".encode()).hexdigest()[:16]


def _is_private(folder: Path) -> bool:
    """Return whether a folder is this user's and no other user may write to it."""
    if not hasattr(os, "getuid"):  # Windows: the folder inherits the rights of the user's profile
        return True
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
