"""A table's description in a terminal: whatever its width, what is printed is whole."""

from __future__ import annotations

import io

import numpy as np

from justright.data.describe import describe_table
from justright.data.read import read_table
from justright.report.terminal.table_report import print_table_description
from justright.report.terminal.terminal import Terminal


def test_numbers_and_histograms_are_whole_in_a_narrow_terminal() -> None:
    """A number without its exponent is another number; long names take a second line instead."""
    rng = np.random.default_rng(0)
    area = rng.normal(12_345_678, 2_345_678, 200)
    frame = {"living area in sq. inches": area, "y": area + rng.normal(size=200)}
    description = describe_table(read_table(frame, target="y"))
    [column] = description["columns"]
    text = io.StringIO()
    print_table_description(Terminal(text, width=72), description)
    for name in ("mean", "std", "min", "max"):
        assert f" {column[name]:.4g} " in text.getvalue()
    assert "…" not in text.getvalue()
    rows = text.getvalue()[text.getvalue().index("feature ") :].splitlines()
    assert max(map(len, rows)) <= 72
