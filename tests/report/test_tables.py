"""The cells that HTML and Markdown share."""

from __future__ import annotations

import copy

import pytest

from justright.report.number_formats import (
    SYMBOLS,
    format_duration,
    format_interval,
    format_loss,
    format_metric,
    format_span,
    metric_words,
    verdict_symbol,
)
from justright.report.tables import heading, reference_row, run_rows, slug, verdict_rows


def test_cells_are_means_over_seeds_at_the_best_epochs(summary):
    """By hand from the recorded runs."""
    runs = summary["variants"][3]["runs"]
    row = verdict_rows(summary)[3]
    mean = sum(run["best"]["val_binary_crossentropy"] for run in runs) / 3
    assert row["loss"]["validation"] == f"{mean:.4f}"
    assert (row["name"], row["parameters"], row["symbol"], row["label"]) == (
        "Large",
        "803,329",
        "↑",
        "overfits",
    )


def test_training_loss_is_that_of_the_fixed_subset(summary):
    """Only inference-mode values compare with validation and test; the epoch's own serve where there is no other."""
    changed = copy.deepcopy(summary)
    for run in changed["variants"][0]["runs"]:
        run["best"]["fixed_binary_crossentropy"] = 0.25
    for run in changed["variants"][1]["runs"]:
        run["best"]["fixed_binary_crossentropy"] = None
        run["best"]["binary_crossentropy"] = 0.75
    first, second = verdict_rows(changed)[:2]
    assert (first["loss"]["train"], second["loss"]["train"]) == ("0.2500", "0.7500")


def test_test_loss_comes_from_the_judgement_with_its_interval(summary):
    """The interval belongs to the number beside it."""
    test = summary["variants"][0]["test"]
    cells = verdict_rows(summary)[0]["loss"]
    assert cells["test"] == f"{test['mean']:.4f}"
    assert cells["test_interval"] == f"[{test['low']:.4f}, {test['high']:.4f}]"


def test_values_are_as_exact_as_their_intervals(summary):
    """A validation loss known to 0.025 has no fourth decimal; that of 29,000 test rows may have one."""
    changed = copy.deepcopy(summary)
    variant = changed["variants"][0]
    value = variant["runs"][0]["best"]["val_binary_crossentropy"]
    variant["runs"] = variant["runs"][:1]
    variant["intervals"] = {"validation": {"mean": value, "low": value - 0.025, "high": value + 0.025}}
    variant["test"] = {"mean": 2.942e9, "low": 0.64e9, "high": 5.24e9}
    cells = verdict_rows(changed)[0]["loss"]
    assert cells["validation"] == f"{value:.3f}"
    assert (cells["test"], cells["test_interval"]) == ("2.9e9", "[6e8, 5.2e9]")


def test_only_the_largest_training_size_is_averaged(summary):
    """Runs on fewer rows would blur the answer."""
    changed = copy.deepcopy(summary)
    small = copy.deepcopy(changed["variants"][0]["runs"][0]) | {"train_rows": 10}
    small["best"]["val_accuracy"] = 0.0
    changed["variants"][0]["runs"].append(small)
    assert verdict_rows(changed)[0] == verdict_rows(summary)[0]


def test_reference_has_cells_like_a_variant(summary):
    """It stands in the same table."""
    assert reference_row(summary)["loss"] == {
        "train": "–",
        "validation": "–",
        "test": "0.5664",
        "test_interval": "[0.5610, 0.5720]",
    }
    assert reference_row({**summary, "reference": None}) is None


def test_run_that_has_not_ended_says_so(summary):
    """No outcome is not an outcome."""
    changed = copy.deepcopy(summary)
    changed["variants"][0]["runs"][0].update(
        outcome=None, best_epoch=None, best={}, last={}, test={}, test_last={}
    )
    row = run_rows(changed["variants"][0], changed["loss"])[0]
    assert (row["outcome"], row["best_epoch"], row["test"]) == ("running", "–", "–")


def test_heading_names_only_parts_that_have_rows(summary):
    """A study without test rows does not claim any."""
    rows = dict(heading({**summary, "rows": {"train": 10_000, "validation": 1_000, "test": None}}))["Rows"]
    assert rows == "10,000 train, 1,000 validation"


@pytest.mark.parametrize("label", SYMBOLS)
def test_every_verdict_has_a_style_and_a_symbol_of_its_own(label):
    """Contract over all labels."""
    assert slug(label) != "other"
    assert list(SYMBOLS.values()).count(verdict_symbol(label)) == 1


def test_labels_are_those_of_diagnosis():
    """A new label needs a symbol here."""
    from justright.diagnosis import LABELS

    assert set(SYMBOLS) == set(LABELS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (format_metric("val_accuracy", 0.7149), "71.5 %"),
        (format_metric("loss", float("nan")), "–"),
        (format_loss(0.0), "0.0000"),
        (format_loss(0.00001234), "1.234e−05"),
        (format_loss(1_234_567.0), "1.23e6"),
        (format_loss(0.0, signed=True), "+0.0000"),
        (format_interval("accuracy", 0.7, 0.725), "[70.0, 72.5]"),
        (format_interval("loss", None, 0.7), ""),
        (format_span([]), "–"),
        (format_duration(59.97), "1 min 0 s"),
        (format_duration(3_599.6), "1 h 0 min"),
        (format_duration(None), "–"),
        (metric_words("fixed_mean_squared_error"), "Mean squared error"),
    ],
)
def test_numbers_read_well(text, expected):
    """Shares as percentages, losses with four decimals, true minus signs, no sixty seconds."""
    assert text == expected
