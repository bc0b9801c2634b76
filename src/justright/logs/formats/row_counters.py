"""What counts the rows of a table: its epochs, its steps, or both."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise

from justright.data.checks import listed
from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.logged_run import Unit
from justright.logs.metric_names import direction_of, parse_name
from justright.logs.names.metric_words import word_set
from justright.logs.names.other_languages import in_english
from justright.logs.text.cell_numbers import is_measured, parse_count
from justright.logs.text.log_table import LogTable

# Names of what counts, without what separates their words: 'trainer/global_step' is 'trainerglobalstep'.
EPOCHS = word_set(
    "e epoch epochs ep epochnum epochnumber epochid epochidx epochindex epochno epochi currentepoch"
    " nepoch nepochs numepochs trainepoch epochcount"
)
STEPS = word_set(
    "step steps globalstep globalsteps trainerglobalstep trainglobalstep trainstep trainingstep"
    " currentstep currentsteps numsteps nsteps totalsteps timestep timesteps totaltimesteps numtimesteps stepnum"
    " timetotaltimesteps update updates numupdates nupdates gradientstep optimizerstep"
)
TREES = word_set("tree trees ntrees numtrees nestimators numberoftrees boostinground")
ITERATIONS = TREES | word_set(
    "iteration iterations iter iters it itr niter numiter iternum iterno round rounds nround nrounds"
    " trainingiteration batch batchidx batches minibatch commround communicationround"
)
OF_XGBOOST = re.compile(r"validation_\d+-.+")  # its names of evaluation sets that have none
MAX_NAMES = 20  # that a message lists
INDEXES = word_set("index unnamed0 indexlevel0 row rowid rownames rownumber") | {""}


@dataclass(frozen=True, slots=True)
class RowCounts:
    """When each row of a table was written.

    Args:
        unit: what `at` counts.
        at: of each row, NaN where words stand instead of a count; epochs if there are any.
        columns: those that count, which are no metrics.
        steps: of each row, if the table counts both steps and epochs; otherwise empty.
        has_trees: whether the table counts trees.
    """

    unit: Unit
    at: list[float]
    columns: frozenset[str]
    steps: list[float] = field(default_factory=list)
    has_trees: bool = False

    @property
    def epochs(self) -> Mapping[float, float]:
        """Return step -> epoch, if the table counts both."""
        return dict(zip(self.steps, self.at, strict=True)) if self.steps else {}


def plain(column: str) -> str:
    """Return a name of a column without case and separators.

    Example:
        >>> plain("trainer/global_step"), plain("Unnamed: 0")
        ('trainerglobalstep', 'unnamed0')
    """
    return re.sub(r"[\W_]+", "", in_english(column)).lower()


def count_rows(table: LogTable, choices: Choices) -> RowCounts:
    """Return when each row was written, by the first column whose name says that it counts; else rows count, from 0.

    Raises:
        InputError: there is no column of a name that the user chose.
    """
    epoch, step, iteration = (
        _find_column(table, names, chosen)
        for names, chosen in ((EPOCHS, choices.epoch), (STEPS, choices.step), (ITERATIONS, None))
    )
    if epoch is step is iteration is None and _counts_rows(table):
        epoch = table.columns[0]
    used = frozenset(
        column for column in table.columns if plain(column) in EPOCHS | STEPS | ITERATIONS | INDEXES
    ) | {column for column in (epoch, step) if column is not None}
    has_trees = any(plain(column) in TREES for column in table.columns)
    if step is None and (epoch is None or choices.step is None):
        step, unit = iteration, "iteration"
    else:
        unit = "step"
    steps = _counts(table, step) if step is not None else []
    if epoch is not None and not (choices.step and not choices.epoch and steps):
        at = _counts(table, epoch)
        if at:
            return RowCounts("epoch", at, used, steps if _never_falls_within(steps, at) else [], has_trees)
    if steps:
        return RowCounts("step" if unit == "step" else "iteration", steps, used, has_trees=has_trees)
    is_boosted = any(map(OF_XGBOOST.fullmatch, table.columns))
    return RowCounts(
        "iteration" if is_boosted else "epoch",
        [float(row) for row in range(len(table.lines))],
        used,
        has_trees=has_trees or is_boosted,
    )


def find_chosen(table: LogTable, name: str, option: str) -> str:
    """Return the column that the user named.

    Raises:
        InputError: there is none.
    """
    lowered = {column.lower(): column for column in reversed(table.columns)}
    if name in table.columns:
        return name
    if name.lower() in lowered:
        return lowered[name.lower()]
    near = get_close_matches(name.lower(), list(lowered), n=1)
    hint = f" Did you mean {lowered[near[0]]!r}?" if near else ""
    columns = listed(table.columns, most=MAX_NAMES)
    raise InputError(f"{option} must name a column; got {name!r}.{hint} The columns are {columns}.")


def _counts_rows(table: LogTable) -> bool:
    """Return whether the first column rises by one from row to row, whatever its name, as 'época' does."""
    column = table.columns[0]
    named = parse_name(column)
    if plain(column) in INDEXES or named.role is not None or direction_of(named.metric) is not None:
        return False
    steps = [second - first for first, second in pairwise(_counts(table, column))]
    return len(steps) > 1 and all(step == 1 or step < 0 for step in steps) and 2 * steps.count(1) > len(steps)


def _find_column(table: LogTable, names: frozenset[str], chosen: str | None) -> str | None:
    if chosen is not None:
        return find_chosen(table, chosen, "--epoch" if names is EPOCHS else "--step")
    return next((column for column in table.columns if plain(column) in names), None)


def _counts(table: LogTable, column: str) -> list[float]:
    """Return what a column counts, where a cell is empty the count before it; nothing if it counts nothing."""
    cells = table.cells[column]
    try:
        counts: Sequence[float | None] = [float(cell) for cell in cells]
    except ValueError:
        counts = [parse_count(cell) if is_measured(cell) else None for cell in cells]
    first = next((count for count in counts if count is not None), None)
    if first is None or any(count is not None and not abs(count) < 1e300 for count in counts):
        return []
    if None not in counts:
        return [count for count in counts if count is not None]
    found, last = [], first
    for count, cell in zip(counts, cells, strict=True):
        last = last if count is None else count
        found.append(math.nan if count is None and is_measured(cell) else last)  # 'mean', below the epochs
    return found


def _never_falls_within(steps: list[float], epochs: list[float]) -> bool:
    """Return whether steps are counted on from epoch to epoch, and not within each."""
    falls = [row for row in range(1, len(steps)) if steps[row] < steps[row - 1]]
    if any(epochs[row] > epochs[row - 1] for row in falls):
        return False
    far = {epochs[row] for row in falls if epochs[row] == epochs[row - 1] and 2 * steps[row] < steps[row - 1]}
    return bool(steps) and not (len(far) > 1 and 2 * len(far) >= len(set(epochs)))
