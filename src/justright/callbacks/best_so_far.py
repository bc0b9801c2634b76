"""The best value of a metric so far, by which weights are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping

from justright.callbacks.live_options import LiveOptions
from justright.diagnosis.words.numbers import number
from justright.logs.logged_run import Unit
from justright.logs.metric_names import direction_of, is_loss, parse_name
from justright.logs.wording import Times

EVALUATION = ("validation", "test")


class BestSoFar:
    """The best value so far of one metric on validation rows.

    Args:
        options: its `choices.metric` names the metric; without it, the first validation loss is taken.
    """

    def __init__(self, options: LiveOptions) -> None:
        self.at: float | None = None
        self.value = math.nan
        self.written = ""  # the metric, once it was seen
        self._choices = options.choices

    def improves(self, at: float, metrics: Mapping[str, object]) -> bool:
        """Return whether a measurement is the best so far, which is then kept."""
        self.written = self.written or self._named(metrics)
        value = as_number(metrics.get(self.written))
        if value is None or not math.isfinite(value):
            return False
        is_better = value > self.value if self._is_more_better() else value < self.value
        if self.at is not None and not is_better:
            return False
        self.at, self.value = at, value
        return True

    def words(self, unit: Unit = "epoch") -> str:
        """Return when it was, and what."""
        return f"{Times(unit).at(self.at or 0.0)} ({self.written} {number(self.value)})"

    def _named(self, metrics: Mapping[str, object]) -> str:
        """Return the name of the metric among those that were measured; empty while it was not."""
        wanted = self._choices.metric
        evaluated = {
            name: parsed.metric for name in metrics if (parsed := parse_name(name)).role in EVALUATION
        }
        if wanted is None:
            return next((name for name, metric in evaluated.items() if is_loss(metric)), "")
        found = (name for name, metric in evaluated.items() if wanted in (name, metric))
        return next(found, wanted if wanted in metrics else "")

    def _is_more_better(self) -> bool:
        metric = parse_name(self.written).metric
        if {self.written, metric} & {*self._choices.maximize}:
            return True
        if {self.written, metric} & {*self._choices.minimize}:
            return False
        return direction_of(metric) == "more"


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
