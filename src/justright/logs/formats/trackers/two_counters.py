"""Series that two counters wrote in turn under one name, as MMEngine does: steps in training, epochs in evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from justright.logs.logged_run import Series
from justright.logs.metric_names import direction_of, parse_name
from justright.logs.names.named_series import listed

FEWEST = 3  # values of each counter that tell two
ALTERNATING = 0.8  # share of the second one's values after which the first one went on: those of a restart follow each other
# Values of a second counter that counts the same for each of the first: two processes write as many.
MOST_SHARED = 0.5


@dataclass(frozen=True, slots=True)
class _Turns:
    """Places of a series' values: those that go beyond all before, and those written between.

    Args:
        times: of the second counter -> of the first when it was written.
        is_clear: whether no other reason is known for such an order.
    """

    first: list[int]
    second: list[int]
    times: Mapping[float, float]
    is_clear: bool


def split_counters(series: Sequence[Series]) -> tuple[list[Series], list[str]]:
    """Return series with one counter each, and a sentence if what the second one wrote was taken for validation rows.

    It stands at the time of the first counter when it was written.

    Args:
        series: in the order in which their values were written.
    """
    turns = {place: found for place, one in enumerate(series) if (found := _turns(one)) is not None}
    if not any(found.is_clear for found in turns.values()):
        return list(series), []
    times = {at: time for found in turns.values() for at, time in found.times.items()}
    split: list[Series] = []
    moved: list[str] = []
    for place, one in enumerate(series):
        is_measure = _is_measure(one)
        if place in turns:
            split.append(_part(one, turns[place].first))
            second = _part(one, turns[place].second)
        elif is_measure and all(at in times for at in one.at):  # logged in evaluation alone
            second = one
        else:
            split.append(one)
            continue
        if is_measure:
            written = f"val/{one.written}" if place in turns else one.written
            at = [times[at] for at in second.at]
            split.append(replace(second, written=written, at=at, role="validation"))
            moved.append(one.written)
    if not moved:  # as where only the number of the epoch is written in turns
        return list(series), []
    note = (
        f"Two counters wrote in turn, as in training and in evaluation: what the second one wrote of {listed(moved)} was taken "
        "for validation rows."
    )
    return split, [note]


def _turns(one: Series) -> _Turns | None:
    """Return the turns in a series that names no rows; None if one counter wrote it."""
    if one.role is not None or parse_name(one.written).role is not None:
        return None
    first: list[int] = []
    second: list[int] = []
    times: dict[float, float] = {}
    top = -math.inf
    for place, at in enumerate(one.at):
        if at > top:
            first.append(place)
            top = at
        else:
            second.append(place)
            times[at] = top
    if min(len(first), len(second)) < FEWEST or len(times) < len(second) or list(times) != sorted(times):
        return None
    between = set(second)
    followed = sum(place + 1 not in between for place in second)
    if followed < ALTERNATING * len(second):
        return None
    is_own = all(at < time for at, time in times.items())
    is_seldom = len(second) <= MOST_SHARED * len(first)
    return _Turns(first, second, times, is_own or (is_seldom and not _is_measure(one)))


def _part(one: Series, places: Sequence[int]) -> Series:
    return replace(
        one,
        at=[one.at[place] for place in places],
        values=[one.values[place] for place in places],
        lines=[one.lines[place] for place in places],
    )


def _is_measure(one: Series) -> bool:
    return one.role is None and direction_of(one.metric or parse_name(one.written).metric) is not None
