"""Colours that everyone can tell apart, and the small histograms."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest

from justright.colours import DARK, LIGHT
from justright.report.html import security_policy
from justright.report.palette import page_colours
from justright.report.sections.feature_histograms import feature_blocks, histogram_cells, histogram_paths

PAPERS = {"light": ("#ffffff", LIGHT), "dark": ("#14171c", DARK)}
READABLE = 3.0  # WCAG 2.2, 1.4.11: contrast of graphics


def luminance(colour):
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("paper", "colours"), PAPERS.values(), ids=PAPERS)
def test_every_line_can_be_seen_on_its_paper(paper, colours):
    """No yellow on white."""
    for colour in colours:
        high, low = sorted((luminance(paper), luminance(colour)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= READABLE, colour


def place_in_lab(colour):
    """Return a colour's place in CIELAB, where distances are as large as they look."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = np.array([p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts])
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.072175],
        [0.0193339, 0.119192, 0.9503041],
    ]
    x, y, z = np.cbrt(np.array(to_xyz) @ linear / [0.95047, 1.0, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_no_two_colours_look_alike(colours):
    """A distance of 2 can just be seen; thin lines, and words beside them, need far more. Two blues had 13."""
    near = min(
        (float(np.linalg.norm(place_in_lab(one) - place_in_lab(other))), one, other)
        for one, other in combinations(colours, 2)
    )
    assert near[0] > 25, near


def test_colours_repeat_only_when_they_run_out():
    """Each of the first eight has its own."""
    colours = list(page_colours([f"v{i}" for i in range(9)]).values())
    assert len(set(colours)) == 8
    assert colours[8] == colours[0]


def test_histogram_path_is_the_outline_by_hand():
    """Shares 1/4 and 3/4: the lower bin reaches a third of the height."""
    assert histogram_paths([[1, 3]]) == ["M0 40V26.67H50V0H100V40Z"]


def test_classes_are_scaled_to_their_own_number_of_rows():
    """A rare class with the same shape has the same outline."""
    rare, common = histogram_paths([[1, 3], [100, 300]])
    assert rare == common


def test_columns_without_a_histogram_have_no_cell():
    """A constant or empty column is left out instead of dividing by zero."""
    columns = [
        {"name": "empty", "edges": [0, 1, 2], "counts": [0, 0], "class_counts": []},
        {"name": "regression", "edges": [0, 1, 2], "counts": [1, 3], "class_counts": []},
        {"name": "none"},
    ]
    assert [cell["name"] for cell in histogram_cells({"columns": columns})] == ["regression"]


def test_policy_holds_the_hash_of_each_script():
    """Against a hash computed by hand: SHA-256 of the empty text."""
    assert re.findall(r"'sha256-[^']*'", security_policy([""])) == [
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    ]


def test_features_without_a_histogram_are_named_with_their_ranges():
    """Of a wide table; one that holds nothing has a name only."""
    drawn = {"edges": [0, 1, 2], "counts": [1, 3], "class_counts": [], "min": 0.0, "max": 2.0}
    columns = [drawn | {"name": f"x{number}"} for number in range(60)]
    columns += [{"name": "b", "min": -1.0, "max": 2.5}, {"name": "c", "min": None, "max": None}]
    note, histograms, folded = feature_blocks({"task": "regression", "table": {"columns": columns}})
    assert note.text == (
        "Each feature's distribution. Of 62 features the 60 are drawn that tell most about the target by themselves "
        "(squared correlation with it)."
    )
    assert len(histograms.items) == 60
    assert folded.head.text == "2 features without a histogram"
    assert folded.blocks[0].text == "b (-1 to 2.5); c"
