"""Whether the target depends on where a row stands: rows near each other are then alike, and a shuffled split flatters."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from justright.data.guards.leaks import neighbours_told, ranks
from justright.data.guards.table_warning import TableWarning
from justright.data.table import Split

# Neighbours that agree by a third more than chance allows are worth a thought; as many as in most tables are not.
LEAST_TOLD = 0.3
# With fewer rows, neighbours agree by luck: 0.3 is then less than six standard deviations (Chatterjee, 2021: root of 2/5n).
MIN_ROWS = 160
# In one sequence of equal targets after another, each class begins once; a few mistakes do not matter.
SORTED = 0.99


def find_order_effect(split: Split) -> Iterable[TableWarning]:
    """Yield that neighbouring rows are alike, where the split does not respect that already."""
    table = split.table
    rows = np.sort(split.train)
    if len(rows) < MIN_ROWS or split.spec.order == "time" or table.groups is not None:
        return
    are_classes = table.task != "regression"
    target = table.target[rows].astype(np.int64) if are_classes else ranks(table.target[rows])
    told = float(neighbours_told(np.arange(len(rows)), target, are_classes=are_classes))
    if told < LEAST_TOLD:
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
