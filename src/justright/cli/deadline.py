"""An interrupted command ends in time, whatever it is in the middle of."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from justright.workers.interrupts import interruptible

# An interrupted command promises to be gone within 5 s. Last checkpoints are waited for less long than this (`pool`);
# on a crowded machine they, or a chart that is being drawn, would take the rest. Nothing recorded can be lost by leaving
# at any instruction: that is a kill, which the study survives.
DEADLINE_SECONDS = 4.5
EXIT_CODE = 130  # 128 + SIGINT, as shells have it
SAID = b"\njustright: interrupted, and ended at once; nothing recorded is lost. The same command goes on (without --new).\n"


@contextmanager
def ending_in_time(seconds: float = DEADLINE_SECONDS) -> Iterator[None]:
    """Let SIGTERM interrupt as Ctrl-C does, and end this process `seconds` after either if it has not ended itself.

    A thread hears of the signal from the operating system, so that compiled code which keeps the main thread from its
    handlers cannot delay it. Ignored signals stay ignored; outside the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    left = threading.Event()
    previous_descriptor = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(receiver, left, seconds), daemon=True).start()
    try:
        with interruptible():
            yield
    finally:
        left.set()
        signal.set_wakeup_fd(previous_descriptor)
        sender.close()


def _watch(receiver: socket.socket, left: threading.Event, seconds: float) -> None:
    """Wait for an interrupting signal, then for the end of the block; end the process when that takes too long."""
    with receiver:
        while numbers := receiver.recv(1):  # nothing: the block has ended
            if numbers[0] in (signal.SIGINT, signal.SIGTERM):
                break
        else:
            return
    if not left.wait(seconds):
        with suppress(OSError):
            os.write(2, SAID)
        os._exit(EXIT_CODE)
