"""Rows of {name: value}, such as JSON Lines or a list with an entry per epoch, as series of numbers at epochs or steps."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.formats import table_runs
from justright.logs.formats.json_shapes.json_numbers import is_missing, to_number
from justright.logs.formats.json_shapes.place_rows import place_rows
from justright.logs.formats.row_counters import EPOCHS, INDEXES, ITERATIONS, STEPS, plain
from justright.logs.formats.table_runs import NAMES, ROWS
from justright.logs.logged_run import Role, Series, Unit
from justright.logs.metric_names import parse_name
from justright.logs.text.cell_numbers import parse_count

# A flat row; what is missing is left out.
Row = Mapping[str, float | str]

MAX_DEPTH = 20  # levels of a log; deeper ones are none
# Parts of a log that say how the run was set up, not what came of it.
SETTINGS = (
    frozenset({"config", "configs", "configuration", "params", "parameters", "hyperparameters", "hparams"})
    | {"hyperparams", "args", "arguments", "settings", "options", "param", "searchspace", "metadata"}
    | {"meta", "perf", "timers", "environment", "envconfig", "userattrs", "systemattrs", "distributions"}
)
VALUES = table_runs.VALUES | {"y", "v"}
TIMES = frozenset({"timestamp", "timestamps", "walltime", "time", "datetime", "date", "wall", "createdat"})
MAX_BESIDE_VALUE = 4  # numbers of a row that holds one value: times beside it
LABELS = INDEXES | table_runs.MEMBERS  # numbers of rows and runs
OF_ROWS = re.compile(r"(?:train|training|val|valid|validation|test|eval|dev)(.+)")
# The first numbers of COCO's list of twelve.
COCO_NAMES = ("AP", "AP50", "AP75")
COCO_LENGTH = 12
# How Detectron2 and MMDetection name what is measured after training on rows: 'bbox/AP', 'coco/bbox_mAP'.
DETECTIONS = re.compile(
    r"(?:^|/)(?:(?:bbox|segm|keypoints|sem_seg|panoptic_seg|box_proposals)/|(?:coco|lvis|pascal_voc)/)"
)


@lru_cache(maxsize=10_000)
def last_part(name: str) -> str:
    """Return the last part of a path of names, without case and separators."""
    return plain(name.rpartition("/")[2])


@lru_cache(maxsize=10_000)
def unit_of(name: str) -> Unit | None:
    """Return what a name counts, whatever rows it names besides; None if it is no counter.

    Example:
        >>> [
        ...     unit_of(name)
        ...     for name in ("Epoch", "trainer/global_step", "val_steps", "training_iteration", "loss")
        ... ]
        ['epoch', 'step', 'step', 'iteration', None]
    """
    word = last_part(name)
    rest = OF_ROWS.fullmatch(word)
    for counter in (word, rest[1] if rest else ""):
        if counter in EPOCHS:
            return "epoch"
        if counter in STEPS:
            return "step"
        if counter in ITERATIONS:
            return "iteration"
    return None


@lru_cache(maxsize=10_000)
def role_of(name: str) -> Role | None:
    """Return the rows that a metric of this name, or a part of a log with this name, was measured on; None if it does not say."""
    named = parse_name(name).role or parse_name(f"{name}/loss").role
    return named or ("validation" if DETECTIONS.search(name) else None)


def flatten(record: Mapping[str, Any]) -> dict[str, float | str]:
    """Return an entry's numbers and words, nested names joined by '/'; settings and lists are left out.

    Example:
        >>> flatten({"epoch": 1, "val": {"loss": "0.5"}, "config": {"lr": 1}, "tags": ["a"], "mode": "val"})
        {'epoch': 1.0, 'val/loss': 0.5, 'mode': 'val'}
    """
    flat: dict[str, float | str] = {}
    _flatten_into(flat, record, "", 0)
    return flat


def _flatten_into(flat: dict[str, float | str], record: Mapping[str, Any], prefix: str, depth: int) -> None:
    for key, value in record.items():
        name = f"{prefix}{key}"
        if type(value) is float:  # most of them
            flat[name] = value
        elif isinstance(value, dict):
            if depth < MAX_DEPTH and last_part(name) not in SETTINGS:
                _flatten_into(flat, value, f"{name}/", depth + 1)
        elif isinstance(value, list) and len(value) == COCO_LENGTH and "coco" in name.lower():
            numbers = zip(COCO_NAMES, map(to_number, value), strict=False)
            flat.update({f"{name}/{part}": number for part, number in numbers if number is not None})
        elif (number := to_number(value)) is not None:
            flat[name] = number
        elif isinstance(value, str) and not is_missing(value):
            count = parse_count(value) if unit_of(name) else None  # '1/40', 'Epoch 1'
            flat[name] = value if count is None else count


@dataclass(slots=True)
class RowSeries:
    """What rows hold.

    Args:
        series: in the order in which names appear.
        unit: what `at` counts. epochs: step -> epoch, where steps are counted and epochs are known.
        notes: what was assumed.
    """

    series: list[Series]
    unit: Unit
    epochs: dict[float, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_rows(
    rows: Sequence[Row],
    *,
    prefix: str = "",
    value_name: str = "",
    lines: Sequence[int] = (),
    choices: Choices = NO_CHOICES,
) -> RowSeries:
    """Return the series of rows in the order in which they were logged.

    Args:
        rows: flat.
        prefix: goes before every name: on which rows all was measured.
        value_name: the name of rows that hold just a value.
        lines: number of each row; empty counts them.
        choices: which names count epochs and steps, if the user says.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    epoch_names = _counters(rows, names, ("epoch",), choices.epoch)
    step_names = _counters(rows, names, ("step", "iteration"), choices.step)
    left_out = {*epoch_names, *step_names} | {
        name for name in names if name.startswith("_") or last_part(name) in LABELS
    }
    modes = [name for name in names if last_part(name) in ROWS]
    named = [_named_values(row, prefix, value_name, left_out, modes) for row in rows]
    placed = place_rows(
        [_first(row, epoch_names) for row in rows],
        [_first(row, step_names) for row in rows],
        [any(role_of(name) in ("validation", "test") for name in values) for values in named],
    )
    series: dict[str, Series] = {}
    for number, at, values in zip(lines or range(len(rows)), placed.at, named, strict=True):
        for name, value in values.items():
            if (one := series.get(name)) is None:
                one = series[name] = Series(
                    name, [], [], role="validation" if DETECTIONS.search(name) else None
                )
            one.add(at, value, number)
    if all(later > earlier for one in series.values() for earlier, later in pairwise(one.at)):
        # Nothing started again: lines that step back only list one series after another.
        for one in series.values():
            one.lines = []
    unit: Unit = "epoch" if placed.in_epochs else unit_of(step_names[0]) or "step"
    return RowSeries(list(series.values()), unit, placed.epochs, placed.notes)


def _counters(
    rows: Sequence[Row], names: Sequence[str], units: Sequence[Unit], chosen: str | None
) -> list[str]:
    """Return the names that count epochs or steps, the one in most rows first."""
    wanted = [name for name in names if (unit_of(name) in units if chosen is None else name == chosen)]
    counts = {
        name: sum(isinstance(value := row.get(name), float) and math.isfinite(value) for row in rows)
        for name in wanted
    }
    return sorted((name for name in wanted if counts[name]), key=lambda name: -counts[name])


def _first(row: Row, names: Sequence[str]) -> float | None:
    for name in names:
        if isinstance(value := row.get(name), float) and math.isfinite(value):
            return value
    return None


def _named_values(
    row: Row, prefix: str, value_name: str, left_out: set[str], modes: Sequence[str]
) -> dict[str, float]:
    """Return a row's measurements under their full names."""
    start = f"{prefix}/" if prefix else ""
    said = (row.get(name) for name in modes)
    mode = next((f"{word}/" for word in said if isinstance(word, str) and role_of(word) is not None), "")
    numbers = {
        name: value for name, value in row.items() if isinstance(value, float) and name not in left_out
    }
    if len(numbers) <= MAX_BESIDE_VALUE:
        measured = [name for name in numbers if last_part(name) not in TIMES]
        if len(measured) == 1 and measured[0].lower() in VALUES:
            words = (word for key, word in row.items() if plain(key) in NAMES and isinstance(word, str))
            word = next(words, "")
            if word or value_name:
                return {mode + (start + word if word else value_name): numbers[measured[0]]}
    return {start + mode + name: value for name, value in numbers.items()} if start or mode else numbers
