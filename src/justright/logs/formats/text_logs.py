"""Plain text logs, by pattern: what scripts and libraries print while they train."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from justright.logs.formats.table_runs import TableReader
from justright.logs.formats.text_lines import FULL_BAR, TextLine, is_measure, read_line
from justright.logs.logged_run import LoggedRun, Role
from justright.logs.names.other_languages import in_english
from justright.logs.source import LogFormat, Source
from justright.logs.text.headed_rows import name_rows
from justright.logs.text.log_table import LogTable

# Columns for what a line counts, and where a line holds it.
COUNTS = {"fold": "fold", "seed": "seed", "epoch": "epoch", "iteration": "step"}
STEPS = "step"  # the column of what a line counts, where the log calls it that
MEMBERS = frozenset(("fold", "seed"))
BEGINNING = 200_000  # characters: a preamble is no longer
# Boosters write the best line again; Keras Tuner a trial's result, which is no epoch's.
REPEATS_NEXT = re.compile(r"best iteration(?: is)?:|^Trial \d+ Complete ", re.IGNORECASE)
MODELS = re.compile(
    r"^(?:Fitting model: (.+?) \.\.\..*|Search: Running Trial #(\d+))$", re.MULTILINE
)  # AutoGluon and Keras Tuner begin each with such a line
CATBOOST = re.compile(r"^\s*\d+:\s+(?:learn|test\d*):", re.MULTILINE)
BOOSTERS = re.compile(
    r"^\s*(?:\[\d+\]\s+[\w.-]+(?:'s [\w@]+)?:\s?[-\d]|\d+:\s+(?:learn|test\d*):|\[\d+/\d+\] \d+ trees?,)",
    re.MULTILINE,
)


def _matches(source: Source) -> bool:
    """Return whether a line near the beginning names a number."""
    if not source.text or source.is_json or source.table is not None:
        return False
    beginning = source.text[:BEGINNING]
    return not (_is_empty(_table(beginning)) and _is_empty(_table(beginning, in_bars=True)))


def _is_empty(table: LogTable) -> bool:
    """Return whether there is no measure of success: settings, and single numbers that nothing counts, are no log."""
    measures = [column for column in table.columns if column not in (*COUNTS, STEPS) and is_measure(column)]
    counts = {*COUNTS, STEPS} & set(table.columns)
    return not any(counts or sum(map(bool, table.cells[column])) > 1 for column in measures)


def _evaluations(table: LogTable, *, most: int | None = None) -> int:
    """Return at how many counts a measure of success has a value, up to `most`; where nothing counts, how many rows of values differ.

    A count holds until the next one.
    """
    measures = [table.cells[column] for column in table.columns if is_measure(column)]
    counts = [table.cells[column] for column in (*COUNTS, STEPS) if column in table.cells]
    found = set()
    last = [""] * len(counts)
    for row in range(len(table.lines)):
        last = [cells[row] or held for cells, held in zip(counts, last, strict=True)]
        if any(cells[row] for cells in measures):
            found.add(tuple(last or [cells[row] for cells in measures]))
        if most is not None and len(found) >= most:
            break
    return len(found)


def _read(source: Source) -> list[LoggedRun]:
    table = _table(source.text)
    if _is_empty(table) or _evaluations(table, most=2) < 2:  # one bar over all epochs, and its last state
        table = max(table, _table(source.text, in_bars=True), key=_evaluations)
    is_booster = bool(BOOSTERS.search(source.text))
    runs = TableReader(source, "trees" if is_booster else "").runs(table)
    if CATBOOST.search(source.text):
        for run in runs:
            for one in run.series:  # CatBoost calls every evaluation set a test
                if one.written.startswith("test"):
                    one.role = "validation"
    return runs


def _table(text: str, *, in_bars: bool = False) -> LogTable:
    """Return a row per line that counts or names numbers."""
    rows: list[tuple[int, TextLine]] = []
    section: Role | None = None
    epoch: float | None = None
    is_counted = False  # whether the line that announced the section counts: the next one that does ends it
    # The last step before the section, which a later one ends once it has given its numbers.
    trained: float | None = None
    is_given = has_own = False  # whether the section has given numbers, and counts steps of its own
    averaged: dict[str, None] = {}
    is_repeated = False
    for number, line in enumerate(name_rows(in_english(text)).split("\n"), start=1):
        for part in _parts(line, in_bars=in_bars):
            if is_repeated:
                is_repeated = False
                continue
            if REPEATS_NEXT.search(part):
                is_repeated = True
                continue
            found = read_line(part, section, in_bars=in_bars)
            is_next = found.epoch is not None and epoch is not None and found.epoch != epoch
            is_later = found.step is not None and trained is not None and found.step > trained
            is_over = is_given and not has_own and is_later
            if section and (is_next or is_over or (is_counted and found.step is not None)):
                section, is_counted = None, False
                found = read_line(part, in_bars=in_bars)
            if found.epoch is not None:
                section, epoch = None, found.epoch
            if found.role is not None:
                section, is_counted = found.role, found.step is not None
                is_given = has_own = False
            elif section is None:
                trained = found.step if found.step is not None else trained
            else:
                has_own = has_own or found.step not in (None, trained)
                is_given = is_given or bool(found.numbers)
            averaged |= dict.fromkeys(found.averaged)
            if found.in_bar and rows and rows[-1][1].numbers and _count(rows[-1][1]) == _count(found):
                continue  # the bar has not moved: what it says now is of the next count
            if rows and _goes_on(rows[-1][1], found):
                rows.pop()
            if found.numbers or any(getattr(found, name) is not None for name in COUNTS.values()):
                rows.append((number, found))
    return _as_table(rows, tuple(averaged))


def _count(line: TextLine) -> tuple[float | None, float | None]:
    return line.epoch, line.step


def _goes_on(before: TextLine, after: TextLine) -> bool:
    """Return whether a line says how far the same evaluation has come since the one before it, or its result; or draws its bar again."""
    if not after.numbers:
        return False
    if before.is_progress and not after.is_progress:
        return not before.numbers.keys().isdisjoint(after.numbers)
    is_again = before.is_full_bar and before.epoch == after.epoch is not None
    measures = {name for name in before.numbers if is_measure(name)}
    return (before.is_progress or is_again) and measures <= after.numbers.keys()


def _parts(line: str, *, in_bars: bool) -> list[str]:
    """Return the texts of a line as a terminal would leave them, and of what a carriage return writes over dicts and full bars."""
    if "\r" not in line and "\x08" not in line:
        return [line] if line.strip() else []
    parts = [part for part in re.split(r"[\r\x08]+", line) if part.strip()]
    kept = (part for part in parts[:-1] if in_bars or part.lstrip().startswith("{") or FULL_BAR.search(part))
    return [*kept, *parts[-1:]]


def _as_table(rows: list[tuple[int, TextLine]], averaged: tuple[str, ...]) -> LogTable:
    cells: dict[str, list[str]] = {}
    if firsts := _counted_by_firsts(rows):
        cells[firsts[0]] = firsts[1]
    for count, name in COUNTS.items():
        column = STEPS if name == "step" and any(row.is_step for _, row in rows) else count
        counts = [getattr(row, name) for _, row in rows]
        if len(set(counts) - {None}) > (column in MEMBERS):
            cells[column] = _held(counts) if column in MEMBERS else list(map(_text, counts))
    for name in dict.fromkeys(name for _, row in rows for name in row.numbers):
        cells[name] = [_text(row.numbers.get(name)) for _, row in rows]
    notes = [f"Lists of numbers under {name!r} were averaged." for name in averaged]
    return LogTable(cells, [number for number, _ in rows], notes=notes)


def _counted_by_firsts(rows: list[tuple[int, TextLine]]) -> tuple[str, list[str]] | None:
    """Return the column that the whole numbers at the beginnings of lines are, if nothing else counts and they rise."""
    if any(row.epoch is not None or row.step is not None for _, row in rows):
        return None
    firsts = [row.first for _, row in rows if row.first is not None]
    if len(firsts) < 3 or 2 * len(firsts) < len(rows) or any(b <= a for a, b in pairwise(firsts)):
        return None
    is_epochs = all(b - a == 1 for a, b in pairwise(firsts))
    return "epoch" if is_epochs else "iteration", [_text(row.first) for _, row in rows]


def _held(members: list[float | None]) -> list[str]:
    """Return the fold or seed of each line: one that is said holds until the next one."""
    held, last = [], ""
    for member in members:
        last = last if member is None else f"{member:g}"
        held.append(last)
    return held


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)


def _read_models(source: Source) -> list[LoggedRun]:
    """Return the runs of each model that the log says it fits, one after the other; of all of it, if that is one."""
    _, *parts = MODELS.split(source.text)
    models = [
        replace(run, name=f"{source.name} ({name or f'trial {trial}'})")
        for name, trial, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        if not _is_empty(_table(text))
        for run in _read(replace(source, text=text))
    ]
    return models if len(models) > 1 else _read(source)


TEXT_LOG = LogFormat(
    "text",
    "a text log with lines such as 'epoch 3 loss: 0.52 val_loss: 0.61'",
    _read_models,
    _matches,
)
