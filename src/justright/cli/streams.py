"""Standard input, output and error, which may be closed, full, or read by a program that has left."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import IO, Any

from justright.errors import InputError


def secure_streams() -> None:
    """Make the three standard streams safe to use, however this process was started.

    A closed one is opened on nothing: the next file would take its number, and receive what is printed. Characters that an
    encoding cannot hold are replaced. What cannot be written to stderr vanishes; to stdout, it is one sentence.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = _secured(sys.stdout or _opened(1), is_result=True)
    sys.stderr = _secured(sys.stderr or _opened(2), is_result=False)


class SafeOutput:
    """A standard stream whose faults never become a traceback.

    A reader that has left is no fault: `justright show DIR | head` must not change an exit code.

    Args:
        stream: the stream.
        is_result: whether what is written matters: then a full disk raises an InputError. Otherwise it is dropped, since a
            study must not end because its progress cannot be written.
    """

    def __init__(self, stream: IO[str], *, is_result: bool) -> None:
        self._stream = stream
        self._is_result = is_result

    def write(self, text: str) -> int:
        """Write `text` as a stream does.

        Raises:
            InputError: it is a result, and cannot be written.
        """
        # Nothing is not written: an unbuffered full disk refuses even that, to a library that only tries the stream.
        return 0 if text == "" else self._guarded(self._stream.write, text) or 0

    def flush(self) -> None:
        """Flush as a stream does; errors as for `write`."""
        self._guarded(self._stream.flush)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # everything else is the stream's own
        return getattr(self._stream, name)

    def _guarded(self, action: Callable[..., Any], *values: str) -> Any:  # noqa: ANN401  # what the action returns
        try:
            return action(*values)
        except BrokenPipeError:
            _discard(self._stream)
        except OSError as error:
            _discard(self._stream)
            if self._is_result:
                raise InputError(
                    f"Standard output must be writable; it is not: {error.strerror}. "
                    "Free some space, or send the output elsewhere."
                ) from error
        return None


def _opened(number: int) -> IO[str]:
    return os.fdopen(number, "w", encoding="utf-8", closefd=False)


def _secured(stream: IO[str], *, is_result: bool) -> Any:  # noqa: ANN401  # stands in for a TextIO
    if isinstance(stream, SafeOutput):
        return stream
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return SafeOutput(stream, is_result=is_result)


def _discard(stream: IO[str]) -> None:
    """Send what is still written to `stream` nowhere, so that Python can flush it when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
