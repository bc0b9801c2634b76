"""Bytes that can be read only once: standard input, named pipes, and what a shell passes for <(command)."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

from justright.data.sources import Progress, ReadProgress
from justright.errors import InputError

STANDARD_INPUT = "-"
OTHER_NAMES = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
# Where shells put the pipes of a command line; they are gone with it.
PASSING_FOLDERS = ("/dev/fd/", "/proc/self/fd/")
CHUNK_BYTES = 1 << 16


def is_pipe(source: str) -> bool:
    """Return whether a source is standard input or a named pipe, and not a file redirected to either.

    Example:
        >>> is_pipe("-"), is_pipe("table.csv")
        (True, False)
    """
    if source == STANDARD_INPUT:
        return True
    try:
        kind = Path(source).stat().st_mode
    except (OSError, ValueError):  # the latter: a zero character
        return False
    return stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or (source in OTHER_NAMES and stat.S_ISCHR(kind))


def came_from_pipe(source: str) -> bool:
    """Return whether a source, which may be gone by now, cannot be read again by its name."""
    return source.startswith(PASSING_FOLDERS) or source in OTHER_NAMES or is_pipe(source)


def pipe_name(source: str) -> str:
    """Return how sentences name a pipe."""
    return "standard input" if source in (STANDARD_INPUT, *OTHER_NAMES) else repr(source)


def open_pipe(source: str) -> IO[bytes]:
    """Return a pipe, unbuffered; waits for a program that writes, as `cat` does. Ctrl-C ends that.

    Raises:
        OSError: it cannot be opened.
    """
    if source in (STANDARD_INPUT, *OTHER_NAMES):
        return os.fdopen(0, "rb", buffering=0, closefd=False)
    return Path(source).open("rb", buffering=0)


def keep_pipe(source: str, path: Path, *, progress: Progress | None, limit: int) -> None:
    """Write all that a pipe brings to a file.

    Args:
        source: the pipe.
        path: where to write; replaced.
        progress: called before the first byte, with 0 bytes, and after every piece.
        limit: most bytes to receive.
    Raises:
        InputError: it brings more than `limit`.
        OSError: it cannot be read, or the file not be written.
    """
    name, received = pipe_name(source), 0
    if progress is not None:
        progress(ReadProgress(0, 0, None, name))
    with open_pipe(source) as pipe, path.open("wb") as file:
        while chunk := pipe.read(CHUNK_BYTES):
            received += len(chunk)
            if received > limit:
                raise InputError(
                    f"{name}: a table must take at most {limit:,} bytes; more arrive. Send only the rows you need."
                )
            file.write(chunk)
            if progress is not None:
                progress(ReadProgress(received, 0, None, name))
