"""Ctrl-C and SIGTERM, noticed between two events and never inside one.

A KeyboardInterrupt in the middle of an event would undo its transaction, or lose a message half read; the worker's
last checkpoint then follows, and the epochs between would be missing for ever.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Interruption:
    """Whether somebody asked to stop."""

    requested: bool = False


@contextmanager
def held_interrupts() -> Iterator[Interruption]:
    """Take down interrupting signals while the block runs, instead of raising at any instruction.

    Signals that are ignored stay so, and outside the main thread nothing changes: there they are others' business.
    """
    interruption = Interruption()

    def take_down(*_: object) -> None:
        interruption.requested = True

    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    held = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, take_down) for number in held}
    try:
        yield interruption
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler or signal.SIG_DFL)
