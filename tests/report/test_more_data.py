"""Learning curves as cells of text."""

from __future__ import annotations

from justright.report import render_html, render_markdown
from justright.report.more_data import scaling_table


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
    assert scaling_table(CURVES) == [
        {"rows": "100", "is_forecast": False, "cells": ["0.600 ± 0.020", "–"]},
        {"rows": "200", "is_forecast": False, "cells": ["0.500 ± 0.020", "0.700 ± 0.020"]},
        {"rows": "400", "is_forecast": True, "cells": ["0.450 ± 0.020", "–"]},
    ]


def test_markdown_has_the_table_and_the_conclusions(summary):
    """Names are escaped; forecasts are named so."""
    text = render_markdown(summary | {"data_scaling": CURVES})
    section = text.partition("## More data\n\n")[2].partition("\n\n## ")[0]
    assert section.splitlines()[0] == r"| Training rows | A\|B | C |"
    assert "| 400 (forecast) | 0.450 ± 0.020 | – |" in section
    assert "\n\n- A.\n- C: no forecast.\n" in section
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
    assert "stroke-dasharray" in section
    assert all(
        f">{rows}</text>" in section for rows in ("100", "200", "400")
    )  # the sizes that were trained, in full
