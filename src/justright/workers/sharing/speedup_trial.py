"""A trial of one more worker on an accelerator: all of them train, then each alone while the others pause, again and again.

A pause costs next to nothing, since the device then trains for whoever goes on. Every stack is compared with itself a few seconds
earlier, so the stacks need not be alike, and a machine that gets slower meanwhile slows both sides of the comparison.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from justright.workers.sharing.throughput import weighted_speedup

# Of each phase: in the first of a worker's chunks others may still train what the device had been given, or it paused itself.
SKIPPED_CHUNKS = 2
COUNTED_CHUNKS = 3  # at least; their median counts, so that a checkpoint in one of them does not


class SpeedupTrial:
    """What is measured of workers while one more trains beside them.

    Args:
        members: the workers so far.
        newcomer: the one that is tried.
    """

    def __init__(self, members: Sequence[int], newcomer: int) -> None:
        self._members, self._everyone = tuple(members), (*members, newcomer)
        before = [self._members] if len(self._members) > 1 else []
        self._phases = [self._everyone, *((one,) for one in self._everyone), *before]
        self._paces: list[dict[int, float]] = []  # of each phase that is over in this cycle
        self._quiet: set[int] = set()  # those that have said so much as they will while they pause
        self._chunks: dict[int, list[float]] = {}
        self.speedups: list[float] = []
        self.restarts = 0

    @property
    def held(self) -> frozenset[int]:
        """The workers that pause now."""
        return frozenset(self._everyone) - frozenset(self._running)

    @property
    def _running(self) -> tuple[int, ...]:
        return self._phases[len(self._paces)]

    def restart(self) -> None:
        """Begin the cycle again: a worker trains another stack than before."""
        self.restarts += 1
        self._paces = []
        self._begin_phase()

    def take(self, worker: int, pace: float) -> None:
        """Take the seconds per epoch of a worker's latest chunk; after the last phase of a cycle, add to `speedups`."""
        if (
            worker in self.held
        ):  # its last chunk, unless it was told too late: whatever ran beside it does not count
            self._quiet.add(worker)
            self._chunks = {}
            return
        if self._quiet != self.held:
            return
        if (
            worker not in self._chunks
        ):  # it did something else until now, and the others had the device for themselves
            self._chunks = {one: [] for one in (*self._chunks, worker)}
        self._chunks[worker].append(pace)
        least = SKIPPED_CHUNKS + COUNTED_CHUNKS
        if all(len(self._chunks.get(one, ())) >= least for one in self._running):
            self._paces.append(
                {one: statistics.median(self._chunks[one][SKIPPED_CHUNKS:]) for one in self._running}
            )
            if len(self._paces) == len(self._phases):
                self.speedups.append(self._speedup())
                self._paces = []
            self._begin_phase()

    def _begin_phase(self) -> None:
        self._quiet &= self.held  # some have paused before, and say nothing
        self._chunks = {}

    def _speedup(self) -> float:
        """Return how much more all of them train than the members."""
        together, *others = self._paces
        alone = {worker: pace for paces in others[: len(together)] for worker, pace in paces.items()}
        before = others[-1] if len(self._members) > 1 else {one: alone[one] for one in self._members}
        return weighted_speedup(alone, together) / weighted_speedup(alone, before)
