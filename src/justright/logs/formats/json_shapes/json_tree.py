"""Where in a JSON value curves lie: lists of numbers and tables of rows, at any depth, in pandas' orients and others."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from justright.errors import InputError
from justright.logs.formats.json_shapes.json_numbers import is_missing, to_number, to_numbers
from justright.logs.formats.json_shapes.logged_rows import (
    MAX_DEPTH,
    SETTINGS,
    TIMES,
    VALUES,
    Row,
    flatten,
    last_part,
    unit_of,
)
from justright.logs.formats.table_runs import MEMBERS, RUNS

MAX_LEAVES = 10_000  # series of one log; a file with more is another kind of file
# Keys that count: '0', 'epoch_3', 'Epoch 3', 'step-100'.
COUNTING_KEY = re.compile(r"(?:(?:epoch|ep|step|iter|iteration|round)[ _-]?)?(\d{1,15})", re.IGNORECASE)
INDEX_KEY = re.compile(r"\d{1,15}")
MAX_FOLDS = 20
FOLDS = "Lists of lists were taken for folds: one list for each."
MAX_TUPLE = 3  # [step, value] and TensorBoard's [wall time, step, value]


@dataclass(frozen=True, slots=True)
class Column:
    """A list of numbers.

    Args:
        path: the keys that lead to it; numbers for entries of lists.
        values: None where nothing was measured.
        at: the steps that it names; None if its order tells.
        note: what was assumed about it.
    """

    path: tuple[str, ...]
    values: Sequence[float | None]
    at: Sequence[float] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of {name: value}.

    Args:
        path: the keys that lead to them.
        rows: flat.
        lines: number of each row, where rows were left out; empty counts them.
        run, member: which run, or fold or seed, the rows themselves say they belong to; empty if they do not say.
    """

    path: tuple[str, ...]
    rows: Sequence[Row]
    lines: Sequence[int] = ()
    run: str = ""
    member: str = ""


Leaf = Column | Table


def find_leaves(log: str, value: Any) -> list[Leaf]:  # noqa: ANN401  # parsed JSON is anything
    """Return every list of numbers and every table of rows in a JSON value, settings left out.

    Raises:
        InputError: there are more than any log has.

    Example:
        >>> find_leaves(
        ...     "x.json", {"history": {"loss": [0.5, None], "lr": 0.1}, "config": {"layers": [64, 32]}}
        ... )
        [Column(path=('history', 'loss'), values=[0.5, None], at=None, note='')]
    """
    leaves: list[Leaf] = []
    count = 0
    for leaf in _leaves(value, ()):
        leaves.append(leaf)
        count += 1 if isinstance(leaf, Column) else len({name for row in leaf.rows for name in row})
        if count > MAX_LEAVES:
            raise InputError(
                f"A training log must hold at most {MAX_LEAVES:,} series of numbers; {log!r} holds more."
            )
    return leaves


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[Leaf]:  # noqa: ANN401
    if len(path) > MAX_DEPTH:
        return
    if isinstance(value, dict):
        yield from _leaves_of_dict(value, path)
    elif isinstance(value, list) and value:
        yield from _leaves_of_list(value, path)


def _leaves_of_dict(value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Leaf]:
    leaf = _pandas_table(value, path) or _counted(value, path) or _with_steps(value, path)
    if leaf is not None:
        yield leaf
        return
    lengths = {
        len(item)
        for item in value.values()
        if isinstance(item, list) and item and not isinstance(item[0], list)
    }
    for key, item in value.items():
        if not isinstance(item, dict | list) or last_part(key) in SETTINGS:
            continue
        if isinstance(item, list) and len(item) not in lengths and _is_folds(item):
            for number, fold in enumerate(item):
                yield Column((*path, key, f"fold {number}"), to_numbers(fold) or (), note=FOLDS)
        else:
            yield from _leaves(item, (*path, key))


def _is_folds(value: Sequence[Any]) -> bool:
    """Return whether a list of lists holds a curve for each fold; one that is longer than its parts has a part for each epoch."""
    return 2 <= len(value) <= MAX_FOLDS and all(
        isinstance(item, list) and len(item) > len(value) and to_numbers(item) is not None for item in value
    )


def _pandas_table(value: Mapping[str, Any], path: tuple[str, ...]) -> Leaf | None:
    """Return the table in pandas' orients 'split' and 'table'."""
    rows = next((value[key] for key in ("data", "values") if isinstance(value.get(key), list)), None)
    columns = value.get("columns")
    if rows and isinstance(columns, list) and all(isinstance(row, list) for row in rows):
        names = [_joined(name) for name in columns]
        return Table(path, [flatten(dict(zip(names, row, strict=False))) for row in rows])
    if rows and "schema" in value and all(isinstance(row, dict) for row in rows):
        return Table(path, [flatten(row) for row in rows])
    return None


def _joined(name: object) -> str:
    return "/".join(map(str, name)) if isinstance(name, list) else str(name)


def _counted(value: Mapping[str, Any], path: tuple[str, ...]) -> Leaf | None:
    """Return a column {'0': 0.5, '1': 0.4} or the table {'epoch_1': {'loss': 0.5}}: keys count."""
    matches = [COUNTING_KEY.fullmatch(key.strip()) for key in value]
    numbers = [float(match[1]) for match in matches if match]
    if not numbers or len(numbers) < len(matches):
        return None
    items = list(value.values())
    if (column := to_numbers(items)) is not None:
        return Column(path, column, numbers)
    if all(isinstance(item, dict) and not _holds_lists(item) for item in items) and len(items) > 1:
        rows = [flatten(item) for item in items]
        if not any(map(unit_of, rows[0])):
            counter = "step" if next(iter(value)).strip().lower().startswith("step") else "epoch"
            rows = [{counter: number, **row} for number, row in zip(numbers, rows, strict=True)]
        return Table(path, rows)
    return None


def _holds_lists(item: Mapping[str, Any], depth: int = 0) -> bool:
    """Return whether an entry holds curves of its own, so that it is a run and not one epoch."""
    return depth < MAX_DEPTH and any(
        (isinstance(value, list) and len(value) > 1 and to_numbers(value) is not None)
        or (
            isinstance(value, dict)
            and last_part(key) not in SETTINGS
            and (_is_indexed(value) or _holds_lists(value, depth + 1))
        )
        for key, value in item.items()
    )


def _is_indexed(value: Mapping[str, Any]) -> bool:
    return (
        len(value) > 1
        and all(map(INDEX_KEY.fullmatch, value))
        and to_numbers(list(value.values())) is not None
    )


def _with_steps(value: Mapping[str, Any], path: tuple[str, ...]) -> Leaf | None:
    """Return the column {'steps': [..], 'values': [..]}."""
    lists = {last_part(key): item for key, item in value.items() if isinstance(item, list)}
    names = [key for key in lists if key in VALUES]
    others = [key for key in lists if key not in VALUES]
    counters = [key for key in others if unit_of(key) or key == "x"]
    if not path or len(names) != 1 or any(key not in TIMES and key not in counters for key in others):
        return None
    values = to_numbers(lists[names[0]])
    if values is None:
        return None
    at = to_numbers(lists[counters[0]]) if counters else None
    known = [number for number in at or [] if number is not None and math.isfinite(number)]
    return Column(path, values, known if len(known) == len(values) else None)


def _leaves_of_list(value: list[Any], path: tuple[str, ...]) -> Iterator[Leaf]:
    if (column := to_numbers(value)) is not None:
        yield Column(path, column)
    elif all(isinstance(item, list) for item in value):
        if (pairs := _pairs(value, path)) is not None:
            yield pairs
    elif all(isinstance(item, dict) or is_missing(item) for item in value):
        entries = [item for item in value if isinstance(item, dict)]
        if any(map(_holds_lists, entries)) and not _is_table(entries):
            for name, entry in zip(_entry_names(entries), entries, strict=True):
                yield from _leaves(entry, (*path, name))
        elif entries:
            yield Table(path, [flatten(entry) for entry in entries])


def _entry_names(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what tells the entries of a list apart: a fold, seed or name that each says, or its number."""
    for key in entries[0]:
        said = [entry.get(key) for entry in entries]
        is_said = all(isinstance(one, str | int) and not isinstance(one, bool) for one in said)
        if is_said and len(set(map(str, said))) == len(entries):
            if last_part(key) in MEMBERS:
                return [f"{key} {one}" for one in said]
            if last_part(key) in RUNS | {"name", "label", "id"}:
                return [str(one) for one in said]
    return [str(number) for number in range(len(entries))]


def _is_table(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether entries are epochs, though they hold lists, such as a score of each class: they count on."""
    counters = [key for key in entries[0] if unit_of(key)]
    for key in counters:
        numbers = [to_number(entry.get(key)) for entry in entries if not isinstance(entry.get(key), list)]
        known = [number for number in numbers if number is not None]
        if len(known) == len(entries) > 1 and known[-1] > known[0]:
            return True
    return False


def _pairs(value: list[list[Any]], path: tuple[str, ...]) -> Column | None:
    """Return the column of [step, value] or [wall time, step, value]; steps are whole numbers that rise."""
    length = len(value[0])
    if not 2 <= length <= MAX_TUPLE or any(len(item) != length for item in value):
        return None
    steps = [to_number(item[-2]) for item in value]
    values = to_numbers([item[-1] for item in value])
    if values is None or len(value) < 2:
        return None
    known = [step for step in steps if step is not None and step == step // 1]
    rises = all(later >= earlier for earlier, later in pairwise(known))
    if len(known) < len(steps) or not rises or known[0] == known[-1]:
        return None
    return Column(path, values, known)
