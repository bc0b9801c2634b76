"""Ends of a curve that stay low at first and then high: what a parabola does not follow.

Of every end the first points are one level and all others another, with the noise of a stationary first-order autoregression.
The fit is by generalized least squares, as in `curve_ends`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from justright.statistics.crossed import Floats
from justright.statistics.curve_ends import CORRELATIONS, LEAST, ROUNDING, SHORTEST, evidence_of, weights_of

LOW_SHARE = 8  # one in so many points is low
FEWEST_LOW = 3
LEVELS = 2  # parameters
# With strong autocorrelation a step rests on one innovation, and those have heavy tails: with Student's distribution with
# fewer degrees of freedom than those of the noise, a single large one is taken for a step in 6 instead of 30 % of
# simulated curves.
TAIL_FREEDOM = 3.0


@dataclass(frozen=True, slots=True)
class Plateaus:
    """Steps up, for the ends of curves that are equally long.

    Shape:
        freedom: (correlations, ends); the others: (curves, correlations, ends).

    Args:
        freedom: degrees of freedom by which to judge a step.
        weights: how likely each correlation is.
        low: the first level. rises: how far the second lies above it. errors: standard errors of that.
        deviation: standard deviation of one point about its level.
    """

    freedom: Floats
    weights: Floats
    low: Floats
    rises: Floats
    errors: Floats
    deviation: Floats


def plateaus(values: Floats, before: Floats) -> Plateaus:
    """Return the steps of curves, one for each end with at least `curve_ends.SHORTEST` points.

    Args:
        values: (curves, points), scaled so that each curve spreads over about 1.
        before: evidence of the points before each end, as `CurveEnds` has it.
    """
    curves, points = values.shape
    starts = np.arange(points - SHORTEST + 1)
    lengths = points - starts
    steps = starts + np.clip(np.round(lengths / LOW_SHARE).astype(int), FEWEST_LOW, lengths - 1)
    shifted = values - values[:, -1:]
    phi = CORRELATIONS[:, None]
    apart = shifted[:, None, 1:] - phi * shifted[:, None, :-1]
    # Sums over the whitened points after each one, none after the last.
    after, squares = (
        np.concatenate(
            [np.cumsum(one[..., ::-1], axis=-1)[..., ::-1], np.zeros((curves, len(phi), 1))], axis=-1
        )
        for one in (apart, apart**2)
    )
    first = shifted[:, None, starts]
    level = (1 - phi) * after[..., starts] + (1 - phi**2) * first
    step = apart[..., steps - 1] + (1 - phi) * after[..., steps]
    total = squares[..., starts] + (1 - phi**2) * first**2
    level_size = (1 - phi) ** 2 * (lengths - 1) + 1 - phi**2
    both = (1 - phi) + (1 - phi) ** 2 * (points - 1 - steps)
    step_size = 1 + (1 - phi) ** 2 * (points - 1 - steps)
    determinant = level_size * step_size - both**2
    low = (step_size * level - both * step) / determinant
    rises = (level_size * step - both * level) / determinant
    left = np.maximum(total - low * level - rises * step, ROUNDING * total + LEAST * lengths)
    freedom = lengths - float(LEVELS)
    variance = left / freedom
    return Plateaus(
        np.minimum(freedom, TAIL_FREEDOM / np.maximum(phi, 0.01) ** 2),
        weights_of(evidence_of(left, freedom, np.log(determinant)), before),
        low + values[:, -1, None, None],
        rises,
        np.sqrt(variance * level_size / determinant),
        np.sqrt(variance / (1 - phi**2)),
    )
