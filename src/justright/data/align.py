"""A second table (a test or validation file) brought to the columns and classes of the first."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from justright.data.table import Table
from justright.errors import InputError

# Names `read_table` makes up where the source has none.
MADE_UP_NAME = re.compile(r"column_\d+")
# Columns listed in a message: enough to see the pattern, short enough for a terminal.
MAX_LISTED = 5


def align_table(table: Table, *, like: Table) -> Table:
    """Return the table with the features, order, task and classes of another.

    Columns are matched by name, and by position where either side has no names of its own. A level of a
    categorical column that only the other table has becomes a feature of zeros. Classes are matched by name.

    Args:
        table: the table to bring into line, a test file for example.
        like: the table the network trains on.
    Raises:
        InputError: columns or classes differ; the message lists which.
    Example:
        >>> import justright as jr
        >>> like = jr.read_table("higgs-sim", rows=100)
        >>> align_table(jr.read_table("higgs-sim", rows=50), like=like).rows
        50
    """
    features = _match_features(table, like)
    return replace(
        table,
        features=features,
        target=_match_target(table, like),
        feature_names=like.feature_names,
        target_name=like.target_name,
        task=like.task,
        class_names=like.class_names,
    )


def _match_features(table: Table, like: Table) -> npt.NDArray[np.float32]:
    names = table.feature_names
    if names == like.feature_names:
        return table.features
    if _are_made_up(names) or _are_made_up(like.feature_names):
        if len(names) != len(like.feature_names):
            raise InputError(
                f"{_name(table)} must have the {len(like.feature_names)} features of {_name(like)}; got {len(names)}. "
                "Give it the same columns in the same order."
            )
        return table.features
    _check_same_names(table, like)
    places = {name: index for index, name in enumerate(names)}
    aligned = np.zeros((table.rows, like.n_features), np.float32)
    for index, name in enumerate(like.feature_names):
        if name in places:
            aligned[:, index] = table.features[:, places[name]]
    return aligned


def _check_same_names(table: Table, like: Table) -> None:
    levels = tuple(f"{name}=" for name in like.source.categorical)
    lacking = [
        name
        for name in like.feature_names
        if name not in table.feature_names and not name.startswith(levels or "\0")
    ]
    extra = [name for name in table.feature_names if name not in like.feature_names]
    if lacking or extra:
        parts = [f"lacks {_listed(lacking)}"] * bool(lacking) + [f"has {_listed(extra)} besides"] * bool(
            extra
        )
        raise InputError(
            f"{_name(table)} must have the features of {_name(like)}; it {' and '.join(parts)}. "
            "Rename, add or remove columns."
        )


def _match_target(table: Table, like: Table) -> npt.NDArray[np.float32] | npt.NDArray[np.int32]:
    if (table.task, table.class_names) == (like.task, like.class_names):
        return table.target
    if like.task == "regression":
        return _as_numbers(table, like)
    if table.task == "regression":
        raise InputError(
            f"The target of {_name(table)} must hold the classes of {_name(like)}, {_listed(like.class_names)}; "
            "its values are numbers that are no classes. Name the right target column."
        )
    unknown = [name for name in table.class_names if name not in like.class_names]
    if unknown:
        raise InputError(
            f"The target of {_name(table)} must hold the classes of {_name(like)}, {_listed(like.class_names)}; "
            f"it also holds {_listed(unknown)}. Remove those rows, or name the right target column."
        )
    codes = np.array([like.class_names.index(name) for name in table.class_names])
    matched = codes[table.target.astype(np.int64)]
    return matched.astype(np.int32) if like.task == "multiclass" else matched.astype(np.float32)


def _as_numbers(table: Table, like: Table) -> npt.NDArray[np.float32]:
    try:
        values = np.array([float(name) for name in table.class_names], np.float32)
    except ValueError:
        raise InputError(
            f"The target of {_name(table)} must be numeric as in {_name(like)}; it holds "
            f"{_listed(table.class_names)}. Name the right target column."
        ) from None
    return values[table.target.astype(np.int64)]


def _are_made_up(names: tuple[str, ...]) -> bool:
    return all(MADE_UP_NAME.fullmatch(name) for name in names)


def _listed(names: list[str] | tuple[str, ...]) -> str:
    shown = ", ".join(repr(name) for name in names[:MAX_LISTED])
    return shown + (f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else "")


def _name(table: Table) -> str:
    return f"Table {table.source.source!r}"
