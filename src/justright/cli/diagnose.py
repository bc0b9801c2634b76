"""`justright diagnose`: what the curves in other tools' logs say."""

from __future__ import annotations

from pathlib import Path

import typer

from justright.cli.exit_codes import EXIT_BAD_INPUT
from justright.logs.formats.registry import format_summaries, read_logs


def diagnose(
    logs: list[Path] = typer.Argument(
        help="Files or folders with training logs; - is standard input.", metavar="LOG..."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the readings as JSON, and nothing else."),
) -> None:
    """Read other tools' training logs.

    Says what their curves can tell. Takes {formats}. A log that cannot be read does not keep the others from being read.

    \b
    Examples:
      justright diagnose lightning_logs/version_0/metrics.csv
      justright diagnose logs/ --json
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.data.pipes import is_pipe, pipe_name
    from justright.errors import InputError
    from justright.logs.reading import diagnose_curves
    from justright.report.terminal.log_report import print_readings
    from justright.report.terminal.terminal import progress, results, say_error, write_json
    from justright.report.terminal.text import plain

    readings, refused = [], []
    for path in logs:
        if is_pipe(str(path)):
            progress().say(f"Reading {plain(pipe_name(str(path)))}.")
        try:
            readings += [diagnose_curves(curves) for curves in read_logs(path)]
        except InputError as error:
            refused.append(error)
    if as_json and readings:
        write_json([reading.to_dict() for reading in readings])
    elif readings:
        print_readings(results(), readings)
    for message in refused:
        say_error(message)
    if refused:
        raise typer.Exit(EXIT_BAD_INPUT)


diagnose.__doc__ = (diagnose.__doc__ or "").replace("{formats}", format_summaries())
