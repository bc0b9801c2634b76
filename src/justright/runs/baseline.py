"""The constant prediction: what any model must beat, and the unit of the margin."""

from __future__ import annotations

import numpy as np

from justright.runs.tasks import StudyRows

EPSILON = 1e-7  # as Keras clips probabilities


def constant_loss(rows: StudyRows) -> float:
    """Return the mean loss on test rows of the constant prediction that fits the training rows best.

    Without test rows it is measured on validation rows. The constant is the class frequencies, or the mean for regression.
    """
    targets = rows.test[1] if len(rows.test[0]) else rows.validation[1]
    train = rows.train[1]
    if rows.task == "regression":
        return float(np.mean((targets - train.mean(dtype=np.float64)) ** 2))
    classes = max(rows.outputs, 2)
    shares = np.bincount(train.astype(np.int64), minlength=classes) / len(train)
    return float(-np.log(np.maximum(shares, EPSILON))[targets.astype(np.int64)].mean())
