"""Learning curves on a terminal."""

from __future__ import annotations

import re

from justright.report.terminal.study_report import print_study


def point(rows, mean):
    """Return a measured or forecast point."""
    return {"train_rows": rows, "mean": mean, "low": mean - 0.01, "high": mean + 0.01}


def curve(name):
    """Return an entry of `data_scaling`."""
    return {
        "variant": name,
        "measured": [point(5_000, 0.6), point(10_000, 0.58)],
        "forecast": [point(20_000, 0.57)],
        "conclusion": f"{name}: twice the rows (20,000) would change the test loss by -0.01.",
    }


def printed(terminal, summary, folder, width, encoding="utf-8"):
    """Return the printed lines."""
    console, file = terminal(width, encoding)
    print_study(console, summary, folder)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_sizes_are_rows_and_variants_columns(make, terminal, tmp_path):
    """Forecasts are named so; conclusions follow the facts."""
    summary = make.summary() | {"data_scaling": [curve("Small"), curve("Large")]}
    lines = printed(terminal, summary, tmp_path, 80)
    start = next(number for number, line in enumerate(lines) if line.startswith("training rows"))
    assert [" ".join(line.split()) for line in (lines[start], *lines[start + 2 : start + 5])] == [
        "training rows Small Large",
        "5,000 0.600±0.010 0.600±0.010",
        "10,000 0.580±0.010 0.580±0.010",
        "20,000 0.570±0.010 0.570±0.010 forecast",
    ]
    assert "- Large: twice the rows (20,000) would change the test loss by -0.01." in lines


def test_variants_that_do_not_fit_get_a_table_of_their_own(make, terminal, tmp_path):
    """Nothing is cut off at 80 columns, also where ± takes three characters."""
    names = [f"Variant {number}" for number in range(7)]
    summary = make.summary() | {"data_scaling": [curve(name) for name in names]}
    for encoding in ("utf-8", "ascii"):
        lines = printed(terminal, summary, tmp_path, 80, encoding)
        headers = [line for line in lines if line.startswith("training rows")]
        assert re.findall(r"Variant (\d)", " ".join(headers)) == list("0123456")
        assert len(headers) == 3
        assert max(map(len, lines[:30])) <= 80
        assert not any("…" in line or "~" in line for line in lines if "forecast" in line)


def test_a_study_without_training_sizes_shows_no_table(make, terminal, tmp_path):
    """Nothing is said about what was not measured."""
    assert not any("training rows" in line for line in printed(terminal, make.summary(), tmp_path, 80))
