"""What is known of a run once: how it was set up, how it ended, and how its weights were distributed. A file each."""

from __future__ import annotations

import math
from pathlib import Path

from justright.errors import InputError, JustrightError
from justright.records.boards.board_events import FILE_NAME, Content, file_of, histogram, scalar
from justright.records.boards.board_events import Point as At
from justright.records.boards.hyperparameters import BEST, Chosen, end_point, start_point
from justright.records.event_files import is_cut_off, read_events
from justright.records.models import read_about, read_weights
from justright.records.reader import RunRecord
from justright.runs.events import RunKey
from justright.runs.weight_histograms import HISTOGRAMS, bins_of, histogram_of

START_FILE, END_FILE, WEIGHT_FILE = (FILE_NAME.format(number=number) for number in range(3))
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
    numbers = {f"{BEST}{name}": value for name, value in best.items() if name != UNCHANGED}
    numbers |= {f"test/{name}": value for name, value in record.test.items()}
    points = [At(step, scalar(tag, value)) for tag, value in numbers.items() if not math.isnan(value)]
    return lambda wall: file_of([*points, end_point(outcome, wall=wall)], wall)


def kept_content(model: Path, best_epoch: int) -> Content | None:
    """Return what the third file of an ended run says: a histogram of each weight before training, and after its best and last epoch.

    Args:
        model: the run's saved model, which says so beside its weights.
        best_epoch: the epoch whose weights it has.

    Returns:
        None if it does not, because an earlier version saved it, or cannot be read, which is said elsewhere.
    """
    try:
        kept = read_about(model).get(HISTOGRAMS, {})
        steps = sorted((int(step), weights) for step, weights in kept.items())
        points = [
            At(step, histogram(f"weights/{name}", *bins_of(one)))
            for step, weights in steps
            for name, one in weights.items()
        ]
    except (JustrightError, ValueError, TypeError, AttributeError):
        return None
    if best_epoch not in (step for step, _ in steps):
        return None
    return lambda wall: file_of(points, wall)


def weight_content(model: Path, best_epoch: int) -> Content | None:
    """Return what the third file says where the model has nothing but its weights: a histogram of each; arguments as above."""
    try:
        weights = read_weights(model)
    except JustrightError:
        return None
    points = [
        At(best_epoch, histogram(f"weights/{name}", *bins_of(one)))
        for name, values in weights.items()
        if (one := histogram_of(values))
    ]
    return lambda wall: file_of(points, wall)


def shows_weights(path: Path, best_epoch: int) -> bool:
    """Return whether a run's third file is whole, and shows each weight of `weight_content` once, of this epoch.

    Which weights there are is not asked: large models take long to read, and the file was written as a whole.
    """
    try:
        events = [event for event in read_events(path) if event.summary.value]
        tags = {event.summary.value[0].tag for event in events}
        is_whole = len(tags) == len(events) and not is_cut_off(path)
    except (InputError, OSError):
        return False
    return is_whole and all(event.step == best_epoch for event in events)
