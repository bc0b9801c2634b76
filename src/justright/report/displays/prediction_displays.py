"""Plots of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.colours import LIGHT
from justright.diagnosis.scores.pictures import CalibrationBins
from justright.report.displays.plot_axes import drawable, finish, plot_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE_SIZE = (5.5, 5.0)  # inches: a square, and what stands beside it
FAINT = 0.35  # opacity of single runs behind their mean
MOST_NUMBERS = 12  # classes of a table of confusion whose cells have room for numbers
MOST_CHARACTERS = 60  # of a name with its metric
MOST_IN_TICK = 16  # of a class beside a table of confusion
GUESS: dict[str, Any] = {"color": "#888888", "linewidth": 1.0, "linestyle": ":"}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CurveDisplay:
    """A ROC or precision-recall curve: of each run of a binary table, or of each class against the rest.

    Shape:
        x: (points,) false positive rates, or recalls.
        y: (curves, points) true positive rates, or precisions.

    Args:
        name: the model's.
        label: the model with the area under its curve.
        curves: what each curve is of.
        are_runs: whether they are runs, whose mean is drawn, too.
        is_roc: whether it is a ROC curve.
    """

    name: str
    label: str
    x: Floats
    y: Floats
    curves: tuple[str, ...]
    are_runs: bool
    is_roc: bool

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with the curves; None makes a new figure."""
        ax = plot_axes(ax, FIGURE_SIZE)
        if self.are_runs:
            colour = _next_colour(ax)
            if len(self.y) > 1:
                for each in self.y:
                    ax.plot(self.x, each, color=colour, alpha=FAINT, linewidth=0.8)
            ax.plot(
                self.x, self.y.mean(axis=0), color=colour, label=drawable(self.label, most=MOST_CHARACTERS)
            )
        else:
            for number, (curve, each) in enumerate(zip(self.curves, self.y, strict=True)):
                ax.plot(self.x, each, color=LIGHT[number % len(LIGHT)], label=drawable(curve))
        if self.is_roc:
            ax.plot([0, 1], [0, 1], **GUESS)
        ax.set_xlabel("False positive rate" if self.is_roc else "Recall")
        ax.set_ylabel("True positive rate" if self.is_roc else "Precision")
        ax.set_ylim(0, 1.02)
        finish(ax)
        ax.legend(title=None if self.are_runs else drawable(self.label, most=MOST_CHARACTERS))
        return ax


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationDisplay:
    """Probabilities against the shares that came true, in bins; means over runs.

    Args:
        name: the model's.
        label: the model with its calibration error.
        bins: what was told and seen, with 95 % intervals over rows.
    """

    name: str
    label: str
    bins: CalibrationBins

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with the shares and their intervals; None makes a new figure."""
        ax = plot_axes(ax, FIGURE_SIZE)
        bins, colour = self.bins, _next_colour(ax)
        ax.plot([0, 1], [0, 1], **GUESS)
        ax.plot(
            bins.told, bins.seen, color=colour, marker="o", label=drawable(self.label, most=MOST_CHARACTERS)
        )
        ax.vlines(bins.told, bins.low, bins.high, color=colour, alpha=0.5)
        ax.set_xlabel("Probability told")
        ax.set_ylabel("Share that came true")
        finish(ax)
        ax.legend()
        return ax


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionDisplay:
    """How often each class was predicted for each class; means over runs.

    Shape:
        counts: (own classes, predicted classes) rows.

    Args:
        name: the model's.
        classes: names of the classes.
    """

    name: str
    counts: Floats
    classes: tuple[str, ...]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with the shares of each own class as shades, and the rows; None makes a new figure."""
        ax = plot_axes(ax, FIGURE_SIZE)
        total = self.counts.sum(axis=1, keepdims=True)
        shares = np.divide(self.counts, total, out=np.zeros_like(self.counts), where=total > 0)
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        if len(self.counts) <= MOST_NUMBERS:
            for (own, said), count in np.ndenumerate(self.counts):
                colour = "white" if shares[own, said] > 0.5 else "black"
                ax.text(said, own, f"{count:,.0f}", ha="center", va="center", color=colour)
            names = [drawable(name, most=MOST_IN_TICK) for name in self.classes]
            ax.set_xticks(range(len(names)), names)
            ax.set_yticks(range(len(names)), names)
        ax.set_xlabel("Predicted class")
        ax.set_ylabel("Own class")
        ax.set_title(drawable(self.name))
        return ax


@dataclass(frozen=True, slots=True, eq=False)
class ResidualDisplay:
    """Predicted against true values.

    Shape:
        true: (rows,).
        predicted: (runs, rows).

    Args:
        name: the model's.
        label: the model with its R².
        target: name of the target.
    """

    name: str
    label: str
    true: Floats
    predicted: Floats
    target: str

    @property
    def residuals(self) -> Floats:
        """(runs, rows) predicted minus true values."""
        return np.asarray(self.predicted - self.true)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with a dot for each row of the first run; None makes a new figure."""
        ax = plot_axes(ax, FIGURE_SIZE)
        ends = [min(self.true.min(), self.predicted[0].min()), max(self.true.max(), self.predicted[0].max())]
        ax.plot(ends, ends, **GUESS)
        dots: dict[str, Any] = {"s": 9, "alpha": 0.5, "linewidths": 0}
        ax.scatter(
            self.true,
            self.predicted[0],
            color=_next_colour(ax),
            label=drawable(self.label, most=MOST_CHARACTERS),
            **dots,
        )
        ax.set_xlabel(f"True {drawable(self.target)}")
        ax.set_ylabel("Predicted")
        finish(ax)
        ax.legend()
        return ax


PredictionDisplay = CurveDisplay | CalibrationDisplay | ConfusionDisplay | ResidualDisplay


def _next_colour(ax: Axes) -> str:
    """Return the colour of one more model on these axes: of those named there, each has its own."""
    named: Sequence[object] = ax.get_legend_handles_labels()[1]
    return LIGHT[len(named) % len(LIGHT)]
