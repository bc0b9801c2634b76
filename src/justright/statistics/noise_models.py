"""What the trend of one curve is and what its noise, for each strength of autocorrelation, and how likely each is.

The trend is a line with a few kinks and steps, single points (spikes) may lie anywhere, and the rest is a stationary
first-order autoregression. Kinks, steps and spikes are chosen one after the other, as long as each raises the marginal
likelihood; that is the restricted likelihood of Harville (JASA 72, 1977) with a prior for what was chosen, so that neither
the trend's parameters nor the choice among many make the noise look small. Short curves say little about the
autocorrelation: then several models stay likely, and what is said must hold on average over them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import lgamma, log, pi

import numpy as np

from justright.statistics.crossed import Floats

CORRELATIONS = (0.0, 0.2, 0.4, 0.55, 0.7, 0.8, 0.9, 0.95)
PRIOR = (0.125,) * 8
FEWEST_FREE = 2  # degrees of freedom that always stay for the noise
MOST_CHOSEN = 30
EXACT = 1e-9  # noise below this share of the range is that of rounding
WIDTH = 2.0  # of the uniform prior of a kink, step or spike, per range of the curve


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """One curve, read with one strength of autocorrelation.

    Shape:
        trend: (points,), spikes left out; spikes: (points,), how far each point lies off on its own.
        basis: (points, parameters); covariance: (parameters, parameters), per `variance`, of the trend's coefficients.

    Args:
        correlation: of the noise of consecutive points.
        evidence: logarithm of the marginal likelihood.
        variance: of one point about the trend.
        freedom: degrees of freedom of `variance`.
    """

    correlation: float
    evidence: float
    variance: float
    freedom: int
    trend: Floats
    spikes: Floats
    basis: Floats
    covariance: Floats

    def error(self, contrast: Floats) -> float:
        """Return the standard error of a weighted sum of the trend, weights (points,)."""
        weights = contrast @ self.basis
        return float(np.sqrt(max(weights @ self.covariance @ weights, 0.0) * self.variance))


def noise_models(values: Floats) -> tuple[NoiseModel, ...]:
    """Return the curve read with each of `CORRELATIONS`.

    Args:
        values: (points,), at least 5, within 0 and 1.
    """
    return tuple(_fit(values, correlation) for correlation in CORRELATIONS)


def weights_of(models: tuple[NoiseModel, ...]) -> Floats:
    """Return how likely each model is, summing to 1."""
    evidence = np.array([one.evidence for one in models]) + np.log(PRIOR)
    shares = np.exp(evidence - evidence.max())
    return np.asarray(shares / shares.sum())


@lru_cache(maxsize=16)
def _dictionary(points: int) -> tuple[Floats, int, int]:
    """Return what may be chosen, shape (points, candidates): kinks, steps, spikes, and how many of the first two."""
    grid = np.arange(points)
    # A kink after the first or before the last point is a spike there.
    kinks = [np.maximum(grid - at, 0) / (points - 1 - at) for at in range(2, points - 2)]
    # Steps leave at least three points on each side: with fewer they are spikes.
    steps = [(grid >= at).astype(float) for at in range(3, points - 2)]
    spikes = list(np.eye(points))
    return np.array(kinks + steps + spikes).T, len(kinks), len(kinks) + len(steps)


def _whitened(columns: Floats, correlation: float) -> Floats:
    """Return columns with the correlation of their rows taken out; the noise's variance becomes that of innovations."""
    out = columns.copy()
    out[1:] -= correlation * columns[:-1]
    out[0] *= np.sqrt(1 - correlation**2)
    return out


@lru_cache(maxsize=128)
def _white_dictionary(points: int, correlation: float) -> tuple[Floats, Floats, float]:
    """Return the whitened base (level and slope) as an orthonormal basis, the candidates orthogonal to it, and the
    logarithm of the base's determinant."""
    grid = np.arange(points) / (points - 1)
    base = _whitened(np.stack([np.ones(points), grid], axis=1), correlation)
    basis, upper = np.linalg.qr(base)
    white = _whitened(_dictionary(points)[0], correlation)
    return basis, white - basis @ (basis.T @ white), float(2 * np.log(np.abs(np.diag(upper))).sum())


def _fit(values: Floats, correlation: float) -> NoiseModel:
    points = len(values)
    dictionary, _, first_spike = _dictionary(points)
    basis, candidates, log_determinant = _white_dictionary(points, correlation)
    target = _whitened(values[:, None], correlation)[:, 0]
    rest = target - basis @ (basis.T @ target)
    floor = points * EXACT**2
    free, squares = points - 2, max(float(rest @ rest), floor)
    evidence = _evidence(free, squares) + 0.5 * log(1 - correlation**2) - 0.5 * log_determinant
    penalty = log(candidates.shape[1]) + log(WIDTH)
    sizes = np.einsum("ij,ij->j", candidates, candidates)
    full = sizes.copy()
    chosen: list[int] = []
    while len(chosen) < MOST_CHOSEN and free - 1 >= FEWEST_FREE:
        products = rest @ candidates
        possible = sizes > 1e-6 * full
        safe = np.where(possible, sizes, 1.0)
        left = np.maximum(squares - products**2 / safe, floor)
        gains = np.where(possible, -0.5 * (free - 1) * np.log(left) - 0.5 * np.log(safe), -np.inf)
        best = int(np.argmax(gains))
        new = _evidence(free - 1, float(left[best])) - 0.5 * log(safe[best]) - penalty
        if new + sum(0.0 for _ in ()) <= _evidence(free, squares):
            break
        evidence += new - _evidence(free, squares)
        direction = candidates[:, best] / np.sqrt(safe[best])
        rest = rest - direction * (direction @ rest)
        if not chosen:
            candidates = candidates.copy()
        along = direction @ candidates
        candidates = candidates - np.outer(direction, along)
        sizes = np.maximum(sizes - along**2, 0.0)
        squares, free = float(left[best]), free - 1
        chosen.append(best)
    grid = np.arange(points) / (points - 1)
    spiky = [one for one in chosen if one >= first_spike]
    smooth = [one for one in chosen if one < first_spike]
    columns = np.column_stack([np.ones(points), grid, dictionary[:, smooth], dictionary[:, spiky]])
    white = _whitened(columns, correlation)
    inverse = np.linalg.pinv(white.T @ white)
    coefficients = inverse @ (white.T @ target)
    many = 2 + len(smooth)
    spikes = np.zeros(points)
    spikes[[one - first_spike for one in spiky]] = coefficients[many:]
    return NoiseModel(
        correlation,
        evidence,
        max(squares, floor) / free / (1 - correlation**2),
        free,
        columns[:, :many] @ coefficients[:many],
        spikes,
        columns[:, :many],
        inverse[:many, :many] * (1 - correlation**2),
    )


def _evidence(free: int, squares: float) -> float:
    """Return the logarithm of the restricted likelihood, its variance integrated out under Jeffreys' prior."""
    return lgamma(free / 2) - 0.5 * free * log(pi * squares)
