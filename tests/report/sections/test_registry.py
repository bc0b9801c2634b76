"""What one file adds to every report: a section, and a label."""

from __future__ import annotations

import copy

import pytest

from justright.cli.fail_on import labels_to_fail_on
from justright.diagnosis import labels
from justright.diagnosis.labels import Label
from justright.report import render_html, render_markdown
from justright.report.blocks import (
    Cell,
    Code,
    Column,
    Folded,
    Media,
    Pairs,
    Row,
    Section,
    Sentences,
    Table,
    Text,
)
from justright.report.sections import registry
from justright.report.terminal.study_report import print_study


def weather_blocks(summary):
    """Return one block of every kind that is written."""
    columns = (Column("Day", is_text=True), Column("Rain"))
    rows = (Row((Cell("Monday"), Cell("3 mm", detail="[1, 5]"))),)
    return [
        Text(f"Weather during {summary['study']}."),
        Table("Rain by day", columns, rows),
        Sentences(("It rained.",)),
        Code("print(rain)", media=Media.EVERYWHERE),
        Pairs((("Wind", "none"),), media=Media.EVERYWHERE),
        Folded(Cell("Clouds"), (Sentences(("Many.",)),), media=Media.EVERYWHERE),
    ]


WEATHER = Section("weather", "The weather", weather_blocks, nav="Weather")


def printed(terminal, summary, folder, width=80):
    """Return what a terminal shows."""
    console, file = terminal(width)
    print_study(console, summary, folder)
    return file.getvalue()


@pytest.mark.parametrize("way", ["literal", "plug-in"])
def test_a_section_of_one_file_is_in_every_report(small_summary, terminal, tmp_path, monkeypatch, way):
    """Its blocks are drawn by every medium, its name is in the navigation, and nothing else had to change."""
    if way == "literal":
        monkeypatch.setattr(registry, "SECTIONS", (*registry.SECTIONS, WEATHER))
    else:
        monkeypatch.setattr(registry, "plugged_in", lambda name: {"sections": (WEATHER,)}[name])
    page = render_html(small_summary)
    assert '<a href="#weather">Weather</a>' in page
    assert '<h2 id="weather">The weather</h2>' in page
    assert "Weather during tutorial." in page
    assert '<td>3 mm <span class="interval">[1, 5]</span></td>' in page
    text = render_markdown(small_summary)
    assert (
        "## Weather\n\nWeather during tutorial.\n\n| Day | Rain |\n| --- | --: |\n| Monday | 3 mm [1, 5] |"
        in text
    )
    shown = printed(terminal, small_summary, tmp_path)
    assert "Monday" in shown
    for part in ("It rained.", "print(rain)", "Wind", "Clouds", "Many."):
        assert part in page
        assert part in text
        assert part in shown


def test_a_section_without_blocks_is_left_out(small_summary, monkeypatch):
    """No heading over nothing."""
    monkeypatch.setattr(registry, "SECTIONS", (Section("none", "Nothing", lambda summary: []),))
    assert "Nothing" not in render_markdown(small_summary)


def test_the_names_of_sections_are_distinct():
    """They are ids in the page."""
    names = [section.name for section in registry.sections()]
    assert len(set(names)) == len(names)


def test_a_label_of_one_line_is_in_every_report(small_summary, terminal, tmp_path, monkeypatch):
    """Its word, symbol, meaning and colour come from its entry alone."""
    drifts = Label("drifts", "~", "it never settles", "drifts", "drift", "warning")
    monkeypatch.setattr(labels, "LABELS", (*labels.LABELS, drifts))
    summary = copy.deepcopy(small_summary)
    summary["variants"][0]["verdict"]["label"] = "drifts"
    page = render_html(summary)
    assert '<span class="verdict warning"><span aria-hidden="true">~</span>drifts</span>' in page
    assert "Drifts: it never settles." in page
    text = render_markdown(summary)
    assert r"| \~ drifts |" in text
    assert "Drifts: it never settles." in text
    shown = printed(terminal, summary, tmp_path)
    assert "drifts" in shown.splitlines()[3]
    assert "Drifts: it never settles." not in " ".join(shown.split())  # the answers say more
    for variant in summary["variants"]:
        variant["verdict"]["answer"] = None
    assert "Drifts: it never settles." in " ".join(printed(terminal, summary, tmp_path).split())
    assert labels_to_fail_on("drifts, overfits", labels.label_names()) == ["drifts", "overfits"]
