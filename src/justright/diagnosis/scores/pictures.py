"""What plots of predictions show: curves, calibration, confusion and single rows, over the runs of one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from justright.diagnosis.evidence import Losses
from justright.diagnosis.scores.metrics import Targets
from justright.statistics.class_metrics import (
    ClassPredictions,
    Confusion,
    calibration_error,
    class_ranking,
    told_and_seen,
)
from justright.statistics.crossed import Floats
from justright.statistics.intervals import normal_quantile
from justright.statistics.ranking import Ranking, precision_recall_curve, roc_curve

POINTS = 201  # of a curve: finer than a screen shows
MOST_DRAWN = 400  # rows drawn one by one in a page: more of them hide each other
MOST_CLASSES = 30  # whose confusion a page keeps
ROUNDING = 1e-12  # of recalls


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Curves over the same places: one for each run, or for each class against the rest, averaged over runs.

    Shape:
        x: (points,) false positive rates, or recalls.
        y: (curves, points) true positive rates, or precisions.
    """

    x: Floats
    y: Floats


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationBins:
    """Probabilities against the shares that came true, averaged over runs; bins without rows are left out.

    Shape:
        told, seen, low, high, rows: (bins,) mean probability, share that came true with its 95 % interval over rows
            (Wilson's), and rows on average over runs.
    """

    told: Floats
    seen: Floats
    low: Floats
    high: Floats
    rows: Floats


def roc_curves(runs: Sequence[ClassPredictions]) -> Curves:
    """Return true against false positive rates, of class 1 of two for each run, or of each class that the rows contain."""
    return _curves(runs, _roc_at)[0]


def precision_recall_curves(runs: Sequence[ClassPredictions]) -> Curves:
    """Return precisions against recalls, likewise; the precision is that of the highest threshold with at least the recall."""
    return _curves(runs, _precision_at)[0]


def calibration_bins(runs: Sequence[ClassPredictions]) -> CalibrationBins:
    """Return the calibration of several runs on the same rows: of class 1 of two, or of the most probable class."""
    found = [calibration_error(*told_and_seen(run.probabilities, run.classes), run.weights) for run in runs]
    rows = np.mean([one.rows for one in found], axis=0)
    is_there = rows > 0
    rows = rows[is_there]
    told, seen = (
        np.nansum([getattr(one, name) * one.rows for one in found], axis=0)[is_there] / rows / len(runs)
        for name in ("told", "seen")
    )
    factor = normal_quantile(0.95) ** 2 / rows
    middle = (seen + factor / 2) / (1 + factor)
    half = np.sqrt(factor * (seen * (1 - seen) + factor / 4)) / (1 + factor)
    return CalibrationBins(told, seen, middle - half, middle + half, rows)


def confusion_counts(runs: Sequence[ClassPredictions]) -> Floats:
    """Return (own classes, predicted classes) rows, averaged over runs."""
    return np.asarray(np.mean([Confusion.of(run).counts for run in runs], axis=0))


def spread_rows(targets: Targets, most: int = MOST_DRAWN) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return at most `most` rows, spread evenly over the order of their targets, so that both ends are drawn.

    Example:
        >>> spread_rows(np.array([3.0, 1.0, 2.0]), 2).tolist()
        [1, 0]
    """
    order = np.argsort(targets, kind="stable")
    if len(order) <= most:
        return order
    return order[np.round(np.linspace(0, len(order) - 1, most)).astype(np.int64)]


def shown_classes(runs: Sequence[ClassPredictions]) -> list[int]:
    """Return the classes that have curves: the second of two, or all that the rows contain; none if that is one only."""
    present = np.unique(runs[0].classes).tolist()
    if len(present) < 2:
        return []
    return [1] if runs[0].is_binary else present


def class_pictures(runs: Sequence[ClassPredictions]) -> dict[str, Any]:
    """Return what a page draws of a model's classes, as plain values: means over runs."""
    pictures: dict[str, Any] = {"calibration": plain_arrays(calibration_bins(runs))}
    if runs[0].count <= MOST_CLASSES:
        pictures["confusion"] = confusion_counts(runs).tolist()
    if runs[0].is_binary and shown_classes(runs):
        both = _curves(runs, _roc_at, _precision_at)
        for name, curves in zip(("roc", "precision_recall"), both, strict=True):
            pictures[name] = {"x": curves.x.tolist(), "y": curves.y.mean(axis=0).tolist()}
    return pictures


def value_pictures(predicted: Losses, targets: Targets) -> dict[str, Any]:
    """Return what a page draws of a model's values, as plain values.

    Args:
        predicted: (rows,) of one run.
        targets: (rows,).
    """
    rows = spread_rows(targets)
    return {"true": targets[rows].tolist(), "predicted": predicted[rows].tolist()}


def plain_arrays(found: CalibrationBins) -> dict[str, list[float]]:
    """Return arrays by name as lists."""
    return {field.name: getattr(found, field.name).tolist() for field in fields(found)}


def _roc_at(ranking: Ranking, places: Floats) -> Floats:
    return np.interp(places, *roc_curve(ranking))


def _precision_at(ranking: Ranking, places: Floats) -> Floats:
    recall, precision = precision_recall_curve(ranking)
    return np.asarray(precision[np.searchsorted(recall, places - ROUNDING)])


def _curves(
    runs: Sequence[ClassPredictions], *kinds: Callable[[Ranking, Floats], Floats]
) -> tuple[Curves, ...]:
    """Return curves of each kind; rows are ranked once for all kinds."""
    places = np.linspace(0, 1, POINTS)

    def drawn(ranking: Ranking) -> list[Floats]:
        return [at(ranking, places) for at in kinds]

    values = [[drawn(class_ranking(run, each)) for run in runs] for each in shown_classes(runs)]
    if not values:
        return tuple(Curves(places, np.empty((0, POINTS))) for _ in kinds)
    every = np.array(values)  # (classes, runs, kinds, points)
    shown = every[0] if runs[0].is_binary else every.mean(axis=1)
    return tuple(Curves(places, shown[:, kind]) for kind in range(len(kinds)))
