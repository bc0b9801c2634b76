"""Rows dealt out so that every part holds every class in the table's proportions, and training always holds each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

# A class with fewer rows than there are parts goes to these first: what is not learned cannot be tested.
RARE_FIRST = ("train", "test", "validation")


def stratify(shuffled: Rows, sizes: Mapping[str, int], codes: Codes, classes: int) -> dict[str, Rows]:
    """Return parts that hold every class in the proportions of `shuffled`, to the nearest row.

    A class with fewer rows than parts is in training, then in test, then in validation.

    Args:
        shuffled: the rows to deal out, in this order.
        sizes: part -> its rows.
        codes: of every row of the table, from 0.
        classes: how many there are.
    Returns:
        part -> its rows, in the order of `shuffled`.
    """
    own = codes[shuffled]
    counts = np.bincount(own, minlength=classes)
    order = np.argsort(own, kind="stable").astype(np.int32)
    del own
    queues = np.split(order, np.cumsum(counts)[:-1])  # places in `shuffled`
    least = _least_of_each(counts, sizes)
    to_come = np.sum(list(least.values()), axis=0)
    parts: dict[str, Rows] = {}
    for part, size in sizes.items():
        to_come = to_come - least[part]
        left = np.array([len(queue) for queue in queues])
        taken = allocate_rows(size, left, least=least[part], most=left - to_come)
        is_taken = np.zeros(len(shuffled), np.bool_)
        for queue, count in zip(queues, taken, strict=True):
            is_taken[queue[:count]] = True
        queues = [queue[count:] for queue, count in zip(queues, taken, strict=True)]
        parts[part] = shuffled[is_taken]
    return parts


def allocate_rows(size: int, weights: Rows, *, least: int | Rows, most: Rows) -> Rows:
    """Return how many of `size` rows come from each class: the largest-remainder rule within bounds.

    Each class first gets the whole part of its proportional share; the rows left over go to the largest
    remainders (Hamilton's method), ties to the first class.

    Args:
        size: rows to allocate, between the sum of `least` and that of `most`.
        weights: (classes,), rows of each class; shares are proportional to them.
        least: fewest rows of each class.
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


def teach_every_class(
    parts: Mapping[str, Rows], codes: Codes, classes: int, *, groups: Rows | None
) -> dict[str, Rows]:
    """Return parts whose training rows hold every class that has a row: where one is missing, rows are exchanged.

    The smallest group with the class moves to the training rows, and as many rows that belong to no group move back, so
    that sizes stay as they are wherever there are such rows.

    Args:
        parts: part -> rows, with those of the table that no part uses under any other name.
        codes: of every row.
        classes: how many there are.
        groups: of every row; None where every row may move alone.
    """
    held = np.bincount(codes[parts["train"]], minlength=classes)
    missing = np.flatnonzero((held == 0) & (np.bincount(codes, minlength=classes) > 0))
    found = dict(parts)
    for number in missing.tolist():
        if not np.any(codes[found["train"]] == number):  # the group moved for another class may have held it
            _teach(found, number, codes, groups)
    return found


def _least_of_each(counts: Rows, sizes: Mapping[str, int]) -> dict[str, Rows]:
    """Return part -> (classes,) rows that it must have of each class; 0 for all if it is too small for all."""
    left = counts.copy()
    least: dict[str, Rows] = {}
    for part in RARE_FIRST:
        wanted = np.minimum(left, 1)
        least[part] = wanted if wanted.sum() <= sizes[part] else np.zeros_like(left)
        left -= least[part]
    return least


def _teach(parts: dict[str, Rows], number: int, codes: Codes, groups: Rows | None) -> None:
    """Move the smallest group that holds a class to the training rows, and as many single rows back."""
    sizes = np.ones(len(codes), np.int64)
    if groups is not None:
        sizes = np.bincount(groups)[groups]
    others = [
        (int(sizes[row]), part, int(row))
        for part, rows in parts.items()
        if part != "train"
        for row in rows[codes[rows] == number]
    ]
    _, donor, row = min(others, key=lambda item: item[0])
    is_moved = (
        parts[donor] == row if groups is None or sizes[row] == 1 else groups[parts[donor]] == groups[row]
    )
    moved, train = parts[donor][is_moved], parts["train"]
    places: list[int] = []
    spare = np.bincount(codes[train])
    for place in np.flatnonzero(sizes[train] == 1)[::-1].tolist():
        code = int(codes[train[place]])
        if len(places) < len(moved) and spare[code] > 1:
            spare[code] -= 1
            places.append(place)
    parts["train"] = np.concatenate([np.delete(train, places), moved])
    parts[donor] = np.concatenate([parts[donor][~is_moved], train[places]])
