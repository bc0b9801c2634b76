"""Bytes to UTF-8 text: which encoding they are in, and whether they are text at all."""

from __future__ import annotations

import codecs
import re

from justright.data.readers.raw import MAX_TABLE_BYTES
from justright.errors import InputError

# Longer marks first: that of UTF-32 begins as that of UTF-16 does. Python's codecs of these names take the mark away.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Text that is not UTF-8 is nearly always what Windows wrote in the West; its codec lacks five bytes, Latin-1 none.
FALLBACKS = ("cp1252", "latin-1")
# Not ways to store a file, and one of them takes a time that grows with the square of the text.
NO_ENCODINGS = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape")
# Characters that no text holds: a file with one of them that is not UTF-8 either is a picture or the like.
CONTROLS = re.compile(rb"[\x01-\x08\x0e-\x1a\x7f]")
# Bytes in which zeros alternate if they are UTF-16 without a mark, and the share of a Western text's zeros on one side.
ALTERNATING_BYTES = 4096
ALTERNATING_SHARE = 0.7
# Decoded at a time, so that a text is not in memory in three encodings.
DECODED_BYTES = 1 << 25


class BinaryError(InputError):
    """The bytes are neither text nor any other known format."""


def check_text(data: bytes, label: str) -> bytes:
    """Return text as UTF-8, as `decode_text` does, without saying what was understood."""
    return decode_text(data, label)[0]


def decode_text(data: bytes, label: str, encoding: str | None = None) -> tuple[bytes, str]:
    r"""Return text as UTF-8 without byte-order mark and with line feeds, and a sentence on its encoding if that is unusual.

    Args:
        data: the file's bytes.
        label: how messages name it.
        encoding: one of Python's text encodings; None to find it: a byte-order mark, UTF-16 if zero bytes alternate,
            UTF-8, else Windows-1252 (or Latin-1).
    Raises:
        BinaryError: it holds a zero byte, or control characters and no UTF-8.
        InputError: empty, an HTML page, or not in the `encoding` that was named.
    Example:
        >>> decode_text(b"\xff\xfex\x00\n\x00", "'t'")
        (b'x\n', 'The text is UTF-16.')
    """
    text, note = _as_utf8(data, label, encoding)
    if not text.strip():
        raise InputError(f"{label}: a table must have at least one row; the file is empty.")
    place = text.find(b"\0")
    if place >= 0:
        raise BinaryError(
            f"{label}: text must not hold zero bytes; byte {place:,} is one, so it is probably a binary file."
        )
    start = text[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise InputError(f"{label}: a table was expected; it is an HTML page. Check the address or the file.")
    return (text if b"\n" in text else text.replace(b"\r", b"\n")), note


def check_encoding(encoding: str) -> None:
    """Refuse what is not one of Python's encodings of text.

    Raises:
        InputError: the message names the option.
    """
    try:
        name = codecs.lookup(encoding).name.replace("-", "_")
        b"a".decode(encoding)  # refuses codecs between bytes, such as base64
    except UnicodeError:
        return
    except (LookupError, ValueError):
        name = ""
    if not name or name in NO_ENCODINGS:
        raise InputError(
            f"`encoding` must be an encoding of text that Python knows, such as 'utf-8', 'cp1252', 'latin-1' or 'utf-16'; "
            f"got {encoding!r}."
        )


def _as_utf8(data: bytes, label: str, encoding: str | None) -> tuple[bytes, str]:
    if encoding is not None:
        check_encoding(encoding)
        try:
            return _decoded(data, encoding, label).removeprefix(codecs.BOM_UTF8), ""
        except UnicodeError as error:
            raise InputError(
                f"{label}: text must be in the `encoding` that was named, {encoding!r}; it is not: {error}. Name another, or none."
            ) from None
    marked = next((name for mark, name in MARKS if data.startswith(mark)), None)
    found = marked or _alternating(data)
    if found and found != "utf-8-sig":
        try:
            return _decoded(data, found, label), f"The text is {found[:6].upper()}."
        except UnicodeError as error:
            raise InputError(
                f"{label}: text must be UTF-8; it is {found[:6].upper()}, and damaged: {error}."
            ) from None
    data = data.removeprefix(codecs.BOM_UTF8)
    if data.isascii() or b"\0" in data or _is_utf8(data):
        return data, ""
    control = CONTROLS.search(data)
    if control:
        raise BinaryError(
            f"{label}: text must not hold control characters; byte {control.start():,} is 0x{control[0][0]:02x}, so it is "
            "probably a binary file."
        )
    return _western(data, label)


def _western(data: bytes, label: str) -> tuple[bytes, str]:
    first = next(place for place, byte in enumerate(data) if byte > 127)
    try:
        text, name = _decoded(data, FALLBACKS[0], label), "Windows-1252"
    except UnicodeError:
        text, name = _decoded(data, FALLBACKS[1], label), "Latin-1"
    line = data.count(b"\n", 0, first) + 1
    return text, (
        f"The text is not UTF-8 (line {line:,} has the first letter beyond ASCII); it was read as {name}. "
        "Name another `encoding` if letters look wrong."
    )


def _is_utf8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    try:
        for start in range(0, len(data), DECODED_BYTES):
            decoder.decode(view[start : start + DECODED_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(data: bytes, encoding: str, label: str) -> bytes:
    """Return the text as UTF-8, decoded a piece at a time and no longer than a table may be.

    Raises:
        UnicodeError: the bytes are not in that encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    plain = bytearray()
    for start in range(0, len(data), DECODED_BYTES):
        piece = data[start : start + DECODED_BYTES]
        # Half of a pair of surrogates passes some decoders; UTF-8 cannot hold it.
        plain += decoder.decode(piece, start + DECODED_BYTES >= len(data)).encode("utf-8")
        if len(plain) > MAX_TABLE_BYTES:
            raise InputError(
                f"{label}: a text table must take at most {MAX_TABLE_BYTES:,} bytes as UTF-8; it takes more. "
                "Split it, or save it as Parquet and ask for fewer `rows`."
            )
    return bytes(plain)


def _alternating(data: bytes) -> str | None:
    """Return the UTF-16 that data without a mark are in, by the side on which zero bytes stand; None if they do not."""
    start = data[:ALTERNATING_BYTES]
    half = len(start) // 2
    zeros = {"utf-16-be": start[::2].count(0), "utf-16-le": start[1::2].count(0)}
    (_, fewer), (name, more) = sorted(zeros.items(), key=lambda item: item[1])
    return name if half and more >= ALTERNATING_SHARE * half and fewer <= 0.01 * half else None
