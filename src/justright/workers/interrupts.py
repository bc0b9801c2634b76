"""Ctrl-C and SIGTERM: who handles them, and how handlers are restored afterwards.

While workers train, an interruption is noticed only between two events. A KeyboardInterrupt in the middle of an event
would undo its transaction or lose a half-read message; the worker's last checkpoint would still follow, and the epochs
in between would be missing for ever.

Ignored signals stay ignored, and outside the main thread, where Python handles no signals, nothing changes.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_handlers(*numbers: int) -> Iterator[list[int]]:
    """Restore the handlers of signals at the end of the block; yield the signals that the block may handle."""
    is_main = threading.current_thread() is threading.main_thread()
    previous = {number: signal.getsignal(number) for number in numbers} if is_main else {}
    try:
        yield [number for number, handler in previous.items() if handler is not signal.SIG_IGN]
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler or signal.SIG_DFL)


@contextmanager
def held_interrupts() -> Iterator[list[int]]:
    """Yield a list that records interrupting signals while the block runs, instead of raising at any instruction."""
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
