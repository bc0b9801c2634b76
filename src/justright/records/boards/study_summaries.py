"""What is known of a whole study once: its hyperparameters and metrics, its features' distributions, and its verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from justright.errors import InputError
from justright.records.boards.board_events import (
    FILE_NAME,
    Content,
    Point,
    file_of,
    histogram,
    point_event,
    text,
)
from justright.records.boards.hyperparameters import experiment_point
from justright.records.boards.shared_files import append_shared, are_ours, write_shared
from justright.records.event_files import event_records, is_cut_off, read_events
from justright.runs.events import VariantBuilt

STUDY_FILE, VERDICT_FILE = (FILE_NAME.format(number=number) for number in range(2))
MAX_VERDICT_BYTES = 32 << 20  # of 2,000 variants some 4 MB each time; a larger file begins anew


def study_content(
    study: Mapping[str, Any], built: Sequence[VariantBuilt], facts: Mapping[str, Any]
) -> Content:
    """Return what the file beside all groups says.

    Args:
        study: the plain values of its study.toml.
        built: the models of its variants.
        facts: the summary of its table.
    """
    target = facts.get("target_column")
    columns = [*facts.get("columns", ()), *([target] if target else [])]
    points = [experiment_point(study, built, facts)]
    points += [
        Point(0, histogram(f"features/{column['name']}", column["edges"], column["counts"]))
        for column in columns
        if column.get("counts")
    ]
    return lambda wall: file_of(points, wall)


def keep_verdicts(path: Path, verdicts: Mapping[str, str], now: float) -> None:
    """Add verdicts to a file, after those that stand there, except those that have not changed.

    They are appended: a running TensorBoard that has the file open sees them. The step of a verdict is its number.

    Args:
        path: the file.
        verdicts: tag -> Markdown.
        now: wall time, in seconds since 1970.

    Raises:
        FolderError: the disk is full, read-only or gone.
    """
    said = _said(path)
    if said is None or not are_ours([path]):
        points = [Point(0, text(tag, markdown)) for tag, markdown in verdicts.items()]
        write_shared([path], file_of(points, now))
        return
    changed = {tag: new for tag, new in verdicts.items() if said.get(tag, [])[-1:] != [new]}
    points = [Point(len(said.get(tag, ())), text(tag, markdown)) for tag, markdown in changed.items()]
    if points:
        append_shared([path], event_records(point_event(point, now) for point in points))


def _said(path: Path) -> dict[str, list[str]] | None:
    """Return tag -> the verdicts in a file; None if it is missing, damaged, or too large to be ours."""
    said: dict[str, list[str]] = {}
    try:
        if path.stat().st_size > MAX_VERDICT_BYTES or is_cut_off(path):
            return None
        for event in read_events(path, most_bytes=MAX_VERDICT_BYTES):
            for value in event.summary.value:
                earlier = said.setdefault(value.tag, [])
                if event.step != len(earlier):  # as when the file was written twice
                    return None
                earlier.append(value.tensor.string_val[0].decode())
    except (InputError, OSError, LookupError, UnicodeDecodeError):
        return None
    return said
