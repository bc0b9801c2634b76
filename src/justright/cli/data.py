"""`justright data`: a table as justright reads it."""

from __future__ import annotations

import typer

from justright.cli.parameters import takes_options
from justright.data.sources import sources
from justright.session.options import TableOptions


@takes_options()
def data(
    options: TableOptions,
    source: str = typer.Argument(
        help=f"{', '.join(sources())}, a path or URL, or - for standard input, as for `justright run`.",
        metavar="SOURCE",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the description as JSON, and nothing else."),
) -> None:
    """Describe a table.

    What each column is taken for, the task and its classes, and every feature with a small histogram.

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
            description = describe_table(read_table(**options.given(TableOptions), progress=line))
        except NoTargetError as error:
            description = describe_columns(error.raw, error.request, source=str(options.source))
    if as_json:
        write_json(description)
    elif "task" in description:
        print_table_description(results(), description)
    else:
        print_columns(results(), description)
