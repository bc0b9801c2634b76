"""From what a study folder recorded to verdicts, summary and reports. Neither Keras nor JAX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.read_options import Task
from justright.data.shared_arrays import release_memory
from justright.diagnosis.ensembles import MIN_SEEDS, build_ensemble
from justright.diagnosis.evidence import (
    EnsembleEvidence,
    LearningCurve,
    Losses,
    ReferenceEvidence,
    RunEvidence,
    StudyEvidence,
    VariantEvidence,
)
from justright.diagnosis.judge import Judgement, judge_study
from justright.diagnosis.measured import LOSS_NAMES, cross_fitted
from justright.diagnosis.words.more_data import scaling_to_dict
from justright.records.files import write_atomically
from justright.records.folder import StudyFolder
from justright.records.reader import RunRecord, StoreReader
from justright.records.store import Store
from justright.runs.events import RowKind
from justright.runs.outcomes import is_measured, largest_size
from justright.runs.weighted_means import linearised, weighted_mean
from justright.session.counted_rows import WEIGHTS, CountedRows
from justright.session.row_outputs import TARGETS, MeasuringRows, recorded_at_best
from justright.statistics.intervals import loss_interval
from justright.study.brakes import brakes_of
from justright.study.recipe import LOSSES, recipe_values

if TYPE_CHECKING:
    from justright.report.summary import Summary

# Stored next to the reference models' losses: the losses of the constant prediction, which every network must beat.
CONSTANT = "(constant)"
ROW_KINDS: tuple[RowKind, ...] = (
    "fixed",
    "validation",
    "test",
    "fixed_score",
    "validation_score",
    "test_score",
)
MEASURING: tuple[RowKind, ...] = ("test", "validation")
UNWEIGHTED_TEST = "test_unweighted"  # the loss of test rows that all count the same, beside the weighted one
MIN_SIZES = 2  # one size is not a learning curve


def judge_folder(store: Store, study: Mapping[str, Any]) -> Judgement | None:
    """Return the verdicts of everything a folder has recorded, and store them; None while nothing has ended.

    Args:
        store: the folder's store.
        study: the plain values of its study.toml.
    """
    release_memory()
    evidence = collect_evidence(store, study)
    if evidence is None:
        return None
    judgement, has_test = judge_study(evidence, margin=study.get("margin")), bool(evidence.test_rows)
    del evidence  # the losses of every run, row by row
    release_memory()
    values, ended = judgement.to_dict(), _ended_runs(store, study)
    counted = CountedRows.of(store, study)
    rows = MeasuringRows.of(store)
    for item in values["variants"]:
        item["intervals"] = _mean_intervals(store, ended[item["name"]], counted)
        item["metrics"] = rows.metrics(ended[item["name"]])
        accuracy = item["metrics"].get("accuracy", {})
        if "test_score" in item["intervals"] and accuracy.get("low") is not None:
            item["intervals"]["test_score"] = accuracy  # its ends are shares, too
        release_memory()
    values["other_metrics"] = {"reference": rows.reference_metrics(), "constant": rows.constant_metrics()}
    values["pictures"] = _pictures(rows, judgement.best_variant, ended)
    values["data_scaling"] = describe_scalings(judgement, has_test=has_test)
    store.set_meta("judgement", values | {"margin": judgement.margin})
    return judgement


def _pictures(rows: MeasuringRows, best: str | None, ended: Mapping[str, list[RunRecord]]) -> dict[str, Any]:
    """Return what a page draws of the predictions of the variant that validation rows choose, and of the reference model."""
    drawn = [rows.pictures(best, ended[best])] if best is not None else []
    if rows.reference:
        drawn.append(rows.reference_pictures(rows.store.get_meta("reference")["name"]))
    return {"part": rows.part, "models": [one for one in drawn if one is not None]}


def collect_evidence(store: StoreReader, study: Mapping[str, Any]) -> StudyEvidence | None:
    """Return what the verdicts need from a folder; None until a run on the most training rows has ended.

    Runs on fewer rows (training sizes) show what more rows are worth and take no part in verdicts. The reference learned
    from all training rows: it is left out where no variant did.
    """
    facts = store.get_meta("table")
    reference = store.get_meta("reference")
    task, rows, most = facts["task"], facts["parts"], largest_size(study, facts["parts"]["train"])
    built = {event.variant: event for event in store.variants()}
    ended = _ended_runs(store, study)
    described = {name: values for name, values in study["variants"].items() if name in ended}
    if not described:
        return None
    measured = store.reference()
    counted = CountedRows(measured.get(WEIGHTS, {}), study)
    variants = tuple(
        VariantEvidence(
            name,
            built[name].parameters,
            tuple(_run_evidence(store, record, LOSSES[task], counted) for record in ended[name]),
            baseline=values.get("baseline") if values.get("baseline") in described else None,
            brakes=brakes_of(built[name].config, recipe_values(values, study)),
            max_epochs=recipe_values(values, study).get("max_epochs"),
            **{key: values[key] for key in ("group", "change", "remedy", "strength") if key in values},
        )
        for name, values in described.items()
    )
    kind = "test" if rows["test"] else "validation"
    return StudyEvidence(
        task=task,
        loss_name=LOSSES[task],
        variants=variants,
        constant_loss=facts["constant_loss"],
        test_rows=rows["test"],
        validation_rows=rows["validation"],
        reference=ReferenceEvidence(
            reference["name"], counted.linearised(kind, measured[reference["name"]][kind])
        )
        if reference and most == rows["train"]
        else None,
        ensembles=_ensembles(store, ended, described, task, measured.get(TARGETS, {}), counted),
        constant=_losses_of(measured.get(CONSTANT, {}).get(kind), rows[kind], kind, counted),
        columns=tuple(column["name"] for column in facts.get("columns", ())),
        learning_curves=tuple(collect_curves(store, study)),
        table_rows=facts.get("rows"),
    )


def _losses_of(losses: Losses | None, rows: int, kind: str, counted: CountedRows) -> Losses | None:
    """Return losses row by row; None where none were recorded for these rows, as in folders of earlier versions."""
    return counted.linearised(kind, losses) if losses is not None and len(losses) == rows else None


def _ended_runs(store: StoreReader, study: Mapping[str, Any]) -> dict[str, list[RunRecord]]:
    """Return variant -> the runs that verdicts are about: those on the most training rows that have ended."""
    most = largest_size(study, store.get_meta("table")["parts"]["train"])
    ended: dict[str, list[RunRecord]] = {}
    for record in store.runs():
        if record.is_ended and record.run.train_rows == most:
            ended.setdefault(record.run.variant, []).append(record)
    return ended


def _ensembles(
    store: StoreReader,
    ended: Mapping[str, list[RunRecord]],
    names: Iterable[str],
    task: Task,
    targets: Mapping[str, npt.NDArray[np.float32]],
    counted: CountedRows,
) -> tuple[EnsembleEvidence, ...]:
    """Return the ensemble of the seeds of every variant whose outputs and targets were recorded."""
    found = []
    for name in names:
        runs = [record for record in ended[name] if is_measured(record.outcome)]
        if len(runs) < MIN_SEEDS:
            continue
        kinds: tuple[tuple[RowKind, RowKind], ...] = (
            ("validation", "validation_output"),
            ("test", "test_output"),
        )
        outputs: dict[str, dict[int, Losses]] = {}
        losses: dict[str, dict[int, Losses]] = {}
        for kind, output in kinds:
            for record in runs:
                said, lost = (recorded_at_best(store, record, part) for part in (output, kind))
                if said is not None and lost is not None:
                    outputs.setdefault(kind, {})[record.run.seed] = said
                    losses.setdefault(kind, {})[record.run.seed] = lost
        found.append(build_ensemble(name, task, outputs, losses, targets))
    return tuple(
        replace(
            one,
            validation=counted.linearised("validation", one.validation),
            test=None if one.test is None else counted.linearised("test", one.test),
        )
        for one in found
        if one is not None
    )


def _run_evidence(store: StoreReader, record: RunRecord, loss: str, counted: CountedRows) -> RunEvidence:
    run = record.run
    test, validation = (
        {epoch: counted.linearised(kind, values) for epoch, values in store.row_losses(run, kind).items()}
        for kind in MEASURING
    )
    weights = counted.fixed(run.variant, run.train_rows)
    fixed = {
        epoch: float(values.mean()) if weights is None else weighted_mean(values, weights)
        for epoch, values in store.row_losses(run, "fixed").items()
    }
    curves = store.curves(variant=run.variant, seed=run.seed, train_rows=run.train_rows)
    best = record.best_epoch
    last = record.epochs - 1
    missing = float("nan")
    return RunEvidence(
        seed=run.seed,
        outcome=record.outcome or "failed",
        epochs=record.epochs,
        best_epoch=best,
        test_best=None if best is None else test.get(best),
        test_last=test.get(last),
        validation=validation,
        validation_weights=counted.part("validation"),
        test_weights=counted.part("test"),
        curve=curves[f"val_{loss}"].to_numpy() if 0 < curves.height == record.epochs else None,
        train_loss_first=float(curves[f"fixed_{loss}"][0]) if curves.height else missing,
        train_loss_best=missing if best is None else fixed.get(best, missing),
        train_loss_last=fixed.get(last, missing),
        score_best={name: value for name, value in record.test.items() if name not in ("loss", loss)},
        score_last={name: value for name, value in record.test_last.items() if name not in ("loss", loss)},
        reason=record.reason,
    )


def _mean_intervals(
    store: StoreReader, ended: Iterable[RunRecord], counted: CountedRows
) -> dict[str, dict[str, float]]:
    """Return a variant's mean loss and score with 95 % intervals at the chosen epoch, for each kind of rows measured.

    Losses of training and validation rows are not performance: those rows learned and chose.

    Args:
        store: the folder's store.
        ended: the variant's runs.
        counted: how much rows count.
    """
    runs = [record for record in ended if is_measured(record.outcome)]
    intervals: dict[str, dict[str, float]] = {}
    for kind in ROW_KINDS:
        rows = [recorded_at_best(store, record, kind) for record in runs]
        measured = [values for values in rows if values is not None and len(values)]
        if runs and len(measured) == len(runs):
            weights = counted.of_run(kind, *runs[0].run[::2])
            intervals[kind] = loss_interval(linearised(np.stack(measured), weights)).to_dict()
            if weights is not None and kind == "test":
                intervals[UNWEIGHTED_TEST] = loss_interval(np.stack(measured)).to_dict()
    return intervals


def describe_scalings(judgement: Judgement, *, has_test: bool) -> list[dict[str, Any]]:
    """Return the learning curve and forecast of every variant trained on several sizes: `data_scaling` in result.json.

    Args:
        judgement: the verdicts, whose margin and effects the forecasts are compared with.
        has_test: whether there are test rows.
    """
    return [
        scaling_to_dict(
            scaling,
            effects=judgement.effects,
            margin=judgement.margin,
            loss=LOSS_NAMES["test" if has_test else "validation halves"],
        )
        for scaling in judgement.scalings
    ]


def collect_curves(store: StoreReader, study: Mapping[str, Any]) -> list[LearningCurve]:
    """Return the learning curves of the variants trained on several sizes, in the study's order.

    A curve has the seeds that all of its sizes share. Sizes without a run that ended well are left out.
    """
    found: dict[str, dict[int, dict[int, Losses]]] = {name: {} for name in study["variants"]}
    runs = [record for record in store.runs() if is_measured(record.outcome) and record.run.variant in found]
    if len({record.run.train_rows for record in runs}) < MIN_SIZES:
        return []
    has_test, counted = bool(store.get_meta("table")["parts"]["test"]), CountedRows.of(store, study)
    for record in runs:
        losses = _measured_losses(store, record, counted, has_test=has_test)
        if losses is not None:
            found[record.run.variant].setdefault(record.run.train_rows, {})[record.run.seed] = losses
    curves = []
    for name, sizes in found.items():
        seeds = sorted(set.intersection(*map(set, sizes.values()))) if sizes else []
        if len(sizes) >= MIN_SIZES and seeds:
            rows = sorted(sizes)
            tables = tuple(np.stack([sizes[count][seed] for seed in seeds]) for count in rows)
            curves.append(LearningCurve(name, tuple(rows), tables))
    return curves


def _measured_losses(
    store: StoreReader, record: RunRecord, counted: CountedRows, *, has_test: bool
) -> Losses | None:
    """Return (rows,) losses of a run at its chosen epoch on the rows that measure, or None if it recorded none."""
    if has_test:
        losses = recorded_at_best(store, record, "test")
        losses = None if losses is None else counted.linearised("test", losses)
    else:
        validation = {
            epoch: counted.linearised("validation", values)
            for epoch, values in store.row_losses(record.run, "validation").items()
        }
        losses = cross_fitted(validation, counted.part("validation"))[0] if validation else None
    return losses if losses is not None and np.isfinite(losses).all() else None


def summarise_folder(store: StoreReader, study: Mapping[str, Any]) -> Summary:
    """Return everything the reports say about a folder, from what it has recorded."""
    from justright.report.summary import summarise

    judgement = store.get_meta("judgement", {})
    return summarise(
        store,
        study=study,
        judgement=judgement | {"reference": _reference(store, judgement)},
        table=store.get_meta("table"),
        environment=store.get_meta("environment", {}),
        command=store.get_meta("command", ""),
        wall_seconds=store.get_meta("wall_seconds", 0.0),
        rows=store.get_meta("table")["parts"],
        warnings=store.get_meta("warnings", []),
    )


def write_result(folder: StudyFolder, summary: Summary) -> Path:
    """Write result.json, whole or not at all, and return its path."""
    from justright.report.summary import render_json

    write_atomically(folder.result_path, render_json(summary).encode())
    return folder.result_path


def write_report(folder: StudyFolder, summary: Summary) -> Path:
    """Write report.html, whole or not at all, and return its path."""
    from justright.report.html import render_html

    write_atomically(folder.report_path, render_html(summary, folder=named_in_reports(folder.path)).encode())
    return folder.report_path


def named_in_reports(folder: Path) -> str:
    """Return how commands in a report name its folder: from the working folder if it lies there, else by its name alone.

    A report may be sent to others, whom the paths of this machine do not concern.
    """
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) and folder != here else folder.name


def _reference(store: StoreReader, judgement: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the reference model as reports name it: its name, test loss with interval, and score; None without one."""
    measured = store.get_meta("reference")
    if not measured:
        return None
    judged = judgement.get("reference") or {"name": measured["name"], "test": None}
    metrics = judgement.get("other_metrics", {}).get("reference", {})
    return judged | {
        "score": measured["test_score"],
        "iterations": measured["iterations"],
        "metrics": metrics,
    }
