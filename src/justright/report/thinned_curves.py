"""Curves of thousands of epochs as the few hundred points that a picture can show."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.report.number_formats import is_share
from justright.runs.plain import plain

if TYPE_CHECKING:
    import polars as pl

KEYS = ("variant", "seed", "train_rows", "epoch")
MAX_POINTS = 400  # a chart is about 700 pixels wide: more points than that cannot be seen
LEAST_POINTS = 40  # of a run where there are many
ALL_POINTS = 12_000  # of all runs together: with six metrics less than a megabyte
GRID_POINTS = 240  # log-spaced epochs common to all runs, so that means over seeds are over the same epochs
MAX_FIXED = 120  # epochs measured on the fixed training subset, which come on a grid of their own
DIGITS = 6  # significant ones: below a pixel, above what two printed values need to be told apart


def thin_curves(curves: pl.DataFrame, *, max_points: int | None = None) -> list[dict[str, Any]]:
    """Return every run's curves with at most `max_points` epochs each; nothing is lost that the report marks.

    All runs share one log-spaced grid of epochs; a run's first and last epoch and the extremes of each of
    its metrics are kept besides. No value is averaged: what is kept was measured.

    Args:
        curves: columns `variant`, `seed`, `train_rows`, `epoch` and one for each metric (NaN or null: not measured).
        max_points: most epochs kept of a run; None decides by the number of runs, 400 for up to 30 of them.

    Returns:
        A `RunCurves` for each run, in order of appearance; metrics that a run never measured are left out.

    Example:
        >>> import polars as pl
        >>> frame = pl.DataFrame(
        ...     {"variant": "Tiny", "seed": 0, "train_rows": 10, "epoch": [0, 1], "loss": [0.7, 0.6]}
        ... )
        >>> thin_curves(frame)[0]["metrics"]
        {'loss': [0.7, 0.6]}
    """
    names = [name for name in curves.columns if name not in KEYS]
    if curves.is_empty():
        return []
    parts = curves.partition_by(list(KEYS[:3]), maintain_order=True)
    most = max_points or max(LEAST_POINTS, min(MAX_POINTS, ALL_POINTS // len(parts)))
    last: Any = curves["epoch"].max()
    grid = log_grid(int(last), min(GRID_POINTS, most))
    return [_thin_run(part, names, grid, most) for part in parts]


def log_grid(last: int, points: int) -> npt.NDArray[np.int64]:
    """Return about `points` epochs in 0..last, all if they are so few, else evenly spaced in log(1 + epoch)."""
    if last < points:
        return np.arange(last + 1)
    spaced = np.round(np.expm1(np.linspace(0, math.log1p(last), points)))
    return np.unique(spaced.astype(np.int64))


def _thin_run(
    part: pl.DataFrame, names: Iterable[str], grid: npt.NDArray[np.int64], max_points: int
) -> dict[str, Any]:
    """Return one run at its ends and extremes first, then at epochs of the fixed subset, then at those of the grid."""
    part = part.sort("epoch")
    columns = {name: part[name].cast(float).fill_null(math.nan).to_numpy() for name in names}
    metrics = {name: values for name, values in columns.items() if np.isfinite(values).any()}
    epochs = part["epoch"].cast(int).to_numpy()
    keep = np.zeros(len(epochs), dtype=bool)
    keep[[0, -1]] = True
    for name, values in metrics.items():
        lowest = np.where(np.isfinite(values), values, np.inf).argmin()
        keep[np.nanargmax(values) if is_share(name) else lowest] = True
    fixed = min(MAX_FIXED, max_points // 3)
    for name, values in metrics.items():
        if name.startswith("fixed_"):
            _fill(keep, np.flatnonzero(np.isfinite(values)), min(max_points, int(keep.sum()) + fixed))
            break  # every metric of the fixed subset is measured at the same epochs
    _fill(keep, np.flatnonzero(np.isin(epochs, grid)), max_points)
    return {
        **{key: part[key][0] for key in KEYS[:3]},
        "epoch": plain(epochs[keep]),
        "metrics": {name: [_rounded(value) for value in values[keep]] for name, values in metrics.items()},
    }


def _fill(keep: npt.NDArray[np.bool_], candidates: npt.NDArray[np.intp], limit: int) -> None:
    """Mark candidates until `limit` are kept; when there are too many, take them evenly in log(1 + position)."""
    candidates = candidates[~keep[candidates]]
    room = limit - int(keep.sum())
    if len(candidates) > room:
        places = np.log1p(candidates)
        wanted = np.linspace(places[0], places[-1], max(0, room))
        candidates = candidates[np.unique(np.searchsorted(places, wanted).clip(max=len(places) - 1))]
    keep[candidates] = True


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
