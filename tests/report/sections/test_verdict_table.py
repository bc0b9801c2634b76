"""The table of verdicts: which runs its cells average, how exact they are, and since when a network overfits."""

from __future__ import annotations

import copy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from justright.diagnosis.labels import LABELS, OVERFITS
from justright.records.reader import RunRecord
from justright.report import summarise
from justright.report.sections.provenance import heading
from justright.report.sections.reason_list import run_table
from justright.report.sections.verdict_table import (
    meanings,
    since_words,
    verdict_blocks,
    verdict_cell,
)
from justright.runs.events import RunKey

LOSS = "binary_crossentropy"
# Where the cells of the table stand.
EPOCH, TRAIN, VALIDATION, TEST = 3, 4, 5, 6


def table_rows(summary):
    """Return the cells of each row of the table of verdicts."""
    return [row.cells for row in verdict_blocks(summary)[0].rows]


def test_a_study_without_test_rows_says_what_its_columns_hold(summary):
    """Else `test` would promise rows that chose nothing."""
    without = summary | {"rows": summary["rows"] | {"test": 0}}
    notes = [block for block in verdict_blocks(without) if "There are no test rows" in str(block)]
    assert len(notes) == 2  # of pages, and of the terminal
    assert "only test rows measure" not in str(verdict_blocks(without))
    assert "There are no test rows" not in str(verdict_blocks(summary))


def test_cells_are_means_over_seeds_at_the_best_epochs(summary):
    """By hand from the recorded runs."""
    runs = summary["variants"][3]["runs"]
    row = table_rows(summary)[3]
    mean = sum(run["best"]["val_binary_crossentropy"] for run in runs) / 3
    assert row[VALIDATION].text == f"{mean:.4f}"
    assert (row[0].text, row[2].text, row[1].symbol, row[1].text) == ("Large", "803,329", "↑", "overfits")


def test_training_loss_is_that_of_the_fixed_subset(summary):
    """Only inference-mode values compare with validation and test; the epoch's own serve where there is no other."""
    changed = copy.deepcopy(summary)
    for run in changed["variants"][0]["runs"]:
        run["best"]["fixed_binary_crossentropy"] = 0.25
    for run in changed["variants"][1]["runs"]:
        run["best"]["fixed_binary_crossentropy"] = None
        run["best"]["binary_crossentropy"] = 0.75
    first, second = table_rows(changed)[:2]
    assert (first[TRAIN].text, second[TRAIN].text) == ("0.2500", "0.7500")


def test_test_loss_comes_from_the_judgement_with_its_interval(summary):
    """The interval belongs to the number beside it."""
    test = summary["variants"][0]["test"]
    cell = table_rows(summary)[0][TEST]
    assert cell.text == f"{test['mean']:.4f}"
    assert cell.detail == f"[{test['low']:.4f}, {test['high']:.4f}]"


def test_values_are_as_exact_as_their_intervals(summary):
    """A validation loss known to 0.025 has no fourth decimal; that of 29,000 test rows may have one."""
    changed = copy.deepcopy(summary)
    variant = changed["variants"][0]
    value = variant["runs"][0]["best"]["val_binary_crossentropy"]
    variant["runs"] = variant["runs"][:1]
    variant["intervals"] = {"validation": {"mean": value, "low": value - 0.025, "high": value + 0.025}}
    variant["test"] = {"mean": 2.942e9, "low": 0.64e9, "high": 5.24e9}
    cells = table_rows(changed)[0]
    assert cells[VALIDATION].text == f"{value:.3f}"
    assert (cells[TEST].text, cells[TEST].detail) == ("2.9e9", "[6e8, 5.2e9]")


@pytest.mark.parametrize(
    "change",
    [
        {"train_rows": 10},
        {"outcome": "failed", "best_epoch": None},
        {"outcome": "diverged"},
        {"outcome": None, "best_epoch": None},
    ],
)
def test_only_runs_that_count_are_averaged(change):
    """Runs on fewer rows, and those that failed, diverged or still run, would blur the answer."""
    other = replace(
        make_record(7), run=RunKey("Tiny", 7, change.get("train_rows", 50)), best={"val_loss": 9.0}, **{
            key: value for key, value in change.items() if key != "train_rows"
        }
    )  # fmt: skip
    cells = table_rows(summarise_records(make_record(0), make_record(1), other))
    assert cells == table_rows(summarise_records(make_record(0), make_record(1)))


def test_a_failed_run_has_no_best_epoch():
    """It has none; -1 once stood in its place, and the table said "-1-58"."""
    failed = replace(make_record(1), outcome="failed", best_epoch=None, best={}, epochs=0)
    (cells,) = table_rows(summarise_records(make_record(0), failed))
    assert cells[EPOCH].text == "58"


def test_diverged_runs_are_shown_where_no_other_ended():
    """They measured something until then."""
    (cells,) = table_rows(summarise_records(replace(make_record(0), outcome="diverged")))
    assert (cells[EPOCH].text, cells[VALIDATION].text) == ("58", "0.5000")


def make_record(seed):
    """Return the record of a run that ended well, on 50 rows."""
    best = {"val_loss": 0.5, "val_mean_squared_error": 0.5}
    key = RunKey("Tiny", seed, 50)
    return RunRecord(key, "worker", "finished", "", 60, 58, 1.0, best, best, {}, {}, None)


def summarise_records(*records):
    """Return the summary of a store with these runs."""
    reader = SimpleNamespace(
        get_meta=lambda key, default: default, runs=lambda: records, variants=list, curves=pl.DataFrame
    )
    return summarise(
        reader,
        study={"variants": {"Tiny": {}}},
        judgement={},
        table={"task": "regression"},
        environment={},
        command="",
        wall_seconds=1.0,
        rows={"train": 50, "validation": 10, "test": 0},
    )


def test_reference_has_cells_like_a_variant(summary):
    """It stands in the same table."""
    cells = table_rows(summary)[-1]
    assert [cell.text for cell in cells[TRAIN : TEST + 1]] == ["–", "–", "0.5664"]
    assert cells[TEST].detail == "[0.5610, 0.5720]"
    assert len(table_rows({**summary, "reference": None})) == len(summary["variants"])


def test_run_that_has_not_ended_says_so(summary):
    """No outcome is not an outcome."""
    changed = copy.deepcopy(summary)
    changed["variants"][0]["runs"][0].update(
        outcome=None, best_epoch=None, best={}, last={}, test={}, test_last={}
    )
    cells = run_table(changed["variants"][0], changed["loss"]).rows[0].cells
    assert (cells[-1].text, cells[2].text, cells[4].text) == ("running", "–", "–")


def test_heading_names_only_parts_that_have_rows(summary):
    """A study without test rows does not claim any."""
    rows = dict(heading({**summary, "rows": {"train": 10_000, "validation": 1_000, "test": None}}))["Rows"]
    assert rows == "10,000 train, 1,000 validation"


def test_every_label_has_a_symbol_of_its_own():
    """Contract over all labels: no two look alike without colour."""
    cells = [verdict_cell(variant(label.name), "loss") for label in LABELS]
    assert len({cell.symbol for cell in cells}) == len(LABELS)
    assert [cell.tone for cell in cells] == [label.tone for label in LABELS]


def variant(
    label: str = OVERFITS.name, onset: dict[str, int] | None = None, epochs: int = 300
) -> dict[str, Any]:
    """Return a summary's variant with two runs, whose test loss rises by 0.002 and 0.004."""
    runs = [
        {
            "train_rows": 9,
            "counts": True,
            "epochs": epochs + seed,
            "outcome": "stopped early",
            "best": {},
            "last": {},
            "test": {"loss": 0.6},
            "test_last": {"loss": 0.602 + 0.002 * seed},
        }
        for seed in range(2)
    ]
    return {"verdict": {"label": label, "onset_epoch": onset}, "runs": runs}


def test_an_epoch_is_named_when_later_ones_were_measured():
    """The last good epoch: after it the loss is worse."""
    one = variant(onset={"low": 9, "high": 1_050, "last": 1_300})
    assert since_words(one, "loss") == ("after epoch 1,050", "after 1,050")


def test_no_epoch_is_named_when_it_was_the_last():
    """'After epoch 299' would speak of epochs that nobody trained; how much worse the end is was measured."""
    one = variant(onset={"low": 9, "high": 299, "last": 299})
    assert since_words(one, "loss") == ("by 0.0030 at the end", "at the end")


@pytest.mark.parametrize(("high", "since"), [(298, "after 298"), (299, "at the end")])
def test_a_judgement_without_a_last_epoch_takes_the_shortest_run_s(high, since):
    """Folders of older versions."""
    assert since_words(variant(onset={"low": 9, "high": high}), "loss")[1] == since


@pytest.mark.parametrize("label", ["underfits", "just right", "undecided", "diverged"])
def test_other_verdicts_have_no_since(label):
    """They have an onset, too, which says nothing about overfitting."""
    one = variant(label, {"low": 9, "high": 20, "last": 299})
    assert since_words(one, "loss") == ("", "")


def test_only_verdicts_that_occur_are_explained():
    """A legend of what is not there is noise."""
    assert meanings([variant("undecided"), variant("overfits"), variant("undecided")]) == (
        "Overfits: something tighter is better: regularization, fewer parameters, or an earlier end. "
        "Undecided: neither shown nor excluded; its answer says what would decide."
    )
