"""A table's description for a terminal: a paragraph, then a line with a small histogram for each feature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from justright.data.checks import counted
from justright.report.number_formats import MISSING
from justright.report.terminal.plan_table import print_plan
from justright.report.terminal.sparkline import histogram
from justright.report.terminal.terminal import Terminal, new_table
from justright.report.terminal.text import Symbols, plain, shorten, spelled

NAME_WIDTH = 26
NEGLIGIBLE = 1e-6  # times the standard deviation: rounding of float32
MOST_ROWS = 60  # features; of more, those are printed that have a histogram
HISTOGRAM_CELLS = 15  # of the description's bins two share a cell


def print_table_description(terminal: Terminal, description: Mapping[str, Any]) -> None:
    """Print what `justright.data.describe_table` returned."""
    rows, features = description["rows"], description["features"]
    terminal.say(
        f"{plain(description['source'])}: {rows:,} rows, {features:,} features, {description['task']}"
        + (f" ({plain(description['task_reason'])})" if description.get("task_reason") else "")
    )
    terminal.say(_target_sentence(description))
    if description["rows_left_out"]:
        terminal.say(f"Left out: {counted(description['rows_left_out'], 'row')} without a target.")
    for note in description.get("notes", ()):
        terminal.say(plain(note))
    terminal.print()
    print_plan(terminal, description.get("plan", ()))
    print_warnings(terminal, description.get("warnings") or ())
    terminal.print()
    columns = description["columns"]
    drawn = [column for column in columns if column["counts"]] if len(columns) > MOST_ROWS else columns
    terminal.print(_columns_table(description, drawn, terminal.symbols))
    if more := len(columns) - len(drawn):
        told = "tell most about the target by themselves"
        terminal.print(f"The {len(drawn)} features that {told}; --json has the other {more:,} as well.")


def print_warnings(terminal: Terminal, warnings: Iterable[Mapping[str, Any]]) -> None:
    """Print what may spoil the verdicts, a line for each warning."""
    texts = [plain(warning["text"]) for warning in warnings]
    if texts:
        terminal.print()
    for text in texts:
        terminal.say(f"Warning: {text}")


def print_columns(terminal: Terminal, description: Mapping[str, Any]) -> None:
    """Print what `justright.data.describe.describe_columns` returned: a table whose target nobody has named."""
    columns = description["plan"]
    terminal.say(f"{plain(description['source'])}: {description['rows']:,} rows, {len(columns):,} columns")
    for note in description["notes"]:
        terminal.say(plain(note))
    terminal.print()
    print_plan(terminal, columns)
    terminal.print()
    terminal.say("Name the column to predict with --target to see it with its task.")


def _target_sentence(description: Mapping[str, Any]) -> str:
    target = plain(description["target"])
    if description["target_column"] is not None:
        column = description["target_column"]
        return f"Target {target}: mean {column['mean']:.4g}, from {column['min']:.4g} to {column['max']:.4g}"
    classes = (
        f"{plain(entry['name'])} {entry['rows']:,} ({100 * entry['fraction']:.1f} %)"
        for entry in description["classes"]
    )
    return f"Target {target}: {', '.join(classes)}"


def _columns_table(
    description: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], symbols: Symbols
) -> Table:
    table = new_table()
    # The one that gives way: a number without its end is another one.
    table.add_column("feature", overflow="fold")
    for header in ("mean", "std", "min", "max"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("histogram", no_wrap=True)
    target = description["target_column"]
    for column in [*columns, *([target] if target else [])]:
        numbers = (
            spelled(_number(column[name], column["std"]), symbols) for name in ("mean", "std", "min", "max")
        )
        bars = histogram(_merged(column["counts"], HISTOGRAM_CELLS), symbols)
        table.add_row(shorten(column["name"], NAME_WIDTH, symbols), *numbers, bars)
    return table


def _number(value: float | None, scale: float | None) -> str:
    """Return a number in four digits; one that is nothing beside the column's standard deviation is 0."""
    if value is None or scale is None:
        return MISSING
    return "0" if abs(value) < NEGLIGIBLE * scale else f"{value:.4g}"


def _merged(counts: Sequence[int], cells: int) -> list[int]:
    """Return counts in at most `cells` bins, neighbours added.

    Example:
        >>> _merged([1, 2, 3, 4, 5], 2)
        [6, 9]
    """
    share = -(-len(counts) // cells)
    return [sum(counts[start : start + share]) for start in range(0, len(counts), share)]
