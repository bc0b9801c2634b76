"""What one noisy curve did: by how much it rose after its lowest stretch, since when, and whether it still falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from justright.statistics.crossed import Floats
from justright.statistics.noise_models import noise_models, weights_of
from justright.statistics.unimodal import turning_errors


@dataclass(frozen=True, slots=True)
class Change:
    """A difference along a curve with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What one curve did.

    Positions count the points that were given, from 0.

    Args:
        best: position of the lowest value, spikes aside.
        lowest: the trend there: the level of the curve at its lowest, which a single lucky point does not lower.
        end: the trend at the last point.
        rise: `end` minus `lowest`, with an interval that holds although the lowest was selected; `low` > 0: it rose.
        since: first and last position at which the rise may have begun; None unless it rose.
        fall: by how much the curve changed over its last quarter: `high` < 0 means that it still fell.
        spikes: positions of single points far from their neighbours, which decide nothing.
        jitter: standard deviation of one point about the trend, without spikes.
        correlation: of the jitter of consecutive points, as estimated.
    """

    best: int
    lowest: float
    end: float
    rise: Change
    since: tuple[int, int] | None
    fall: Change
    spikes: tuple[int, ...]
    jitter: float
    correlation: float


FEWEST_POINTS = 5
MOST_POINTS = 150  # of longer curves the means of so many stretches are read
ERROR_RATE = 0.05
NARROWEST = 2
WIDENING = 1.5
LOOKED_AT = 16
ONSET = 4.0


def find_turn(values: Floats, at: Floats | None = None) -> Turn:
    values = np.asarray(values, dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    if not high > low:
        still = Change(0.0, 0.0, 0.0)
        return Turn(0, low, low, still, None, still, (), 0.0, 0.0)
    stretch = -(-len(values) // MOST_POINTS)
    curve = _means(values, stretch)
    first = _first_relevant(curve)
    kept = curve[first:]
    base, scale = float(kept.min()), float(np.ptp(kept)) or 1.0
    kept = (kept - base) / scale
    models = noise_models(kept)
    weights = weights_of(models)
    likely = max(range(len(models)), key=lambda one: weights[one])
    off = models[likely].spikes
    spiky = off != 0
    if spiky[0] and off[0] > 0:
        spiky[0] = False
    clean = np.flatnonzero(~spiky)
    trend = sum(weight * one.trend for weight, one in zip(weights, models, strict=True))
    rise_low = _surest_rise(kept[clean], models, weights)
    best = int(np.argmin(np.where(spiky, np.inf, kept)))
    place = int(np.argmin(trend))
    value = float(trend[-1] - trend[place])
    contrast = np.zeros(len(kept))
    contrast[-1] += 1
    contrast[place] -= 1
    rise_high = _bound(models, weights, contrast, 1 - ERROR_RATE / 2)
    value = max(value, rise_low, 0.0)
    rise = Change(value, min(rise_low, value), max(rise_high, value))
    quarter = max(len(kept) // 4, 2)
    contrast = np.zeros(len(kept))
    contrast[-1] += 1
    contrast[-1 - quarter] -= 1
    fall = Change(
        float(contrast @ trend),
        _bound(models, weights, contrast, ERROR_RATE / 2),
        _bound(models, weights, contrast, 1 - ERROR_RATE / 2),
    )
    since = None
    if rise.low > 0:
        since = _onset(kept, clean, models, weights)
        since = ((first + since[0]) * stretch, min((first + since[1] + 1) * stretch, len(values)) - 1)
    jitter = float(np.sqrt(sum(w * m.variance for w, m in zip(weights, models, strict=True))))
    correlation = float(sum(w * m.correlation for w, m in zip(weights, models, strict=True)))
    return Turn(
        (first + best) * stretch,
        base + scale * float(trend[place]),
        base + scale * float(trend[-1]),
        _scaled(rise, scale),
        since,
        _scaled(fall, scale),
        tuple(int(p) for p in (np.flatnonzero(spiky) + first) * stretch),
        jitter * scale,
        correlation,
    )


def _onset(values, clean, models, weights):
    errors = turning_errors(values[clean])
    size = sum(
        w * m.variance * (1 + m.correlation) / (1 - m.correlation)
        for w, m in zip(weights, models, strict=True)
    )
    fits = np.flatnonzero(errors <= errors.min() + ONSET * size)
    return int(clean[fits[0]]), int(clean[fits[-1]])


def _scaled(c, s):
    return Change(c.value * s, c.low * s, c.high * s)


def _means(values, stretch):
    if stretch == 1:
        return values
    starts = np.arange(0, len(values), stretch)
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))


def _first_relevant(curve):
    tail = curve[len(curve) // 2 :]
    q = np.quantile(tail, (0.1, 0.9))
    level = q[1] + 2 * (q[1] - q[0])
    first = int(np.argmax(curve <= level))
    return (
        min(first, len(curve) - 5)
        if first < len(curve) // 2
        else len(curve) // 2
        if len(curve) >= 10
        else len(curve) - 5
    )


def _surest_rise(values, models, weights):
    from scipy import special

    points = len(values)
    sums = np.concatenate([[0.0], values.cumsum()])
    rises, errors, rates = [], [], []
    width = float(NARROWEST)
    while width < 2.001 or width <= points / 2.5:
        w = int(width)
        if points < 2 * w:
            break
        means = (sums[w:] - sums[:-w]) / w
        starts = np.arange(points - 2 * w + 1)
        rises.append(means[-1] - means[starts])
        errors.append(np.array([_window_error(m, w, points - w - starts) for m in models]))
        rates.append(np.full(len(starts), min(ERROR_RATE, 8 * ERROR_RATE * w / points**2)))
        width *= WIDENING
    rise, error, rate = np.concatenate(rises), np.concatenate(errors, axis=1), np.concatenate(rates)
    free = np.array([m.freedom for m in models], float)[:, None]
    rms = np.sqrt(weights @ error**2)
    crude = rise + special.stdtrit(weights @ free[:, 0], rate) * rms
    top = np.argsort(crude)[-LOOKED_AT:]
    lows = [_mixture(rise[i], error[:, i], free[:, 0], weights, rate[i]) for i in top]
    return max(lows)


def _window_error(model, w, lags):
    phi = model.correlation
    k = np.arange(1, w)
    var = (w + 2 * ((w - k) * phi**k).sum()) / w**2
    cov = phi ** (lags - w + 1.0) * ((1 - phi**w) / (1 - phi)) ** 2 / w**2 if phi else 0.0 * lags
    return np.sqrt(model.variance * (2 * var - 2 * cov))


def _mixture(centre, errors, free, weights, share):
    """x with sum w P(centre + error t < x) = share"""
    from scipy import special

    centre = np.broadcast_to(centre, errors.shape)
    ends = centre + errors * special.stdtrit(free, share)
    lo, hi = ends.min(), ends.max()
    for _ in range(30):
        mid = (lo + hi) / 2
        p = weights @ special.stdtr(free, (mid - centre) / np.maximum(errors, 1e-300))
        lo, hi = (mid, hi) if p < share else (lo, mid)
    return float((lo + hi) / 2)


def _bound(models, weights, contrast, share):
    return _mixture(
        np.array([contrast @ m.trend for m in models]),
        np.array([m.error(contrast) for m in models]),
        np.array([m.freedom for m in models], float),
        weights,
        share,
    )
