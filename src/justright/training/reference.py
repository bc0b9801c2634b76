"""The reference model: gradient-boosted trees of scikit-learn, trained on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.runs.events import ReferenceMeasured
from justright.runs.limits import PIECE_ROWS
from justright.runs.losses import Floats, constant_loss, row_losses, row_scores
from justright.runs.tasks import StudyRows
from justright.runs.weighted_means import relative_weights, weighted_mean

NAME = "gradient-boosted trees"
MAX_ITERATIONS = 300  # validation rows choose how many of them are used; 11,000 rows of HIGGS choose near 100
# Trained in blocks, and further only while one of the last iterations was the best on validation rows.
BLOCK, PATIENCE = 25, 50
# A split looks at every bin of every column, however few rows there are: with thousands of columns that takes minutes.
MANY_COLUMNS, FEW_BINS, BINS = 1_000, 63, 255


def measure_reference(rows: StudyRows, *, seed: int = 0) -> ReferenceMeasured:
    """Train scikit-learn's HistGradientBoosting on the training rows and measure it row by row.

    Validation rows choose the number of iterations, exactly as they choose a network's epoch. Weights of rows count as they do
    for networks, those of classes do not: they belong to a recipe.
    Only classes that the training rows contain can be predicted; a row of another one costs the clipped maximum.
    """
    import sklearn.ensemble as ensemble

    family = (
        ensemble.HistGradientBoostingRegressor
        if rows.task == "regression"
        else ensemble.HistGradientBoostingClassifier
    )
    bins = FEW_BINS if rows.features >= MANY_COLUMNS else BINS
    model = family(max_bins=bins, early_stopping=False, warm_start=True, random_state=seed)
    train, targets, features = _train_features(rows), rows.validation[1], rows.validation[0][:]
    chosen, losses, said, lowest = 0, np.empty(0), np.empty((0, 1)), np.inf
    relative = relative_weights(rows.validation_weights)
    for start in range(0, MAX_ITERATIONS, BLOCK):
        model.set_params(max_iter=start + BLOCK)
        model.fit(
            train, rows.train_targets, sample_weight=rows.weights_of_train_rows
        )  # goes on where it stopped
        for iteration, stage in enumerate(islice(_stages(model, rows, features), start, None), start=start):
            values = row_losses(rows.task, stage, targets)
            mean = weighted_mean(values, relative)
            if iteration == 0 or mean < lowest:
                chosen, losses, said, lowest = iteration, values, stage, mean
        if chosen < start + BLOCK - PATIENCE:
            break
    features, targets = rows.test[0][:], rows.test[1]
    test, score, outputs = np.empty(0), float("nan"), np.empty((0, 1))
    if len(features):
        outputs = next(islice(_stages(model, rows, features), chosen, None))
        test = row_losses(rows.task, outputs, targets)
        relative = relative_weights(rows.test_weights)
        score = weighted_mean(row_scores(rows.task, outputs, targets), relative)
    return ReferenceMeasured(
        NAME,
        chosen + 1,
        constant_loss(rows),
        losses.astype(np.float32),
        test.astype(np.float32),
        score,
        *(_recorded(rows, each) for each in (said, outputs)),
    )


def _recorded(rows: StudyRows, outputs: Floats) -> npt.NDArray[np.float32]:
    """Return outputs as networks record theirs: of two classes the second alone."""
    return outputs[:, -rows.outputs :].astype(np.float32).ravel()


def _train_features(rows: StudyRows) -> npt.NDArray[np.float64]:
    """Return the training rows as scikit-learn wants them, so that it makes no further copy."""
    places = rows.places(range(rows.train_count))
    features = np.empty((len(places), rows.features))
    for start in range(0, len(places), PIECE_ROWS):
        part = slice(start, start + PIECE_ROWS)
        features[part] = rows.train[0][places[part]]
    return features


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
