"""Bytes from http(s) addresses and nowhere else: bounded, and resumed after a dropped connection."""

from __future__ import annotations

import http
import http.client
import io
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from justright.data.sources import Progress, ReadProgress
from justright.errors import InputError

# Seconds without a byte before a connection counts as dropped.
TIMEOUT_SECONDS = 30.0
# A server may be slow, but not send a byte a second for days: once it has been waited for this long in all, it must have sent
# this much on average. Telephone lines of the 1990s did; 2.8 GB of HIGGS may still take a month.
GRACE_SECONDS = 60.0
LEAST_BYTES_PER_SECOND = 1_000
# Bytes read at a time: about 250 HIGGS rows, so that little is read beyond what is needed.
CHUNK_BYTES = 1 << 16
# Connections in a row that may end without a new byte. Progress resets the count.
MAX_BARREN_ATTEMPTS = 3
# Connections for one file, however much each brings: a server that drops every 64 kB is of no use.
MAX_ATTEMPTS = 100
# Seconds before the second and later attempts without progress; doubles each time.
FIRST_PAUSE_SECONDS = 0.5
# Statuses worth another attempt: the server is busy or restarting (RFC 9110, section 15).
PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
USER_AGENT = "justright"


class FetchError(InputError):
    """An address did not deliver the file; another one may."""


def stream_bytes(
    address: str, *, clock: Callable[[], float] = time.monotonic
) -> Generator[bytes, None, None]:
    """Yield the bytes at an address in order; continue where a dropped connection left off.

    A dropped connection is resumed with a Range request (RFC 9110, section 14); a server that sends the whole
    file instead is read again from the start, skipping what was received.

    Args:
        address: an http(s) address.
        clock: the seconds since some moment, by which the time spent waiting is measured.
    Raises:
        FetchError: the server says no, sends too little too often or too slowly, or the file changed between connections.
    """
    received, barren = 0, 0
    patience = Patience(address, clock)
    identity: Identity | None = None
    for _ in range(MAX_ATTEMPTS):
        before, reason = received, "the connection ended early"
        try:
            with _open(address, received, patience) as response:
                identity = _check_identity(address, response, identity)
                for chunk in _body(response, received):
                    received += len(chunk)
                    yield chunk
                if identity.total is None or received >= identity.total:
                    return
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"the server answers {error.code} {error.reason}"
            if error.code not in PASSING_STATUSES:
                raise FetchError(f"Cannot read {address!r}: {reason}. Check the address.") from None
        except (OSError, http.client.HTTPException) as error:
            reason = _reason(error)
        barren = 0 if received > before else barren + 1
        if barren >= MAX_BARREN_ATTEMPTS:
            break
        if barren:
            time.sleep(FIRST_PAUSE_SECONDS * 2 ** (barren - 1))
    raise FetchError(f"Cannot read {address!r}: {reason} (after {received:,} bytes). Try again later.")


def download(address: str, path: Path, *, progress: Progress | None, limit: int) -> None:
    """Write the file at an address to a path.

    Args:
        address: an http(s) address.
        path: where to write; replaced.
        progress: called after every piece.
        limit: most bytes to receive.
    Raises:
        InputError: as for `stream_bytes`, or the file is larger than `limit`.
    """
    received = 0
    with path.open("wb") as file:
        for chunk in stream_bytes(address):
            received += len(chunk)
            if received > limit:
                raise InputError(
                    f"{address!r}: a file must take at most {limit:,} bytes; it is larger. "
                    "Download it and cut it to the rows you need."
                )
            file.write(chunk)
            if progress is not None:
                progress(ReadProgress(received, 0, None, address))


@dataclass(slots=True)
class Patience:
    """How long a server has been waited for, and what it sent meanwhile; what is done with the bytes does not count.

    Args:
        address: how messages name the server's file.
        clock: the seconds since some moment.
    """

    address: str
    clock: Callable[[], float]
    waited_seconds: float = field(default=0.0, init=False)
    received_bytes: int = field(default=0, init=False)

    def read(self, connection: io.RawIOBase, buffer: Any) -> int | None:  # noqa: ANN401  # as io's own
        """Return how many bytes came into `buffer`, as `readinto` does.

        Raises:
            FetchError: fewer than `LEAST_BYTES_PER_SECOND` came on average, after `GRACE_SECONDS`.
            OSError: as of the connection.
        """
        started = self.clock()
        try:
            count = connection.readinto(buffer)
        finally:
            self.waited_seconds += self.clock() - started
        self.received_bytes += count or 0
        if self.waited_seconds > max(GRACE_SECONDS, self.received_bytes / LEAST_BYTES_PER_SECOND):
            raise FetchError(
                f"Cannot read {self.address!r}: a server must send {LEAST_BYTES_PER_SECOND:,} bytes per second; it sent "
                f"{self.received_bytes:,} in {self.waited_seconds:,.0f} s. Try again later, or download the file first."
            )
        return count


class _PatientReader(io.RawIOBase):
    """The bytes of a connection, timed: those of headers, too."""

    def __init__(self, connection: io.RawIOBase, patience: Patience) -> None:
        self._connection = connection
        self._patience = patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  # as io's own
        return self._patience.read(self._connection, buffer)

    def close(self) -> None:
        self._connection.close()
        super().close()


class _PatientResponse(http.client.HTTPResponse):
    """A response whose connection is read with patience."""

    def __init__(self, patience: Patience, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fp = io.BufferedReader(_PatientReader(self.fp.detach(), patience))


class _Patient(urllib.request.AbstractHTTPHandler):
    """A handler of http(s) addresses whose responses are read with patience."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._patience = patience

    def do_open(self, http_class: Any, req: urllib.request.Request, **options: Any) -> Any:  # noqa: ANN401  # as urllib's
        """Open an address with connections that make patient responses."""

        def connect(*arguments: Any, **more: Any) -> Any:  # noqa: ANN401  # as http.client's
            connection = http_class(*arguments, **more)
            connection.response_class = partial(_PatientResponse, self._patience)
            return connection

        return super().do_open(connect, req, **options)


class _PatientHTTP(_Patient, urllib.request.HTTPHandler):
    """Opens http addresses."""


class _PatientHTTPS(_Patient, urllib.request.HTTPSHandler):
    """Opens https addresses."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells whether two responses are parts of one file.

    Args:
        tag: the ETag, if the server sends one.
        total: bytes of the whole file, if the server says so.
    """

    tag: str | None
    total: int | None

    def may_equal(self, other: Identity) -> bool:
        """Return whether all that both know agrees."""
        pairs = ((self.tag, other.tag), (self.total, other.total))
        return all(one == two for one, two in pairs if one is not None and two is not None)


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http(s) only: the standard handler refuses file: itself, but would follow ftp:."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not newurl.lower().startswith(("http://", "https://")):
            fp.close()
            raise FetchError(
                f"Cannot read {req.full_url!r}: it redirects to {newurl!r}, which is not http(s). Check the address."
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(address: str, start: int, patience: Patience) -> http.client.HTTPResponse:
    opener = urllib.request.OpenerDirector()
    for handler in HANDLERS:
        opener.add_handler(handler(patience) if issubclass(handler, _Patient) else handler())
    # Identity: with another encoding byte ranges would mean something else.
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        # The opener has no handler for file: or ftp:, so any address is safe to hand it.
        request = urllib.request.Request(address, headers=headers)  # noqa: S310
        return cast("http.client.HTTPResponse", opener.open(request, timeout=TIMEOUT_SECONDS))
    except (ValueError, http.client.InvalidURL) as error:
        if isinstance(error, InputError):
            raise
        raise FetchError(f"Cannot read {address!r}: {error}. Check the address.") from None


def _check_identity(address: str, response: http.client.HTTPResponse, known: Identity | None) -> Identity:
    """Return which file this response is part of, and its length; refuse a different file from before."""
    tag, length = response.headers.get("ETag"), response.headers.get("Content-Length")
    total = int(length) if length is not None and length.isdigit() else None
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        match = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        total = int(match[2]) if match and match[2] != "*" else None
    identity = Identity(tag, total)
    if known is not None and not known.may_equal(identity):
        raise FetchError(f"Cannot read {address!r}: the file changed while it was read. Try again.")
    return identity


def _body(response: http.client.HTTPResponse, start: int) -> Iterator[bytes]:
    """Yield the bytes of a response, beginning with byte `start` of the file."""
    skip = start
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        match = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        skip = start - int(match[1]) if match else 0
        if skip < 0:
            raise http.client.HTTPException("the server sent another range than was asked for")
    while chunk := response.read1(CHUNK_BYTES):
        new = chunk[skip:]
        skip = max(skip - len(chunk), 0)
        if new:
            yield new


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no byte for {TIMEOUT_SECONDS:g} s"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


HANDLERS: tuple[type[Any], ...] = (
    urllib.request.ProxyHandler,
    _PatientHTTP,
    _PatientHTTPS,
    urllib.request.HTTPErrorProcessor,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.UnknownHandler,
    _WebRedirects,
)
