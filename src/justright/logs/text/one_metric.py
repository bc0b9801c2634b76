"""A file of numbers without a header that is named as what it holds: 'val_loss.txt' of NumPy, 'loss.csv' of d3rlpy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from justright.logs.metric_names import names_metric
from justright.logs.text.cell_numbers import parse_number

FEWEST = 3  # values
MOST_WORDS = 4  # of the name: 'train_loss', not 'results_of_experiment_7_loss'
COUNTERS = ("epoch", "step")  # the columns before the value, of which the first may be missing
NAMED_BY_FILE = "The file names no columns: its values were taken for {name!r}, as the file is called."


def names_one_metric(name: str) -> bool:
    """Return whether a file is named as a metric and nothing else.

    Example:
        >>> [
        ...     names_one_metric(name)
        ...     for name in ("run/val_loss.txt", "metrics.csv", "results_of_run_7_loss.txt")
        ... ]
        [True, False, False]
    """
    stem = Path(name).stem
    return names_metric(stem) and len(re.split(r"[\W_]+", stem)) <= MOST_WORDS


def columns_of_one_metric(name: str, rows: Sequence[Sequence[str]]) -> dict[str, list[str]] | None:
    """Return the columns of rows that hold what counts, if anything, and then the value; None of other rows.

    Example:
        >>> columns_of_one_metric(
        ...     "loss.csv", [["1", "50", "0.44"], ["2", "100", "0.41"], ["3", "150", "0.40"]]
        ... )
        {'epoch': ['1', '2', '3'], 'step': ['50', '100', '150'], 'loss': ['0.44', '0.41', '0.40']}
    """
    widths = set(map(len, rows))
    if len(rows) < FEWEST or len(widths) > 1 or max(widths) > len(COUNTERS) + 1:
        return None
    *counts, values = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
    if not all(map(_counts, counts)) or any(parse_number(cell) is None for cell in values):
        return None
    names = COUNTERS[len(COUNTERS) - len(counts) :]
    return dict(zip((*names, Path(name).stem), (*counts, values), strict=True))


def _counts(cells: Sequence[str]) -> bool:
    """Return whether whole numbers rise, or stand still."""
    return all(map(str.isdecimal, cells)) and all(int(a) <= int(b) for a, b in pairwise(cells))
