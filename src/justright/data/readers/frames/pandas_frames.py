"""pandas frames as columns, without PyArrow, which `polars.from_pandas` would need for text and nullable types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from justright.data.checks import counted
from justright.data.readers.plain_values import values_column
from justright.data.readers.raw import RawTable, made_up_names, row_place
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

LABEL = "The pandas frame"
# The column of an index without a name, whose values are no row numbers.
INDEX_COLUMN = "index"


def pandas_table(source: Any) -> RawTable:  # noqa: ANN401 - pandas is no dependency, so its types are unknown
    """Return the columns of a pandas frame, and its index where that says something.

    An index with a name, of text, of times or of several levels becomes columns after the others; row numbers, even where some
    are gone, do not.

    Raises:
        InputError: two columns have the same name, or one holds complex numbers.
    """
    import polars as pl

    names = [str(name) for name in source.columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(
            f"{LABEL}: every column name must be unique; {twice!r} is there twice. Rename one of them."
        )
    columns = [pandas_column(name, source.iloc[:, index], LABEL) for index, name in enumerate(names)]
    has_header = not all(isinstance(name, int) for name in source.columns)
    if not has_header:
        names = made_up_names(len(names))
        columns = [column.alias(name) for column, name in zip(columns, names, strict=True)]
    kept = [column for column in _index_columns(source.index) if column.name not in names]
    notes = (f"The index is kept as {counted(len(kept), 'column')}, after the others.",) if kept else ()
    return RawTable(
        pl.DataFrame([*columns, *kept]), LABEL, has_header=has_header, locate=row_place, notes=notes
    )


def pandas_column(name: str, values: Any, label: str) -> pl.Series:  # noqa: ANN401 - as above
    """Return a pandas column of any type.

    Args:
        name: of the column.
        values: a pandas series.
        label: how messages name the frame.
    Raises:
        InputError: it holds complex numbers.
    """
    import polars as pl

    missing = np.asarray(values.isna(), bool)
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else getattr(values.dtype, "kind", "O")
    if kind == "c":
        raise InputError(
            f"{label}: column {name!r} must hold numbers or text; got {values.dtype}. Convert or remove it."
        )
    if kind in "mM":
        if getattr(values.dtype, "tz", None) is not None:
            values = values.dt.tz_localize(None)  # what clocks there show
        return pl.Series(name, values.to_numpy(f"{kind}8[us]", na_value=np.array("NaT", f"{kind}8[us]")[()]))
    if kind in "biuf":
        dtype = {"b": np.bool_, "f": np.float64}.get(kind, np.int64 if kind == "i" else np.uint64)
        has_gaps = bool(missing.any())
        filled = values.to_numpy(np.float64, na_value=np.nan) if has_gaps else values.to_numpy(dtype=dtype)
        series = pl.Series(name, np.ascontiguousarray(filled))
        is_nullable = not isinstance(values.dtype, np.dtype)
        return series.fill_nan(None) if has_gaps and is_nullable and series.dtype.is_float() else series
    return values_column(
        name, [None if gone else cell for cell, gone in zip(values.tolist(), missing, strict=True)]
    )


def _index_columns(index: Any) -> list[pl.Series]:  # noqa: ANN401 - as above
    levels = [index.get_level_values(level) for level in range(index.nlevels)]
    columns = []
    for number, level in enumerate(levels):
        if level.name is None and len(levels) == 1 and level.dtype.kind in "iu":
            continue
        made_up = INDEX_COLUMN if len(levels) == 1 else f"{INDEX_COLUMN}_{number}"
        columns.append(
            pandas_column(made_up if level.name is None else str(level.name), level.to_series(), LABEL)
        )
    return columns
