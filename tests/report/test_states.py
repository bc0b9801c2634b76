"""Every state that a study can be in is a report in every medium: nothing ended, some, all failed, one row, no test rows."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from justright.records.reader import RunRecord
from justright.report import render_html, render_json, render_markdown, summarise
from justright.report.terminal.study_report import print_study
from justright.report.terminal.terminal import Terminal
from justright.runs.events import RunKey, VariantBuilt
from justright.runs.outcomes import OUTCOMES, is_measured

from .conftest import FakeReader

TASKS = {
    "binary": ("binary_crossentropy", "accuracy"),
    "regression": ("mean_squared_error", "mean_absolute_error"),
}
SIZES = (50, 100)
EMPTY = {"mean": None, "low": None, "high": None}
NAMES = ("Tiny", "Large", "Dropout")
VALUES = st.floats(allow_nan=True, allow_infinity=False) | st.just(0.6)

# What is known of one run: its outcome, how many epochs are recorded, the one chosen, and whether test rows were measured.
RUNS = st.tuples(st.sampled_from((None, *OUTCOMES)), st.integers(0, 3), st.booleans(), VALUES)
STATES = st.fixed_dictionaries(
    {
        "task": st.sampled_from(sorted(TASKS)),
        "runs": st.dictionaries(
            st.tuples(st.sampled_from(NAMES), st.integers(0, 1), st.sampled_from(SIZES)), RUNS, max_size=6
        ),
        "built": st.booleans(),
        "judged": st.booleans(),
        "rows": st.fixed_dictionaries(
            {
                "train": st.just(100),
                "validation": st.sampled_from((1, 40)),
                "test": st.sampled_from((0, 1, 60)),
            }
        ),
        "table": st.sampled_from(
            ({}, {"columns": []}, {"columns": [{"name": "x", "min": None, "max": None}]})
        ),
    }
)
NOTHING = {"task": "binary", "runs": {}, "built": False, "judged": False, "table": {}}
NOTHING["rows"] = {"train": 100, "validation": 1, "test": 0}


def record_of(key, facts, metrics):
    """Return the record of a run, and its curves; a run without a chosen epoch has no values at it."""
    outcome, epochs, has_best, value = facts
    chosen = epochs - 1 if outcome and has_best and epochs else None
    at = dict.fromkeys(metrics, value) if chosen is not None else {}
    test = dict.fromkeys(metrics[:2], value) if chosen is not None and is_measured(outcome) else {}
    record = RunRecord(
        *(RunKey(*key), "worker", outcome, "", epochs, chosen, 1.0 if outcome else None),
        *(at, at, test, test, None),
    )
    columns = {name: np.full(epochs, value) for name in metrics}
    keys = dict(zip(("variant", "seed", "train_rows"), key, strict=True))
    return record, pl.DataFrame(keys | {"epoch": np.arange(epochs)} | columns) if epochs else None


def summary_of(state):
    """Return the summary of a study in this state."""
    loss, score = TASKS[state["task"]]
    metrics = [loss, score, *(f"{kind}_{name}" for kind in ("val", "fixed") for name in (loss, score))]
    found = [record_of(key, facts, metrics) for key, facts in state["runs"].items()]
    frames = [frame for _, frame in found if frame is not None]
    none = pl.DataFrame({"variant": [], "seed": [], "train_rows": [], "epoch": []})
    ended = {record.run.variant for record, _ in found if record.outcome}
    judged = [
        {"name": name, "verdict": {"label": "undecided", "reasons": [], "margin": None}, "test": None}
        for name in NAMES
        if name in ended and state["judged"]
    ]
    return summarise(
        FakeReader(
            [record for record, _ in found],
            [VariantBuilt(name, 9, "model", "{}", ()) for name in NAMES if state["built"]],
            pl.concat(frames) if frames else none,
        ),
        study={
            "name": "own",
            "variants": {name: {"group": name[:1]} for name in NAMES},
            "train_sizes": [*SIZES],
        },
        judgement={"variants": judged, "conclusion": "All is open."} if judged else {},
        table={"task": state["task"], **state["table"]},
        environment={"justright": "0"},
        command="",
        wall_seconds=1.0,
        rows=state["rows"],
    )


@given(STATES)
@settings(max_examples=60)
@example(NOTHING)
@example(NOTHING | {"runs": {("Tiny", 0, 100): ("finished", 3, True, 0.6)}})
@example(
    NOTHING
    | {"runs": {("Tiny", 0, 50): ("finished", 3, True, 1e308), ("Large", 0, 50): (None, 2, False, -1e308)}}
)
@example(
    NOTHING
    | {
        "runs": {
            ("Tiny", 0, 100): ("diverged", 3, True, float("nan")),
            ("Large", 0, 100): ("failed", 0, False, 0.0),
        }
    }
)
@example(
    NOTHING
    | {"runs": {("Tiny", 0, 100): ("finished", 1, True, 1e78), ("Large", 0, 50): ("finished", 0, False, 0.6)}}
)
def test_every_state_of_a_study_is_a_report(state):
    """HTML, Markdown, JSON and terminal name every variant, and say it where nothing can be concluded."""
    summary = summary_of(state)
    page, text = render_html(summary), render_markdown(summary)
    result = json.loads(render_json(summary), parse_constant=lambda name: 1 / 0)
    shown = ""
    for width in (60, 80, 120):
        file = io.StringIO()
        print_study(Terminal(file, width=width), summary, Path("study"))
        shown = file.getvalue()
    for name in NAMES:
        assert all(name in medium for medium in (page, text, shown))
    assert [variant["name"] for variant in result["variants"]] == [*NAMES]
    if not summary["conclusion"]:
        assert all("nothing can be concluded" in medium for medium in (page, text, shown))


def test_a_variant_without_a_verdict_says_why():
    """Nothing ended, only smaller sizes did, or the study was interrupted before it was judged."""
    runs = {("Large", 0, 50): ("finished", 3, True, 0.6), ("Dropout", 0, 100): ("finished", 3, True, 0.6)}
    reasons = [one["verdict"]["reasons"] for one in summary_of(NOTHING | {"runs": runs})["variants"]]
    assert reasons == [
        ["No run of this variant has ended."],
        [
            "No run of this variant on 100 training rows has ended; those on fewer rows take no part in verdicts."
        ],
        ["The study was interrupted before its runs were judged. Run the same command again to go on."],
    ]
