"""Tables that are in memory already: NumPy arrays, (X, y) pairs, pandas and Polars frames."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.readers.raw import RawTable, made_up_names, row_place
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# Array kinds that hold numbers or text; objects, times and records do not become columns.
ARRAY_KINDS = "biufUS"
# Halves of a UTF-16 pair: numbers in Python's range that are not characters (Unicode standard, section 3.8).
SURROGATES = (0xD800, 0xDFFF)
# Names for the column of a separately given target: the first one that no feature has.
TARGET_COLUMNS = ("target", "target_", "target__")


def is_in_memory(source: object) -> bool:
    """Return whether a source is an array, a pair of them or a frame, rather than a path or name."""
    return isinstance(source, (np.ndarray, tuple)) or _is_polars(source) or _is_pandas(source)


def read_memory(source: object, target: object) -> RawTable:
    """Return the columns of arrays or frames.

    Args:
        source: (rows, columns) array, a pair (features, target), or a pandas or Polars frame.
        target: a column's name or number, (rows,) values of its own, or None.
    Raises:
        InputError: shapes do not match, or a dtype holds neither numbers nor text.
    """
    if isinstance(source, tuple):
        if len(source) != 2 or target is not None:
            raise InputError(
                f"A tuple must be the pair (features, target), without a separate `target`; got {len(source)} "
                f"items and target={_described(target)}. Pass (X, y)."
            )
        source, target = source
    raw = _to_raw(source)
    if target is None or isinstance(target, (str, int, np.integer)):
        return replace(raw, target=int(target) if isinstance(target, np.integer) else target)
    return _with_target(raw, target)


def pair_table(features: npt.NDArray[Any], target: npt.NDArray[Any], label: str) -> RawTable:
    """Return the columns of a feature array and a target array.

    Args:
        features: (rows, features), numbers or text.
        target: (rows,) or (rows, 1).
        label: how messages name the source.
    Raises:
        InputError: shapes do not match, or a dtype holds neither numbers nor text.
    """
    return _with_target(_array_table(features, label), target)


def _to_raw(source: object) -> RawTable:
    if _is_polars(source):
        frame: Any = source.collect() if hasattr(source, "collect") else source  # a LazyFrame is collected
        return RawTable(frame, "The Polars frame", has_header=True, locate=row_place)
    if _is_pandas(source):
        return _pandas_table(source)
    try:
        array = np.asarray(source)
    except ValueError as error:
        raise InputError(
            f"Features must form a (rows, features) array; got {type(source).__name__}: {error}."
        ) from None
    return _array_table(array, "The array")


def _array_table(array: npt.NDArray[Any], label: str) -> RawTable:
    import polars as pl

    if array.ndim != 2:
        raise InputError(
            f"{label}: features must have two axes, (rows, features); got shape {array.shape}. "
            "Reshape it: array.reshape(len(array), -1)."
        )
    names = made_up_names(array.shape[1])
    columns = [_series(name, array[:, index], label) for index, name in enumerate(names)]
    return RawTable(pl.DataFrame(columns), label, has_header=False, locate=row_place)


def _series(name: str, values: npt.NDArray[Any], label: str) -> pl.Series:
    import polars as pl

    if values.dtype.kind not in ARRAY_KINDS:
        raise InputError(
            f"{label}: an array must hold numbers, booleans or text; got dtype {values.dtype}. "
            "Convert it with .astype(float) or .astype(str)."
        )
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        _check_characters(name, values, label)
        return pl.Series(name, values.tolist(), dtype=pl.String)
    # Polars knows no float16 arithmetic and no long double; both fit or round to float64.
    if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
        values = values.astype(np.float64)
    native = values.astype(values.dtype.newbyteorder("="), copy=True)
    return pl.Series(name, np.ascontiguousarray(native))


def _check_characters(name: str, values: npt.NDArray[np.str_], label: str) -> None:
    """Refuse text whose numbers are not characters: an array from a file may hold any number, and NumPy does not check."""
    native = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    codes = native.view(np.uint32) if native.dtype.itemsize and native.size else np.zeros(0, np.uint32)
    bad = (codes > sys.maxunicode) | ((codes >= SURROGATES[0]) & (codes <= SURROGATES[1]))
    if bad.any():
        row = int(np.argmax(bad.reshape(len(values), -1).any(axis=1)))
        raise InputError(
            f"{label}: column {name!r} must hold text; {row_place(row)} holds a number that is not a character. "
            "Write the file again."
        )


def _with_target(raw: RawTable, target: object) -> RawTable:
    name = next(name for name in TARGET_COLUMNS if name not in raw.frame.columns)
    series = _target_series(name, target, raw.label)
    if len(series) != raw.frame.height:
        raise InputError(
            f"{raw.label}: features and target must have as many rows as each other; got {raw.frame.height:,} and "
            f"{len(series):,}."
        )
    return replace(raw, frame=raw.frame.with_columns(series), target=name)


def _target_series(name: str, target: object, label: str) -> pl.Series:
    import polars as pl

    if isinstance(target, pl.Series):
        return target.alias(name)
    if _is_polars(target) or _is_pandas(target):
        frame = _to_raw(target).frame
        if frame.width == 1:
            return frame.to_series(0).alias(name)
    if hasattr(target, "dtype") and _package(target) == "pandas":
        return _pandas_series(name, target, label)
    values = np.asarray(target)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise InputError(f"{label}: a target must have one axis, (rows,); got shape {values.shape}.")
    return _series(name, values, label)


def _pandas_table(source: Any) -> RawTable:  # noqa: ANN401 - pandas is no dependency, so its types are unknown
    import polars as pl

    names = [str(name) for name in source.columns]
    label = "The pandas frame"
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"{label}: every column name must be unique; {twice!r} is there twice. Rename one of them."
        )
    columns = [_pandas_series(name, source.iloc[:, index], label) for index, name in enumerate(names)]
    frame = pl.DataFrame(columns)
    has_header = not all(isinstance(name, int) for name in source.columns)
    if not has_header:
        frame.columns = made_up_names(len(names))
    return RawTable(frame, label, has_header=has_header, locate=row_place)


def _pandas_series(name: str, values: Any, label: str) -> pl.Series:  # noqa: ANN401 - as above
    """Return a pandas column without PyArrow, which polars.from_pandas would need for text and nullable types."""
    import polars as pl

    missing = np.asarray(values.isna(), bool)
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else getattr(values.dtype, "kind", "O")
    if kind in "biuf":
        dtype = {"b": np.bool_, "f": np.float64}.get(kind, np.int64 if kind == "i" else np.uint64)
        has_gaps = bool(missing.any())
        filled = values.to_numpy(np.float64, na_value=np.nan) if has_gaps else values.to_numpy(dtype=dtype)
        series = pl.Series(name, np.ascontiguousarray(filled))
        is_nullable = not isinstance(values.dtype, np.dtype)
        return series.fill_nan(None) if has_gaps and is_nullable and series.dtype.is_float() else series
    if kind in "mMc":
        raise InputError(
            f"{label}: column {name!r} must hold numbers or text; got {values.dtype}. Convert or remove it."
        )
    cells = [None if gone else cell for cell, gone in zip(values.tolist(), missing, strict=True)]
    odd = next((cell for cell in cells if cell is not None and not isinstance(cell, (str, int, float))), None)
    if odd is not None:
        raise InputError(
            f"{label}: column {name!r} must hold numbers or text; it holds {type(odd).__name__} values. "
            "Convert or remove it."
        )
    return pl.Series(name, [cell if cell is None else str(cell) for cell in cells], dtype=pl.String)


def _is_polars(source: object) -> bool:
    return _package(source) == "polars" and type(source).__name__ in ("DataFrame", "LazyFrame")


def _is_pandas(source: object) -> bool:
    return _package(source) == "pandas" and type(source).__name__ == "DataFrame"


def _package(source: object) -> str:
    return type(source).__module__.split(".")[0]


def _described(value: object) -> str:
    return "None" if value is None else type(value).__name__
