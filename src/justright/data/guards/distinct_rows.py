"""Training rows that stand for themselves: copies of a row, or rows of one group, would agree with each other for no other reason."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from justright.data.duplicates import hash_table
from justright.data.split import shuffled_rows
from justright.data.table import Split


def distinct_rows(split: Split) -> npt.NDArray[np.int64]:
    """Return the training rows in the order of the table, one of each group and one of each set of copies.

    Rows that repeat because there are few different values all count.
    """
    table, rows = split.table, np.sort(split.train)
    if table.groups is not None:
        rows = _first_of_each(rows[shuffled_rows(len(rows), 0)], table.groups)
    found = split.duplicates
    if found is not None and found.copies and not found.is_natural:
        rows = _first_of_each(rows, hash_table(table.features, table.target))
    return rows


def _first_of_each(
    rows: npt.NDArray[np.int64], codes: npt.NDArray[np.int64] | npt.NDArray[np.uint64]
) -> npt.NDArray[np.int64]:
    return np.sort(rows[np.unique(codes[rows], return_index=True)[1]])
