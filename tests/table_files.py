"""Fixtures of tests that read: a real HTTP server on loopback that serves one file well or badly, HIGGS-like rows."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from justright.data import fetch


@dataclass
class Served:
    """What the server does; tests change it.

    Args:
        files: path -> bytes.
        has_ranges: whether Range requests are honoured.
        drop_after: bytes after which the connection is cut, one entry a request; later requests are served whole.
        stalls: whether a cut connection stays open and silent instead, until the test ends.
        status: instead of the file, if not 200.
        redirects: path -> where it redirects to.
        tags: the ETag of each response in turn.
        says_length: whether the responses carry Content-Length.
        requests: (path, Range header) of each request seen.
        sent: bytes handed to the sockets.
        address: `http://127.0.0.1:PORT`.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    has_ranges: bool = True
    drop_after: list[int] = field(default_factory=list)
    stalls: bool = False
    status: int = 200
    redirects: dict[str, str] = field(default_factory=dict)
    says_length: bool = True
    tags: list[str] = field(default_factory=list)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    sent: int = 0
    address: str = ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server on loopback whose behaviour the test sets; retries do not wait."""
    monkeypatch.setattr(fetch, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    served = Served()
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Stay silent."""

        def do_GET(self) -> None:
            served.requests.append((self.path, self.headers.get("Range")))
            if self.path in served.redirects:
                self.send_response(302)
                self.send_header("Location", served.redirects[self.path])
                self.end_headers()
                return
            if served.status != 200 or self.path not in served.files:
                self.send_error(served.status if served.status != 200 else 404)
                return
            self._send(served.files[self.path])

        def _send(self, data: bytes) -> None:
            wanted = self.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and served.has_ranges else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            if served.says_length:
                self.send_header("Content-Length", str(len(data) - start))
            if served.tags:
                self.send_header("ETag", served.tags.pop(0))
            self.end_headers()
            end = start + served.drop_after.pop(0) if served.drop_after else len(data)
            for offset in range(start, min(end, len(data)), 1 << 14):
                piece = data[offset : min(offset + (1 << 14), end)]
                try:
                    self.wfile.write(piece)
                except OSError:  # the reader has what it needs
                    return
                served.sent += len(piece)
            if served.stalls and end < len(data):
                is_over.wait()

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    served.address = f"http://127.0.0.1:{httpd.server_address[1]}"
    yield served
    is_over.set()
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def higgs_values(rows: int, seed: int = 0) -> np.ndarray:
    """Return (rows, 29) float32 in the shape of HIGGS: a label of 0 and 1, then 28 numbers."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, 29)).astype(np.float32)
    values[:, 0] = np.arange(rows) % 2
    values[:, [9, 13, 17, 21]] = random.integers(0, 3, size=(rows, 4))
    return values


def as_higgs_text(values: np.ndarray) -> bytes:
    """Return rows as UCI prints them: no header, %.18e."""
    return "".join(",".join(f"{value:.18e}" for value in row) + "\n" for row in values).encode()


@pytest.fixture(scope="session")
def higgs_rows() -> np.ndarray:
    """3,000 rows in the shape of HIGGS."""
    return higgs_values(3_000)


@pytest.fixture(scope="session")
def higgs_gz(higgs_rows: np.ndarray) -> bytes:
    """The same rows as a gzip file, about 1 MB."""
    return gzip.compress(as_higgs_text(higgs_rows), compresslevel=1, mtime=0)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes | str], str]:
    """Write a file into the test's folder and return its path."""

    def write_file(name: str, content: bytes | str) -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write_file
