"""A run that was resumed into a folder of its own, such as Lightning's version_1 after version_0: the two are one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from justright.logs.discovery.halves import FoundRun
from justright.logs.discovery.repeated_times import usual_spacing
from justright.logs.discovery.separate_runs import separate
from justright.logs.logged_run import Series
from justright.logs.metric_names import names_metric

NUMBER = re.compile(r"\d{1,9}")
LATE = 1.5  # usual distances after the end of a run, within which one goes on with it


def join_resumed(found: Sequence[FoundRun]) -> list[FoundRun]:
    """Return the runs of a folder, those that go on where the one of the number before ended joined to it.

    A run of its own begins at the beginning: one whose first epoch or step lies within or just after that of another, under the
    same names, was resumed from it.
    """
    joined: list[FoundRun] = []
    for one in found:
        if joined and _goes_on(joined[-1], one):
            joined[-1] = _joined(joined[-1], one)
        else:
            joined.append(one)
    return joined


def _goes_on(before: FoundRun, after: FoundRun) -> bool:
    if before.format != after.format or before.run.unit != after.run.unit or before.run.is_earlier:
        return False
    if not _is_next(before.run.name, after.run.name):
        return False
    old, new = _measures(before), _measures(after)
    if not old or old.keys() != new.keys():
        return False
    gap = max(map(usual_spacing, old.values()))
    return all(
        one.at[0] < new[name].at[0] <= one.at[-1] + LATE * gap and new[name].at[-1] > one.at[-1]
        for name, one in old.items()
    )


def _is_next(name: str, other: str) -> bool:
    """Return whether two names differ by one number, which is the next one.

    Example:
        >>> (
        ...     _is_next("logs/version_0/metrics.csv", "logs/version_1/metrics.csv"),
        ...     _is_next("a/1.csv", "b/2.csv"),
        ... )
        (True, False)
    """
    if NUMBER.sub("0", name) != NUMBER.sub("0", other):
        return False
    numbers = zip(NUMBER.findall(name), NUMBER.findall(other), strict=True)
    return [int(new) - int(old) for old, new in numbers if old != new] == [1]


def _measures(found: FoundRun) -> dict[str, Series]:
    return {one.written: one for one in found.run.series if len(one.at) > 1 and names_metric(one.written)}


def _joined(before: FoundRun, after: FoundRun) -> FoundRun:
    end = max((line for one in before.run.series for line in one.lines), default=0)
    new = {one.written: one for one in after.run.series}
    series = [
        replace(
            one,
            at=[*one.at, *new[one.written].at],
            values=[*one.values, *new[one.written].values],
            lines=[*one.lines, *(end + line for line in new[one.written].lines)],
        )
        for one in before.run.series
        if one.written in new
    ]
    start = min(one.at[0] for one in after.run.series if one.at)
    note = (
        f"It begins at {after.run.unit} {start:g}, where {_folder(before.run.name, after.run.name)!r} ended or was left: "
        "both were read as one run that was resumed."
    )
    notes = tuple(dict.fromkeys((*before.run.notes, *after.run.notes, note)))
    whole = replace(after.run, series=series, epochs={**before.run.epochs, **after.run.epochs}, notes=notes)
    return replace(after, run=separate(whole)[0])


def _folder(name: str, other: str) -> str:
    """Return the part of a path that differs from another's."""
    pairs = zip(Path(name).parts, Path(other).parts, strict=True)
    return next(part for part, again in pairs if part != again)
