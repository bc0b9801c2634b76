"""Whether the target depends on where a row stands: rows near each other are then alike, and a shuffled split flatters."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from justright.data.guards.distinct_rows import distinct_rows
from justright.data.guards.leaks import neighbours_told, ranks
from justright.data.guards.table_warning import TableWarning
from justright.data.table import Split

# Neighbours that agree by a third more than chance allows are worth a thought; as many as in most tables are not.
LEAST_TOLD = 0.3
# Nor is what luck could do: with few rows, or few outside the largest class. The standard error is at most the root of 1 over
# the changes that chance makes.
STANDARD_ERRORS = 6.0
MIN_ROWS = 30
# In one sequence of equal targets after another, each class begins once; a few mistakes do not matter.
SORTED = 0.99


def find_order_effect(split: Split) -> Iterable[TableWarning]:
    """Yield that neighbouring rows are alike, where the split does not respect that already."""
    table = split.table
    rows = distinct_rows(split)
    if len(rows) < MIN_ROWS or split.spec.order == "time" or table.groups is not None:
        return
    are_classes = table.task != "regression"
    target = table.target[rows].astype(np.int32) if are_classes else ranks(table.target[rows])
    told = float(neighbours_told(np.arange(len(rows)), target, are_classes=are_classes))
    shares = np.bincount(target) / len(rows) if are_classes else np.zeros(1)
    changes = (1 - (shares**2).sum()) * len(rows)
    if told < max(LEAST_TOLD, STANDARD_ERRORS / max(changes, 1.0) ** 0.5):
        return
    is_sorted = told >= SORTED
    share = f"{100 * min(told, 1.0):.0f} %"
    if is_sorted and split.spec.order == "head":
        yield TableWarning(
            "sorted by target",
            (table.target_name,),
            told,
            f"The rows are sorted by the target {table.target_name!r} (neighbours differ {share} less than by chance), and the "
            "split takes them in that order. Use order='stratified' or 'random'.",
        )
    elif is_sorted:
        yield TableWarning(
            "sorted by target",
            (table.target_name,),
            told,
            f"The rows are sorted by the target {table.target_name!r} (neighbours differ {share} less than by chance); the split "
            "shuffles them. Do not take the first rows of this table (--head).",
        )
    else:
        yield TableWarning(
            "order effect",
            (),
            told,
            f"Rows that stand beside each other differ {share} less in {table.target_name!r} than rows drawn at random. If "
            "neighbours belong together in time or by person or place, a shuffled split flatters: use --time COLUMN or --group COLUMN.",
        )
