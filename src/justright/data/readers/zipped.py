"""Zip archives with one text table in them, as UCI and Kaggle offer them."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from justright.data.checks import listed
from justright.data.read_options import ReadOptions
from justright.data.readers.arff import ARFF
from justright.data.readers.delimited import read_delimited
from justright.data.readers.inflate import PACKED_ENDINGS, PIECE_BYTES, bounded, checked_size, inflate_all
from justright.data.readers.json_rows import JSON
from justright.data.readers.libsvm import LIBSVM
from justright.data.readers.npz import COMPRESSIONS, DAMAGES
from justright.data.readers.raw import RawTable, TableFormat
from justright.errors import InputError, near_miss

# Formats of members besides delimited text.
OTHERS = (JSON, ARFF, LIBSVM)
# Endings of tables, surest first: text may be a README, and what has no ending of these is one in most archives.
ENDINGS = (
    (".csv", ".tsv", ".tab", ".data", *(ending for one in OTHERS for ending in one.endings)),
    (".txt", ".dat"),
)
# What other kinds of zip files begin with: workbooks and documents of Microsoft's, and OpenDocument's.
OTHER_STARTS = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"xl/", b"mimetype")
# Of the first member's header (APPNOTE.TXT 4.3.7): its fixed part, and where the length of the name stands.
HEADER_BYTES = 30
NAME_LENGTH = slice(26, 28)
IS_ENCRYPTED = 1
START_BYTES = 4096
MAX_LISTED = 8


def read_zip(path: Path, label: str, options: ReadOptions) -> RawTable:
    """Return the columns of the table in a zip archive.

    Args:
        path: the file.
        label: how messages name it.
        options: how the table is read; `sheet` names the member where there are several tables.
    Raises:
        InputError: damaged, encrypted or too large, no table or several in it, or the table cannot be read.
    """
    checked_size(path, label)
    try:
        with zipfile.ZipFile(path) as archive:
            member = _choose(archive.infolist(), label, options.sheet)
            _check_member(member, label)
            with archive.open(member) as file:
                data = bounded(iter(partial(file.read, PIECE_BYTES), b""), label)
    except DAMAGES as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{label}: a readable zip archive was expected; {str(error)!r}. Write or download it again."
        ) from None
    raw = _read_member(inflate_all(data, label), member.filename, f"{label}, {member.filename!r}", options)
    return replace(raw, notes=(f"The table is {member.filename!r} in a zip archive.", *raw.notes))


def looks_like_zip(start: bytes) -> bool:
    r"""Return whether a file that begins as a zip archive is one of files, not of arrays or a workbook.

    Example:
        >>> (
        ...     looks_like_zip(b"PK\3\4" + bytes(22) + b"\5\0\0\0a.csv"),
        ...     looks_like_zip(b"PK\3\4" + bytes(22) + b"\5\0\0\0X.npy"),
        ... )
        (True, False)
    """
    length = int.from_bytes(start[NAME_LENGTH], "little")
    name = start[HEADER_BYTES : HEADER_BYTES + length]
    return not name.endswith(b".npy") and not name.startswith(OTHER_STARTS)


def _choose(members: Sequence[zipfile.ZipInfo], label: str, wanted: str | None) -> zipfile.ZipInfo:
    """Return the member that was asked for, or the only one that is a table by its name."""
    files = {one.filename: one for one in members if not one.is_dir() and not _is_hidden(one.filename)}
    if wanted is not None:
        named = [name for name in files if wanted in (name, PurePosixPath(name).name)]
        if len(named) != 1:
            raise InputError(
                f"{label}: `sheet` must name a file in the archive; got {wanted!r}.{near_miss(wanted, list(files))} "
                f"Files: {listed(list(files), most=MAX_LISTED)}."
            )
        return files[named[0]]
    tiers = [[name for name in files if _ending(name) in endings] for endings in ENDINGS]
    names = next((tier for tier in tiers if tier), list(files))
    if len(names) != 1:
        what = f"it holds {listed(names, most=MAX_LISTED)}" if names else "it holds no file"
        raise InputError(
            f"{label}: a zip archive must hold one table; {what}. Choose one with `sheet` (--sheet NAME), or unpack it."
        )
    return files[names[0]]


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _ending(name: str) -> str:
    path = PurePosixPath(name.lower())
    return (path.with_suffix("") if path.suffix in PACKED_ENDINGS else path).suffix


def _check_member(member: zipfile.ZipInfo, label: str) -> None:
    if member.flag_bits & IS_ENCRYPTED:
        raise InputError(
            f"{label}: a zip archive must not be encrypted; {member.filename!r} is. Unpack it first."
        )
    if member.compress_type not in COMPRESSIONS:
        raise InputError(
            f"{label}: {member.filename!r} must be stored or deflated; it is compressed in another way. Unpack it first."
        )


def _read_member(data: bytes, name: str, label: str, options: ReadOptions) -> RawTable:
    by_name = [one for one in OTHERS if _ending(name) in one.endings]
    by_look = [one for one in OTHERS if one.recognise and one.recognise(data[:START_BYTES])]
    found = next(iter([*by_name, *by_look]), None)
    if found is None or (not by_name and _ending(name) in ENDINGS[0]):
        return read_delimited(data, label, options, name=PurePosixPath(name).name)
    with tempfile.TemporaryDirectory(prefix="justright-") as folder:
        path = Path(folder) / "table"
        path.write_bytes(data)
        return found.read(path, label, options)


ZIP = TableFormat(
    "zip", "a zip archive", (b"PK\x03\x04",), (".zip",), read_zip, recognise=looks_like_zip, takes=("sheet",)
)
