"""Files with several names in one study folder: what several groups of variants show is stored once.

The names are hard links. A symbolic link would lead out of the folder as well as inside it, so a study folder holds none; a
hard link is a file like any other, and whether all its names lie here can be counted. Where the file system has no hard
links, and after a copy that does not keep them, each name is a file of its own.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from justright.records.entries import open_regular
from justright.records.faults import disk_faults
from justright.records.files import replacing, write_atomically


def write_shared(paths: Sequence[Path], data: bytes) -> None:
    """Write `data` to a file with these names, each replaced atomically.

    Raises:
        FolderError: the disk is full, read-only or gone.
    """
    first, *others = paths
    write_atomically(first, data)
    for path in others:
        with replacing(path) as aside:
            try:
                os.link(first, aside)
            except OSError:  # no hard links here, or too many
                shutil.copyfile(first, aside)


def append_shared(paths: Sequence[Path], data: bytes) -> None:
    """Append `data` once to each file that has some of these names; `are_ours` must hold.

    Raises:
        FolderError: the disk is full, read-only or gone, or a file has other names by now.
    """
    files = {_file_of(path): path for path in paths}
    names = Counter(map(_file_of, paths))
    for file, path in files.items():
        opener = partial(open_regular, names=names[file])
        with disk_faults(path, "write the event file"), open(path, "ab", opener=opener) as stream:
            stream.write(data)


def are_ours(paths: Sequence[Path]) -> bool:
    """Return whether all these names are of files, and their files have no other name, under which they would change, too."""
    try:
        states = [path.lstat() for path in paths]
    except OSError:
        return False
    names = Counter((state.st_dev, state.st_ino) for state in states)
    return all(
        stat.S_ISREG(state.st_mode) and state.st_nlink == names[state.st_dev, state.st_ino]
        for state in states
    )


def one_name_each(paths: Sequence[Path]) -> list[Path]:
    """Return the first of these names of each file, so that no file is read twice, and every name of no file."""
    found: dict[object, Path] = {}
    for path in paths:
        try:
            state = path.lstat()
            found.setdefault((state.st_dev, state.st_ino), path)
        except OSError:
            found[path] = path
    return list(found.values())


def _file_of(path: Path) -> tuple[int, int]:
    with disk_faults(path, "look at"):
        state = path.lstat()
    return state.st_dev, state.st_ino
