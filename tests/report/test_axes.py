"""Where values lie on an axis, and which of them it names."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from justright.report.axes import Axis, epoch_axis, linear_axis, round_values, size_axis

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, FINITE)
@example(-1.7976931348623157e308, 1.7976931348623157e308)
@example(0.0, 5e-324)
@example(1e16, math.nextafter(1e16, 2e16))
def test_any_range_has_few_named_values_inside_it(one, other):
    """Huge, tiny and empty ranges too: names are distinct, in order, and have a place on the axis."""
    low, high = sorted((one, other))
    named = round_values(low, high)
    assert len(named) <= 12
    assert len({text for _, text in named}) == len(named)
    axis = linear_axis("", low, high)
    places = [tick.at for tick in axis.ticks()]
    assert places == sorted(places)
    assert all(-0.1 <= place <= 100.1 for place in places)


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.553, 0.712, ["0.56", "0.58", "0.60", "0.62", "0.64", "0.66", "0.68", "0.70"]),
        (-0.035, 0.002, ["−0.035", "−0.030", "−0.025", "−0.020", "−0.015", "−0.010", "−0.005", "0.000"]),
        (0, 3e10, ["0", "5e9", "1.0e10", "1.5e10", "2.0e10", "2.5e10", "3.0e10"]),
        (2.0, 2.0, ["2"]),
    ],
)
def test_round_values_have_the_digits_that_tell_them_apart(low, high, texts):
    """A step of 1, 2 or 5, and no digit more."""
    assert [text for _, text in round_values(low, high)] == texts


def test_shares_are_percentages():
    """The axis of an accuracy."""
    axis = linear_axis("Accuracy", 0.61, 0.69, is_share=True)
    assert [text for _, text in axis.named][:2] == ["61 %", "62 %"]
    assert axis.named[1][0] == pytest.approx(0.62)


def test_scales_place_values_as_their_formulas_say():
    """By hand: log(1 + 9) is half of log(1 + 99), and 100 lies half-way between 10 and 1,000 rows."""
    assert epoch_axis(99, is_log=True).place(9) == pytest.approx(0.5)
    assert epoch_axis(100, is_log=False).place(25) == 0.25
    assert size_axis("Rows", [10, 100, 1_000]).place(100) == pytest.approx(0.5)
    assert Axis("", 1, 1).place(1) == 0.5


def test_names_never_touch_and_a_phone_shows_fewer():
    """The last epochs of a logarithmic axis crowd; those that a phone leaves out carry a class."""
    ticks = epoch_axis(1_000_000, is_log=True).thinned()
    wide = [tick.text for tick in ticks]
    narrow = [tick.text for tick in ticks if not tick.css]
    assert wide[:3] == narrow[:1] + wide[1:3]
    assert 3 < len(narrow) < len(wide) < 20
    gaps = [640 * (after.at - before.at) / 100 for before, after in itertools.pairwise(ticks)]
    assert min(gaps) > 10
