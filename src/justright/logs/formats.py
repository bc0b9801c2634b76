"""The registry of log formats, and the readers' front door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from justright.errors import InputError
from justright.logs.curves import LogCurves
from justright.logs.events import is_events, read_events
from justright.logs.nested import (
    is_evals_result,
    is_keras_history,
    is_trainer_state,
    read_evals_result,
    read_keras_history,
    read_trainer_state,
)
from justright.logs.source import Source, open_source
from justright.logs.tabular import (
    is_keras_csv,
    is_lightning_csv,
    is_plain_csv,
    read_keras_csv,
    read_lightning_csv,
    read_plain_csv,
)


@dataclass(frozen=True, slots=True)
class LogFormat:
    """One kind of training log.

    Args:
        summary: what it is, in a few words, for messages and help texts.
        matches: whether a source is of this kind, told by its content.
        read: the runs in it.
    """

    summary: str
    matches: Callable[[Source], bool]
    read: Callable[[Source], LogCurves | tuple[LogCurves, ...]]


def read_logs(path: str | Path) -> tuple[LogCurves, ...]:
    """Return the curves of every run in a training log that any registered tool wrote.

    Args:
        path: a file, or a folder with TensorBoard event files, Lightning's metrics.csv or Hugging Face's
            trainer_state.json. The format is told by the content.

    Raises:
        InputError: the log cannot be read, is of no known format, or holds no run.
    """
    source = open_source(path)
    for entry in FORMATS.values():
        if entry.matches(source):
            found = entry.read(source)
            runs = found if isinstance(found, tuple) else (found,)
            if not runs:
                raise InputError(f"A training log must hold metrics; {source.name!r} has none.")
            return runs
    known = ", ".join(entry.summary for entry in FORMATS.values())
    raise InputError(f"A training log must be one of: {known}; {source.name!r} is none of them.")


def read_log(path: str | Path) -> LogCurves:
    """Return the curves of the one run in a training log; see `read_logs`.

    Raises:
        InputError: as `read_logs`, or there are several runs.
    """
    runs = read_logs(path)
    if len(runs) > 1:
        names = ", ".join(repr(run.name) for run in runs[:5])
        raise InputError(
            f"A log must hold one run; {str(path)!r} holds {len(runs)}: {names}. Name one of them."
        )
    return runs[0]


# Tried in this order: the particular before the general.
FORMATS: dict[str, LogFormat] = {
    "tensorboard": LogFormat("TensorBoard event files", is_events, read_events),
    "lightning-csv": LogFormat("Lightning's metrics.csv", is_lightning_csv, read_lightning_csv),
    "keras-csv": LogFormat("a Keras CSVLogger file", is_keras_csv, read_keras_csv),
    "csv": LogFormat("a CSV file with an epoch a row", is_plain_csv, read_plain_csv),
    "huggingface-trainer": LogFormat(
        "Hugging Face's trainer_state.json", is_trainer_state, read_trainer_state
    ),
    "evals-result": LogFormat(
        "XGBoost's or LightGBM's evals_result as JSON", is_evals_result, read_evals_result
    ),
    "keras-history": LogFormat("a Keras History as JSON", is_keras_history, read_keras_history),
}
