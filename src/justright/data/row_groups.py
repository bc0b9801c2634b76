"""Rows that must stay in one part of a split: groups, how they join, and which part each of them goes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from justright.data.stratify import allocate_rows

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Beyond so many counts of classes in groups, 400 MB, groups are placed by their sizes alone.
MAX_COUNTS = 50_000_000
# Costs are compared to so many decimals: sums of the same numbers may differ in the last bits between platforms.
DECIMALS = 9


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Groups of several rows, dealt out to parts.

    Args:
        rows: part -> the rows of its groups.
        alone: the rows in no group, which are still to be dealt out, in the order in which they were given.
        sizes: part -> how many of those it gets.
    """

    rows: dict[str, Rows]
    alone: Rows
    sizes: dict[str, int]


def number_groups(groups: npt.NDArray[np.generic]) -> Rows:
    """Return the groups numbered from 0, in the order of their codes.

    Example:
        >>> number_groups(np.array([70, 5, 70]))
        array([1, 0, 1])
    """
    numbers: Rows = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    return numbers


def join_groups(first: Rows | None, second: Rows | None) -> Rows | None:
    """Return groups in which rows are together that are together in either; None if both are.

    Every row takes the lowest number among its companions in either grouping, until none changes.

    Example:
        >>> join_groups(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]))
        array([0, 0, 0, 1])
    """
    if first is None or second is None:
        return second if first is None else first
    labels = np.arange(len(first))
    both = [number_groups(codes) for codes in (first, second)]
    while True:
        before = labels
        for codes in both:
            lowest = np.full(len(codes), len(codes), np.int64)
            np.minimum.at(lowest, codes, labels)
            labels = lowest[codes]
        if np.array_equal(labels, before):
            return number_groups(labels)


def place_groups(
    groups: Rows, shuffled: Rows, sizes: Mapping[str, int], codes: npt.NDArray[np.int32] | None, classes: int
) -> Placed:
    """Return which part each group of several rows goes to, large ones first.

    Groups with the same number of rows of each class are interchangeable: each part gets its share of them, and the few that
    are left over go where they reduce most, or add least to, the sum over parts and classes of (rows - wanted)^2 / wanted.

    Args:
        groups: of every row, numbered from 0.
        shuffled: every row once, in the order in which groups of one kind are taken.
        sizes: part -> its rows; they add up to all rows.
        codes: the class of each row; None to look at sizes only.
        classes: how many there are.
    """
    counts = np.bincount(groups)
    is_alone = counts[groups[shuffled]] == 1
    alone = shuffled[is_alone]
    together = shuffled[~is_alone]
    numbers, first, own = np.unique(groups[together], return_index=True, return_inverse=True)
    rows = counts[numbers]
    columns = [rows]
    if codes is not None and len(numbers) * classes <= MAX_COUNTS:
        cells = np.bincount(own * classes + codes[together], minlength=len(numbers) * classes)
        columns += list(cells.reshape(-1, classes).T)
    every = np.array([len(shuffled)])
    if len(columns) > 1 and codes is not None:
        every = np.concatenate([every, np.bincount(codes, minlength=classes)])
    part_rows = np.array(list(sizes.values()))
    wanted = part_rows[:, None] * every / len(shuffled)
    part_of = np.empty(len(numbers), np.int64)
    held = np.zeros_like(wanted)
    left = len(numbers) + len(alone)
    for members, kind in _kinds(np.stack(columns, axis=1), first):
        whole = len(members) * part_rows // len(shuffled)
        part_of[members[: whole.sum()]] = np.repeat(np.arange(len(whole)), whole)
        held += whole[:, None] * kind
        left -= int(whole.sum())
        for member in members[whole.sum() :]:
            part_of[member] = part = _best_part(held, wanted, kind, left)
            held[part] += kind
            left -= 1
    placed = {
        part: together[part_of[own] == number] if len(together) else together
        for number, part in enumerate(sizes)
    }
    room = np.maximum(part_rows - held[:, 0].astype(np.int64), 0)
    given = allocate_rows(len(alone), room, least=0, most=room)
    return Placed(placed, alone, dict(zip(sizes, given.tolist(), strict=True)))


def _kinds(compositions: Rows, first: Rows) -> Iterator[tuple[Rows, Rows]]:
    """Yield the groups of each kind in the order of their first rows, with what they hold; kinds of large groups first."""
    kinds, own = np.unique(compositions, axis=0, return_inverse=True)
    order = np.lexsort((first, own.reshape(-1)))
    members = np.split(order, np.cumsum(np.bincount(own.reshape(-1), minlength=len(kinds)))[:-1])
    for kind in np.argsort(-kinds[:, 0], kind="stable").tolist():
        yield members[kind], kinds[kind]


def _best_part(held: Floats, wanted: Floats, kind: Rows, left: int) -> int:
    """Return the part that a group goes to; one that is still empty, once only as many groups are left."""
    cost = (kind * (kind + 2 * (held - wanted)) / np.where(wanted > 0, wanted, 1)).sum(axis=1)
    cost = np.where(wanted[:, 0] > 0, np.round(cost, DECIMALS), np.inf)
    is_empty = (held[:, 0] == 0) & (wanted[:, 0] > 0)
    if left <= is_empty.sum():
        cost = np.where(is_empty, cost, np.inf)
    return int(cost.argmin())
