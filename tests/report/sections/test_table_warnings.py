"""Warnings about the table are in every report, and nothing is where there are none."""

from __future__ import annotations

from justright.report.blocks import Sentences
from justright.report.html import render_html
from justright.report.markdown import render_markdown
from justright.report.sections.table_warnings import warning_blocks
from justright.report.summary import result_json
from justright.report.terminal.study_report import print_findings

TEXT = "'alive' by itself nearly determines the target <'survived'>. Leave it out."
LEAK = {"kind": "leak", "columns": ["alive"], "number": 1.0, "text": TEXT}


def test_warnings_are_in_every_report_and_in_the_result(small_summary, terminal, tmp_path):
    """Page, Markdown, terminal and result.json."""
    small_summary = small_summary | {"warnings": [LEAK]}
    assert warning_blocks(small_summary) == [Sentences((f"Warning: {TEXT}",), "box")]
    assert "Warning: &#39;alive&#39; by itself" in render_html(small_summary)
    assert "Warning: 'alive' by itself" in render_markdown(small_summary)
    console, file = terminal(120)
    print_findings(console, small_summary, tmp_path)
    assert "- Warning: 'alive' by itself nearly determines" in file.getvalue()
    assert result_json(small_summary)["warnings"] == [LEAK]


def test_a_healthy_table_has_no_section(small_summary):
    """No heading without a warning."""
    assert small_summary["warnings"] == []
    assert "Warnings about the table" not in render_html(small_summary)
