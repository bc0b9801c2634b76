"""Several values of one series at one time: what they are, and where they belong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, pairwise
from operator import lt

from justright.data.checks import listed
from justright.logs.logged_run import Series

# Values at the first time of all that were logged without a time, and are no repeated measurement.
MIN_UNCOUNTED = 3
USUAL = 200  # last values that tell what is usual
AT_THE_END = "a second value at the end, as of the best weights, which tools evaluate last: that is no part of the curve"


def spread_repeats(series: Sequence[Series], unit: str) -> tuple[list[Series], list[str]]:
    """Return series with one value at each time, and a sentence for each thing that was assumed.

    Several values at most times, such as four validations per epoch in a log that counts epochs, are spread over the time since
    the one before. A second value at the last time alone is a tool's final evaluation, often with its best weights: it is no
    part of the curve. Elsewhere the last of several counts.
    """
    spread: list[Series] = []
    said: dict[str, list[str]] = defaultdict(list)  # what was assumed -> of which series
    first = min((one.at[0] for one in series if one.at), default=0.0)
    last = max((one.at[-1] for one in series if one.at), default=0.0)
    for one in series:
        if rises(one):
            spread.append(one)
            continue
        stretches = _equal_times(one.at)
        repeated = [(start, stop) for start, stop in stretches if stop - start > 1]
        if len(stretches) == 1 and len(one.at) >= MIN_UNCOUNTED and one.at[0] == first < last:
            at = [first + (last - first) * (place + 1) / len(one.at) for place in range(len(one.at))]
            spread.append(replace(one, at=at))
            said["one time for all its values: they were spread over the run"].append(one.written)
        elif all(len(set(map(repr, one.values[start:stop]))) == 1 for start, stop in repeated):
            spread.append(_taken(one, [start for start, _ in stretches]))
        elif len(repeated) > len(stretches) / 2:
            spread.append(_spread(one, stretches))
            said[f"several values per {unit}: they were spread over it"].append(one.written)
        elif repeated == [stretches[-1]]:
            spread.append(_taken(one, [start for start, _ in stretches]))
            said[AT_THE_END].append(one.written)
        else:
            spread.append(_taken(one, [stop - 1 for _, stop in stretches]))
            said["several values at some times: the last of them counts"].append(one.written)
    return spread, [f"{_names(names)} {what}." for what, names in said.items()]


def _names(names: Sequence[str]) -> str:
    return f"{listed(names, most=2)} {'has' if len(names) == 1 else 'have'}"


def _spread(one: Series, stretches: Sequence[tuple[int, int]]) -> Series:
    """Return a series whose several values at one time lie between that and the time before.

    Where epochs count from 0, epoch 0 is the time up to 1: they lie between that and the time after.
    """
    ends = _taken(one, [start for start, _ in stretches])
    gap = usual_spacing(ends)
    at = [
        one.at[place] + gap * ((place - start) if ends.at[0] == 0 else (place + 1 - stop)) / (stop - start)
        for start, stop in stretches
        for place in range(start, stop)
    ]
    return replace(one, at=at)


def _equal_times(at: Sequence[float]) -> list[tuple[int, int]]:
    """Return (start, stop) of each stretch of one time."""
    starts = [place for place in range(len(at)) if place == 0 or at[place] != at[place - 1]]
    return list(zip(starts, [*starts[1:], len(at)], strict=True)) if starts else []


def _taken(one: Series, places: Sequence[int]) -> Series:
    return replace(
        one,
        at=[one.at[place] for place in places],
        values=[one.values[place] for place in places],
        lines=[one.lines[place] for place in places] if one.lines else [],
    )


def rises(one: Series) -> bool:
    """Return whether every value has a later time than the one before."""
    return all(map(lt, one.at, islice(one.at, 1, None)))


def usual_spacing(one: Series) -> float:
    """Return the usual distance of the last values."""
    gaps = sorted(after - before for before, after in pairwise(one.at[-USUAL:]) if after > before)
    return gaps[len(gaps) // 2] if gaps else 1.0
