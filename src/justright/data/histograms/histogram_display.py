"""Histograms with matplotlib: of each feature by class, and of all values together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.colours import LIGHT
from justright.data.arrays import Target
from justright.data.histograms.feature_summaries import (
    HISTOGRAM_BINS,
    describe_features,
    histogram,
    range_around,
)
from justright.errors import InputError, check_each_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 5  # of small histograms, at most
CELL = (2.0, 1.35)  # inches: of a small histogram with its name and numbers
SHARE = (0.86, 0.6)  # of its cell: the rest is room for its name and numbers
TOP = 0.35  # inches: the legend
FLAT_SIZE = (7.0, 4.0)  # inches
FILLED = 0.22  # opacity of an area, so that one behind another can be seen
MOST_FILLED = 3  # classes whose areas can be told apart where they overlap; more are outlines
MOST_CHARACTERS = 24  # of a name above a small histogram

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureHistogram:
    """How one feature is distributed.

    Shape:
        edges: (bins + 1,).
        counts: (classes, bins) rows in each bin; one class where the target is a number.
    """

    name: str
    edges: Floats
    counts: npt.NDArray[np.int64]

    @property
    def shares(self) -> Floats:
        """(classes, bins) of its own rows in each bin: classes of different size can be compared."""
        total = self.counts.sum(axis=1, keepdims=True)
        return np.asarray(self.counts / np.maximum(total, 1))


@dataclass(frozen=True, slots=True, eq=False)
class HistogramDisplay:
    """The distributions of features, a small histogram each.

    Args:
        features: in the order in which they are drawn.
        classes: their names; empty where the target is a number.
    """

    features: tuple[FeatureHistogram, ...]
    classes: tuple[str, ...] = ()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes that hold a small histogram for each feature, in `.child_axes`; None makes a new figure.

        Each class is scaled to its own number of rows.
        """
        columns = min(COLUMNS, len(self.features))
        rows = math.ceil(len(self.features) / columns)
        size = (CELL[0] * max(columns, 2), CELL[1] * rows + TOP)
        ax = _axes(ax, size)
        ax.set_axis_off()
        for place, feature in enumerate(self.features):
            row, column = divmod(place, columns)
            corner = ((column + (1 - SHARE[0]) / 2) / columns, 1 - (row + 0.2 + SHARE[1]) / rows)
            _draw(ax.inset_axes((*corner, SHARE[0] / columns, SHARE[1] / rows)), feature)
        if len(self.classes) > 1:
            handles = [
                ax.fill_between([], [], color=colour, alpha=0.5) for colour in _colours(len(self.classes))
            ]
            look: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": 6}
            names = [_drawable(name) for name in self.classes]
            ax.legend(handles, names, frameon=False, fontsize=9, **look)
        return ax


@dataclass(frozen=True, slots=True, eq=False)
class ValueHistogram:
    """The distribution of all values of all features together.

    Shape:
        edges: (bins + 1,).
        counts: (bins,) values in each bin.
    """

    edges: Floats
    counts: npt.NDArray[np.int64]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with one histogram; None makes a new figure."""
        ax = _axes(ax, FLAT_SIZE)
        ax.stairs(self.counts, self.edges, fill=True, color=LIGHT[0], alpha=0.75)
        ax.yaxis.set_major_formatter("{x:,.0f}")
        ax.set_xlabel("Value of any feature")
        ax.set_ylabel("Values")
        ax.grid(visible=True, alpha=0.3)
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        return ax


def feature_histograms(
    features: npt.NDArray[np.float32],
    names: Sequence[str],
    target: Target,
    classes: Sequence[str],
    *,
    chosen: Sequence[str] | None = None,
    bins: int = HISTOGRAM_BINS,
) -> HistogramDisplay:
    """Return the histograms of features, by class where there are classes.

    Args:
        features: (rows, features).
        names: of the features.
        target: (rows,) numbers of classes, or values.
        classes: names of the classes; empty where the target is a number.
        chosen: which features, in this order; None takes all, or the 60 that tell most about the target by themselves.
        bins: of each histogram.

    Raises:
        InputError: there is no such feature, or none is chosen.
    """
    codes = target if classes else None
    if chosen is None:
        columns = describe_features(features, names, target, codes, len(classes), bins=bins)
    else:
        check_each_of("features", chosen, names)
        if not chosen:
            raise InputError("`features` must name at least one feature; got none. None draws all.")
        places = {name: place for place, name in enumerate(names)}
        columns = [
            {"name": name} | histogram(features[:, places[name]], codes, len(classes), bins=bins)
            for name in chosen
        ]
    drawn = tuple(
        FeatureHistogram(
            column["name"],
            np.array(column["edges"], np.float64),
            np.array(column["class_counts"] or [column["counts"]], np.int64),
        )
        for column in columns
        if column["counts"]
    )
    return HistogramDisplay(drawn, tuple(classes))


def value_histogram(features: npt.NDArray[np.float32], *, bins: int) -> ValueHistogram:
    """Return the histogram of all values of a table, from the lowest to the highest; `features` is (rows, features)."""
    low, high = float(features.min()), float(features.max())
    if low == high:
        low, high = range_around(low)
    # Edges in float64: between two float32 numbers there may be fewer others than bins.
    counts, edges = np.histogram(features, np.linspace(low, high, bins + 1))
    return ValueHistogram(edges, counts.astype(np.int64))


def _draw(ax: Axes, feature: FeatureHistogram) -> None:
    """Draw a small histogram with its name above and its range below."""
    shares = feature.shares
    for own, colour in zip(shares, _colours(len(shares)), strict=True):
        if len(shares) <= MOST_FILLED:
            ax.stairs(own, feature.edges, fill=True, color=colour, alpha=FILLED, linewidth=0)
        ax.stairs(own, feature.edges, color=colour, linewidth=1.0)
    ends = feature.edges[[0, -1]]
    ax.set_xlim(*ends)
    ax.set_ylim(0, (shares.max() or 1.0) * 1.05)
    ax.set_yticks([])
    ax.set_xticks(ends, [f"{end:.3g}" for end in ends], fontsize=7)
    first, last = ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")
    ax.tick_params(axis="x", length=2, pad=2)
    ax.spines[["top", "left", "right"]].set_visible(False)
    name = feature.name if len(feature.name) <= MOST_CHARACTERS else f"{feature.name[: MOST_CHARACTERS - 1]}…"
    ax.set_title(_drawable(name), fontsize=8, pad=3)


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def _colours(number: int) -> Iterator[str]:
    return (LIGHT[place % len(LIGHT)] for place in range(number))


def _drawable(name: str) -> str:
    return name.replace("$", r"\$")
