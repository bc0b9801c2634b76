"""An interrupted command ends in time, whatever it is in the middle of."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from justright.cli.exit_codes import EXIT_INTERRUPTED
from justright.workers.interrupts import interruptible

# An interrupted command promises to end within 5 s. `pool` waits less than that for last checkpoints; on a crowded machine
# they, or a chart being drawn, would take longer. Ending at any instruction loses nothing recorded: a study survives a
# kill.
DEADLINE_SECONDS = 4.5
SAID = b"\njustright: interrupted, and ended at once; nothing recorded is lost. The same command goes on (without --new).\n"


@contextmanager
def ending_in_time(seconds: float = DEADLINE_SECONDS) -> Iterator[None]:
    """Let SIGTERM interrupt as Ctrl-C does, and end this process `seconds` after either if it has not ended itself.

    A thread learns of the signal from the operating system, so compiled code that keeps the main thread from running its
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
        os._exit(EXIT_INTERRUPTED)
