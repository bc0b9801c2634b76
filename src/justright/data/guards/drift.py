"""Columns whose values in a separate test table are unlike those that were learned from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from justright.data.checks import listed
from justright.data.guards.table_warning import MAX_NAMED, TableWarning
from justright.data.split import shuffled_rows
from justright.data.table import Split

MOST_VALUES = 4_000_000
# Means that lie a standard deviation apart, and more than luck with few rows could explain.
NOTABLE_SHIFT = 1.0
STANDARD_ERRORS = 6.0


def find_drift(split: Split) -> Iterable[TableWarning]:
    """Yield the features whose mean in a separate test table lies far from that of the training rows."""
    if split.test_table is None:
        return
    table = split.table
    most = max(100, MOST_VALUES // table.n_features)
    train = table.features[split.train[shuffled_rows(len(split.train), 0)[:most]]].astype(np.float64)
    test = split.test_table.features[shuffled_rows(split.test_table.rows, 0)[:most]].astype(np.float64)
    spread = train.std(axis=0)
    apart = np.abs(test.mean(axis=0) - train.mean(axis=0))
    least = np.maximum(NOTABLE_SHIFT, STANDARD_ERRORS * np.sqrt(1 / len(train) + 1 / len(test)))
    shifts = np.divide(apart, spread, out=np.zeros_like(apart), where=spread > 0)
    found = [int(number) for number in np.argsort(-shifts, kind="stable") if shifts[number] > least]
    if found:
        names = [table.feature_names[number] for number in found]
        yield TableWarning(
            "other test table",
            tuple(names),
            float(shifts[found[0]]),
            f"In the test table, the mean of {listed(names, most=MAX_NAMED)} lies {shifts[found[0]]:.1f} standard deviations "
            f"{'' if len(names) == 1 else 'or less '}from that of the training rows. Check that both tables have the same units and the "
            "same kind of rows.",
        )
