"""pandas, Polars and PyArrow tables of metrics: one row per epoch or step, or one row per value."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Any

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.logged_run import LoggedRun
from justright.logs.metric_names import is_loss, parse_name
from justright.logs.objects.as_files import runs_of_frame
from justright.logs.objects.object_kind import ObjectKind, is_of_package, type_name
from justright.logs.objects.plain_numbers import read_list

if TYPE_CHECKING:
    import polars as pl

PACKAGES = ("pandas", "polars", "pyarrow")
TABLES = frozenset({"DataFrame", "LazyFrame", "Table", "RecordBatch"})
COLUMNS = frozenset({"Series"})
# Losses that leave the numbers do so within this many rows of each other: validation follows training.
SAME_ROWS = 1


def _has_type(source: object, names: Set[str]) -> bool:
    """Return whether a package of tables made an object, of a type with one of these names, or of a subclass."""
    return is_of_package(source, *PACKAGES) and any(base.__name__ in names for base in type(source).__mro__)


def read_frame(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # of libraries that may be absent
    """Return the runs of a table.

    Raises:
        InputError: its columns have no names, or it holds no curves.
    """
    from justright.data.readers.frames.in_memory import read_memory

    raw = read_memory(source, None)
    if not raw.has_header:
        raise InputError(
            "The columns of a data frame must have names that say what they hold; they have numbers. "
            "Name them, such as 'epoch', 'loss' and 'val_loss'."
        )
    frame = _without_gaps(raw.frame) if is_of_package(source, "pandas") else raw.frame
    return runs_of_frame(type_name(source), frame, choices)


def _read_column(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # as above
    return read_frame(source.to_frame(), choices) if source.name else read_list(source.to_list(), choices)


def _without_gaps(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame that came from pandas, where NaN also says 'not measured', with nulls for what was not measured.

    Losses that are all NaN from the same row on, and were all there before, were measured: that is a run which diverged.
    """
    import polars as pl

    floats = [column.name for column in frame.iter_columns() if column.dtype.is_float()]
    losses = [name for name in floats if is_loss(parse_name(name).metric)]
    starts = [start for name in losses if (start := _tail_of_nan(frame[name])) is not None]
    diverged = 0 < len(starts) == len(losses) and max(starts) - min(starts) <= SAME_ROWS
    gaps = [name for name in floats if not (diverged and name in losses)]
    return frame.with_columns(pl.col(gaps).fill_nan(None)) if gaps else frame


def _tail_of_nan(column: pl.Series) -> int | None:
    """Return the row from which a column is NaN to its end; None if it is not, or has gaps before."""
    missing = column.is_nan().fill_null(value=True)
    count = int(missing.sum())
    start = len(column) - count
    return start if 0 < start < len(column) and bool(missing[start:].all()) else None


DATA_FRAME = ObjectKind(
    "a pandas, Polars or PyArrow table", lambda source: _has_type(source, TABLES), read_frame
)
COLUMN = ObjectKind("a column of one", lambda source: _has_type(source, COLUMNS), _read_column)
