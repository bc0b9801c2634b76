"""A study as one plain dict, and the contract part of it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from justright.records.folder import StudyFolder
from justright.records.reader import RunRecord
from justright.records.store import Store
from justright.report import render_json, result_json, summarise
from justright.report.number_formats import mean_of
from justright.runs.events import EpochBlock, RunFinished, RunKey, StackCheckpoint, VariantBuilt


@pytest.fixture(scope="module")
def unfinished_reader():
    """The store of a study whose only run has no outcome yet and measured a NaN."""
    record = RunRecord(RunKey("Tiny", 0, 50), "worker", None, "", 1, None, None, {}, {}, {}, {}, None)
    curves = pl.DataFrame({"variant": "Tiny", "seed": 0, "train_rows": 50, "epoch": [0], "loss": [math.nan]})

    class Reader:
        """A store with one unfinished run."""

        def runs(self):
            """Return the run."""
            return [record]

        def variants(self):
            """Return nothing: the model was not built yet."""
            return []

        def get_meta(self, key, default=None):
            """Return the default: nothing else is recorded."""
            return default

        def curves(self):
            """Return one epoch."""
            return curves

    return Reader()


@pytest.fixture(scope="module")
def unfinished(unfinished_reader):
    """The summary of that study."""
    return summarise(
        unfinished_reader,
        study={"name": "custom", "table": {"source": "t.csv"}, "variants": {"Tiny": {}, "Later": {}}},
        judgement={},
        table={"task": "regression"},
        environment={"justright": "0.1.0"},
        command="justright run t.csv",
        wall_seconds=float("nan"),
        rows={"train": 50},
    )


def test_the_contract_is_documented(summary):
    """Each key of the file, of a variant, of its verdict and of its runs has its place in the page for programs."""
    page = (Path(__file__).parents[2] / "docs/ci.md").read_text(encoding="utf-8")
    result = result_json(summary)
    variant = result["variants"][0]
    keys = {*result, *variant, *variant["verdict"], *variant["runs"][0], *variant["test"]}
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_result_has_exactly_the_keys_of_the_contract(summary):
    """Programs rely on these names and on no others."""
    result = result_json(summary)
    assert list(result) == [
        *("schema_version", "study", "source", "task", "rows"),
        *("seeds", "wall_seconds", "device", "workers_tried"),
        *("warnings", "variants", "effects", "data_scaling", "reference", "constant", "choice"),
    ]
    assert list(result["rows"]) == ["train", "validation", "test"]
    variant = result["variants"][0]
    assert list(variant) == [
        *("name", "parameters", "precision", "batch_orders", "lanes"),
        *("verdict", "learned", "runs", "test", "metrics"),
    ]
    assert list(variant["verdict"]) == [
        *("label", "onset_epoch", "margin", "reasons"),
        *("also", "freer", "tighter", "headroom", "answer", "action", "spikes"),
    ]
    assert list(variant["verdict"]["onset_epoch"]) == ["low", "high"]
    assert list(variant["runs"][0]) == [
        *("seed", "train_rows", "epochs", "best_epoch", "outcome", "best", "last", "test", "test_last"),
    ]
    assert list(variant["test"]) == ["mean", "low", "high"]
    assert list(result["effects"][0]) == [
        "baseline",
        "remedy",
        "difference",
        "low",
        "high",
        "probability_better",
    ]
    assert list(result["reference"]) == ["name", "test", "metrics"]


def test_result_holds_what_the_store_and_the_judgement_said(summary):
    """Nothing is computed anew between the store and the file."""
    result = result_json(summary)
    assert [variant["name"] for variant in result["variants"]] == [
        *("Tiny", "Small", "Medium", "Large", "L2", "Dropout", "Combined"),
    ]
    assert [variant["parameters"] for variant in result["variants"]][:4] == [481, 753, 10_241, 803_329]
    assert result["rows"] == {"train": 10_000, "validation": 1_000, "test": 29_075}
    assert result["seeds"] == [0, 1, 2]
    large = result["variants"][3]
    assert large["verdict"]["label"] == "overfits"
    assert (
        large["runs"][1]["best"]["val_binary_crossentropy"] + 0.029
        == large["runs"][1]["test"]["binary_crossentropy"]
    )
    assert result["reference"] == {"name": "Gradient-boosted trees", "test": 0.5664, "metrics": {}}


def test_json_is_the_result_and_ends_in_a_line_break(summary):
    """The file parses back to the same values."""
    text = render_json(summary)
    assert json.loads(text, parse_constant=pytest.fail) == result_json(summary)
    assert text.endswith("}\n")


def test_json_refuses_a_nan_that_summarise_did_not_see(summary):
    """NaN is not JSON; a broken file is worse than an error."""
    with pytest.raises(ValueError, match=r"^Out of range float values are not JSON compliant"):
        render_json({**summary, "wall_seconds": math.nan})


def test_nan_becomes_null(unfinished):
    """What was not measured is null everywhere, never NaN and never 0."""
    assert unfinished["wall_seconds"] is None
    json.dumps(unfinished, allow_nan=False)


def test_variant_without_an_ended_run_is_undecided(unfinished):
    """A report of a study that is still running names every variant of its description."""
    assert [variant["name"] for variant in unfinished["variants"]] == ["Tiny", "Later"]
    assert unfinished["variants"][1]["verdict"] == {
        "label": "undecided",
        "onset_epoch": None,
        "margin": None,
        "reasons": ["No run of this variant has ended."],
    } | dict.fromkeys(("also", "freer", "tighter", "headroom", "answer", "action", "spikes"))
    assert unfinished["rows"] == {"train": 50, "validation": None, "test": None}


def test_summary_is_json_without_conversion(summary):
    """No NumPy number or tuple is left in it."""
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_mean_ignores_what_was_not_measured():
    """The mean over seeds is over the seeds that have the value."""
    assert mean_of([1.0, None, 2.0]) == 1.5
    assert mean_of([None]) is None
    assert mean_of(np.array([0.1, 0.2])) == pytest.approx(0.15)


def test_a_real_store_is_read_as_it_was_written(tmp_path):
    """From the engine's events through the database into the summary."""
    run = RunKey("Tiny", 0, 50)
    metrics = {"loss": np.array([0.7, 0.6]), "val_loss": np.array([0.7, np.nan])}
    ended = RunFinished(
        run, "finished", "Done.", 2, 0, 1.5, {"val_loss": 0.7}, {"val_loss": np.nan}, {"loss": 0.8}, {}
    )
    with StudyFolder.open(tmp_path / "study", "create") as folder, Store(folder) as store:
        store.handle(VariantBuilt("Tiny", 481, "summary", "{}", (("dense", "Dense", "(None, 16)", 464),)))
        block = EpochBlock(run, 0, metrics)
        store.handle(StackCheckpoint("stack", "checkpoints/a.safetensors", 2, (), (block,), (ended,)))
        summary = summarise(
            store,
            study={"name": "custom"},
            judgement={},
            table={"task": "binary"},
            environment={},
            command="",
            wall_seconds=1.0,
            rows={"train": 50},
        )
    (variant,) = result_json(summary)["variants"]
    assert variant["parameters"] == 481
    assert variant["runs"] == [
        {
            "seed": 0,
            "train_rows": 50,
            "epochs": 2,
            "best_epoch": 0,
            "outcome": "finished",
            "best": {"val_loss": 0.7},
            "last": {"val_loss": None},
            "test": {"loss": 0.8},
            "test_last": {},
        }
    ]
    assert summary["curves"][0]["metrics"] == {"loss": [0.7, 0.6], "val_loss": [0.7, None]}


def test_what_only_a_plug_in_knows_of_the_judgement_is_kept(unfinished_reader):
    """A section that comes with a plug-in finds its data in the summary."""
    summary = summarise(
        unfinished_reader,
        study={"variants": {"Tiny": {}}},
        judgement={"facts": ["One."], "luck": {"Tiny": 0.5}},
        table={"task": "binary"},
        environment={},
        command="justright run",
        wall_seconds=1.0,
        rows={"train": 50},
    )
    assert (summary["facts"], summary["more"]) == (["One."], {"luck": {"Tiny": 0.5}})
