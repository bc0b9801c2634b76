"""`justright report`: write the report of a study folder again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from justright.cli.completions import study_folders

if TYPE_CHECKING:
    from justright.report.summary import Summary

MARKDOWN_NAME = "report.md"


def report(
    folder: Path = typer.Argument(help="The study folder.", metavar="DIR", autocompletion=study_folders),
    markdown: bool = typer.Option(False, "--markdown", help=f"Write {MARKDOWN_NAME} as well."),
) -> None:
    """Write a study's report again.

    Writes report.html and prints its path.

    \b
    Example:
      justright report runs/higgs --markdown
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.records.faults import content_faults
    from justright.report.terminal.terminal import results
    from justright.report.terminal.text import plain
    from justright.session.result import open_result

    result = open_result(folder)
    with content_faults(folder):
        paths = [result.write_report()]
        if markdown:
            paths.append(_write_markdown(result.folder, result.summary))
    for path in paths:
        results().say(plain(path))


def _write_markdown(folder: Path, summary: Summary) -> Path:
    from justright.records.files import write_atomically
    from justright.report import render_markdown
    from justright.session.outputs import named_in_reports

    path = folder / MARKDOWN_NAME
    write_atomically(path, render_markdown(summary, folder=named_in_reports(folder)).encode())
    return path
