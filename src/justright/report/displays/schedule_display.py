"""Learning rates against epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.colours import LIGHT
from justright.errors import FolderError
from justright.report.displays.plot_axes import drawable, finish, plot_axes
from justright.report.sections.training_curves import rate_lines
from justright.report.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE_SIZE = (7.0, 3.5)  # inches
ROOM = 0.06  # above the highest rate, as a share of it


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """One schedule, as far as the longest of its runs followed it.

    Shape:
        epochs: (points,) epochs trained, from 1.
        rates: (points,) the learning rate of each.

    Args:
        names: the variants that have it, in words.
    """

    names: str
    epochs: npt.NDArray[np.int64]
    rates: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ScheduleDisplay:
    """The learning rates of a study, a line for each schedule."""

    schedules: tuple[Schedule, ...]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Return matplotlib axes with learning rates from zero up; None makes a new figure."""
        from matplotlib.ticker import MaxNLocator

        ax = plot_axes(ax, FIGURE_SIZE)
        for number, one in enumerate(self.schedules):
            look: dict[str, Any] = {"color": LIGHT[number % len(LIGHT)], "label": drawable(one.names)}
            ax.plot(one.epochs, one.rates, marker="o" if len(one.epochs) == 1 else None, **look)
        ax.set_ylim(0, (1 + ROOM) * max(float(one.rates.max()) for one in self.schedules))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.set_xlabel("Epochs trained")
        ax.set_ylabel("Learning rate")
        finish(ax)
        ax.legend(frameon=False, loc="lower left")
        return ax


def schedule_display(summary: Summary) -> ScheduleDisplay:
    """Return the learning rates of a study; variants with equal ones share a line.

    Raises:
        FolderError: none has been recorded.
    """
    lines = rate_lines(summary)
    if not lines:
        raise FolderError(
            "A plot of the schedule needs recorded learning rates; the study has none. Its optimizers have none, or no epoch "
            "has ended yet."
        )
    return ScheduleDisplay(
        tuple(Schedule(line["v"], np.array(line["x"]) + 1, np.array(line["y"], np.float64)) for line in lines)
    )
