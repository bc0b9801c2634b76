"""A curve in a few rows of characters: braille dots where the terminal has them, else marks at three heights."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from justright.report.terminal.text import UNICODE, Symbols

Floats = npt.NDArray[np.float64]

BRAILLE = 0x2800
# The bit of each dot of a braille character: by column, then by row from the top (Unicode 16, chapter 21.1).
BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
MARKS = ("'", "-", "_")  # heights within a cell, from the top
CROSSED = "|"


def draw_curve(
    at: Floats, values: Floats, *, size: tuple[int, int], span: tuple[float, float], ends: tuple[float, float],
    symbols: Symbols,
) -> list[str]:  # fmt: skip
    """Return a curve as rows of characters from the top, all of the same width.

    Args:
        at: (points,), increasing: when each value was measured.
        values: (points,), finite.
        size: columns and rows.
        span: times at the left and at the right.
        ends: values at the bottom and at the top; what lies outside is drawn at the edge.
        symbols: those that the terminal can show.

    Example:
        >>> grid = np.arange(8.0)
        >>> draw_curve(grid, grid, size=(4, 1), span=(0, 7), ends=(0, 7), symbols=UNICODE)
        ['⣀⠤⠒⠉']
    """
    columns, rows = size
    across, down = (2, 4) if symbols is UNICODE else (1, len(MARKS))
    levels = down * rows
    low, high = ends
    heights = column_means(at, values, columns * across, span)
    share = (heights - low) / (high - low) if high > low else np.where(np.isfinite(heights), 0.5, np.nan)
    from_top = np.clip(np.round((1 - share) * (levels - 1)), 0, levels - 1)
    dots = np.zeros((levels, columns * across), dtype=bool)
    before: int | None = None
    for column, level in enumerate(from_top):
        if math.isnan(level):
            before = None
            continue
        here = int(level)
        start, stop = here, here
        if before is not None and abs(here - before) > 1:  # the line goes on without a gap
            start, stop = (before + 1, here) if before < here else (here, before - 1)
        dots[start : stop + 1, column] = True
        before = here
    cell = _braille if symbols is UNICODE else _mark
    return [
        "".join(
            cell(dots[row * down : (row + 1) * down, column * across : (column + 1) * across])
            for column in range(columns)
        )
        for row in range(rows)
    ]


def draw_bars(
    at: Floats, values: Floats, *, columns: int, span: tuple[float, float], ends: tuple[float, float], symbols: Symbols
) -> str:  # fmt: skip
    """Return a curve as one row of bars; arguments as for `draw_curve`."""
    low, high = ends
    last = len(symbols.bars) - 1
    cells = []
    for height in column_means(at, values, columns, span):
        if math.isnan(height):
            cells.append(" ")
        else:
            share = (height - low) / (high - low) if high > low else 0.0
            cells.append(symbols.bars[round(min(1.0, max(0.0, share)) * last)])
    return "".join(cells)


def column_means(at: Floats, values: Floats, columns: int, span: tuple[float, float]) -> Floats:
    """Return the mean of a curve in each of `columns` equal stretches of time.

    Stretches between two points lie on the line between them; those before the first and after the last are NaN.

    Example:
        >>> column_means(np.array([0.0, 4.0]), np.array([1.0, 3.0]), 5, (0.0, 4.0))
        array([1. , 1.5, 2. , 2.5, 3. ])
    """
    places = place_columns(at, columns, span)
    counts = np.bincount(places, minlength=columns)
    sums = np.bincount(places, weights=values, minlength=columns)
    filled = np.flatnonzero(counts)
    means = sums[filled] / counts[filled]
    return np.interp(np.arange(columns), filled, means, left=np.nan, right=np.nan)


def place_columns(at: Floats, columns: int, span: tuple[float, float]) -> npt.NDArray[np.intp]:
    """Return the column of each time: the first at the left end of the span, the last at the right one.

    Example:
        >>> place_columns(np.array([0.0, 10.0]), 11, (0.0, 10.0)).tolist()
        [0, 10]
    """
    low, high = span
    share = (at - low) / (high - low) if high > low else np.zeros(len(at))
    return np.clip(np.floor(share * columns), 0, columns - 1).astype(np.intp)


def _braille(dots: npt.NDArray[np.bool_]) -> str:
    bits = sum(bit for column, own in enumerate(BITS) for row, bit in enumerate(own) if dots[row, column])
    return chr(BRAILLE + bits) if bits else " "


def _mark(dots: npt.NDArray[np.bool_]) -> str:
    filled = np.flatnonzero(dots[:, 0])
    if len(filled) == 0:
        return " "
    return CROSSED if len(filled) > 1 else MARKS[int(filled[0])]
