"""Stratified rows: every part holds the classes in the table's proportions, to the nearest row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from justright.data.table import Part, Table
from justright.errors import InputError

Rows = npt.NDArray[np.int64]


def stratified_parts(table: Table, sizes: Mapping[Part, int], shuffled: Rows) -> list[Rows]:
    """Return the rows of each part, classes in the table's proportions and every class in every part.

    Args:
        table: a classification table.
        sizes: rows of each part, in the order in which parts are returned; together at most the table's rows.
        shuffled: (rows,), a permutation of all rows; within a part, rows keep its order.
    Returns:
        One (rows,) array a part, disjoint, of exactly the sizes asked for.
    Raises:
        InputError: the target has no classes, or a class has fewer rows than there are parts.
    """
    if table.task == "regression":
        raise InputError(
            "order='stratified' needs classes; the target is numeric (regression). Use order='random'."
        )
    labels = table.target[shuffled].astype(np.int64)
    queues = [shuffled[labels == index] for index in range(len(table.class_names))]
    _check_rows_per_class(table, queues, sizes)
    rank = np.empty(table.rows, np.int64)
    rank[shuffled] = np.arange(table.rows)
    parts, wanted = [], [size for size in sizes.values() if size]
    for size in sizes.values():
        wanted = wanted[1:] if size else wanted
        left = np.array([len(queue) for queue in queues])
        counts = allocate_rows(size, left, least=min(size, 1), most=left - len(wanted))
        chosen = np.concatenate([queue[:count] for queue, count in zip(queues, counts, strict=True)])
        queues = [queue[count:] for queue, count in zip(queues, counts, strict=True)]
        parts.append(chosen[np.argsort(rank[chosen])])
    return parts


def allocate_rows(size: int, weights: Rows, *, least: int, most: Rows) -> Rows:
    """Return how many of `size` rows each class gives: the largest-remainder rule within bounds.

    Each class first gets the whole part of its proportional share; the rows left over go to the largest
    remainders (Hamilton's method), ties to the first class.

    Args:
        size: rows to allocate, between classes x `least` and the sum of `most`.
        weights: (classes,), rows of each class; shares are proportional to them.
        least: fewest rows of any class.
        most: (classes,), most rows of each class.
    Returns:
        (classes,), sums to `size`.
    Example:
        >>> allocate_rows(5, np.array([10, 6, 4]), least=1, most=np.array([10, 6, 4]))
        array([3, 1, 1])
    """
    shares = size * weights / max(int(weights.sum()), 1)  # no rows are left for a part of size 0
    counts: Rows = np.clip(np.floor(shares).astype(np.int64), least, most)
    while counts.sum() < size:
        counts[np.where(counts < most, shares - counts, -np.inf).argmax()] += 1
    while counts.sum() > size:
        counts[np.where(counts > least, shares - counts, np.inf).argmin()] -= 1
    return counts.astype(np.int64, copy=False)


def _check_rows_per_class(table: Table, queues: list[Rows], sizes: Mapping[Part, int]) -> None:
    parts = sum(1 for size in sizes.values() if size)
    for name, queue in zip(table.class_names, queues, strict=True):
        if len(queue) < parts:
            raise InputError(
                f"{table.source.source!r}: order='stratified' needs a row of every class in each of {parts} parts; of "
                f"{table.target_name!r} class {name!r} has {_few_rows(queue)}. "
                "Correct or remove what is no class, read more rows, or use order='random'."
            )
    for part, size in sizes.items():
        if 0 < size < len(queues):
            raise InputError(
                f"order='stratified' needs a row of each of {len(queues)} classes in every part; `{part}` has "
                f"{size:,} rows. Ask for more."
            )


def _few_rows(rows: Rows) -> str:
    """Return how many rows a class has, and the first, counted from 1 as other messages do."""
    return f"{len(rows)} {'row' if len(rows) == 1 else 'rows'} (first: row {int(rows.min()) + 1})"
