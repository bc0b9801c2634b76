"""Curves that a page draws smoothed: means over seeds, from every epoch and not only from those that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.report.thinned_curves import DIGITS, log_grid
from justright.statistics.curves import smooth

if TYPE_CHECKING:
    import polars as pl

# Standard deviations of the Gaussian, in epochs: noise from one epoch to the next becomes a third, a sixth and a tenth.
SMOOTHINGS = (3, 10, 30)
LEAST_STDS = 10  # of them in the longest run: a wider one would smooth the curve away
MAX_POINTS = 120  # a smooth line needs fewer than the values that it was made of
MOST_SMOOTHED = 1e100  # a loss beyond it has left every scale


def smoothed_means(curves: pl.DataFrame, metrics: Sequence[str]) -> list[dict[str, Any]]:
    """Return each variant's mean over seeds, as far as all of them trained, smoothed by each standard deviation that suits.

    Runs on fewer training rows than the variant's most take no part.

    Args:
        curves: columns `variant`, `seed`, `train_rows`, `epoch` (from 0, all of them), and the metrics.
        metrics: the columns that are smoothed; those that are missing are left out.

    Returns:
        {variant, metric, std, epoch, values}, at up to 120 epochs that are evenly spaced in log(1 + epoch).

    Example:
        >>> import polars as pl
        >>> run = pl.DataFrame(
        ...     {"variant": "Tiny", "seed": 0, "train_rows": 9, "epoch": range(40), "loss": [1.0, 2.0] * 20}
        ... )
        >>> [(line["std"], round(line["values"][20], 2)) for line in smoothed_means(run, ["loss"])]
        [(3, 1.5)]
    """
    import polars as pl

    if curves.is_empty():
        return []
    last: Any = curves["epoch"].max()
    stds = [std for std in SMOOTHINGS if LEAST_STDS * std <= last + 1]
    lines = []
    for part in curves.partition_by("variant", maintain_order=True) if stds else ():
        most = part.filter(pl.col("train_rows") == pl.col("train_rows").max())
        runs = [run.sort("epoch") for run in most.partition_by("seed", maintain_order=True)]
        for metric in metrics:
            if metric not in most.columns:
                continue
            mean = _mean([run[metric].cast(float).fill_null(np.nan).to_numpy() for run in runs])
            for std in stds:
                at, values = _shown(smooth(mean, std))
                if at:
                    line = {"variant": part["variant"][0], "metric": metric, "std": std}
                    lines.append(line | {"epoch": at, "values": values})
    return lines


def _mean(runs: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Return the mean over the epochs that all runs have; NaN where one of them was not measured."""
    epochs = min(map(len, runs))
    values = np.stack([run[:epochs] for run in runs])
    return np.asarray(np.where(np.abs(values) < MOST_SMOOTHED, values, np.nan).mean(axis=0))


def _shown(values: npt.NDArray[np.float64]) -> tuple[list[int], list[float]]:
    """Return the epochs that are drawn, and the values there."""
    measured = np.flatnonzero(np.isfinite(values))
    if not len(measured):
        return [], []
    grid = log_grid(int(measured[-1]), MAX_POINTS)
    at = measured[np.unique(np.searchsorted(measured, grid))]
    return at.tolist(), [float(f"{value:.{DIGITS}g}") for value in values[at]]
