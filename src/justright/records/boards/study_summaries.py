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
VERDICT_TAG = "verdict"
MAX_VERDICT_BYTES = 8 << 20  # of 2,000 variants 1 MB at most; a larger file begins anew


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


def keep_verdict(paths: Sequence[Path], markdown: str, now: float) -> None:
    """Write a verdict under each name of a file, after those that stand there, unless it is the last of them.

    It is appended: a running TensorBoard that has the file open sees it. The step of a verdict is its number.

    Raises:
        FolderError: the disk is full, read-only or gone.
    """
    told = {_told(path) for path in paths}
    before = told.pop() if len(told) == 1 else None
    if before and before[-1] == markdown:
        return
    if before is None or not are_ours(paths):
        write_shared(paths, file_of([Point(0, text(VERDICT_TAG, markdown))], now))
    else:
        point = Point(len(before), text(VERDICT_TAG, markdown))
        append_shared(paths, event_records([point_event(point, now)]))


def _told(path: Path) -> tuple[str, ...] | None:
    """Return the verdicts in a file; None if it is missing, damaged, or too large to be ours."""
    try:
        if path.stat().st_size > MAX_VERDICT_BYTES or is_cut_off(path):
            return None
        events = [event for event in read_events(path, most_bytes=MAX_VERDICT_BYTES) if event.summary.value]
        told = tuple(event.summary.value[0].tensor.string_val[0].decode() for event in events)
        return told if [event.step for event in events] == list(range(len(told))) else None
    except (InputError, OSError, LookupError, UnicodeDecodeError):
        return None
