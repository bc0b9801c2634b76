"""Texts that charts can draw: whatever Vega cuts them down to, no half of a character is left."""

from __future__ import annotations

import pytest

from justright.report.charts import interval_chart
from justright.report.drawable_text import MAX_WHOLE, drawable, printable
from justright.report.html import _draw

EMOJI = "\U0001f600"
# Found by Hypothesis: cut between the halves of its last character, it ended the report.
FOUND = "0000@00\x0c\x08\x080000\x1f00000000M\U0001028b\U00090172"


@pytest.mark.parametrize("name", [FOUND, *("x" * count + 12 * EMOJI for count in range(12, 20))])
def test_names_are_drawn_wherever_they_are_cut(name):
    """One of two neighbouring lengths is cut between the two halves of an emoji."""
    rows = [{"v": printable(name), "row": 0, "y": 0.1, "low": 0.0, "high": 0.2}]
    assert "<svg" in _draw("effects", interval_chart(1, margin=None), {"lines": rows})


def test_short_names_and_simple_characters_stay_as_they_are():
    """A name that no label cuts keeps its emoji; a long one only loses what may be cut in two."""
    short, long = EMOJI * MAX_WHOLE, "äöü" * MAX_WHOLE
    assert drawable({short: [long, 1.5]}) == {short: [long, 1.5]}
    assert drawable([EMOJI * (MAX_WHOLE + 1)]) == ["U+1F600" * (MAX_WHOLE + 1)]
    assert drawable({"low": [1.0, None]}) == {"low": [1.0, None]}
