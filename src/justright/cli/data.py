"""`justright data`: a table as justright reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from justright.cli.completions import table_names
from justright.cli.parameters import takes_options
from justright.data.sources import sources
from justright.session.options import TableOptions

if TYPE_CHECKING:
    from justright.data.table import Table


@takes_options()
def data(
    options: TableOptions,
    source: str = typer.Argument(
        help=f"{', '.join(sources())}, a path or URL, or - for standard input, as for `justright run`.",
        metavar="SOURCE",
        autocompletion=table_names,
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the description as JSON, and nothing else."),
) -> None:
    """Describe a table.

    What each column is taken for, the task and its classes, what may spoil a verdict, and every feature with a small histogram.

    \b
    Examples:
      justright data higgs-sim
      justright data houses.csv --target price
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.cli.table_progress import ReadingLine
    from justright.data.build import NoTargetError
    from justright.data.describe import describe_columns, describe_table
    from justright.data.read import read_table
    from justright.report.terminal.table_report import print_columns, print_table_description
    from justright.report.terminal.terminal import progress, results, write_json

    with ReadingLine(progress()) as line:
        try:
            table = read_table(**options.given(TableOptions), progress=line)
            description = describe_table(table) | {"warnings": _warnings(table)}
        except NoTargetError as error:
            description = describe_columns(error.raw, error.request, source=str(options.source))
    if as_json:
        write_json(description)
    elif "task" in description:
        print_table_description(results(), description)
    else:
        print_columns(results(), description)


def _warnings(table: Table) -> list[dict[str, Any]]:
    """Return the warnings about a table and the split that `justright run` would make, or why it could make none."""
    from justright.data.guards.registry import find_warnings
    from justright.data.guards.table_warning import TableWarning
    from justright.errors import InputError
    from justright.study.studies import default_split

    try:
        split = default_split(table)
    except InputError as error:
        return [TableWarning("no split", (), table.rows, str(error)).to_dict()]
    return [warning.to_dict() for warning in find_warnings(split)]
