"""What hundreds of studies add up to: the tables that `benchmarks.calibration` prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks._calibration_power import POWER_AT
from benchmarks._calibration_power_tables import plan_rows, power_rows, spread_rows
from benchmarks._calibration_shares import is_covered, share

POWER_RATIO = 2**0.5  # a true effect counts as 2 margins from 2 / 1.41 to 2 x 1.41
KINDS = {
    "test loss": "test loss of a variant",
    "rise": "rise of the loss from the chosen to the last epoch",
    "one effect": "effect of a remedy, alone",
    "effects": "effects of all remedies together",
    "candidates": "gains of all candidates together",
}


def print_tables(studies: Sequence[Mapping[str, Any]], forecasts: Sequence[Mapping[str, Any]]) -> None:
    """Print every table as Markdown."""
    designs = list(dict.fromkeys(one["design"] for one in studies))
    by_design = {name: [one for one in studies if one["design"] == name] for name in designs}
    if studies:
        worlds = len({one["world"] for one in studies})
        print(f"{len(studies):,} studies in {worlds} worlds; columns are seeds x test rows.\n")
        covered = by_design | {"all designs": studies}
        _print("Coverage of 95 % intervals", list(covered), _coverage(covered) + _points(covered))
        _print("False alarms, and effects as they are", designs, _alarms(by_design) + _powers(by_design))
        note = "Found ± standard error over worlds (planned); bold from 80 %."
        _print("Effects of a known size", designs, power_rows(by_design), note=note)
        for size in (1, 2):
            title = f"{size + 1} margins told from the margin, or {size} from 0, by how seeds differ"
            _print(title, designs, spread_rows(by_design, size), note=note)
        _print("Ranking of remedies", designs, _rankings(by_design))
        _print_plans(studies)
    if forecasts:
        _print_forecasts(forecasts)


def _points(by_design: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    """Return how often a rise was said to be exactly 0, and how often it then truly is less than a margin."""
    said, right = [], []
    for studies in by_design.values():
        every = [
            (family, one)
            for one in studies
            for family in one["families"]
            if family["kind"] in ("rise", "no rise")
        ]
        worlds = [one["world"] for _, one in every]
        said.append(share([family["kind"] == "no rise" for family, _ in every], worlds))
        points = [
            (abs(family["intervals"][0][2]) < one["margin"], one["world"])
            for family, one in every
            if family["kind"] == "no rise"
        ]
        right.append(share([held for held, _ in points], [world for _, world in points]))
    return [
        ["rise exactly 0: every seed ended at its chosen epoch", *said],
        ["... and then the true one is below 1 margin", *right],
    ]


def _coverage(by_design: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    rows = []
    for kind, words in KINDS.items():
        cells = []
        for studies in by_design.values():
            found = [
                (all(is_covered(*interval) for interval in family["intervals"]), one["world"])
                for one in studies
                for family in one["families"]
                if family["kind"] == kind
            ]
            cells.append(share([held for held, _ in found], [world for _, world in found]))
        rows.append([words, *cells])
    return rows


def _alarms(by_design: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    """Return how often a label was given where it is not true: a false alarm."""

    def healthy(verdict: Mapping[str, Any]) -> bool:
        return verdict["rise"] <= 1 and all(gain <= 1 for gain in verdict["gains"])

    claims = {
        "`overfits`, where neither is true": ("overfits", healthy),
        "`underfits`, where neither is true": ("underfits", healthy),
        "`overfits`, where it is not true": ("overfits", lambda one: one["rise"] <= 1),
        "`underfits`, where it is not true": (
            "underfits",
            lambda one: all(gain <= 1 for gain in one["gains"]),
        ),
        "`just right`, where it is not true": ("just right", lambda one: not healthy(one)),
    }
    rows = []
    for words, (label, applies) in claims.items():
        cells = []
        for studies in by_design.values():
            found = [
                (verdict["label"] == label, one["world"])
                for one in studies
                for verdict in one["verdicts"]
                if applies(verdict)
            ]
            cells.append(share([said for said, _ in found], [world for _, world in found]))
        rows.append([words, *cells])
    return rows


def _powers(by_design: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    """Return how often true rises and true gains of 1, 2 and 5 margins were found."""
    rows = []
    for size in POWER_AT:
        for words, pairs in (("rise", _rises), ("gain", _gains)):
            cells = []
            for studies in by_design.values():
                found = [
                    (said, one["world"])
                    for one in studies
                    for verdict in one["verdicts"]
                    for said, true in pairs(verdict)
                    if size / POWER_RATIO <= true <= size * POWER_RATIO
                ]
                cells.append(share([said for said, _ in found], [world for _, world in found]))
            margins = "1 margin" if size == 1 else f"{size} margins"
            rows.append([f"a true {words} of about {margins} was found", *cells])
    return rows


def _rises(verdict: Mapping[str, Any]) -> list[tuple[bool, float]]:
    return [(verdict["has_risen"], verdict["rise"])]


def _gains(verdict: Mapping[str, Any]) -> list[tuple[bool, float]]:
    return list(zip(verdict["is_better"], verdict["gains"], strict=True))


def _rankings(by_design: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[list[str]]:
    claims = {
        "the first is truly within 1 margin of the best": lambda one: one["behind"] <= 1,
        "the first is truly within 2 margins of the best": lambda one: one["behind"] <= 2,
        "the truly best is among those called tied with the first": lambda one: one["is_best_among_ties"],
        "one remedy alone is called the best": lambda one: one["ties"] == 1,
    }
    return [
        [
            words,
            *(
                share(
                    [holds(one["ranking"]) for one in studies if one["ranking"]],
                    [one["world"] for one in studies if one["ranking"]],
                )
                for studies in by_design.values()
            ),
        ]
        for words, holds in claims.items()
    ]


def _print(
    title: str,
    designs: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    note: str = "Per cent ± standard error over worlds (number).",
) -> None:
    print(f"### {title}\n\n{note}\n")
    print("| | " + " | ".join(designs) + " |\n|---|" + "---|" * len(designs))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def _print_plans(studies: Sequence[Mapping[str, Any]]) -> None:
    """Print what became of undecided verdicts whose advice was followed."""
    head = (
        "asked for first",
        "verdicts",
        "out of reach",
        "decided at once",
        "in the end",
        "rightly",
        "median design",
    )
    print("### What `undecided` asks for\n\n| 3 x 2,000 | " + " | ".join(head) + " |")
    print("|---|" + "---|" * len(head))
    for row in plan_rows(studies):
        print("| " + " | ".join(row) + " |")
    print()


def _print_forecasts(forecasts: Sequence[Mapping[str, Any]]) -> None:
    """Print coverage of the forecasts, and how often there was none."""
    made = [one for one in forecasts if one["refusal"] is None]
    print(f"### Forecasts\n\n{len(forecasts)} learning curves, {len(made)} of them forecast.\n")
    print(
        "| per cent ± standard error over worlds (number) | 2 times the rows | 4 times the rows |\n|---|---|---|"
    )
    worlds = [one["world"] for one in made]
    for words, key in (
        ("the loss lies in its interval", "forecast"),
        ("the gain lies in its interval", "gains"),
    ):
        cells = [share([is_covered(*one[key][step][:3]) for one in made], worlds) for step in (0, 1)]
        print(f"| {words} | " + " | ".join(cells) + " |")
    for words, pick in (
        ("median gain, measured later", lambda one, step: one["gains"][step][2]),
        ("median width of its interval", lambda one, step: one["gains"][step][1] - one["gains"][step][0]),
        (
            "median error of the forecast gain",
            lambda one, step: abs(one["gains"][step][3] - one["gains"][step][2]),
        ),
    ):
        cells = [f"{np.median([pick(one, step) for one in made]):.4f}" if made else "-" for step in (0, 1)]
        print(f"| {words} | " + " | ".join(cells) + " |")
    reasons: dict[str, int] = defaultdict(int)
    for one in forecasts:
        if one["refusal"]:
            reasons[" ".join(one["refusal"].split()[:4])] += 1
    for reason, count in sorted(reasons.items()):
        print(f'\nRefused {count} times: "{reason} ..."')
    print()
