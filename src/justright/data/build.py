"""From columns as read to a table: choose the target, leave out rows with missing values, turn columns into numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from justright.data.checks import check_names, listed
from justright.data.encoding import Column, Rows, encode_levels, is_missing, to_numbers
from justright.data.readers.raw import MADE_UP_NAME, NotNumbersError, Pieces, RawTable
from justright.data.shared_arrays import shareable_empty
from justright.data.sources import Request, sources
from justright.data.table import Table, TableSource
from justright.data.target import encode_target
from justright.errors import InputError, near_miss

if TYPE_CHECKING:
    import polars as pl

# What data sets call their target in practice. The only column with one of these names is the target.
TARGET_NAMES = ("label", "target", "y", "class")
# Columns listed in a message: enough to find the right one, short enough for a terminal.
MAX_LISTED = 12


def build_table(raw: RawTable, request: Request, *, source: str) -> Table:
    """Return the table made of the columns that a reader found.

    Args:
        raw: the columns and how to name rows of them.
        request: target, rows, task, missing tokens and categorical columns.
        source: the value of `TableSource.source`.
    Raises:
        InputError: no target, too few rows, or a value that is neither a number nor a class and not declared missing;
            the message names source, column and row.
    """
    raw = _named(raw)
    if raw.pieces:
        table = _build_from_pieces(raw, raw.pieces, request, source)
        if table:
            return table
        raw = _named(raw.pieces.whole())
    _check_shape(raw, request)
    frame = raw.frame if request.rows is None else raw.frame.head(request.rows)
    wanted = raw.target if request.target is None else request.target
    target = choose_target(raw, wanted)
    _check_categorical(raw, request, target)
    keep = _kept_rows(frame, request, raw)
    left_out = frame.height - len(keep)
    if left_out:
        frame = frame[keep.tolist()]
    features, names = _features(frame.drop(target), keep, raw, request)
    column = Column(frame[target], keep, raw, is_target=True)
    values, task, class_names = encode_target(column, task=request.task)
    described = _describe_source(source, wanted, request)
    return Table(features, values, names, target, task, class_names, described, left_out)


def _build_from_pieces(raw: RawTable, pieces: Pieces, request: Request, source: str) -> Table | None:
    """Return the table made of pieces; None where it must be read at once: not all are numbers, or something is wrong."""
    wanted = raw.target if request.target is None else request.target
    if request.missing or request.categorical:
        return None
    try:
        check_names("column", raw.frame.columns)
        target = choose_target(raw, wanted)
        names = [name for name in raw.frame.columns if name != target]
        if not names:
            return None
        features, column = _collect(pieces, names, target)
        everything = Column(column, np.arange(len(column)), raw, is_target=True)
        values, task, class_names = encode_target(everything, task=request.task)
    except (InputError, NotNumbersError):
        return None
    is_guessed = wanted is None and not raw.has_header  # from its first rows
    if len(features) < (request.rows or 1) or (is_guessed and not _is_zero_one(column)):
        return None
    described = _describe_source(source, wanted, request)
    return Table(features, values, tuple(names), target, task, class_names, described)


def _collect(pieces: Pieces, names: Sequence[str], target: str) -> tuple[npt.NDArray[np.float32], pl.Series]:
    """Return the features and the target of a table in pieces.

    Raises:
        NotNumbersError: a feature is no finite number in float32.
    """
    import polars as pl

    features = shareable_empty((pieces.most_rows, len(names)), np.float32)
    targets: list[pl.Series] = []
    count = 0
    for frame in pieces.frames():
        block = features[count : count + frame.height]
        with np.errstate(over="ignore"):
            block[:] = frame.select(names).cast(pl.Float64).to_numpy()
        if not np.isfinite(block).all():
            raise NotNumbersError
        targets.append(frame[target])
        count += frame.height
    if not count:
        raise NotNumbersError
    return features[:count], pl.concat(targets)


def _describe_source(source: str, wanted: str | int | None, request: Request) -> TableSource:
    return TableSource(
        source=source,
        target=None if wanted is None else str(wanted),
        location=None if request.location is None else str(request.location),
        **request.plain(),
    )


def choose_target(raw: RawTable, target: str | int | None) -> str:
    """Return the name of the target column.

    Args:
        raw: the columns.
        target: a name; a number from 0 (negative: from the end), also as text where no column has that name;
            None for the only column called label, target, y or class, or for the first column of a
            header-less table if it holds 0 and 1 only.
    Raises:
        InputError: there is no such column, or no way to choose one.
    """
    names = raw.frame.columns
    if target is None:
        return _default_target(raw, names)
    if isinstance(target, str) and target in names:
        return target
    number = _column_number(target, raw)
    if number is not None and -len(names) <= number < len(names):
        return names[number]
    raise InputError(
        f"{raw.label}: `target` must be a column's name, or its number from 0 to {len(names) - 1}; got {target!r}."
        f"{near_miss(str(target), names)} Columns: {listed(names, most=MAX_LISTED)}."
    )


def _named(raw: RawTable) -> RawTable:
    """Return columns without a header, named as in the source that recognises them, if there is one."""
    if raw.has_header:
        return raw
    recognised = (one.recognise(raw.frame) for one in sources().values() if one.recognise)
    names = next((names for names in recognised if names), None)
    if names is None:
        return raw
    return replace(raw, frame=raw.frame.rename(dict(zip(raw.frame.columns, names, strict=True))))


def _check_shape(raw: RawTable, request: Request) -> None:
    rows, columns = raw.frame.shape
    if rows == 0:
        raise InputError(f"{raw.label}: a table must have at least one row; it has none.")
    if columns < 2:
        raise InputError(
            f"{raw.label}: a table must have a target and at least one feature; it has {columns} column(s)."
        )
    if request.rows is not None and request.rows > rows:
        raise InputError(
            f"{raw.label}: `rows` must be at most the table's {rows:,} rows; got {request.rows:,}."
        )
    check_names("column", raw.frame.columns)


def _check_categorical(raw: RawTable, request: Request, target: str) -> None:
    for name in request.categorical:
        if name == target or name not in raw.frame.columns:
            what = "is the target" if name == target else "is no column"
            raise InputError(
                f"{raw.label}: `categorical` must name feature columns; {name!r} {what}. "
                f"Columns: {listed(raw.frame.columns, most=MAX_LISTED)}."
            )


def _default_target(raw: RawTable, names: Sequence[str]) -> str:
    matches = [name for name in names if name.lower() in TARGET_NAMES]
    if len(matches) == 1:
        return matches[0]
    if not raw.has_header and _is_zero_one(raw.frame.to_series(0)):
        return names[0]
    found = listed(matches, most=MAX_LISTED) if matches else "none"
    raise InputError(
        f"{raw.label}: `target` must name the target column. Of the usual names (label, target, y, class), this table has "
        f"{found}. Columns: {listed(names, most=MAX_LISTED)}."
    )


def _is_zero_one(column: pl.Series) -> bool:
    return column.dtype.is_numeric() and set(column.unique().to_list()) == {0, 1}


def _column_number(target: str | int, raw: RawTable) -> int | None:
    if isinstance(target, str) and not raw.has_header and MADE_UP_NAME.fullmatch(target):
        target = target.removeprefix("column_")
    try:
        return int(target)
    except ValueError:
        return None


def _kept_rows(frame: pl.DataFrame, request: Request, raw: RawTable) -> Rows:
    gone = np.zeros(frame.height, bool)
    if request.missing:
        for column in frame.iter_columns():
            gone |= is_missing(column, request.missing)
    if gone.all():
        raise InputError(
            f"{raw.label}: some rows must have every value; all {frame.height:,} hold one of "
            f"missing={list(request.missing)!r}. Remove the columns that lack values."
        )
    return np.flatnonzero(~gone)


def _features(
    frame: pl.DataFrame, keep: Rows, raw: RawTable, request: Request
) -> tuple[npt.NDArray[np.float32], tuple[str, ...]]:
    blocks: list[npt.NDArray[np.float32]] = []
    names: list[str] = []
    for values in frame.iter_columns():
        column = Column(values, keep, raw)
        if column.name in request.categorical:
            block, levels = encode_levels(column)
            names += [f"{column.name}={level}" for level in levels]
        else:
            block = to_numbers(column)[:, None]
            names.append(column.name)
        blocks.append(block)
    features = shareable_empty((frame.height, len(names)), np.float32)
    np.concatenate(blocks, axis=1, out=features)
    return features, tuple(names)
