"""Losses against capacity: from where on more parameters no longer help."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.errors import FolderError
from justright.report.displays.plot_axes import (
    MUTED,
    Place,
    finish,
    measuring_rows,
    plot_axes,
    settle,
    variant_colours,
    write_names,
)
from justright.report.number_formats import metric_words
from justright.report.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE_SIZE = (8.0, 5.0)  # inches
# The axis begins and ends at these multiples of the fewest and the most parameters: room for names beside the dots.
ROOM = 0.5, 5.0
LINE: dict[str, Any] = {"color": MUTED, "linewidth": 1.2, "zorder": 1}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CapacityDisplay:
    """The losses of each variant at its best epochs against the number of its parameters.

    Shape:
        parameters: (variants,).
        training: (variants,) mean loss of training rows, measured like those of other rows; NaN if unknown.
        measured: (variants, 3) mean loss of the rows that measure, with the ends of its 95 % interval; NaN if unknown.

    Args:
        names: of the variants, by rising number of parameters.
        ladders: of each the group within which lines join networks of different size; None for a change of another network.
        colours: one for each.
        loss: its name in words.
        rows: which rows measure: 'test' or 'validation'.
        reference: another kind of model and its loss on the same rows; None without one.
    """

    names: tuple[str, ...]
    parameters: Floats
    training: Floats
    measured: Floats
    ladders: tuple[str | None, ...]
    colours: tuple[str, ...]
    loss: str = "Loss"
    rows: str = "test"
    reference: tuple[str, float] | None = None

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with both losses on a logarithmic axis of parameters; None makes a new figure.

        Full dots with intervals are of rows that measure, hollow ones of training rows. Lines join the networks that do
        not change another one.
        """
        is_own = ax is None
        ax = plot_axes(ax, FIGURE_SIZE)
        full: dict[str, Any] = {"marker": "o", "markersize": 6.5}
        hollow: dict[str, Any] = full | {"markerfacecolor": "white"}
        ax.plot([], "-", **LINE, **hollow, label="training rows")
        ax.plot([], "--", **LINE, **full, label=f"{self.rows} rows")
        crossed: list[tuple[Place, Place]] = []
        for ladder in dict.fromkeys(self.ladders):
            rungs = [place for place, own in enumerate(self.ladders) if own == ladder is not None]
            for losses, style in ((self.training, "-"), (self.measured[:, 0], "--")):
                points = list(zip(self.parameters[rungs].tolist(), losses[rungs].tolist(), strict=True))
                ax.plot(*np.transpose(points or [(np.nan, np.nan)]), style, **LINE)
                crossed += pairwise(points)
        for at, trained, (mean, low, high), colour in zip(
            self.parameters, self.training, self.measured, self.colours, strict=True
        ):
            crossed.append(((at, low), (at, high)))
            ax.plot([at, at], [low, high], color=colour, linewidth=1.8, alpha=0.55, zorder=2)
            ax.plot([at], [trained], **hollow, color=colour, linestyle="", zorder=3)
            ax.plot([at], [mean], **full, color=colour, linestyle="", zorder=3)
        if self.reference:
            name, loss = self.reference
            ax.axhline(
                loss, color=MUTED, linewidth=1.0, linestyle=":", zorder=1, label=f"{name}, {self.rows} rows"
            )
        ax.set_xscale("log")
        ax.set_xlim(self.parameters.min() * ROOM[0], self.parameters.max() * ROOM[1])
        ax.set_xlabel("Parameters")
        ax.set_ylabel(f"{self.loss} at the best epochs")
        finish(ax)
        ax.legend(frameon=False, fontsize=9, loc="best")
        if is_own:
            settle(ax)
        dots = list(zip(self.parameters.tolist(), self.measured[:, 0].tolist(), strict=True))
        write_names(ax, self.names, dots, self.colours, lines=crossed)
        return ax


def capacity_display(summary: Summary) -> CapacityDisplay:
    """Return the losses of a study's variants against the number of their parameters.

    Raises:
        FolderError: no variant has been judged.
    """
    variants = [one for one in summary["variants"] if one["parameters"] and one["test"]["mean"] is not None]
    if not variants:
        raise FolderError(
            "A plot of capacity needs networks that were measured; the study has none yet. Run the same command again."
        )
    variants.sort(key=lambda one: one["parameters"] or 0)
    colours, reference = variant_colours(summary), summary["reference"]
    ends = [[one["test"].get(key) for key in ("mean", "low", "high")] for one in variants]
    trained = [found["mean"] if (found := one["intervals"].get("fixed")) else None for one in variants]
    other = reference["test"] if reference else None
    return CapacityDisplay(
        tuple(one["name"] for one in variants),
        np.array([one["parameters"] for one in variants], np.float64),
        np.array(trained, np.float64),  # None becomes NaN
        np.array(ends, np.float64),
        tuple(None if one["baseline"] else one["group"] for one in variants),
        tuple(colours[one["name"]] for one in variants),
        metric_words(summary["loss"]),
        measuring_rows(summary),
        None if reference is None or other is None else (reference["name"], float(other)),
    )
