"""Parquet files: the unpacked size is added up from the page headers before Polars unpacks anything.

Polars has no limit: 10 kB of Parquet can hold a text of gigabytes. Every page states in its header how many bytes it
unpacks to, and no decompressor writes more than that. Headers and footer use Thrift's compact protocol
(thrift-compact-protocol.md of Apache Thrift; field numbers from parquet.thrift of Apache Parquet).
"""

from __future__ import annotations

import io
import struct
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from justright.data.readers.columnar import FooterError, read_columnar
from justright.data.readers.raw import TableFormat

MAGIC = b"PAR1"
# Field numbers in parquet.thrift: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData, PageHeader.
ROW_GROUPS, COLUMNS, GROUP_ROWS, COLUMN_META = 4, 1, 3, 3
PACKED_BYTES, DATA_PAGE, DICTIONARY_PAGE = 7, 9, 11
PAGE_UNPACKED, PAGE_PACKED = 2, 3
# A page's header holds a few numbers, and statistics whose texts writers cut.
MAX_HEADER_BYTES = 1 << 20
# Thrift's compact types.
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
INTEGERS = (4, 5, 6)
# parquet.thrift nests less; a deeper value is an attack on the stack.
MAX_DEPTH = 16


def unpacked_parquet_bytes(path: Path, rows: int | None = None) -> int:
    """Return how many bytes the pages of a Parquet file unpack to.

    Args:
        path: the file.
        rows: count only row groups with some of this many first rows; None for all.
    Raises:
        FooterError: the footer or a page header cannot be read; or another of `DAMAGES`.
    """
    with path.open("rb") as file:
        total, before = 0, 0
        for group in _footer(file).get(ROW_GROUPS, []):
            if rows is not None and before >= rows:
                break
            before += max(group[GROUP_ROWS], 0)
            total += sum(_chunk_bytes(file, chunk[COLUMN_META]) for chunk in group[COLUMNS])
        return total


def _footer(file: BinaryIO) -> dict[int, Any]:
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - 8, 0))
    (length,), magic = struct.unpack("<I", file.read(4)), file.read(4)
    if magic != MAGIC or length > size - 8:
        raise FooterError("its footer is missing or damaged")
    file.seek(size - 8 - length)
    return _Compact(file.read(length)).struct()


def _chunk_bytes(file: BinaryIO, meta: dict[int, Any]) -> int:
    """Return how many bytes the pages of one column chunk unpack to."""
    place = min(offset for offset in (meta.get(DICTIONARY_PAGE), meta[DATA_PAGE]) if offset)
    end, total = place + meta[PACKED_BYTES], 0
    while place < end:
        file.seek(place)
        header = _Compact(file.read(min(end - place, MAX_HEADER_BYTES)))
        page = header.struct()
        if page[PAGE_PACKED] < 0 or page[PAGE_UNPACKED] < 0:
            raise FooterError("a page has a negative length")
        total += page[PAGE_UNPACKED]
        place += header.place + page[PAGE_PACKED]
    return total


class _Compact:
    """A reader of Thrift's compact protocol: structs as dictionaries from field number to value.

    Args:
        data: the bytes; what follows the struct is ignored.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > MAX_DEPTH:
            raise FooterError("its footer is nested too deep")
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._integer()
            fields[number] = self._value(head & 0x0F, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:  # noqa: ANN401  # a Thrift value of any type
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind in INTEGERS:
            return self._integer()
        if kind == BINARY:
            return self._skip(self._unsigned())
        if kind in (LIST, SET):
            return self._list(depth)
        if kind == STRUCT:
            return self.struct(depth + 1)
        if kind in (BYTE, DOUBLE):
            return self._skip(1 if kind == BYTE else 8)
        raise FooterError(f"its footer holds a value of type {kind}")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        length, kind = head >> 4, head & 0x0F
        if length == 15:
            length = self._unsigned()
        if length > len(self._data) - self.place:  # every element takes a byte at least
            raise FooterError("its footer ends too early")
        if kind in (TRUE, FALSE):  # in a list, unlike in a struct, a boolean is a byte of its own
            return [self._byte() == TRUE for _ in range(length)]
        return [self._value(kind, depth + 1) for _ in range(length)]

    def _integer(self) -> int:
        zigzag = self._unsigned()
        return (zigzag >> 1) ^ -(zigzag & 1)

    def _unsigned(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise FooterError("a number in its footer is too long")

    def _byte(self) -> int:
        self.place += 1
        return self._data[self.place - 1]

    def _skip(self, length: int) -> None:
        if length > len(self._data) - self.place:
            raise FooterError("its footer ends too early")
        self.place += length


read_parquet = partial(
    read_columnar,
    kind="Parquet",
    parts="pages",
    count_unpacked=unpacked_parquet_bytes,
    scanner="scan_parquet",
)
PARQUET = TableFormat("Parquet", "a Parquet file", (MAGIC,), (".parquet",), read_parquet)
