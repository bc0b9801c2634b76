"""Every log format, and reading a log with the first that recognises it. A new one is a file in this folder and an entry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from justright.errors import InputError
from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.folders import open_source
from justright.logs.formats.allennlp import ALLENNLP
from justright.logs.formats.catboost import CATBOOST
from justright.logs.formats.csv_logs import KERAS_CSV, LIGHTNING_CSV, PLAIN_CSV
from justright.logs.formats.evals_result import EVALS_RESULT
from justright.logs.formats.json_curves import JSON_CURVES
from justright.logs.formats.json_lines import JSON_LINES
from justright.logs.formats.tfevents import TENSORBOARD
from justright.logs.formats.trainer_state import TRAINER_STATE
from justright.logs.source import LogFormat
from justright.plugins import plugged_in

if TYPE_CHECKING:
    from justright.logs.log_curves import LogCurves


def log_formats() -> tuple[LogFormat, ...]:
    """Return every log format in the order in which they are tried; plug-ins' are more specific, and come first."""
    return (*plugged_in("log_formats"), *FORMATS)


def format_summaries() -> str:
    """Return the formats in words, for messages and help texts."""
    return ", ".join(one.summary for one in log_formats())


@dataclass(frozen=True, slots=True)
class LoggedRuns:
    """The runs of a log.

    Args:
        curves: those of each run, runs that count before earlier attempts that a later one replaced; at least one.
        refused: files of a folder that could not be read, one sentence each.
    """

    curves: tuple[LogCurves, ...]
    refused: tuple[str, ...] = ()


def read_logs(path: str | Path, choices: Choices = NO_CHOICES) -> LoggedRuns:
    """Return the curves of every run in a training log, whose format is recognised by its content.

    Args:
        path: a file, or a folder that a tool wrote.
        choices: what the user says about it.

    Raises:
        InputError: the log cannot be read, has an unknown format, or holds no run.
    """
    try:
        return _read(Path(path), choices)
    except FileNotFoundError:
        raise InputError(f"A training log must exist; there is no {str(path)!r}.") from None
    except OSError as error:
        raise InputError(
            f"A training log must be readable; {str(path)!r} is not: {error.strerror or error}."
        ) from None


def _read(path: Path, choices: Choices) -> LoggedRuns:
    from justright.logs.log_curves import (
        LogCurves,  # NumPy: help texts, which list the formats, do not wait for it
    )

    source = replace(open_source(path, log_formats()), choices=choices)
    for one in log_formats():
        if one.knows(source):
            logged = tuple(one.read(source))  # the source notes what it assumes while it is read
            runs = tuple(
                LogCurves.of_run(replace(run, notes=(*source.notes, *run.notes)), one.name, source.choices)
                for run in logged
            )
            if not runs:
                raise InputError(f"A training log must hold metrics; {source.name!r} has none.")
            return LoggedRuns(runs)
    raise InputError(f"A training log must be one of: {format_summaries()}; {source.name!r} is none of them.")


# Tried in this order: the specific before the general.
FORMATS: tuple[LogFormat, ...] = (
    CATBOOST,
    ALLENNLP,
    TENSORBOARD,
    LIGHTNING_CSV,
    KERAS_CSV,
    PLAIN_CSV,
    TRAINER_STATE,
    EVALS_RESULT,
    JSON_LINES,
    JSON_CURVES,
)
