"""What compiled libraries print to standard error, held back until it is known whether our own error replaces it.

Rust panics in Polars print a stack trace to the process's standard error before they become a Python exception. No setting
of Polars prevents it, and RUST_BACKTRACE only shortens it.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

STDERR = 2  # the file descriptor, which compiled code writes to; sys.stderr is Python's alone
_ONE_AT_A_TIME = (
    threading.RLock()
)  # the descriptor belongs to the process: two threads would restore each other's file


@contextmanager
def held_stderr() -> Iterator[None]:
    """Hold back what the process prints to standard error in the block; drop it when the block raises.

    After a block that succeeds it is printed, whoever wrote it. Without a standard error, or room for a temporary file,
    nothing is held back.
    """
    with _ONE_AT_A_TIME:
        held = _redirect()
        if held is None:
            yield
            return
        original, file = held
        with file:
            try:
                yield
            except BaseException:
                _restore(original)
                raise
            _restore(original)
            file.seek(0)
            _write_all(file.read())


def _redirect() -> tuple[int, IO[bytes]] | None:
    """Send standard error to a temporary file; return a descriptor of where it went before, and the file."""
    try:
        original = os.dup(STDERR)
    except OSError:  # closed, as for a program without a console
        return None
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by the caller
    except OSError:
        os.close(original)
        return None
    os.dup2(file.fileno(), STDERR)
    return original, file


def _restore(original: int) -> None:
    os.dup2(original, STDERR)
    os.close(original)


def _write_all(content: bytes) -> None:
    with suppress(OSError):  # nobody reads it any more: not worth a failure
        while content:
            content = content[os.write(STDERR, content) :]
