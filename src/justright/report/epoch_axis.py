"""Plain numbers of epochs on a logarithmic axis of matplotlib: 1, 2, 5, 10, 20 ... instead of powers of ten."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Digits that are named in every decade, for axes of up to so many decades: about a dozen numbers on any of them.
DIGITS_BY_DECADES = ((4.5, (1, 2, 5)), (6, (1, 3)), (math.inf, (1,)))


def name_epochs_plainly(ax: Axes) -> None:
    """Let an axis of epochs name plain numbers, also once its caller has made it logarithmic.

    `Axes.set_xscale("log")` puts matplotlib's own ticks, which read 2 × 10⁰ where an axis spans few decades. It also asks
    for new limits, which are told before anything is drawn.
    """
    ax.callbacks.connect("xlim_changed", _name)
    _name(ax)


def _name(ax: Axes) -> None:
    """Put plain ticks on a logarithmic x-axis, unless its caller chose others."""
    from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation, LogLocator, NullFormatter

    if ax.get_xscale() != "log" or type(ax.xaxis.get_major_formatter()) is not LogFormatterSciNotation:
        return
    low, high = ax.get_xlim()
    decades = math.log10(max(high, 1) / max(low, 1))
    digits = next(digits for most, digits in DIGITS_BY_DECADES if decades <= most)
    ax.xaxis.set_major_locator(LogLocator(base=10, subs=digits, numticks=20))
    ax.xaxis.set_major_formatter(FuncFormatter(_plain_number))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _plain_number(value: float, _: int) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
