"""Seeds and folds of one experiment, told by the names of their folders or files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from justright.logs.log_curves import LogCurves

# 'seed-0', 'fold_3', 'history_seed1.json', 'cv 2', Keras Tuner's 'execution0': a word and a number, between separators.
MEMBER = re.compile(
    r"(?<![a-z])(seed|k?fold|cv|repeat|replicate|execution)[-_ =]?(\d{1,9})(?!\d)", re.IGNORECASE
)


def name_members(runs: Sequence[LogCurves]) -> list[LogCurves]:
    """Return the runs, with those whose names differ by a seed or fold alone as members of one group.

    Example:
        >>> from justright.logs.log_curves import LogCurves
        >>> runs = [LogCurves(f"runs/small/seed-{seed}/log.csv", "csv", ()) for seed in (0, 1)]
        >>> [(run.group, run.member) for run in name_members(runs)]
        [('runs/small', 'seed 0'), ('runs/small', 'seed 1')]
    """
    groups: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for at, run in enumerate(runs):
        found = list(MEMBER.finditer(run.name))
        if found and not (run.member or run.group or run.is_earlier):
            around = run.name[: found[-1].start()], run.name[found[-1].end() :]
            groups[around][f"{found[-1][1].lower()} {int(found[-1][2])}"] = at
    named = list(runs)
    for (before, after), members in groups.items():
        if len(members) < 2:
            continue
        is_only = sum(other == before and len(groups[other, rest]) > 1 for other, rest in groups) == 1
        group = before.rstrip("/_-. ") if is_only else before + after.lstrip("/")
        for member, at in members.items():
            named[at] = replace(runs[at], group=group or after.lstrip("/_-. "), member=member)
    return named
