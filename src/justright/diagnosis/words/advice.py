"""What would decide an undecided verdict, in words and as the command that does it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from justright.diagnosis.measured import Measured
from justright.diagnosis.overfit import Overfit
from justright.diagnosis.underfit import Candidate
from justright.diagnosis.words.numbers import counted, listed, rounded_up, word
from justright.statistics.sample_size import Needs

# What adds to a finished study; the reader knows the folder, and may have moved it.
COMMAND = "justright run --out DIR"
LEAST_SEEDS = 3  # two say how much seeds differ, with an interval that is too wide to be of use
MOST_NAMES = 4  # more of them make no sentence
MUCH_CHEAPER = 2  # as many times fewer seeds, or rows, as make one variant worth naming before all


def decision_facts(
    undecided: Mapping[str, Needs], measured: Mapping[str, Measured], test_rows: int
) -> tuple[str, ...]:
    """Return which commands would probably decide which undecided variants: a sentence each, none where nothing would.

    Args:
        undecided: variant -> what would decide it.
        measured: the measured losses of all variants.
        test_rows: that the study has; with 0 only seeds can be added.

    Example:
        >>> decision_facts({}, {}, 0)
        ()
    """
    ways: dict[tuple[bool, bool], dict[str, tuple[int, int]]] = defaultdict(dict)
    for name, needs in undecided.items():
        least = needs.least
        if least and any(least) and (test_rows or not least[1]):
            totals = len(measured[name].variant.runs) + least[0], test_rows + least[1]
            ways[least[0] > 0, least[1] > 0][name] = totals
    return tuple(_command_sentence(way, found) for way, found in sorted(ways.items(), reverse=True))


def _command_sentence(way: tuple[bool, bool], found: Mapping[str, tuple[int, int]]) -> str:
    """Return how `found`, variant -> (seeds, rows) in all, would be decided by more seeds, more rows or both.

    All at once, unless one of them is far cheaper than all: then that one, and what all would take.
    """
    everything = max(seeds for seeds, _ in found.values()), max(rows for _, rows in found.values())
    first, cheapest = min(found.items(), key=lambda item: item[1])
    if not any(
        is_needed and MUCH_CHEAPER * few <= most
        for is_needed, few, most in zip(way, cheapest, everything, strict=True)
    ):
        many = f"{word(len(found)).capitalize()} undecided variants"
        return f"{_decided(listed(list(found)) if len(found) <= MOST_NAMES else many, way, everything)}."
    others = [name for name in found if name != first]
    rest = listed(others) if len(others) < MOST_NAMES else f"the other {word(len(others))}"
    return (
        f"{_decided(first, way, cheapest)}; {_totals(way, everything)} would probably decide {rest} as well."
    )


def _decided(who: str, way: tuple[bool, bool], total: tuple[int, int]) -> str:
    """Return by what `who` would be decided, with the command."""
    options = (f" --seeds {total[0]}" if way[0] else "") + (" --test FILE" if way[1] else "")
    return f"{who} would probably be decided by {_totals(way, total)} in all: {COMMAND}{options}"


def _totals(way: tuple[bool, bool], total: tuple[int, int]) -> str:
    """Return so many seeds, test rows, or both."""
    counts = f"{total[0]} seeds", f"{rounded_up(total[1]):,} test rows"
    return listed([count for count, is_needed in zip(counts, way, strict=True) if is_needed])


def what_decides(overfit: Overfit, candidates: tuple[Candidate, ...]) -> Needs | None:
    """Return what would decide the label; None where no comparison is open.

    Where a measured difference lies beyond the margin, showing that one is enough; else all must be excluded.
    """
    harmful = [one.needs for one in candidates if one.difference.mean < -one.gain_margin]
    if overfit.rise.mean > overfit.margin and (overfit.has_train_fallen or overfit.has_train_risen):
        harmful.append(overfit.needs)
    if any(one is not None for one in harmful):
        return _combined([one for one in harmful if one is not None], any_is_enough=True)
    every = [overfit.needs, *(candidate.needs for candidate in candidates)]
    found = [one for one in every if one is not None]
    return _combined(found, any_is_enough=False) if found else None


def _combined(every: list[Needs], *, any_is_enough: bool) -> Needs:
    """Return what decides one of several comparisons, the cheapest, or all of them."""
    choose = min if any_is_enough else max
    least = [one.least for one in every if one.least is not None]
    together = None
    if any_is_enough:
        together = min(least, default=None)
    elif len(least) == len(every):
        together = max(seeds for seeds, _ in least), max(rows for _, rows in least)

    def chosen(ways: list[int | None]) -> int | None:
        known = [way for way in ways if way is not None]
        return choose(known) if known and (any_is_enough or len(known) == len(ways)) else None

    return Needs(
        chosen([one.more_seeds for one in every]), chosen([one.more_rows for one in every]), together
    )


def needs_reasons(needs: Needs | None, measured: Measured) -> tuple[str, ...]:
    """Return the sentence about what would decide."""
    if needs is None:
        return ()
    kind = "test row" if measured.source == "test" else "validation row"
    trained = len(measured.variant.runs)
    ways = []
    if needs.more_seeds:
        ways.append(f"{counted(needs.more_seeds, 'more seed')} ({trained + needs.more_seeds} in all)")
    if needs.more_rows:
        ways.append(counted(rounded_up(needs.more_rows), f"more {kind}"))
    if not ways and needs.together and all(needs.together):
        more_seeds, more_rows = needs.together
        rows = counted(rounded_up(more_rows), f"more {kind}")
        ways.append(f"{counted(more_seeds, 'more seed')} together with {rows}")
    if not ways:
        if needs.more_seeds == 0 or needs.more_rows == 0:
            return (
                "The measured difference lies just inside the interval: any more seeds would probably decide.",
            )
        if len(measured.runs) == 1:
            command = f"{COMMAND} --seeds {LEAST_SEEDS}"
            return (
                f"With one seed it cannot be said what would decide; train at least {LEAST_SEEDS}: {command}.",
            )
        return (
            "No number of seeds and rows within reason would decide: the difference is too near the margin for that.",
        )
    return (f"Probably decided by {' or '.join(ways)}, if the measured difference is the true one.",)
