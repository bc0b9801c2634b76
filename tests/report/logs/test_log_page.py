"""Readings of logs as pages, Markdown and plots: complete, and nothing from outside commands them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import get_args

import numpy as np
import pytest
from markdown_it import MarkdownIt
from tests.log_readings import HOSTILE, every_kind, make_run, train_only
from tests.refusals import refusal

from justright.logs.curve_labels import LOG_LABELS
from justright.logs.run_reading import CurveLabel
from justright.report.logs.log_markdown import render_log_markdown
from justright.report.logs.log_page import render_log_html
from justright.report.logs.log_plot import log_figure, plot_log
from justright.report.logs.log_words import headline
from justright.report.logs.shown_curves import ShownCurve, panels, shown_ends, thinned

KINDS = every_kind()


class Page(HTMLParser):
    """The tags, classes and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep a tag."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        """Keep a text."""
        self.texts.append(data)

    def having(self, css):
        """Return how many elements have a class."""
        return sum(name == "class" and css in value.split() for _, name, value in self.attributes)


@pytest.fixture(scope="module")
def pages():
    """Return every kind's page."""
    return {kind: Page(render_log_html(runs, version="1.2")) for kind, runs in KINDS.items()}


def test_every_label_has_a_look():
    """And no look is without a label."""
    assert tuple(LOG_LABELS) == get_args(CurveLabel)


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("overfits", "overfits.csv overfits"),
        ("flat", "flat.csv is flat"),
        ("one run with earlier attempts", "metrics.csv overfits"),
        (
            "several runs",
            (
                "8 runs: 1 overfits, 1 overfits by loss only, 1 still improving, 1 flat, 1 diverged, 1 unstable, "
                "1 undecided, 1 too short to judge"
            ),
        ),
    ],
)
def test_the_headline_says_the_answer(kind, title, pages):
    """In one line; earlier attempts are not counted."""
    assert headline(KINDS[kind]) == title
    assert title in pages[kind].texts


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_loads_no_address_and_says_every_label(kind, pages):
    """Everything that it needs is in it."""
    page = pages[kind]
    loaded = [
        (tag, value)
        for tag, name, value in page.attributes
        if name in {"src", "href"} and not value.startswith("#")
    ]
    assert loaded == []
    assert {run.label for run in KINDS[kind]} <= {text.strip() for text in page.texts}
    assert "default-src 'none'" in next(
        value for tag, name, value in page.attributes if tag == "meta" and name == "content"
    )


def test_each_metric_of_each_set_has_a_panel(pages):
    """Training faint, validation strong, the onset shaded, the best marked."""
    page = pages["six sets"]
    assert (page.having("faint"), page.having("mean"), page.having("dot")) == (12, 12, 12)
    assert (
        sum(tag == "path" and name == "class" and value == "onset" for tag, name, value in page.attributes)
        == 6
    )
    assert pages["train only"].having("mean") == 1


def test_names_from_outside_are_text(pages):
    """Neither elements nor control characters; hostile pages have the tags of harmless ones."""
    assert sorted(set(pages["hostile"].tags)) == sorted(set(pages["overfits"].tags))
    assert pages["hostile"].tags.count("script") == 2
    text = render_log_html(KINDS["hostile"])
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_markdown_says_all_that_the_reading_says():
    """For a comment on a pull request."""
    text = render_log_markdown([make_run()], ["'x.csv' is empty."])
    lines = text.splitlines()
    assert lines[0] == "<!-- justright diagnose -->"
    for line in (
        "## metrics.csv overfits",
        "**↑ overfits.** Validation loss was lowest at epoch 30 (0.600) and ended at 1.190, 0.59 \\[0.57, 0.61\\] higher.",
        "| validation | ↑ overfits | Loss | 30 | 0.6000 | 1.1900 | worse by 0.590 \\[0.570, 0.610\\] since 31–36 |",
        "- JR101 Validation loss rises since epoch 31 to 36 while training loss falls.",
        "1. Keep the state of epoch 30. *(measured in this log)* `cp checkpoint-30 best`",
        "2. Stop when validation loss has not improved for 10 epochs. *(general)*",
        "- Epochs are counted from 0.",
        "### Not read",
        "- 'x.csv' is empty.",
    ):
        assert line in lines
    assert re.search(r"^- validation [▁-█]{40} 0\.6000 to 1\.1900$", text, re.MULTILINE)


def test_markdown_of_many_runs_is_brief():
    """A comment has at most 65,536 characters: the table, and for the first runs the answer and what to do first."""
    text = render_log_markdown([make_run(name=f"run {number}") for number in range(100)])
    assert text.count("| ↑ overfits |") == 100
    assert text.count("**↑ overfits.**") == text.count("1. Keep the state of epoch 30.") == 12
    assert "Findings" not in text
    assert len(text) < 20_000


def test_an_explosion_leaves_the_picture():
    """What came before it can still be seen."""
    values = np.concatenate([np.linspace(1.0, 0.5, 40), [1e5, 1e9]])
    assert shown_ends([values], is_more=False)[1] < 3


@pytest.mark.parametrize("kind", ["hostile", "hostile runs"])
def test_markdown_holds_names_as_text(kind):
    """No link, no HTML but our own comment, no further cell."""
    tokens = MarkdownIt("commonmark").enable("table").parse(render_log_markdown(KINDS[kind]))
    inline = [child for token in tokens for child in token.children or ()]
    assert {token.type for token in inline} <= {
        "text",
        "strong_open",
        "strong_close",
        "em_open",
        "em_close",
        "code_inline",
    }
    assert [token.content.strip() for token in tokens if token.type == "html_block"] == [
        "<!-- justright diagnose -->"
    ]
    assert HOSTILE[1] not in render_log_markdown(KINDS[kind])


def test_a_plot_shows_the_judged_curve_of_one_set():
    """Values as they were measured; the title says the label."""
    run = make_run(sets=("a", "b"))
    ax = plot_log(run, set="validation: b")
    drawn = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    assert list(drawn) == ["training", "validation", "best, epoch 30"]
    np.testing.assert_array_equal(drawn["validation"], next(run.curves.of_set("validation", "b")).values)
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("metrics.csv: overfits", "Epoch", "Loss")
    assert plot_log(train_only(), ax).get_title() == "train-only.csv: undecided"


def test_a_set_that_is_not_there_cannot_be_plotted():
    """The error lists those that are."""
    assert refusal(plot_log, make_run(), set="test") == "`set` must be one of 'validation'; got 'test'."


def test_a_run_without_finite_values_cannot_be_plotted():
    """It says so; page and Markdown do without the curve."""
    run = make_run("diverged", courses={"": np.full(9, np.nan)}, has_training=False, sets=())
    assert refusal(log_figure, run) == "A curve must have finite values to be drawn; 'metrics.csv' has none."
    assert "diverged" in render_log_html([run])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_drawn(kind):
    """A panel for each metric of each set."""
    for run in KINDS[kind]:
        assert len(log_figure(run).axes) == max(1, 2 * len(run.sets))


def test_a_start_far_off_is_cut_and_spikes_do_not_stretch_the_range():
    """What happened since the best value is what can be seen; of accuracies, that is at the top."""
    plunge = np.concatenate([[9.0], np.linspace(1.0, 0.5, 50), np.linspace(0.5, 0.7, 50)])
    low, high = shown_ends([plunge], is_more=False)
    assert low == 0.5
    assert high < 2
    assert shown_ends([1 - plunge], is_more=True) == (1 - high, 1 - low)
    assert shown_ends([np.array([2.0, 2.0])], is_more=False) == (2.0, 2.0)
    (panel, _) = panels(make_run("unstable"))
    assert panel.ends(with_training=False)[1] > 1.0


def test_thinning_keeps_every_extreme():
    """A spike of one value in 10,000 is still seen."""
    values = np.zeros(10_000)
    values[7_123], values[55] = 5.0, -3.0
    few = thinned(ShownCurve(np.arange(10_000.0), values))
    assert len(few.at) <= 402
    assert (few.values.max(), few.values.min()) == (5.0, -3.0)
    assert (few.at[0], few.at[-1]) == (0.0, 9_999.0)
