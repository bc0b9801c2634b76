"""`watch`: what a log says each time it has grown."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from justright.errors import InputError
from justright.logs.choices import NO_CHOICES, Choices
from justright.session.reading import Reading, read_path

EVERY_SECONDS = 5.0
MAX_FILES = 10_000  # files of a folder that are looked at; their order on the disk decides which

# Path below the log -> its size, time of change and number on the disk, which differs once it is replaced.
Stamp = dict[str, tuple[int, int, int]]


def watch(
    path: str | Path,
    choices: Choices = NO_CHOICES,
    *,
    every_seconds: float = EVERY_SECONDS,
    say: Callable[[str], None] = lambda sentence: None,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[Reading]:
    """Yield a reading of a log at once, and another whenever it has grown; the caller ends it.

    A log that is not there yet, that is empty or half-written, or that is replaced while it is read, is waited for.

    Args:
        path: a file or folder.
        choices: what the user says about it.
        every_seconds: how long to wait before looking again.
        say: told why there is no reading, in one sentence, once for each reason.
        wait: waits for that many seconds.

    Raises:
        InputError: `every_seconds` is not positive.
    """
    if not every_seconds > 0:
        raise InputError(f"`every_seconds` must be positive; got {every_seconds!r}.")
    return _watch(Path(path), choices, every_seconds, say, wait)


def _watch(
    path: Path,
    choices: Choices,
    every_seconds: float,
    say: Callable[[str], None],
    wait: Callable[[float], None],
) -> Iterator[Reading]:
    seen: Stamp | None = None
    content, said = None, None
    while True:
        stamp = stamp_of(path)
        if stamp != seen:
            seen = stamp
            reading, problem = _read(path, choices, is_there=bool(stamp))
            if reading is not None and content != (content := _content_of(reading)):
                yield reading
            if problem not in (None, said):
                say(str(problem))
            said = problem
        wait(every_seconds)


def stamp_of(path: Path) -> Stamp:
    """Return what changes when a file of a log does; nothing while there is none."""
    if not path.is_dir():
        return _stamps([("", path)])
    found: list[tuple[str, Path]] = []
    for folder, _, names in os.walk(path):
        found += [(os.path.join(folder, name), Path(folder, name)) for name in names]  # noqa: PTH118  # a key
        if len(found) >= MAX_FILES:
            break
    return _stamps(found[:MAX_FILES])


def _stamps(files: list[tuple[str, Path]]) -> Stamp:
    stamps: Stamp = {}
    for name, file in files:
        try:
            status = file.stat()
        except OSError:  # gone since it was listed, or not there yet
            continue
        stamps[name] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return stamps


def _read(path: Path, choices: Choices, *, is_there: bool) -> tuple[Reading | None, str | None]:
    """Return the reading, or why there is none yet."""
    if not is_there:
        return None, f"There is no {str(path)!r} yet: waiting for it."
    try:
        return read_path(path, choices), None
    except InputError as error:
        return None, f"Waiting for a log that can be read. {error}"


def _content_of(reading: Reading) -> tuple[object, ...]:
    """Return what a reading rests on: a folder may change without its curves, as when a checkpoint is saved."""
    return tuple(
        (run.name, curve.written, curve.at.tobytes(), curve.values.tobytes())
        for run in reading.runs
        for curve in run.curves.curves
    )
