"""Rows that are missing, too few, or there more than once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from justright.data.checks import counted
from justright.data.duplicates import hash_table
from justright.data.guards.table_warning import TableWarning
from justright.data.table import Split

# With 100 rows a share of right answers is known to 10 percentage points at best: 1.96 sqrt(0.25 / rows).
MIN_MEASURING = 100
HALF_WIDTH = 0.98
# The same for a mean of squared errors, as a share of it: 1.96 sqrt(2 / rows).
SQUARED_HALF_WIDTH = 2.77
NOTABLE_LOSS = 0.05  # of the rows left out
NOTABLE_COPIES = 0.01


def find_lost_rows(split: Split) -> Iterable[TableWarning]:
    """Yield how many rows were left out, if that is more than a few."""
    lost = split.table.rows_left_out
    every = split.table.rows + lost
    if lost >= NOTABLE_LOSS * every:
        yield TableWarning(
            "rows left out",
            (),
            lost,
            f"{lost:,} of {every:,} rows ({_percent(lost, every)}) were left out, for they lack the target or a value. If they differ "
            "from the others, all that follows is about the others only. Fill in what is missing if you can.",
        )


def find_few_rows(split: Split) -> Iterable[TableWarning]:
    """Yield how little can be told with the rows that measure, and that fewer rows learn than there are features."""
    part = "test" if split.sizes["test"] else "validation"
    rows, train = split.sizes[part], split.sizes["train"]
    if rows < MIN_MEASURING:
        if split.table.task == "regression":
            known = f"a loss is known to about ±{100 * SQUARED_HALF_WIDTH / rows**0.5:.0f} % of itself"
        else:
            known = f"a share of right answers is known to about ±{100 * HALF_WIDTH / rows**0.5:.0f} percentage points"
        yield TableWarning(
            "few rows",
            (),
            rows,
            f"Only {counted(rows, f'{part} row')} measure{'s' if rows == 1 else ''}: {known}, and most verdicts will stay open. "
            "Use more rows, or test on another file (--test FILE).",
        )
    if train < split.table.n_features:
        yield TableWarning(
            "more features than rows",
            (),
            train,
            f"Only {counted(train, 'training row')} for {split.table.n_features:,} features: any network can learn these rows by "
            "heart. Leave out columns (--drop COLUMN), or use more rows.",
        )


def find_copies(split: Split) -> Iterable[TableWarning]:
    """Yield how many rows are copies of others, and what the split does about it."""
    found, rows = split.duplicates, split.table.rows
    if found is not None and found.copies >= NOTABLE_COPIES * rows:
        share = f"{found.copies:,} of {rows:,} rows ({_percent(found.copies, rows)}) equal an earlier row in every column that is used"
        if found.is_natural:
            text = (
                f"{share}. The columns have so few different values that this need not mean copies, so they are not kept in one "
                "part of the split: what is learned by heart helps on test rows, too."
            )
        else:
            text = (
                f"{share}. Copies are kept in one part of the split, so that no row is learned and then measured. "
                "Remove them if they were made by mistake."
            )
        yield TableWarning("duplicated rows", (), found.copies, text)
    if split.test_table is not None and not (found is not None and found.is_natural):
        yield from _copies_in_test(split)


def _copies_in_test(split: Split) -> Iterable[TableWarning]:
    known = hash_table(split.table.features, split.table.target)[split.train]
    test, target = split.arrays("test")
    copied = int(np.isin(hash_table(test, target), known).sum())
    if copied >= NOTABLE_COPIES * len(test) and copied:
        yield TableWarning(
            "copies in the test table",
            (),
            copied,
            f"{copied:,} of {len(test):,} test rows ({_percent(copied, len(test))}) are training rows as well: what is learned by heart "
            "looks like knowledge there. Remove them from one of the two files.",
        )


def _percent(count: int, every: int) -> str:
    return f"{100 * count / every:.1f} %"
