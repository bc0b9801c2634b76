"""Telling a worker that hangs from one that works, by how long it is silent and whether it computes meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

# A worker sends a message per chunk, about every second. If it is silent for ten minutes without using a processor, it
# waits for something that will not come.
HANG_SECONDS = 600.0
# One that computes may be compiling, or in an epoch of millions of rows: it gets this many times as long (two hours).
BUSY_FACTOR = 12.0
# It may also take this many times as long as its longest silence so far: other programs may slow it.
CHUNK_FACTOR = 20.0
# Share of one processor: a process that waits uses less, one that competes with ten others uses more.
IDLE_SHARE = 0.01


@dataclass(slots=True)
class Watch:
    """How long a worker has been silent.

    Args:
        hang_seconds: silence after which it counts as hung, if it uses no processor.
        heard_at: when its silence began, on the monotonic clock.
        processor_seconds: processor time it had used when it last spoke.
        longest_seconds: its longest silence so far while it worked.
    """

    hang_seconds: float = HANG_SECONDS
    heard_at: float = field(default_factory=time.monotonic)
    processor_seconds: float = 0.0
    longest_seconds: float = 0.0

    def begin(self) -> None:
        """Restart the silence: the worker was given work, or its messages were not read meanwhile."""
        self.heard_at = time.monotonic()

    def hear(self, processor_seconds: float, *, is_working: bool = True) -> None:
        """Record that the worker sent a message, and the processor time it had used by then."""
        if is_working:
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - self.heard_at)
        self.processor_seconds = processor_seconds
        self.begin()

    def hung_seconds(self, measure: Callable[[], float]) -> float | None:
        """Return how long the worker has been silent if that is too long, otherwise None.

        Args:
            measure: returns the processor time the worker has used; called only after a long silence.
        """
        silent = time.monotonic() - self.heard_at
        if silent <= max(self.hang_seconds, CHUNK_FACTOR * self.longest_seconds):
            return None
        is_idle = measure() - self.processor_seconds < IDLE_SHARE * silent
        return silent if is_idle or silent > BUSY_FACTOR * self.hang_seconds else None
