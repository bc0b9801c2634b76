"""What a notebook shows of a result."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from justright.report.notebook.result_card import render_result_card, render_result_text
from justright.report.notebook.shown_report import ShownReport


class Tags(HTMLParser):
    """Counts the tags of a page, and whether each that opens is closed."""

    VOID = frozenset({"br", "meta", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        """Keep a tag."""
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        """Close the last tag, which must be of the same name."""
        if tag not in self.VOID:
            assert self.open.pop() == tag


def parsed(html: str) -> Tags:
    """Return the tags of a fragment that is whole."""
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    return tags


def with_class(tags: Tags, name: str) -> int:
    """Return how many elements have a class."""
    return sum(name in (attributes.get("class") or "").split() for _, attributes in tags.seen)


def test_a_card_has_a_line_with_badge_and_curves_for_each_network(summary) -> None:
    """Seven networks of the tutorial, each with its label, its loss and its own small picture."""
    html = render_result_card(summary)
    tags = parsed(html)
    assert with_class(tags, "verdict") == with_class(tags, "thumbnail") == 7
    for variant in summary["variants"]:
        assert f">{variant['name']}</th>" in html
        assert variant["verdict"]["label"] in html
    assert summary["conclusion"] in html.replace("&#39;", "'")


def test_a_card_has_the_fit_map(summary) -> None:
    """With a dot for each network."""
    tags = parsed(render_result_card(summary))
    assert sum(attributes.get("id") == "chart-fit" for _, attributes in tags.seen) == 1
    assert with_class(tags, "dot") >= 7


def test_a_card_runs_nothing_and_loads_nothing(summary) -> None:
    """It stands in the notebook's own page, beside the reader's other work."""
    html = render_result_card(summary)
    assert {tag for tag, _ in parsed(html).seen} & {"script", "iframe", "img", "link", "object"} == set()
    assert not re.search(r"https?:|url\(|@import|\son\w+=", html)


def test_a_stranger_s_names_are_escaped(summary) -> None:
    """A folder may come from anybody."""
    first, *others = summary["variants"]
    bad = "<img src=x onerror=alert(1)>"
    curves = [one for one in summary["curves"] if one["variant"] != first["name"]]
    hostile = summary | {"variants": [first | {"name": bad}, *others], "curves": curves, "conclusion": bad}
    html = render_result_card(hostile, [bad])
    assert "<img" not in html
    assert html.count("&lt;img src=x") >= 3


def test_the_text_has_a_line_for_each_network(summary) -> None:
    """Where it is, the conclusion, and the labels."""
    lines = render_result_text(summary, "runs/a").splitlines()
    assert lines[0] == f"Result('runs/a'): {summary['conclusion']}"
    assert [line.split()[0] for line in lines[1:]] == [one["name"] for one in summary["variants"]]
    assert all(re.fullmatch(r"  \w+ +[a-z, ]+, test loss 0\.\d+", line) for line in lines[1:])


def test_without_test_rows_no_loss_is_called_one_of_test_rows(summary) -> None:
    """Validation rows stand in for them, each half at the epoch that the other half chose."""
    without = summary | {"rows": summary["rows"] | {"test": 0}}
    assert ", cross-fitted validation loss 0." in render_result_text(without, "runs/a").splitlines()[1]
    assert ">Cross-fitted validation loss<" in render_result_card(without)
    assert ">Test loss<" in render_result_card(summary)


def test_a_report_stands_in_a_frame_that_cannot_reach_the_notebook() -> None:
    """A sandbox without the notebook's origin; what the page says is one attribute, whole."""
    page = '<!doctype html><p title="a">1 & 2 < 3</p>'
    [(tag, attributes)] = parsed(ShownReport(page, 500)._repr_html_()).seen
    assert (tag, attributes["sandbox"], attributes["srcdoc"]) == ("iframe", "allow-scripts", page)
    assert "height: 500px" in (attributes["style"] or "")


def test_the_text_of_a_shown_report_is_short() -> None:
    """Not the page."""
    assert repr(ShownReport("x" * 10_000, 500)) == "ShownReport(height=500)"


def test_commands_name_the_folder(summary) -> None:
    """What is copied from a card works where it stands."""
    told = summary | {"conclusion": "Train longer: justright run --out DIR --max-epochs 240."}
    assert "justright run --out runs/a --max-epochs 240." in render_result_card(told, folder="runs/a")
    assert "justright run --out runs/a --max-epochs 240." in render_result_text(told, "runs/a")
