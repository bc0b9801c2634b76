"""TensorBoard event files, as Keras, PyTorch and others write them."""

from __future__ import annotations

from pathlib import Path

from justright.errors import InputError
from justright.logs.logged_run import LoggedRun
from justright.logs.points import Points, measured, metric_name, run_of_points
from justright.logs.source import LogFormat, Source

MAX_POINTS = 5_000_000  # of one log: 10,000 epochs of 500 metrics
# Folders in which Keras and others keep the two halves of one run, and the prefix of their tags.
HALVES = {"train": "", "training": "", "test": "test_"} | dict.fromkeys(
    ("validation", "val", "valid", "eval"), "val_"
)
# Tags that count optimizer steps, not epochs: they are not comparable with the other curves.
PER_STEP_PREFIXES = ("batch_", "evaluation_")


def _read(source: Source) -> list[LoggedRun]:
    """Return every run below a folder: `train` and `validation` folders side by side are one run."""
    from justright.records.event_files import read_events, scalar_of

    runs: dict[Path, Points] = {}
    count = 0
    for path in source.files:
        half = HALVES.get(path.parent.name.lower()) if path != source.path else None
        points = runs.setdefault(path.parent if half is None else path.parent.parent, {})
        for event in read_events(path):
            for value in event.summary.value:
                number = scalar_of(value)
                if number is not None:
                    points.setdefault(_named(value.tag, half or ""), {})[float(event.step)] = measured(number)
                    count += 1
            if count > MAX_POINTS:
                raise InputError(f"A log must hold at most {MAX_POINTS:,} values; {source.name!r} has more.")
    return [_run(folder, source, points) for folder, points in sorted(runs.items()) if points]


def _run(folder: Path, source: Source, points: Points) -> LoggedRun:
    by_epoch = {
        name: values
        for name, values in points.items()
        if not name.removeprefix("val_").removeprefix("test_").startswith(PER_STEP_PREFIXES)
    }
    chosen = by_epoch or points
    name = source.name if len(source.files) == 1 else str(folder)
    return run_of_points(name, chosen, _step_notes(chosen))


def _step_notes(points: Points) -> tuple[str, ...]:
    steps = sorted({step for values in points.values() for step in values})
    if "epoch" not in points and len(steps) > 1 and steps[1] - steps[0] > 1:
        return ("The log counts steps, not epochs: epochs below are its steps.",)
    return ()


def _named(tag: str, prefix: str) -> str:
    name = metric_name(tag) if not tag.startswith(PER_STEP_PREFIXES) else tag
    return name if name.startswith(prefix) else prefix + name


TENSORBOARD = LogFormat("tensorboard", "TensorBoard event files", _read, file_pattern="*.tfevents.*")
