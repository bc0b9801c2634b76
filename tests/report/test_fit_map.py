"""The fit map's numbers: standings, scale, edges, ticks and the terminal's bars."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from justright.report.fit_map import (
    CELLS,
    NEGATIVE,
    UNMEASURED,
    FitPoint,
    Gain,
    fit_bar,
    fit_points,
    gain_axis,
    gain_place,
    label_words,
    scaled_gain,
)

MARGIN = 0.01
LOSSES = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


def gain(value, half=0.0):
    """Return a gain with a symmetrical interval."""
    return Gain("Other", "regularization", value, value - half, value + half)


def point(tighter=None, freer=None, headroom=None):
    """Return the point of a network."""
    return FitPoint("Net", "undecided", tighter, freer, headroom)


@pytest.mark.parametrize(
    ("value", "half", "standing"),
    [
        (0.03, 0.01, "shown"),
        (0.03, 0.02, "open"),  # its lower end is the margin itself
        (0.0, 0.005, "excluded"),
        (0.0, 0.01, "open"),
        (-0.5, 0.1, "excluded"),
    ],
)
def test_a_gain_is_shown_open_or_excluded_by_its_whole_interval(value, half, standing):
    """As the verdicts have it."""
    assert gain(value, half).standing(MARGIN) == standing


def test_the_scale_is_linear_within_the_margin_and_logarithmic_beyond():
    """By hand: 1 + log of the place, and no kink where both meet."""
    assert [scaled_gain(place) for place in (UNMEASURED, -0.5, 0.0, 0.25, 1.0)] == [
        UNMEASURED,
        -0.5,
        0,
        0.25,
        1,
    ]
    assert scaled_gain(300.0) == pytest.approx(1 + math.log(300))
    step = 1e-6
    assert (scaled_gain(1 + step) - 1) / step == pytest.approx(1, abs=1e-5)


@given(LOSSES, LOSSES)
def test_a_larger_gain_never_stands_left_of_a_smaller_one(one, other):
    """All negative ones share an edge, and what was not measured stands beyond it, never at 0."""
    low, high = sorted((one, other))
    assert gain_place(low, MARGIN) <= gain_place(high, MARGIN)
    assert gain_place(None, MARGIN) < gain_place(low, MARGIN)
    assert gain_place(min(low, -1e-9), MARGIN) == NEGATIVE


def test_an_axis_names_the_edges_the_margin_and_round_gains():
    """Small and large gains on one axis; the edge of what was not measured only where there is such."""
    axis = gain_axis("Gain", [gain(0.3, 0.05), gain(0.002, 0.001)], 0.0011)
    assert [text for _, text in axis.named] == [
        *("<0", "0", "0.0011", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5"),
    ]
    assert axis.low > UNMEASURED
    assert gain_axis("Gain", [gain(0.3), None], 0.0011).named[0] == (UNMEASURED, "–")
    assert axis.place(axis.named[2][0]) - axis.place(axis.named[1][0]) == pytest.approx(
        1 / (axis.high - axis.low)
    )


def test_an_axis_reads_well_in_any_unit():
    """Squared prices, and losses of a millionth."""
    assert [text for _, text in gain_axis("Gain", [gain(4.2e8)], 1.2e6).named] == [
        *("<0", "0", "1.2e6", "2e6", "5e6", "1e7", "2e7", "5e7", "1e8", "2e8", "5e8"),
    ]
    assert [text for _, text in gain_axis("Gain", [gain(3e-6)], 1e-6).named][:4] == [
        "<0",
        "0",
        "1e−6",
        "2e−6",
    ]


@given(st.lists(st.none() | LOSSES, min_size=1), st.floats(min_value=1e-30, max_value=1e30))
def test_every_axis_holds_its_gains_and_rising_ticks(values, margin):
    """Whatever the margin."""
    gains = [None if value is None else gain(value) for value in values]
    axis = gain_axis("Gain", gains, margin)
    for value in values:
        assert 0 < axis.place(scaled_gain(gain_place(value, margin))) < 1
    places = [place for place, _ in axis.named]
    assert places == sorted(set(places))
    assert len(places) < 40


def test_bars_grow_by_powers_of_the_margin():
    """By hand: one cell from the margin on, the second from 2.5 margins, the last from a hundred."""
    bars = [
        fit_bar(point(freer=gain(times * MARGIN, 1e-9)), MARGIN) for times in (1.01, 2.4, 2.6, 99, 101, 1e9)
    ]
    assert [bar.count("█") for bar in bars] == [1, 1, 2, 5, 6, 6]
    assert all(len(bar) == 2 * CELLS + 1 for bar in bars)


def test_bars_tell_shown_possible_excluded_and_unmeasured_apart():
    """To the left by something tighter, to the right by something freer."""
    assert fit_bar(point(gain(0.05, 0.01), gain(0.0, 0.03)), MARGIN) == "····██|▒▒····"
    assert fit_bar(point(gain(-0.05, 0.01), None), MARGIN) == "······|–     "


def test_points_are_those_of_verdicts_with_gains():
    """Folders of earlier versions have none; a gain without an end is taken as it is."""
    found = {"name": "L2", "kind": "regularization", "gain": 0.2, "low": None, "high": 0.3}
    variants = [
        {"name": "Old", "verdict": {"label": "overfits"}},
        {
            "name": "New",
            "verdict": {"label": "overfits", "also": "underfits", "freer": None, "tighter": found},
        },
        {
            "name": "Diverged",
            "verdict": {"label": "diverged", "freer": None, "tighter": found | {"gain": None}},
        },
    ]
    (only,) = fit_points(variants)
    assert only == FitPoint(
        "New", "overfits, also underfits", Gain("L2", "regularization", 0.2, 0.2, 0.3), None, None
    )
    assert label_words(variants[0]["verdict"]) == "overfits"
