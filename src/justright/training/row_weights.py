"""How much each training row counts: its own weight, times that of its class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.runs.tasks import StudyRows
from justright.study.class_weights import weights_by_class
from justright.study.recipe import Recipe


def row_weights(
    rows: StudyRows, recipe: Recipe, places: npt.NDArray[np.int32]
) -> npt.NDArray[np.float32] | None:
    """Return the weight of every row of `rows.train`; None where all count the same.

    Args:
        rows: the study's rows, with weights of their own or without.
        recipe: may weigh classes.
        places: of the rows that a run trains on, which decide what is balanced.
    """
    return table_weights(rows.train[1], rows.train_weights, rows.class_names, recipe=recipe, places=places)


def row_shares(rows: StudyRows, places: npt.NDArray[np.int32]) -> npt.NDArray[np.float32] | None:
    """Return how much every row of `rows.train` counts in means of losses and metrics; None where all count the same.

    Classes count the same there, whatever a recipe says: their weights are for training.

    Args:
        rows: the study's rows.
        places: of the rows over which means are taken: their shares have mean 1.
    """
    if not rows.measures_weighted or rows.train_weights is None:
        return None
    mean = rows.train_weights[places].mean(dtype=np.float64)
    if not mean > 0:
        return np.ones_like(rows.train_weights)
    return np.asarray(rows.train_weights / mean, np.float32)


def table_weights(
    targets: npt.NDArray[Any],
    own: npt.NDArray[np.float32] | None,
    class_names: Sequence[str],
    *,
    recipe: Recipe,
    places: npt.NDArray[np.int32] | npt.NDArray[np.int64],
) -> npt.NDArray[np.float32] | None:
    """Return the weight of every row of a table; None where all count the same.

    Args:
        targets: (rows,), of all rows.
        own: (rows,), their weights; None if there are none.
        class_names: what the numbers of classes stand for.
        recipe: may weigh classes.
        places: of the rows that a run trains on.
    """
    if recipe.class_weight is None:
        return own
    classes = targets.astype(np.int64)
    by_class = weights_by_class(recipe.class_weight, class_names)
    weights = balanced_weights(classes[places], len(class_names)) if by_class is None else np.array(by_class)
    chosen = weights[classes].astype(np.float32)
    return chosen if own is None else np.asarray(chosen * own, np.float32)


def balanced_weights(classes: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.float64]:
    """Return rows / (classes * rows of the class) for each class, as scikit-learn balances; 0 for one without rows.

    Example:
        >>> balanced_weights(np.array([0, 0, 0, 1]), 2).round(2)
        array([0.67, 2.  ])
    """
    counts = np.bincount(classes, minlength=count)
    present = counts > 0
    return np.where(present, len(classes) / (present.sum() * np.maximum(counts, 1)), 0.0)
