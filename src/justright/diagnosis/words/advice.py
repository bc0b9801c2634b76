"""What would decide what is open, in words and as a command: more epochs, more seeds, or more rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from justright.diagnosis.findings import Findings
from justright.diagnosis.measured import Measured
from justright.diagnosis.words.numbers import (
    MOST_NAMES,
    counted,
    listed,
    listed_briefly,
    rounded_up,
    word,
)
from justright.statistics.sample_size import Needs

# The command that adds to a finished study; the reader knows the folder, and may have moved it.
COMMAND = "justright run --out DIR"
LEAST_SEEDS = 3  # two give an interval that is too wide to be of use
LEAST_EPOCHS = 40  # nobody learns much from 10 epochs instead of 5
MUCH_CHEAPER = 2  # a variant that needs so many times fewer seeds or rows than all is named before them


def more_epochs(found: Sequence[Findings]) -> int:
    """Return the epoch limit to try next: twice the epochs trained, and not too few."""
    trained = max(run.epochs for one in found for run in one.measured.variant.runs)
    return max(2 * trained, LEAST_EPOCHS)


def cut_short_sentence(found: Sequence[Findings]) -> str:
    """Return the sentence about networks that their epoch limit cut short; empty without any."""
    return f"{listed_briefly([one.name for one in found])} {limit_words(found)}." if found else ""


def limit_words(found: Sequence[Findings]) -> str:
    """Return the predicate of networks that their epoch limit cut short."""
    limits = {run.epochs for one in found for run in one.measured.runs if run.outcome == "finished"}
    low, high = min(limits), max(limits)
    limit = f"the limit of {counted(low, 'epoch')}" if low == high else f"limits of {low} to {high} epochs"
    if all(one.end.is_still_falling for one in found):
        return f"still improved at {limit}"
    were, their = ("was", "its") if len(found) == 1 else ("were", "their")
    return f"{were} still at or near {their} best at {limit}"


def is_a_matter_of_numbers(found: Findings) -> bool:
    """Return whether an open verdict asks for seeds or rows, rather than for longer training or other networks beside it."""
    has_both = found.is_measured_towards("freer") and found.is_measured_towards("tighter")
    return has_both and not (found.asks_for_longer or found.has_learned_nothing)


def decision_sentences(
    undecided: Mapping[str, Needs],
    measured: Mapping[str, Measured],
    test_rows: int,
    table_rows: int | None = None,
) -> tuple[str, ...]:
    """Return the commands that would probably decide undecided variants, one sentence per way: seeds, rows or both.

    Args:
        undecided: variant -> what would decide it.
        measured: the measured losses of all variants.
        test_rows: number of test rows; with 0, only seeds can be added.
        table_rows: number of rows of the table, which is too small for plans that want more; None if unknown.

    Example:
        >>> decision_sentences({}, {}, 0)
        ()
    """
    ways: dict[tuple[bool, bool], dict[str, tuple[int, int]]] = defaultdict(dict)
    beyond: dict[str, int] = {}
    for name, needs in undecided.items():
        least = needs.least
        if least and any(least) and (test_rows or not least[1]):
            seeds, rows = len(measured[name].variant.runs) + least[0], test_rows + least[1]
            if least[1] and is_beyond(rows, table_rows):
                beyond[name] = rows
            else:
                ways[least[0] > 0, least[1] > 0][name] = seeds, rows
    said = [_command_sentence(way, found) for way, found in sorted(ways.items(), reverse=True)]
    if beyond and table_rows:
        said.append(_beyond_sentence(beyond, table_rows))
    return tuple(said)


def is_beyond(rows: int, table_rows: int | None) -> bool:
    """Return whether a plan wants more test rows than the table has rows in all.

    Example:
        >>> is_beyond(4_200, 201), is_beyond(4_200, 11_000), is_beyond(4_200, None)
        (True, False, False)
    """
    return table_rows is not None and rows > table_rows


def _beyond_sentence(beyond: Mapping[str, int], table_rows: int) -> str:
    """Return that the table is too small to decide variants, each with the test rows that it would take."""
    names = list(beyond)
    who = listed(names) if len(names) <= MOST_NAMES else f"{word(len(names))} undecided variants"
    least, most = rounded_up(min(beyond.values())), rounded_up(max(beyond.values()))
    rows = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return (
        f"The table is too small to decide {who}: that would probably take {rows} test rows, and it has {table_rows:,} rows "
        "in all."
    )


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


def needs_reasons(needs: Needs | None, measured: Measured, table_rows: int | None = None) -> tuple[str, ...]:
    """Return the sentence about what would decide; `table_rows` as for `decision_sentences`."""
    if needs is None:
        return ()
    kind = "test row" if measured.source == "test" else "validation row"
    trained, present = len(measured.variant.runs), measured.best.shape[1]
    ways, beyond = [], ""
    if needs.more_seeds:
        ways.append(f"{counted(needs.more_seeds, 'more seed')} ({trained + needs.more_seeds} in all)")
    together = needs.together if not (needs.more_seeds or needs.more_rows) else None
    more_seeds, more_rows = together if together and all(together) else (0, needs.more_rows or 0)
    if more_rows:
        rows = counted(rounded_up(more_rows), f"more {kind}")
        way = f"{counted(more_seeds, 'more seed')} together with {rows}" if more_seeds else rows
        if is_beyond(present + more_rows, table_rows):
            beyond = way
        else:
            ways.append(way)
    if ways:
        return (f"If the measured difference is the true one, {' or '.join(ways)} would probably decide.",)
    if beyond:
        small = "The table is too small to decide: if the measured difference is the true one, it would take"
        return (f"{small} {beyond}, and the table has {table_rows:,} rows in all.",)
    if needs.more_seeds == 0 or needs.more_rows == 0:
        return ("The margin lies just inside the interval: any more seeds would probably decide.",)
    if len(measured.runs) == 1 and trained < LEAST_SEEDS:
        command = f"{COMMAND} --seeds {LEAST_SEEDS}"
        return (f"One seed does not show what would decide; train at least {LEAST_SEEDS}: {command}.",)
    return ("No realistic number of seeds or rows would decide: the difference is too close to the margin.",)
