"""What compiled libraries print to standard error, held back until it is known whether our own error replaces it.

Rust panics in Polars print a stack trace to the process's standard error before they become a Python exception. No setting
of Polars prevents it, and RUST_BACKTRACE only shortens it.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

STDERR = 2  # the file descriptor, which compiled code writes to; sys.stderr is Python's alone
# The descriptor belongs to the process: two threads would restore each other's file.
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def held_stderr() -> Iterator[None]:
    """Hold back what the process prints to standard error in the block; drop it when the block raises.

    After a block that succeeds it is printed, whoever wrote it. Without a standard error, or room for a temporary file,
    nothing is held back.
    """
    with _ONE_AT_A_TIME, ExitStack() as cleaning:
        file = None
        with suppress(OSError):  # closed, as for a program without a console, or no room
            original = os.dup(STDERR)
            cleaning.callback(os.close, original)
            file = cleaning.enter_context(tempfile.TemporaryFile())
        if file is None:
            yield
            return
        os.dup2(file.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(original, STDERR)
        file.seek(0)
        content = file.read()
        with suppress(OSError):  # its reader has left: what was said is not worth a failure
            while content:
                content = content[os.write(STDERR, content) :]
