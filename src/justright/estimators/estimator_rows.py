"""Rows as scikit-learn's callers have them, arrays and frames: checked by its rules, and as columns for our tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import is_regressor
from sklearn.utils import check_array
from sklearn.utils.validation import check_consistent_length, validate_data

from justright.data.checks import check_names
from justright.data.read import read_columns, read_table
from justright.data.read_options import Task
from justright.data.readers.frames.in_memory import is_pandas
from justright.data.readers.raw import RawTable
from justright.data.table import Table
from justright.errors import InputError
from justright.runs.weighted_means import relative_weights

LEAST_ROWS = 2  # one learns, one chooses the epoch
# An array or a sparse matrix, as encoders give it, holds numbers, of which some may be missing.
ARRAY_CHECKS: dict[str, Any] = {
    "dtype": "numeric",
    "ensure_all_finite": "allow-nan",
    "accept_sparse": True,
    "accept_large_sparse": True,
}


def checked_rows(estimator: Any, x: Any, y: Any) -> tuple[Any, npt.NDArray[Any]]:  # noqa: ANN401  # whatever callers have
    """Return rows and targets that may be learned from, and take note of their features in the estimator.

    Raises:
        ValueError: as scikit-learn's own estimators; also its TypeError and its warning about a target in a column.
    """
    is_numeric = is_regressor(estimator)
    if not is_frame(x):
        x, y = validate_data(
            estimator, x, y, ensure_min_samples=LEAST_ROWS, y_numeric=is_numeric, **ARRAY_CHECKS
        )
        return x, y
    y = validate_data(estimator, y=y, y_numeric=is_numeric)  # first: it forgets the names of columns
    x, y = validate_data(estimator, x, y, skip_check_array=True)
    check_consistent_length(x, y)
    if len(x) < LEAST_ROWS:
        raise InputError(f"`X` must have at least {LEAST_ROWS} rows; got {len(x)}. Give more rows.")
    return x, y


def counted_rows(
    x: Any,  # noqa: ANN401  # as above
    y: npt.NDArray[Any],
    sample_weight: object,
) -> tuple[Any, npt.NDArray[Any], npt.NDArray[np.float32] | None]:
    """Return the rows and targets that count, and (rows,) how much each does, with mean 1; None if all count the same.

    A row of weight 0 is left out, as if it had not been given.

    Args:
        x: rows, checked.
        y: their targets.
        sample_weight: (rows,) as callers give it.
    Raises:
        ValueError: as scikit-learn's own estimators, or fewer than two rows count.
    """
    if sample_weight is None:
        return x, y, None
    weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != (len(y),):
        raise InputError(
            f"`sample_weight` must have one number for each of {len(y):,} rows; got the shape {weights.shape}."
        )
    if (weights < 0).any():
        raise InputError(
            f"`sample_weight` must be at least 0; got {weights.min():g}. Leave out rows instead."
        )
    counting = weights > 0
    if counting.sum() < LEAST_ROWS:
        raise InputError(
            f"`sample_weight` must be above zero for at least {LEAST_ROWS} rows; it is for {counting.sum()}. Give more rows."
        )
    if not counting.all():
        x = x.filter(counting) if is_frame(x) and not is_pandas(x) else x[counting]
    return x, y[counting], relative_weights(weights[counting]).astype(np.float32)


def columns_of(estimator: Any, x: Any) -> RawTable:  # noqa: ANN401  # as above
    """Return the columns of rows that are to be predicted.

    Raises:
        ValueError: as scikit-learn's own estimators; also its TypeError.
    """
    if is_frame(x):
        x = _without_index(validate_data(estimator, x, reset=False, skip_check_array=True))
    else:
        x = validate_data(estimator, x, reset=False, **ARRAY_CHECKS)
    return read_columns(x, name="X")


def make_table(
    x: Any,  # noqa: ANN401  # as above
    target: npt.NDArray[Any],
    task: Task,
    classes: Sequence[Any] = (),
    *,
    weights: npt.NDArray[np.float32] | None = None,
) -> Table:
    """Return the table of checked rows.

    Args:
        x: an array or sparse matrix of numbers, or a frame, whose columns of numbers are all kept and whose categories are taken for such.
        target: (rows,) numbers, or the places of the rows' classes among `classes`.
        task: what is to be learned.
        classes: their names, for reports; none for a regression.
        weights: (rows,) how much each counts; None if all count the same.
    Raises:
        InputError: the columns make no feature, or the target has too few classes or values.
    """
    options = _options_of(x) if is_frame(x) else {}
    table = replace(read_table((_without_index(x), target), task=task, **options), weights=weights)
    names = tuple(map(str, classes))
    try:
        check_names("class", names)
    except InputError:
        return table  # whose classes are called by their numbers
    if table.plan is None or len(names) != len(table.class_names):
        return table
    return replace(table, class_names=names, plan=replace(table.plan, class_names=names))


def is_frame(x: object) -> bool:
    """Return whether rows are a pandas or Polars frame."""
    return is_pandas(x) or (type(x).__module__.split(".")[0] == "polars" and type(x).__name__ == "DataFrame")


def _without_index(x: Any) -> Any:  # noqa: ANN401  # as above
    """Return a pandas frame without its index, which is no feature; anything else as it is."""
    return x.reset_index(drop=True) if is_pandas(x) else x


def _options_of(frame: Any) -> dict[str, Any]:  # noqa: ANN401  # as above
    """Return which columns are kept whatever they look like, and which hold categories."""
    if is_pandas(frame) and not all(isinstance(name, str) for name in frame.columns):
        return {}  # columns without names are all kept, as those of an array
    names = [str(name) for name in frame.columns]
    kinds = [
        frame.dtypes.iloc[place] if is_pandas(frame) else frame.dtypes[place] for place in range(len(names))
    ]
    numbers = [name for name, kind in zip(names, kinds, strict=True) if _holds_numbers(kind)]
    levels = [
        name
        for name, kind in zip(names, kinds, strict=True)
        if str(kind).startswith(("category", "Categorical", "Enum"))
    ]
    return {"keep": numbers, "categorical": levels}


def _holds_numbers(kind: Any) -> bool:  # noqa: ANN401  # of pandas, NumPy or Polars
    is_numeric = getattr(kind, "is_numeric", None)  # Polars'
    return bool(is_numeric()) if is_numeric else getattr(kind, "kind", "O") in "biuf"
