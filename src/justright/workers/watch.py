"""Telling a worker that hangs from one that works: how long it has been silent, and whether it computes meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from justright.runs.limits import HANG_SECONDS

# One that computes may be compiling, or in an epoch of millions of rows: it gets this many times as long (two hours).
BUSY_FACTOR = 12.0
# Whatever it has done before may take this many times as long as the longest time so far: other programs may slow it.
CHUNK_FACTOR = 20.0
# Of one processor: a process that waits uses less, one that is crowded out by ten others uses more.
IDLE_SHARE = 0.01


@dataclass(slots=True)
class Watch:
    """How long a worker has said nothing.

    Args:
        hang_seconds: silence after which it counts as hung, if it uses no processor.
        heard_at: when it last spoke or was given work, on the monotonic clock.
        processor_seconds: processor time it had used by then.
        longest_seconds: its longest silence so far while it worked.
    """

    hang_seconds: float = HANG_SECONDS
    heard_at: float = field(default_factory=time.monotonic)
    processor_seconds: float = 0.0
    longest_seconds: float = 0.0

    def begin(self, processor_seconds: float) -> None:
        """Take down that the worker was given work, and the processor time it had used before."""
        self.heard_at, self.processor_seconds = time.monotonic(), processor_seconds

    def hear(self, processor_seconds: float) -> None:
        """Take down that the worker spoke while it worked, and the processor time it had used by then."""
        self.longest_seconds = max(self.longest_seconds, time.monotonic() - self.heard_at)
        self.begin(processor_seconds)

    def hung_seconds(self, measure: Callable[[], float]) -> float | None:
        """Return how long the worker has been silent if that is too long, otherwise None.

        Args:
            measure: returns the processor time the worker has used; only called when it has been silent for long.
        """
        silent = time.monotonic() - self.heard_at
        if silent <= max(self.hang_seconds, CHUNK_FACTOR * self.longest_seconds):
            return None
        is_idle = measure() - self.processor_seconds < IDLE_SHARE * silent
        return silent if is_idle or silent > BUSY_FACTOR * self.hang_seconds else None


def no_progress(name: str, silent: float) -> str:
    """Return why a worker that hangs was ended.

    Example:
        >>> no_progress("worker 1", 612.3)
        'worker 1 made no progress for 612 seconds and was ended'
    """
    return f"{name} made no progress for {silent:.0f} seconds and was ended"


def processor_seconds(pid: int) -> float:
    """Return the processor time a process of this machine has used, 0 when it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
