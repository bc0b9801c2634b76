"""A run's curves as event files, with the tags and steps of `keras.callbacks.TensorBoard`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from justright.errors import InputError
from justright.records.boards.board_events import FILE_NAME, Point, keras_model, point_event, version_event
from justright.records.boards.shared_files import append_shared, are_ours, one_name_each, write_shared
from justright.records.event_files import event_records, is_cut_off, read_events, scalar_of, scalar_records

PARTS = ("train", "validation")  # subfolders, named as Keras names them
EVENT_FILE = FILE_NAME.format(number=0)  # one file per folder, so that it can be rewritten in place
OTHER_EVENTS = 2  # of each file: the first says its version, the second may hold the model
# Metrics that are measured only at some epochs; elsewhere NaN means "not measured" and nothing is written.
FIXED_PREFIX = "fixed_"

Metrics = Mapping[str, npt.NDArray[np.float64]]


def write_run(
    path: Path,
    metrics: Metrics,
    *,
    steps_per_epoch: int,
    walls: npt.NDArray[np.float64],
    config: str = "",
    others: Sequence[Path] = (),
) -> None:
    """Write a run's event files, each atomically.

    Args:
        path: the run's folder; `train` and `validation` are made in it.
        metrics: name -> (epochs,), from epoch 0 on.
        steps_per_epoch: optimizer steps of an epoch.
        walls: (epochs,) wall times, in seconds since 1970.
        config: the model's JSON configuration, for TensorBoard's graph page; empty writes none.
        others: further folders that show the same files.

    Raises:
        FolderError: the disk is full, read-only or gone.
    """
    start = float(walls[0]) if len(walls) else time.time()
    records = _records(metrics, steps_per_epoch=steps_per_epoch, first=0, walls=walls)
    for part in PARTS:
        head = [version_event(start)]
        if part == "train" and config:
            head.append(point_event(Point(0, keras_model(config)), start))
        write_shared(_files(part, path, others), event_records(head) + records[part])


def append_run(
    path: Path,
    metrics: Metrics,
    *,
    steps_per_epoch: int,
    first: int,
    walls: npt.NDArray[np.float64],
    others: Sequence[Path] = (),
) -> None:
    """Append epochs from `first` on to event files that `write_run` wrote; arguments and errors as there."""
    records = _records(metrics, steps_per_epoch=steps_per_epoch, first=first, walls=walls)
    for part in PARTS:
        append_shared(_files(part, path, others), records[part])


def can_append(path: Path, others: Sequence[Path] = ()) -> bool:
    """Return whether a run's event files are there and have no other name, under which appending would change them, too."""
    return all(are_ours(_files(part, path, others)) for part in PARTS)


def is_level(path: Path, *, epochs: int, steps_per_epoch: int, others: Sequence[Path] = ()) -> bool:
    """Return whether a run's event files are whole and hold each of its epochs once, in order; arguments as for `write_run`."""
    folders = [path, *others]
    if not epochs:
        folders = [one for one in folders if all((one / part / EVENT_FILE).is_file() for part in PARTS)]
    numbers = np.arange(epochs)
    iterations = (numbers + 1) * steps_per_epoch
    expected = {
        "train": numbers.tolist(),
        "validation": np.stack([iterations, numbers], axis=1).ravel().tolist(),
    }
    try:
        return all(
            _scalar_steps(file, most=len(steps) + 1) == steps
            and not is_cut_off(file)  # what is appended would go on in the middle of a record
            for part, steps in expected.items()
            for file in one_name_each([folder / part / EVENT_FILE for folder in folders])
        )
    except (InputError, OSError):
        return False


def last_wall_time(path: Path) -> float:
    """Return when the last epoch was written that a run's event files hold, which must be whole."""
    return max(event.wall_time for part in PARTS for event in read_events(path / part / EVENT_FILE))


def _files(part: str, path: Path, others: Sequence[Path]) -> list[Path]:
    return [folder / part / EVENT_FILE for folder in (path, *others)]


def _scalar_steps(file: Path, *, most: int) -> list[int]:
    """Return the steps of the records that hold scalars, in the order of the file; `most` of them, for it may hold any number."""
    events = islice(read_events(file), most + OTHER_EVENTS)
    summaries = ((event.step, event.summary.value) for event in events)
    return [step for step, values in summaries if values and scalar_of(values[0]) is not None][:most]


def _records(
    metrics: Metrics, *, steps_per_epoch: int, first: int, walls: npt.NDArray[np.float64]
) -> dict[str, bytes]:
    """Return the bytes of consecutive epochs for each part: part -> records, epoch by epoch."""
    epochs = first + np.arange(len(walls))
    # Keras evaluates after the epoch's last step: its `evaluation_` tags count optimizer iterations.
    iterations = (epochs + 1) * steps_per_epoch
    train = {f"epoch_{name}": values for name, values in metrics.items() if not name.startswith("val_")}
    validation = {
        name.removeprefix("val_"): values for name, values in metrics.items() if name.startswith("val_")
    }
    evaluated = {f"evaluation_{name}_vs_iterations": values for name, values in validation.items()}
    ended = {f"epoch_{name}": values for name, values in validation.items()}
    fixed = {tag for tag in train if tag.startswith(f"epoch_{FIXED_PREFIX}")}
    pairs = zip(
        scalar_records(evaluated, iterations, walls), scalar_records(ended, epochs, walls), strict=True
    )
    return {
        "train": b"".join(scalar_records(train, epochs, walls, optional=fixed)),
        "validation": b"".join(record for pair in pairs for record in pair),
    }
