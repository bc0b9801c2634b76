"""Steps up at the ends of curves against generalized least squares with the whole covariance matrix written out."""

from __future__ import annotations

import numpy as np
import pytest

from justright.statistics.curve_ends import CORRELATIONS, curve_ends
from justright.statistics.plateaus import plateaus


def test_steps_are_fitted_as_by_written_out_matrices():
    """The first three points of an end are low, of more than 28 one in eight; of four points the last is high."""
    points = 40
    values = np.random.default_rng(0).random((2, points))
    found = plateaus(values, curve_ends(values).before)
    for curve in range(2):
        for row, correlation in enumerate(CORRELATIONS):
            for start, low in ((0, 5), (20, 3), (36, 3)):
                end = values[curve, start:]
                count = np.arange(len(end))
                columns = np.column_stack([np.ones(len(end)), count >= low])
                apart = np.abs(np.subtract.outer(count, count))
                precision = np.linalg.inv(correlation**apart / (1 - correlation**2))
                inverse = np.linalg.inv(columns.T @ precision @ columns)
                levels = inverse @ columns.T @ precision @ end
                rest = end - columns @ levels
                variance = rest @ precision @ rest / (len(end) - 2)
                place = curve, row, start
                assert [found.low[place], found.rises[place]] == pytest.approx(levels)
                assert found.errors[place] == pytest.approx((variance * inverse[1, 1]) ** 0.5)
                assert found.deviation[place] == pytest.approx((variance / (1 - correlation**2)) ** 0.5)
                tails = 3 / max(correlation, 0.01) ** 2
                assert found.freedom[row, start] == pytest.approx(min(len(end) - 2, tails))
    assert found.weights.sum(axis=1) == pytest.approx(np.ones((2, points - 3)))
