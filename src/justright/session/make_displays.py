"""From what a study folder holds to a plot of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from justright.diagnosis.evidence import Losses
from justright.diagnosis.scores.metric_list import metrics_of
from justright.diagnosis.scores.pictures import (
    Curves,
    calibration_bins,
    confusion_counts,
    precision_recall_curves,
    roc_curves,
    shown_classes,
)
from justright.errors import FolderError, InputError, one_of
from justright.records.reader import StoreReader
from justright.report.displays.capacity_display import CapacityDisplay, capacity_display
from justright.report.displays.effect_display import EffectDisplay, effect_display
from justright.report.displays.fit_display import FitDisplay, fit_display
from justright.report.displays.prediction_displays import (
    CalibrationDisplay,
    ConfusionDisplay,
    CurveDisplay,
    PredictionDisplay,
    ResidualDisplay,
)
from justright.report.displays.schedule_display import ScheduleDisplay, schedule_display
from justright.report.displays.size_display import SizeDisplay, size_display
from justright.report.number_formats import format_metric
from justright.report.summary import Summary
from justright.runs.outcomes import is_measured
from justright.session.plot_kinds import KINDS, STUDY_KINDS, Kind
from justright.session.row_outputs import MeasuringRows
from justright.statistics.class_metrics import ClassPredictions

StudyDisplay = FitDisplay | EffectDisplay | CapacityDisplay | SizeDisplay | ScheduleDisplay
Display = StudyDisplay | PredictionDisplay


def make_display(store: StoreReader, summary: Summary, kind: Kind, variant: str | None) -> Display:
    """Return a plot of a study, or of a variant's predictions on test rows (validation rows without any) at its best epochs.

    Args:
        store: the folder's store.
        summary: the folder's summary.
        kind: which plot.
        variant: a variant, or the reference model; None for the variant that validation rows choose. Only for predictions.

    Raises:
        InputError: the kind or variant is unknown, or the kind is not one for the table's task.
        FolderError: the folder does not hold what is drawn.
    """
    if kind not in KINDS:
        raise one_of("kind", kind, KINDS)
    if kind in STUDY_KINDS:
        if variant is not None:
            raise InputError(
                f"`variant` must be left out for the plot {kind!r}, which shows all networks; got {variant!r}."
            )
        return STUDY_DISPLAYS[kind](summary)
    return _prediction_display(store, summary, kind, variant)


def _prediction_display(
    store: StoreReader, summary: Summary, kind: Kind, variant: str | None
) -> PredictionDisplay:
    is_regression = summary["task"] == "regression"
    if (kind == "residuals") != is_regression:
        fitting = "residuals" if is_regression else "roc, precision_recall, calibration and confusion"
        raise InputError(
            f"The plot must be one for the table's task; got {kind!r} for {summary['task']}, which has {fitting}."
        )
    name = summary["best_variant"] if variant is None else variant
    if name is None:
        raise FolderError("A plot of predictions needs a run that ended well; the study has none yet.")
    rows = MeasuringRows.of(store)
    found = _outputs(rows, store, summary, name)
    if is_regression:
        values = rows.values(found)
        if not values:
            raise _unrecorded(name)
        true, target = rows.targets.astype(np.float64), str(summary["table"].get("target") or "target")
        label = _label(summary, name, "r2")
        return ResidualDisplay(name, label, true, np.stack(values).astype(np.float64), target)
    predictions = rows.predictions(found)
    if not predictions:
        raise _unrecorded(name)
    return _class_display(kind, name, predictions, summary)


def _class_display(
    kind: Kind, name: str, runs: list[ClassPredictions], summary: Summary
) -> CurveDisplay | CalibrationDisplay | ConfusionDisplay:
    classes = tuple(str(each["name"]) for each in summary["table"].get("classes") or [])
    if kind == "calibration":
        return CalibrationDisplay(name, _label(summary, name, "calibration_error"), calibration_bins(runs))
    if kind == "confusion":
        return ConfusionDisplay(name, confusion_counts(runs), classes)
    is_roc = kind == "roc"
    curves: Curves = (roc_curves if is_roc else precision_recall_curves)(runs)
    shown = shown_classes(runs)
    if not shown:
        raise InputError(
            f"A curve needs rows of at least two classes; the measured rows contain one only ({kind!r})."
        )
    is_binary = runs[0].is_binary
    names = (
        [f"run {number + 1}" for number in range(len(runs))]
        if is_binary
        else [classes[each] for each in shown]
    )
    label = _label(summary, name, "roc_auc" if is_roc else "average_precision")
    return CurveDisplay(name, label, curves.x, curves.y, tuple(names), are_runs=is_binary, is_roc=is_roc)


def _outputs(
    rows: MeasuringRows, store: StoreReader, summary: Summary, name: str
) -> list[tuple[Losses, bool] | None]:
    """Return what each counting run of a variant said, by rising seed, or the reference model."""
    reference = summary["reference"]
    known = [each["name"] for each in summary["variants"]]
    if reference and name == reference["name"] and name not in known:
        return [rows.reference_outputs()]
    if name not in known:
        raise one_of("variant", name, [*known, *([reference["name"]] if reference else [])])
    runs = {
        (run["seed"], run["train_rows"])
        for each in summary["variants"]
        if each["name"] == name
        for run in each["runs"]
        if run["counts"] and is_measured(run["outcome"])
    }
    return [
        rows.outputs(record)
        for record in store.runs()
        if record.run.variant == name and (record.run.seed, record.run.train_rows) in runs
    ]


def _label(summary: Summary, name: str, metric: str) -> str:
    """Return a model's name with one of its metrics."""
    found: Any = next(
        (each["metrics"] for each in summary["variants"] if each["name"] == name),
        summary["other_metrics"].get("reference") or {},
    )
    words = {one.name: one.words for one in metrics_of(summary["task"])}
    ends = found.get(metric) or {}
    if ends.get("mean") is None:
        return name
    return f"{name} ({words[metric]} {format_metric(metric, ends['mean'], ends['low'], ends['high'])})"


def _unrecorded(name: str) -> FolderError:
    return FolderError(
        f"The folder must hold what {name!r} said about each row to plot it; none of its runs recorded that. "
        "Run the study again in a fresh folder with --new."
    )


STUDY_DISPLAYS: Mapping[str, Callable[[Summary], StudyDisplay]] = {
    "fit": fit_display,
    "effects": effect_display,
    "capacity": capacity_display,
    "data": size_display,
    "schedule": schedule_display,
}
