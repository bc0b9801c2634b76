"""JSON with curves: Keras' History, a list with an entry per epoch, pandas' JSON, and what else people save."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from justright.data.checks import listed
from justright.errors import InputError, near_miss
from justright.logs.choices import Choices
from justright.logs.formats.csv_logs import names_no_course
from justright.logs.formats.json_shapes.json_runs import (
    MEMBER,
    RunLeaves,
    is_role,
    leaves_by_run,
    without_results,
)
from justright.logs.formats.json_shapes.json_tree import Column, Leaf, Table, find_leaves
from justright.logs.formats.json_shapes.logged_rows import (
    MAX_DEPTH,
    RowSeries,
    read_rows,
    role_of,
    unit_of,
)
from justright.logs.formats.json_shapes.unequal_lists import place_lists
from justright.logs.formats.table_runs import MAX_RUNS, without_unmeasured
from justright.logs.logged_run import LoggedRun, Series, Unit
from justright.logs.metric_names import names_metric, parse_name
from justright.logs.source import LogFormat, Source

# TensorBoard names its downloads run-RUN-tag-TAG.json.
TENSORBOARD_NAME = re.compile(r"run-.*-tag-(.+)")
# Keys of models that XGBoost, LightGBM and CatBoost save as JSON.
MODELS = frozenset({"learner", "tree_info", "oblivious_trees"})
# What Hugging Face's Trainer and its scripts save when they are done.
TRAINER_SUMMARY = re.compile(r"^(?:all|train|eval|predict|test)_results\.json$")
MAX_NAMED = 5  # names that a message lists
MAX_CHOICES = 20  # names to choose from


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
    if isinstance(source.value, dict) and (what := names_no_course(source.value)):
        raise InputError(f"A training log must hold a value per epoch or step; {source.name!r} {what}")
    return read_leaves(source, find_leaves(source.name, source.value))


def read_leaves(source: Source, found: Iterable[Leaf]) -> list[LoggedRun]:
    """Return the runs in lists of numbers and tables of rows; see `read_json`."""
    given = [leaf for leaf in found if not _is_settings(leaf)]
    leaves = without_results(given)
    choices = _found_counters(source.choices, leaves)
    parts = leaves_by_run(leaves)
    if len(parts) > MAX_RUNS:
        raise InputError(f"A log must hold at most {MAX_RUNS:,} runs; {source.name!r} holds {len(parts):,}.")
    runs = [run for part in parts for run in _read_part(part, source, choices)]
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


def _found_counters(choices: Choices, leaves: Iterable[Leaf]) -> Choices:
    """Return the choices with what counts as it is written in the log.

    Raises:
        InputError: there is nothing of a name that the user chose.
    """
    if choices.epoch is None and choices.step is None:
        return choices
    names = list(dict.fromkeys(name for leaf in leaves for name in _shown_names(leaf)))
    lowered = {name.lower(): name for name in reversed(names)}
    found = {}
    for option, wanted in (("epoch", choices.epoch), ("step", choices.step)):
        if wanted is not None and wanted not in names and wanted.lower() not in lowered:
            raise InputError(
                f"--{option} must name a list or a number of each entry; got {wanted!r}.{near_miss(wanted, names)} "
                f"There are {listed(names, most=MAX_CHOICES)}."
            )
        found[option] = wanted if wanted is None or wanted in names else lowered[wanted.lower()]
    return replace(choices, epoch=found["epoch"], step=found["step"])


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
    shown = (name for leaf in leaves for name in _shown_names(leaf))
    names = [name for name in dict.fromkeys(shown) if not unit_of(name)]
    return f"holds {listed(names, most=MAX_NAMED)}, none of which is named as a loss or metric. Say which one is, with `--validation NAME`."


def _shown_names(leaf: Leaf) -> list[str]:
    if isinstance(leaf, Table):
        return list(dict.fromkeys(name for row in leaf.rows for name in row))
    return [leaf.path[-1] if leaf.path else "a list"]


def _has_lists_of_lists(value: Any, depth: int = 0) -> bool:  # noqa: ANN401  # parsed JSON is anything
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < MAX_DEPTH and any(
        (isinstance(value, list) and isinstance(item, list)) or _has_lists_of_lists(item, depth + 1)
        for item in items
    )


def is_metric(name: str, choices: Choices) -> bool:
    """Return whether a name is that of a metric, by itself or because the user says so."""
    chosen = (choices.train, *choices.validation, choices.metric, *choices.maximize, *choices.minimize)
    return parse_name(name).role is not None or names_metric(name) or name in chosen


def _is_settings(leaf: Leaf) -> bool:
    return isinstance(leaf, Table) and not any(
        isinstance(value, float) for row in leaf.rows for value in row.values()
    )


def _read_part(part: RunLeaves, source: Source, choices: Choices) -> Iterator[LoggedRun]:
    """Yield the run; nothing if it has no metric."""
    group = ": ".join((source.name, *part.keys))
    names = _names(part.leaves, source)
    columns = {names[index]: leaf for index, leaf in enumerate(part.leaves) if isinstance(leaf, Column)}
    tables = [
        (names[index], _prefix(leaf, part), leaf)
        for index, leaf in enumerate(part.leaves)
        if isinstance(leaf, Table)
    ]
    parts = [
        read_rows(leaf.rows, prefix=prefix, value_name=name, lines=leaf.lines, choices=choices)
        for name, prefix, leaf in tables
    ]
    if len(parts) > 1:
        _lay_side_by_side(parts)
    parts += _read_columns(columns, choices)
    notes = [note for found in parts for note in found.notes]
    series = without_unmeasured([one for found in parts for one in found.series], notes)
    if not any(is_metric(one.written, choices) for one in series):
        return
    yield LoggedRun(
        f"{group}: {part.member}" if part.member else group,
        series,
        next((found.unit for found in parts if found.series), "epoch"),
        {step: epoch for found in parts for step, epoch in found.epochs.items()},
        tuple(dict.fromkeys(notes)),
        member=part.member,
        group=group if part.member else "",
    )


def _prefix(leaf: Table, part: RunLeaves) -> str:
    return "/".join(key for key in leaf.path if key not in part.keys and is_role(key))


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
    kept = [key for key in keys[:-1] if is_role(key) or (names_metric(key) and not names_metric(last))]
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
    unit, placed, notes = _place(kept, counters, choices)
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
    columns: Mapping[str, Column], counters: Mapping[str, Column], choices: Choices
) -> tuple[Unit, dict[str, Sequence[float]], tuple[str, ...]]:
    """Return the unit, when the values of each list were measured, and what was assumed."""
    placed: dict[str, Sequence[float]] = {}
    units: list[Unit] = []
    rest: dict[str, Column] = {}
    for name, leaf in columns.items():
        counter = _counter_of(name, leaf, counters)
        if counter is not None and not (leaf.at and counters[counter].at != leaf.at):
            placed[name] = [value for value in counters[counter].values if value is not None]
            units.append("epoch" if counter == choices.epoch else unit_of(counter) or "step")
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
