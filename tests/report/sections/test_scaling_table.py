"""Learning curves as cells of text."""

from __future__ import annotations

import re

from justright.report import render_html, render_markdown
from justright.report.sections.scaling_table import scaling_table
from justright.report.terminal.study_report import print_study


def point(rows, mean):
    """Return a point of a learning curve."""
    return {"train_rows": rows, "mean": mean, "low": mean - 0.02, "high": mean + 0.02}


CURVES = [
    {
        "variant": "A|B",
        "measured": [point(100, 0.6), point(200, 0.5)],
        "forecast": [point(400, 0.45)],
        "conclusion": "A.",
    },
    {"variant": "C", "measured": [point(200, 0.7)], "forecast": [], "conclusion": "C: no forecast."},
]


def test_sizes_of_all_curves_are_rows_and_gaps_are_shown():
    """A dash where a curve was not measured or not forecast."""
    assert [[cell.text for cell in row.cells] for row in scaling_table(CURVES).rows] == [
        ["100", "0.600 ± 0.020", "–", ""],
        ["200", "0.500 ± 0.020", "0.700 ± 0.020", ""],
        ["400 (forecast)", "0.450 ± 0.020", "–", "forecast"],
    ]


def test_markdown_has_the_table_and_the_conclusions(summary):
    """Names are escaped; forecasts are named so."""
    text = render_markdown(summary | {"data_scaling": CURVES})
    section = text.partition("## More data\n\n")[2].partition("\n\n## ")[0]
    assert r"| Training rows | A\|B | C |" in section.splitlines()
    assert "| 400 (forecast) | 0.450 ± 0.020 | – |" in section
    assert section.startswith("- A.\n- C: no forecast.\n\n")
    assert "## More data" not in render_markdown(summary | {"data_scaling": []})


def test_the_page_has_figure_table_and_conclusions(summary):
    """Forecasts are named so in the table, dashed in the figure, and a legend says whose is whose."""
    named = {"A|B": "Tiny", "C": "Large"}
    curves = [curve | {"variant": named[curve["variant"]]} for curve in CURVES]
    page = render_html(summary | {"data_scaling": curves})
    section = page.partition('<section aria-labelledby="data">')[2].partition("</section>")[0]
    assert "<th>Tiny</th>" in section
    assert (
        'style="--colour: var(--c4)"></span>Large</span>' in section
    )  # the legend, in the colours of the other figures
    assert '<th scope="row">400 (forecast)</th><td>0.450 ± 0.020</td><td>–</td>' in section
    assert "<p>C: no forecast.</p>" in section
    assert re.search(r'<path class="val mean" d="M[^"]+" style="--colour: var\(--c1\)"', section)  # dashed
    assert all(
        f'%">{rows}</span>' in section for rows in ("100", "200", "400")
    )  # the sizes that were trained, in full


def terminal_point(rows, mean):
    """Return a measured or forecast point."""
    return {"train_rows": rows, "mean": mean, "low": mean - 0.01, "high": mean + 0.01}


def curve(name):
    """Return an entry of `data_scaling`."""
    return {
        "variant": name,
        "measured": [terminal_point(5_000, 0.6), terminal_point(10_000, 0.58)],
        "forecast": [terminal_point(20_000, 0.57)],
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
        assert len(headers) == {"utf-8": 2, "ascii": 3}[encoding]
        assert max(map(len, lines[:30])) <= 80
        assert not any("…" in line or "~" in line for line in lines if "forecast" in line)


def test_a_study_without_training_sizes_shows_no_table(make, terminal, tmp_path):
    """Nothing is said about what was not measured."""
    assert not any("training rows" in line for line in printed(terminal, make.summary(), tmp_path, 80))
