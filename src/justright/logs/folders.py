"""Which files of a folder are its log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from justright.data.pipes import is_pipe
from justright.errors import InputError
from justright.logs.source import LogFormat, Source

MAX_FILES = 10_000  # files listed below a folder; a log folder with more is the wrong folder


def open_source(path: Path, formats: Sequence[LogFormat]) -> Source:
    """Return the content of `path`, a file or a folder.

    Raises:
        InputError: it is too large, not text, or a folder without a file of any format.
        OSError: there is nothing, or it cannot be read.
    """
    if is_pipe(str(path)):
        return Source.of_file(path)
    if path.is_dir():
        return _open_folder(path, formats)
    if any(one.claims(path) for one in formats):
        return Source(path, files=(path,))
    return Source.of_file(path)


def _open_folder(folder: Path, formats: Sequence[LogFormat]) -> Source:
    for one in formats:
        if one.folder_file and (folder / one.folder_file).is_file():
            return Source.of_file(folder / one.folder_file)
    found: dict[str, list[Path]] = {}
    for count, entry in enumerate(folder.rglob("*")):
        if count >= MAX_FILES:
            raise InputError(f"A log folder must hold at most {MAX_FILES:,} files; {str(folder)!r} has more.")
        claimed = next((one.name for one in formats if one.claims(entry)), None)
        if claimed and entry.is_file():
            found.setdefault(claimed, []).append(entry)
    for one in formats:
        if one.name in found:
            return Source(folder, files=tuple(sorted(found[one.name])))
    names = [one.folder_file or one.summary for one in formats if one.folder_file or one.file_pattern]
    listed = ", ".join(names[:-1]) + " or " + names[-1]
    raise InputError(f"A log folder must hold {listed}; {str(folder)!r} holds none.")
