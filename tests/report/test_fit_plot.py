"""The fit map as the page draws it: where dots, crosses, rings and names are."""

from __future__ import annotations

import itertools
import re

import pytest

from justright.report.axes import Axis
from justright.report.fit_map import NEGATIVE, SMALL, FitPoint, Gain, fit_points, gain_axis, scaled_gain
from justright.report.fit_plot import (
    SIZES,
    STEP,
    crosses,
    dot_places,
    fit_plot,
    quadrant_boxes,
    ring_size,
)
from justright.report.label_places import Box, label_box
from justright.report.palette import page_colours

MARGIN = 0.01


def point(name, tighter, freer, headroom=None):
    """Return a network whose gains have intervals of 0.005 to either side; None stays None."""
    gains = [value if value is None else Gain("Other", "", value, value - 0.005, value + 0.005) for value in (tighter, freer, headroom)]  # fmt: skip
    return FitPoint(name, "undecided", *gains)


def axes_of(points):
    """Return the axes of these points."""
    return (
        gain_axis("x", [one.tighter for one in points], MARGIN),
        gain_axis("y", [one.freer for one in points], MARGIN),
    )


def drawn(points, named=None):
    """Return the map of these points."""
    colours = page_colours(one.name for one in points)
    return fit_plot(points, MARGIN, colours, [one.name for one in points] if named is None else named)


def place_of(axis: Axis, value: float) -> float:
    """Return the place of a gain in per cent of the axis."""
    return 100 * axis.place(scaled_gain(value / MARGIN))


def test_a_dot_stands_at_both_gains():
    """Tighter to the right, freer upwards."""
    plot = drawn([point("A", 0.2, 0.03)])
    (dot,) = plot.dots
    assert dot.left == pytest.approx(place_of(plot.x, 0.2), abs=0.01)
    assert dot.top == pytest.approx(100 - place_of(plot.y, 0.03), abs=0.01)
    assert dot.hint == (
        "A: undecided; tighter: Other +0.2000 [+0.1950, +0.2050]; freer: Other +0.0300 [+0.0250, +0.0350]; "
        "another kind of model: nothing measured"
    )


def test_crosses_are_the_intervals_and_end_on_the_edge_where_they_are_negative():
    """A direction in which nothing was measured has none."""
    one = point("A", 0.003, None)
    axes = axes_of([one])
    (place,) = dot_places([one], MARGIN, axes)
    ((start, end),) = crosses(one, place, MARGIN, axes)
    assert start == (axes[0].place(NEGATIVE), place[1])
    assert end == (pytest.approx(axes[0].place(0.8)), place[1])


def test_what_was_not_measured_lies_outside_the_shaded_margin():
    """It is not just right."""
    points = [point("A", None, 0.002), point("B", 0.05, 0.002)]
    plot = drawn(points)
    bands = [path.d for path in plot.paths if path.css == "small"]
    left, right = (round(1000 * plot.x.place(end)) for end in (SMALL, 1.0))
    assert bands[0] == f"M{left} 0H{right}V1000H{left}Z"
    (dot, _) = plot.dots
    assert dot.left * 10 < left


def test_networks_on_the_same_edge_stand_side_by_side():
    """Nine that are just right in every respect: none hides another, and all stay on the edge."""
    points = [point(f"N{number}", -0.2, -0.3) for number in range(4)]
    axes = axes_of(points)
    width, height = SIZES["narrow"]
    places = dot_places(points, MARGIN, axes)
    for one, other in itertools.combinations(places, 2):
        assert max(abs(one[0] - other[0]) * width, abs(one[1] - other[1]) * height) >= STEP - 1.001
    for place in places:
        for axis, at in zip(axes, place, strict=True):
            assert axis.low <= axis.low + at * (axis.high - axis.low) < 0


def test_a_measured_gain_is_never_moved():
    """Only places on an edge mean no size."""
    points = [point("A", 0.05, -0.1), point("B", 0.05, -0.1), point("C", 0.05, 0.05), point("D", 0.05, 0.05)]
    axes = axes_of(points)
    places = dot_places(points, MARGIN, axes)
    assert {place[0] for place in places} == {axes[0].place(scaled_gain(5.0))}
    assert places[0][1] != places[1][1]
    assert places[2] == places[3]


def test_a_ring_shows_what_another_kind_of_model_gains():
    """The wider, the more; none where no gain is shown."""
    sizes = [ring_size(point("A", 0.1, 0.1, gain), MARGIN) for gain in (None, 0.012, 0.05, 0.5)]
    assert sizes[:2] == [None, None]
    assert sizes[2] < sizes[3]
    rings = [dot for dot in drawn([point("A", 0.1, 0.1, 0.5)]).dots if dot.css == "ring"]
    assert [ring.size for ring in rings] == [sizes[3]]


def test_names_cover_neither_each_other_nor_dots_nor_quadrants(summary):
    """The seven networks all have theirs, on a wide page and on a phone."""
    points = fit_points(summary["variants"])
    margin = summary["margin"]
    plot = fit_plot(points, margin, page_colours(one.name for one in points), [one.name for one in points])
    for medium, (width, height) in SIZES.items():
        boxes = []
        for mark in plot.marks:
            if found := re.fullmatch(rf"name {medium} at-([\w-]+)", mark.css):
                dot = (mark.left / 100 * width, mark.top / 100 * height)
                boxes.append(label_box(dot, mark.text, found[1]))
        assert len(boxes) == len(points)
        dots = [(dot.left / 100 * width, dot.top / 100 * height) for dot in plot.dots if not dot.css]
        taken = [*quadrant_boxes(plot.x, plot.y, (width, height)), *(Box(x - 5, y - 5, x + 5, y + 5) for x, y in dots)]  # fmt: skip
        for one, other in itertools.combinations(boxes, 2):
            assert not one.overlaps(other)
        for one in boxes:
            assert not any(one.overlaps(other) for other in taken)
            assert one.left >= 0
            assert one.right <= width


def test_only_named_networks_have_names_and_long_ones_are_cut():
    """The others are in their dots' hints."""
    points = [point("A network with a name of many words", 0.1, 0.1), point("B", 0.3, 0.02)]
    marks = [mark for mark in drawn(points, named=[points[0].name]).marks if "name" in mark.css]
    assert [(mark.text, mark.css.split()[1]) for mark in marks] == [
        ("A network with a name of …", "wide"),
        ("A network with …", "narrow"),
    ]
