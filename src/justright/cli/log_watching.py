"""`justright diagnose --watch`: the short answer about a growing log, each time that it changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from justright.cli.exit_codes import EXIT_VERDICT
from justright.cli.log_outputs import LogOutputs, runs_that_met

if TYPE_CHECKING:
    from justright.logs.choices import Choices


def watch_log(log: Path, choices: Choices, outputs: LogOutputs, labels: Sequence[str]) -> None:
    """Print what a growing log says whenever that changes, and write the files asked for again; until Ctrl-C.

    Args:
        log: the file or folder.
        choices: what the user says about it.
        outputs: files to write.
        labels: those of `--fail-on`: the first run that gets one ends it.

    Raises:
        Exit: a run has one of the labels.
    """
    from justright.report.terminal.log_report import print_brief
    from justright.report.terminal.terminal import progress, results, say_error
    from justright.report.terminal.text import plain
    from justright.session.growing_log import watch

    told: dict[str, tuple[str, str]] = {}
    for reading in watch(log, choices, say=lambda sentence: progress().say(plain(sentence))):
        for run in reading.runs:
            answer = (run.label, run.sentence)
            if not run.is_earlier and told.get(run.name) != answer:
                print_brief(results(), run)
                told[run.name] = answer
        outputs.write(reading)
        if met := runs_that_met(reading, labels):
            say_error(f"--fail-on was met: {met}.")
            raise typer.Exit(EXIT_VERDICT)
