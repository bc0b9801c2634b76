"""DVCLive's folder: plots/metrics/NAME.tsv, a table of steps for each metric."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from justright.errors import InputError
from justright.logs.formats.trackers.counters import check_points, count_steps
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import LogFormat, Source

PLACES = (Path("plots", "metrics"), Path("plots", "scalars"))  # the latter up to version 1
STEP = "step"
MAX_FILES = 1_000


def _folder_files(folder: Path) -> tuple[Path, ...]:
    return tuple(file for place in PLACES for file in _tables(folder / place))


def _tables(place: Path) -> list[Path]:
    if place.is_symlink() or not place.is_dir():
        return []
    files = (one for one in place.rglob("*.tsv") if one.is_file() and not one.is_symlink())
    return sorted(islice(files, MAX_FILES))


def _read(source: Source) -> Iterator[LoggedRun]:
    """Yield the run; a metric's name is the place of its file, such as 'train/loss'."""
    series: list[Series] = []
    for file in source.files:
        try:
            name = "/".join(file.relative_to(source.path).with_suffix("").parts[len(PLACES[0].parts) :])
            series.append(_series(file, name))
        except (InputError, OSError) as error:
            source.refused.append(str(error))
        check_points(sum(len(one.at) for one in series), source.name)
    counted = count_steps(series, epoch_name=source.choices.epoch)
    yield LoggedRun(source.name, counted.series, counted.unit, counted.epochs, counted.notes)


def _series(file: Path, name: str) -> Series:
    """Return one metric: its values are in the last column.

    Raises:
        InputError: there is no table of steps.
    """
    table = Source.of_file(file).table
    if table is None or STEP not in table.columns or len(table.columns) < 2:
        raise InputError(f"A metric of DVCLive must be a table with a column 'step'; {str(file)!r} is none.")
    steps, _ = table.numbers(STEP)
    values, _ = table.numbers(table.columns[-1])
    points = [
        (step, value, line)
        for step, value, line in zip(steps, values, table.lines, strict=True)
        if step is not None and value is not None
    ]
    return Series(
        name,
        [step for step, _, _ in points],
        [value for _, value, _ in points],
        [line for *_, line in points],
    )


DVCLIVE = LogFormat("dvclive", "DVCLive's folder", _read, folder_files=_folder_files)
