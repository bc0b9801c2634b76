"""What each remedy changes: differences of losses with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from justright.colours import LIGHT
from justright.diagnosis.words.actions import quoted
from justright.diagnosis.words.advice import COMMAND
from justright.errors import FolderError
from justright.report.displays.plot_axes import MUTED, SHADE, drawable, finish, measuring_rows, plot_axes
from justright.report.sections.effect_table import MAX_ROWS, effect_lines
from justright.report.summary import Summary, advised

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, ROW_HEIGHT, ENDS = (
    7.0,
    0.32,
    1.1,
)  # inches: of the figure, of a row, and of what stands above and below them
BETTER, WORSE, OPEN = LIGHT[2], LIGHT[1], LIGHT[6]


@dataclass(frozen=True, slots=True, eq=False)
class EffectDisplay:
    """Each remedy's loss minus that of what it changes; below zero is better.

    Shape:
        differences: (remedies, 3) differences with the ends of their 95 % intervals; NaN for an end that is not known.

    Args:
        names: what is compared, the best remedy first; steps of a combination come last, in their order.
        margin: up to which differences are too small to matter; None if that is not known.
        rows: which rows the losses are of: 'test' or 'validation'.
    """

    names: tuple[str, ...]
    differences: npt.NDArray[np.float64]
    margin: float | None
    rows: str = "test"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with a row for each remedy, the first one on top; None makes a new figure.

        Differences are green where all of the interval is below zero, orange where all of it is above, and grey otherwise.
        What is shaded is too small to matter.
        """
        ax = plot_axes(ax, (WIDTH, ENDS + ROW_HEIGHT * len(self.names)))
        if self.margin:
            ax.axvspan(-self.margin, self.margin, color=SHADE, alpha=0.6, linewidth=0, zorder=0)
        ax.axvline(0.0, color=MUTED, linewidth=0.9, zorder=1)
        for row, (difference, low, high) in enumerate(self.differences):
            colour = BETTER if high < 0 else WORSE if low > 0 else OPEN
            ax.plot([low, high], [row, row], color=colour, linewidth=2.0, solid_capstyle="round", zorder=2)
            ax.plot([difference], [row], "o", color=colour, markersize=6.5, zorder=3)
        ax.set_yticks(range(len(self.names)), [drawable(name) for name in self.names])
        ax.set_ylim(len(self.names) - 0.4, -0.6)
        ax.set_xlabel(f"Difference of {self.rows} loss: to the left is better")
        finish(ax)
        ax.grid(visible=False, axis="y")
        ax.tick_params(axis="y", length=0)
        return ax


def effect_display(summary: Summary) -> EffectDisplay:
    """Return the effects of a study's remedies, at most as many as its report draws.

    Raises:
        FolderError: no remedy has been compared with what it changes.
    """
    remedies, steps = (effect_lines(summary, steps=steps)[:MAX_ROWS] for steps in (False, True))
    rows = [*remedies, *steps]
    if not rows:
        name = quoted(summary["variants"][0]["name"])
        raise FolderError(
            "A plot of effects needs a network and a remedy that changes it, both trained to their end; the study has none. "
            f"To measure remedies: {advised(summary, f'{COMMAND} --study remedies --of {name}')}"
        )
    values = [[np.nan if row[key] is None else row[key] for key in ("y", "low", "high")] for row in rows]
    names = tuple(row["v"] for row in rows)
    return EffectDisplay(names, np.array(values, np.float64), summary["margin"], measuring_rows(summary))
