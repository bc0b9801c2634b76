"""Parsed rows kept between runs: one .npy file for each source, its checksum in its name."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from justright.errors import FolderError
from justright.records.files import replacing

# rows-KEY-ROWS-all|head-CHECKSUM.npy: everything to be known about the rows without opening the file.
FILE_NAME = re.compile(
    r"rows-(?P<key>[0-9a-f]{16})-(?P<rows>\d+)-(?P<extent>all|head)-(?P<sum>[0-9a-f]{64})\.npy"
)
KEY_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class CachedRows:
    """The first rows of a source.

    Args:
        values: (rows, columns) float32.
        is_all: the source holds no more rows.
    """

    values: npt.NDArray[np.float32]
    is_all: bool


def load_rows(folder: Path, key: str, wanted: int, *, columns: int) -> CachedRows | None:
    """Return cached rows of a source, at least `wanted` or all there are; None if too few are cached.

    A file whose content does not match the checksum in its name is ignored, and replaced by the next `store_rows`.

    Args:
        folder: the cache.
        key: the source's address.
        wanted: rows needed.
        columns: columns that each row must have.
    """
    for path, match in sorted(_files(folder, key), key=lambda item: int(item[1]["rows"])):
        is_all = match["extent"] == "all"
        if int(match["rows"]) < wanted and not is_all:
            continue
        values = _load(path, match["sum"])
        if values is not None and values.shape == (int(match["rows"]), columns):
            return CachedRows(values, is_all)
    return None


def store_rows(folder: Path, key: str, rows: CachedRows) -> None:
    """Add rows to the cache, and remove shorter ones of the same source.

    A cache that cannot be written is not an error: the rows are read again next time.

    Args:
        folder: the cache; made if missing.
        key: the source's address.
        rows: what to keep.
    """
    with contextlib.suppress(OSError, FolderError):
        extent = "all" if rows.is_all else "head"
        name = f"rows-{_short(key)}-{len(rows.values)}-{extent}-{_checksum(rows.values)}.npy"
        with replacing(folder / name) as aside:
            np.save(aside, rows.values, allow_pickle=False)
        for path, match in _files(folder, key):
            if path.name != name and int(match["rows"]) <= len(rows.values):
                path.unlink(missing_ok=True)


def _files(folder: Path, key: str) -> Iterator[tuple[Path, re.Match[str]]]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        match = FILE_NAME.fullmatch(path.name)
        if match and match["key"] == _short(key):
            yield path, match


def _load(path: Path, checksum: str) -> npt.NDArray[np.float32] | None:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    is_good = values.dtype == np.float32 and values.ndim == 2 and _checksum(values) == checksum
    return values if is_good else None


def _short(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:KEY_CHARACTERS]


def _checksum(values: npt.NDArray[np.float32]) -> str:
    # Hashes the array's memory in place: all of HIGGS is 1.3 GB.
    return hashlib.sha256(np.ascontiguousarray(values).data).hexdigest()
