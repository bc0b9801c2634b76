"""Parabolas through every end of a curve, for each strength of autocorrelation, and how likely each strength is.

An end is what a curve did from some point on. A parabola with the noise of a stationary first-order autoregression is
fitted to each by generalized least squares. How likely a strength of autocorrelation is follows from the restricted
likelihood (Harville, JASA 72, 1977) with its variance integrated out, so that the trend's parameters do not make noise look
small, of the end and of a cubic through what lay before it. Short curves say little about it: many strengths stay likely.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import lgamma

import numpy as np

from justright.statistics.crossed import Floats

# What noise may be like: how much consecutive points have in common, and the weight of that before a curve is seen. Of 16
# public logs of 19 to 150 evaluations half had less than 0.3, and a third more than 0.7. Weights that lean further to
# independent points find more rises, and `rises.LEVELS` see to it that no correlation leads to more false alarms.
CORRELATIONS = np.array([0.0, 0.2, 0.4, 0.55, 0.7, 0.8, 0.9, 0.95])
PRIOR = np.array([0.5, 0.17, 0.1, 0.07, 0.06, 0.04, 0.035, 0.025])
PARABOLA, CUBIC = 3, 4  # parameters
SHORTEST = 4  # points of an end: one more than a parabola has parameters
ROUNDING = 1e-12  # squared errors below this share of the squares are those of arithmetic
LEAST = 1e-24  # and below this, per point, for curves that spread over 1


@dataclass(frozen=True, slots=True)
class CurveEnds:
    """All ends with at least `SHORTEST` points of curves that are equally long, that of the whole curve first.

    Shape:
        lengths, freedom: (ends,); weights, variance: (curves, correlations, ends);
        coefficients: (curves, correlations, ends, powers); before: (curves, correlations, ends).

    Args:
        points: of each curve.
        lengths: how many points each end has.
        freedom: degrees of freedom of its noise.
        weights: how likely each correlation is, summing to 1 for each end.
        coefficients: of the parabola, in powers of time, which is -1 at the curve's first point and 0 at its last.
        variance: of the innovations: what a point has not in common with the one before.
        before: evidence of the points before each end, 0 for too few.
    """

    points: int
    lengths: Floats
    freedom: Floats
    weights: Floats
    coefficients: Floats
    variance: Floats
    before: Floats

    @property
    def deviation(self) -> Floats:
        """Standard deviation of one point about the trend, (curves, correlations, ends)."""
        return np.asarray(np.sqrt(self.variance / (1 - CORRELATIONS**2)[:, None]))

    def first(self) -> tuple[Floats, Floats]:
        """Return the parabola at each end's first point and its standard error, twice (curves, correlations, ends)."""
        return self._sums(_design(self.points, PARABOLA).powers[: len(self.lengths)])

    def last(self) -> Floats:
        """Return the parabola at the last point, (curves, correlations, ends)."""
        return self.coefficients[..., 0]

    def changes(self) -> tuple[Floats, Floats]:
        """Return by how much the parabola changes along each end, and its standard error, twice (curves, correlations, ends)."""
        times = _design(self.points, PARABOLA).powers[: len(self.lengths), 1]
        return self._sums(np.stack([np.zeros_like(times), -times, -(times**2)], axis=1))

    def only(self, curve: int) -> CurveEnds:
        """Return the ends of one curve."""
        one = slice(curve, curve + 1)
        return CurveEnds(
            self.points,
            self.lengths,
            self.freedom,
            self.weights[one],
            self.coefficients[one],
            self.variance[one],
            self.before[one],
        )

    def _sums(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return weighted sums of the coefficients, weights (ends, powers), and their standard errors."""
        inverse = _design(self.points, PARABOLA).inverse[:, : len(self.lengths)]
        per_variance = np.maximum(np.einsum("ei,peij,ej->pe", weights, inverse, weights), 0.0)
        return np.einsum("ei,cpei->cpe", weights, self.coefficients), np.sqrt(self.variance * per_variance)


def curve_ends(values: Floats) -> CurveEnds:
    """Return the ends of curves.

    Args:
        values: (curves, points), at least `SHORTEST` points, scaled so that each curve spreads over about 1.
    """
    points = values.shape[1]
    lengths = points - np.arange(points - SHORTEST + 1)
    coefficients, evidence, variance = _fits(values - values[:, -1:], PARABOLA, lengths)
    coefficients[..., 0] += values[:, -1, None, None]
    before = _evidence_before(values, len(lengths))
    return CurveEnds(
        points,
        lengths.astype(float),
        lengths - float(PARABOLA),
        weights_of(evidence, before),
        coefficients,
        variance,
        before,
    )


def evidence_of(left: Floats, freedom: Floats, log_determinant: Floats) -> Floats:
    """Return the logarithm of the restricted likelihood of fits, the variance integrated out, (curves, correlations, ends).

    Args:
        left: (curves, correlations, ends), squared errors.
        freedom: (ends,), degrees of freedom.
        log_determinant: (correlations, ends), of the normal equations.
    """
    gammas = np.array([lgamma(free / 2) for free in freedom.tolist()])
    evidence = gammas - freedom / 2 * np.log(np.pi * left)
    return np.asarray(evidence + 0.5 * np.log(1 - CORRELATIONS[:, None] ** 2) - 0.5 * log_determinant)


def weights_of(evidence: Floats, before: Floats) -> Floats:
    """Return how likely each correlation is, by the evidence of ends and of the points before them, (curves, correlations, ends)."""
    evidence = evidence + before + np.log(PRIOR)[:, None]
    shares = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class _Design:
    """Powers of time, from -1 at the first point to 0 at the last.

    Shape:
        powers: (points, parameters); steps: (correlations, points - 1, parameters), whitened;
        inverse: (correlations, points, parameters, parameters), NaN for ends that are too short;
        determinant: (correlations, points), its logarithm, of what was inverted.
    """

    powers: Floats
    steps: Floats
    inverse: Floats
    determinant: Floats


@lru_cache(maxsize=256)
def _design(points: int, parameters: int) -> _Design:
    grid = np.arange(1.0 - points, 1.0) / (points - 1)
    powers = np.stack([grid**power for power in range(parameters)], axis=1)
    phi = CORRELATIONS[:, None, None]
    steps = powers[1:] - phi * powers[:-1]
    sums = _summed(steps[..., :, None] * steps[..., None, :])
    sums += (1 - phi[..., None] ** 2) * powers[:, :, None] * powers[:, None, :]
    inverse, determinant = np.full_like(sums, np.nan), np.full(sums.shape[:2], np.nan)
    fitted = sums[:, : points - parameters]
    inverse[:, : points - parameters] = np.linalg.inv(fitted)
    determinant[:, : points - parameters] = np.linalg.slogdet(fitted)[1]
    return _Design(powers, steps, inverse, determinant)


def _summed(products: Floats) -> Floats:
    """Return sums over each end of what steps from one point to the next have; none leads to the last point's end.

    From the last point backwards, so that large early values do not cost the late ones their digits.

    Shape:
        products: (..., correlations, points - 1, a, b); returns: (..., correlations, points, a, b)
    """
    sums = np.zeros((*products.shape[:-3], products.shape[-3] + 1, *products.shape[-2:]))
    sums[..., :-1, :, :] = np.cumsum(products[..., ::-1, :, :], axis=-3)[..., ::-1, :, :]
    return sums


def _fits(values: Floats, parameters: int, lengths: np.ndarray) -> tuple[Floats, Floats, Floats]:
    """Return polynomials through ends of some lengths: coefficients, evidence and the innovations' variance.

    Shape:
        values: (curves, points); returns: (curves, correlations, lengths, parameters) and twice without the last
    """
    points = values.shape[1]
    design, starts = _design(points, parameters), points - lengths
    phi = CORRELATIONS[:, None]
    steps = values[:, None, 1:] - phi * values[:, None, :-1]
    both = np.concatenate([design.steps * steps[..., None], steps[..., None] ** 2], axis=-1)
    at_starts = np.concatenate([values[..., None] * design.powers, values[..., None] ** 2], axis=-1)
    sums = _summed(both[..., None])[..., 0] + (1 - phi[..., None] ** 2) * at_starts[:, None]
    sums = sums[:, :, starts]
    products, total = sums[..., :-1], sums[..., -1]
    coefficients = np.einsum("peij,cpej->cpei", design.inverse[:, starts], products)
    left = total - (coefficients * products).sum(axis=-1)
    left = np.maximum(left, ROUNDING * total + LEAST * lengths)
    freedom = lengths - parameters
    return coefficients, evidence_of(left, freedom, design.determinant[:, starts]), left / freedom


def _evidence_before(values: Floats, ends: int) -> Floats:
    """Return the evidence of the points before each end, 0 for too few: (curves, correlations, ends)."""
    evidence = np.zeros((len(values), len(CORRELATIONS), ends))
    lengths = np.arange(CUBIC + 2, ends)
    if len(lengths):
        evidence[:, :, lengths] = _fits(values[:, ::-1] - values[:, :1], CUBIC, lengths)[1]
    return evidence
