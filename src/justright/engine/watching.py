"""Telling a worker that hangs from one that works: how long it has been silent, and whether it computes meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import psutil

# A worker speaks once a chunk, about every second. Silent for ten minutes without using a processor, it waits for
# something that will not come.
HANG_SECONDS = 600.0
# One that computes may be compiling, or in an epoch of millions of rows: it gets this many times as long (two hours).
BUSY_FACTOR = 12.0
# Whatever it has done before may take this many times as long as the longest time so far: other programs may slow it.
CHUNK_FACTOR = 20.0
# Of one processor: a process that waits uses less, one that is crowded out by ten others uses more.
IDLE_SHARE = 0.01


@dataclass(slots=True)
class Watch:
    """How long a process has said nothing.

    Args:
        pid: the process.
        hang_seconds: silence after which it counts as hung, if it uses no processor.
        heard_at: when it last spoke or was given work, on the monotonic clock.
        processor_seconds: processor time it had used by then.
        longest_seconds: its longest silence so far while it worked.
    """

    pid: int
    hang_seconds: float = HANG_SECONDS
    heard_at: float = field(default_factory=time.monotonic)
    processor_seconds: float = 0.0
    longest_seconds: float = 0.0

    def begin(self) -> None:
        """Take down that the process was given work."""
        self.heard_at, self.processor_seconds = time.monotonic(), _processor_seconds(self.pid)

    def hear(self) -> None:
        """Take down that the process spoke while it worked."""
        self.longest_seconds = max(self.longest_seconds, time.monotonic() - self.heard_at)
        self.begin()

    def hung_seconds(self) -> float | None:
        """Return how long the process has been silent if that is too long, otherwise None."""
        silent = time.monotonic() - self.heard_at
        if silent <= max(self.hang_seconds, CHUNK_FACTOR * self.longest_seconds):
            return None
        used = _processor_seconds(self.pid) - self.processor_seconds
        is_idle = used < IDLE_SHARE * silent
        return silent if is_idle or silent > BUSY_FACTOR * self.hang_seconds else None


def _processor_seconds(pid: int) -> float:
    """Return the processor time a process has used, 0 when it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
