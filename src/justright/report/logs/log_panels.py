"""The charts of a log: one for each metric of each evaluation set, training faint behind validation."""

from __future__ import annotations

import numpy as np

from justright.logs.run_reading import RunReading
from justright.logs.wording import Times
from justright.report.axes import Axis, linear_axis
from justright.report.charts import (
    BOX,
    HEIGHT,
    LOW_HEIGHT,
    Dot,
    Mark,
    Path,
    Plot,
    outline,
    place_dot,
    widened,
)
from justright.report.logs.log_words import format_since, format_time, format_value, metric_title
from justright.report.logs.shown_curves import Panel, ShownCurve, shown_ends, thinned
from justright.report.number_formats import metric_words

VALIDATION, TRAINING = "var(--c1)", "var(--muted)"
ONSET, LOST = "var(--c2)", "var(--broken)"
LEGEND = (("validation", VALIDATION), ("training", TRAINING), ("where it may have begun to worsen", ONSET))
PAD = 0.06  # of the range of values, above and below
LEAST_ONSET = 6  # units of a path along: an onset known to the epoch is still seen
PANEL_HEIGHT = (HEIGHT + LOW_HEIGHT) // 2
FAR_RIGHT = 70  # per cent of the chart, from which words stand at the left of what they name


def panel_plot(run: RunReading, panel: Panel) -> Plot:
    """Return the chart of one metric on one evaluation set."""
    metric, times = panel.metric, Times.of(run.curves)
    low, high = widened(*panel.ends(with_training=True), share=PAD)
    x = linear_axis(run.unit.capitalize(), *_apart(panel.span))
    y = linear_axis(metric_words(metric.metric), low, high)
    paths, marks = [], []
    if metric.since is not None:
        start, stop = (round(BOX * x.place(at)) for at in metric.since)
        if stop - start < LEAST_ONSET:
            start, stop = (start + stop - LEAST_ONSET) // 2, (start + stop + LEAST_ONSET) // 2
        paths.append(Path(f"M{start} 0H{stop}V{BOX}H{start}Z", "onset", ONSET))
        side = " from-right" if start > 10 * FAR_RIGHT else ""
        place = start / 10 if side else stop / 10
        marks.append(
            Mark(round(place, 2), 0, f"worse since {format_since(metric.since)}", f"onset{side}", ONSET)
        )

    if panel.lost_at is not None:
        start = round(BOX * x.place(panel.lost_at))
        start = min(start, BOX - LEAST_ONSET)
        paths.append(Path(f"M{start} 0H{BOX}V{BOX}H{start}Z", "onset", LOST))
        words = f"not finite since {format_time(panel.lost_at)}"
        marks.append(Mark(round(start / 10, 2), 0, words, "onset from-right", LOST))
    if panel.trained.has_points:
        paths.append(Path(_outline(panel.trained, x, y), "faint", TRAINING, "training"))
    paths.append(Path(_outline(panel.evaluated, x, y), "mean", VALIDATION, panel.set.title))
    dots: list[Dot] = []
    if metric.direction is not None:
        for at in metric.spikes:
            value = float(np.interp(at, panel.evaluated.at, panel.evaluated.values))
            if low <= value <= high:
                hint = f"a single spike: {format_value(value)} at {times.at(at)}"
                dots.append(place_dot((x.place(at), y.place(value)), ONSET, hint, css="ring", size=11))
        if low <= metric.best <= high:
            hint = f"best: {format_value(metric.best)} at {times.at(metric.best_at)}"
            dots.append(place_dot((x.place(metric.best_at), y.place(metric.best)), VALIDATION, hint))
    return Plot(x, y, tuple(paths), tuple(dots), PANEL_HEIGHT, marks=tuple(marks))


def training_plot(run: RunReading, name: str, curve: ShownCurve) -> Plot:
    """Return the chart of a loss on training rows, where nothing else was logged."""
    x = linear_axis(run.unit.capitalize(), *_apart((float(curve.at[0]), float(curve.at[-1]))))
    y = linear_axis(name, *widened(*shown_ends([curve.values], is_more=False), share=PAD))
    return Plot(x, y, (Path(_outline(curve, x, y), "mean", TRAINING, name),), height=PANEL_HEIGHT)


def panel_label(run: RunReading, panel: Panel) -> str:
    """Return what a chart shows, for those who cannot see it."""
    metric = panel.metric
    said = f"{metric_title(panel.set, metric, alone=False)} against {run.unit}s {format_time(metric.first_at)} to {format_time(metric.last_at)}"
    best = f"; best {format_value(metric.best)} at {format_time(metric.best_at)}" if metric.direction else ""
    since = f"; worse since {format_since(metric.since)}" if metric.since else ""
    return f"{said}{best}{since}; last {format_value(metric.last)}"


def _outline(curve: ShownCurve, x: Axis, y: Axis) -> str:
    few = thinned(curve)
    times, values = few.at.tolist(), few.values.tolist()
    return outline([(x.place(at), y.place(value)) for at, value in zip(times, values, strict=True)])


def _apart(span: tuple[float, float]) -> tuple[float, float]:
    """Return a span of times that is never empty."""
    low, high = span
    return (low, high) if low < high else (low - 0.5, high + 0.5)
