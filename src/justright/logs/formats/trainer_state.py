"""Hugging Face's trainer_state.json."""

from __future__ import annotations

from justright.errors import InputError
from justright.logs.logged_run import LoggedRun
from justright.logs.points import Points, is_number, metric_name, run_of_points, to_float
from justright.logs.source import LogFormat, Source

# Numbers of a log entry that are not metrics of an epoch.
NOT_METRICS = frozenset({"epoch", "step", "total_flos", "train_loss", "train_runtime"})


def _matches(source: Source) -> bool:
    return isinstance(source.value, dict) and isinstance(source.value.get("log_history"), list)


def _read(source: Source) -> list[LoggedRun]:
    """Return the run: `loss` as logged, `eval_*` as validation, by epoch."""
    points: Points = {}
    for number, entry in enumerate(source.value["log_history"]):
        if not isinstance(entry, dict) or not is_number(entry.get("epoch")):
            raise InputError(
                f"Every entry of `log_history` must say its epoch; entry {number} of {source.name!r} does not."
            )
        epoch = to_float(source.name, "epoch", entry["epoch"])
        for written, value in entry.items():
            if written not in NOT_METRICS and is_number(value):
                points.setdefault(metric_name(written), {})[epoch] = to_float(source.name, written, value)
    return [run_of_points(source.name, points)]


TRAINER_STATE = LogFormat(
    "huggingface-trainer",
    "Hugging Face's trainer_state.json",
    _read,
    _matches,
    folder_file="trainer_state.json",
)
