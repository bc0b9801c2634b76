"""Which lists and tables of a JSON log belong to the same run, and which hold no course but results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from justright.logs.formats.csv_logs import SETTINGS
from justright.logs.formats.json_shapes.json_tree import Column, Leaf, Table
from justright.logs.formats.json_shapes.logged_rows import TIMES, VALUES, Row, last_part, role_of, unit_of
from justright.logs.formats.table_runs import MEMBERS, NAMES, RUNS
from justright.logs.metric_names import names_metric

# A part of a log that is one of several trainings of the same thing.
MEMBER = re.compile(r"(?:cv|k)?[ _-]*(fold|seed|split|repeat|replicate)[ _-]*(\d{1,9})", re.IGNORECASE)
COMBINED = "combined"  # what Ludwig calls the sum of the losses of a network's outputs, beside these
DATE = re.compile(r"\d:\d\d|\d{4}-\d\d|\d+(?:\.\d+)? ?(?:s|ms|min|h)\b")


@dataclass(slots=True)
class RunLeaves:
    """The leaves of one run, the keys that lead to it, and which fold or seed it is."""

    keys: tuple[str, ...]
    member: str
    leaves: list[Leaf] = field(default_factory=list)


def leaves_by_run(leaves: Iterable[Leaf]) -> list[RunLeaves]:
    """Return the leaves of each run: entries of a list, folds, and keys that lead to the same names, are runs."""
    split = [part for leaf in leaves for part in _split_rows(leaf)]
    divided = _dividing_keys(split)
    parts: dict[tuple[tuple[str, ...], str], RunLeaves] = {}
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
        parts.setdefault(key, RunLeaves(*key)).leaves.append(leaf)
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
        if COMBINED in children:
            continue
        runs = {
            key: {name for name in names if name and not is_role(name)}
            for key, names in children.items()
            if not is_role(key) and not names_metric(key) and not MEMBER.fullmatch(key.strip())
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


def is_role(part: str) -> bool:
    """Return whether a key names rows and no metric, as 'train' and 'validation_0' do."""
    return role_of(part) is not None and not names_metric(part)


def without_results(leaves: Iterable[Leaf]) -> list[Leaf]:
    """Return the leaves that may hold a course: neither tables of runs nor what a search of settings found."""
    given = list(leaves)
    searches = {leaf.path[:-1] for leaf in given if isinstance(leaf, Column) and _is_rank(leaf.path)}
    return [leaf for leaf in given if leaf.path[:-1] not in searches and not _is_table_of_runs(leaf)]


def _is_rank(path: Sequence[str]) -> bool:
    """Return whether a list ranks the settings of a search, as scikit-learn's `cv_results_` does."""
    return bool(path) and path[-1].startswith("rank_test_")


def _is_table_of_runs(leaf: Leaf) -> bool:
    """Return whether rows are results, told apart by words and not counted."""
    if isinstance(leaf, Column):
        return False
    if len(leaf.rows) > 1 and _has_labels(leaf):
        labels = [tuple(_labels(row).items()) for row in leaf.rows]
        if all(labels) and len(set(labels)) == len(labels):
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
    names = {name for row in leaf.rows for name in row}
    return any(len({row[name] for row in leaf.rows if name in row}) > 1 for name in names if unit_of(name))


def _split_rows(leaf: Leaf) -> list[Leaf]:
    """Return a table for each fold, seed or run that its rows name."""
    if isinstance(leaf, Column):
        return [leaf]
    if not _has_labels(leaf):
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


def _has_labels(leaf: Table) -> bool:
    names = {name for row in leaf.rows for name in row}
    return any(last_part(name) in MEMBERS | RUNS for name in names)


def _labels(row: Row) -> dict[str, str]:
    """Return what a row says about its run: column -> 'fold 0'."""
    labels = {}
    for name, value in row.items():
        key = last_part(name)
        if key in MEMBERS or (key in RUNS and isinstance(value, str)):
            shown = f"{value:g}" if isinstance(value, float) else value
            labels[name] = shown if MEMBER.fullmatch(shown) else f"{name} {shown}"
    return labels
