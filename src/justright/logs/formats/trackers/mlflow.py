"""MLflow's file store: a file for each metric of a run, with a line 'time value step' for each value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from pathlib import Path

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.formats.trackers.counters import check_points, count_steps
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import LogFormat, Source, read_text

METRICS = "metrics"  # the folder inside a run's
MAX_FILES = 1_000  # metrics of one run
# Milliseconds since 1970; early versions wrote no step.
LINE = re.compile(r"(\d{9,16})[ \t]+(\S+)(?:[ \t]+(-?\d{1,15}))?")
DELETED = re.compile(r"^lifecycle_stage:\s*deleted\s*$", re.MULTILINE)
RUN_NAME = re.compile(r"^run_name:\s*(.+?)\s*$", re.MULTILINE)
# Milliseconds since 1970, value and step.
Point = tuple[int, float, float | None]
MAX_HEAD = 4096  # bytes of a file that are looked at to know it


def _folder_files(folder: Path) -> tuple[Path, ...]:
    """Return the metric files of a run's folder, or of its folder of metrics."""
    return _metric_files(folder if folder.name == METRICS else folder / METRICS)


def _metric_files(metrics: Path) -> tuple[Path, ...]:
    if metrics.is_symlink() or not metrics.is_dir():
        return ()
    files = islice((one for one in metrics.rglob("*") if not one.is_symlink() and one.is_file()), MAX_FILES)
    return tuple(sorted(one for one in files if _is_metric(one)))


def _is_metric(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            head = opened.read(MAX_HEAD)
    except OSError:
        return False
    return _is_metric_line(head.decode("utf-8", errors="replace").partition("\n")[0])


def _is_metric_line(line: str) -> bool:
    found = LINE.fullmatch(line.strip())
    return found is not None and _number(found[2]) is not None


def _matches(source: Source) -> bool:
    return _is_metric_line(source.text.lstrip().partition("\n")[0])


def _read(source: Source) -> Iterator[LoggedRun]:
    """Yield the run, unless it was deleted."""
    notes: list[str] = []
    if source.text:
        yield metrics_run(
            source.name, [_logged(_metric_name(source.path), source.text, notes)], notes, source.choices
        )
        return
    run = source.path.parent if source.path.name == METRICS else source.path
    about = _head(run / "meta.yaml")
    if DELETED.search(about):
        return
    logged = []
    for file in source.files:
        try:
            logged.append(_logged(_metric_name(file), read_text(file), notes))
        except (InputError, OSError) as error:
            source.refused.append(str(error))
        check_points(sum(len(points) for _, points in logged), source.name)
    name = f"{source.name} ({found[1]})" if (found := RUN_NAME.search(about)) else source.name
    yield metrics_run(name, logged, notes, source.choices)


def _head(file: Path) -> str:
    """Return the beginning of a small text file; nothing if it is not there."""
    if file.is_symlink() or not file.is_file():
        return ""
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_HEAD).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _metric_name(file: Path) -> str:
    """Return the metric's name, which may have folders in it.

    Example:
        >>> _metric_name(Path("mlruns/0/4fa/metrics/val/loss")), _metric_name(Path("downloads/acc"))
        ('val/loss', 'acc')
    """
    parts = file.parts
    if METRICS not in parts[:-1]:
        return file.name
    last = max(at for at, part in enumerate(parts[:-1]) if part == METRICS)
    return "/".join(parts[last + 1 :])


def _logged(metric: str, text: str, notes: list[str]) -> tuple[str, list[Point]]:
    lines = [line for line in text.splitlines() if line.strip()]
    points = [point for line in lines if (point := _point(line)) is not None]
    if lost := len(lines) - len(points):
        notes.append(
            f"{lost:,} {'line' if lost == 1 else 'lines'} of {metric!r} could not be read and {'was' if lost == 1 else 'were'} left out."
        )
    return metric, points


def metrics_run(
    name: str, logged: Sequence[tuple[str, Sequence[Point]]], notes: Sequence[str], choices: Choices
) -> LoggedRun:
    """Return the run that logged metrics, each with its points in the order of the log."""
    places = {
        time: place
        for place, time in enumerate(sorted({time for _, points in logged for time, _, _ in points}))
    }
    # A step that was never given is 0 throughout; early versions wrote none.
    has_steps = any(len({step for _, _, step in points}) > 1 for _, points in logged)
    has_order = any(len(points) > 1 for _, points in logged)
    series = []
    for metric, points in logged:
        at = [float(step or 0) if has_steps else float(place) for place, (_, _, step) in enumerate(points)]
        lines = list(
            accumulate((places[time] for time, _, _ in points), max)
        )  # clocks of several machines differ
        series.append(Series(metric, at, [value for _, value, _ in points], lines))
    if has_order and not has_steps:
        note = "Its values were logged without a step: they are counted in their order."
        return LoggedRun(name, series, "evaluation", notes=(*notes, note))
    counted = count_steps(series, epoch_name=choices.epoch)
    return LoggedRun(name, counted.series, counted.unit, counted.epochs, (*notes, *counted.notes))


def _point(line: str) -> Point | None:
    found = LINE.fullmatch(line.strip())
    value = _number(found[2]) if found else None
    if found is None or value is None:
        return None
    return int(found[1]), value, float(found[3]) if found[3] else None


def _number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None


MLFLOW = LogFormat("mlflow", "an MLflow run", _read, _matches, folder_files=_folder_files)
