"""What is known of a whole study once: its hyperparameters and metrics, its features' distributions, and its verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from justright.records.boards.board_events import FILE_NAME, Content, Point, file_of, histogram, text
from justright.records.boards.hyperparameters import experiment_point
from justright.runs.events import VariantBuilt

STUDY_FILE, VERDICT_FILE = (FILE_NAME.format(number=number) for number in range(2))
VERDICT_TAG = "verdict"


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
        if column["counts"]
    ]
    return lambda wall: file_of(points, wall)


def verdict_content(markdown: str) -> Content:
    """Return a file that holds a verdict."""
    return lambda wall: file_of([Point(0, text(VERDICT_TAG, markdown))], wall)
