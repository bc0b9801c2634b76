"""Files written as a whole or not at all: to a file aside, which is flushed and renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from justright.records.faults import disk_faults

# Aside files have this prefix, by which leftovers of a crash are recognised, and keep the suffix, which Keras requires.
ASIDE_PREFIX = ".part-"


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that after a crash or power cut it holds the old or the new content as a whole.

    Missing parent folders are made. The order is: write aside in the same folder, flush the file, rename it,
    flush the folder (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014, section 4).

    Raises:
        FolderError: the disk is full, read-only or gone; the old content is untouched.
    """
    with replacing(path) as aside:
        aside.write_bytes(data)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path in the same folder to write to; if the block succeeds, that file replaces `path`.

    The aside file has the same suffix. If the block raises, `path` is unchanged and the aside file is gone.

    Raises:
        FolderError: the disk is full, read-only or gone; the old content is untouched.
    """
    with disk_faults(path, "write"):
        make_folders(path.parent)
        aside = aside_path(path)
        try:
            yield aside
            _flush(aside, os.O_RDWR)
            aside.replace(path)
            flush_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise


def aside_path(path: Path) -> Path:
    """Return a new path beside `path`, for what is renamed to it once it is whole."""
    return path.with_name(f"{ASIDE_PREFIX}{secrets.token_hex(4)}-{path.name}")


def make_folders(folder: Path) -> None:
    """Make `folder` and its missing parents, each flushed into the folder that holds it.

    Raises:
        FolderError: a parent is a file, or may not be written.
    """
    missing = [place for place in (folder, *folder.parents) if not place.is_dir()]
    with disk_faults(folder, "make the folder"):
        for place in reversed(missing):
            place.mkdir(exist_ok=True)
            flush_folder(place.parent)


def flush_folder(folder: Path) -> None:
    """Flush the names in `folder` to the disk; where folders cannot be flushed (Windows), do nothing."""
    if hasattr(os, "O_DIRECTORY"):
        _flush(folder, os.O_RDONLY)


def remove(path: Path) -> None:
    """Remove the file `path` if it is there.

    Raises:
        FolderError: it may not be removed.
    """
    with disk_faults(path, "remove"):
        path.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> int:
    """Remove the aside files that killed processes left anywhere in `folder`, and return their number."""
    leftovers = [path for path in folder.rglob(f"{ASIDE_PREFIX}*") if path.is_file()]
    for path in leftovers:
        remove(path)
    return len(leftovers)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
