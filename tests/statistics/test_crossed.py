"""Moments of values crossed by seed and row."""

from __future__ import annotations

import numpy as np
from tests.refusals import refusal

from justright.statistics.crossed import crossed


def test_mean_squares_equal_the_textbook_sums_of_squares():
    """Total = seeds + rows + rest, each over its degrees of freedom."""
    values = np.random.default_rng(1).normal(size=(4, 7))
    table = crossed(values)
    by_hand = {
        "seed": sum(7 * (row.mean() - values.mean()) ** 2 for row in values) / 3,
        "row": sum(4 * (column.mean() - values.mean()) ** 2 for column in values.T) / 6,
    }
    total = ((values - values.mean()) ** 2).sum()
    by_hand["rest"] = (total - 3 * by_hand["seed"] - 6 * by_hand["row"]) / 18
    np.testing.assert_allclose(
        [table.seed_square, table.row_square, table.error_square], list(by_hand.values())
    )


def test_components_recover_the_variances_that_made_the_values():
    """With many seeds and rows the method of moments is close to the truth."""
    rng = np.random.default_rng(2)
    values = 0.5 * rng.normal(size=(300, 1)) + 2.0 * rng.normal(size=(1, 400)) + rng.normal(size=(300, 400))
    np.testing.assert_allclose(crossed(values).components, (0.25, 4.0, 1.0), rtol=0.2)


def test_negative_components_are_clipped_at_zero():
    """Seeds that differ less than chance lets them have no negative variance."""
    values = np.array([[1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, 1.0]])
    assert crossed(values).components[:2] == (0.0, 0.0)


def test_one_seed_leaves_only_rows():
    """One seed has neither a seed mean square nor a rest."""
    table = crossed([[1.0, 2.0, 6.0]])
    assert (table.seed_square, table.row_square, table.error_square) == (0.0, 7.0, 0.0)


def test_another_shape_is_refused():
    """A flat list has no seeds."""
    assert refusal(crossed, [1.0, 2.0]) == (
        "`values` must have the shape (seeds, rows) with at least 1 seed and 2 rows; got the shape (2,)."
    )


def test_values_that_are_not_finite_are_refused():
    """A diverged run must be left out by the caller, who knows it."""
    assert refusal(crossed, [[1.0, np.nan, np.inf]]) == (
        "`values` must be finite; got 2 values that are not. Leave runs that diverged out."
    )
