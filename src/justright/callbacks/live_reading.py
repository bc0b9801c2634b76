"""A run that is still training, judged as its curves grow. It knows no library that trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from justright.callbacks.live_options import LiveOptions
from justright.diagnosis.words.numbers import number
from justright.logs.judge_run import judge_run
from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import LoggedRun, Series, Unit
from justright.logs.metric_names import direction_of, is_loss, parse_name
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

    def judge_now(self) -> str | None:
        """Judge the curves so far, and return what to say; None if there is nothing to be said, or nothing new to judge."""
        if not self._is_stale:
            return None
        before = None if self.reading is None else self.reading.label
        run = LoggedRun(self._name, list(self._series.values()), self._unit, tool="network")
        self.reading = self._judge(LogCurves.of_run(run, FORMAT, self.options.choices))
        self._judged, self._is_stale = self._fed, False
        if self.reading.label not in self.options.stop_on:
            self._stop_since = None
        elif self._stop_since is None:
            self._stop_since = self._fed
        is_new = self.reading.label != before
        # The first label is "too short", which everybody sees
        is_news = is_new and not (before is None and self.reading.label == "too short")
        is_asked = self.options.verbose > 1 or (self.options.verbose == 1 and is_news)
        return line_of(self.reading, self.last_at) if is_asked else None


class BestSoFar:
    """The best value so far of one metric, by which weights are kept.

    Args:
        options: its `choices.metric` names the metric; without it, the first validation loss is taken.
    """

    def __init__(self, options: LiveOptions) -> None:
        self.at: float | None = None
        self.value = math.nan
        self.metric = options.choices.metric
        self._choices = options.choices

    def improves(self, at: float, metrics: Mapping[str, object]) -> bool:
        """Return whether a measurement is the best so far, which is then kept."""
        if self.metric is None:
            self.metric = next((name for name in metrics if _is_validation_loss(name)), None)
        value = None if self.metric is None else as_number(metrics.get(self.metric))
        if self.metric is None or value is None or not math.isfinite(value):
            return False
        more = self._is_more_better(self.metric)
        if self.at is not None and not (value > self.value if more else value < self.value):
            return False
        self.at, self.value = at, value
        return True

    def words(self, unit: Unit = "epoch") -> str:
        """Return when it was, and what."""
        return f"{Times(unit).at(self.at or 0.0)} ({self.metric} {number(self.value)})"

    def _is_more_better(self, metric: str) -> bool:
        plain = parse_name(metric).metric
        if metric in self._choices.maximize or plain in self._choices.maximize:
            return True
        if metric in self._choices.minimize or plain in self._choices.minimize:
            return False
        return direction_of(plain) == "more"


def as_number(value: object) -> float | None:
    """Return a number, or a tensor of one number, as a float; None for anything else.

    Example:
        >>> as_number(0.5), as_number("fast"), as_number([1.0, 2.0]), as_number(True)
        (0.5, None, None, None)
    """
    if isinstance(value, (bool, str)) or value is None:
        return None
    try:
        return float(value)  # type: ignore[arg-type]  # asked, not known
    except (TypeError, ValueError, RuntimeError):  # PyTorch raises the last for a tensor of several numbers
        return None


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


def _is_validation_loss(name: str) -> bool:
    parsed = parse_name(name)
    return parsed.role == "validation" and is_loss(parsed.metric)
