"""Columns that nearly determine the target by themselves: usually another form of it, unknown when one predicts.

How much a column tells is measured without a model. Rows are put in the order of the column, ties in random order. If it
determines the target, neighbours have the same target, whatever the form of the relation (Chatterjee, "A new coefficient of
correlation", JASA 116, 2021). For a numeric target linear and monotone relations with some noise count as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.checks import listed
from justright.data.guards.distinct_rows import distinct_rows
from justright.data.guards.table_warning import MAX_NAMED, TableWarning
from justright.data.split import shuffled_rows
from justright.data.table import Split

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

# Of 28 ordinary tables no honest column tells more than 94 % (the odor of mushrooms), or a squared correlation of 0.90 (the
# year of passengers in flights); another form of the target tells 99.7 % or more.
LEAST_TOLD = 0.97
LEAST_CORRELATION = 0.98  # squared
# Columns that tell so much in a first sample are looked at again, with more rows.
SUSPECT = 0.9
FIRST_VALUES, FIRST_ROWS = 4_000_000, (500, 5_000)
MOST_ROWS = 100_000
# Of fewer rows, or fewer outside the largest class, neighbours agree by luck.
MIN_ROWS, MIN_CLASS_ROWS = 30, 10
# Classes under other numbers: a column of many more values may share one with a class by chance, as a person or an engine does.
MOST_VALUES_PER_CLASS = 2


def find_leaks(split: Split) -> Iterable[TableWarning]:
    """Yield the columns that nearly determine the target."""
    table = split.table
    rows = distinct_rows(split)
    target: npt.NDArray[Any] = table.target[rows]
    codes = None
    if table.task != "regression":
        target = codes = target.astype(np.int32, copy=False)
    found = told_by_columns(table.features, rows, target, codes, table.feature_names)
    if not found:
        return
    if table.plan is not None:  # a feature that is only a part of a column is named as the column is
        owners = {name: one.name for one in table.plan.used for name in one.features}
        found = {owners.get(name, name): share for name, share in found.items()}
    names = sorted(found, key=lambda name: -found[name])
    who = listed(names, most=MAX_NAMED)
    what = f"nearly determine{'s' if len(names) == 1 else ''} the target {table.target_name!r}"
    yield TableWarning(
        "leak",
        tuple(names),
        found[names[0]],
        f"{who} by {'itself' if len(names) == 1 else 'themselves'} {what} ({_percent(found[names[0]])} of what can be told). Leave out what is "
        "not known when the prediction is made: --drop COLUMN.",
    )


def told_by_columns(
    features: npt.NDArray[np.float32],
    rows: Rows,
    target: npt.NDArray[Any],
    codes: Codes | None,
    names: Sequence[str],
) -> dict[str, float]:
    """Return the columns that nearly determine the target, and how much of it each tells, from 0 to 1.

    Args:
        features: (all rows, features) of a table.
        rows: the rows to look at.
        target: of those rows.
        codes: the target's classes from 0; None for a numeric target.
        names: of the features; those called `column=level` are one column, and `column missing` says where it has no value.
    """
    if not _is_enough(len(rows), codes):
        return {}
    columns = _columns(names)
    places = {name: place for place, name in enumerate(names)}
    flags = {name: places[f"{name} missing"] for name in columns if f"{name} missing" in places}

    def look(name: str, part: Rows) -> float | None:
        """Return how much a column tells where it has a value; None if that is not nearly all."""
        if name in flags:
            part = part[features[rows[part], flags[name]] == 0]
        values = _values(features, rows[part], columns[name])
        return _told(values, target[part], None if codes is None else codes[part], len(columns[name]) > 1)

    low, high = FIRST_ROWS
    first = _balanced(codes, len(rows), min(high, max(low, FIRST_VALUES // len(names))))
    plain = {name: members[0] for name, members in columns.items() if len(members) == 1 and name not in flags}
    suspects = _suspects(features, rows[first], target[first], None if codes is None else codes[first], plain)
    suspects += [name for name in columns if name not in plain and look(name, first) is not None]
    every = np.sort(shuffled_rows(len(rows), 0)[:MOST_ROWS])
    told = {name: look(name, every) for name in suspects}
    return {name: share for name, share in told.items() if share is not None}


def neighbours_told(order: Rows, target: npt.NDArray[Any], *, are_classes: bool) -> Floats:
    """Return how much better neighbours agree than rows drawn at random: 1 for always, about 0 for no better.

    Args:
        order: (rows, columns) or (rows,), rows in the order of each column.
        target: (rows,) codes of classes, or ranks.
        are_classes: which of the two.
    """
    sorted_targets = target[order]
    if are_classes:
        counts = np.bincount(target)
        expected = 1 - ((counts / len(target)) ** 2).sum()
        changes = (sorted_targets[1:] != sorted_targets[:-1]).sum(axis=0)
        # However well they are sorted, each class begins once; one of a few rows may do so by luck.
        least = max(np.count_nonzero(counts >= MIN_CLASS_ROWS) - 1, 0)
        apart = np.maximum(changes - least, 0) / (len(target) - 1)
    else:
        expected = mean_difference(target)
        apart = np.abs(np.diff(sorted_targets, axis=0)).mean(axis=0)
    return np.asarray(1 - apart / expected if expected > 0 else np.zeros_like(apart), dtype=np.float64)


def mean_difference(values: npt.NDArray[Any]) -> float:
    """Return the mean absolute difference of two values drawn at random.

    Example:
        >>> mean_difference(np.array([0.0, 1.0]))
        0.5
    """
    count = len(values)
    weights = 2 * np.arange(1, count + 1) - count - 1
    return float(2 * (weights * np.sort(values)).sum() / count**2)


def ranks(values: npt.NDArray[Any]) -> Floats:
    """Return (rows,) ranks from 0, equal values at the mean of theirs.

    Example:
        >>> ranks(np.array([5.0, 1.0, 5.0]))
        array([1.5, 0. , 1.5])
    """
    _, own, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[own], dtype=np.float64)


def _columns(names: Sequence[str]) -> Mapping[str, list[int]]:
    """Return column -> its features: levels of one column are called `column=level`."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, name in enumerate(names):
        found[name.partition("=")[0] or name].append(number)
    return found


def _balanced(codes: Codes | None, rows: int, most: int) -> Rows:
    """Return at most about `most` rows in random order, with as many of each class as there are, so that rare ones count."""
    order = shuffled_rows(rows, 0)
    if codes is None:
        return order[:most]
    own = codes[order]
    counts = np.bincount(own)
    by_class = np.split(np.argsort(own, kind="stable"), np.cumsum(counts)[:-1])
    share = max(most // max(int(np.count_nonzero(counts)), 1), 2)
    chosen: Rows = order[np.sort(np.concatenate([places[:share] for places in by_class]))]
    return chosen


def _suspects(
    features: npt.NDArray[np.float32],
    rows: Rows,
    target: npt.NDArray[Any],
    codes: Codes | None,
    plain: Mapping[str, int],
) -> list[str]:
    """Return the columns of one feature that are worth a second look, from rows in random order."""
    if not plain:
        return []
    block = features[rows][:, list(plain.values())]
    order = np.argsort(block, axis=0, kind="stable")  # rows are in random order, so ties are
    wanted: npt.NDArray[Any] = codes if codes is not None else ranks(target)
    told = neighbours_told(order, wanted, are_classes=codes is not None)
    if codes is not None:
        told = np.maximum(told, _told_by_values(np.take_along_axis(block, order, axis=0), wanted[order]))
    if codes is None:
        place = np.empty(order.shape)
        np.put_along_axis(place, order, np.arange(len(rows), dtype=np.float64)[:, None], axis=0)
        told = np.maximum.reduce([told, _correlations(place, wanted), _correlations(block, target)])
    return [name for name, share in zip(plain, told, strict=True) if share > SUSPECT]


def _values(features: npt.NDArray[np.float32], rows: Rows, members: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return (rows,) values of a column; of one with levels, the number of each row's level."""
    if len(members) == 1:
        one: npt.NDArray[np.float32] = features[rows, members[0]]
        return one
    levels = np.arange(1, len(members) + 1, dtype=np.float32)
    return np.asarray(features[rows][:, members] @ levels, dtype=np.float32)


def _told(
    values: npt.NDArray[np.float32], target: npt.NDArray[Any], codes: Codes | None, has_levels: bool
) -> float | None:
    """Return how much of the target one column tells; None if that is not nearly all."""
    if not _is_enough(len(values), codes):
        return None
    order = shuffled_rows(len(values), 1)
    order = order[np.argsort(values[order], kind="stable")]
    wanted = codes if codes is not None else ranks(target)
    if has_levels:
        told = _told_by_levels(values[order], wanted[order], are_classes=codes is not None)
    else:
        told = float(neighbours_told(order, wanted, are_classes=codes is not None))
        if codes is not None:
            told = max(told, float(_told_by_values(values[order, None], wanted[order, None])[0]))
    if told >= LEAST_TOLD:
        return told
    if codes is None and not has_levels:
        correlated = max(
            _correlations(ranks(values)[:, None], wanted)[0], _correlations(values[:, None], target)[0]
        )
        if correlated >= LEAST_CORRELATION:
            return float(correlated)
    return None


def _told_by_values(values: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> Floats:
    """Return (columns,) how much equal values tell of classes, where there are hardly more values than classes; 0 elsewhere.

    The classes under other numbers may stand in any order, so that a value tells nothing of the next.

    Args:
        values: (rows, columns), each column sorted.
        wanted: (rows, columns), the classes in the same order.
    """
    is_pair = values[1:] == values[:-1]
    pairs = is_pair.sum(axis=0)
    apart = (is_pair & (wanted[1:] != wanted[:-1])).sum(axis=0) / np.maximum(pairs, 1)
    counts = np.bincount(wanted[:, 0])
    expected = 1 - ((counts / len(wanted)) ** 2).sum()
    are_few = len(values) - pairs <= MOST_VALUES_PER_CLASS * np.count_nonzero(counts)
    is_told = are_few & (2 * pairs >= len(values)) & (expected > 0)
    return np.where(is_told, 1 - apart / (expected or 1), 0.0)


def _told_by_levels(levels: npt.NDArray[Any], wanted: npt.NDArray[Any], *, are_classes: bool) -> float:
    """Return the same for neighbours within a level only: where one level ends, the next tells nothing of it."""
    is_pair = levels[1:] == levels[:-1]
    if 2 * is_pair.sum() < len(levels):
        return 0.0
    apart = (wanted[1:] != wanted[:-1])[is_pair] if are_classes else np.abs(wanted[1:] - wanted[:-1])[is_pair]
    expected = (
        1 - ((np.bincount(wanted) / len(wanted)) ** 2).sum() if are_classes else mean_difference(wanted)
    )
    return float(1 - apart.mean() / expected) if expected > 0 else 0.0


def _correlations(columns: npt.NDArray[Any], target: npt.NDArray[Any]) -> Floats:
    """Return (columns,) squared correlations with the target; 0 for a constant."""
    with np.errstate(over="ignore", invalid="ignore"):
        wide = np.asarray(columns, dtype=np.float64)
        wide = wide - wide.mean(axis=0)
        wanted = np.asarray(target, dtype=np.float64)
        wanted = wanted - wanted.mean()
        scale = (wide**2).sum(axis=0) * (wanted**2).sum()
        squared = (wide * wanted[:, None]).sum(axis=0) ** 2
        return np.where(scale > 0, squared / np.where(scale > 0, scale, 1), 0.0)


def _is_enough(rows: int, codes: Codes | None) -> bool:
    """Return whether so many rows tell anything."""
    largest = 0 if codes is None or not rows else int(np.bincount(codes).max())
    return rows >= MIN_ROWS and rows - largest >= MIN_CLASS_ROWS


def _percent(share: float) -> str:
    return f"{100 * min(share, 1.0):.1f} %"
