"""The rows that benchmarks train on: the tutorial's split of real HIGGS rows, or of the packaged table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import justright as jr

TRAIN_ROWS, VALIDATION_ROWS = 10_000, 1_000
PREFIX, HELDOUT = "HIGGS-prefix.csv.gz", "heldout.parquet"  # the first 11,000 rows, and others to measure on
WIDE = ("Large", "L2", "Dropout", "Combined")  # the tutorial's 512-wide networks


def tutorial_split(higgs: Path | None, *, has_test: bool = True) -> jr.Split:
    """Return the tutorial's split: the first rows validate, the next ones learn, HELDOUT measures.

    Args:
        higgs: folder with PREFIX and, for test rows, HELDOUT; None for the packaged table, whose further rows measure.
        has_test: whether there are test rows.
    """
    import justright as jr

    count = VALIDATION_ROWS + TRAIN_ROWS
    if not higgs:
        table = jr.read_table("higgs-sim", rows=None if has_test else count)
        return table.split(
            validation=VALIDATION_ROWS, train=TRAIN_ROWS, test=table.rows - count, order="head"
        )
    table = jr.read_table("higgs", rows=count, location=str(higgs / PREFIX))
    other = jr.read_table(str(higgs / HELDOUT)) if has_test else None
    return table.split(validation=VALIDATION_ROWS, train=TRAIN_ROWS, test=0, order="head", test_table=other)


def write_rows(path: Path, higgs: Path | None) -> dict[str, str]:
    """Write the training and validation rows for programs without justright; return which rows these are."""
    split = tutorial_split(higgs, has_test=False)
    arrays = {}
    for part in ("train", "validation"):
        features, targets = split.arrays(part)
        arrays |= {f"x_{part}": features, f"y_{part}": targets.astype(np.float32)}
    np.savez(path, **arrays)
    return {"rows": "HIGGS" if higgs else "higgs-sim"}
