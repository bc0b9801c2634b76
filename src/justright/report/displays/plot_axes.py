"""The axes that plots are drawn on, and what all plots have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from justright.colours import LIGHT
from justright.report.label_places import CORNER, GAP, Box, Side, place_labels
from justright.report.summary import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOTS_PER_INCH = 96  # pixels, in which names are placed
POINTS = 72 / DOTS_PER_INCH
PIECES = 60  # of a line, each as high as a letter at most
MOST_CHARACTERS = 40  # of a name
MUTED, SHADE = "#5b6472", "#e3e6eb"


Place = tuple[float, float]


def plot_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes to draw on: the caller's, or those of a new figure of so many inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def finish(ax: Axes) -> None:
    """Draw a light grid behind, and no frame where nothing is read off."""
    ax.grid(visible=True, alpha=0.3)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def settle(ax: Axes) -> None:
    """Lay out a figure of our own, so that names can be placed in the room that is left for them."""
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]  # no subfigure, which has no such method


def pixel_size(ax: Axes) -> tuple[float, float]:
    """Return the width and height of axes in the pixels in which names are placed."""
    box = ax.get_window_extent()
    scale = DOTS_PER_INCH / ax.figure.dpi
    return box.width * scale, box.height * scale


def drawable(name: str, *, most: int = MOST_CHARACTERS) -> str:
    r"""Return a name as matplotlib draws it letter by letter: not too long, and no dollar sign begins a formula.

    Example:
        >>> drawable("$x$ and more", most=5)
        '\\$x\\$ …'
    """
    from justright.report.terminal.text import UNICODE, shorten

    return shorten(name, most, UNICODE).replace("$", r"\$")


def variant_colours(summary: Summary) -> dict[str, str]:
    """Return the colour of each variant, that of the report."""
    return {one["name"]: LIGHT[place % len(LIGHT)] for place, one in enumerate(summary["variants"])}


def measuring_rows(summary: Summary) -> str:
    """Return which rows the study's losses are measured on."""
    return "test" if summary["rows"].get("test") else "validation"


def write_names(
    ax: Axes,
    names: Sequence[str],
    places: Sequence[Place],
    colours: Sequence[str],
    *,
    lines: Iterable[tuple[Place, Place]] = (),
) -> None:
    """Write names beside their dots, as far as there is room; limits and scales of the axes must be set before.

    Args:
        ax: the axes, in a figure whose layout is final.
        names: the first ones choose their places first.
        places: of the dots, in data.
        colours: of the names.
        lines: the ends of straight lines, in data, that names should not cross.
    """
    box = ax.get_window_extent()
    scale = DOTS_PER_INCH / ax.figure.dpi

    def pixels(at: Place) -> Place:
        x, y = ax.transData.transform(at).tolist()
        return (x - box.x0) * scale, (box.y1 - y) * scale

    dots = [pixels(at) for at in places]
    crossed = [part for start, end in lines for part in _pieces(pixels(start), pixels(end))]
    sides = place_labels(dots, names, pixel_size(ax), lines=crossed)
    for name, place, colour, side in zip(names, places, colours, sides, strict=True):
        if side:
            write_name(ax, name, place, side, colour)


def _pieces(start: Place, end: Place) -> Iterable[Box]:
    """Yield small boxes that cover a line."""
    for step in range(PIECES + 1):
        x, y = (a + (b - a) * step / PIECES for a, b in zip(start, end, strict=True))
        yield Box(x - 1, y - 1, x + 1, y + 1)


def write_name(ax: Axes, name: str, at: tuple[float, float], side: Side, colour: str) -> None:
    """Write a name at one side of its dot."""
    gap = (CORNER if "-" in side else GAP) * POINTS
    along = gap if "right" in side else -gap if "left" in side else 0.0
    up = gap if "above" in side else -gap if "below" in side else 0.0
    look: dict[str, Any] = {
        "ha": "left" if along > 0 else "right" if along < 0 else "center",
        "va": "bottom" if up > 0 else "top" if up < 0 else "center",
    }
    look |= {"color": colour, "fontsize": 8, "weight": "bold", "zorder": 4}
    ax.annotate(drawable(name), at, (along, up), "data", "offset points", **look)
