"""Charts as the page draws them: outlines in parts of a width that only the reader's screen knows, and names beside them.

Lines are SVG paths in a box of 1000 x 1000 that the page stretches; names and dots are elements with a place in per cent.
So a chart has readable letters at any width, follows the theme, needs no script, and costs no more than its points.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from justright.report.axes import Axis, Tick, epoch_axis, linear_axis, size_axis
from justright.report.number_formats import format_interval, format_metric, is_share, metric_words

BOX = 1_000  # units of a path along and up
FAR = 100 * BOX  # what lies beyond it is cut off anyway
HEIGHT, LOW_HEIGHT = 340, 200  # pixels
ROW_HEIGHT = 30  # pixels for each interval
BESIDE_NAMES = 150  # pixels that names of rows leave of a phone's width
PAD = 0.04  # of the range of values, above and below

Point = tuple[float, float]  # in shares of the chart: from the left, from the bottom


@dataclass(frozen=True, slots=True)
class Path:
    """A line or an area: an SVG path, the class that says what it is, its CSS colour, and what a pointer on it shows."""

    d: str
    css: str
    colour: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """A dot at per cent of the chart from the left and from the top; `size` in pixels where it is not that of all dots."""

    left: float
    top: float
    colour: str
    hint: str = ""
    css: str = ""
    size: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Words at per cent of the chart from the left and from the top; `css` says how they stand there."""

    left: float
    top: float
    text: str
    css: str
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart; names stand at the left of it for rows, in which case there is a grid of columns instead of rows."""

    x: Axis
    y: Axis
    paths: tuple[Path, ...]
    dots: tuple[Dot, ...] = ()
    height: int = HEIGHT
    names: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def left(self) -> tuple[Tick, ...]:
        """What stands at the left, from the top."""
        if self.names:
            return tuple(
                Tick(100 * (row + 0.5) / len(self.names), name) for row, name in enumerate(self.names)
            )
        return tuple(Tick(round(100 - tick.at, 2), tick.text) for tick in self.y.ticks())

    @property
    def grid(self) -> Path:
        """The lines through the names of the axis that measures."""
        if self.names:
            return Path("".join(f"M{10 * tick.at:.0f} 0V{BOX}" for tick in self.x.ticks()), "grid")
        return Path("".join(f"M0 {10 * tick.at:.0f}H{BOX}" for tick in self.left), "grid")


def curve_plot(
    metric: str, lines: Iterable[Mapping[str, Any]], best: Iterable[Mapping[str, Any]], colours: Mapping[str, str],
    ends: Sequence[float], last_epoch: int,
) -> Plot:  # fmt: skip
    """Return a metric against the epoch, on a logarithmic axis.

    Args:
        metric: as Keras names it.
        lines: as `curve_lines` returns them.
        best: as `best_points` returns them.
        colours: name of each variant -> CSS colour.
        ends: the range of values shown; what lies outside is cut off.
        last_epoch: the largest epoch.
    """
    x, y = epoch_axis(last_epoch, is_log=True), metric_axis(metric, ends)
    paths = [
        Path(
            outline([(x.place(at), y.place(value)) for at, value in zip(line["x"], line["y"], strict=True)]),
            f"{line['k']} {'seed' if line['s'] else 'mean'}",
            colours[line["v"]],
        )
        for line in lines
    ]
    dots = [
        place_dot((x.place(one["x"]), y.place(one["y"])), colours[one["v"]], best_words(metric, one))
        for one in best
        if ends[0] <= one["y"] <= ends[1]
    ]
    return Plot(x, y, tuple(paths), tuple(dots))


def metric_axis(metric: str, ends: Sequence[float]) -> Axis:
    """Return the axis of a metric from one end to the other."""
    return linear_axis(metric_words(metric), ends[0], ends[1], is_share=is_share(metric))


def best_words(metric: str, best: Mapping[str, Any]) -> str:
    """Return what a pointer on a dot shows: whose best epoch it is."""
    return f"{best['v']}, seed {best['s']}: {format_metric(metric, best['y'])} on validation rows at its best epoch, {best['x']:,}"


def rate_plot(lines: Sequence[Mapping[str, Any]], colours: Mapping[str, str]) -> Plot:
    """Return learning rates against epochs; `lines` are {v, x, y}."""
    x = epoch_axis(max(line["x"][-1] for line in lines), is_log=False)
    y = _padded("Learning rate", [0.0, *(value for line in lines for value in line["y"])], least=0.0)
    paths = [
        Path(
            outline([(x.place(at), y.place(value)) for at, value in zip(line["x"], line["y"], strict=True)]),
            "train mean",
            colours[line["v"]],
            line["v"],
        )
        for line in lines
    ]
    return Plot(x, y, tuple(paths), height=LOW_HEIGHT)


def interval_plot(rows: Sequence[Mapping[str, Any]], *, margin: float | None) -> Plot:
    """Return differences of test loss, a row each from the top: {v, y (estimate), low, high}; ends may be None.

    Those between -margin and +margin are shaded as too small to matter; None shades nothing.
    """
    small = margin or 0.0
    values = [
        -small,
        small,
        *(row[key] for row in rows for key in ("low", "y", "high") if row[key] is not None),
    ]
    x = replace(_padded("Difference of test loss", [0.0, *values]), narrow=BESIDE_NAMES)
    paths = [Path(f"M{_unit(x.place(0.0))} 0V{BOX}", "zero")]
    if small:
        low, high = (_unit(x.place(end)) for end in (-small, small))
        paths.insert(0, Path(f"M{low} 0H{high}V{BOX}H{low}Z", "small"))
    dots = []
    for number, row in enumerate(rows):
        up = 1 - (number + 0.5) / len(rows)
        hint = f"{row['v']}: {format_metric('loss', row['y'], row['low'], row['high'], signed=True)}"
        if row["low"] is not None and row["high"] is not None:
            hint += f" {format_interval('loss', row['low'], row['high'], signed=True)}"
            ends = [(x.place(row[end]), up) for end in ("low", "high")]
            paths.append(Path(outline(ends), "rule", "var(--c1)", hint))
        dots.append(place_dot((x.place(row["y"]), up), "var(--c1)", hint))
    names = tuple(row["v"] for row in rows)
    return Plot(x, Axis("", 0, 1), tuple(paths), tuple(dots), ROW_HEIGHT * len(rows), names)


def scaling_plot(title: str, rows: Sequence[Mapping[str, Any]], colours: Mapping[str, str]) -> Plot:
    """Return test loss against training rows: {v, x, y, low, high, kind}.

    `kind` is 'measured' (points with intervals), 'forecast' (a dashed line and its band) or 'join' (where that begins).
    """
    x = size_axis("Training rows", sorted({row["x"] for row in rows}))
    y = _padded(title, [row[key] for row in rows for key in ("y", "low", "high") if row[key] is not None])

    def places(chosen: Iterable[Mapping[str, Any]], key: str) -> list[Point]:
        return [(x.place(row["x"]), y.place(row["y"] if row[key] is None else row[key])) for row in chosen]

    paths, dots = [], []
    for name in dict.fromkeys(row["v"] for row in rows):
        colour = colours.get(name, "var(--ink)")
        own = sorted((row for row in rows if row["v"] == name), key=lambda row: row["x"])
        measured = [row for row in own if row["kind"] == "measured"]
        ahead = [row for row in own if row["kind"] != "measured"]
        if ahead:
            band = [*places(ahead, "low"), *reversed(places(ahead, "high"))]
            paths += [
                Path(outline(band) + "Z", "band", colour),
                Path(outline(places(ahead, "y")), "val mean", colour),
            ]
        paths.append(Path(outline(places(measured, "y")), "train mean", colour))
        for row in own:
            if row["kind"] == "measured":
                paths.append(Path(outline([*places([row], "low"), *places([row], "high")]), "rule", colour))
            if row["kind"] != "join":
                hint = f"{name}, {row['x']:,.0f} rows, {row['kind']}: {format_metric('loss', row['y'], row['low'], row['high'])} "
                hint += format_interval("loss", row["low"], row["high"])
                dots.append(place_dot(places([row], "y")[0], colour, hint.strip()))
    return Plot(x, y, tuple(paths), tuple(dots))


def outline(points: Iterable[Point]) -> str:
    """Return an SVG path through points, in whole units and relative to the point before: each takes five characters.

    Example:
        >>> outline([(0.0, 0.0), (0.5, 1.0), (1.0, 1.0)])
        'M0 1000l500-1000 500 0'
    """
    parts: list[str] = []
    before: tuple[int, int] | None = None
    for right, up in points:
        at = _unit(right), BOX - _unit(up)
        if before is None:
            parts.append(f"M{at[0]} {at[1]}l")
        elif at != before:
            along, down = at[0] - before[0], at[1] - before[1]
            parts.append(
                f"{'' if along < 0 or len(parts) == 1 else ' '}{along}{'' if down < 0 else ' '}{down}"
            )
        before = at
    if len(parts) == 1:  # a single point: round ends make it a dot
        parts.append("0 0")
    return "".join(parts)


def _unit(share: float) -> int:
    """Return a share of the chart in whole units; far away where it is not finite."""
    if math.isnan(share):
        return FAR
    return round(max(-FAR, min(FAR, share * BOX)))


def place_dot(at: Point, colour: str, hint: str, *, css: str = "", size: float | None = None) -> Dot:
    """Return a dot at shares of the chart; `hint` is what a pointer on it shows."""
    return Dot(round(100 * at[0], 2), round(100 * (1 - at[1]), 2), colour, hint, css, size)


def _padded(title: str, values: Sequence[float], *, least: float = -math.inf) -> Axis:
    """Return the linear axis that holds these values with some room around them, but nothing below `least`."""
    low, high = widened(min(values), max(values), share=PAD)
    return linear_axis(title, max(low, least), high)


def widened(low: float, high: float, *, share: float) -> tuple[float, float]:
    """Return a range with a share of it added on either side, and never an empty one.

    Example:
        >>> widened(0.0, 1.0, share=0.25), widened(2.0, 2.0, share=0.25)
        ((-0.25, 1.25), (1.98, 2.02))
    """
    room = share * (high - low) if low < high else max(0.01, abs(low)) / 100
    return low - room, high + room
