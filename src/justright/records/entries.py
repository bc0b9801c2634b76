"""What may lie in a study folder: files and folders, and nothing that leads out of it or keeps whoever opens it waiting.

A folder may come from anybody. A link in it leads to other files, which would be read or overwritten; a pipe in the place of
a file never ends. So all of it is looked at before anything in it is opened, and what is opened here is looked at once more.
The folder itself may be reached through links: its path is the user's own.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from justright.errors import FolderError
from justright.records.faults import disk_faults

# Of a study of 1,000 variants with 100 seeds: five event files in three folders, a model, a checkpoint for each run; and the
# event files of some variants in a second group.
MAX_ENTRIES = 2_000_000
# Files that are changed in place, where all others are replaced: a hard link to one of them is changed as well.
CHANGED_IN_PLACE = ("lock", "study.db", "study.db-wal", "study.db-shm")
# What even a reader of the database changes.
CHANGED_BY_READERS = ("study.db-shm",)
# SQLite rolls a journal back when it opens the database, and then deletes the file that the journal names at its end, wherever
# that is (pager.c, readSuperJournal). Ours has a write-ahead log instead; a kill while the database is made may leave a
# journal, but none that names a file.
JOURNAL = "study.db-journal"
NAMES_A_FILE = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"  # its last bytes if it does
# Windows' links to folders (junctions); the constant of `stat` exists only there.
JUNCTION_TAG = 0xA0000003


def check_entries(folder: Path, *, writing: bool) -> None:
    """Check everything in a study folder, before anything in it is opened.

    Entries of the folder itself whose names begin with a dot are the user's, and are never opened.

    Args:
        folder: an existing folder.
        writing: whether it will be written to.

    Raises:
        FolderError: it holds a link, a pipe, a device or a socket, too many entries, a journal that names a file, or a hard link to a file
            that would be changed in place.
    """
    with disk_faults(folder, "list the folder"):
        for count, entry in enumerate(_walk(folder), start=1):
            if count > MAX_ENTRIES:
                raise FolderError(
                    f"A study folder must hold at most {MAX_ENTRIES:,} files and folders; {str(folder)!r} holds more. "
                    "Take it from its source again."
                )
            if entry.is_symlink() or not _is_plain(entry):
                _check(Path(entry.path), folder)
        for name in CHANGED_IN_PLACE if writing else CHANGED_BY_READERS:
            _check_single(folder / name, folder)
        if _end(folder / JOURNAL) == NAMES_A_FILE:
            raise FolderError(
                f"A journal must be about the study's database alone; {JOURNAL!r} in {str(folder)!r} names another file, which "
                "SQLite would delete. Take the folder from its source again, or start in a fresh one with --new."
            )


def check_inside(path: Path, folder: Path) -> None:
    """Check every step from a folder to a path inside it; steps that are missing are fine.

    Raises:
        FolderError: one is a link, a pipe, a device or a socket.
    """
    steps = path.relative_to(folder).parts
    for end in range(1, len(steps) + 1):
        _check(folder.joinpath(*steps[:end]), folder)


def open_regular(path: str, flags: int, *, names: int = 1) -> int:
    """Return a descriptor of a regular file, as an `opener` of Python's `open`: neither a link nor a pipe is followed.

    Args:
        path: the file.
        flags: of `os.open`.
        names: how many names (hard links) a file may have that would be written.

    Raises:
        OSError: it is neither, cannot be opened, or has more names and would be written.
    """
    # Without O_NONBLOCK opening a pipe waits for its other end. Windows has neither flag, and no pipes in folders.
    quick = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | quick, 0o666)
    status = os.fstat(descriptor)
    is_writing = flags & (os.O_WRONLY | os.O_RDWR)
    if not stat.S_ISREG(status.st_mode) or (is_writing and status.st_nlink > names):
        os.close(descriptor)
        raise OSError(None, "it is not a regular file with one name")
    return descriptor


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything below a folder, without following links; what another process removes meanwhile is left out."""
    pending = [str(folder)]
    while pending:
        place = pending.pop()
        try:
            entries = os.scandir(place)
        except FileNotFoundError:
            continue
        with entries:
            for entry in entries:
                if place == str(folder) and entry.name.startswith("."):
                    continue
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)


def _is_plain(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a file or a folder; mostly without another question to the file system."""
    if os.name == "nt" and _leads_away(entry.stat(follow_symlinks=False)):
        return False
    return entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)


def _check(path: Path, folder: Path) -> None:
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    name = path.relative_to(folder).as_posix()
    if _leads_away(status):
        raise FolderError(
            f"A study folder must hold files and folders only; {name!r} in {str(folder)!r} is a link. "
            "Put a copy of what it leads to in its place; the folder as a whole may be a link."
        )
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise FolderError(
            f"A study folder must hold files and folders only; {name!r} in {str(folder)!r} is neither. "
            "Remove it, or take the folder from its source again."
        )


def _leads_away(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == JUNCTION_TAG


def _check_single(path: Path, folder: Path) -> None:
    """Refuse a file with a second name: SQLite and the lock would change what is known under that one, too."""
    try:
        names = path.lstat().st_nlink
    except FileNotFoundError:
        return
    if names > 1:
        raise FolderError(
            f"A file that a study changes in place must have one name; {path.name!r} in {str(folder)!r} has {names} "
            "(hard links). Put a copy of it in its place."
        )


def _end(path: Path) -> bytes:
    """Return the last bytes of a file, as many as `NAMES_A_FILE` has; none if there is no such file."""
    try:
        with open(path, "rb", opener=open_regular) as file:
            file.seek(-min(len(NAMES_A_FILE), os.fstat(file.fileno()).st_size), os.SEEK_END)
            return file.read()
    except FileNotFoundError:
        return b""
