"""The page: self-contained, escaped, complete without scripts."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from justright.report import render_html
from justright.report.fit_map import label_words
from justright.report.html import script_json

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028'\"&{{ 7*7 }}<!--"
MAX_BYTES = 1_000_000


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text of each kind of element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        self.texts.setdefault(tag, []).append("")
        self._open.append(tag)

    def handle_data(self, data):
        """Note text under every kind of element that is open."""
        if self._open:
            self.texts[self._open[-1]][-1] += data

    def handle_endtag(self, tag):
        """Close an element, and those inside that never close."""
        while self._open and self._open.pop() != tag:
            pass


@pytest.fixture(scope="module")
def parsed(page):
    """The tutorial's report as elements."""
    return Page(page)


@pytest.fixture(scope="module")
def hostile(small_summary):
    """A report every text of which comes from an enemy."""
    summary = copy.deepcopy(small_summary)
    old = summary["variants"][0]["name"]
    for part in (*summary["variants"], *summary["curves"], *summary["smoothed"]):
        for key in ("name", "variant"):
            if part.get(key) == old:
                part[key] = HOSTILE
    variant = summary["variants"][0]
    variant["model_summary"] = variant["runs"][0]["reason"] = variant["verdict"]["label"] = HOSTILE
    variant["verdict"]["reasons"] = summary["facts"] = [HOSTILE]
    variant["verdict"]["answer"] = variant["verdict"]["tighter"]["name"] = HOSTILE
    variant["verdict"]["action"] = {"words": HOSTILE, "command": HOSTILE}
    summary["variants"][1]["verdict"]["also"] = HOSTILE
    for key in ("study", "source", "conclusion", "command", "study_toml"):
        summary[key] = HOSTILE
    summary["reference"]["name"] = summary["table"]["columns"][0]["name"] = summary["table"]["classes"][0][
        "name"
    ] = HOSTILE
    summary["environment"] = {HOSTILE: HOSTILE, "justright": HOSTILE}
    summary["effects"] = [
        {
            "baseline": "Large",
            "remedy": HOSTILE,
            "difference": -0.1,
            "low": -0.2,
            "high": 0.0,
            "probability_better": 0.9,
        }
    ]
    return render_html(summary)


def test_nothing_is_loaded_from_anywhere(parsed):
    """The file opens from disk, without network: no element or style refers to an address."""
    addresses = [
        (tag, name, value)
        for tag, attributes in parsed.elements
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "action", "data", "srcset", "poster")
        and not (value or "").startswith("#")
    ]
    assert addresses == []
    assert {"link", "iframe", "object", "embed", "base"}.isdisjoint(tag for tag, _ in parsed.elements)
    styles = " ".join(parsed.texts["style"])
    assert not re.search(r"@import|url\(", styles)
    (policy,) = [a["content"] for _, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")


def test_policy_allows_only_the_scripts_of_the_page(parsed):
    """An injected script would have another hash."""
    (policy,) = [a["content"] for _, a in parsed.elements if a.get("http-equiv") == "Content-Security-Policy"]
    scripts = re.search(r"script-src ([^;]*);", policy).group(1).split()
    assert len(scripts) == 1
    assert all(re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", source) for source in scripts)


def test_the_answer_comes_first(parsed, summary):
    """The heading is the conclusion, then come the fit map, the sentences with their commands, and the table of verdicts."""
    assert parsed.texts["h1"] == [summary["conclusion"]]
    tags = [tag for tag, _ in parsed.elements]
    assert tags.index("h1") < tags.index("figure") < tags.index("code") < tags.index("table")


def test_every_verdict_is_a_word_with_a_symbol(page, summary):
    """Colour alone tells nothing to many readers."""
    found = re.findall(
        r'<span class="verdict [\w -]+"><span aria-hidden="true">(.)</span>([^<]+)</span>', page
    )
    labels = [label_words(variant["verdict"]) for variant in summary["variants"]]
    assert [label.replace("\u00a0", " ") for _, label in found] == labels * 3
    assert {(symbol, label.partition(",")[0]) for symbol, label in found} == {
        ("↓", "underfits"),
        ("✓", "just right"),
        ("↑", "overfits"),
    }


def test_page_holds_every_section(parsed):
    """What the design promises is there."""
    ids = {attributes.get("id") for _, attributes in parsed.elements}
    assert {
        "answer",
        "facts",
        "reasons",
        "effects",
        "curves",
        "table",
        "models",
        "made",
        "report-data",
    } <= ids
    assert parsed.texts["h3"] == [
        *("Fit map", "What would help", "Size curves", "Regularizer curves", "Learning rate"),
    ]


def test_charts_are_drawn_without_scripts_too(page, summary):
    """Each figure holds an SVG picture; each feature its histogram."""
    figures = re.findall(r'<figure (?:id|data-curves)="([\w-]+)">(.*?)</figure>', page, flags=re.DOTALL)
    assert [name for name, _ in figures] == [
        *("chart-fit", "chart-effects", "curves-0", "curves-1", "chart-rates"),
    ]
    assert all(re.search(r'<path class="(rule|train mean)" d="M[-\d .l]+"', figure) for _, figure in figures)
    assert page.count('<div class="feature">') == len(summary["table"]["columns"])


def test_page_is_small_enough_to_send(page):
    """A typical report can be mailed."""
    assert len(page.encode()) < MAX_BYTES


def test_same_summary_gives_the_same_page(small_summary):
    """Reports can be compared, and cached."""
    assert render_html(small_summary) == render_html(copy.deepcopy(small_summary))


def test_hostile_texts_add_no_element_and_no_attribute(hostile):
    """Names, columns, reasons and versions from outside stay text, in HTML as in JSON."""
    page = Page(hostile)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 2
    assert "img" not in tags
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert page.texts["h1"] == [HOSTILE]
    assert "49" not in page.texts["h1"][0]


def test_hostile_names_reach_the_charts_unchanged(hostile):
    """The data in the script element is JSON, and says the same names."""
    text = re.search(r'id="report-data">(.*?)</script>', hostile, flags=re.DOTALL).group(1)
    lines = json.loads(text)["curves"]["loss"]["lines"]
    assert {line["v"] for line in lines} == {HOSTILE, "Large"}


def test_unknown_verdict_gets_no_class_of_its_own(hostile):
    """A label of a newer version cannot choose a style, let alone end the attribute."""
    assert 'class="verdict open"' in hostile


@given(st.recursive(st.text() | st.floats(allow_nan=False, allow_infinity=False) | st.none(), st.lists))
def test_json_cannot_end_its_script_element(value):
    """Whatever the text: no markup, no line separators, and the same value when parsed."""
    text = script_json(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value


def test_legend_offers_every_variant_and_opens_with_the_group(page):
    """A figure opens with its group, what that changes and Tiny; any other variant can be switched on."""
    figure = re.search(r'<figure data-curves="curves-1">.*?</figure>', page, flags=re.DOTALL).group(0)
    buttons = dict(re.findall(r'data-variant="([^"]+)" aria-pressed="(true|false)"', figure))
    assert [name for name, pressed in buttons.items() if pressed == "true"] == [
        "Tiny",
        "Large",
        "L2",
        "Dropout",
        "Combined",
    ]
    assert len(buttons) == 7


def test_smoothing_is_offered_as_far_as_runs_are_long_enough(page, small_summary):
    """Over 30 epochs of 2,400, but not of 40; without any nothing is offered."""
    pressed = re.findall(r'data-set="smoothing" data-to="(\w+)" aria-pressed="(\w+)">([^<]*)<', page)
    first = pressed[: len(pressed) // 2]
    assert first == [
        ("none", "true", "No smoothing"),
        ("3", "false", "3"),
        ("10", "false", "10"),
        ("30", "false", "30 epochs"),
    ]
    assert "Smoothing averages strong lines" in page
    short = render_html(small_summary)
    assert re.findall(r'data-set="smoothing" data-to="(\w+)"', short) == ["none", "3"]
    never = render_html(small_summary | {"smoothed": []})
    assert 'data-set="smoothing"' not in never
    assert "Smoothing" not in never


def test_the_picture_without_scripts_is_of_what_was_measured(page):
    """Seeds and means of training and validation: smoothed lines are the script's."""
    figure = re.search(r'<figure data-curves="curves-0">.*?</figure>', page, flags=re.DOTALL).group(0)
    paths = re.findall(r'<path class="(?:train|val) (seed|mean)"', figure)
    assert (paths.count("seed"), paths.count("mean")) == (24, 8)
    lines = json.loads(re.search(r'id="report-data">(.*?)</script>', page, flags=re.DOTALL).group(1))[
        "curves"
    ]
    smoothed = [line for line in lines["loss"]["lines"] if "z" in line]
    assert {(line["k"], line["z"]) for line in smoothed} == {
        (kind, std) for kind in ("train", "val", "fixed") for std in (3, 10, 30)
    }
    assert {line["s"] for line in smoothed} == {""}


def test_study_without_results_is_a_page_too(small_summary):
    """A report asked for too early says so instead of failing."""
    empty = {
        **small_summary,
        "conclusion": "",
        "facts": [],
        "effects": [],
        "reference": None,
        "curves": [],
        "best_variant": None,
        "variants": [
            {
                **variant,
                "runs": [],
                "test": {"mean": None, "low": None, "high": None},
                "model_summary": "",
                "verdict": {"label": "undecided", "onset_epoch": None, "margin": None, "reasons": ["None."]},
            }
            for variant in small_summary["variants"]
        ],
    }
    page = render_html(empty)
    assert "<h1>No run has ended yet: nothing can be concluded.</h1>" in page
    assert "<figure" not in page
