"""What would decide an undecided verdict, in words and as a command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from justright.diagnosis.measured import Measured
from justright.diagnosis.words.numbers import MOST_NAMES, counted, listed, rounded_up, word
from justright.statistics.sample_size import Needs

# The command that adds to a finished study; the reader knows the folder, and may have moved it.
COMMAND = "justright run --out DIR"
LEAST_SEEDS = 3  # two give an interval that is too wide to be of use
MUCH_CHEAPER = 2  # a variant that needs so many times fewer seeds or rows than all is named before them


def decision_sentences(
    undecided: Mapping[str, Needs], measured: Mapping[str, Measured], test_rows: int
) -> tuple[str, ...]:
    """Return the commands that would probably decide undecided variants, one sentence per way: seeds, rows or both.

    Args:
        undecided: variant -> what would decide it.
        measured: the measured losses of all variants.
        test_rows: number of test rows; with 0, only seeds can be added.

    Example:
        >>> decision_sentences({}, {}, 0)
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
    """Return how the variants of `found`, each with its total (seeds, rows), would be decided.

    All at once, unless one is far cheaper than all: then that one first, and what all would take.
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
    """Return what would decide `who`, with the command."""
    options = (f" --seeds {total[0]}" if way[0] else "") + (" --test FILE" if way[1] else "")
    return f"{who} would probably be decided by {_totals(way, total)} in all: {COMMAND}{options}"


def _totals(way: tuple[bool, bool], total: tuple[int, int]) -> str:
    """Return the number of seeds, of test rows, or both."""
    counts = f"{total[0]} seeds", f"{rounded_up(total[1]):,} test rows"
    return listed([count for count, is_needed in zip(counts, way, strict=True) if is_needed])


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
            return ("The margin lies just inside the interval: any more seeds would probably decide.",)
        if len(measured.runs) == 1:
            command = f"{COMMAND} --seeds {LEAST_SEEDS}"
            return (f"One seed does not show what would decide; train at least {LEAST_SEEDS}: {command}.",)
        return (
            "No realistic number of seeds or rows would decide: the difference is too close to the margin.",
        )
    return (f"If the measured difference is the true one, {' or '.join(ways)} would probably decide.",)
