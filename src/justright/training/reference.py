"""The reference model: gradient-boosted trees of scikit-learn, trained on the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from justright.runs.baseline import EPSILON, constant_loss
from justright.runs.events import ReferenceMeasured
from justright.runs.tasks import StudyRows

NAME = "gradient-boosted trees"
MAX_ITERATIONS = 300  # validation rows choose how many of them are used; 11,000 rows of HIGGS choose near 100

Floats = npt.NDArray[np.float64]


def measure_reference(rows: StudyRows, *, seed: int = 0) -> ReferenceMeasured:
    """Train scikit-learn's HistGradientBoosting on the training rows and measure it row by row.

    Validation rows choose the number of iterations, exactly as they choose a network's epoch.
    Only classes that the training rows contain can be predicted; others cost the clipped maximum.
    """
    import sklearn.ensemble as ensemble

    family = (
        ensemble.HistGradientBoostingRegressor
        if rows.task == "regression"
        else ensemble.HistGradientBoostingClassifier
    )
    model = family(max_iter=MAX_ITERATIONS, early_stopping=False, random_state=seed)
    model.fit(*rows.train)
    losses = [
        _losses(rows, model, stage, rows.validation[1]) for stage in _stages(model, rows, rows.validation[0])
    ]
    chosen = int(np.argmin([values.mean() for values in losses]))
    outputs = (
        next(
            (stage for index, stage in enumerate(_stages(model, rows, rows.test[0])) if index == chosen),
            np.empty(0),
        )
        if len(rows.test[0])
        else np.empty(0)
    )
    test = _losses(rows, model, outputs, rows.test[1]) if len(rows.test[0]) else np.empty(0)
    return ReferenceMeasured(
        NAME,
        chosen + 1,
        constant_loss(rows),
        losses[chosen].astype(np.float32),
        test.astype(np.float32),
        _score(rows, model, outputs),
    )


def _stages(model: Any, rows: StudyRows, features: npt.NDArray[np.float32]) -> Any:
    """Return an iterator over the outputs after each iteration."""
    return (
        model.staged_predict(features) if rows.task == "regression" else model.staged_predict_proba(features)
    )


def _losses(rows: StudyRows, model: Any, outputs: Floats, targets: npt.NDArray[Any]) -> Floats:
    """Return the study's loss by row for predictions (rows,) or class probabilities (rows, classes)."""
    if rows.task == "regression":
        return np.asarray((outputs - targets) ** 2, np.float64)
    columns = {int(label): column for column, label in enumerate(model.classes_)}
    position = np.array([columns.get(int(target), -1) for target in targets])
    chances = np.where(position >= 0, outputs[np.arange(len(targets)), position], 0.0)
    return np.asarray(-np.log(np.clip(chances, EPSILON, 1 - EPSILON)))


def _score(rows: StudyRows, model: Any, outputs: Floats) -> float:
    if not len(rows.test[0]):
        return float("nan")
    if rows.task == "regression":
        return float(np.abs(outputs - rows.test[1]).mean())
    return float((model.classes_[outputs.argmax(1)] == rows.test[1]).mean())
