"""The parent of everything that Ray starts on this machine: nothing of it outlives the coordinator.

    coordinator -> keeper -> driver -> Ray's servers -> its agents and actors

Ray's servers end with the driver. Its agents wait for them another minute, and an actor that is stopped waits for ever. So
the keeper ends all its descendants when the coordinator is gone, however it went, or when the driver is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

DRIVER = [sys.executable, "-m", "justright.workers.ray_driver"]
END_SECONDS = 10.0  # a killed process ends within milliseconds, unless it waits for a disk
POLL_SECONDS = 0.05


def main() -> None:
    """Start the driver, pass on the line that says whom to connect to, and stay until it or the coordinator is gone."""
    _adopt_orphans()
    line = sys.stdin.buffer.readline()
    driver = subprocess.Popen(DRIVER, stdin=subprocess.PIPE)  # noqa: S603  # always the module above
    threading.Thread(target=_end_with_coordinator, daemon=True).start()
    try:
        driver.communicate(line)
    finally:
        _end_descendants()
    sys.exit(abs(driver.returncode))


def _end_with_coordinator() -> None:
    """Wait until the coordinator's end of standard input is closed; then end all that is below, while it is a tree."""
    while os.read(0, 1):  # not sys.stdin, whose lock would be held when this process ends
        pass
    _kill(psutil.Process().children(recursive=True))


def _end_descendants() -> None:
    """End descendants until there are none: one of them may just be starting another."""
    deadline = time.monotonic() + END_SECONDS
    while (left := psutil.Process().children(recursive=True)) and time.monotonic() < deadline:
        _kill(left)
        psutil.wait_procs(left, timeout=POLL_SECONDS)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _adopt_orphans() -> None:
    """Ask Linux to make this process the parent of descendants whose own parent dies."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    set_child_subreaper = 36  # PR_SET_CHILD_SUBREAPER of <sys/prctl.h>
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


if __name__ == "__main__":
    main()
