"""The tables of planted effects, and of what became of `undecided`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks._calibration_power import POWER_AT
from benchmarks._calibration_shares import share

KINDS = {
    "effect": "effect of a remedy",
    "gain": "gain of a larger network",
    "rise": "rise to the last epoch",
}
CLAIMS = {
    "interval excludes 0": 0,
    "interval beyond the margin": 1,
}  # by how much less an effect is told from
SPREADS = (0, 0.25, 0.5, 1, 2, 4, np.inf)  # by how many margins seeds differ
ENOUGH = 80  # per cent

Record = Mapping[str, Any]


def power_rows(by_design: Mapping[str, Sequence[Record]]) -> list[list[str]]:
    """Return, for each claim, kind and size, what was found beside what was planned, a cell a design."""
    return [
        [f"{words} of {_margins(size)}, {claim}", *_cells(by_design, size - less, _is_of(kind))]
        for claim, less in CLAIMS.items()
        for kind, words in KINDS.items()
        for size in POWER_AT
    ]


def spread_rows(by_design: Mapping[str, Sequence[Record]], size: int) -> list[list[str]]:
    """Return how often effects of so many margins were seen, by how much the seeds differ."""

    def lies(low: float, high: float) -> Callable[[Record], bool]:
        return lambda one: low <= one["spread"] < high

    return [
        [
            f"{low:g} to {high:g} margins" if np.isfinite(high) else f"more than {low:g} margins",
            *_cells(by_design, size, lies(low, high)),
        ]
        for low, high in pairwise(SPREADS)
    ]


def _is_of(kind: str) -> Callable[[Record], bool]:
    return lambda one: one["kind"] == kind


def _cells(
    by_design: Mapping[str, Sequence[Record]], size: int, applies: Callable[[Record], bool]
) -> list[str]:
    """Return `found ± error (planned)` for each design; found is bold from 80 %."""
    cells = []
    for studies in by_design.values():
        picked = [(effect, one["world"]) for one in studies for effect in one["power"] if applies(effect)]
        if not picked:
            cells.append("-")
            continue
        seen = [effect["needs"] < size for effect, _ in picked]
        found = share(seen, [world for _, world in picked]).split(" (")[0]
        planned = 100 * np.mean([effect["planned"][str(size)] for effect, _ in picked])
        cells.append(f"{f'**{found}**' if 100 * np.mean(seen) >= ENOUGH else found} ({planned:.0f})")
    return cells


def _margins(size: int) -> str:
    return "1 margin" if size == 1 else f"{size} margins"


def plan_rows(studies: Iterable[Record]) -> list[list[str]]:
    """Return what became of undecided verdicts, a row a start and what was asked for first."""
    plans = [(plan, one["world"]) for one in studies for plan in one.get("plans", ()) if plan["asked"]]
    rows = []
    for start, words in (("as it is", "as it is"), ("planted", "gain of 2 margins")):
        for what in ("seeds", "rows", "seeds and rows", "nothing"):
            mine = [(plan, world) for plan, world in plans if (plan["start"], plan["asked"]) == (start, what)]
            if mine:
                rows.append([words, what, *_ends(mine)])
        mine = [(plan, world) for plan, world in plans if plan["start"] == start]
        if mine:
            rows.append([words, "all", *_ends(mine)])
    return rows


def _ends(plans: Sequence[tuple[Record, Any]]) -> list[str]:
    carried = [(plan, world) for plan, world in plans if plan["rounds"]]
    once = share(
        [plan["rounds"] == 1 and plan["end"] == "decided" for plan, _ in carried],
        [world for _, world in carried],
    )
    within = [(plan, world) for plan, world in carried if plan["end"] != "out of reach"]
    finally_ = share([plan["end"] == "decided" for plan, _ in within], [world for _, world in within])
    decided = [(plan, world) for plan, world in carried if plan["end"] == "decided"]
    right = share([plan["is_right"] for plan, _ in decided], [world for _, world in decided])
    beyond = sum(plan["end"] == "out of reach" for plan, _ in plans)
    design = (
        [f"{np.median([plan['design'][axis] for plan, _ in decided]):,.0f}" for axis in (0, 1)]
        if decided
        else ["-"]
    )
    return [str(len(plans)), str(beyond), once, finally_, right, " x ".join(design)]
