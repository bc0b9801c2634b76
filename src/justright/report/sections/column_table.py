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
    numbers, others = tell_numbers_apart(plan)
    if numbers:
        notes.append(about_numbers(numbers, is_all=not others, most=LISTED_NUMBERS))
    blocks: list[Block] = [Text(" ".join(notes), media=Media.WRITTEN)] if notes and plan else []
    if others:
        blocks += long_table(_table(others[:MOST_LISTED]), MOST_ROWS, "columns")
    return blocks


def tell_numbers_apart(
    plan: Sequence[Mapping[str, Any]],
) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Return the names of the columns that are plain numbers, of which a sentence suffices, and all other columns."""
    numbers, others = list[str](), list[Mapping[str, Any]]()
    for column in plan:
        if column["kind"] == "number" and not column["about"]:
            numbers.append(str(column["name"]))
        else:
            others.append(column)
    return numbers, others


def _a_task(task: str) -> str:
    return "a number to predict (regression)" if task == "regression" else f"a class to predict ({task})"


def about_numbers(names: Sequence[str], *, is_all: bool, most: int) -> str:
    """Return the sentence about columns that are plain numbers, which names the first `most` of them."""
    if is_all:
        return "All columns are numbers." if len(names) > 1 else "The column is a number."
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"Numbers: {', '.join(names[:most])}{more}."


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
