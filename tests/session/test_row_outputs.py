"""Metrics and plots of a folder, from what its runs recorded row by row; nothing is trained."""

from __future__ import annotations

import sqlite3
import tomllib

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn import metrics as sk
from tests.refusals import refusal

from benchmarks.scaling import Study, build_folder
from justright.diagnosis.scores.metrics import NEEDS_TEST, UNENDED
from justright.errors import FolderError, InputError
from justright.records.folder import StudyFolder
from justright.records.store import Store
from justright.session.outputs import judge_folder, named_in_reports, write_report
from justright.session.result import open_result
from justright.session.row_outputs import TARGETS, MeasuringRows

ROWS = 300


def write_study(path, *, test=True):
    """Write and judge the folder of two networks with three seeds and a reference model of known probabilities."""
    build_folder(path, Study(variants=2, seeds=3, rows=ROWS))
    rng = np.random.default_rng(8)
    with StudyFolder.open(path, "resume") as folder, Store(folder) as store:
        facts = store.get_meta("table")
        facts["parts"]["test"] = ROWS if test else 0
        store.set_meta("table", facts | {"constant": [0.5, 0.5]})
        targets = store.reference()[TARGETS]
        if not test:
            store.forget_test()
            targets = {"validation": targets["validation"]}
            store.write_reference(TARGETS, targets)
        said = {
            f"{part}_output": np.clip(targets[part] + rng.normal(0, 0.4, ROWS), 0.01, 0.99).astype(np.float32)
            for part in targets
        }
        losses = {
            part: -np.log(np.where(targets[part] == 1, said[f"{part}_output"], 1 - said[f"{part}_output"]))
            for part in targets
        }
        store.write_reference("trees", said | losses)
        store.set_meta("reference", {"name": "trees", "iterations": 5, "test_score": 0.8})
        judge_folder(store, tomllib.loads(folder.study_path.read_text()))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A judged folder with test rows; treat it as read-only."""
    return write_study(tmp_path_factory.mktemp("metrics") / "study")


def recorded(path, kind):
    """Return the targets, and (seeds, rows) of what the first variant recorded."""
    with StudyFolder.open(path, "resume") as opened, Store(opened) as store:
        runs = [record for record in store.runs() if record.run.variant == "v1"]
        part = kind.removesuffix("_output")
        return store.reference()[TARGETS][part], [store.row_losses(one.run, kind)[40] for one in runs]


def test_metrics_are_means_over_seeds_on_test_rows(folder):
    """Those of scikit-learn, at the chosen epoch; the frame has a row for each variant and metric."""
    targets, outputs = recorded(folder, "test_output")
    frame = open_result(folder).metrics
    assert frame.columns == ["variant", "metric", "mean", "low", "high"]
    found = dict(frame.filter(variant="v1").select("metric", "mean").iter_rows())
    assert found["roc_auc"] == pytest.approx(np.mean([sk.roc_auc_score(targets, one) for one in outputs]))
    expected = np.mean([sk.matthews_corrcoef(targets, one > 0) for one in outputs])
    assert found["matthews_correlation"] == pytest.approx(expected)
    assert frame.height == 2 * 9


def test_result_json_has_metrics_of_variants_and_the_reference(folder):
    """Each with mean and ends."""
    result = open_result(folder).result
    assert list(result["variants"][0]["metrics"]["f1"]) == ["mean", "low", "high"]
    assert list(result["reference"]) == ["name", "test", "metrics"]
    assert result["reference"]["metrics"]["roc_auc"]["mean"] > 0.9


def test_the_accuracy_of_the_verdicts_has_the_interval_of_the_metric(folder):
    """One number is said in one way."""
    variant = open_result(folder).summary["variants"][0]
    assert variant["intervals"]["test_score"] == variant["metrics"]["accuracy"]


def test_without_test_rows_each_half_is_measured_at_the_epoch_of_the_other(tmp_path):
    """The log loss is then the verdicts' own, not the lower one of the epoch that these rows chose."""
    summary = open_result(write_study(tmp_path / "study", test=False)).summary
    for variant in summary["variants"]:
        assert variant["metrics"]["log_loss"]["mean"] == pytest.approx(variant["test"]["mean"], rel=1e-5)
    assert summary["pictures"]["part"] == "validation"


def test_losses_of_another_kind_are_not_read_as_cross_entropies(tmp_path):
    """Without test rows metrics come from losses; where these do not fit the outputs, there are none."""
    path = write_study(tmp_path / "study", test=False)
    with StudyFolder.open(path, "resume") as opened, Store(opened) as store:
        rows, record = MeasuringRows.of(store), store.runs()[0]
        store.write_reference(TARGETS, {"validation": 1 - rows.targets})
        found = MeasuringRows.of(store).metrics([record])
    assert {one["reason"] for one in found.values()} == {NEEDS_TEST}


def test_a_variant_whose_runs_all_diverged_has_a_reason(tmp_path):
    """Null for each metric, and the other variant as before."""
    path = write_study(tmp_path / "study")
    with StudyFolder.open(path, "resume") as opened, Store(opened) as store:
        with sqlite3.connect(opened.database_path) as connection:
            connection.execute("UPDATE runs SET outcome = 'diverged' WHERE variant = 'v1'")
        connection.close()
        judge_folder(store, tomllib.loads(opened.study_path.read_text()))
    first, second = open_result(path).summary["variants"]
    assert first["metrics"]["roc_auc"] == {"mean": None, "low": None, "high": None, "reason": UNENDED}
    assert second["metrics"]["roc_auc"]["mean"] > 0.5


def test_plots_of_classes_are_drawn_for_variants_and_the_reference(folder):
    """By default the variant that validation rows choose."""
    result = open_result(folder)
    for draw in (
        result.plot_roc,
        result.plot_precision_recall,
        result.plot_calibration,
        result.plot_confusion,
    ):
        assert draw("trees", draw()).get_xlabel()
    assert result.display("roc").name == result.summary["best_variant"]
    assert result.display("roc", "v1").y.shape == (3, 201)
    assert result.display("confusion", "trees").counts.sum() == ROWS
    assert (
        result.plot_roc("trees", result.plot_roc("v1"))
        .get_legend()
        .get_texts()[1]
        .get_text()
        .startswith("trees (ROC AUC 0.9")
    )
    plt.close("all")


def test_the_fit_map_is_that_of_all_networks(folder):
    """Its arrays are those of `result.json`, its rows those of `verdicts`; a variant has no map of its own."""
    result = open_result(folder)
    display = result.display("fit")
    assert display.names == ("v1", "v2")
    frame = result.verdicts
    for item, row, freer, tighter in zip(
        result.result["variants"], frame.to_dicts(), display.freer, display.tighter, strict=True
    ):
        verdict = item["verdict"]
        for direction, gains in (("freer", freer), ("tighter", tighter)):
            found = verdict[direction] or dict.fromkeys(("name", "gain", "low", "high"))
            expected = [np.nan if found[key] is None else found[key] for key in ("gain", "low", "high")]
            np.testing.assert_array_equal(gains, expected)
            assert (row[direction], row[f"{direction}_gain"]) == (found["name"], found["gain"])
        assert row["headroom_gain"] == (verdict["headroom"] or {}).get("gain")
        assert (row["also"], row["answer"]) == (verdict["also"], verdict["answer"])
    assert frame["answer"].null_count() == 0
    assert result.plot_fit().get_xlabel() == "Gain by something tighter (test loss)"
    plt.close("all")
    assert refusal(result.display, "fit", "v1") == (
        "`variant` must be left out for the plot 'fit', which shows all networks; got 'v1'."
    )


def test_the_page_s_commands_name_the_folder_and_never_where_it_lies(folder, monkeypatch):
    """As it is reached from the working folder, or else by its name."""
    monkeypatch.chdir(folder.parent.parent)
    page = write_report(StudyFolder.open(folder, "read"), open_result(folder).summary)
    assert f"<span>{folder.parent.name}/{folder.name}</span>" in page.read_text(encoding="utf-8")
    monkeypatch.chdir("/")
    assert named_in_reports(folder.parent) == str(folder.parent).lstrip("/")
    monkeypatch.chdir(folder)
    assert named_in_reports(folder) == folder.name


def test_a_plot_for_another_task_or_variant_is_refused(folder):
    """With what there is."""
    result = open_result(folder)
    assert refusal(result.plot_residuals) == (
        "The plot must be one for the table's task; got 'residuals' for binary, which has roc, precision_recall, "
        "calibration and confusion."
    )
    assert refusal(result.plot_roc, "v3") == "`variant` must be one of 'v1', 'v2', 'trees'; got 'v3'."
    with pytest.raises(InputError):
        result.display("pie")


def test_a_folder_without_outputs_says_so(tmp_path):
    """As one of an old version."""
    path = write_study(tmp_path / "study")
    with sqlite3.connect(path / "study.db") as connection:
        connection.execute("DELETE FROM row_losses WHERE kind LIKE '%_output'")
    connection.close()
    assert refusal(open_result(path).plot_roc, "v1", error=FolderError) == (
        "The folder must hold what 'v1' said about each row to plot it; none of its runs recorded that. "
        "Run the study again in a fresh folder with --new."
    )
