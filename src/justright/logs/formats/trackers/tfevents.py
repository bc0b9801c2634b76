"""TensorBoard event files, as Keras, PyTorch and others write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from justright.errors import InputError
from justright.logs.formats.trackers.counters import MAX_POINTS, Counted, check_points, count_steps
from justright.logs.formats.trackers.event_folders import Place, places_of
from justright.logs.formats.trackers.two_counters import split_counters
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import LogFormat, Source

# Scalars of every layer, of hyperparameters and of the machine, by the first part of their tags: no measure of success.
NO_METRICS = re.compile(
    r"(?:weights?|bias(?:es)?|grad(?:ient)?s?|hist(?:ogram)?s?|param(?:eter)?s?|activations?|hparams?|_hparams_"
    r"|(?:parameter|gradient|activation)_(?:mean|std|norm)|system|profile)/|hp_metric$",
    re.IGNORECASE,
)
KERAS_EPOCH = re.compile(r"epoch_[^/]+$")
# Keras' tags that count optimizer steps; each has a twin by epoch.
KERAS_STEPS = re.compile(r"batch_|evaluation_.*_vs_iterations$")
# What Hugging Face's Trainer logs once, at its end: means over all of training.
TRAINER_TOTALS = re.compile(r"train/(?:train_\w+|total_flos)$")


class _Point(NamedTuple):
    wall: float
    order: int
    step: float
    value: float


@dataclass(slots=True)
class _Writer:
    """What the event files of one folder hold: tag -> points, in the order of the files."""

    tags: dict[str, list[_Point]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _read(source: Source) -> Iterator[LoggedRun]:
    """Yield every run below a folder: `train` and `validation` folders side by side are one run."""
    writers: dict[Path, _Writer] = {}
    count = 0
    for path in source.files:
        try:
            count += _read_file(path, writers.setdefault(path.parent, _Writer()), count)
        except InputError as error:
            source.refused.append(str(error))
        check_points(count, source.name)
    filled = {folder: writer for folder, writer in writers.items() if writer.tags}
    places = places_of({folder: tuple(writer.tags) for folder, writer in filled.items()})
    for home in dict.fromkeys(place.home for place in places.values()):
        together = [(place, filled[folder]) for folder, place in places.items() if place.home == home]
        together.sort(key=lambda pair: pair[0].order)
        name = source.name if source.path.is_file() else str(home)
        yield _run(name, together, source)


def _read_file(path: Path, writer: _Writer, order: int) -> int:
    """Add the scalars of a file and return how many there are.

    Raises:
        InputError: it is damaged, and none was read before the damage.
    """
    from justright.records.event_files import is_cut_off, read_events, scalar_of

    count = 0
    try:
        for event in read_events(path):
            for value in event.summary.value:
                tag = value.tag
                if NO_METRICS.match(tag) or (number := scalar_of(value)) is None:
                    continue
                writer.tags.setdefault(tag, []).append(
                    _Point(event.wall_time, order + count, float(event.step), number)
                )
                count += 1
            if order + count > MAX_POINTS:
                return count
    except InputError as error:
        if not count:
            raise
        writer.notes.append(f"{error} What was read before that is judged.")
    else:
        if is_cut_off(path):
            writer.notes.append(
                f"The last record of {path.name!r} is half written, as while training goes on: it was left out."
            )
    return count


def _run(name: str, together: Sequence[tuple[Place, _Writer]], source: Source) -> LoggedRun:
    """Return the run that some writers logged together."""
    notes = [note for _, writer in together for note in writer.notes]
    tagged = [(place, tag, points) for place, writer in together for tag, points in writer.tags.items()]
    is_keras = any(KERAS_EPOCH.match(tag) for _, tag, _ in tagged)
    left_out = KERAS_STEPS if is_keras else TRAINER_TOTALS
    tagged = [one for one in tagged if not left_out.match(one[1])]
    # Files of one run overlap in time, as those of train and validation, or follow each other: the clock tells the order.
    ordered = sorted((point for _, _, points in tagged for point in points), key=itemgetter(0, 1))
    lines = {point.order: line for line, point in enumerate(ordered)}
    series = []
    for place, tag, points in tagged:
        points = sorted(points, key=itemgetter(0, 1))
        series.append(
            Series(
                place.written(tag),
                [point.step for point in points],
                [point.value for point in points],
                [lines[point.order] for point in points],
                role=place.role_of(tag),
            )
        )
    series, more = split_counters(series)
    notes += more
    is_trees = any(place.is_catboost for place, _ in together)
    if is_keras or is_trees:
        counted = Counted(tuple(series), "iteration" if is_trees else "epoch", {})
    else:
        counted = count_steps(series, epoch_name=source.choices.epoch)
    return LoggedRun(
        name,
        counted.series,
        counted.unit,
        counted.epochs,
        (*notes, *counted.notes),
        tool="trees" if is_trees else "network",
    )


TENSORBOARD = LogFormat(
    "tensorboard", "TensorBoard event files", _read, file_pattern="*tfevents*", is_joined=True
)
