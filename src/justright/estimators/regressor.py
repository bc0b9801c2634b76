"""A regressor for scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin

from justright.estimators.estimator_rows import checked_rows, counted_rows, make_table
from justright.estimators.study_estimator import StudyEstimator


class JustRightRegressor(RegressorMixin, StudyEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A regressor of scikit-learn that trains a small study, and says whether what predicts is underfit, overfit or just right.

    The target need not be scaled. Parameters, rows and attributes are those of `JustRightClassifier`, without `classes_`.

    Example:
        >>> from justright import JustRightRegressor
        >>> JustRightRegressor(seeds=3, random_state=0).get_params()["study"]
        'ladder'
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: ANN401, N803  # whatever callers have; scikit-learn's names
        """Train the study on rows and their numbers, and return the estimator.

        Args:
            X: rows, (rows, columns).
            y: (rows,) their numbers.
            sample_weight: (rows,) how much each counts, as for `JustRightClassifier`.

        Raises:
            ValueError: rows, numbers, weights or parameters cannot be used; an `InputError` where it is about the study.
            FolderError: no network could be trained.
        """
        X, y = checked_rows(self, X, y)  # noqa: N806
        X, y, weights = counted_rows(X, y, sample_weight)  # noqa: N806
        return self._fit_table(make_table(X, np.asarray(y, np.float64), "regression", weights=weights))

    def predict(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401, N803  # as above
        """Return a number for each row, in the target's units."""
        return self._outputs(X)[:, 0]
