"""Rows of totals below a table, as spreadsheets have them: they are no cases, and their sums would be the largest of all values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from justright.data.plan.number_text import find_number_format
from justright.data.read_options import ReadOptions
from justright.data.readers.raw import RawTable

if TYPE_CHECKING:
    import polars as pl

# What such a row is called, in its first cells.
WORDS = frozenset(
    (
        *("total", "totals", "grand total", "sum", "average", "mean", "avg"),
        *("summe", "gesamt", "gesamtsumme", "insgesamt", "mittelwert", "durchschnitt"),
        *("somme", "total général", "moyenne", "totaal", "gemiddelde", "totale", "somma", "media"),
        *("suma", "total general", "promedio", "soma", "média", "razem"),
        *("итого", "всего", "合計", "合计", "总计"),
    )
)
MOST_ROWS = 3  # a total, a mean and a count, say
LEAST_ROWS_ABOVE = 3
# Totals are printed with as many digits as the values, so that up to half of the last digit of each may be lost.
ROUNDING = 1e-6


def without_totals(raw: RawTable, options: ReadOptions) -> RawTable:
    """Return a table without rows at its end that hold the sums, means or counts of its columns, with a note on them.

    A row is one of totals if a cell says so, and if a number in it is the sum or the mean of those above, or how many there are.

    Args:
        raw: a table of single values. One in pieces holds numbers only and is returned as it is.
        options: how numbers are written.
    """
    if raw.pieces is not None:
        return raw
    frame = raw.frame
    end = frame.height
    while frame.height - end < MOST_ROWS and end > LEAST_ROWS_ABOVE + 1 and _word(frame, end - 1):
        end -= 1
    rows = [row for row in range(end, frame.height) if not _is_total(frame, row, end, options)]
    end = rows[-1] + 1 if rows else end
    if end == frame.height:
        return raw
    words = ", ".join(repr(_word(frame, row)) for row in range(end, frame.height))
    gone = frame.height - end
    what = "row holds totals and is" if gone == 1 else f"{gone} rows hold totals and are"
    return replace(raw, frame=frame.head(end), notes=(*raw.notes, f"The last {what} left out: {words}."))


def _word(frame: pl.DataFrame, row: int) -> str:
    """Return the cell that calls a row one of totals; empty if there is none."""
    cells = (value.strip() for value in frame.row(row) if isinstance(value, str))
    return next((cell for cell in cells if cell.casefold().rstrip(" :") in WORDS), "")


def _is_total(frame: pl.DataFrame, row: int, end: int, options: ReadOptions) -> bool:
    """Return whether a number in a row is the sum, the mean or the count of its column's first `end` values."""
    for column in frame.iter_columns():
        numbers = _numbers(column, options)
        if numbers is None:
            continue
        above, total = numbers[:end], numbers[row]
        known = above[np.isfinite(above)]
        if len(known) < LEAST_ROWS_ABOVE or not np.isfinite(total) or not known.any():
            continue
        size = float(np.abs(known).sum())
        found = (float(known.sum()), float(known.mean()), float(len(known)))
        slack = (ROUNDING * size, ROUNDING * size, 0.0)
        if any(abs(total - one) <= room for one, room in zip(found, slack, strict=True)):
            return True
    return False


def _numbers(column: pl.Series, options: ReadOptions) -> npt.NDArray[np.float64] | None:
    """Return a column's values as numbers, NaN where there is none; None for a column of anything else."""
    import polars as pl

    if column.dtype.is_numeric():
        return column.cast(pl.Float64).to_numpy()
    if column.dtype != pl.String:
        return None
    form = find_number_format(column.drop_nulls(), decimal=options.decimal, thousands=options.thousands)
    return form.parse(column).cast(pl.Float64).to_numpy()
