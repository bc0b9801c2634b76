"""Parts in the order of time: what is learned comes before what is measured, as it will when the network is used."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from justright.errors import InputError

Rows = npt.NDArray[np.int64]

# From the earliest rows to the latest; what no part uses comes last, so that a part left out moves no other.
UNUSED = "unused"
IN_TIME = ("train", "validation", "test", UNUSED)


def split_by_time(
    times: npt.NDArray[np.float64], sizes: Mapping[str, int], shuffled: Rows
) -> dict[str, Rows]:
    """Return parts that follow each other in time; rows of one time stay together.

    Where the sizes leave rows over, those are the latest. A part that would end amid rows of one time ends before or after
    all of them, whichever is nearer to its size. Training rows are in shuffled order, so that fewer of them are a sample of
    the same period, not its beginning.

    Args:
        times: (rows,), in any unit.
        sizes: part -> its rows.
        shuffled: every row once.
    Returns:
        part -> its rows.
    Raises:
        InputError: a row has no time, or there are too few different times for every part to have one.
    Example:
        >>> parts = split_by_time(
        ...     np.array([3.0, 1.0, 2.0, 2.0]), {"train": 1, "validation": 2, "test": 1}, np.arange(4)
        ... )
        >>> parts["train"].tolist(), parts["validation"].tolist(), parts["test"].tolist()
        ([1], [2, 3], [0])
    """
    _check_times(times)
    order = np.argsort(times, kind="stable").astype(np.int64)
    changes = np.flatnonzero(np.diff(times[order])) + 1
    ends = np.concatenate([[0], changes, [len(order)]])  # where a part may end
    every = {**sizes, UNUSED: len(order) - sum(sizes.values())}
    wanted = [part for part in IN_TIME if every[part]]
    start = asked = 0
    parts = dict.fromkeys(IN_TIME, order[:0])
    for number, part in enumerate(wanted, start=1):
        asked += every[part]
        end = _nearest(ends, asked, after=start, to_come=len(wanted) - number)
        parts[part], start = order[start:end], end
    is_train = np.zeros(len(order), bool)
    is_train[parts["train"]] = True
    parts["train"] = shuffled[is_train[shuffled]]
    return parts


def _check_times(times: npt.NDArray[np.float64]) -> None:
    missing = int((~np.isfinite(times)).sum())
    if missing:
        raise InputError(
            f"order='time' needs a time for each row; {missing:,} of {len(times):,} rows have none. "
            "Leave those rows out, or use another order."
        )


def _nearest(ends: Rows, asked: int, *, after: int, to_come: int) -> int:
    """Return the end nearest to the one asked for, later than `after`, with as many ends behind it as are to come."""
    usable = ends[: len(ends) - to_come]
    usable = usable[usable > after]
    if not len(usable):
        raise InputError(
            f"order='time' needs a different time for every part; there are {len(ends) - 1:,} in all. "
            "Ask for fewer parts, or use another order."
        )
    return int(usable[np.abs(usable - asked).argmin()])
