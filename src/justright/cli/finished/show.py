"""`justright show`: the final table again, of a finished or unfinished study."""

from __future__ import annotations

from pathlib import Path

import typer

from justright.cli.completions import study_folders


def show(
    folder: Path = typer.Argument(help="The study folder.", metavar="DIR", autocompletion=study_folders),
    as_json: bool = typer.Option(
        False, "--json", help="Print result.json to stdout, and nothing else there."
    ),
    verbose: bool = typer.Option(
        False, "--verbose", "-v", help="Print every reason of every verdict, and the spikes of its curves."
    ),
) -> None:
    """Print what a study found so far.

    The reason of each verdict and the command that helps; also which runs are still to be trained.

    \b
    Example:
      justright show runs/higgs
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.records.faults import content_faults
    from justright.report.terminal.study_report import print_study
    from justright.report.terminal.terminal import results, write_json
    from justright.session.result import open_result

    result = open_result(folder)
    with content_faults(folder):
        if as_json:
            write_json(result.result)
        else:
            print_study(results(), result.summary, result.folder, verbose=verbose)
