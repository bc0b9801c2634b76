"""What each column is taken for, as a table for a terminal; plain numbers share a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from justright.report.sections.column_table import about_numbers, tell_numbers_apart
from justright.report.terminal.terminal import Terminal, new_table
from justright.report.terminal.text import Symbols, plain, shorten

NAME_WIDTH, KIND_WIDTH = 26, 22
MOST_ROWS = 60
LISTED_NUMBERS = 8


def print_plan(terminal: Terminal, columns: Sequence[Mapping[str, Any]]) -> None:
    """Print what `justright.data.describe.describe_plan` returned."""
    if not columns:
        return
    numbers, others = tell_numbers_apart(columns)
    if numbers:
        terminal.say(plain(about_numbers(numbers, is_all=not others, most=LISTED_NUMBERS)))
    if not others:
        return
    terminal.print(_plan_table(others[:MOST_ROWS], terminal.symbols))
    if len(others) > MOST_ROWS:
        terminal.print(f"... and {len(others) - MOST_ROWS:,} more columns; --json and plan.json have all.")


def _plan_table(columns: Sequence[Mapping[str, Any]], symbols: Symbols) -> Table:
    table = new_table()
    table.add_column("column", no_wrap=True)
    table.add_column("taken for", no_wrap=True)
    table.add_column("features", justify="right", no_wrap=True)
    table.add_column("about", overflow="fold")
    for column in columns:
        name = shorten(column["name"], NAME_WIDTH, symbols)
        kind = shorten(column["kind"], KIND_WIDTH, symbols)
        table.add_row(name, kind, str(column["features"] or ""), plain(column["about"]))
    return table
