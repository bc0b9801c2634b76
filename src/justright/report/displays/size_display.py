"""Losses against the number of training rows, measured and forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from justright.colours import LIGHT
from justright.errors import FolderError
from justright.report.displays.plot_axes import drawable, finish, measuring_rows, plot_axes, variant_colours
from justright.report.number_formats import metric_words
from justright.report.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE_SIZE = (7.0, 4.5)  # inches
BAND = 0.15  # opacity of a forecast's interval
KEYS = ("train_rows", "mean", "low", "high")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SizeCurve:
    """The learning curve of one variant.

    Shape:
        measured: (sizes, 4) training rows, mean loss at the best epochs, and the ends of its 95 % interval.
        forecast: (further sizes, 4) the same; none where nothing can be forecast.
    """

    name: str
    measured: Floats
    forecast: Floats
    colour: str = LIGHT[0]


@dataclass(frozen=True, slots=True, eq=False)
class SizeDisplay:
    """Losses against training rows: what more data would do.

    Args:
        curves: one for each variant.
        loss: the loss in words, with the rows that measure it.
    """

    curves: tuple[SizeCurve, ...]
    loss: str = "Test loss"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with intervals on a logarithmic axis of rows; forecasts are dashed, their intervals bands."""
        from matplotlib.ticker import FixedLocator, NullLocator

        ax = plot_axes(ax, FIGURE_SIZE)
        ax.set_xscale("log")
        for curve in self.curves:
            rows, mean, low, high = curve.measured.T
            ax.plot(
                rows, mean, "o-", color=curve.colour, markersize=5.5, label=drawable(curve.name), zorder=3
            )
            ax.vlines(rows, low, high, color=curve.colour, alpha=0.5, zorder=2)
            if len(curve.forecast):
                rows, mean, low, high = np.vstack([curve.measured[-1:], curve.forecast]).T
                ax.fill_between(rows, low, high, color=curve.colour, alpha=BAND, linewidth=0, zorder=1)
                ax.plot(rows, mean, "--", color=curve.colour, zorder=3)
        sizes = sorted(
            {float(rows) for curve in self.curves for rows in (*curve.measured[:, 0], *curve.forecast[:, 0])}
        )
        ax.xaxis.set_major_locator(FixedLocator(sizes))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_ticklabels([f"{size:,.0f}" for size in sizes])
        ax.set_xlabel("Training rows")
        ax.set_ylabel(self.loss)
        finish(ax)
        ax.legend(frameon=False)
        return ax


def size_display(summary: Summary) -> SizeDisplay:
    """Return the learning curves of a study over training rows.

    Raises:
        FolderError: the study has none.
    """
    if not summary["data_scaling"]:
        raise FolderError(
            "A plot of data needs runs on several numbers of training rows, trained to their end; the study has none. "
            "To make one: justright run TABLE --target COLUMN --study data, or from Python a Study with "
            "train_sizes=jr.learning_sizes(ROWS)."
        )
    colours = variant_colours(summary)
    curves = tuple(
        SizeCurve(
            one["variant"],
            _points(one["measured"]),
            _points(one["forecast"]),
            colours.get(one["variant"], LIGHT[0]),
        )
        for one in summary["data_scaling"]
    )
    return SizeDisplay(
        curves, f"{measuring_rows(summary)} {metric_words(summary['loss']).lower()}".capitalize()
    )


def _points(found: list[dict[str, float | None]]) -> Floats:
    return np.array([[one[key] for key in KEYS] for one in found], np.float64).reshape(-1, len(KEYS))
