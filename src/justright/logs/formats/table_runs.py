"""Columns of a table -> runs: which columns tell runs apart, which hold metrics, and on which rows they were measured."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from justright.errors import InputError
from justright.logs.formats.row_counters import RowCounts, count_rows, plain
from justright.logs.logged_run import LoggedRun, Role, Series
from justright.logs.metric_names import is_loss, names_metric, parse_name
from justright.logs.names.metric_words import word_set
from justright.logs.source import Source
from justright.logs.text.cell_numbers import is_measured, parse_number
from justright.logs.text.log_table import LogTable

# Columns whose values tell runs apart: members of one experiment, which are pooled, and runs of their own.
MEMBERS = word_set(
    "fold folds cv cvfold kfold foldid foldidx foldno seed randomseed randomstate repeat repetition"
    " rep replicate run runid runidx runno trial trialid trialno bootstrap member recordid"
)
RUNS = word_set(
    "model modelname experiment experimentname exp expname expid config configuration variant runname"
    " architecture arch optimizer method algorithm network setting sheet"
)
# Columns that say on which rows the others were measured, and those of long tables.
ROWS = word_set(
    "data split phase set mode dataset partition subset stage datasplit dataset evalset type kind"
    " part evalname loader"
)
NAMES = word_set("metric metrics metricname name variable key tag measure measurement evalmetric")
VALUES = word_set("value values metricvalue scalar result")
MEMBER_IN_NAME = re.compile(r"(?:^|(?<=[_\W]))(fold|seed|run|trial|rep)[_ -]?(\d+)(?=$|[_\W])", re.IGNORECASE)
MAX_RUNS = 1_000
MAX_KINDS = 20  # of rows that one column names


@dataclass(slots=True)
class TableReader:
    """What all tables are read by.

    Args:
        source: the log, for its name and choices.
        tool: what kind of learner wrote it.
        notes: what was left out or assumed.
    """

    source: Source
    tool: Literal["", "network", "trees"] = ""
    notes: list[str] = field(default_factory=list)

    def runs(self, table: LogTable) -> list[LoggedRun]:
        """Return the runs of a table, told apart by columns such as 'fold'.

        Raises:
            InputError: it has no rows or no metrics, or no column of a name that the user chose.
        """
        if not table.lines:
            raise InputError(
                f"A training log must hold a row per epoch; {self.source.name!r} has a header and no row."
            )
        parts = [part for whole in split_runs(table) for part in split_columns(whole)]
        runs = []
        for part in parts:
            self.notes = list(table.notes)
            counts = count_rows(part.table, self.source.choices)
            series = self._series(part.table, counts, part.columns)
            if series:
                runs.append(self._run(part, counts, series))
        if not runs:
            raise InputError(
                f"A training log must hold numbers; no column of {self.source.name!r} but those that count holds any."
            )
        return runs

    def _run(self, part: RunPart, counts: RowCounts, series: list[Series]) -> LoggedRun:
        unit, at, epochs = counts.unit, counts.at, {}
        if unit == "epoch" and _is_evaluated_within(series, counts.at):
            unit, at = (
                ("step", counts.steps) if counts.steps else ("evaluation", list(map(float, range(len(at)))))
            )
            epochs = dict(zip(at, counts.at, strict=True))
        uncounted = sum(map(math.isnan, at))
        if uncounted:
            rows_are = "row that counts nothing was" if uncounted == 1 else "rows that count nothing were"
            self.notes.append(f"{uncounted:,} {rows_are} left out.")
        for one in series:
            if uncounted:
                kept = [place for place, row in enumerate(one.at) if not math.isnan(at[int(row)])]
                one.at = [one.at[place] for place in kept]
                one.values = [one.values[place] for place in kept]
            rows = list(map(int, one.at))
            one.at = [at[row] for row in rows]
            one.lines = [part.table.lines[row] for row in rows]
        if unit == "epoch":
            self._average_epochs(series)
        run = f"{self.source.name} ({part.run})" if part.run else self.source.name
        return LoggedRun(
            f"{run} ({part.member})" if part.member else run,
            series,
            unit,
            epochs,
            tuple(self.notes),
            member=part.member,
            group=run if part.member else "",
            tool=self.tool or ("trees" if counts.has_trees else ""),
        )

    def _average_epochs(self, series: Sequence[Series]) -> None:
        """Let what was logged several times in an epoch stand as the mean of each."""
        averaged = []
        for one in series:
            if len(set(one.at)) == len(one.at):
                continue
            places = [
                place for place in range(len(one.at)) if place == 0 or one.at[place] != one.at[place - 1]
            ]
            if len(places) == len(one.at):
                continue
            ends = [*places[1:], len(one.at)]
            one.values = [
                math.fsum(one.values[start:end]) / (end - start)
                if math.isfinite(sum(one.values[start:end]))
                else one.values[end - 1]
                for start, end in zip(places, ends, strict=True)
            ]
            one.at = [one.at[place] for place in places]
            one.lines = [one.lines[end - 1] for end in ends]
            if names_metric(one.written) and not one.written.endswith("_step"):
                averaged.append(repr(one.written))
        if averaged:
            more = f" and {len(averaged) - 3} more" if len(averaged) > 3 else ""
            self.notes.append(
                f"Several values per epoch of {', '.join(averaged[:3])}{more} were averaged over each epoch."
            )

    # Until the unit is known, `at` of a series holds the rows of its values.
    def _series(self, table: LogTable, counts: RowCounts, skip: frozenset[str]) -> list[Series]:
        long = _long_columns(table)
        if long is not None:
            return self._long_series(table, *long)
        rows_column = _rows_column(table, skip | counts.columns)
        skipped = skip | counts.columns | ({rows_column} if rows_column else set())
        found: list[Series] = []
        for column in table.columns:
            if column in skipped or not column:
                continue
            values = self._numbers(table, column)
            if values is None:
                continue
            if rows_column is None:
                found.append(_one_series(column, values))
            else:
                found += _by_rows(column, values, table.cells[rows_column])
        return [one for one in without_unmeasured(found, self.notes) if one.values]

    def _numbers(self, table: LogTable, column: str) -> list[float | None] | None:
        """Return the numbers of a column; None if it holds words."""
        values, bad = table.numbers(column)
        if any(cell.startswith("[") and "," in cell for cell in table.cells[column][:2]):
            self.notes.append(f"Lists of numbers under {column!r} were averaged.")
        if bad:
            if 2 * bad > sum(value is not None for value in values):
                return None
            words = "1 cell" if bad == 1 else f"{bad:,} cells"
            holds = "holds" if bad == 1 else "hold"
            self.notes.append(
                f"{words} of {column!r} {holds} no number, and {'was' if bad == 1 else 'were'} left out."
            )
        return values

    def _long_series(self, table: LogTable, name: str, value: str, rows: str | None) -> list[Series]:
        values = self._numbers(table, value) or []
        found: dict[tuple[str, str], Series] = {}
        names = table.cells[name]
        parts = table.cells[rows] if rows else [""] * len(names)
        for row, number in enumerate(values):
            if number is None:
                continue
            part, metric = parts[row], names[row]
            series = found.get((part, metric))
            if series is None:
                series = found[part, metric] = _empty_series(
                    f"{part} {metric}" if part else metric, part, metric
                )
            series.add(row, number)
        return without_unmeasured(list(found.values()), self.notes)


def without_unmeasured(found: Sequence[Series], notes: list[str]) -> list[Series]:
    """Leave out nan that stands for 'not measured': numbers follow it, or a whole series is nothing else; `notes` says so.

    A network that has diverged never comes back from nan.
    """
    whole = any(_is_a_loss(one.written) and any(map(math.isfinite, one.values)) for one in found)
    kept = []
    for one in found:
        nans = sum(map(math.isnan, one.values))
        if nans and nans == len(one.values):
            if whole:
                notes.append(f"{one.written!r} holds nothing but nan: it was taken as not measured.")
                continue
        elif 2 * nans >= len(one.values) and not all(map(math.isnan, one.values[-2:])):
            measured = [row for row, value in enumerate(one.values) if not math.isnan(value)]
            if measured[-1] - measured[0] + 1 > len(measured):  # numbers come back after nan
                notes.append(
                    f"Most of {one.written!r} is nan between numbers: these were taken as not measured."
                )
                one.at = [one.at[row] for row in measured]
                one.values = [one.values[row] for row in measured]
                one.lines = [one.lines[row] for row in measured] if one.lines else []
        kept.append(one)
    return kept


def _is_a_loss(written: str) -> bool:
    return is_loss(parse_name(written).metric)


def _empty_series(written: str, part: str, metric: str) -> Series:
    """Return a series of a metric on rows that a cell of its own names: 'validation', or the name of a set."""
    role: Role | None = parse_name(part).role if part else None
    if part and role is None and parse_name(metric).role is None:
        return Series(written, [], [], role="validation", set=part, metric=parse_name(metric).metric)
    return Series(written, [], [], role=role, metric=parse_name(metric).metric if part else None)


def _one_series(column: str, values: Sequence[float | None]) -> Series:
    rows: list[float] = [row for row, value in enumerate(values) if value is not None]
    return Series(column, rows, [value for value in values if value is not None])


def _by_rows(column: str, values: Sequence[float | None], parts: Sequence[str]) -> list[Series]:
    found: dict[str, Series] = {}
    for row, value in enumerate(values):
        if value is None:
            continue
        part = parts[row]
        if part not in found:
            found[part] = _empty_series(f"{part} {column}".strip(), part, column)
        series = found[part]
        series.add(row, value)
    return list(found.values())


def _long_columns(table: LogTable) -> tuple[str, str, str | None] | None:
    """Return the columns of names, of values and of rows (or None) of a long table; None for a wide one."""
    by_name = {plain(column): column for column in table.columns}
    value = next((by_name[one] for one in by_name if one in VALUES), None)
    name = next((by_name[one] for one in by_name if one in NAMES and _holds_words(table, by_name[one])), None)
    if value is None or name is None:
        return None
    return name, value, _rows_column(table, frozenset((name, value)))


def _rows_column(table: LogTable, skip: frozenset[str]) -> str | None:
    """Return the column that says on which rows the others were measured: by its name, or as all its cells name such rows."""
    unnamed = None
    for column in table.columns:
        if column in skip or not _holds_words(table, column):
            continue
        kinds = {cell for cell in table.cells[column] if is_measured(cell)}
        if len(kinds) > MAX_KINDS:
            continue
        roles = {parse_name(kind).role for kind in kinds}
        if plain(column) in ROWS and roles - {None}:
            return column
        is_rows = len(roles) > 1 and None not in roles and not any(map(names_metric, kinds))
        unnamed = column if unnamed is None and is_rows else unnamed  # Aim's 'context'
    return unnamed


def _holds_words(table: LogTable, column: str) -> bool:
    return all(parse_number(cell) is None for cell in table.cells[column][:50] if is_measured(cell))


@dataclass(frozen=True, slots=True)
class RunPart:
    """The rows of one run.

    Args:
        table: its rows.
        run, member: the values that tell it apart: 'model lstm', 'fold 0'.
        columns: those that did.
    """

    table: LogTable
    run: str = ""
    member: str = ""
    columns: frozenset[str] = frozenset()


def split_runs(table: LogTable) -> list[RunPart]:
    """Return the rows of each run, by columns such as 'fold', 'seed' and 'model' that have several values.

    Raises:
        InputError: there are more than `MAX_RUNS`.
    """
    named = [column for column in table.columns if plain(column) in MEMBERS | RUNS]
    named = [column for column in named if plain(column) in MEMBERS or _holds_words(table, column)]
    split = [column for column in named if len(set(table.cells[column])) > 1]
    if not split:
        return [RunPart(table, columns=frozenset(named))]
    places: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(zip(*(table.cells[column] for column in split), strict=True)):
        places.setdefault(key, []).append(row)
    if len(places) > MAX_RUNS:
        raise InputError(
            f"A log must hold at most {MAX_RUNS:,} runs; column {split[0]!r} tells {len(places):,} apart."
        )
    parts = []
    for key, rows in places.items():
        words = [(column, f"{column} {value}") for column, value in zip(split, key, strict=True)]
        run = ", ".join(word for column, word in words if plain(column) in RUNS)
        member = ", ".join(word for column, word in words if plain(column) in MEMBERS)
        parts.append(RunPart(table.with_rows(rows), run, member, frozenset(named)))
    return parts


def split_columns(part: RunPart) -> list[RunPart]:
    """Return the columns of each member, where names tell them apart: 'fold_0_val_loss', 'val_loss_seed1'."""
    found: dict[str, dict[str, str]] = {}
    shared = []
    for column in part.table.columns:
        if match := MEMBER_IN_NAME.search(column):
            rest = f"{column[: match.start()]}_{column[match.end() :]}".strip("_-/. ")
            found.setdefault(f"{match[1].lower()} {match[2]}", {})[column] = rest
        else:
            shared.append(column)
    if len(found) < 2 or any(not rest for names in found.values() for rest in names.values()):
        return [part]
    parts = []
    for member, names in found.items():
        kept = {column: column for column in shared} | names
        cells = {name: part.table.cells[column] for column, name in kept.items()}
        member_words = f"{part.member}, {member}" if part.member else member
        parts.append(RunPart(replace(part.table, cells=cells), part.run, member_words, part.columns))
    return parts


def _is_evaluated_within(series: Sequence[Series], epochs: Sequence[float]) -> bool:
    """Return whether what was evaluated was so several times in most epochs, so that epochs tell too little."""
    measures = [one for one in series if names_metric(one.written)]
    for one in measures:
        if (one.role or parse_name(one.written).role) in (None, "train"):
            continue
        at = [epochs[int(row)] for row in one.at]
        again = sum(first == second for first, second in pairwise(at))
        if len(at) > 2 and 2 * again >= len(at) - 1:
            return True
    return False
