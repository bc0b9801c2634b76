"""What is known of a run once: how it was set up, how it ended, and the weights of its best epoch. A file each."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.errors import InputError, JustrightError
from justright.records.boards.board_events import FILE_NAME, Content, file_of, histogram, scalar
from justright.records.boards.board_events import Point as At
from justright.records.boards.hyperparameters import Chosen, end_point, start_point
from justright.records.event_files import is_cut_off, read_events
from justright.records.models import read_weights
from justright.records.reader import RunRecord
from justright.runs.events import RunKey

START_FILE, END_FILE, WEIGHT_FILE = (FILE_NAME.format(number=number) for number in range(3))
WEIGHT_BINS = 30  # as TensorBoard's own histograms
UNCHANGED = "learning_rate"  # a metric that measures nothing


def start_content(run: RunKey, chosen: Chosen, name: str) -> Content:
    """Return what the first file of a run says; `name` is that of the run's files."""
    return lambda wall: file_of([start_point(run, chosen, name=name, wall=wall)], wall)


def end_content(record: RunRecord) -> Content:
    """Return what the second file of an ended run says: its metrics at its best epoch, and on test rows with those weights."""
    outcome = record.outcome
    if outcome is None:
        raise ValueError(f"{record.run} has not ended")
    step = record.best_epoch or 0
    best = {} if record.best_epoch is None else record.best | {"epoch": float(record.best_epoch)}
    numbers = {f"best/{name}": value for name, value in best.items() if name != UNCHANGED}
    numbers |= {f"test/{name}": value for name, value in record.test.items()}
    points = [At(step, scalar(tag, value)) for tag, value in numbers.items() if not math.isnan(value)]
    return lambda wall: file_of([*points, end_point(outcome, wall=wall)], wall)


def weight_content(model: Path, best_epoch: int) -> Content | None:
    """Return what the third file of an ended run says: a histogram of each weight of its best epoch.

    Args:
        model: the run's saved model.
        best_epoch: the epoch whose weights it has.

    Returns:
        None if the model cannot be read, which is said elsewhere.
    """
    try:
        weights = read_weights(model)
    except JustrightError:
        return None
    points = [
        At(best_epoch, histogram(f"weights/{name}", *_bins(values)))
        for name, values in weights.items()
        if np.isfinite(values).sum() > 1  # a counter is no distribution
    ]
    return lambda wall: file_of(points, wall)


def shows_weights(path: Path, best_epoch: int) -> bool:
    """Return whether a run's third file is whole, and shows each weight once, of this epoch.

    Which weights there are is not asked: large models take long to read, and the file was written as a whole.
    """
    try:
        events = [event for event in read_events(path) if event.summary.value]
        tags = {event.summary.value[0].tag for event in events}
        is_whole = len(tags) == len(events) and not is_cut_off(path)
    except (InputError, OSError):
        return False
    return is_whole and all(event.step == best_epoch for event in events)


def _bins(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the edges and counts of a histogram of finite values."""
    finite = values[np.isfinite(values)].astype(np.float64)
    counts, edges = np.histogram(finite, WEIGHT_BINS)
    return edges, counts
