"""A classifier for scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from justright.data.read_options import Task
from justright.errors import InputError
from justright.estimators.estimator_rows import checked_rows, counted_rows, make_table
from justright.estimators.study_estimator import StudyEstimator


class JustRightClassifier(ClassifierMixin, StudyEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier of scikit-learn that trains a small study, and says whether what predicts is underfit, overfit or just right.

    `fit` holds out rows to validate, trains each network of the study on the others until they show no more gain, and
    keeps the network that is best on them. Rows are arrays or sparse matrices of numbers, or pandas and Polars frames, which may also
    hold texts, categories and dates; values may be missing in all of them. They need not be scaled.

    Args:
        study: 'ladder' (linear models and networks of rising size), the name of a built-in study such as 'quick', whose
            networks are trained, or your own: a mapping of names to networks as in `Study`, or a list of `Variant`.
        seeds: networks for each, from different random starts. With more than one, all of the best kind predict together.
        max_iter: most epochs; None for as many as the study has on this table.
        batch_size: rows for each step; 'auto' for the study's.
        validation_fraction: share of the rows that is held out: they choose the epoch and the network, and verdicts are about
            them.
        n_iter_no_change: epochs without gain on held-out rows after which a network stops; None for the study's.
        random_state: fixes held-out rows and random starts.
        n_jobs: processes that train at the same time; None is one, -1 one for each processor.
        verbose: 1 prints the verdict on the network that predicts, 2 all that the study found.
        folder: where the study is kept; another one beside it if it holds a study. None: a temporary folder, removed
            together with the estimator.
    Attributes:
        classes_: the classes.
        n_features_in_: number of columns.
        feature_names_in_: their names, where rows are frames.
        verdict_: of the network that predicts, such as 'overfits'.
        variant_: its name in the study.
        n_iter_: how many epochs it was trained.
        result_: the study's `Result`.

    Example:
        >>> from justright import JustRightClassifier, mlp
        >>> JustRightClassifier({"Mine": mlp(64, dropout=0.5)}, seeds=3)
        JustRightClassifier(seeds=3, study={'Mine': Mlp(units=(64,), ..., dropout=0.5, ...)})
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: ANN401, N803  # whatever callers have; scikit-learn's names
        """Train the study on rows and their classes, and return the estimator.

        Args:
            X: rows, (rows, columns).
            y: (rows,) their classes.
            sample_weight: (rows,) how much each counts: in training, in the choice of epoch and network, and in verdicts. Only
                their ratios matter, and a row of weight 0 is as if it were not there. None counts all the same.

        Raises:
            ValueError: rows, classes, weights or parameters cannot be used; an `InputError` where it is about the study.
            FolderError: no network could be trained.
        """
        X, y = checked_rows(self, X, y)  # noqa: N806
        check_classification_targets(y)
        X, y, weights = counted_rows(X, y, sample_weight)  # noqa: N806
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"`y` must hold at least two classes; got one class, {self.classes_.tolist()[0]!r}."
            )
        task: Task = "binary" if len(self.classes_) == 2 else "multiclass"
        return self._fit_table(make_table(X, codes, task, self.classes_.tolist(), weights=weights))

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401, N803  # as above
        """Return the probability of each class, (rows, classes) in the order of `classes_`."""
        return self._outputs(X)

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: ANN401, N803  # as above
        """Return the most probable class of each row."""
        chances = self.predict_proba(X)
        found: npt.NDArray[Any] = self.classes_[chances.argmax(axis=1)]
        return found
