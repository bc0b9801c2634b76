"""Rows as scikit-learn's callers have them, arrays and frames: checked by its rules, and as columns for our tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy.typing as npt
from sklearn.base import is_regressor
from sklearn.utils.validation import check_consistent_length, validate_data

from justright.data.checks import check_names
from justright.data.read import read_columns, read_table
from justright.data.read_options import Task
from justright.data.readers.frames.in_memory import is_pandas
from justright.data.readers.raw import RawTable
from justright.data.table import Table
from justright.errors import InputError

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


def make_table(x: Any, target: npt.NDArray[Any], task: Task, classes: Sequence[Any] = ()) -> Table:  # noqa: ANN401  # as above
    """Return the table of checked rows.

    Args:
        x: an array or sparse matrix of numbers, or a frame, whose columns of numbers are all kept and whose categories are taken for such.
        target: (rows,) numbers, or the places of the rows' classes among `classes`.
        task: what is to be learned.
        classes: their names, for reports; none for a regression.
    Raises:
        InputError: the columns make no feature, or the target has too few classes or values.
    """
    options = _options_of(x) if is_frame(x) else {}
    table = read_table((_without_index(x), target), task=task, **options)
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
