"""From a folder's runs on nested training rows to learning curves, and what more rows would be worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from justright.diagnosis.evidence import Losses
from justright.diagnosis.judge import Judgement
from justright.diagnosis.learning_curve import LearningCurve, judge_scaling
from justright.diagnosis.measured import LOSS_NAMES, cross_fitted
from justright.diagnosis.words.more_data import scaling_to_dict
from justright.records.reader import RunRecord, StoreReader
from justright.runs.outcomes import is_measured

MIN_SIZES = 2  # one size is no curve


def judge_more_data(
    store: StoreReader, study: Mapping[str, Any], judgement: Judgement
) -> list[dict[str, Any]]:
    """Return the learning curve and forecast of every variant trained on several sizes: `data_scaling` in result.json.

    Args:
        store: the folder's store.
        study: the plain values of its study.toml.
        judgement: the verdicts, whose margin and effects the forecasts are compared with.
    """
    has_test = bool(store.get_meta("table")["parts"]["test"])
    return [
        scaling_to_dict(
            judge_scaling(curve, margin=judgement.margin),
            effects=judgement.effects,
            margin=judgement.margin,
            loss=LOSS_NAMES["test" if has_test else "validation halves"],
        )
        for curve in collect_curves(store, study)
    ]


def collect_curves(store: StoreReader, study: Mapping[str, Any]) -> list[LearningCurve]:
    """Return the learning curves of the variants trained on several sizes, in the study's order.

    A curve has the seeds that all of its sizes share. Sizes without a run that ended well are left out.
    """
    found: dict[str, dict[int, dict[int, Losses]]] = {name: {} for name in study["variants"]}
    for record in store.runs():
        losses = _measured_losses(store, record)
        if losses is not None and record.run.variant in found:
            found[record.run.variant].setdefault(record.run.train_rows, {})[record.run.seed] = losses
    curves = []
    for name, sizes in found.items():
        seeds = sorted(set.intersection(*map(set, sizes.values()))) if sizes else []
        if len(sizes) >= MIN_SIZES and seeds:
            rows = sorted(sizes)
            tables = tuple(np.stack([sizes[count][seed] for seed in seeds]) for count in rows)
            curves.append(LearningCurve(name, tuple(rows), tables))
    return curves


def _measured_losses(store: StoreReader, record: RunRecord) -> Losses | None:
    """Return (rows,) losses of a run at its chosen epoch on the rows that measure, or None if it recorded none."""
    if record.best_epoch is None or not is_measured(record.outcome):
        return None
    if store.get_meta("table")["parts"]["test"]:
        losses = store.row_losses(record.run, "test").get(record.best_epoch)
    else:
        validation = store.row_losses(record.run, "validation")
        losses = cross_fitted(validation)[0] if validation else None
    return losses if losses is not None and np.isfinite(losses).all() else None
