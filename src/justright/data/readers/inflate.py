"""Compressed bytes to plain ones, a bounded piece at a time: gzip, Zstandard, bzip2 and xz, several members too."""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from justright.data.readers.raw import MAX_TABLE_BYTES
from justright.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
XZ_MAGIC = b"\xfd7zXZ\x00"
# What follows the three letters is the block size, and the digits of pi or, of nothing, of its root: no text begins so.
BZIP2_START = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
# Endings that say how a file is compressed, not what it holds.
PACKED_ENDINGS = (".gz", ".zst", ".bz2", ".xz")
# Inflated at a time. A 64 kB piece of a bomb inflates to 64 MB; bounded output keeps that out of memory.
PIECE_BYTES = 1 << 20
# zlib's code for "gzip format, largest window".
GZIP_WINDOW = 31
# A Zstandard frame may ask for gigabytes of window; 128 MB is the largest that its own tool accepts unasked.
ZSTD_WINDOW_BYTES = 1 << 27
# An xz file may ask for gigabytes of dictionary; its own tool uses at most 64 MB at its highest level, and some more beside.
XZ_MEMORY_BYTES = 1 << 27
# Given to Zstandard at a time. A block of a few bytes may inflate to 128 kB, so this bounds a piece to some 32 MB.
ZSTD_INPUT_BYTES = 1 << 10


class CorruptDataError(ValueError):
    """The compressed bytes are damaged or end too early."""


def inflate_gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what gzip-compressed chunks hold, as they arrive, at most `PIECE_BYTES` at a time.

    Each member's CRC-32 and length are checked when its end is reached (RFC 1952). Zero bytes after the last
    member are padding, as in gzip itself.

    Args:
        chunks: the compressed bytes in pieces of any length.
    Raises:
        CorruptDataError: damaged or truncated.
    Example:
        >>> import gzip
        >>> b"".join(inflate_gzip([gzip.compress(b"a"), gzip.compress(b"b")]))
        b'ab'
    """
    member, started = zlib.decompressobj(GZIP_WINDOW), False
    for chunk in chunks:
        while chunk:
            if not started and not chunk.strip(b"\0"):
                break
            started = True
            try:
                piece = member.decompress(chunk, PIECE_BYTES)
            except zlib.error as error:
                raise CorruptDataError(f"gzip data are damaged: {error}") from None
            if piece:
                yield piece
            chunk = member.unconsumed_tail
            if member.eof:
                chunk = member.unused_data
                member, started = zlib.decompressobj(GZIP_WINDOW), False
    if started:
        raise CorruptDataError("gzip data end too early")


def inflate_zstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what Zstandard-compressed chunks hold, a bounded piece at a time.

    Args:
        chunks: the compressed bytes in pieces of any length.
    Raises:
        CorruptDataError: damaged or truncated.
    """
    import zstandard

    options = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
    frame, started = options.decompressobj(), False
    try:
        for chunk in chunks:
            # Small inputs bound the output: decompressobj has no output limit of its own.
            for start in range(0, len(chunk), ZSTD_INPUT_BYTES):
                data = chunk[start : start + ZSTD_INPUT_BYTES]
                while data:
                    started = True
                    piece = frame.decompress(data)
                    if piece:
                        yield piece
                    data = b""
                    if frame.eof:
                        data = frame.unused_data
                        frame, started = options.decompressobj(), False
    except zstandard.ZstdError as error:
        raise CorruptDataError(f"Zstandard data are damaged: {error}") from None
    if started:
        raise CorruptDataError("Zstandard data end too early")


def inflate_bzip2(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what bzip2-compressed chunks hold, at most `PIECE_BYTES` at a time.

    Args:
        chunks: the compressed bytes in pieces of any length.
    Raises:
        CorruptDataError: damaged or truncated.
    """
    return _inflate_streams(chunks, bz2.BZ2Decompressor, "bzip2")


def inflate_xz(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what xz-compressed chunks hold, at most `PIECE_BYTES` at a time.

    Args:
        chunks: the compressed bytes in pieces of any length.
    Raises:
        CorruptDataError: damaged or truncated, or in need of more than `XZ_MEMORY_BYTES`.
    """
    return _inflate_streams(
        chunks, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES), "xz"
    )


def _inflate_streams(
    chunks: Iterable[bytes], make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], name: str
) -> Iterator[bytes]:
    stream, started = make(), False
    try:
        for chunk in chunks:
            data = chunk
            # Zero bytes after a stream are padding, as in xz itself.
            while (started and not stream.needs_input) or (data if started else data.strip(b"\0")):
                started = True
                if piece := stream.decompress(data, PIECE_BYTES):
                    yield piece
                data = b""
                if stream.eof:
                    data = stream.unused_data
                    stream, started = make(), False
    except (OSError, ValueError, lzma.LZMAError) as error:
        raise CorruptDataError(f"{name} data are damaged: {error}") from None
    if started:
        raise CorruptDataError(f"{name} data end too early")


def is_packed(start: bytes) -> bool:
    """Return whether bytes begin as compressed ones.

    Example:
        >>> is_packed(bz2.compress(b"x,y")), is_packed(b"BZh,y")
        (True, False)
    """
    return _unpacker(start) is not None


def _unpacker(start: bytes) -> Callable[[Iterable[bytes]], Iterator[bytes]] | None:
    if BZIP2_START.match(start):
        return inflate_bzip2
    return next((unpack for magic, unpack in UNPACKERS if start.startswith(magic)), None)


def read_packed(path: Path, label: str) -> bytes:
    """Return the plain bytes of a text file, which may be compressed.

    Args:
        path: the file.
        label: how messages name it.
    Raises:
        InputError: damaged, or larger than `MAX_TABLE_BYTES`, as it is or inflated.
    """
    checked_size(path, label)
    return inflate_all(path.read_bytes(), label)


def checked_size(path: Path, label: str) -> int:
    """Return the bytes that a text file takes as it is.

    Raises:
        InputError: they are more than `MAX_TABLE_BYTES`; the message names the file by its `label`.
    """
    size = path.stat().st_size
    if size > MAX_TABLE_BYTES:
        raise InputError(
            f"{label}: a text table must take at most {MAX_TABLE_BYTES:,} bytes; it takes {size:,}. "
            "Split it, or save it as Parquet and ask for fewer `rows`."
        )
    return size


def inflate_all(data: bytes, label: str) -> bytes:
    """Return the plain bytes of compressed data, or the data unchanged if they are not compressed.

    Args:
        data: the file's bytes.
        label: how messages name it.
    Raises:
        InputError: damaged, truncated, or larger than `MAX_TABLE_BYTES` when inflated.
    """
    unpack = _unpacker(data[:16])
    return data if unpack is None else bounded(unpack([data]), label)


def bounded(pieces: Iterable[bytes], label: str) -> bytes:
    """Return pieces of decompressed bytes as one.

    Raises:
        InputError: damaged, truncated, or larger than `MAX_TABLE_BYTES`; no more than that is held.
    """
    plain = bytearray()
    try:
        for piece in pieces:
            plain += piece
            if len(plain) > MAX_TABLE_BYTES:
                raise InputError(
                    f"{label}: a table must take at most {MAX_TABLE_BYTES:,} bytes once decompressed; it takes more. "
                    "Split it, or save it as Parquet and ask for fewer `rows`."
                )
    except CorruptDataError as error:
        raise InputError(
            f"{label}: a readable compressed file was expected; {error}. Download it again."
        ) from None
    return bytes(plain)


UNPACKERS = ((GZIP_MAGIC, inflate_gzip), (ZSTD_MAGIC, inflate_zstd), (XZ_MAGIC, inflate_xz))
