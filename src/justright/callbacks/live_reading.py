"""A run that is still training, judged as its curves grow. It knows no library that trains."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping

from justright.callbacks.best_so_far import EVALUATION, as_number
from justright.callbacks.live_options import LiveOptions
from justright.diagnosis.words.numbers import number
from justright.errors import InputError
from justright.logs.judge_run import judge_run
from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import LoggedRun, Series, Unit
from justright.logs.metric_names import parse_name
from justright.logs.run_reading import RunReading
from justright.logs.wording import Times

FORMAT = "callback"
# A verdict rests on the whole curve: it is judged again once that has grown by this factor, and judging takes no time that
# matters, however long the run.
GROWTH = 1.05

Judge = Callable[[LogCurves], RunReading]


class LiveReading:
    """The curves of a run so far, and what they say.

    Args:
        name: of the run.
        options: what was asked for.
        unit: what times count.
        judge: returns what curves say.
    """

    def __init__(
        self, name: str, options: LiveOptions, *, unit: Unit = "epoch", judge: Judge = judge_run
    ) -> None:
        self.options = options
        self.reading: RunReading | None = None
        self.last_at = -math.inf
        self._name = name
        self._unit: Unit = unit
        self._judge = judge
        self._series: dict[str, Series] = {}
        self._is_stale = False  # whether something was measured since it was last judged
        self._fed = 0
        self._judged = 0  # how many had been fed when it was last judged
        self._problem = ""  # why it could not be judged, as was said
        self._stop_since: int | None = None  # since how many the label has been one to stop at

    @property
    def should_stop(self) -> bool:
        """Whether a label at which training is to stop has held for long enough, or one of them after another."""
        return self._stop_since is not None and self._judged - self._stop_since + 1 >= self.options.patience

    def record(self, at: float, metrics: Mapping[str, object]) -> None:
        """Keep what was measured; what is no number is left out."""
        for name, value in metrics.items():
            measured = as_number(value)
            if measured is not None:
                series = self._series.setdefault(name, Series(name, [], []))
                series.at.append(float(at))
                series.values.append(measured)
                self._is_stale = True
        self.last_at = max(self.last_at, at)

    def feed(self, at: float, metrics: Mapping[str, object]) -> str | None:
        """Keep what was measured, and return what to say about it; None if there is nothing to be said.

        Args:
            at: when, later than before.
            metrics: name -> number, as the training loop names it.
        """
        self.record(at, metrics)
        self._fed += 1
        is_due = self._fed % self.options.every == 0 and self._fed >= GROWTH * self._judged
        return self.judge_now() if is_due else None

    def judge_now(self, *, is_over: bool = False) -> str | None:
        """Judge the curves so far, and return what to say; None if there is nothing to be said, or nothing new to judge.

        Args:
            is_over: whether nothing more will be measured.
        """
        if not self._is_stale:
            return None
        self._judged, self._is_stale = self._fed, False
        run = LoggedRun(self._name, list(self._series.values()), self._unit, tool="network")
        try:
            reading = self._judge(LogCurves.of_run(run, FORMAT, self.options.choices))
        except InputError as error:
            return self._why_not(str(error), is_over=is_over)
        except Exception as error:  # noqa: BLE001  # a bug here must not end hours of training
            warnings.warn(f"justright could not judge the curves: {error!r}", RuntimeWarning, stacklevel=2)
            return None
        return self._take(reading)

    def _take(self, reading: RunReading) -> str | None:
        before = None if self.reading is None else self.reading.label
        self.reading = reading
        if reading.label not in self.options.stop_on:
            self._stop_since = None
        elif self._stop_since is None:
            self._stop_since = self._fed
        # The first label is "too short", which everybody sees
        is_news = reading.label != before and not (before is None and reading.label == "too short")
        is_asked = self.options.verbose > 1 or (self.options.verbose == 1 and is_news)
        return line_of(reading, self.last_at) if is_asked else None

    def _why_not(self, problem: str, *, is_over: bool) -> str | None:
        """Return why the curves cannot be judged, once: a metric that was asked for may be measured only with validation."""
        is_complete = is_over or any(parse_name(name).role in EVALUATION for name in self._series)
        if problem == self._problem or not is_complete or not self.options.verbose:
            return None
        self._problem = problem
        return problem


def line_of(reading: RunReading, at: float) -> str:
    """Return a verdict in one line: when, label, since when, and the judged numbers."""
    times = Times(reading.unit)
    if not reading.sets:
        return f"{times.at(at)}: {reading.sentence}"
    judged = reading.sets[0].judged
    since = "" if judged.since is None else f" since {times.span(*judged.since)}"
    word = "highest" if judged.direction == "more" else "lowest"
    numbers = (
        f"{judged.written} {number(judged.last)}, {word} {number(judged.best)} at {times.at(judged.best_at)}"
    )
    return f"{times.at(at)}: {reading.label}{since} ({numbers})"
