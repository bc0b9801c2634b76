"""A run that is still training, judged as its curves grow. It knows no library that trains."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping

from justright.callbacks.best_so_far import EVALUATION, as_number
from justright.callbacks.live_options import LiveOptions
from justright.callbacks.verdict_lines import VerdictLines
from justright.errors import InputError
from justright.logs.judge_run import judge_run
from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import LoggedRun, Series, Unit
from justright.logs.metric_names import parse_name
from justright.logs.run_reading import RunReading

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
        self._lines = VerdictLines(options.verbose)
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
        return self._judge_curves() if is_due else None

    def finish(self) -> str | None:
        """Judge the whole curves, and return the verdict that stands, if it was not said."""
        line = self._judge_curves(is_over=True) if self._is_stale else None
        return line if line or self.reading is None else self._lines.at_end(self.reading, self.last_at)

    def _judge_curves(self, *, is_over: bool = False) -> str | None:
        self._judged, self._is_stale = self._fed, False
        run = LoggedRun(self._name, list(self._series.values()), self._unit, tool="network")
        try:
            self.reading = self._judge(LogCurves.of_run(run, FORMAT, self.options.choices))
        except InputError as error:
            return self._why_not(str(error), is_over=is_over)
        except Exception as error:  # noqa: BLE001  # a bug here must not end hours of training
            warnings.warn(f"justright could not judge the curves: {error!r}", RuntimeWarning, stacklevel=2)
            return None
        if self.reading.label not in self.options.stop_on:
            self._stop_since = None
        elif self._stop_since is None:
            self._stop_since = self._fed
        return self._lines.after(self.reading, self.last_at)

    def _why_not(self, problem: str, *, is_over: bool) -> str | None:
        """Return why the curves cannot be judged, once: a metric that was asked for may be measured only with validation."""
        is_complete = is_over or any(parse_name(name).role in EVALUATION for name in self._series)
        if problem == self._problem or not is_complete or not self.options.verbose:
            return None
        self._problem = problem
        return problem
