"""JSON with curves: Keras' History, a list with an entry per epoch, pandas' JSON, and what else people save."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.formats.csv_logs import SETTINGS
from justright.logs.formats.json_tree import Column, Leaf, Table, find_leaves
from justright.logs.formats.logged_rows import (
    MAX_DEPTH,
    TIMES,
    VALUES,
    Row,
    RowSeries,
    last_part,
    read_rows,
    role_of,
    unit_of,
)
from justright.logs.formats.table_runs import MAX_RUNS, MEMBERS, NAMES, RUNS, without_unmeasured
from justright.logs.formats.unequal_lists import place_lists
from justright.logs.logged_run import LoggedRun, Series, Unit
from justright.logs.metric_names import direction_of, parse_name
from justright.logs.source import LogFormat, Source

# A part of a log that is one of several trainings of the same thing.
MEMBER = re.compile(r"(?:cv|k)?[ _-]*(fold|seed|split|repeat|replicate)[ _-]*(\d{1,9})", re.IGNORECASE)
# TensorBoard names its downloads run-RUN-tag-TAG.json.
TENSORBOARD_NAME = re.compile(r"run-.*-tag-(.+)")
DATE = re.compile(r"\d:\d\d|\d{4}-\d\d|\d+(?:\.\d+)? ?(?:s|ms|min|h)\b")
# Keys of models that XGBoost, LightGBM and CatBoost save as JSON.
MODELS = frozenset({"learner", "tree_info", "oblivious_trees"})
# What Hugging Face's Trainer and its scripts save when they are done.
TRAINER_SUMMARY = re.compile(r"^(?:all|train|eval|predict|test)_results\.json$")
MAX_NAMED = 5  # names that a message lists


def read_json(source: Source) -> list[LoggedRun]:
    """Return the runs in a JSON value.

    Raises:
        InputError: it holds no curves; the message says what it is instead.
    """
    if isinstance(source.value, dict) and source.value.keys() & MODELS:
        raise InputError(
            f"A training log must hold curves; {source.name!r} is a saved model of boosted trees. "
            "Pass its `evals_result`, saved as JSON."
        )
    return read_leaves(source, find_leaves(source.name, source.value))


def read_leaves(source: Source, found: Iterable[Leaf]) -> list[LoggedRun]:
    """Return the runs in lists of numbers and tables of rows; see `read_json`."""
    given = [leaf for leaf in found if not _is_settings(leaf)]
    searches = {leaf.path[:-1] for leaf in given if isinstance(leaf, Column) and _is_rank(leaf.path)}
    leaves = [leaf for leaf in given if leaf.path[:-1] not in searches and not _is_table_of_runs(leaf)]
    parts = _by_run(leaves)
    if len(parts) > MAX_RUNS:
        raise InputError(f"A log must hold at most {MAX_RUNS:,} runs; {source.name!r} holds {len(parts):,}.")
    runs = [run for part in parts for run in part.read(source)]
    if any(_is_course(run) for run in runs):  # single numbers beside a course are what came of it
        runs = [run for run in runs if _is_course(run)]
    if not runs and len(leaves) < len(given):
        raise InputError(
            f"A training log must hold the course of a run; {source.name!r} is a table of runs, one result for each. "
            "Pass the log of one of them."
        )
    if not runs:
        raise InputError(
            f"A training log must hold curves, such as one value of 'val_loss' per epoch; {source.name!r} "
            + _instead(source, leaves)
        )
    return runs


def _is_course(run: LoggedRun) -> bool:
    return any(len(one.at) > 1 for one in run.series)


def _instead(source: Source, leaves: Sequence[Leaf]) -> str:
    """Return what a log without curves is, and what to pass instead."""
    if not leaves and _has_lists_of_lists(source.value):
        return "holds lists of lists without names. Save each metric as a list of its own."
    if not leaves:
        log = (
            "trainer_state.json beside it"
            if TRAINER_SUMMARY.search(source.path.name)
            else "the log that was written during training"
        )
        return f"holds single values only, as a summary or a configuration does. Pass {log}."
    names = list(dict.fromkeys(name for leaf in leaves for name in _shown_names(leaf)))
    listed = ", ".join(map(repr, names[:MAX_NAMED])) + (", ..." if len(names) > MAX_NAMED else "")
    return f"holds {listed}, none of which is named as a loss or metric. Say which one is, with `--validation NAME`."


def _shown_names(leaf: Leaf) -> list[str]:
    if isinstance(leaf, Table):
        return [name for name in leaf.rows[0] if not unit_of(name)]
    return [leaf.path[-1] if leaf.path else "a list"]


def _has_lists_of_lists(value: Any, depth: int = 0) -> bool:  # noqa: ANN401  # parsed JSON is anything
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < MAX_DEPTH and any(
        (isinstance(value, list) and isinstance(item, list)) or _has_lists_of_lists(item, depth + 1)
        for item in items
    )


def is_metric(name: str, choices: Choices) -> bool:
    """Return whether a name is that of a metric, by itself or because the user says so."""
    named = parse_name(name)
    chosen = (choices.train, *choices.validation, choices.metric, *choices.maximize, *choices.minimize)
    return named.role is not None or direction_of(named.metric) is not None or name in chosen


def _is_role(part: str) -> bool:
    """Return whether a key names rows and no metric, as 'train' and 'validation_0' do."""
    return role_of(part) is not None and direction_of(parse_name(part).metric) is None


def _is_settings(leaf: Leaf) -> bool:
    return isinstance(leaf, Table) and not any(
        isinstance(value, float) for row in leaf.rows for value in row.values()
    )


def _is_rank(path: Sequence[str]) -> bool:
    """Return whether a list ranks the settings of a search, as scikit-learn's `cv_results_` does."""
    return bool(path) and path[-1].startswith("rank_test_")


def _is_table_of_runs(leaf: Leaf) -> bool:
    """Return whether rows are results, told apart by words and not counted."""
    if isinstance(leaf, Column):
        return False
    labels = [tuple(_labels(row).items()) for row in leaf.rows]
    if len(leaf.rows) > 1 and all(labels) and len(set(labels)) == len(labels):
        return True
    if len(leaf.rows) < 2 or _is_counted(leaf):
        return False
    if any(last_part(name) in SETTINGS - {"learningrate"} for name in leaf.rows[0]):
        return True
    words: dict[str, set[str]] = {}
    for row in leaf.rows:
        for name, value in row.items():
            if isinstance(value, str) and role_of(value) is None and not DATE.search(value):
                words.setdefault(name, set()).add(value)
    is_long = any(last_part(name) in NAMES for name in words) and any(map(_is_value, leaf.rows[0]))
    return not is_long and any(len(values) * 2 > len(leaf.rows) for values in words.values())


def _is_counted(leaf: Table) -> bool:
    """Return whether rows have a counter that is not the same in all of them, as a planned number of epochs is."""
    counts: dict[str, set[float | str]] = {}
    for row in leaf.rows:
        for name, value in row.items():
            if unit_of(name):
                counts.setdefault(name, set()).add(value)
    return any(len(values) > 1 for values in counts.values())


def _split_rows(leaf: Leaf) -> list[Leaf]:
    """Return a table for each fold, seed or run that its rows name."""
    if isinstance(leaf, Column):
        return [leaf]
    labels = [_labels(row) for row in leaf.rows]
    varying = {name for label in labels for name, word in label.items() if word != labels[0].get(name)}
    tables: dict[tuple[str, str], tuple[list[Row], list[int]]] = {}
    for line, (row, label) in enumerate(zip(leaf.rows, labels, strict=True)):
        words = [(last_part(name) in RUNS, word) for name, word in label.items() if name in varying]
        if varying and not words:  # a header, or what is about all of them
            continue
        key = (
            ", ".join(word for is_run, word in words if is_run),
            ", ".join(word for is_run, word in words if not is_run),
        )
        rows, lines = tables.setdefault(key, ([], []))
        rows.append(row)
        lines.append(line)
    return [
        replace(leaf, rows=rows, lines=lines, run=run, member=member)
        for (run, member), (rows, lines) in tables.items()
    ]


def _labels(row: Row) -> dict[str, str]:
    """Return what a row says about its run: column -> 'fold 0'."""
    labels = {}
    for name, value in row.items():
        key = last_part(name)
        if key in MEMBERS or (key in RUNS and isinstance(value, str)):
            shown = f"{value:g}" if isinstance(value, float) else value
            labels[name] = shown if MEMBER.fullmatch(shown) else f"{name} {shown}"
    return labels


@dataclass(slots=True)
class _Part:
    """The leaves of one run, the keys that lead to it, and which fold or seed it is."""

    keys: tuple[str, ...]
    member: str
    leaves: list[Leaf] = field(default_factory=list)

    def read(self, source: Source) -> Iterator[LoggedRun]:
        """Yield the run; nothing if it has no metric."""
        group = ": ".join((source.name, *self.keys))
        names = _names(self.leaves, source)
        columns = {names[index]: leaf for index, leaf in enumerate(self.leaves) if isinstance(leaf, Column)}
        tables = [
            (names[index], self._prefix(leaf), leaf)
            for index, leaf in enumerate(self.leaves)
            if isinstance(leaf, Table)
        ]
        parts = [
            read_rows(leaf.rows, prefix=prefix, value_name=name, lines=leaf.lines, choices=source.choices)
            for name, prefix, leaf in tables
        ]
        if len(parts) > 1:
            _lay_side_by_side(parts)
        parts += _read_columns(columns, source.choices)
        notes = [note for part in parts for note in part.notes]
        series = without_unmeasured([one for part in parts for one in part.series], notes)
        if not any(is_metric(one.written, source.choices) for one in series):
            return
        yield LoggedRun(
            f"{group}: {self.member}" if self.member else group,
            series,
            next((part.unit for part in parts if part.series), "epoch"),
            {step: epoch for part in parts for step, epoch in part.epochs.items()},
            tuple(dict.fromkeys(notes)),
            member=self.member,
            group=group if self.member else "",
        )

    def _prefix(self, leaf: Table) -> str:
        return "/".join(part for part in leaf.path if part not in self.keys and _is_role(part))


def _by_run(leaves: Iterable[Leaf]) -> list[_Part]:
    """Return the leaves of each run: entries of a list, folds, and keys that lead to the same names, are runs."""
    split = [part for leaf in leaves for part in _split_rows(leaf)]
    divided = _dividing_keys(split)
    parts: dict[tuple[tuple[str, ...], str], _Part] = {}
    for leaf in split:
        keys = tuple(key for depth, key in enumerate(leaf.path) if (leaf.path[:depth], key) in divided)
        members = [
            f"{match[1].lower()} {int(match[2])}"
            for key in leaf.path
            if (match := MEMBER.fullmatch(key.strip()))
        ]
        if isinstance(leaf, Table):
            keys += (leaf.run,) if leaf.run else ()
            members += [leaf.member] if leaf.member else []
        key = keys, ", ".join(members)
        parts.setdefault(key, _Part(*key)).leaves.append(leaf)
    named = [part for part in parts.values() if part.keys or part.member]
    return named if len(named) > 1 else list(parts.values())


def _dividing_keys(leaves: Sequence[Leaf]) -> set[tuple[tuple[str, ...], str]]:
    """Return (path, key) of each key that names a run: below it lie the names that lie below its neighbours."""
    below: dict[tuple[str, ...], dict[str, set[str]]] = {}
    for leaf in leaves:
        for depth, key in enumerate(leaf.path):
            rest = tuple(part for part in leaf.path[depth + 1 :] if not MEMBER.fullmatch(part.strip()))
            names = {"/".join(rest)} if isinstance(leaf, Column) else _joined_names(rest, leaf)
            if rest or isinstance(leaf, Table):
                below.setdefault(leaf.path[:depth], {}).setdefault(key, set()).update(names)
    divided = set()
    for path, children in below.items():
        runs = {
            key: {name for name in names if name and not _is_role(name)}
            for key, names in children.items()
            if not _is_role(key) and not MEMBER.fullmatch(key.strip())
        }
        if len(runs) > 1 and set.intersection(*runs.values()):
            divided |= {(path, key) for key in runs}
    return divided


def _joined_names(path: tuple[str, ...], leaf: Table) -> set[str]:
    """Return the names of a table's measurements; where rows hold just a value, what holds them names it."""
    names = [name for name in leaf.rows[0] if not unit_of(name) and last_part(name) not in TIMES]
    return {"/".join(path if _is_value(name) else (*path, name)) for name in names}


def _is_value(name: str) -> bool:
    return last_part(name) in VALUES


def _names(leaves: Sequence[Leaf], source: Source) -> list[str]:
    """Return a name for each leaf: its last key, after what says rows; the whole path where that is not unique."""
    short = [_short_name(leaf.path, source) for leaf in leaves]
    return [
        name if short.count(name) == 1 or isinstance(leaf, Table) else "/".join(leaf.path)
        for name, leaf in zip(short, leaves, strict=True)
    ]


def _short_name(path: tuple[str, ...], source: Source) -> str:
    keys = [key for key in path if not MEMBER.fullmatch(key.strip())]
    if not keys:
        match = TENSORBOARD_NAME.fullmatch(source.path.stem)
        return match[1] if match else source.path.stem
    last = keys[-1]
    kept = [
        key
        for key in keys[:-1]
        if _is_role(key) or (_is_role(last) and direction_of(parse_name(key).metric) is not None)
    ]
    return "/".join((*kept, last))


def _lay_side_by_side(parts: Sequence[RowSeries]) -> None:
    """Let tables of one run count alike; their rows have no common order."""
    units = {part.unit for part in parts}
    for part in parts:
        if len(units) > 1 and part.epochs:
            for one in part.series:
                one.at = [part.epochs[at] for at in one.at]
            part.unit, part.epochs = "epoch", {}
        for one in part.series:
            one.lines = []


def _read_columns(columns: Mapping[str, Column], choices: Choices) -> list[RowSeries]:
    """Return the series of lists that lie side by side."""
    counters = {name: leaf for name, leaf in columns.items() if _counts(name, leaf, choices)}
    metrics = {name: leaf for name, leaf in columns.items() if name not in counters}
    longest = max((len(leaf.values) for name, leaf in metrics.items() if is_metric(name, choices)), default=0)
    lengths = {len(leaf.values) for name, leaf in metrics.items() if is_metric(name, choices)}
    kept = {
        name: leaf
        for name, leaf in metrics.items()
        # one number beside curves is a result; a list that is as long as none of them is a setting
        if (len(leaf.values) > 1 or longest <= 1)
        and (is_metric(name, choices) or len(leaf.values) in lengths)
    }
    if not kept:
        return []
    unit, placed, notes = _place(kept, counters)
    series = []
    for name, leaf in kept.items():
        pairs = [
            (at, value) for at, value in zip(placed[name], leaf.values, strict=True) if value is not None
        ]
        series.append(Series(name, [at for at, _ in pairs], [value for _, value in pairs]))
    said = dict.fromkeys(leaf.note for leaf in kept.values() if leaf.note)
    return [RowSeries(series, unit, notes=(*said, *notes))]


def _counts(name: str, leaf: Column, choices: Choices) -> bool:
    """Return whether a list counts epochs or steps."""
    is_named = name in (choices.epoch, choices.step) or unit_of(name) is not None
    return is_named and all(value is not None and math.isfinite(value) for value in leaf.values)


def _place(
    columns: Mapping[str, Column], counters: Mapping[str, Column]
) -> tuple[Unit, dict[str, Sequence[float]], tuple[str, ...]]:
    """Return the unit, when the values of each list were measured, and what was assumed."""
    placed: dict[str, Sequence[float]] = {}
    units: list[Unit] = []
    rest: dict[str, Column] = {}
    for name, leaf in columns.items():
        counter = _counter_of(name, leaf, counters)
        if counter is not None and not (leaf.at and counters[counter].at != leaf.at):
            placed[name] = [value for value in counters[counter].values if value is not None]
            units.append(unit_of(counter) or "step")
        elif leaf.at is not None:
            placed[name] = leaf.at
            counted = all(later - earlier == 1 for earlier, later in pairwise(leaf.at))
            units.append("epoch" if counted else "step")
        else:
            rest[name] = leaf
    roles = {name: role_of(name) for name in columns}
    lengths = {name: len(leaf.values) for name, leaf in columns.items()}
    placement = place_lists(
        {name: length for name, length in lengths.items() if roles[name] not in ("validation", "test")},
        {name: length for name, length in lengths.items() if roles[name] in ("validation", "test")},
    )
    placed |= {name: placement.at[lengths[name]] for name in rest}
    unit: Unit = next((one for one in units if one != "epoch"), "epoch")
    return unit, placed, placement.notes if rest else ()


def _counter_of(name: str, leaf: Column, counters: Mapping[str, Column]) -> str | None:
    """Return the list that counts another's values: of the same rows if there is one, of the same length at least."""
    fitting = [one for one, counter in counters.items() if len(counter.values) == len(leaf.values)]
    same_rows = [one for one in fitting if role_of(one) == role_of(name)]
    return next(iter(same_rows + fitting), None)


JSON_CURVES = LogFormat(
    "json",
    "JSON with a value per epoch, such as a Keras History",
    read_json,
    lambda source: source.is_json and source.value is not None,
)
