"""What a comparison says about two networks, for losses and for metrics of which more is better."""

from __future__ import annotations

import io

import pytest

from justright.diagnosis.scores.metric_list import METRICS
from justright.logs.metric_names import direction_of
from justright.report.comparisons.comparison_blocks import MOST_SHOWN, comparison_sentences
from justright.report.comparisons.comparison_pages import (
    print_comparison,
    render_comparison_html,
    render_comparison_markdown,
)
from justright.report.terminal.terminal import Terminal


def variant(name, mean=0.5, **changes):
    """Return one network of a folder."""
    values = {
        "variant": name,
        "is_best": False,
        "parameters": 10,
        "seeds": 2,
        "mean": mean,
        "low": 0.4,
        "high": 0.6,
    }
    return values | {"label": "overfits", "verdict": "overfits"} | changes


def comparison(metric="binary_crossentropy", variants=1, names=("a", "b"), **difference):
    """Return two folders and a difference of their best networks."""
    folders = [
        {
            "folder": name,
            "study": "quick",
            "part": "test",
            "train_rows": 90,
            "measuring_rows": 50,
            "is_compared": True,
        }
        | {"variants": [variant("Net", is_best=True), *(variant(f"N{one}") for one in range(1, variants))]}
        for name in names
    ]
    values = {
        "first": {"folder": names[0], "variant": "Net"},
        "second": {"folder": names[1], "variant": "Net"},
    }
    values |= {"difference": 0.02, "low": 0.01, "high": 0.03, "pairing": "rows and seeds", "seeds": [2, 2]}
    values |= {"parts": ["test", "test"], "rows": [50, 50], "margin": None}
    return {
        "metric": metric,
        "task": "binary",
        "target": "y",
        "folders": folders,
        "differences": [values | difference],
    }


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            comparison(),
            (
                "Net of a is better than Net of b: its binary crossentropy is lower by 0.020 [0.010, 0.030], paired by row and "
                "seed (50 test rows, 2 seeds)."
            ),
        ),
        (
            comparison(difference=-0.02, low=-0.03, high=-0.01, margin=0.04),
            (
                "Net of b is better than Net of a: its binary crossentropy is lower by 0.020 [0.010, 0.030], paired by row and "
                "seed (50 test rows, 2 seeds); any difference is below 0.0400, which is too small to matter."
            ),
        ),
        (
            comparison("roc_auc", pairing="rows"),
            (
                "Net of b is better than Net of a: its ROC AUC is higher by 0.020 [0.010, 0.030], paired by row, their seeds "
                "differ (50 test rows, 2 seeds each)."
            ),
        ),
        (
            comparison("accuracy", low=-0.01, high=0.05, pairing="nothing", seeds=[1, 3], rows=[50, 1200]),
            (
                "Net of b cannot be told from Net of a: their difference of accuracy is +2.0 % [-1.0, 5.0], not paired, since "
                "their rows differ (50 test rows with 1 seed and 1,200 test rows with 3 seeds, so this is about these two "
                "networks only)."
            ),
        ),
        (
            comparison(difference=0.001, low=-0.002, high=0.004, margin=0.01, seeds=[1, 1]),
            (
                "Net of b is as good as Net of a: any difference of binary crossentropy is below 0.0100, which is too small to "
                "matter: +0.0010 [−0.0020, +0.0040], paired by row and seed (50 test rows, 1 seed, so this is about these two "
                "networks only)."
            ),
        ),
    ],
)
def test_a_difference_is_one_sentence(values, sentence):
    """Who is better by how much, or that nobody knows, and what that rests on."""
    assert list(comparison_sentences(values)) == [sentence]


def test_it_is_known_of_every_metric_whether_more_of_it_is_better():
    """By its name; the name of a new metric must tell as well."""
    less = {"log_loss", "brier_score", "calibration_error", "mean_absolute_error", "root_mean_squared_error"}
    more = {one.name for one in METRICS if direction_of(one.name) == "more"}
    assert {one.name for one in METRICS} - more == less | {"median_absolute_error"}


def test_long_studies_show_their_best_networks():
    """And say how many are left out, in a terminal of any width."""
    values = comparison(variants=MOST_SHOWN + 3, names=("runs/" + "long-name-" * 5, "b"))
    for width in (60, 120):
        stream = io.StringIO()
        print_comparison(Terminal(stream, width), values)
        text = stream.getvalue()
        assert text.count("\nN") == 2 * MOST_SHOWN
        assert "6 more networks are not shown; --json and `.table` have all of them." in " ".join(
            text.split()
        )
        assert max(map(len, text.splitlines())) <= width


def test_names_from_outside_are_escaped():
    """A folder may be called anything."""
    values = comparison(names=("<b>|x", "\x1b[2Jy"))
    markdown, page = render_comparison_markdown(values), render_comparison_html(values, version="1")
    assert "| \\<b\\>\\|x |" in markdown
    assert "<b>|x" not in page
    assert "\x1b" not in markdown + page
