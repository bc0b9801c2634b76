"""Cards: how a notebook shows what is about to be trained; in the notebook's own colours, so that they fit any theme."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from justright.data.histograms.feature_summaries import histogram as count_rows

BINS = 24  # of a small histogram
MAX_DRAWN_ROWS = 100_000  # more do not change a picture of 24 bars

CARD = "max-width: 900px; font-variant-numeric: tabular-nums"
CELL = "padding: 2px 16px 2px 0; text-align: {side}; vertical-align: middle; white-space: nowrap"
FAINT = "opacity: 0.65; font-size: 0.9em"


def card(title: str, facts: Sequence[tuple[str, str]], *parts: str) -> str:
    """Return the HTML of a card: its title, then facts as names with values, then parts that are HTML already."""
    rows = "".join(
        f'<tr><td style="{_cell("left")}; {FAINT}">{escape(name)}</td>'
        f'<td style="{_cell("left")}; white-space: normal">{escape(value)}</td></tr>'
        for name, value in facts
    )
    return f'<div style="{CARD}"><b>{escape(title)}</b><table>{rows}</table>{"".join(parts)}</div>'


def card_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int, note: str = "") -> str:
    """Return the HTML of a table whose first `texts` columns are words, and all others numbers.

    Args:
        headings: of its columns.
        rows: their cells, texts or pictures.
        texts: how many columns, from the left, are aligned left.
        note: a sentence below it.
    """
    sides = ["left" if place < texts else "right" for place in range(len(headings))]
    head = "".join(
        f'<th style="{_cell(side)}; {FAINT}">{escape(name)}</th>'
        for side, name in zip(sides, headings, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="{_cell(side)}">{value if isinstance(value, Picture) else escape(value)}</td>'
            for side, value in zip(sides, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    below = f'<div style="{FAINT}">{escape(note)}</div>' if note else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


class Picture(str):
    """An SVG picture that this module drew: the one kind of cell that is not escaped."""

    __slots__ = ()


def histogram(values: npt.NDArray[np.float32]) -> Picture:
    """Return a small histogram of one column's values, as many bars as tell its shape.

    Shape:
        values: (rows,), finite.
    """
    drawn = values[:: max(1, len(values) // MAX_DRAWN_ROWS)]
    if not len(drawn) or drawn.min() == drawn.max():
        return Picture("")
    counts = np.array(count_rows(drawn, None, 0, bins=BINS)["counts"])
    heights = (20 * counts / counts.max()).round(1).tolist()
    bars = "".join(f"M{5 * place} 20v-{height}h4v{height}z" for place, height in enumerate(heights) if height)
    return Picture(
        f'<svg width="{5 * BINS}" height="20" aria-hidden="true"><path d="{bars}" fill="currentColor" opacity="0.55"/></svg>'
    )


def _cell(side: str) -> str:
    return CELL.format(side=side)
