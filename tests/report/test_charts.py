"""Charts in per cent and in units of a box, by hand."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from justright.report.charts import BOX, FAR, curve_plot, interval_plot, outline, rate_plot, scaling_plot

COLOURS = {"A": "var(--c1)", "B": "var(--c2)"}


@given(st.lists(st.tuples(st.floats(-0.5, 1.5), st.floats(-2, 2)), min_size=1, max_size=30))
def test_an_outline_ends_where_its_last_point_is(points):
    """However the steps are rounded, errors do not add up."""
    text = outline(points)
    start, _, steps = text.removeprefix("M").partition("l")
    numbers = [int(word) for word in steps.replace("-", " -").split()]
    at = [int(word) for word in start.split()]
    end = [at[0] + sum(numbers[::2]), at[1] + sum(numbers[1::2])]
    assert end == [round(points[-1][0] * BOX), BOX - round(points[-1][1] * BOX)]


def test_an_outline_of_anything_is_a_path():
    """Nothing, one point, and values that are infinite or none."""
    assert outline([]) == ""
    assert outline([(0.5, 0.5)]) == "M500 500l0 0"
    assert outline([(0.0, math.nan), (1.0, math.inf)]) == f"M0 {BOX - FAR}l1000 0"


def test_curves_lie_where_their_epochs_and_values_are():
    """A line from the top left to the bottom right, a dot at its best epoch, and none outside the range."""
    line = {"v": "A", "k": "val", "s": "", "x": [0, 99], "y": [0.7, 0.5]}
    best = [{"v": "A", "s": "0", "x": 9, "y": 0.6}, {"v": "A", "s": "1", "x": 9, "y": 0.9}]
    plot = curve_plot("loss", [line], best, COLOURS, (0.5, 0.7), 99)
    assert [(path.d, path.css, path.colour) for path in plot.paths] == [
        ("M0 0l1000 1000", "val mean", "var(--c1)")
    ]
    assert [(dot.left, dot.top) for dot in plot.dots] == [(50.0, 50.0)]
    assert plot.dots[0].hint == "A, seed 0: 0.6000 on validation rows at its best epoch, 9"


def test_intervals_stand_beside_their_names():
    """A row each, from the top; the margin is a band; an effect without an interval is a dot alone."""
    rows = [
        {"v": "L2", "y": -1.0, "low": -2.0, "high": 0.0},
        {"v": "Dropout", "y": 2.0, "low": None, "high": None},
    ]
    plot = interval_plot(rows, margin=0.5)
    assert [path.css for path in plot.paths] == ["small", "zero", "rule"]
    assert [tick.text for tick in plot.left] == ["L2", "Dropout"]
    assert [tick.at for tick in plot.left] == [25.0, 75.0] == [dot.top for dot in plot.dots]
    assert plot.dots[0].hint == "L2: −1.0 [−2.0, +0.0]"


def test_numbers_below_intervals_do_not_touch_on_a_phone_either():
    """Names take a part of its width: on 150 pixels eight characters a number leave room for two or three."""
    plot = interval_plot([{"v": "L2 vs Large", "y": -0.01, "low": -0.018, "high": -0.004}], margin=0.0015)
    narrow = [tick for tick in plot.x.thinned() if not tick.css]
    assert 2 <= len(narrow) <= 3
    ends = [150 * tick.at / 100 + side * 3.5 * len(tick.text) for tick in narrow for side in (-1, 1)]
    assert ends == sorted(ends)


def test_a_forecast_is_a_dashed_line_with_a_band_from_the_last_measured_point():
    """The kinds of rows, and the classes they are drawn in."""
    ends = {"low": 0.5, "high": 0.7, "y": 0.6, "v": "A"}
    rows = [
        ends | {"x": x, "kind": kind}
        for x, kind in ((10, "measured"), (100, "measured"), (100, "join"), (1_000, "forecast"))
    ]
    plot = scaling_plot("Test loss", rows, COLOURS)
    assert [path.css for path in plot.paths] == ["band", "val mean", "train mean", "rule", "rule"]
    assert [dot.left for dot in plot.dots] == [0.0, 50.0, 100.0]


def test_learning_rates_are_drawn_from_zero():
    """A rate that halves is seen to halve."""
    plot = rate_plot([{"v": "A", "x": [0, 10], "y": [0.2, 0.1]}], COLOURS)
    assert plot.y.low == 0.0
    assert 100 * plot.y.place(0.1) * 2 == 100 * plot.y.place(0.2)
