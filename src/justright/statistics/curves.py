"""Smooth curves over epochs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from justright.errors import InputError
from justright.statistics.crossed import Floats

REACH = 4.0  # standard deviations: what lies beyond has less than a ten-thousandth of the weight


def smooth(values: npt.ArrayLike, std: float) -> Floats:
    """Return curves smoothed along epochs by a Gaussian whose standard deviation is `std` epochs.

    TensorFlow's HistoryPlotter also takes a `smoothing_std` but never passes it on, so its curves are always smoothed by
    one epoch. At the ends, and next to NaN, the remaining weights are scaled to sum to 1.

    Args:
        values: (..., epochs); NaN where a metric was not measured.
        std: standard deviation in epochs; 0 returns the values unchanged.

    Returns:
        (..., epochs); NaN where the value was NaN.

    Raises:
        InputError: `std` is negative or not finite, or there is no axis of epochs.

    Example:
        >>> smooth([0.0, 0.0, 1.0, 0.0, 0.0], 1.0).round(3)
        array([0.077, 0.257, 0.403, 0.257, 0.077])
    """
    curves = np.array(values, dtype=np.float64)
    if curves.ndim == 0:
        raise InputError("`values` must have an axis of epochs; got a single number.")
    if not 0 <= std < np.inf:
        raise InputError(f"`std` must be a finite number of epochs of at least 0; got {std!r}.")
    if std == 0 or curves.shape[-1] == 0:
        return curves
    reach = min(curves.shape[-1], int(REACH * std + 0.5))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / std) ** 2)

    def weighted(part: Floats) -> Floats:
        return np.convolve(part, kernel)[reach : reach + len(part)]

    is_known = np.isfinite(curves)
    total, weight = (
        np.apply_along_axis(weighted, -1, part)
        for part in (np.where(is_known, curves, 0.0), is_known.astype(np.float64))
    )
    smoothed: Floats = np.divide(total, weight, out=np.full_like(curves, np.nan), where=is_known)
    return smoothed
