"""`justright export`: a study's networks and tables, as files of other tools."""

from __future__ import annotations

from pathlib import Path

import typer

from justright.cli.completions import exports, one_of, study_folders
from justright.session.exports.export_source import FRAMES
from justright.session.exports.registry import EXPORT_FORMATS, endings


def export(
    folder: Path = typer.Argument(help="The study folder.", metavar="DIR", autocompletion=study_folders),
    name: str = typer.Argument(
        help=f"A variant, for {endings('network')}, or a table, for {endings('table')}: {', '.join(FRAMES)}.",
        metavar="NAME",
        autocompletion=exports,
    ),
    out: Path = typer.Option(
        ..., "--out", "-o", help="Where to write; the ending says the format.", metavar="FILE"
    ),
    kind: str | None = typer.Option(
        None,
        "--as",
        help=f"The format, if the ending does not say it: {', '.join(EXPORT_FORMATS)}.",
        metavar="FORMAT",
        autocompletion=one_of(EXPORT_FORMATS),
    ),
    seed: int | None = typer.Option(
        None, help="Which of the variant's runs. [default: its best]", metavar="N"
    ),
    trust: bool = typer.Option(
        False,
        "--trust",
        help="For a script: read the table that the folder names, though you have not named it.",
    ),
) -> None:
    """Write a network, or a table of results, for other tools.

    Prints the paths of the files. docs/export.md says what is in them.

    \b
    Examples:
      justright export runs/houses Small -o small.onnx
      justright export runs/houses Small -o small.py
      justright export runs/houses curves -o curves.parquet
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.records.faults import content_faults
    from justright.report.terminal.terminal import results
    from justright.report.terminal.text import plain
    from justright.session.result import open_result

    result = open_result(folder)
    with content_faults(folder):
        written = result.export(name, out, kind=kind, seed=seed, trust=trust)
    for path in written:
        results().say(plain(path))
