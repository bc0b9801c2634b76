"""Whether another worker is to train on the same accelerator: tried where it may pay, kept where it is measured to.

Which stacks there are, and how many lanes they have, is decided before and stays as it is: the same numbers come out, whoever trains
them, and however many train at a time.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from justright.runs.events import Event, StackProgress, WorkersTried
from justright.runs.tasks import StackTask
from justright.workers.sharing.speedup_trial import SpeedupTrial
from justright.workers.sharing.throughput import gain_of_a_second

MOST_WORKERS = 3  # on one accelerator
# A worker that starts takes ten seconds and more until it trains, and as much again is needed until a trial is over. With so much
# left, a gain of a third still saves a quarter of a minute.
LEAST_SECONDS_LEFT = 60.0
# What another worker must gain: less is within what the machine's other work adds to or takes from a trial.
WORTH = 1.05
# Only a second worker that gains so much leaves room for a third.
WORTH_OF_ANOTHER = 1.3
CYCLES, MOST_CYCLES = 2, 4  # of a trial; two that disagree are followed by others
# So often may a trial begin anew because a stack ended, or another one began. Stacks so short are not measured side by side.
MOST_RESTARTS = 4
# What two workers are then taken to train while both need the device: a tenth is lost to switching between them.
CAUTIOUS_SPEEDUP = 0.9
# What a worker's breaks are is known after so many of them; once a stack has trained for so long, they hardly matter.
LEAST_BREAKS, LONG_SECONDS = 3, 45.0


class Wanted(NamedTuple):
    """What the pool is to do.

    Args:
        joins: whether to start another worker.
        leaves: workers to take back, with a checkpoint of what they train.
        held: workers that pause between two chunks; all others go on.
    """

    joins: bool = False
    leaves: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Course:
    """How far a worker's stack is.

    Args:
        stack: None for a worker that has none.
        begun: when it got it.
        last: of its last report the epochs, and the seconds by the worker's own clock.
        has_pace: whether a chunk but the first has ended, so that its pace is known.
        since: seconds from the worker's report before this stack to the first of it.
    """

    stack: StackTask | None = None
    begun: float = 0.0
    last: tuple[int, float] | None = None
    has_pace: bool = False
    since: float | None = None


class SharedDevice:
    """Decides about the workers of one accelerator, from what they report.

    The first worker has number 0. What was decided once is not measured again, so nothing goes back and forth.

    Args:
        most: how many workers there may be, as far as memory goes.
        fits: whether a worker that joins has the memory of the device that a stack needs.
        launching: the share of a stack's epochs in which the device waits for launches.
        clock: returns seconds.
    """

    def __init__(
        self,
        *,
        most: int = 1,
        fits: Callable[[StackTask], bool] = lambda stack: True,
        launching: Callable[[StackTask], float] = lambda stack: 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fits = fits
        self._most, self._launching, self._clock = min(most, MOST_WORKERS), launching, clock
        self._members = [0]
        self._newcomer: int | None = None
        self._trial: SpeedupTrial | None = None
        self._leaves: set[int] = set()
        self._is_over = self._most < 2
        self._courses: dict[int, _Course] = {0: _Course()}
        self._durations: list[float] = []  # of stacks that ended
        self._breaks: list[float] = []  # of one worker, between two stacks
        self._heard: tuple[float, float] | None = None  # when its first and its last report came
        self._news: list[WorkersTried] = []

    def begin(self, worker: int, stack: StackTask) -> None:
        """Take note that a worker has got a stack."""
        self._courses[worker] = _Course(stack, self._clock())
        if self._trial is not None:
            self._trial.restart()
            if self._trial.restarts > MOST_RESTARTS:
                self._conclude()

    def end(self, worker: int) -> None:
        """Take note that a worker has nothing to do."""
        course = self._courses.get(worker, _Course())
        if course.stack is not None:
            self._durations.append(self._clock() - course.begun)
        self._courses[worker] = _Course()

    def join(self, worker: int) -> None:
        """Take note that the worker that was wanted starts."""
        self._newcomer = worker
        self._courses[worker] = _Course()

    def left(self, worker: int) -> None:
        """Take note that a worker that was to leave is gone."""
        self._leaves.discard(worker)

    def fail(self, worker: int, reason: str) -> None:
        """Let no worker share the device any longer: one of them failed, and may have needed what the others had."""
        joined = [*self._members[1:], *([] if self._newcomer is None else [self._newcomer])]
        if not joined:
            return
        self._tell(1, reason=reason, workers=1 + len(joined))
        self._members, self._newcomer, self._trial, self._is_over = [0], None, None, True
        self._leaves |= {*joined} - {worker}

    def hear(self, worker: int, event: Event) -> None:
        """Take a worker's report."""
        course = self._courses.get(worker)
        if not isinstance(event, StackProgress) or course is None or course.stack is None:
            return
        self._time_breaks(course)
        said = event.epoch, event.seconds
        if course.last is not None and said[0] > course.last[0]:
            pace = (said[1] - course.last[1]) / (said[0] - course.last[0])
            course.has_pace = True
            if course.since is not None:
                self._breaks.append(max(0.0, course.since - pace))  # the first chunk of a stack is one epoch
                course.since = None
            if worker == self._newcomer and self._trial is None:
                self._trial = SpeedupTrial(self._members, worker)
            elif self._trial is not None:
                self._trial.take(worker, pace)
                self._judge()
        course.last = said

    def wanted(self, waiting: Sequence[StackTask]) -> Wanted:
        """Return what is to be done, with these stacks that no worker has yet."""
        if self._is_over and self._newcomer is None:
            return Wanted(leaves=frozenset(self._leaves))
        fitting = [stack for stack in waiting if self.fits(stack)]
        if self._newcomer is not None:
            is_idle = self._is_idle(self._newcomer) and not fitting
            if is_idle or (not waiting and any(map(self._is_idle, self._members))):
                self._run_out()
        held = self._trial.held if self._trial else frozenset()
        return Wanted(self._pays(waiting, fitting), frozenset(self._leaves), held)

    def take_news(self) -> list[WorkersTried]:
        """Return what has been decided since it was asked."""
        news, self._news = self._news, []
        return news

    @property
    def idle_share(self) -> float:
        """The share of the first worker's time in which it trained nothing between two stacks."""
        if not self._breaks or self._heard is None:
            return 0.0
        first, last = self._heard
        # The median, since a program that is waited for once, at the beginning, says nothing of the rest.
        return min(0.9, statistics.median(self._breaks) * len(self._breaks) / (last - first))

    def _time_breaks(self, course: _Course) -> None:
        """Take the time of a report by the only worker."""
        if self._newcomer is not None or len(self._members) > 1:
            return
        now = self._clock()
        if self._heard is not None and course.last is None:
            course.since = now - self._heard[1]
        self._heard = (now if self._heard is None else self._heard[0]), now

    def _is_idle(self, worker: int) -> bool:
        return self._courses[worker].stack is None

    def _pays(self, waiting: Sequence[StackTask], fitting: Sequence[StackTask]) -> bool:
        """Return whether another worker may gain enough to be tried, and there is enough left for it."""
        if self._is_over or self._newcomer is not None or self._leaves or not fitting:
            return False
        courses = [self._courses[member] for member in self._members]
        running = [course.stack for course in courses if course.stack is not None]
        now = self._clock()
        is_long = all(course.has_pace and now - course.begun >= LONG_SECONDS for course in courses)
        if not running or not (is_long or len(self._breaks) >= LEAST_BREAKS):
            return False
        launching = max(map(self._launching, [*running, fitting[0]]))
        most = 1.0 / max((1.0 - self.idle_share) * (1.0 - launching), 1e-9)
        return most >= WORTH and self._seconds_left(len(waiting)) >= LEAST_SECONDS_LEFT

    def _seconds_left(self, waiting: int) -> float:
        """Return how long so many stacks take, if they take as long as those before; what trains has yet to show its length."""
        now = self._clock()
        running = [now - course.begun for course in self._courses.values() if course.stack is not None]
        return waiting * statistics.mean([*self._durations, *running]) / len(self._members)

    def _judge(self) -> None:
        """End the trial once its cycles agree, or there have been enough."""
        speedups = self._trial.speedups if self._trial else []
        if len(speedups) < CYCLES:
            return
        is_worth = [self._gain(speedup) >= WORTH for speedup in speedups]
        if all(is_worth) or not any(is_worth) or len(speedups) >= MOST_CYCLES:
            self._conclude()

    def _gain(self, speedup: float) -> float:
        """Return the gain of another worker, of which the breaks of a single one are a part."""
        return gain_of_a_second(self.idle_share, speedup) if len(self._members) == 1 else speedup

    def _conclude(self, *, goes_on: bool = False) -> None:
        """Keep the newcomer or let it leave, by what has been measured; one that `goes_on` leaves with its last stack."""
        if self._trial is None:
            return
        speedups = self._trial.speedups
        if not speedups and len(self._members) > 1:  # nothing is known of a third
            self._end_trial(stays=goes_on)
            self._is_over = True
            return
        gain = self._gain(statistics.mean(speedups) if speedups else CAUTIOUS_SPEEDUP)
        is_kept = gain >= WORTH
        self._tell(len(self._members) + is_kept, gain=gain, is_measured=bool(speedups))
        self._end_trial(stays=is_kept or goes_on)
        self._is_over = gain < WORTH_OF_ANOTHER or len(self._members) >= self._most or not speedups

    def _run_out(self) -> None:
        """End a trial where nothing waits any longer: whoever trains goes on, and a newcomer without work leaves."""
        is_busy = self._newcomer is not None and not self._is_idle(self._newcomer)
        if self._trial is not None and self._trial.speedups:
            self._conclude(goes_on=is_busy)
        else:
            self._end_trial(stays=is_busy)
        self._is_over = True

    def _end_trial(self, *, stays: bool) -> None:
        if self._newcomer is not None and stays:
            self._members.append(self._newcomer)
        elif self._newcomer is not None:
            self._leaves.add(self._newcomer)
        self._newcomer, self._trial = None, None

    def _tell(
        self,
        kept: int,
        *,
        gain: float = math.nan,
        is_measured: bool = False,
        reason: str = "",
        workers: int | None = None,
    ) -> None:
        tried = len(self._members) + 1 if workers is None else workers
        known = None if math.isnan(gain) else gain
        self._news.append(WorkersTried(tried, kept, known, self.idle_share, is_measured, reason))
