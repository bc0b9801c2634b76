"""Numbers as people read them."""

from __future__ import annotations

import pytest

from justright.diagnosis.words.numbers import epochs, estimate, listed, number
from justright.statistics.intervals import Interval


@pytest.mark.parametrize(
    ("mean", "half", "text"),
    [
        (0.0123456, 0.00041, "0.01235 [0.01194, 0.01276]"),
        (-0.0004, 0.021, "0.000 [-0.021, 0.021]"),
        (12345.6, 789.0, "12,346 [11,557, 13,135]"),
        (0.5, 0.0, "0.500 exactly"),
    ],
)
def test_estimates_show_two_digits_of_their_uncertainty(mean, half, text):
    """Small, negative, large and certain ones; never '-0.000'."""
    assert estimate(Interval(mean, mean - half, mean + half, 3)) == text


def test_numbers_that_are_not_finite_are_printed_as_they_are():
    """A diverged loss is 'inf' or 'nan', not an error."""
    assert (number(float("inf")), number(float("nan"))) == ("inf", "nan")


def test_lists_and_ranges_read_as_language():
    """One, two, three names; one epoch or several."""
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert [epochs(2, 2), epochs(2, 5)] == ["epoch 2", "epochs 2 to 5"]
