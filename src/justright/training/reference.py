"""The reference model: gradient-boosted trees of scikit-learn, trained on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.runs.events import ReferenceMeasured
from justright.runs.losses import Floats, constant_loss, row_losses, row_scores
from justright.runs.tasks import StudyRows

NAME = "gradient-boosted trees"
MAX_ITERATIONS = 300  # validation rows choose how many of them are used; 11,000 rows of HIGGS choose near 100


def measure_reference(rows: StudyRows, *, seed: int = 0) -> ReferenceMeasured:
    """Train scikit-learn's HistGradientBoosting on the training rows and measure it row by row.

    Validation rows choose the number of iterations, exactly as they choose a network's epoch.
    Only classes that the training rows contain can be predicted; a row of another one costs the clipped maximum.
    """
    import sklearn.ensemble as ensemble

    family = (
        ensemble.HistGradientBoostingRegressor
        if rows.task == "regression"
        else ensemble.HistGradientBoostingClassifier
    )
    model = family(max_iter=MAX_ITERATIONS, early_stopping=False, random_state=seed)
    # float64, which scikit-learn would make a second copy in.
    x = rows.train[0] if rows.train_places is None else rows.train[0][rows.train_places]
    model.fit(x.astype(np.float64), rows.train_targets)
    features, targets = rows.validation
    losses = [row_losses(rows.task, stage, targets) for stage in _stages(model, rows, features)]
    chosen = int(np.argmin([values.mean() for values in losses]))
    features, targets = rows.test
    test, score = np.empty(0), float("nan")
    if len(features):
        outputs = next(islice(_stages(model, rows, features), chosen, None))
        test = row_losses(rows.task, outputs, targets)
        score = float(row_scores(rows.task, outputs, targets).mean())
    return ReferenceMeasured(
        NAME,
        chosen + 1,
        constant_loss(rows),
        losses[chosen].astype(np.float32),
        test.astype(np.float32),
        score,
    )


def _stages(model: Any, rows: StudyRows, features: npt.NDArray[np.float32]) -> Iterator[Floats]:
    """Yield the outputs after each iteration: (rows, 1) predictions, or (rows, classes) probabilities."""
    if rows.task == "regression":
        for predictions in model.staged_predict(features):
            yield predictions[:, None]
        return
    for known in model.staged_predict_proba(features):
        chances = np.zeros((len(features), max(rows.outputs, 2)))
        chances[:, model.classes_.astype(np.int64)] = known  # the other classes have no training rows
        yield chances
