"""HIGGS rows from a stream: inflate, cut into lines, parse one block of lines at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import numpy.typing as npt

from justright.data.readers.delimited import read_number_rows
from justright.data.readers.inflate import GZIP_MAGIC, CorruptDataError, inflate_gzip
from justright.higgs.columns import HIGGS_COLUMNS

# A row of HIGGS takes 730 bytes. A longer line is not a row, and would grow without end in a bomb.
MAX_LINE_BYTES = 1 << 14
# Characters of a wrong cell shown in a message.
MAX_SHOWN = 40
HTML_STARTS = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")


def inflate_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield whole lines of a gzip stream, or of plain text, as they arrive.

    Args:
        chunks: bytes of the file.
    Raises:
        CorruptDataError: damaged, truncated or an HTML page: another address may do better.
    """
    source = iter(chunks)
    first = next(source, b"")
    while len(first) < len(GZIP_MAGIC) and (more := next(source, b"")):
        first += more
    if first.lstrip()[:64].lower().startswith(HTML_STARTS):
        raise CorruptDataError("it is an HTML page, not HIGGS.csv.gz")
    whole = chain([first], source)
    pending = b""
    for piece in inflate_gzip(whole) if first.startswith(GZIP_MAGIC) else whole:
        text = pending + piece
        end = text.rfind(b"\n") + 1
        pending = text[end:]
        if len(pending) > MAX_LINE_BYTES:
            raise CorruptDataError(f"a line is longer than {MAX_LINE_BYTES:,} bytes, so it is not HIGGS")
        if end:
            yield text[:end]
    if pending.strip():
        yield pending + b"\n"


class RowReader:
    """Collects parsed rows up to the number wanted.

    Args:
        wanted: rows to keep.
    """

    def __init__(self, wanted: int) -> None:
        self.rows = 0
        self._wanted = wanted
        self._blocks: list[npt.NDArray[np.float32]] = []

    @property
    def is_full(self) -> bool:
        """Whether all rows wanted are there."""
        return self.rows >= self._wanted

    def add(self, lines: bytes) -> None:
        """Parse whole lines; those beyond the rows wanted are dropped.

        Raises:
            CorruptDataError: a line is not 29 finite numbers with 0 or 1 first; the message says which.
        """
        block = first_lines(lines, self._wanted - self.rows)
        if not block.strip():
            return
        frame = read_number_rows(block, HIGGS_COLUMNS)
        with np.errstate(over="ignore"):  # what overflows is found below, as infinity
            values = None if frame is None else frame.to_numpy().astype(np.float32)
        if values is None or not _is_higgs(values):
            raise CorruptDataError(explain_lines(block, self.rows))
        self._blocks.append(values)
        self.rows += len(values)

    def values(self) -> npt.NDArray[np.float32]:
        """Return (rows, 29) float32, the label first.

        Raises:
            CorruptDataError: there are no rows.
        """
        if not self._blocks:
            raise CorruptDataError("it is empty")
        return np.concatenate(self._blocks)


def first_lines(lines: bytes, wanted: int) -> bytes:
    r"""Return the first so many lines.

    Example:
        >>> first_lines(b"a\nb\nc\n", 2)
        b'a\nb\n'
    """
    if lines.count(b"\n") <= wanted:
        return lines
    return b"".join(line + b"\n" for line in lines.split(b"\n", wanted)[:wanted])


def explain_lines(block: bytes, rows_before: int) -> str:
    r"""Return which line of a block is not a row of HIGGS, and why.

    Args:
        block: whole lines, at least one of them wrong.
        rows_before: lines of the file before the block.
    Example:
        >>> explain_lines(b"1,2\n", 6)
        'line 7 has 2 fields, not 29'
    """
    for offset, line in enumerate(block.split(b"\n")):
        place = f"line {rows_before + offset + 1:,}"
        cells = line.decode("utf-8", "replace").strip().split(",")
        if len(cells) != len(HIGGS_COLUMNS):
            return f"{place} has {len(cells)} fields, not {len(HIGGS_COLUMNS)}"
        for name, cell in zip(HIGGS_COLUMNS, cells, strict=True):
            if not _is_float32(cell):
                return f"{place} holds {cell[:MAX_SHOWN]!r} as {name}, which is not a finite float32"
        if float(cells[0]) not in (0.0, 1.0):
            return f"{place} holds {cells[0][:MAX_SHOWN]!r} as label, which is neither 0 nor 1"
    return f"the lines from {rows_before + 1:,} on are not rows of numbers"


def _is_higgs(values: npt.NDArray[np.float32]) -> bool:
    return bool(np.isfinite(values).all() and np.isin(values[:, 0], (0.0, 1.0)).all())


def _is_float32(cell: str) -> bool:
    try:
        with np.errstate(over="ignore"):
            return bool(np.isfinite(np.float32(float(cell))))
    except ValueError:
        return False
