"""`justright compare`: several studies side by side."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from justright.cli.completions import study_folders
from justright.errors import InputError


def compare(
    folders: list[Path] = typer.Argument(
        help="Study folders, at least two.", metavar="DIR...", autocompletion=study_folders
    ),
    metric: str | None = typer.Option(
        None, "--metric", metavar="NAME", help="Compare this metric, such as roc_auc, instead of the loss."
    ),
    as_json: bool = typer.Option(
        False, "--json", help="Print the comparison as JSON to stdout, and nothing else there."
    ),
    markdown: bool = typer.Option(
        False, "--markdown", help="Print the comparison as Markdown to stdout, and nothing else there."
    ),
) -> None:
    """Compare the networks of several studies.

    One table of all their networks, and how the best ones of any two studies differ, with a 95 % interval: paired by row and
    seed where the studies share their test rows and seeds. Nothing is trained.

    \b
    Example:
      justright compare runs/mine runs/wider --metric roc_auc
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.report.comparisons.comparison_pages import print_comparison
    from justright.report.terminal.terminal import results, write_json
    from justright.session.comparison import compare

    if as_json and markdown:
        raise InputError("Standard output takes one form; got --json and --markdown. Choose one of them.")
    found = compare(folders, metric=metric)
    if as_json:
        write_json(found.to_dict())
    elif markdown:
        sys.stdout.write(found.markdown())
    else:
        print_comparison(results(), found.values)
