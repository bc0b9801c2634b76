"""Ctrl-C and SIGTERM: who hears them, and that handlers are put back afterwards.

While workers train, an interruption is noticed between two events and never inside one. A KeyboardInterrupt in the
middle of an event would undo its transaction, or lose a message half read; the worker's last checkpoint would follow
all the same, and the epochs between would be missing for ever.

Signals that are ignored stay so, and outside the main thread nothing changes: there, signals are others' business.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_handlers(*numbers: int) -> Iterator[list[int]]:
    """Put the handlers of signals back at the end of the block; yield the signals that the block may handle."""
    is_main = threading.current_thread() is threading.main_thread()
    previous = {number: signal.getsignal(number) for number in numbers} if is_main else {}
    try:
        yield [number for number, handler in previous.items() if handler is not signal.SIG_IGN]
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler or signal.SIG_DFL)


@contextmanager
def held_interrupts() -> Iterator[list[int]]:
    """Yield a list that takes down interrupting signals while the block runs, instead of raising at any instruction."""
    received: list[int] = []
    with kept_handlers(signal.SIGINT, signal.SIGTERM) as heard:
        for number in heard:
            signal.signal(number, lambda number, _: received.append(number))
        yield received


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM interrupt the block as Ctrl-C does."""
    with kept_handlers(signal.SIGTERM) as heard:
        for number in heard:
            signal.signal(number, signal.default_int_handler)
        yield
