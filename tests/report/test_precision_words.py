"""In which precision, on what, and with whose batch orders networks were trained: said in every medium."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from justright.report import render_html, render_markdown, result_json, summarise
from justright.report.terminal.study_report import print_findings
from justright.runs.events import WorkersTried

DEVICE = "2 x NVIDIA H100 80GB HBM3"
ON_DEVICE = {"precision": "tensorfloat32", "batch_orders": "device"}


class EmptyReader:
    """A store in which nothing is recorded yet."""

    def variants(self):
        """Return nothing."""
        return []

    def runs(self):
        """Return nothing."""
        return []

    def __init__(self, lanes=(), tried=()):
        self.recorded = {"variant_lanes": dict(lanes), "workers_tried": [*tried]}

    def get_meta(self, key, default):
        """Return the lanes of variants and what came of further workers, if any were recorded."""
        return self.recorded.get(key) or default

    def curves(self):
        """Return nothing."""
        import polars as pl

        return pl.DataFrame({"variant": [], "seed": [], "train_rows": [], "epoch": []})


def summary_of(recipe, variants, lanes=(), tried=(), **environment):
    """Return the summary of a study with this recipe, in which variants may have their own."""
    return summarise(
        EmptyReader(lanes, tried),
        study={"recipe": recipe, "variants": variants},
        judgement={},
        table={"task": "binary"},
        environment=environment,
        command="justright run",
        wall_seconds=1.0,
        rows={"train": 50},
    )


@pytest.fixture(scope="module")
def mixed():
    """A study on two GPUs, whose largest network has a recipe of its own."""
    own = {"precision": "bfloat16"}
    return summary_of(ON_DEVICE, {"Tiny": {}, "Small": {}, "Large": {"recipe": own}}, device=DEVICE)


def test_result_json_has_the_recipe_of_each_variant_and_the_devices(mixed):
    """A variant's own recipe takes the place of the study's, as in training."""
    result = result_json(mixed)
    assert result["device"] == DEVICE
    assert {one["name"]: (one["precision"], one["batch_orders"]) for one in result["variants"]} == {
        "Tiny": ("tensorfloat32", "device"),
        "Small": ("tensorfloat32", "device"),
        "Large": ("bfloat16", "host"),
    }


def test_a_folder_from_before_says_what_there_was_then():
    """Neither devices nor batch orders were recorded; every recipe had its precision."""
    result = result_json(summary_of({"batch_size": 500}, {"Tiny": {}}))
    assert result["device"] is None
    assert [(one["precision"], one["batch_orders"]) for one in result["variants"]] == [("float32", "host")]


@pytest.mark.parametrize(
    ("precision", "sentence"),
    [
        ("float32", "Precision: float32, on NVIDIA L4."),
        ("tensorfloat32", "Precision: TF32 (tensor cores), on NVIDIA L4."),
        ("bfloat16", "Precision: bfloat16 operands, float32 sums, on NVIDIA L4."),
    ],
)
def test_the_terminal_says_each_precision_in_words(terminal, tmp_path, precision, sentence):
    """Below the table, beside what its numbers mean."""
    console, file = terminal(80)
    print_findings(console, summary_of({"precision": precision}, {"Tiny": {}}, device="NVIDIA L4"), tmp_path)
    assert sentence in file.getvalue().splitlines()


def test_page_and_markdown_name_precision_device_and_batch_orders(mixed):
    """Where they say how the study was made."""
    words = "TF32 (tensor cores) for Tiny and Small; bfloat16 operands, float32 sums for Large"
    said = f"precision {words}, batch orders drawn on the device for Tiny and Small, device {DEVICE}"
    markdown = render_markdown(mixed)
    assert said in markdown.replace("\\", "")
    page = render_html(mixed)
    for value in (words, "drawn on the device for Tiny and Small", DEVICE):
        assert f">{value}<" in page


def test_lanes_that_trained_side_by_side_are_said_and_null_where_none_were_recorded():
    """As on a CPU, and in folders from before."""
    variants = {"Tiny": {}, "Small": {}, "Large": {}}
    summary = summary_of(ON_DEVICE, variants, lanes={"Tiny": 45, "Small": 45, "Large": 2}, device=DEVICE)
    assert [one["lanes"] for one in result_json(summary)["variants"]] == [45, 45, 2]
    assert "runs side by side up to 45 for Tiny and Small; 2 for Large" in render_markdown(summary)
    assert ">up to 45 for Tiny and Small; 2 for Large<" in render_html(summary)
    nothing = summary_of(ON_DEVICE, variants, device=DEVICE)
    assert [one["lanes"] for one in result_json(nothing)["variants"]] == [None] * 3
    assert "side by side" not in render_markdown(nothing)


def test_what_came_of_further_workers_is_said_and_nothing_where_none_was_tried(terminal, tmp_path):
    """In the terminal, where a study says how it was made, and in plain values."""
    tried = [asdict(WorkersTried(2, 2, 1.31)), asdict(WorkersTried(3, 2, 1.004))]
    summary = summary_of(ON_DEVICE, {"Tiny": {}}, tried=tried, device="NVIDIA L4")
    assert result_json(summary)["workers_tried"] == tried
    said = "A second worker on the device gained 31 %: two were kept. A third worker on the device gained nothing: two were kept."
    assert f"workers on the device {said}" in render_markdown(summary)
    assert said in render_html(summary)
    console, file = terminal(300)
    print_findings(console, summary, tmp_path)
    assert f"Precision: TF32 (tensor cores), on NVIDIA L4. {said}" in file.getvalue().splitlines()
    nothing = summary_of(ON_DEVICE, {"Tiny": {}}, device="NVIDIA L4")
    assert result_json(nothing)["workers_tried"] == []
    assert "worker" not in render_markdown(nothing)


def test_orders_that_the_host_makes_are_not_mentioned():
    """As there was nothing else for long."""
    assert "batch orders" not in render_markdown(summary_of({"precision": "float32"}, {"Tiny": {}}))


def test_the_terminal_says_how_many_runs_trained_side_by_side(terminal, tmp_path):
    """Where `justright run` and `justright show` print the table; nothing where none were recorded."""
    variants = {"Tiny": {}, "Small": {}}
    for lanes, said in (
        ({"Tiny": 45, "Small": 2}, " Runs side by side: up to 45 for Tiny; 2 for Small."),
        ((), ""),
    ):
        console, file = terminal(200)
        summary = summary_of({"precision": "float32"}, variants, lanes=lanes, device="NVIDIA L4")
        print_findings(console, summary, tmp_path)
        assert f"Precision: float32, on NVIDIA L4.{said}" in file.getvalue().splitlines()
