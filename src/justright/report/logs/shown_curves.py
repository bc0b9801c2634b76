"""Curves of a log as pictures show them: which belong together, over which range, in how many points."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from justright.logs.log_curves import Curve
from justright.logs.run_reading import MetricReading, RunReading, SetReading
from justright.report.logs.log_words import telling_first

MOST_PANELS = 12  # charts of one run; every evaluation set has one, however many
MOST_POINTS = 400  # more cannot be seen in a chart of 500 pixels
# A loss often begins at many times what it is later. The range shown is what the curve did since its best value and in its
# second half, times this; a start beyond that is cut off.
ROOM = 3.0
MOST_CUT = 0.1  # share of a curve's points that may be cut off
# Only a range that is so many times smaller is worth cutting something off.
WORTH_CUTTING = 1.5
FAR = 10_000.0  # times the usual range: values beyond it are not to be seen
MOST_DRAWN = 1e100  # a loss beyond it has left every scale
OUTLIERS = 0.02  # share of the values at either end that do not stretch the range; the last one always does

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ShownCurve:
    """One curve without what cannot be drawn.

    Shape:
        at, values: (points,), finite.
    """

    at: Floats
    values: Floats

    @property
    def has_points(self) -> bool:
        """Whether anything was measured."""
        return len(self.at) > 0


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One metric on one evaluation set, beside the same on training rows.

    Args:
        set, metric: what is drawn.
        evaluated: its curve.
        trained: that of training rows; without points where it was not logged.
        is_judged: whether the set's label is about this metric.
        span: first and last time at which either was measured.
        lost_at: since when nothing finite was measured any more; None if the last value is finite.
    """

    set: SetReading
    metric: MetricReading
    evaluated: ShownCurve
    trained: ShownCurve
    is_judged: bool
    span: tuple[float, float]
    lost_at: float | None

    def ends(self, *, with_training: bool) -> tuple[float, float]:
        """Return the range of values to show, of the evaluation set alone or of both curves; spikes do not stretch it."""
        own = self.evaluated.values[~np.isin(self.evaluated.at, self.metric.spikes)]
        values = [own if len(own) else self.evaluated.values]
        if with_training and self.trained.has_points:
            values.append(self.trained.values)
        return shown_ends(values, is_more=self.is_more)

    @property
    def is_more(self) -> bool:
        """Whether more of the metric is better."""
        return self.metric.direction == "more"


def panels(run: RunReading) -> Iterator[Panel]:
    """Yield a run's panels: for each evaluation set the judged metric, then others, the most telling if they are many."""
    room = max(0, MOST_PANELS - len(run.sets))
    telling = [(one, metric) for one, metric in telling_first(run) if metric.direction is not None][:room]
    for one in run.sets:
        for metric in (one.judged, *(metric for owner, metric in telling if owner is one)):
            panel = _panel(run, one, metric)
            if panel.evaluated.has_points:
                yield panel


def judged_panel(run: RunReading, one: SetReading) -> Panel | None:
    """Return the panel of the metric that a set's label is about; None where it has no finite values."""
    panel = _panel(run, one, one.judged)
    return panel if panel.evaluated.has_points else None


def training_curves(run: RunReading) -> Iterator[tuple[Curve, ShownCurve]]:
    """Yield the losses on training rows: what there is to see where nothing else was logged."""
    for curve in run.curves.curves:
        if curve.role == "train" and curve.is_loss and (shown := shown_curve(curve)).has_points:
            yield curve, shown


def shown_curve(curve: Curve | None) -> ShownCurve:
    """Return a curve's points that can be drawn; None has none."""
    if curve is None:
        return ShownCurve(np.array([]), np.array([]))
    is_drawn = np.isfinite(curve.at) & np.isfinite(curve.values) & (np.abs(curve.values) < MOST_DRAWN)
    return ShownCurve(curve.at[is_drawn], curve.values[is_drawn])


def thinned(curve: ShownCurve, most: int = MOST_POINTS) -> ShownCurve:
    """Return a curve in at most about `most` points: the lowest and the highest of each stretch, so that no spike is lost."""
    count = len(curve.at)
    if count <= most:
        return curve
    edges = np.linspace(0, count, most // 2 + 1).astype(int)
    kept = {0, count - 1}
    for start, stop in itertools.pairwise(edges.tolist()):
        piece = curve.values[start:stop]
        kept |= {start + int(piece.argmin()), start + int(piece.argmax())}
    chosen = sorted(kept)
    return ShownCurve(curve.at[chosen], curve.values[chosen])


def shown_ends(curves: Sequence[Floats], *, is_more: bool) -> tuple[float, float]:
    """Return the range of values in which what matters of the curves can be seen.

    Args:
        curves: (points,) each, finite, at least one point.
        is_more: whether more is better: such curves start low.

    Example:
        >>> shown_ends([np.array([9.0, 1.0, 0.5, 0.75, 1.0])], is_more=False)
        (0.5, 2.0)
    """
    sign = -1.0 if is_more else 1.0
    flipped = [sign * values for values in curves]
    full_low, full_high = min(map(np.min, flipped)), max(map(np.max, flipped))
    lows, highs = zip(*map(_tail_ends, flipped), strict=True)
    low, high = min(lows), max(highs)
    kept = [float(np.quantile(values, 1 - MOST_CUT, method="lower")) for values in flipped]
    high = max(low + ROOM * (high - low), *kept)
    usual = low + ROOM * max(float(np.median(values)) - low for values in flipped)
    if low < usual < low + (high - low) / FAR:  # an explosion: that it leaves the picture says enough
        high = usual
    if not high > low or full_high - full_low < WORTH_CUTTING * (high - low):
        low, high = full_low, full_high
    low, high = float(max(low, full_low)), float(min(high, full_high))
    return (-high, -low) if is_more else (low, high)


def _panel(run: RunReading, one: SetReading, metric: MetricReading) -> Panel:
    own, training = run.curves.named(metric.written, one.role, one.set), run.curves.train_curve(metric.metric)
    times = np.concatenate(
        [curve.at[np.isfinite(curve.at)] for curve in (own, training) if curve is not None]
    )
    span = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    is_judged = metric is one.judged
    return Panel(
        one, metric, shown_curve(own), shown_curve(training), is_judged, span, own.not_finite_since()
    )


def _tail_ends(values: Floats) -> tuple[float, float]:
    """Return the range of a curve since its lowest value, and in its second half, without its rarest values."""
    tail = values[min(int(values.argmin()), len(values) // 2) :]
    low, high = (
        np.quantile(tail, [OUTLIERS, 1 - OUTLIERS]) if len(tail) > 2 / OUTLIERS else (tail.min(), tail.max())
    )
    return min(float(low), float(values[-1])), max(float(high), float(values[-1]))
