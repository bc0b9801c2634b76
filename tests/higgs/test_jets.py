"""The order of jets against NumPy, row by row."""

from __future__ import annotations

import keras
import numpy as np

from justright.higgs.columns import HIGGS_FEATURES
from justright.higgs.jets import TAG_SCALES, order_jets
from justright.higgs.kinematics import ETA_SCALES, MOMENTUM_SCALES, particle_columns

COLUMNS = particle_columns(HIGGS_FEATURES)
JETS = list(TAG_SCALES)
WANTED = {name: COLUMNS[name] for name in ("momenta", "etas", "azimuths", "tags")}


def rows_of(levels, *, seed=5):
    """Rows of HIGGS' columns with these b-tags (0, 1, 2) a row and jet, everything else random."""
    rows = np.random.default_rng(seed).uniform(0.2, 1.5, (len(levels), 28)).astype(np.float32)
    rows[:, list(COLUMNS["tags"])] = np.array(levels) / 2 * list(TAG_SCALES.values())
    return rows


def ordered(rows):
    """What the layers make of rows."""
    inputs = keras.Input((28,))
    return np.asarray(keras.Model(inputs, order_jets(inputs, 28, **WANTED))(rows))


def by_hand(row, order):
    """One row with its jets in this order, in units of their new places."""
    made = row.astype(np.float64).copy()
    for new, old in enumerate(order):
        pairs = (
            (COLUMNS["momenta"][1:], [MOMENTUM_SCALES[name] for name in JETS]),
            (COLUMNS["etas"][1:], [ETA_SCALES[name] for name in JETS]),
            (COLUMNS["azimuths"][1:], [1.0] * 4),
            (COLUMNS["tags"], [1 / TAG_SCALES[name] for name in JETS]),
        )
        for columns, scales in pairs:
            made[columns[new]] = row[columns[old]] * scales[old] / scales[new]
    return made


def test_tagged_jets_come_first_and_the_others_as_they_were():
    """Ties stay in the order of momenta; every value moves with its jet, in units of its new column."""
    levels = [[0, 1, 2, 2], [2, 0, 0, 1], [0, 0, 0, 0], [1, 2, 1, 2]]
    orders = [[2, 3, 1, 0], [0, 3, 1, 2], [0, 1, 2, 3], [1, 3, 0, 2]]
    rows = rows_of(levels)
    expected = [by_hand(row, order) for row, order in zip(rows, orders, strict=True)]
    np.testing.assert_allclose(ordered(rows), expected, rtol=1e-5, atol=1e-6)


def test_ordered_rows_stay_as_they_are():
    """Ordering twice is ordering once."""
    once = ordered(rows_of(np.random.default_rng(6).integers(0, 3, (50, 4))))
    np.testing.assert_allclose(ordered(once), once, rtol=1e-5, atol=1e-6)


def test_real_tags_have_these_largest_values(shared):
    """Three levels per column, the highest the constant, in 29,075 rows of HIGGS."""
    import polars as pl

    table = pl.read_parquet(shared / "higgs" / "heldout.parquet")
    for jet, largest in TAG_SCALES.items():
        levels = np.unique(np.round(table[f"{jet}_b_tag"].to_numpy() / largest * 2, 2))
        np.testing.assert_array_equal(levels, [0, 1, 2])
