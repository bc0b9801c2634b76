"""`justright data`: a table as justright reads it."""

from __future__ import annotations

from typing import Literal

import typer

from justright.cli.options import CATEGORICAL, MISSING, TASK
from justright.data.sources import sources


def data(
    source: str = typer.Argument(
        help=f"{', '.join(sources())}, or a path or URL, as for `justright run`.", metavar="SOURCE"
    ),
    target: str | None = typer.Option(
        None, help="The column to predict; its number in a file without a header.", metavar="COLUMN"
    ),
    rows: int | None = typer.Option(None, min=1, help="Read only this many rows.", metavar="N"),
    location: str | None = typer.Option(
        None, "--from", help="Read HIGGS from here instead of UCI.", metavar="PATH_OR_URL"
    ),
    task: Literal["binary", "multiclass", "regression"] | None = TASK,
    missing: list[str] | None = MISSING,
    categorical: list[str] | None = CATEGORICAL,
    as_json: bool = typer.Option(False, "--json", help="Print the description as JSON, and nothing else."),
) -> None:
    """Describe a table: shape, task, classes, and every feature with a small histogram.

    \b
    Examples:
      justright data higgs-sim
      justright data houses.csv --target price
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.cli.table_progress import ReadingLine
    from justright.data import describe_table, read_table
    from justright.report.terminal.table_report import print_table_description
    from justright.report.terminal.terminal import progress, results, write_json

    with ReadingLine(progress()) as line:
        table = read_table(
            source,
            target=target,
            rows=rows,
            location=location,
            task=task,
            missing=missing or (),
            categorical=categorical or (),
            progress=line,
        )
    description = describe_table(table)
    if as_json:
        write_json(description)
    else:
        print_table_description(results(), description)
