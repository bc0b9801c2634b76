"""AllenNLP's metrics_epoch_N.json, one file per epoch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from justright.errors import InputError
from justright.logs.formats.json_shapes.logged_rows import flatten, read_rows
from justright.logs.logged_run import LoggedRun
from justright.logs.source import LogFormat, Source

EPOCH_FILE = re.compile(r"metrics_epoch_(\d{1,9})\.json")
MAX_FILES = 10_000
# What is not of this epoch, or no metric.
LEFT_OUT = re.compile(r"best_.*|peak_.*|.*_MB|.*duration|training_start_epoch|training_epochs")


def _folder_files(folder: Path) -> tuple[Path, ...]:
    """Return the files of all epochs, in order."""
    entries = islice(folder.iterdir(), MAX_FILES)
    found = {int(match[1]): path for path in entries if (match := EPOCH_FILE.fullmatch(path.name))}
    return tuple(found[epoch] for epoch in sorted(found) if found[epoch].is_file())


def _matches(source: Source) -> bool:
    value = source.value
    return (
        isinstance(value, dict)
        and {"training_duration", "training_epochs"} <= value.keys()
        and any(key.startswith(("training_", "validation_")) for key in value)
    )


def _read(source: Source) -> list[LoggedRun]:
    notes, rows = [], []
    for path in source.files:
        try:
            rows.append(_row(Source.of_file(path)))
        except InputError as error:
            notes.append(f"{path.name} was left out. {error}")
    if not source.files:
        rows.append(_row(source))
        notes.append(
            "The file holds a single epoch; its folder, with a file for each epoch, shows the course of the run."
        )
    if not rows:
        raise InputError(
            f"At least one metrics_epoch_N.json must be readable; none of {source.name!r} is. {notes[0]}"
        )
    found = read_rows(rows, choices=source.choices)
    return [LoggedRun(source.name, found.series, found.unit, notes=tuple(notes), tool="network")]


def _row(source: Source) -> Mapping[str, float | str]:
    """Return the metrics of one epoch."""
    if not isinstance(source.value, dict):
        raise InputError(f"A metrics_epoch_N.json must hold an object; {source.name!r} does not.")
    row = {name: value for name, value in flatten(source.value).items() if not LEFT_OUT.fullmatch(name)}
    match = EPOCH_FILE.fullmatch(source.path.name)
    return {"epoch": float(match[1]), **row} if match else row


ALLENNLP = LogFormat(
    "allennlp", "AllenNLP's metrics_epoch_N.json", _read, _matches, folder_files=_folder_files
)
