"""What each column of the table is taken for, as decided on training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from justright.data.checks import counted
from justright.report.blocks import Block, Cell, Column, Media, Row, Table, Text, long_table
from justright.report.summary import Summary

MOST_ROWS = 40  # further columns are folded away
MOST_LISTED = 2_000  # of a table with more columns, the first so many are listed
LISTED_NUMBERS = 30


def column_blocks(summary: Summary) -> list[Block]:
    """Return the plan of the table: a sentence about columns that are plain numbers, and a row for each other one."""
    table = summary["table"]
    plan: Sequence[Mapping[str, Any]] = table.get("plan") or []
    notes = [*(table.get("notes") or [])]
    if left_out := table.get("rows_left_out"):
        notes.append(f"Left out: {counted(left_out, 'row')} without a target.")
    if reason := table.get("task_reason"):
        notes.insert(0, f"The target {table['target']} is {_a_task(summary['task'])}: {reason}.")
    numbers = [column for column in plan if column["kind"] == "number" and not column["about"]]
    others = [column for column in plan if column not in numbers]
    if numbers:
        notes.append(_about_numbers([column["name"] for column in numbers], is_all=not others))
    blocks: list[Block] = [Text(" ".join(notes), media=Media.WRITTEN)] if notes and plan else []
    if others:
        blocks += long_table(_table(others[:MOST_LISTED]), MOST_ROWS, "columns")
    return blocks


def _a_task(task: str) -> str:
    return "a number to predict (regression)" if task == "regression" else f"a class to predict ({task})"


def _about_numbers(names: Sequence[str], *, is_all: bool) -> str:
    if is_all:
        return "All columns are numbers." if len(names) > 1 else "The column is a number."
    more = f" and {len(names) - LISTED_NUMBERS:,} more" if len(names) > LISTED_NUMBERS else ""
    return f"Numbers: {', '.join(names[:LISTED_NUMBERS])}{more}."


def _table(columns: Sequence[Mapping[str, Any]]) -> Table:
    heads = (
        Column("Column", is_text=True),
        Column("Taken for", is_text=True),
        Column("Features"),
        Column("About", is_text=True, wraps=True),
    )
    rows = tuple(
        Row(
            (
                Cell(str(column["name"])),
                Cell(str(column["kind"])),
                Cell(str(column["features"] or "")),
                Cell(str(column["about"])),
            )
        )
        for column in columns
    )
    return Table("What each column is taken for", heads, rows, media=Media.WRITTEN)
