"""A target that only numbers or names the rows: it can be learned, if at all, from their order."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from justright.data.guards.table_warning import TableWarning
from justright.data.plan.decide import numbers_rows
from justright.data.table import Split


def find_identifier(split: Split) -> Iterable[TableWarning]:
    """Yield that the target is an identifier."""
    table = split.table
    if table.task != "regression":
        return
    numbers = table.target.astype(np.float32, copy=False)
    why = numbers_rows(table.target_name, numbers, np.arange(table.rows, dtype=np.int32))
    if why:
        yield TableWarning(
            "identifier as target",
            (table.target_name,),
            1.0,
            f"The target {table.target_name!r} looks like an identifier: {why}. What is learned about it says little about new rows. "
            "Name another column: --target COLUMN.",
        )
