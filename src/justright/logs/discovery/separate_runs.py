"""Runs that lie one after the other in one log: restarts, resumed runs, `fit` called again, and rows written twice.

A log is written in the order of time, so that a counter that steps back begins a new part. What the part is, its first training
value tells: a network that starts afresh begins where the first one began, one that goes on begins where it ended.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Literal

from justright.data.checks import counted
from justright.logs.discovery.repeated_times import USUAL, rises, spread_repeats, usual_spacing
from justright.logs.logged_run import LoggedRun, Role, Series
from justright.logs.metric_names import is_loss, parse_name

# Share of the way back from the start to the end of the part before, at which a new part begins: 0 is where the first network
# began, 1 where it ended. In between nobody can tell.
RESTARTS_BELOW = 1 / 3
CONTINUES_FROM = 2 / 3
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")

# A counter that steps back more often is none, such as the number of a batch within its epoch: the order counts instead.
MAX_PARTS = 1_000
MIN_REVERSED = 3  # falling values that are a log from last to first, and not one run after another
FEWEST_ALIKE = 3  # attempts of the same epochs that are folds or seeds
MEMBERS_IN_NAME = re.compile(
    r"(?<![a-z])(?:k?-?folds?|cv|cross[-_ ]?val(?:idation)?|seeds)(?![a-z])", re.IGNORECASE
)
END_SHARE = 4  # a quarter of a part tells where it ends
# Of how far training moved: as much as folds and seeds of one experiment differ where they end.
MOST_APART = 0.5
JUMP = 2  # times the largest change before: values that change more do not go on from where they were
SMALL_STEP = 3  # usual distances: rows that several writers append are out of order by less

Kind = Literal["written twice", "out of order", "resumed", "continued", "restarted", "unclear"]


@dataclass(slots=True)
class _Part:
    """Series between two places where the counter steps back; those without a value in it are empty."""

    series: list[Series]
    kinds: Counter[Kind] = field(default_factory=Counter)  # of the parts that were joined to this one
    from_times: list[float] = field(default_factory=list)  # when they began
    replaced: int = 0  # times whose values were left out, because training was resumed before them

    @property
    def times(self) -> set[float]:
        return {at for one in self.series for at in one.at}


def separate(run: LoggedRun) -> tuple[LoggedRun, ...]:
    """Return the runs of which a log holds the rows, the last attempt first.

    A run that its format tells apart already, such as a fold, stays one.
    """
    if all(map(rises, run.series)):
        return (run,)
    series, notes = _forwards(run.series)
    breaks = [] if run.member or run.group else _breaks(series)
    if len(breaks) >= MAX_PARTS:
        series, breaks = _in_order(series), []
        run = replace(run, unit="evaluation")
        notes.append(
            "The log's counter steps back too often to count anything: values are counted in their order."
        )
    if _stands_still(series):
        notes.append(
            f"The log's counter stands still at {series[0].at[0]:g}: its values are counted in their order."
        )
        series = _in_order(series)
    if not breaks:
        spread, more = spread_repeats(series, run.unit)
        return (replace(run, series=spread, notes=(*run.notes, *notes, *more)),)
    attempts: list[_Part] = []
    why: list[Kind] = []
    for part in _parts(series, breaks):
        kind = _kind(attempts[-1], part) if attempts else "restarted"
        if not attempts or kind in ("restarted", "unclear"):
            attempts.append(part)
            why.append(kind)
        else:
            _join(attempts[-1], part, kind)
    if _are_members(run, attempts, why[1:]):
        return tuple(_member(run, part, number, attempts) for number, part in enumerate(attempts, 1))
    earlier = [_earlier(run, part, number) for number, part in enumerate(attempts[:-1])]
    return (_last(run, attempts, why[1:]), *earlier)


def _forwards(series: Sequence[Series]) -> tuple[list[Series], list[str]]:
    """Return the series, reversed if the log holds the last values first."""
    falling = [one for one in series if len(one.at) > 1]
    if max((len(one.at) for one in falling), default=0) < MIN_REVERSED or not all(
        before > after for one in falling for before, after in pairwise(one.at)
    ):
        return list(series), []
    turned = [replace(one, at=one.at[::-1], values=one.values[::-1], lines=[]) for one in series]
    return turned, ["The log holds the last values first: they were put in order."]


def _in_order(series: Sequence[Series]) -> list[Series]:
    """Return the series with the place of each value's line among all lines as its time."""
    lines = sorted({line for one in series for line in _lines(one)})
    places = {line: float(place) for place, line in enumerate(lines)}
    return [replace(one, at=[places[line] for line in _lines(one)]) for one in series]


def _stands_still(series: Sequence[Series]) -> bool:
    """Return whether all values have one time, as when `fit` is called for an epoch at a time."""
    ends = {at for one in series for at in one.at[:1] + one.at[-1:]}
    return len(ends) == 1 and len({at for one in series for at in one.at}) == 1


def _lines(one: Series) -> Sequence[int]:
    return one.lines or range(len(one.at))


def _breaks(series: Sequence[Series]) -> list[int]:
    """Return the lines at which the counter of any series steps back, for the first time since another one's did."""
    falls = [
        (_lines(one)[place + 1], _lines(one)[place])
        for one in series
        if not rises(one)
        for place, (before, after) in enumerate(pairwise(one.at))
        if after < before
    ]
    breaks: list[int] = []
    for line, line_before in sorted(falls):
        if not breaks or breaks[-1] <= line_before:
            breaks.append(line)
    return breaks


def _parts(series: Sequence[Series], breaks: Sequence[int]) -> list[_Part]:
    """Return the stretches in which every counter rises."""
    parts = []
    for start, stop in pairwise([-math.inf, *breaks, math.inf]):
        pieces = []
        for one in series:
            low, high = bisect_left(_lines(one), start), bisect_left(_lines(one), stop)
            pieces.append(
                replace(one, at=one.at[low:high], values=one.values[low:high], lines=one.lines[low:high])
            )
        parts.append(_Part(pieces))
    return parts


def _kind(before: _Part, part: _Part) -> Kind:
    """Return what a part is to the one before it."""
    pairs = _comparable(before, part)
    if not pairs:
        return "unclear"
    old, new = pairs[0]
    again = [pair for one, more in pairs for pair in _overlap(one, more)]
    if again and all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in again):
        return "written twice"
    if not again and old.at[-1] - new.at[0] <= SMALL_STEP * usual_spacing(old):
        return "out of order"
    if new.at[0] > old.at[0]:
        return "resumed"
    way = _way_back(old, new)
    if way < RESTARTS_BELOW:
        return "restarted"
    evaluated = next((pair for pair in pairs if _is_loss(pair[0]) and _role(pair[0]) != "train"), pairs[0])
    return (
        "continued" if way >= CONTINUES_FROM and not (_jumps(old, new) or _jumps(*evaluated)) else "unclear"
    )


def _comparable(before: _Part, part: _Part) -> list[tuple[Series, Series]]:
    """Return the series that have values in both parts, those first that tell best where training is: losses, of training rows."""
    pairs = [(a, b) for a, b in zip(before.series, part.series, strict=True) if a.at and b.at]
    return sorted(pairs, key=lambda pair: (not _is_loss(pair[0]), _role(pair[0]) != "train"))


def _role(one: Series) -> Role:
    return one.role or parse_name(one.written).role or "train"


def _is_loss(one: Series) -> bool:
    return is_loss(one.metric or parse_name(one.written).metric)


def _way_back(old: Series, new: Series) -> float:
    """Return where a part begins: 0 where the part before began, 1 where that ended; NaN if that cannot be told."""
    first, last, begin = (
        next(filter(math.isfinite, values), math.nan)
        for values in (old.values, reversed(old.values), new.values)
    )
    return (first - begin) / (first - last) if first != last else math.nan


def _jumps(old: Series, new: Series) -> bool:
    """Return whether a part begins farther from the end of the part before than that ever moved at once."""
    values = [value for value in old.values[-USUAL:] if math.isfinite(value)]
    begin = next(filter(math.isfinite, new.values), math.nan)
    most = max((abs(after - before) for before, after in pairwise(values)), default=math.inf)
    return abs(begin - values[-1]) > JUMP * most if values else False


def _overlap(before: Series, after: Series) -> Iterator[tuple[float, float]]:
    """Yield the two values of each time that is in both."""
    for at, value in zip(after.at, after.values, strict=True):
        place = bisect_left(before.at, at)
        if place < len(before.at) and before.at[place] == at:
            yield before.values[place], value


def _join(attempt: _Part, part: _Part, kind: Kind) -> None:
    """Add a part to an attempt that it goes on with."""
    start = min(one.at[0] for one in part.series if one.at)
    shift = 0.0
    if kind == "continued":
        shift = max(one.at[-1] for one in attempt.series if one.at) - start
        shift += usual_spacing(max(part.series, key=lambda one: len(one.at)))
    replaced: set[float] = set()
    for one, more in zip(attempt.series, part.series, strict=True):
        kept = len(one.at) if kind == "continued" else bisect_left(one.at, start)
        points = list(zip([at + shift for at in more.at], more.values, strict=True))
        old = list(zip(one.at[kept:], one.values[kept:], strict=True))
        if kind == "resumed":
            replaced.update(at for at, _ in old)
        else:
            known = {at for at, _ in old}
            points = sorted([*old, *(point for point in points if point[0] not in known)], key=itemgetter(0))
        one.at[kept:] = [at for at, _ in points]
        one.values[kept:] = [value for _, value in points]
        one.lines = []
    attempt.kinds[kind] += 1
    attempt.replaced += len(replaced)
    if kind in ("resumed", "continued"):
        attempt.from_times.append(start + shift)


def _are_members(run: LoggedRun, attempts: Sequence[_Part], why: Sequence[Kind]) -> bool:
    """Return whether attempts are folds or seeds: the log's name says so, or there are several of the same epochs.

    A run that fails is started again after any number of epochs, and seldom twice after the same.
    """
    if len(attempts) < 2 or set(why) != {"restarted"}:
        return False
    if MEMBERS_IN_NAME.search(Path(run.name).stem) is not None:
        return True
    times = attempts[0].times
    is_alike = len(times) > 2 and all(part.times == times for part in attempts)
    return is_alike and len(attempts) >= FEWEST_ALIKE and _end_together(attempts)


def _end_together(attempts: Sequence[_Part]) -> bool:
    """Return whether attempts end close together, by the loss that tells best where training is.

    Networks of one experiment learn alike; those of several settings, such as learning rates, do not.
    """
    pairs = _comparable(attempts[0], attempts[1])
    if not pairs:
        return False
    place = next(at for at, one in enumerate(attempts[0].series) if one is pairs[0][0])
    moved, ends = [], []
    for part in attempts:
        values = [value for value in part.series[place].values if math.isfinite(value)]
        tail = values[-max(1, len(values) // END_SHARE) :]
        if not tail:
            return False
        ends.append(math.fsum(tail) / len(tail))
        moved.append(abs(values[0] - ends[-1]))
    return max(ends) - min(ends) <= MOST_APART * max(moved)


def _member(run: LoggedRun, part: _Part, number: int, attempts: Sequence[_Part]) -> LoggedRun:
    lengths = {_extent(run, one) for one in attempts}
    after = f", each time after {lengths.pop()}" if len(lengths) == 1 else ""
    times = "once" if len(attempts) == 2 else f"{len(attempts) - 1:,} times"
    note = (
        f"Its counter begins again {times}{after}, and so do its values: its {len(attempts):,} parts were taken for folds or seeds "
        f"of one experiment, and are judged together. If only the last counts, add --run 'part {len(attempts)}'."
    )
    spread, more = spread_repeats(_filled(part), run.unit)
    notes = (*run.notes, note, *_joined_notes(run, part), *more)
    name = f"{run.name} (part {number})"
    return replace(run, name=name, series=spread, notes=notes, member=f"part {number}", group=run.name)


def _earlier(run: LoggedRun, part: _Part, number: int) -> LoggedRun:
    ordinal = ORDINALS[number] if number < len(ORDINALS) else f"{number + 1}th"
    name = f"{run.name}, {ordinal} attempt ({_extent(run, part)})"
    spread, more = spread_repeats(_filled(part), run.unit)
    notes = (*run.notes, *_joined_notes(run, part), *more)
    return replace(run, name=name, series=spread, notes=notes, is_earlier=True)


def _last(run: LoggedRun, attempts: Sequence[_Part], why: Sequence[Kind]) -> LoggedRun:
    notes = list(_joined_notes(run, attempts[-1]))
    if why:
        begins = (
            "Its counter begins again, and so do its values"
            if set(why) == {"restarted"}
            else "Its counter begins again; its values do not tell clearly whether the network did, too, which was assumed"
        )
        lengths = ", ".join(_extent(run, part) for part in attempts[:-1][:3]) + (
            ", ..." if len(why) > 3 else ""
        )
        earlier = "the attempt before it" if len(why) == 1 else f"the {len(why):,} attempts before it"
        notes.append(f"{begins}: the last attempt is judged, {earlier} ({lengths}) shown apart.")
    if len(why) > 1:
        notes.append(
            "If its attempts are folds or seeds, write each to a log of its own: they are then judged together."
        )
    spread, more = spread_repeats(_filled(attempts[-1]), run.unit)
    return replace(run, series=spread, notes=(*run.notes, *notes, *more))


def _filled(part: _Part) -> list[Series]:
    return [one for one in part.series if one.at]


def _joined_notes(run: LoggedRun, part: _Part) -> Iterator[str]:
    first = f"{run.unit} {part.from_times[0]:g}" if part.from_times else ""
    if part.kinds["written twice"]:
        yield "Rows of the log are written twice, with the same values: each counts once."
    if part.kinds["resumed"]:
        yield (
            f"Training was resumed from {first}: what was logged of that and later {run.unit}s before "
            f"({counted(part.replaced, run.unit)}) was left out."
        )
    if part.kinds["out of order"]:
        yield "Rows of the log are out of order: they were sorted."
    if number := part.kinds["continued"]:
        yield (
            "The counter begins again, but values go on where they were, as when `fit` is called again on the same network: "
            f"{run.unit}s are counted on from {first}{f', {number:,} times' if number > 1 else ''}."
        )


def _extent(run: LoggedRun, part: _Part) -> str:
    times = part.times
    if run.unit == "step":
        return f"to step {max(times):,g}"
    return counted(len(times), run.unit)
