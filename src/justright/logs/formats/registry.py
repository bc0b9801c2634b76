"""Every log format, and reading a log with the first that recognises it. A new one is a file in this folder and an entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from justright.data.checks import listed
from justright.errors import InputError, near_miss
from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.discovery.checkpoint_names import with_checkpoints
from justright.logs.discovery.folders import LogFiles, find_logs
from justright.logs.discovery.halves import FoundRun, join_halves, with_role_in_name
from justright.logs.discovery.members import name_members
from justright.logs.discovery.resumed_folders import join_resumed
from justright.logs.discovery.separate_runs import separate
from justright.logs.formats.allennlp import ALLENNLP
from justright.logs.formats.catboost import CATBOOST
from justright.logs.formats.csv_logs import (
    FASTAI_CSV,
    KERAS_CSV,
    LIGHTNING_CSV,
    LONG_CSV,
    PLAIN_CSV,
    SPACY_TABLE,
    TENSORBOARD_CSV,
    ULTRALYTICS_CSV,
)
from justright.logs.formats.evals_result import EVALS_RESULT
from justright.logs.formats.json_shapes.json_curves import JSON_CURVES
from justright.logs.formats.json_shapes.json_lines import JSON_LINES
from justright.logs.formats.named_lists import NAMED_LISTS
from justright.logs.formats.text_logs import TEXT_LOG
from justright.logs.formats.trackers.dvclive import DVCLIVE
from justright.logs.formats.trackers.mlflow import MLFLOW
from justright.logs.formats.trackers.mlflow_database import MLFLOW_DATABASE
from justright.logs.formats.trackers.tfevents import TENSORBOARD
from justright.logs.formats.trackers.trackio import TRACKIO
from justright.logs.formats.trackers.value_records import VALUE_RECORDS
from justright.logs.formats.trackers.wandb import WANDB, WANDB_SUMMARY
from justright.logs.formats.trainer_state import TRAINER_STATE
from justright.logs.formats.tuners.keras_tuner import KERAS_TUNER
from justright.logs.formats.tuners.optuna_storage import OPTUNA_DATABASE, OPTUNA_JOURNAL
from justright.logs.formats.wandb_csv import WANDB_CSV
from justright.logs.source import LogFormat
from justright.plugins import plugged_in

if TYPE_CHECKING:
    from justright.logs.log_curves import LogCurves

MAX_POINTS = 20_000_000  # of all runs together: 320 MB
MAX_REASONS = 3  # that a message about a whole folder gives
AIM = ".aim"  # the folder of Aim's database
MAX_REFUSED = 12  # files of a folder that are named
MAX_NAMES = 12  # of runs that a message lists


def log_formats() -> tuple[LogFormat, ...]:
    """Return every log format in the order in which they are tried; plug-ins' are more specific, and come first."""
    return (*plugged_in("log_formats"), *FORMATS)


def format_summaries() -> str:
    """Return the formats in words, for messages and help texts."""
    return ", ".join(one.summary for one in log_formats() if one.summary)


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
    # NumPy: help texts, which list the formats, do not wait for it.
    from justright.logs.discovery.same_curves import without_repeats

    formats = log_formats()
    is_folder = path.is_dir()
    found: list[FoundRun] = []
    refused: list[str] = []
    points = 0
    for log in find_logs(path, formats):
        try:
            runs = _runs_in(log, formats, choices, refused, in_folder=is_folder)
        except (InputError, OSError) as error:
            if not is_folder:
                raise
            refused += [_sentence(log.path, error)] if log.is_sure else []
            continue
        found += runs
        points += sum(len(series.at) for one in runs for series in one.run.series)
        if points > MAX_POINTS:
            raise InputError(
                f"A log folder must hold at most {MAX_POINTS:,} values; {str(path)!r} has more. Name one of the folders in it."
            )
    whole = map(with_role_in_name, join_resumed(join_halves(found)) if is_folder else found)
    curves = _curves_of(list(whole), choices, refused, in_folder=is_folder)
    if not curves:
        raise InputError(_nothing_read(path, formats, refused))
    if not any(curve.direction for run in curves for curve in run.curves):
        raise InputError(_nothing_known(path, curves))
    order = [one.name for one in formats]
    kept = name_members(without_repeats(curves, order) if is_folder else curves)
    return LoggedRuns(
        tuple(sorted(chosen_runs(kept, choices), key=lambda run: run.is_earlier)), _shortened(refused)
    )


def _runs_in(
    log: LogFiles, formats: Sequence[LogFormat], choices: Choices, refused: list[str], *, in_folder: bool
) -> list[FoundRun]:
    """Return the runs of one log, and add a sentence for each of its files that could not be read.

    Raises:
        InputError: none of it can be read.
        OSError: a file of it is gone, or locked.
    """
    source = log.open(choices)
    if choices.columns and (source.files or source.is_json):
        raise InputError(
            f"`columns` must name those of a table without a header; {source.name!r} is no table."
        )
    one = log.format or next((one for one in formats if one.matches(source)), None)
    if one is None:
        if source.text and not source.is_json and source.table is None:
            raise InputError(
                "A text log must hold numbers by name, as in 'epoch 3 loss: 0.52 val_loss: 0.61'; "
                f"{source.name!r} holds none."
            )
        known = "of a known format" if in_folder else f"one of: {format_summaries()}"
        raise InputError(
            f"A training log must be {known}; {source.name!r} is {'not' if in_folder else 'none of them'}."
        )
    runs = [
        part for run in one.runs(source) for part in separate(run) if any(series.at for series in part.series)
    ]
    if source.text and len(runs) > 1 and all(len(series.at) <= 1 for run in runs for series in run.series):
        raise InputError(
            f"A training log must hold values of several epochs or steps; {source.name!r} holds one of each metric for each of "
            f"{len(runs):,} runs. Give the history of a run instead."
        )
    is_quiet = in_folder and log.format is not None  # such as a profile among event files, or a deleted run
    if not runs and not is_quiet and not source.refused:
        raise InputError(f"A training log must hold metrics; {source.name!r} has none.")
    refused += source.refused
    return [FoundRun(run, log.path, one.name, log.is_sure) for run in runs]


def _curves_of(
    found: Sequence[FoundRun], choices: Choices, refused: list[str], *, in_folder: bool
) -> list[LogCurves]:
    """Return the curves of each run, and add a sentence for each that has none.

    Raises:
        InputError: the user's choices do not fit the only log.
    """
    from justright.logs.log_curves import LogCurves

    curves = []
    for one in found:
        try:
            run = LogCurves.of_run(with_checkpoints(one.run, one.path), one.format, choices)
        except InputError as error:
            if not in_folder:
                raise
            refused.append(str(error))
            continue
        # A table of something else, such as predictions, has no measure of success.
        if any(len(curve.at) and (one.is_sure or not in_folder or curve.direction) for curve in run.curves):
            curves.append(run)
    return curves


def chosen_runs(runs: Sequence[LogCurves], choices: Choices) -> Sequence[LogCurves]:
    """Return the run that the user named, by its name or the end of it; else all.

    Raises:
        InputError: no run is named so.
    """
    wanted = choices.run
    if wanted is None:
        return runs
    named = [run for run in runs if wanted in (run.name, run.group, run.member)]
    found = named or [run for run in runs if wanted in Path(run.name).parts or run.name.endswith(wanted)]
    if not found:
        names = [run.name for run in runs]
        raise InputError(
            f"`run` must be one of the log's {len(runs)} runs; got {wanted!r}.{near_miss(wanted, names)} "
            f"Runs: {listed(names, most=MAX_NAMES)}."
        )
    return found


def _sentence(path: Path, error: InputError | OSError) -> str:
    if isinstance(error, InputError):
        return str(error)
    return f"A training log must be readable; {str(path)!r} is not: {error.strerror or error}."


def _shortened(refused: Sequence[str]) -> tuple[str, ...]:
    left = len(refused) - MAX_REFUSED
    more = (f"{left:,} more files could not be read.",) if left > 0 else ()
    return (*refused[:MAX_REFUSED], *more)


def _nothing_known(path: Path, curves: Sequence[LogCurves]) -> str:
    """Return what to say of a log whose names are all unknown, or name no measures of success."""
    names = list(dict.fromkeys(curve.written for run in curves for curve in run.curves))
    return (
        "A training log must hold a metric of which it is known, or said, whether less or more is better; "
        f"{str(path)!r} holds {listed(names, most=MAX_NAMES)}. "
        f"If one of them is such a metric, say so, as in `--validation {names[-1]} --minimize {names[-1]}`."
    )


def _nothing_read(path: Path, formats: Sequence[LogFormat], refused: Sequence[str]) -> str:
    """Return what to say of a log without any curves."""
    if not refused and not path.is_dir():
        return f"A training log must hold metrics; {str(path)!r} has none."
    if path.name == AIM or (path / AIM).is_dir():
        return (
            f"A log folder must hold logs that other programs can read; {str(path)!r} is an Aim repository, whose database only Aim reads. "
            "Export its metrics with Aim's Python library to a CSV file with a row per value: name, context, step and value."
        )
    if len(refused) == 1 or (refused and not path.is_dir()):
        return refused[0]
    if refused:
        return f"A log folder must hold curves; {str(path)!r} holds none. {' '.join(refused[:MAX_REASONS])}"
    names = [
        one.folder_file or one.summary for one in formats if one.folder_file or one.file_pattern or one.tables
    ]
    known = ", ".join(names[:-1]) + " or " + names[-1]
    return f"A log folder must hold {known}, or another log as text; {str(path)!r} holds none."


# Tried in this order: the specific before the general. Of two that hold the same curves, the first is read: text says more than
# event files, which round values and do not say what their steps are.
FORMATS: tuple[LogFormat, ...] = (
    VALUE_RECORDS,
    WANDB_SUMMARY,
    MLFLOW,
    DVCLIVE,
    CATBOOST,
    ALLENNLP,
    KERAS_TUNER,
    WANDB_CSV,
    LIGHTNING_CSV,
    ULTRALYTICS_CSV,
    FASTAI_CSV,
    KERAS_CSV,
    SPACY_TABLE,
    LONG_CSV,
    TENSORBOARD_CSV,
    PLAIN_CSV,
    TRAINER_STATE,
    EVALS_RESULT,
    OPTUNA_JOURNAL,
    JSON_LINES,
    JSON_CURVES,
    TEXT_LOG,
    NAMED_LISTS,
    MLFLOW_DATABASE,
    TRACKIO,
    OPTUNA_DATABASE,
    WANDB,
    TENSORBOARD,
)
