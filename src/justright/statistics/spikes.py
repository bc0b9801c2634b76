"""Spikes: single epochs whose loss lies far above that of their neighbours on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from justright.statistics.crossed import Floats
from justright.statistics.jitter import NORMAL_MAD, stray

NEIGHBOURS = 10  # epochs on each side, of which the median counts
# Ordinary jitter of real networks reaches 7 robust standard deviations in 1,000 epochs, as it is skewed.
FAR_ABOVE = 8.0
MOST = 5  # of a run: of more, those with the highest loss


@dataclass(frozen=True, slots=True)
class Peak:
    """One spike of a curve.

    Args:
        epoch: where.
        loss: there.
        level: the median of its neighbours, on the side where that is higher.
    """

    epoch: int
    loss: float
    level: float


def find_spikes(curve: Floats, since: int, *, least: float) -> tuple[Peak, ...]:
    """Return the spikes of a curve, in the order of their epochs.

    Args:
        curve: (epochs,), NaN where unknown.
        since: the first epoch that may be one.
        least: how far above its neighbours a spike lies at least, whatever the jitter.

    Example:
        >>> curve = 0.5 + 0.001 * np.sin(np.arange(60.0) * 2)
        >>> curve[40] = 1.5
        >>> [(one.epoch, one.loss) for one in find_spikes(curve, 20, least=0.005)]
        [(40, 1.5)]
    """
    epochs = np.flatnonzero(np.isfinite(curve))
    values = curve[epochs]
    # Steps between neighbours show the jitter without the trend.
    steps = np.diff(values[epochs >= since])
    if len(steps) < NEIGHBOURS:
        return ()
    high = max(FAR_ABOVE * NORMAL_MAD * float(np.median(np.abs(steps))) / np.sqrt(2), least)
    found = []
    for place in np.flatnonzero((epochs >= since) & _may_be_spike(values, high)).tolist():
        sides = values[max(place - NEIGHBOURS, 0) : place], values[place + 1 : place + 1 + NEIGHBOURS]
        level = max(float(np.median(side)) for side in sides if len(side))
        if place == len(values) - 1:  # with neighbours on one side alone a steep rise is no spike
            one = stray(values, place)
            level = float(values[place]) - (one.deviation if one else 0.0)
        if values[place] - level > high:
            found.append(Peak(int(epochs[place]), float(values[place]), level))
    highest = sorted(found, key=lambda one: -one.loss)[:MOST]
    return tuple(sorted(highest, key=lambda one: one.epoch))


def _may_be_spike(values: Floats, high: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which epochs are the highest among their neighbours, and lie `high` above the lowest on each side."""
    padded = np.pad(values, NEIGHBOURS, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, NEIGHBOURS)
    before, after = windows[: len(values)], windows[NEIGHBOURS + 1 :]
    is_peak = (values >= np.fmax.reduce(before, axis=1, initial=-np.inf)) & (
        values > np.fmax.reduce(after, axis=1, initial=-np.inf)
    )
    lows = [np.fmin.reduce(side, axis=1, initial=np.inf) for side in (before, after)]
    is_high = [~(values - np.where(np.isfinite(low), low, -np.inf) <= high) for low in lows]
    return np.asarray(is_peak & is_high[0] & is_high[1])
