"""`justright diagnose`: what the curves in other tools' logs say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from justright.cli.completions import lists_of
from justright.cli.exit_codes import EXIT_BAD_INPUT, EXIT_VERDICT
from justright.cli.fail_on import labels_to_fail_on
from justright.cli.log_outputs import LogOutputs, runs_that_met
from justright.cli.log_watching import watch_log
from justright.logs.curve_labels import LOG_LABELS
from justright.logs.formats.registry import format_summaries

if TYPE_CHECKING:
    from justright.logs.choices import Choices
    from justright.logs.run_reading import RunReading
    from justright.session.reading import Reading


def _explain(code: str | None) -> None:
    """Print the page of a finding's code, and leave."""
    if code is None:
        return
    from justright.logs.finding_pages import page_of
    from justright.report.terminal.log_report import print_page
    from justright.report.terminal.terminal import results

    print_page(results(), page_of(code))
    raise typer.Exit


def diagnose(
    logs: list[Path] = typer.Argument(
        help="Files or folders with training logs; - is standard input.", metavar="LOG..."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the readings as JSON, and nothing else."),
    markdown: str | None = typer.Option(
        None,
        help="Print Markdown, for a pull request, or write it to a FILE that ends in .md.",
        metavar="[FILE]",
    ),
    html: str | None = typer.Option(
        None, help="Print a page with all curves, or write it to a FILE that ends in .html.", metavar="[FILE]"
    ),
    plot: list[Path] | None = typer.Option(
        None, help="Draw the curves: a .png, .svg or .pdf file.", metavar="FILE"
    ),
    fail_on: str | None = typer.Option(
        None,
        help=f"Exit with 1 if a run has one of these labels: {', '.join(LOG_LABELS)}. Earlier attempts do not count.",
        metavar="LABEL[,LABEL]",
        autocompletion=lists_of(LOG_LABELS),
    ),
    watch: bool = typer.Option(
        False,
        "--watch",
        help="Read the log again while it grows, and say so when the answer changes, until Ctrl-C or --fail-on.",
    ),
    explain: str | None = typer.Option(
        None,
        help="Print what a finding's code means, such as JR101, and how it is decided.",
        metavar="CODE",
        callback=_explain,
        is_eager=True,
    ),
    train: str | None = typer.Option(
        None, help="What was measured on training rows, where its name does not tell.", metavar="NAME"
    ),
    validation: list[str] | None = typer.Option(
        None,
        help="What was measured on validation rows; repeatable, the first is judged first.",
        metavar="NAME",
    ),
    step: str | None = typer.Option(None, help="The column, key or tag that counts steps.", metavar="NAME"),
    epoch: str | None = typer.Option(None, help="That which counts epochs.", metavar="NAME"),
    metric: str | None = typer.Option(None, help="The metric to judge, instead of the loss.", metavar="NAME"),
    maximize: list[str] | None = typer.Option(
        None, help="A metric of which more is better; repeatable.", metavar="NAME"
    ),
    minimize: list[str] | None = typer.Option(
        None, help="A metric of which less is better; repeatable.", metavar="NAME"
    ),
    columns: str | None = typer.Option(
        None, help="The columns of a table that has no header.", metavar="NAME,NAME,..."
    ),
    run: str | None = typer.Option(None, help="The run to judge, of several in a log.", metavar="NAME"),
) -> None:
    """Read other tools' training logs.

    Says whether each run overfits, since when, and what to do. Takes {formats}. A log that cannot be read does not keep the
    others from being read.

    \b
    Examples:
      justright diagnose lightning_logs/version_0/metrics.csv
      justright diagnose checkpoint-500/ --html report.html --fail-on overfits
      justright diagnose log.csv --validation holdout_rmse --metric rmse
    """  # noqa: D301  # a real backspace: click then keeps the lines that follow
    from justright.logs.choices import Choices

    labels = labels_to_fail_on(fail_on, tuple(LOG_LABELS))
    outputs = LogOutputs([str(log) for log in logs], as_json, markdown, html, plot or (), watch)
    choices = Choices(
        train=train,
        validation=tuple(validation or ()),
        step=step,
        epoch=epoch,
        metric=metric,
        maximize=tuple(maximize or ()),
        minimize=tuple(minimize or ()),
        columns=tuple(columns.split(",")) if columns else (),
        run=run,
    )
    if watch:
        watch_log(logs[0], choices, outputs, labels)
        return
    reading, faults = _read(logs, choices)
    if reading.runs:
        _show(reading, outputs)
    _exit(reading, faults, labels)


def _read(logs: Sequence[Path], choices: Choices) -> tuple[Reading, list[str]]:
    """Return what all logs say, and what is wrong with those that cannot be read."""
    from justright.data.pipes import is_pipe, pipe_name
    from justright.errors import InputError
    from justright.report.terminal.terminal import progress
    from justright.report.terminal.text import plain
    from justright.session.reading import Reading, read_path

    runs: list[RunReading] = []
    refused: list[str] = []
    faults = []
    for path in logs:
        if is_pipe(str(path)):
            progress().say(f"Reading {plain(pipe_name(str(path)))}.")
        try:
            reading = read_path(path, choices)
        except InputError as error:
            faults.append(str(error))
        else:
            runs += reading.runs
            refused += reading.refused
    return Reading(tuple(runs), tuple(refused)), faults


def _show(reading: Reading, outputs: LogOutputs) -> None:
    """Print the answer, and write what was asked for."""
    from justright.report.terminal.log_report import print_readings
    from justright.report.terminal.terminal import results, say_error
    from justright.report.terminal.text import plain

    if outputs.is_told:
        print_readings(results(), reading.runs)
    written = outputs.write(reading)
    for file in written if outputs.is_told else ():
        results().say(f"Written: {plain(file)}")
    for message in reading.refused:
        say_error(message)


def _exit(reading: Reading, faults: Sequence[str], labels: Sequence[str]) -> None:
    """Say what went wrong, and leave with the exit code for it."""
    from justright.report.terminal.terminal import say_error

    for message in faults:
        say_error(message)
    met = runs_that_met(reading, labels)
    if met:
        say_error(f"--fail-on was met: {met}.")
    if faults:
        raise typer.Exit(EXIT_BAD_INPUT)
    if met:
        raise typer.Exit(EXIT_VERDICT)


diagnose.__doc__ = (diagnose.__doc__ or "").replace("{formats}", format_summaries())
