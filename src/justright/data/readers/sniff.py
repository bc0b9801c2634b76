"""What kind of text a file holds: encoding, delimiter, header."""

from __future__ import annotations

import re
from collections.abc import Sequence

from justright.errors import InputError

DELIMITERS = (",", "\t", ";", "|")
# A column name may be a year or an identifier, but hardly 0.5 or 1e-3: those are data.
WHOLE_NUMBER = re.compile(r"\d+")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# Bytes searched for the delimiter: the first line of any reasonable table.
SNIFFED_BYTES = 1 << 20


class BinaryError(InputError):
    """The bytes are neither text nor any other known format."""


def check_text(data: bytes, label: str) -> bytes:
    """Return UTF-8 text without byte-order mark and with line feeds.

    Args:
        data: the file's bytes.
        label: how messages name it.
    Raises:
        BinaryError: it holds a zero byte.
        InputError: empty, UTF-16 or another encoding; the message gives line and byte.
    """
    if data.startswith(UTF16_MARKS):
        raise InputError(f"{label}: text must be UTF-8; it is UTF-16. Save it as UTF-8.")
    data = data.removeprefix(BYTE_ORDER_MARK)
    if not data.strip():
        raise InputError(f"{label}: a table must have at least one row; the file is empty.")
    place = data.find(b"\0")
    if place >= 0:
        raise BinaryError(
            f"{label}: text must not hold zero bytes; byte {place:,} is one, so it is probably a binary file."
        )
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise InputError(
                f"{label}: text must be UTF-8; line {line:,} holds the byte 0x{data[error.start]:02x}, which is not. "
                "Save it as UTF-8."
            ) from None
    start = data[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise InputError(f"{label}: a table was expected; it is an HTML page. Check the address or the file.")
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def find_delimiter(data: bytes) -> str:
    """Return which of comma, tab, semicolon and bar is most frequent in the first line, outside quotes.

    Example:
        >>> find_delimiter(b'"a,b";c;d')
        ';'
    """
    line = data[:SNIFFED_BYTES].lstrip(b"\r\n").split(b"\n", 1)[0].decode("utf-8", "replace")
    bare = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=bare.count)


def find_header(head: Sequence[Sequence[str]]) -> list[str] | None:
    """Return the names in the first record, or None if it is data.

    It is a header if none of its cells is a number, or if all its numbers are whole and distinct (years, identifiers)
    and a word in it is above a column of numbers.

    Args:
        head: the first records, cells without surrounding spaces.
    Example:
        >>> find_header([["age", "2019"], ["33", "0.5"]]), find_header([["5.1", "setosa"], ["4.9", "setosa"]])
        (['age', '2019'], None)
    """
    first, below = head[0], head[1:]
    numbers = [cell for cell in first if is_number(cell)]
    if not numbers:
        return list(first)
    whole = all(WHOLE_NUMBER.fullmatch(cell) for cell in numbers) and len(set(numbers)) == len(numbers)
    if whole and below and any(_stands_above_numbers(index, cell, below) for index, cell in enumerate(first)):
        return list(first)
    return None


def is_number(cell: str) -> bool:
    """Return whether a cell is a number; an empty cell is not.

    Example:
        >>> is_number("1e-3"), is_number("one")
        (True, False)
    """
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _stands_above_numbers(index: int, cell: str, below: Sequence[Sequence[str]]) -> bool:
    cells = [record[index] for record in below if index < len(record)]
    return bool(cell) and not is_number(cell) and all(is_number(cell) for cell in cells)
