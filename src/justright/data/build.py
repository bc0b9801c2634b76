"""From columns as read to a table: find target, groups, times and weights, draw rows, decide what columns are taken for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.checks import check_names, listed
from justright.data.plan.column_plans import LeftOut, read_levels, read_moments, read_numbers
from justright.data.plan.date_text import are_day_numbers, find_date_format
from justright.data.plan.missing_values import MISSING_AMONG_NUMBERS, as_text, without_missing
from justright.data.plan.number_text import PLAIN, find_length_format, find_number_format
from justright.data.plan.table_plan import Plan, fit_number_plan, fit_plan, used_features
from justright.data.readers.raw import MADE_UP_NAME, NotNumbersError, Pieces, RawTable
from justright.data.shared_arrays import release_memory, share_array, shareable_empty
from justright.data.sources import Request, sources
from justright.data.split import shuffled_rows
from justright.data.table import Table, TableSource, column_options
from justright.data.target import TargetColumn, read_target, read_target_like
from justright.errors import InputError, near_miss, nearest

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

# What data sets call their target in practice. The only column with one of these names is the target.
TARGET_NAMES = ("label", "target", "y", "class")
# Columns listed in a message: enough to find the right one, short enough for a terminal.
MAX_LISTED = 12
SAMPLE_SEED = 0
# Options that name columns.
COLUMN_LISTS = ("drop", "keep", "categorical", "numeric")
ROLES = ("group", "time", "weights")


class NoTargetError(InputError):
    """Nobody says which column is the target, and none has a usual name.

    Args:
        message: says so.
        raw: the columns as read.
        request: what is asked for.
    """

    def __init__(self, message: str, raw: RawTable, request: Request) -> None:
        super().__init__(message)
        self.raw, self.request = raw, request


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """A table's columns told apart.

    Args:
        frame: the columns that features may be made of.
        target: the target.
        roles: option -> column, of `group`, `time` and `weights`.
        order: the names of all columns.
    """

    frame: pl.DataFrame
    target: pl.Series
    roles: dict[str, pl.Series]
    order: tuple[str, ...]


def build_table(raw: RawTable, request: Request, *, source: str, like: Table | None = None) -> Table:
    """Return the table made of the columns that a reader found.

    Args:
        raw: the columns and how to name rows of them.
        request: which rows and columns, and what they are taken for.
        source: the value of `TableSource.source`.
        like: the training table, whose target and columns say what those of this one are; None for a table of its own.
    Raises:
        InputError: no target, too few rows, or options that name no column; the message names all of them.
    """
    raw = _named(raw)
    if raw.pieces:
        table = _build_from_pieces(raw, raw.pieces, request, source) if like is None else None
        if table:
            return table
        raw = _named(raw.pieces.whole())
    _check_shape(raw, request)
    if like is not None:
        _check_target_like(raw, like)
    request, parts = _tell_apart(raw, request)
    chosen = _chosen_rows(raw.frame.height, request)
    if chosen is not None:
        parts = _taken(parts, chosen)
    column = _read_target(parts.target, request, raw.label, like)
    left_out = len(parts.target) - len(column.rows)
    if left_out:
        parts = _taken(parts, column.rows)
    return _assemble(raw, request, parts, column, source=source, left_out=left_out, like=like)


def plan_columns(raw: RawTable, request: Request) -> Plan:
    """Return what every column is taken for where the target is not known: as if none were.

    Raises:
        InputError: the table has no rows.
    """
    raw = _named(raw)
    frame = raw.frame
    blank = Plan((), "", "regression", (), tuple(frame.columns), raw.has_header)
    return fit_plan(frame, np.arange(frame.height), request, blank)


def choose_target(raw: RawTable, target: str | int | None, request: Request | None = None) -> str:
    """Return the name of the target column.

    Args:
        raw: the columns.
        target: a name; a number from 0 (negative: from the end), also as text where no column has that name;
            None for the only column called label, target, y or class, or for the first column of a
            header-less table if it holds 0 and 1 only.
        request: what else is asked for, kept in the error.
    Raises:
        InputError: there is no such column.
        NoTargetError: there is no way to choose one.
    """
    if target is None:
        return _default_target(raw, raw.frame.columns, request or Request())
    return _find_column(raw, target, "target")


def _assemble(
    raw: RawTable,
    request: Request,
    parts: _Parts,
    column: TargetColumn,
    *,
    source: str,
    left_out: int,
    like: Table | None,
) -> Table:
    frame, names = parts.frame, parts.frame.columns
    everything = np.arange(frame.height)
    fixed = tuple(
        LeftOut(name=values.name, what=role, reason="as asked")
        for role, values in parts.roles.items()
        if role != "time"
    )
    blank = Plan(fixed, parts.target.name, column.task, column.class_names, parts.order, raw.has_header)
    wanted = raw.target if request.target is None else request.target
    described = _describe_source(source, wanted, request)
    options = column_options(described, names, has_header=raw.has_header)
    columns: pl.DataFrame | None = None
    if like is not None and like.plan is not None:
        plan, columns = like.plan, frame
        features = plan.prepare(
            frame, label=raw.label, has_header=raw.has_header, is_strict=True, has_target=False
        ).features
    elif _are_complete_numbers(frame, request):
        features = _as_features(frame)
        plan = fit_number_plan(features, names, slice(None), options, blank)
        features = used_features(features, names, plan)
    else:
        plan, columns = fit_plan(frame, everything, options, blank), frame
        features = plan.prepare(frame, label=raw.label).features
    if not plan.used:
        raise InputError(
            f"{raw.label}: at least one column must make a feature; {_listed_left_out(plan)}. Keep one with keep=[...], "
            "or say what it is with categorical=[...] or numeric=[...]."
        )
    return Table(
        features,
        column.values,
        plan.feature_names,
        parts.target.name,
        column.task,
        column.class_names,
        described,
        left_out,
        columns=columns,
        plan=plan,
        has_header=raw.has_header,
        task_reason=column.reason,
        notes=raw.notes,
        **_read_roles(parts.roles, request, raw.label),
    )


def _read_target(values: pl.Series, request: Request, label: str, like: Table | None) -> TargetColumn:
    if like is None:
        return read_target(values, request, label)
    return read_target_like(values, request, label, task=like.task, class_names=like.class_names)


def _check_target_like(raw: RawTable, like: Table) -> None:
    """Raise InputError if a second table with names lacks the target: rows without it measure nothing."""
    name, names = like.target_name, raw.frame.columns
    if raw.has_header and like.has_header and name not in names:
        raise InputError(
            f"{raw.label}: rows that test or validate must have the target {name!r}; there is no such column."
            f"{near_miss(name, names)} Rows without it can only be predicted: `justright predict DIR TABLE`, after the study. "
            f"Columns: {listed(names, most=MAX_LISTED)}."
        )


def _tell_apart(raw: RawTable, request: Request) -> tuple[Request, _Parts]:
    """Return the request with the names of columns, and the columns told apart.

    Raises:
        InputError: options name columns that are not there, or the target for something else; all are listed.
    """
    target = choose_target(raw, raw.target if request.target is None else request.target, request)
    named: dict[str, list[str]] = {}
    wrong: list[str] = []
    for option in (*COLUMN_LISTS, *ROLES):
        asked = getattr(request, option)
        for name in asked if isinstance(asked, tuple) else [asked] * (asked is not None):
            try:
                found = _find_column(raw, name, option)
            except InputError:
                near = nearest(name, raw.frame.columns)
                hint = "" if near is None else f" (did you mean {near!r}?)"
                wrong.append(f"{option}={name!r} is no column{hint}")
                continue
            if found == target:
                wrong.append(f"{option}={name!r} is the target")
            named.setdefault(option, []).append(found)
    if wrong:
        raise InputError(
            f"{raw.label}: options must name feature columns; {'; '.join(wrong)}. "
            f"Columns: {listed(raw.frame.columns, most=MAX_LISTED)}."
        )
    roles = {role: raw.frame[named[role][0]] for role in ROLES if role in named}
    taken = [target, *(values.name for role, values in roles.items() if role != "time")]
    frame = raw.frame.drop(list(dict.fromkeys(taken)))
    if not frame.width:
        raise InputError(
            f"{raw.label}: a table must have a target and at least one feature; it has no feature."
        )
    resolved: dict[str, Any] = {option: tuple(named.get(option, ())) for option in COLUMN_LISTS}
    resolved |= {role: named[role][0] if role in named else None for role in ROLES}
    return replace(request, **resolved), _Parts(frame, raw.frame[target], roles, tuple(raw.frame.columns))


def _taken(parts: _Parts, rows: npt.NDArray[np.signedinteger[Any]]) -> _Parts:
    index = rows.tolist()
    roles = {role: values.gather(index) for role, values in parts.roles.items()}
    return _Parts(parts.frame[index], parts.target.gather(index), roles, parts.order)


def _chosen_rows(height: int, request: Request) -> Rows | None:
    """Return which rows are kept, in order; None for all."""
    if request.rows is None or request.rows >= height:
        return None
    if request.head:
        return np.arange(request.rows)
    return np.sort(shuffled_rows(height, SAMPLE_SEED)[: request.rows])


def _read_roles(roles: dict[str, pl.Series], request: Request, label: str) -> dict[str, Any]:
    """Return `groups`, `times` and `weights` of a table, those that it has."""
    found: dict[str, Any] = {}
    if "group" in roles:
        found["groups"] = _codes(roles["group"], request)
    if "time" in roles:
        found["times"] = _times(roles["time"], request, label)
    if "weights" in roles:
        found["weights"] = _weights(roles["weights"], request, label)
    return found


def _codes(values: pl.Series, request: Request) -> npt.NDArray[np.int64]:
    """Return a number for each group, in the order of the rows; a row without a group is one of its own."""
    text = read_levels(values, request.missing)
    _, codes = np.unique(text.fill_null("").to_numpy().astype(object).astype(str), return_inverse=True)
    alone = text.is_null().to_numpy()
    codes = codes.astype(np.int64)
    codes[alone] = codes.max(initial=0) + 1 + np.arange(int(alone.sum()))
    return codes


def _times(values: pl.Series, request: Request, label: str) -> npt.NDArray[np.float64]:
    moments = _as_times(values, request)
    gone = int((~np.isfinite(moments)).sum())
    if gone:
        raise InputError(
            f"{label}: `time` must name a column with a date or a number in every row; {gone:,} of {len(values):,} rows of "
            f"{values.name!r} have none. Fill them in, remove those rows, or name another column."
        )
    return moments


def _as_times(values: pl.Series, request: Request) -> npt.NDArray[np.float64]:
    """Return (rows,) numbers that rise with time, NaN where there is none."""
    import polars as pl

    if isinstance(values.dtype, pl.Datetime) or values.dtype in (pl.Date, pl.Time):
        return read_moments(values, "", request.missing)[0]
    if values.dtype.is_numeric():
        return values.cast(pl.Float64).to_numpy().astype(np.float64)
    text = without_missing(as_text(values), MISSING_AMONG_NUMBERS, request.missing)
    distinct = text.drop_nulls().unique(maintain_order=True)
    if form := find_date_format(distinct):
        return read_moments(values, form, request.missing)[0]
    number = find_length_format(distinct) or find_number_format(
        distinct, decimal=request.decimal, thousands=request.thousands
    )
    return number.parse(text).to_numpy().astype(np.float64)


def _weights(values: pl.Series, request: Request, label: str) -> Floats:
    form = PLAIN
    if not values.dtype.is_numeric():
        distinct = as_text(values).drop_nulls().unique()
        form = find_number_format(distinct, decimal=request.decimal, thousands=request.thousands)
    weights, _ = read_numbers(values, form, request.missing)
    wrong = int((~(np.isfinite(weights) & (weights >= 0))).sum())
    if wrong or not weights.any():
        raise InputError(
            f"{label}: `weights` must name a column of numbers of at least 0, not all 0; {wrong:,} rows of {values.name!r} "
            "hold something else. Correct them."
        )
    return weights


def _are_complete_numbers(frame: pl.DataFrame, request: Request) -> bool:
    """Return whether a table's columns are its features as they stand: numbers, without a gap, and nothing else is asked."""
    import polars as pl

    if request.categorical or request.drop:
        return False
    if not all(dtype.is_numeric() or dtype == pl.Boolean for dtype in frame.dtypes):
        return False
    tokens = [float(token) for token in request.missing if _is_number(token)]
    for values in frame.iter_columns():
        if values.null_count():
            return False
        if values.dtype.is_float() and not _is_in_float32(values):
            return False
        if any(bool((values == token).any()) for token in tokens):
            return False
        if are_day_numbers(values):
            return False
    return True


def _is_in_float32(values: pl.Series) -> bool:
    import polars as pl

    with np.errstate(over="ignore"):
        return bool(np.isfinite(values.cast(pl.Float64).to_numpy().astype(np.float32)).all())


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def _as_features(frame: pl.DataFrame) -> Floats:
    import polars as pl

    features: Floats = shareable_empty((frame.height, frame.width), np.float32)
    for index, values in enumerate(frame.iter_columns()):
        features[:, index] = values.cast(pl.Float64).to_numpy()
    return features


def _listed_left_out(plan: Plan) -> str:
    said = [
        f"{column.name!r} is left out ({column.what}: {column.reason})"
        for column in plan.left_out[:MAX_LISTED]
    ]
    more = len(plan.left_out) - len(said)
    return ", ".join(said) + (f" and {more:,} more" if more > 0 else "")


def _build_from_pieces(raw: RawTable, pieces: Pieces, request: Request, source: str) -> Table | None:
    """Return the table made of pieces; None where it must be read at once: not all are numbers, or something is wrong."""
    wanted = raw.target if request.target is None else request.target
    if any(getattr(request, option) for option in (*COLUMN_LISTS, *ROLES, "missing")):
        return None
    if request.rows is not None and not request.head:
        return None
    if any(map(are_day_numbers, raw.frame.iter_columns())):
        return None
    try:
        check_names("column", raw.frame.columns)
        target = choose_target(raw, wanted)
        names = [name for name in raw.frame.columns if name != target]
        if not names:
            return None
        features, values = _collect(pieces, names, target)
        release_memory()
        column = read_target(values, request, raw.label)
    except (InputError, NotNumbersError):
        return None
    is_guessed = wanted is None and not raw.has_header  # from its first rows
    if len(features) < (request.rows or 1) or (is_guessed and not _is_zero_one(values)):
        return None
    if len(column.rows) < len(features):
        return None
    del values  # of a long table as large as a feature, like what follows
    column = replace(column, rows=np.empty(0, np.int64), values=share_array(column.values))
    release_memory()
    blank = Plan((), target, column.task, column.class_names, tuple(raw.frame.columns), raw.has_header)
    plan = fit_number_plan(features, names, slice(None), request, blank)
    features = used_features(features, names, plan)
    if not plan.used:
        return None
    return Table(
        features,
        column.values,
        plan.feature_names,
        target,
        column.task,
        column.class_names,
        _describe_source(source, wanted, request),
        plan=plan,
        has_header=raw.has_header,
        task_reason=column.reason,
        notes=raw.notes,
    )


def _collect(pieces: Pieces, names: Sequence[str], target: str) -> tuple[Floats, pl.Series]:
    """Return the features and the target of a table in pieces.

    Raises:
        NotNumbersError: a feature is no finite number in float32.
    """
    import polars as pl

    features = shareable_empty((pieces.most_rows, len(names)), np.float32)
    targets: list[pl.DataFrame] = []
    count = 0
    for frame in pieces.frames():
        block = features[count : count + frame.height]
        with np.errstate(over="ignore"):
            block[:] = frame.select(names).cast(pl.Float64).to_numpy()
        if not np.isfinite(block).all():
            raise NotNumbersError
        values = frame[target]  # whole numbers are read in 64 bits, of which classes take 8
        targets.append((values.shrink_dtype() if values.dtype.is_integer() else values).to_frame())
        count += frame.height
    if not count:
        raise NotNumbersError
    return features[:count], pl.concat(targets, how="vertical_relaxed").to_series()


def _describe_source(source: str, wanted: str | int | None, request: Request) -> TableSource:
    return TableSource(
        source=source,
        target=None if wanted is None else str(wanted),
        location=None if request.location is None else str(request.location),
        **request.plain(),
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


def _default_target(raw: RawTable, names: Sequence[str], request: Request) -> str:
    matches = [name for name in names if name.lower() in TARGET_NAMES]
    if len(matches) == 1:
        return matches[0]
    if not raw.has_header and _is_zero_one(raw.frame.to_series(0)):
        return names[0]
    found = listed(matches, most=MAX_LISTED) if matches else "none"
    raise NoTargetError(
        f"{raw.label}: `target` must name the target column. Of the usual names (label, target, y, class), this table has "
        f"{found}. Columns: {listed(names, most=MAX_LISTED)}.",
        raw,
        request,
    )


def _is_zero_one(column: pl.Series) -> bool:
    return column.dtype.is_numeric() and set(column.unique().to_list()) == {0, 1}


def _find_column(raw: RawTable, asked: str | int, option: str) -> str:
    names = raw.frame.columns
    if isinstance(asked, str) and asked in names:
        return asked
    number = _column_number(asked, raw)
    if number is not None and -len(names) <= number < len(names):
        return names[number]
    raise InputError(
        f"{raw.label}: `{option}` must be a column's name, or its number from 0 to {len(names) - 1}; got {asked!r}."
        f"{near_miss(str(asked), names)} Columns: {listed(names, most=MAX_LISTED)}."
    )


def _column_number(target: str | int, raw: RawTable) -> int | None:
    if isinstance(target, str) and not raw.has_header and MADE_UP_NAME.fullmatch(target):
        target = target.removeprefix("column_")
    try:
        return int(target)
    except ValueError:
        return None
