"""The fit map with matplotlib: it holds its arrays, and `plot` draws them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.errors import FolderError
from justright.report.axes import Axis
from justright.report.displays.plot_axes import (
    MUTED,
    POINTS,
    SHADE,
    measuring_rows,
    pixel_size,
    plot_axes,
    settle,
    variant_colours,
    write_name,
)
from justright.report.fit_map import SMALL, FitPoint, Gain, fit_points, gain_axis, scaled_gain
from justright.report.fit_plot import (
    TITLES,
    cross_boxes,
    crosses,
    dot_places,
    quadrant_boxes,
    quadrant_marks,
    ring_size,
)
from justright.report.label_places import place_labels
from justright.report.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE_SIZE = (7.0, 6.0)  # inches
WITHIN: dict[str, Any] = {"color": SHADE, "alpha": 0.6, "linewidth": 0, "zorder": 0}
FINE: dict[str, Any] = WITHIN | {"color": "#e4f5ed", "alpha": 1.0}
LIMIT: dict[str, Any] = {"color": MUTED, "linewidth": 0.9, "linestyle": "--", "zorder": 1}

Floats = npt.NDArray[np.float64]
SCALED = np.vectorize(scaled_gain, otypes=[np.float64])


@dataclass(frozen=True, slots=True, eq=False)
class FitDisplay:
    """Each network at what something tighter and something freer gains.

    Args:
        points: the networks.
        colours: one for each of them.
        margin: up to which differences are too small to matter.
        loss: the axes' unit in words, such as 'test loss'.
    """

    points: tuple[FitPoint, ...]
    colours: tuple[str, ...]
    margin: float
    loss: str = "test loss"

    @property
    def names(self) -> tuple[str, ...]:
        """The networks' names."""
        return tuple(point.name for point in self.points)

    @property
    def tighter(self) -> Floats:
        """(networks, 3) gain by something tighter with the ends of its interval; NaN where nothing was measured."""
        return _ends(point.tighter for point in self.points)

    @property
    def freer(self) -> Floats:
        """(networks, 3) the same by something freer."""
        return _ends(point.freer for point in self.points)

    @property
    def headroom(self) -> Floats:
        """(networks, 3) the same by another kind of model."""
        return _ends(point.headroom for point in self.points)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes in units of the loss, linear within the margin and logarithmic beyond; None makes a new figure.

        Names that have no room are left out.
        """
        is_own = ax is None
        ax = plot_axes(ax, FIGURE_SIZE)
        x = gain_axis(TITLES[0], (point.tighter for point in self.points), self.margin)
        y = gain_axis(TITLES[1], (point.freer for point in self.points), self.margin)
        self._prepare(ax, x, y)
        if is_own:
            settle(ax)
        size = pixel_size(ax)
        places = dot_places(self.points, self.margin, (x, y), size)
        for point, place, colour in zip(self.points, places, self.colours, strict=True):
            for start, end in crosses(point, place, self.margin, (x, y)):
                ends = [self._data(one, x, y) for one in (start, end)]
                ax.plot(*zip(*ends, strict=True), color=colour, alpha=0.55, linewidth=1.8, zorder=2)
            at = self._data(place, x, y)
            if (ring := ring_size(point, self.margin)) is not None:
                look: dict[str, Any] = {"markerfacecolor": "none", "alpha": 0.6, "zorder": 2}
                ax.plot(*at, "o", color=colour, markersize=ring * POINTS, **look)
            ax.plot(*at, "o", color=colour, markersize=6.5, label=point.name, zorder=3)
        dots = [(right * size[0], (1 - up) * size[1]) for right, up in places]
        lines = cross_boxes(self.points, places, self.margin, (x, y), size)
        sides = place_labels(dots, self.names, size, lines=lines, taken=quadrant_boxes(x, y, size))
        for name, place, colour, side in zip(self.names, places, self.colours, sides, strict=True):
            if side:
                write_name(ax, name, self._data(place, x, y), side, colour)
        return ax

    def _prepare(self, ax: Axes, x: Axis, y: Axis) -> None:
        """Put scales, ticks, the shaded margin and the names of the quadrants on the axes."""
        from matplotlib.ticker import FixedLocator, NullLocator

        functions = (
            lambda gains: SCALED(np.asarray(gains) / self.margin),
            lambda places: self.margin * _unscaled(np.asarray(places)),
        )
        ax.set_xscale("function", functions=functions)
        ax.set_yscale("function", functions=functions)
        for drawn, axis, limit in ((ax.xaxis, x, ax.set_xlim), (ax.yaxis, y, ax.set_ylim)):
            limit(*(self.margin * float(_unscaled(end)) for end in (axis.low, axis.high)))
            named = axis.thinned() if axis is x else axis.ticks()
            at = [axis.low + tick.at / 100 * (axis.high - axis.low) for tick in named]
            drawn.set_major_locator(FixedLocator([self.margin * float(_unscaled(place)) for place in at]))
            drawn.set_minor_locator(NullLocator())
            drawn.set_ticklabels([tick.text for tick in named])
            drawn.set_label_text(f"{axis.title} ({self.loss})")
        small, (left, right), (low, high) = SMALL * self.margin, ax.get_xlim(), ax.get_ylim()
        ax.fill_between([small, self.margin], low, high, **WITHIN)
        ax.fill_between([left, right], small, self.margin, **WITHIN)
        ax.fill_between([small, self.margin], small, self.margin, **FINE)
        ax.axvline(self.margin, **LIMIT)
        ax.axhline(self.margin, **LIMIT)
        ax.grid(visible=True, alpha=0.3)
        for mark in quadrant_marks(x, y):
            is_right, is_bottom = "from-right" in mark.css, "from-bottom" in mark.css
            look: dict[str, Any] = {
                "ha": "right" if is_right else "left",
                "va": "bottom" if is_bottom else "top",
            }
            corner = (mark.left / 100, 1 - mark.top / 100)
            inside = (-4 if is_right else 4, 4 if is_bottom else -4)
            ax.annotate(
                mark.text,
                corner,
                inside,
                "axes fraction",
                "offset points",
                style="italic",
                color=MUTED,
                **look,
            )

    def _data(self, place: tuple[float, float], x: Axis, y: Axis) -> tuple[float, float]:
        """Return the losses at shares of the axes."""
        right, up = (
            self.margin * float(_unscaled(axis.low + share * (axis.high - axis.low)))
            for axis, share in zip((x, y), place, strict=True)
        )
        return right, up


def fit_display(summary: Summary) -> FitDisplay:
    """Return the fit map of a study.

    Raises:
        FolderError: no verdict of the study holds gains.
    """
    points, margin = fit_points(summary["variants"]), summary["margin"]
    if not points or not margin:
        raise FolderError(
            "A fit map needs verdicts with measured gains; the study has none: none of its runs has been judged, or an "
            "earlier version judged them. Run the same command again."
        )
    colours = variant_colours(summary)
    own = tuple(colours[point.name] for point in points)
    return FitDisplay(tuple(points), own, margin, f"{measuring_rows(summary)} loss")


def _ends(gains: Iterable[Gain | None]) -> Floats:
    values = [(gain.value, gain.low, gain.high) if gain else (np.nan,) * 3 for gain in gains]
    return np.array(values, dtype=np.float64).reshape(-1, 3)


def _unscaled(scaled: npt.ArrayLike) -> Floats:
    """Return the places that `scaled_gain` maps to these."""
    found = np.asarray(scaled, dtype=np.float64)
    return np.where(found <= 1, found, np.exp(np.maximum(found, 1) - 1))
