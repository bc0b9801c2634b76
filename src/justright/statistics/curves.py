"""Curves over epochs: smoothing for the eye, and the gap between training and validation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from justright.errors import InputError
from justright.statistics.crossed import Floats

KERNEL_REACH = 4  # standard deviations on each side; the weight left out is 6e-5, as in scipy.ndimage


def smooth(values: npt.ArrayLike, std: float) -> Floats:
    """Return curves smoothed along epochs by a Gaussian whose standard deviation is `std` epochs.

    TensorFlow's HistoryPlotter takes a `smoothing_std` too but never hands it on, so its curves are always
    smoothed by one epoch. At the ends, and where values are NaN, the weights left are scaled to sum to 1.

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
    reach = int(KERNEL_REACH * std + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / std) ** 2)
    is_known = np.isfinite(curves)
    flat = np.where(is_known, curves, 0.0).reshape(-1, curves.shape[-1])
    weights = is_known.reshape(flat.shape).astype(np.float64)
    total = np.array([_filter(row, kernel) for row in flat]).reshape(curves.shape)
    weight = np.array([_filter(row, kernel) for row in weights]).reshape(curves.shape)
    smoothed: Floats = np.divide(total, weight, out=np.full_like(curves, np.nan), where=is_known)
    return smoothed


def generalization_gap(train_loss: npt.ArrayLike, val_loss: npt.ArrayLike, *, window: int = 5) -> Floats:
    """Return how much worse each run is on validation rows than on training rows.

    Averaged over the last `window` epochs, in units of the loss; positive means worse on unseen rows.
    It says nothing about why.

    Args:
        train_loss: (runs, epochs), mean loss of the fixed training subset, inference mode, penalty excluded.
        val_loss: (runs, epochs), the same quantity on validation rows at the same epochs.
        window: number of final epochs averaged, to damp epoch-to-epoch noise.

    Returns:
        (runs,); NaN for a run that diverged inside the window.

    Raises:
        InputError: the shapes differ, or `window` is not in 1..epochs.

    Example:
        >>> generalization_gap(np.array([[0.9, 0.4, 0.2]]), np.array([[1.0, 0.7, 0.8]]), window=2).round(2)
        array([0.45])
    """
    train = np.asarray(train_loss, dtype=np.float64)
    validation = np.asarray(val_loss, dtype=np.float64)
    if train.ndim != 2 or train.shape != validation.shape:
        raise InputError(
            f"`train_loss` and `val_loss` must share the shape (runs, epochs); got {train.shape} and {validation.shape}."
        )
    if not 1 <= window <= train.shape[1]:
        raise InputError(f"`window` must lie in 1..{train.shape[1]}, the number of epochs; got {window!r}.")
    gap = (validation - train)[:, -window:]
    # NaN and infinity (a diverged run) both become NaN, without a warning about either.
    return np.asarray(np.where(np.isfinite(gap), gap, np.nan).mean(axis=1), dtype=np.float64)


def _filter(row: Floats, kernel: Floats) -> Floats:
    """Return the convolution of one curve with a symmetric kernel, zeros beyond its ends."""
    reach = len(kernel) // 2
    return np.asarray(np.convolve(row, kernel)[reach : reach + len(row)], dtype=np.float64)
