"""Tables that are in memory already: arrays, frames, mappings, records, and the data sets of other packages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from justright.data.checks import listed
from justright.data.readers.frames.array_columns import array_column, array_table, as_array
from justright.data.readers.frames.pandas_frames import pandas_column, pandas_table
from justright.data.readers.json_rows import gather_records
from justright.data.readers.plain_values import values_column
from justright.data.readers.raw import (
    MAX_TABLE_BYTES,
    RawTable,
    check_column_names,
    check_equal_lengths,
    made_up_names,
    row_place,
)
from justright.data.readers.tidy_columns import tidy_columns
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# Packages whose objects are known by their type; none of them is imported here.
PACKAGES = ("polars", "pandas", "datasets", "scipy")
# Names for the column of a separately given target: the first one that no feature has.
TARGET_COLUMNS = ("target", "target_", "target__")
SPARSE_BYTES = 8  # of each value, zeros too
MAX_LISTED = 5


def is_in_memory(source: object) -> bool:
    """Return whether a source is rows or columns in memory, rather than a path or name."""
    known = isinstance(source, (np.ndarray, tuple, list, Mapping)) or _package(source) in PACKAGES
    return known or hasattr(source, "__array__") or hasattr(source, "__arrow_c_stream__")


def read_memory(source: object, target: object) -> RawTable:
    """Return the columns of arrays, frames, records and other tables in memory.

    Args:
        source: (rows, columns) array or sparse matrix, a pair (features, target), a pandas, Polars or PyArrow table, a mapping of
            columns, a list of records or rows, a `datasets.Dataset`, or scikit-learn's Bunch.
        target: a column's name or number, (rows,) values of its own, or None.
    Raises:
        InputError: shapes do not match, or what is given holds no rows of values.
    """
    if isinstance(source, tuple):
        if len(source) != 2 or target is not None:
            raise InputError(
                f"A tuple must be the pair (features, target), without a separate `target`; got {len(source)} "
                f"items and target={_described(target)}. Pass (X, y)."
            )
        source, target = source
    raw = tidy_columns(_to_raw(source))
    if target is None or isinstance(target, (str, int, np.integer)):
        chosen = int(target) if isinstance(target, np.integer) else target
        if isinstance(chosen, int) and chosen < 0 and is_pandas(source):
            chosen += source.shape[1]  # counted from the last column, not from an index after it
        return replace(raw, target=raw.target if chosen is None else chosen)
    return tidy_columns(_with_target(raw, target))


def pair_table(features: npt.NDArray[Any], target: npt.NDArray[Any], label: str) -> RawTable:
    """Return the columns of a feature array and a target array.

    Args:
        features: (rows, features), numbers or text.
        target: (rows,) or (rows, 1).
        label: how messages name the source.
    Raises:
        InputError: shapes do not match, or a dtype holds neither numbers nor text.
    """
    return _with_target(array_table(features, label), target)


def _to_raw(source: Any) -> RawTable:  # noqa: ANN401 - of many types, most of packages that are no dependencies
    import polars as pl

    package, kind = _package(source), type(source).__name__
    if package == "polars" and hasattr(source, "lazy"):
        frame = source.lazy().collect()  # a LazyFrame is collected
        return RawTable(frame, "The Polars frame", has_header=True, locate=row_place)
    if is_pandas(source):
        return pandas_table(source)
    if package == "datasets":
        return _dataset_table(source)
    if package == "scipy":
        return _sparse_table(source)
    if package == "sklearn" and isinstance(source, Mapping):
        return _bunch_table(source)
    if isinstance(source, Mapping):
        return _mapping_table(source, f"The {kind}")
    if isinstance(source, list):
        return _list_table(source)
    if hasattr(source, "__arrow_c_stream__"):
        return RawTable(pl.DataFrame(source), f"The {kind}", has_header=True, locate=row_place)
    return array_table(as_array(source), "The array")


def _dataset_table(source: Any) -> RawTable:  # noqa: ANN401 - as above
    """Return the columns of a data set of the package `datasets`; its classes by their names."""
    import polars as pl

    kind = type(source).__name__
    if isinstance(source, Mapping):
        parts = ", ".join(repr(name) for name in source)
        raise InputError(
            f"The {kind}: one part must be given; it has {parts}. Pass dataset[{next(iter(source), 'train')!r}]."
        )
    if not hasattr(source, "with_format") or not hasattr(source, "num_rows"):
        raise InputError(
            f"The {kind}: a data set whose rows can be counted must be given. "
            "Pass datasets.Dataset.from_list(list(dataset.take(10_000)))."
        )
    frame = pl.DataFrame(source.with_format("arrow")[:])
    for name, feature in source.features.items():
        names = getattr(feature, "names", None)
        if names and frame[name].dtype.is_integer():
            known = dict(enumerate(names))
            frame = frame.with_columns(
                pl.col(name).replace_strict(known, default=None, return_dtype=pl.String)
            )
    return RawTable(frame, f"The {kind}", has_header=True, locate=row_place)


def _sparse_table(source: Any) -> RawTable:  # noqa: ANN401 - as above
    size = math.prod(source.shape) * SPARSE_BYTES
    if size > MAX_TABLE_BYTES:
        raise InputError(
            f"The sparse matrix: a table must take at most {MAX_TABLE_BYTES:,} bytes in memory; its shape {source.shape} takes "
            f"{size:,} with its zeros. Give fewer rows or columns."
        )
    return array_table(np.asarray(source.todense()), "The sparse matrix")


def _bunch_table(source: Mapping[str, Any]) -> RawTable:
    """Return the columns of scikit-learn's Bunch: features by their names, classes by theirs."""
    if "data" not in source or "target" not in source:
        raise InputError(
            f"The Bunch: it must hold 'data' and 'target'; it holds {', '.join(map(repr, source))}. Pass (X, y)."
        )
    raw = replace(tidy_columns(_to_raw(source["data"])), label="The Bunch")
    names = source.get("feature_names")
    if not raw.has_header and names is not None and len(names) == raw.frame.width:
        columns = dict(zip(raw.frame.columns, map(str, names), strict=True))
        raw = replace(raw, frame=raw.frame.rename(columns), has_header=True)
    return _with_target(raw, _named_classes(np.asarray(source["target"]), source.get("target_names")))


def _named_classes(target: npt.NDArray[Any], names: Sequence[str] | None) -> npt.NDArray[Any]:
    """Return the names of a target's classes where it holds their numbers, from 0; else the target as it is."""
    if names is None or target.dtype.kind not in "iu" or target.size == 0:
        return target
    if target.min() < 0 or target.max() >= len(names):
        return target
    named: npt.NDArray[Any] = np.asarray(names).astype(str)[target]
    return named


def _mapping_table(source: Mapping[Any, Any], label: str) -> RawTable:
    import polars as pl

    odd = [
        str(name)
        for name, values in source.items()
        if isinstance(values, (str, bytes, Mapping)) or not _has_length(values)
    ]
    if odd or not source:
        what = f"{listed(odd, most=MAX_LISTED)} hold something else" if odd else "it is empty"
        raise InputError(
            f"{label}: a mapping must hold columns, a sequence of values each; {what}. Pass columns, or a frame."
        )
    check_equal_lengths(source.values(), label)
    names = [str(name) for name in source]
    check_column_names(names, label)
    columns = [
        _column(name, values, label, what=f"column {name!r}")
        for name, values in zip(names, source.values(), strict=True)
    ]
    return RawTable(pl.DataFrame(columns), label, has_header=True, locate=row_place)


def _list_table(source: list[Any]) -> RawTable:
    import polars as pl

    label = "The list"
    if source and all(isinstance(row, Mapping) for row in source):
        return _mapping_table(gather_records(source), label)
    widths = {len(row) if isinstance(row, (list, tuple, np.ndarray)) else None for row in source}
    if len(widths) != 1 or None in widths:
        raise InputError(
            f"{label}: a list must hold records, or rows of one length. Pass a list of dictionaries, or a pair (X, y)."
        )
    array = np.asarray(source) if _is_numeric(source[0]) else np.zeros(0, dtype="U")
    if array.dtype.kind in "biuf":
        return array_table(array, "The array")
    columns = zip(*source, strict=True)
    names = made_up_names(len(source[0]))
    frame = pl.DataFrame([values_column(name, column) for name, column in zip(names, columns, strict=True)])
    return RawTable(frame, label, has_header=False, locate=row_place)


def _is_numeric(row: Sequence[Any]) -> bool:
    """Return whether a row holds numbers only: such rows are read as one array, in one step."""
    return all(isinstance(value, (bool, int, float, np.number)) for value in row)


def _has_length(values: object) -> bool:
    return hasattr(values, "__len__") and bool(getattr(values, "ndim", 1))


def _column(name: str, values: Any, label: str, *, what: str) -> pl.Series:  # noqa: ANN401 - as above
    """Return a column of any sequence of values; `what` names it in messages."""
    import polars as pl

    if isinstance(values, pl.Series):
        return values.alias(name)
    if _package(values) == "pandas" and getattr(values, "ndim", 0) == 1 and hasattr(values, "to_frame"):
        return pandas_column(name, values.to_frame().iloc[:, 0], label)  # of an index, too
    if isinstance(values, (list, tuple, range)):
        return values_column(name, values)
    array = as_array(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"{label}: {what} must have one axis, (rows,); got shape {array.shape}.")
    return array_column(name, array, label)


def _with_target(raw: RawTable, target: object) -> RawTable:
    """Return a table with the values of a target as its last column, by the name that they have, if it is free."""
    names = (_own_name(target), *TARGET_COLUMNS)
    name = next(name for name in names if name and name not in raw.frame.columns)
    series = _target_series(name, target, raw.label)
    if len(series) != raw.frame.height:
        _refuse_names(target, raw)
        raise InputError(
            f"{raw.label}: features and target must have as many rows as each other; got {raw.frame.height:,} and "
            f"{len(series):,}."
        )
    return replace(raw, frame=raw.frame.with_columns(series), target=name)


def _own_name(target: Any) -> str:  # noqa: ANN401 - as above
    """Return the name of a pandas or Polars series, or of a frame's only column; empty if it has none."""
    if _package(target) not in ("polars", "pandas"):
        return ""
    columns = list(getattr(target, "columns", ()))
    name = columns[0] if len(columns) == 1 else getattr(target, "name", None)
    return name if isinstance(name, str) else ""


def _refuse_names(target: object, raw: RawTable) -> None:
    """Raise InputError for a list of columns' names where one name was meant."""
    known = raw.frame.columns
    if isinstance(target, (list, tuple)) and target and all(name in known for name in target):
        raise InputError(
            f"{raw.label}: `target` must be the name of one column; got the list {list(target)!r}. "
            f"Write target={target[0]!r}."
        )


def _target_series(name: str, target: Any, label: str) -> pl.Series:  # noqa: ANN401 - as above
    if _package(target) in ("polars", "pandas") and getattr(target, "ndim", 2) == 2:
        frame = tidy_columns(_to_raw(target)).frame
        if frame.width == 1:
            return frame.to_series(0).alias(name)
    if isinstance(target, (list, tuple)) and any(
        isinstance(value, (list, tuple, np.ndarray)) for value in target
    ):
        target = as_array(target)  # such as [[0], [1]]
    return _column(name, target, label, what="a target")


def is_pandas(source: object) -> TypeGuard[Any]:
    """Return whether a source is a pandas frame."""
    return _package(source) == "pandas" and type(source).__name__ == "DataFrame"


def _package(source: object) -> str:
    return type(source).__module__.split(".")[0]


def _described(value: object) -> str:
    return "None" if value is None else type(value).__name__
