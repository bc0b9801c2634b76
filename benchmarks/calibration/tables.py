"""What hundreds of studies add up to: the tables that `benchmarks.calibration` prints."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.calibration.power import POWER_AT
from benchmarks.printing import print_table

POWER_RATIO = 2**0.5  # a true effect counts as 2 margins from 2 / 1.41 to 2 x 1.41
FAMILIES = {
    "test loss": "test loss of a variant",
    "rise": "rise of the trend from the chosen to the last epoch",
    "exact rise": "rise between exactly these two epochs",
    "alternatives": "gains of all freer and tighter alternatives together",
    "headroom": "gain of the teacher, as headroom",
    "one effect": "effect of a remedy, alone",
    "effects": "effects of all remedies together",
}
EFFECTS = {
    "effect": "effect of a remedy",
    "gain": "gain of a larger network",
    "rise": "rise to the last epoch",
}
# What is claimed of an effect -> how many margins smaller an effect is that claims 0 alone.
CLAIMS = {"interval excludes 0": 0, "interval beyond the margin": 1}
SPREADS = (0, 0.25, 0.5, 1, 2, 4, np.inf)  # by how many margins seeds differ
ENOUGH = 80  # per cent
SHARES_NOTE = "Per cent ± standard error over worlds (number)."
POWER_NOTE = "Found ± standard error over worlds (planned); bold from 80 %."
PLAN_HEADINGS = (
    *("3 x 2,000", "asked for first", "verdicts", "out of reach"),
    *("decided at once", "in the end", "rightly", "median design"),
)

Record = Mapping[str, Any]
Designs = Mapping[str, Sequence[Record]]  # name of a design -> the records of its studies
Rows = list[list[str]]


def print_tables(studies: Sequence[Record], forecasts: Sequence[Record]) -> None:
    """Print every table as Markdown."""
    if studies:
        _print_studies(studies)
    if forecasts:
        _print_forecasts(forecasts)


def is_covered(low: float, high: float, truth: float) -> bool:
    """Return whether an interval covers; ends and truth may all be equal, as of a run that ended at its best epoch.

    Example:
        >>> is_covered(0.0, 0.0, 1e-9), is_covered(-1.0, 1.0, 2.0)
        (True, False)
    """
    return low - 1e-7 <= truth <= high + 1e-7


def share(values: Iterable[bool], clusters: Iterable[Any]) -> str:
    """Return a share in per cent with its standard error over clusters, whose members are not independent.

    Example:
        >>> share([True, True, False, False], [0, 0, 1, 1])
        '50.0 ± 50.0 (4)'
    """
    sums: dict[Any, list[int]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster].append(int(value))
    count = sum(map(len, sums.values()))
    if not count:
        return "-"
    mean = sum(map(sum, sums.values())) / count
    groups = len(sums)
    spread = np.array([sum(each) - mean * len(each) for each in sums.values()])
    error = np.sqrt((spread**2).sum() * groups / max(groups - 1, 1)) / count
    return f"{100 * mean:.1f} ± {100 * error:.1f} ({count:,})"


def _print_studies(studies: Sequence[Record]) -> None:
    designs = by_design(studies)
    worlds = len({one["world"] for one in studies})
    print(f"{len(studies):,} studies in {worlds} worlds; columns are seeds x test rows.\n")
    every = designs | {"all designs": studies}
    print_titled("Coverage of 95 % intervals", every, _coverage(every) + _points(every))
    print_titled("Effects as they are", designs, _powers(designs))
    print_titled("Effects of a known size", designs, _known_effects(designs), note=POWER_NOTE)
    for size in (1, 2):
        title = f"{size + 1} margins told from the margin, or {size} from 0, by how seeds differ"
        print_titled(title, designs, _effects_by_spread(designs, size), note=POWER_NOTE)
    print_titled("Ranking of remedies", designs, _rankings(designs))
    print("### What `undecided` asks for\n")
    print_table(PLAN_HEADINGS, _plans(studies))
    print()


def by_design(studies: Sequence[Record]) -> Designs:
    """Return the name of each design, in the order of the records, and its studies."""
    names = dict.fromkeys(one["design"] for one in studies)
    return {name: [one for one in studies if one["design"] == name] for name in names}


def print_titled(title: str, designs: Designs, rows: Rows, *, note: str = SHARES_NOTE) -> None:
    print(f"### {title}\n\n{note}\n")
    print_table(("", *designs), rows)
    print()


def design_row(words: str, designs: Designs, values_of: Callable[[Record], Iterable[bool]]) -> list[str]:
    """Return a row of a table: for each design, how many of its studies' values are true."""
    return [words, *(share_of(studies, values_of) for studies in designs.values())]


def share_of(records: Iterable[Record], values_of: Callable[[Record], Iterable[bool]]) -> str:
    pairs = [(value, one["world"]) for one in records for value in values_of(one)]
    return share((value for value, _ in pairs), (world for _, world in pairs))


def _coverage(designs: Designs) -> Rows:
    """Return how often all intervals of a family cover."""

    def covers(kind: str) -> Callable[[Record], Iterable[bool]]:
        return lambda one: [
            all(is_covered(*interval) for interval in family["intervals"])
            for family in one["families"]
            if family["kind"] == kind
        ]

    return [design_row(words, designs, covers(kind)) for kind, words in FAMILIES.items()]


def _points(designs: Designs) -> Rows:
    """Return how often a rise was said to be exactly 0, and how often the true one is then less than a margin."""

    def is_point(one: Record) -> list[bool]:
        return [
            family["kind"] == "no rise" for family in one["families"] if family["kind"] in ("rise", "no rise")
        ]

    def is_small(one: Record) -> list[bool]:
        return [
            abs(family["intervals"][0][2]) < one["margin"]
            for family in one["families"]
            if family["kind"] == "no rise"
        ]

    return [
        design_row("rise exactly 0: every seed ended at its chosen epoch", designs, is_point),
        design_row("... and then the true one is below 1 margin", designs, is_small),
    ]


def _powers(designs: Designs) -> Rows:
    """Return how often true rises and true gains of 1, 2 and 5 margins were found."""

    def rises(verdict: Record) -> Iterable[tuple[bool, float]]:
        return [(verdict["has_risen"], verdict["truth"]["rise"])]

    def gains(verdict: Record) -> Iterable[tuple[bool, float]]:
        return [
            (said, gain) for said, (_, gain) in zip(verdict["found"], verdict["truth"]["gains"], strict=True)
        ]

    def found(size: int, pairs: Callable) -> Callable[[Record], Iterable[bool]]:
        return lambda one: [
            said
            for verdict in one["verdicts"]
            for said, true in pairs(verdict)
            if size / POWER_RATIO <= true <= size * POWER_RATIO
        ]

    return [
        design_row(f"a true {words} of about {in_margins(size)} was found", designs, found(size, pairs))
        for size in POWER_AT
        for words, pairs in (("rise", rises), ("gain", gains))
    ]


def _known_effects(designs: Designs) -> Rows:
    """Return for each claim, kind and size of an effect how often it was found, and how often by plan."""

    def is_of(kind: str) -> Callable[[Record], bool]:
        return lambda effect: effect["kind"] == kind

    return [
        [f"{words} of {in_margins(size)}, {claim}", *_found_and_planned(designs, size - less, is_of(kind))]
        for claim, less in CLAIMS.items()
        for kind, words in EFFECTS.items()
        for size in POWER_AT
    ]


def _effects_by_spread(designs: Designs, size: int) -> Rows:
    """Return how often effects of so many margins were found, by how much the seeds differ."""

    def lies(low: float, high: float) -> Callable[[Record], bool]:
        return lambda effect: low <= effect["spread"] < high

    return [
        [
            f"{low:g} to {high:g} margins" if np.isfinite(high) else f"more than {low:g} margins",
            *_found_and_planned(designs, size, lies(low, high)),
        ]
        for low, high in pairwise(SPREADS)
    ]


def _found_and_planned(designs: Designs, size: int, applies: Callable[[Record], bool]) -> list[str]:
    """Return `found ± error (planned)` for each design; found is bold from 80 %."""
    cells = []
    for studies in designs.values():
        picked = [effect | {"world": one["world"]} for one in studies for effect in one["power"]]
        picked = [effect for effect in picked if applies(effect)]
        if not picked:
            cells.append("-")
            continue
        found = share_of(picked, lambda effect: [effect["needs"] < size]).split(" (")[0]
        is_enough = 100 * np.mean([effect["needs"] < size for effect in picked]) >= ENOUGH
        planned = 100 * np.mean([effect["planned"][str(size)] for effect in picked])
        cells.append(f"{f'**{found}**' if is_enough else found} ({planned:.0f})")
    return cells


def in_margins(size: int) -> str:
    return "1 margin" if size == 1 else f"{size} margins"


def _rankings(designs: Designs) -> Rows:
    def holds(claim: Callable[[Record], bool]) -> Callable[[Record], Iterable[bool]]:
        return lambda one: [claim(one["ranking"])] if one["ranking"] else []

    claims = {
        "the first is truly within 1 margin of the best": lambda one: one["behind"] <= 1,
        "the first is truly within 2 margins of the best": lambda one: one["behind"] <= 2,
        "the truly best is among those called tied with the first": lambda one: one["is_best_among_ties"],
        "one remedy alone is called the best": lambda one: one["ties"] == 1,
    }
    return [design_row(words, designs, holds(claim)) for words, claim in claims.items()]


def _plans(studies: Iterable[Record]) -> Rows:
    """Return what became of undecided verdicts, by how they started and what was asked for first."""
    plans = [
        plan | {"world": one["world"]} for one in studies for plan in one.get("plans", ()) if plan["asked"]
    ]
    rows = []
    for start, words in (("as it is", "as it is"), ("planted", "gain of 2 margins")):
        started = [plan for plan in plans if plan["start"] == start]
        for what in ("seeds", "rows", "seeds and rows", "nothing", "all"):
            mine = started if what == "all" else [plan for plan in started if plan["asked"] == what]
            if mine:
                rows.append([words, what, *_ends(mine)])
    return rows


def _ends(plans: Sequence[Record]) -> list[str]:
    """Return the cells of some plans: how many there are, and how those that were carried out ended."""
    carried = [plan for plan in plans if plan["rounds"]]
    within = [plan for plan in carried if plan["end"] != "out of reach"]
    decided = [plan for plan in carried if plan["end"] == "decided"]
    middle = [f"{np.median([plan['design'][axis] for plan in decided]):,.0f}" for axis in (0, 1) if decided]
    return [
        str(len(plans)),
        str(sum(plan["end"] == "out of reach" for plan in plans)),
        share_of(carried, lambda plan: [plan["rounds"] == 1 and plan["end"] == "decided"]),
        share_of(within, lambda plan: [plan["end"] == "decided"]),
        share_of(decided, lambda plan: [plan["is_right"]]),
        " x ".join(middle or ["-"]),
    ]


def _print_forecasts(forecasts: Sequence[Record]) -> None:
    """Print coverage of the forecasts, and how often there was none."""
    made = [one for one in forecasts if one["refusal"] is None]
    print(f"### Forecasts\n\n{len(forecasts)} learning curves, {len(made)} of them forecast.\n")
    headings = ("per cent ± standard error over worlds (number)", "2 times the rows", "4 times the rows")
    print_table(headings, _forecast_rows(made))
    reasons = Counter(" ".join(one["refusal"].split()[:4]) for one in forecasts if one["refusal"])
    for reason, count in sorted(reasons.items()):
        print(f'\nRefused {count} times: "{reason} ..."')
    print()


def _forecast_rows(made: Sequence[Record]) -> Rows:
    """Return how often forecasts cover, and medians; `gains` holds [low, high, truth, mean] for each step."""
    rows = []
    for words, key in (
        ("the loss lies in its interval", "forecast"),
        ("the gain lies in its interval", "gains"),
    ):
        covers = [lambda one, key=key, step=step: [is_covered(*one[key][step][:3])] for step in (0, 1)]
        rows.append([words, *(share_of(made, each) for each in covers)])
    gains = np.array([one["gains"] for one in made]).reshape(-1, 2, 4)
    low, high, truth, mean = np.moveaxis(gains, -1, 0)
    for words, values in (
        ("median gain, measured later", truth),
        ("median width of its interval", high - low),
        ("median error of the forecast gain", abs(mean - truth)),
    ):
        rows.append(
            [words, *(f"{value:.4f}" for value in np.median(values, axis=0))] if made else [words, "-", "-"]
        )
    return rows
