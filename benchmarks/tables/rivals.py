"""What a network must compare with: a constant, a linear model and boosted trees, on the same rows and features.

As with networks, validation rows choose and test rows only measure.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from justright.data.read_options import Task
from justright.data.table import Split
from justright.runs.losses import row_losses

Floats = npt.NDArray[np.float64]
Predict = Callable[[npt.NDArray[Any]], Floats]

# Strengths of the linear model's penalty, as scikit-learn counts them: small is weak for ridge, strong for classes.
ALPHAS = (0.01, 0.1, 1.0, 10.0, 100.0, 1_000.0)
INVERSE_STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)
TREE_ITERATIONS = 300  # with early stopping; plain boosting takes scikit-learn's 100


@dataclass(frozen=True)
class Measured:
    """A model on test rows.

    Args:
        losses: (rows,) cross-entropies, or squared errors.
        score: ROC AUC of two classes, accuracy of more, R2 of numbers.
    """

    losses: Floats
    score: float

    @property
    def loss(self) -> float:
        return float(self.losses.mean())


def measure_rivals(split: Split, *, seed: int = 0) -> dict[str, Measured]:
    """Return 'constant', 'linear' and 'trees' as they do on the test rows of a split."""
    with threadpool_limits(1):  # threads that wait for each other make small tables slow
        return _measure_rivals(split, seed)


def _measure_rivals(split: Split, seed: int) -> dict[str, Measured]:
    task, classes = split.table.task, len(split.table.class_names)
    (train, targets), (choosing, wanted), (testing, truth) = map(
        split.arrays, ("train", "validation", "test")
    )
    if len(truth) == 0:
        testing, truth = choosing, wanted
    candidates = {
        "constant": constant(targets, task, classes),
        "linear": linear_models(train, targets, task, classes),
        "trees": chain(
            trees(train, targets, task, classes, seed=seed),
            stopped_trees(train, targets, choosing, wanted, task, classes, seed=seed),
        ),
    }
    return {
        name: measure(task, choose(task, models, choosing, wanted)(testing), truth)
        for name, models in candidates.items()
    }


def choose(
    task: Task, models: Iterable[Predict], features: npt.NDArray[Any], targets: npt.NDArray[Any]
) -> Predict:
    """Return the model with the lowest mean loss on validation rows."""
    return min(models, key=lambda model: row_losses(task, model(features), targets).mean())


def measure(task: Task, outputs: Floats, targets: npt.NDArray[Any]) -> Measured:
    """Return how outputs do: (rows, classes) probabilities, or (rows, 1) predictions."""
    return Measured(row_losses(task, outputs, targets), score(task, outputs, targets))


def score(task: Task, outputs: Floats, targets: npt.NDArray[Any]) -> float:
    """Return ROC AUC, accuracy or R2; NaN where the rows cannot tell, for instance with one class only."""
    from sklearn import metrics

    if task == "multiclass":
        return float((outputs.argmax(axis=1) == targets).mean())
    if len(np.unique(targets)) < 2:
        return float("nan")
    if task == "binary":
        return float(metrics.roc_auc_score(targets, outputs[:, -1]))
    return float(metrics.r2_score(targets, outputs[:, 0]))


def constant(targets: npt.NDArray[Any], task: Task, classes: int) -> Iterator[Predict]:
    """Yield the mean, or the shares of the classes, of training rows."""
    if task == "regression":
        best = np.array([targets.mean(dtype=np.float64)])
    else:
        best = np.bincount(targets.astype(np.int64), minlength=classes) / len(targets)
    yield lambda features: np.broadcast_to(best, (len(features), len(best)))


def linear_models(
    train: npt.NDArray[Any], targets: npt.NDArray[Any], task: Task, classes: int
) -> Iterator[Predict]:
    """Yield ridge or logistic regressions of standardised features, one for each strength of the penalty."""
    from sklearn import linear_model
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    models: list[Any] = (
        [linear_model.Ridge(alpha=alpha) for alpha in ALPHAS]
        if task == "regression"
        else [linear_model.LogisticRegression(C=inverse, max_iter=1_000) for inverse in INVERSE_STRENGTHS]
    )
    for model in models:
        with warnings.catch_warnings():
            # What has not converged yet is a model too, and validation rows judge it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = make_pipeline(StandardScaler(), model).fit(train.astype(np.float64), targets)
        yield predictor(fitted, task, classes)


def trees(
    train: npt.NDArray[Any], targets: npt.NDArray[Any], task: Task, classes: int, *, seed: int
) -> Iterator[Predict]:
    """Yield boosted trees as scikit-learn sets them, without early stopping."""
    model = boosting(task)(early_stopping=False, random_state=seed).fit(train, targets)
    yield predictor(model, task, classes)


def stopped_trees(
    train: npt.NDArray[Any],
    targets: npt.NDArray[Any],
    choosing: npt.NDArray[Any],
    wanted: npt.NDArray[Any],
    task: Task,
    classes: int,
    *,
    seed: int,
) -> Iterator[Predict]:
    """Yield boosted trees, as many as validation rows choose."""
    model = boosting(task)(max_iter=TREE_ITERATIONS, early_stopping=False, random_state=seed).fit(
        train, targets
    )
    stages = model.staged_predict if task == "regression" else model.staged_predict_proba

    def outputs(features: npt.NDArray[Any]) -> Iterator[Floats]:
        return (shaped(stage, model, task, classes) for stage in stages(features))

    losses = [row_losses(task, stage, wanted).mean() for stage in outputs(choosing)]
    best = int(np.argmin(losses))
    yield lambda features: next(stage for index, stage in enumerate(outputs(features)) if index == best)


def boosting(task: Task) -> type[Any]:
    """Return scikit-learn's class of boosted trees for a task."""
    from sklearn import ensemble

    if task == "regression":
        return ensemble.HistGradientBoostingRegressor
    return ensemble.HistGradientBoostingClassifier


def predictor(model: Any, task: Task, classes: int) -> Predict:
    """Return what a fitted model predicts, as `row_losses` wants it."""
    predict = model.predict if task == "regression" else model.predict_proba
    return lambda features: shaped(predict(features), model, task, classes)


def shaped(outputs: npt.NDArray[Any], model: Any, task: Task, classes: int) -> Floats:
    """Return (rows, 1) predictions, or (rows, classes) probabilities: 0 for classes without training rows."""
    if task == "regression":
        return np.asarray(outputs, np.float64)[:, None]
    chances = np.zeros((len(outputs), classes))
    chances[:, model.classes_.astype(np.int64)] = outputs
    return chances
