"""Names beside dots: inside the chart, and over nothing else."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from justright.report.label_places import DOT, SIDES, Box, label_box, place_labels

SIZE = (400.0, 300.0)
DOTS = st.lists(st.tuples(st.floats(0, SIZE[0]), st.floats(0, SIZE[1])), max_size=12)


@given(DOTS, st.data())
def test_names_overlap_nothing_and_stay_inside(dots, data):
    """For any dots and names."""
    texts = [data.draw(st.text(alphabet="abc", max_size=20)) for _ in dots]
    taken = [Box(0, 0, 60, 20)]
    sides = place_labels(dots, texts, SIZE, taken=taken)
    boxes = [label_box(dot, text, side) for dot, text, side in zip(dots, texts, sides, strict=True) if side]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    for box in boxes:
        assert min(box.left, box.top) >= 0
        assert (box.right <= SIZE[0], box.bottom <= SIZE[1]) == (True, True)
        assert not box.overlaps(taken[0])
        assert not any(box.overlaps(Box(x - DOT, y - DOT, x + DOT, y + DOT)) for x, y in dots)


def test_a_name_alone_stands_to_the_right_and_near_the_edge_to_the_left():
    """As one reads."""
    assert place_labels([(100, 100)], ["Tiny"], SIZE) == ["right"]
    assert place_labels([(390, 100)], ["Tiny"], SIZE) == ["left"]


def test_a_name_keeps_off_lines_where_it_can():
    """An interval to the right moves it above; lines everywhere do not take it away."""
    right = Box(100, 99, 300, 101)
    assert place_labels([(100, 100)], ["Tiny"], SIZE, lines=[right]) == ["left"]
    assert place_labels([(100, 100)], ["Tiny"], SIZE, lines=[Box(0, 0, *SIZE)]) == ["right"]


def test_without_room_there_is_no_name():
    """Rather none than one over another; empty ones have no place."""
    assert place_labels([(10, 10)], ["a very long name that fits nowhere" * 3], SIZE) == [None]
    assert place_labels([(100, 100)], [""], SIZE) == [None]


def test_every_side_is_where_its_name_says():
    """Contract over all of them."""
    for side in SIDES:
        box = label_box((100.0, 100.0), "Name", side)
        assert ("right" in side) == (box.left > 100)
        assert ("left" in side) == (box.right < 100)
        assert ("above" in side) == (box.bottom < 100)
        assert ("below" in side) == (box.top > 100)
