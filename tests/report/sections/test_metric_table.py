"""The table of metrics in page, Markdown and terminal, and the charts of predictions."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from justright.diagnosis.scores.metrics import (
    class_predictions,
    constant_metrics,
    measure_metrics,
    output_metrics,
)
from justright.diagnosis.scores.pictures import class_pictures, value_pictures
from justright.report import render_html
from justright.report.markdown import render_markdown
from justright.report.sections.metric_table import metric_blocks
from justright.report.sections.prediction_charts import MOST_CONFUSED, confusion_table, prediction_blocks
from justright.report.sections.verdict_table import verdict_blocks

RNG = np.random.default_rng(6)
TARGETS = (np.arange(60) % 3 == 0).astype(np.float32)
VALUES = RNG.normal(10, 3, 60).astype(np.float32)


def measured(summary, task="binary"):
    """Return a summary whose variants, reference and constant have metrics and pictures."""
    targets = VALUES if task == "regression" else TARGETS
    outputs = (targets + RNG.normal(size=60)).astype(np.float32)
    metrics = measure_metrics(task, [output_metrics(outputs, targets, task, are_logits=True)] * 3)
    if task == "regression":
        pictures = value_pictures(outputs, targets)
    else:
        pictures = class_pictures([class_predictions(outputs, targets, are_logits=True)])
    summary = copy.deepcopy(summary)
    for variant in summary["variants"]:
        variant["metrics"] = metrics
    constant = constant_metrics([2 / 3, 1 / 3] if task == "binary" else [10.0], targets, task)
    summary["other_metrics"] = {"reference": metrics, "constant": constant}
    summary["reference"] = {"name": "Gradient-boosted trees", "test": 0.5}
    models = [{"name": name} | pictures for name in ("Combined", "Gradient-boosted trees")]
    summary["pictures"] = {"part": "test", "models": models}
    summary["task"] = task
    return summary


def test_every_variant_the_reference_and_the_constant_have_a_row(summary):
    """With intervals where there are any."""
    _, table, *_ = metric_blocks(measured(summary))
    assert [row.cells[0].text for row in table.rows] == [
        *("Tiny", "Small", "Medium", "Large", "L2", "Dropout", "Combined"),
        *("Gradient-boosted trees", "constant"),
    ]
    assert [column.title for column in table.columns][:3] == ["Variant", "ROC AUC", "PR AUC"]
    area, constant = table.rows[0].cells[1], table.rows[-1].cells[1]
    assert area.detail.startswith("[0.")
    assert (constant.text, constant.detail) == ("0.5000", "")


def test_the_note_names_the_class_that_metrics_are_about(summary):
    """Two classes: the second one."""
    note, *_ = metric_blocks(measured(summary))
    assert note.text == (
        "Means over seeds at each run's best epoch, on test rows. Brackets: 95 % intervals over seeds and rows. "
        "Of two classes, ROC AUC, PR AUC, F1 and Brier score are about 'signal'."
    )


def test_a_metric_without_a_value_is_a_dash_with_its_reason(summary):
    """Said once, whatever the number of variants."""
    summary = measured(summary)
    for variant in summary["variants"]:
        missing = {"mean": None, "low": None, "high": None, "reason": "One class only."}
        variant["metrics"] = variant["metrics"] | {"roc_auc": missing, "f1": missing}
    text = render_markdown(summary)
    assert text.count("No ROC AUC, F1: One class only.") == 1
    assert "| Tiny | – |" in text


def test_a_study_judged_without_metrics_has_no_such_sections(summary):
    """Folders of older versions open as before."""
    assert metric_blocks(summary) == []
    assert prediction_blocks(summary) == []
    assert "AUC" not in render_html(summary)


@pytest.mark.parametrize(("task", "heading"), [("binary", "test\nAUC"), ("regression", "test\nR2")])
def test_a_terminal_shows_the_metric_asked_for_first(summary, task, heading):
    """Beside loss and score; pages have the whole table."""
    table = verdict_blocks(measured(summary, task))[0]
    assert heading in [column.short for column in table.columns]
    assert heading not in [column.short for column in verdict_blocks(summary)[0].columns]
    assert len({len(table.columns), *(len(row.cells) for row in table.rows)}) == 1


def test_the_page_draws_curves_calibration_and_confusion(summary):
    """Of the chosen variant, beside the reference model."""
    page = render_html(measured(summary))
    for name in ("roc", "precision-recall", "calibration"):
        assert f'id="chart-{name}"' in page
    assert "Confusion of Combined" in page
    assert "Confusion of Gradient-boosted trees" in page
    assert "NaN" not in page


def test_the_page_draws_predicted_against_true_values(summary):
    """A dot for each row and model, on axes of the same range."""
    (_, chart) = prediction_blocks(measured(summary, "regression"))
    assert chart.name == "residuals"
    assert (chart.plot.x.low, chart.plot.x.high) == (chart.plot.y.low, chart.plot.y.high)
    assert [path.d.count("M") for path in chart.plot.paths] == [1, 60, 60]


def test_a_table_of_confusion_keeps_the_classes_with_the_most_rows():
    """In their own order."""
    counts = np.diag(np.arange(1.0, MOST_CONFUSED + 3)).tolist()
    names = [f"class {number}" for number in range(MOST_CONFUSED + 2)]
    table = confusion_table("Tiny", counts, names)
    assert [row.cells[0].text for row in table.rows] == names[2:]
    assert (table.rows[0].cells[1].text, table.rows[0].cells[1].detail) == ("3", "100.0 %")


def test_validation_rows_are_said_to_flatter(summary):
    """They chose the epoch."""
    summary = measured(summary)
    summary["pictures"]["part"] = "validation"
    summary["rows"] = summary["rows"] | {"test": 0}
    assert prediction_blocks(summary)[0].text.startswith(
        "Validation rows, which chose the epoch and so flatter a little"
    )
    assert "each half at the epoch that the other half chooses" in metric_blocks(summary)[0].text
