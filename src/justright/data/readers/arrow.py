"""Arrow IPC (Feather version 2) files: their unpacked size is added up before Polars unpacks anything.

Polars has no limit, and allocates whatever a damaged buffer asks for: the process is then killed without a message. Each
compressed buffer starts with the number of bytes it unpacks to (Arrow's columnar format, "Compressed body buffers"). Where
the buffers are is stored in FlatBuffers; the field numbers are those of Apache Arrow's File.fbs and Message.fbs.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from justright.data.readers.columnar import FooterError, read_columnar
from justright.data.readers.raw import TableFormat

MAGIC = b"ARROW1"
# Field numbers: Footer, Message, DictionaryBatch, RecordBatch.
DICTIONARIES, RECORD_BATCHES = 2, 3
HEADER_TYPE, HEADER = 1, 2
DICTIONARY_BATCH, DICTIONARY_DATA = 2, 1  # the header's type, and the batch inside it
LENGTH, BUFFERS, COMPRESSION = 0, 2, 3
BLOCK = struct.Struct("<qi4xq")  # where a message is, the length of its metadata and of its body
BUFFER = struct.Struct("<qq")
CONTINUED = 0xFFFFFFFF  # before the length of a message's metadata, since version 0.15
STORED = -1  # in place of the unpacked length: this buffer is not compressed


def unpacked_arrow_bytes(path: Path, rows: int | None = None) -> int:
    """Return how many bytes the buffers of an Arrow file unpack to; 0 for a file that does not end as one.

    Args:
        path: the file.
        rows: count only record batches with some of this many first rows; None for all.
    Raises:
        FooterError: the footer or a message cannot be read; or another of `DAMAGES`.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        end = len(data) - len(MAGIC)
        if data[end:] != MAGIC:
            return 0  # Polars reports that it is not an Arrow file
        footer = _table(data, end - 4 - _integer(data, end - 4))
        total = sum(_batch(data, *block)[1] for block in _structs(data, footer, DICTIONARIES, BLOCK))
        before = 0
        for block in _structs(data, footer, RECORD_BATCHES, BLOCK):
            if rows is not None and before >= rows:
                break
            height, unpacked = _batch(data, *block)
            before, total = before + max(height, 0), total + unpacked
        return total


def _batch(data: mmap.mmap, start: int, metadata: int, _: int) -> tuple[int, int]:
    """Return the number of rows in one message, and how many bytes its buffers unpack to."""
    prefix = 8 if _integer(data, start, "<I") == CONTINUED else 4
    message = _table(data, start + prefix)
    batch = _follow(data, message, HEADER)
    kind = _field(data, message, HEADER_TYPE)
    if kind and data[kind] == DICTIONARY_BATCH:
        batch = _follow(data, batch, DICTIONARY_DATA)
    is_compressed = _field(data, batch, COMPRESSION)
    total = 0
    for offset, length in _structs(data, batch, BUFFERS, BUFFER):
        unpacked = _integer(data, start + metadata + offset, "<q") if is_compressed and length else STORED
        if unpacked < STORED:
            raise FooterError("a buffer of a negative size")
        total += length if unpacked == STORED else unpacked
    height = _field(data, batch, LENGTH)
    return _integer(data, height, "<q") if height else 0, total


def _integer(data: mmap.mmap, at: int, kind: str = "<i") -> int:
    if at < 0:
        raise ValueError("before the file's start")
    return int(struct.unpack_from(kind, data, at)[0])


def _table(data: mmap.mmap, at: int) -> int:
    """Return the place of the table that the offset at a place points to."""
    return at + _integer(data, at, "<I")


def _field(data: mmap.mmap, table: int, number: int) -> int:
    """Return the place of a table's field; 0 if it is absent."""
    names = table - _integer(data, table)
    if 4 + 2 * number >= _integer(data, names, "<H"):
        return 0
    offset = _integer(data, names + 4 + 2 * number, "<H")
    return table + offset if offset else 0


def _follow(data: mmap.mmap, table: int, number: int) -> int:
    """Return the place of the table in a table's field."""
    if not (at := _field(data, table, number)):
        raise ValueError("a field is missing")
    return _table(data, at)


def _structs(data: mmap.mmap, table: int, number: int, kind: struct.Struct) -> Iterator[tuple[int, ...]]:
    """Yield the members of a vector of structs in a table's field."""
    if not (at := _field(data, table, number)):
        return
    start = _table(data, at)
    for index in range(_integer(data, start, "<I")):
        yield kind.unpack_from(data, start + 4 + index * kind.size)


read_arrow = partial(
    read_columnar, kind="Arrow", parts="buffers", count_unpacked=unpacked_arrow_bytes, scanner="scan_ipc"
)
ARROW = TableFormat("Arrow", "an Arrow file", (MAGIC,), (".arrow", ".feather"), read_arrow)
