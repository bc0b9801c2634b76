"""Whether the noise of a curve is nearer to 1 % of its level than to 3 %, whatever the curve's course.

How much a curve moves from one value to the next is seen in a few of them, but how far noise of that kind wanders is not:
it may be small and independent, or large and slow. So no size is estimated. What is asked is which of two sizes makes the
curve likelier, on average over correlations and over courses: a cubic that falls up to some point, level from there on or
rising in one of three ways. The likelihood is the restricted one, as in `curve_ends`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from justright.statistics.crossed import Floats

SMALL, LARGE = 0.01, 0.03
STRENGTHS = (0.0, 0.7, 0.9)  # of autocorrelation: independent, and as slow as the noise of logs is
FALLS = (0, 1, 2, 3)  # powers of what is left until the turn
SATURATION = 3.0
MOST_TURNS = 20
FIRST_SHARE, LAST_SHARE = 8, 5  # one in so many points is before every turn, and after
FEWEST_BEFORE, FEWEST_AFTER = 4, 3
FEWEST_POINTS = 10  # of fewer a cubic and a rise leave hardly anything
# Of a spread of more times the level no part is noise of some per cent, and its squares may be no floats.
MOST_SPREAD = 1e3


@dataclass(frozen=True, slots=True)
class _Courses:
    """Courses of curves of one length, whitened for one correlation.

    Shape:
        falls: (turns, points, powers), orthonormal; rises: (turns, points, courses), orthogonal to those, of length 1;
        determinants: (turns, courses), what the likelihood has of them, as a logarithm.
    """

    falls: Floats
    rises: Floats
    determinants: Floats


def has_small_noise(values: Floats) -> bool:
    """Return whether noise of standard deviation `SMALL` makes a curve likelier than `LARGE` does.

    Args:
        values: (points,), the curve in units of its level.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> course = np.concatenate([np.linspace(1.5, 1, 10), np.linspace(1, 1.06, 20)])
        >>> [has_small_noise(course + size * rng.normal(size=30)) for size in (0.001, 0.01, 0.03, 0.3)]
        [True, True, False, False]
    """
    if len(values) < FEWEST_POINTS or not np.ptp(values) < MOST_SPREAD:
        return False
    small, large = (
        np.logaddexp.reduce([_evidence(values - values[-1], one, size) for one in STRENGTHS])
        for size in (SMALL, LARGE)
    )
    return bool(small > large)


def _evidence(values: Floats, strength: float, size: float) -> float:
    """Return the logarithm of the likelihood of noise of one kind, summed over all courses, but for a constant."""
    courses = _courses(len(values), strength)
    white = _whitened(values[:, None], strength)[:, 0]
    left = white @ white - ((white @ courses.falls) ** 2).sum(axis=-1)[:, None] - (white @ courses.rises) ** 2
    freedom = len(values) - len(FALLS) - 1
    evidence = courses.determinants - np.maximum(left, 0.0) / (2 * size**2) - freedom * np.log(size)
    return float(np.logaddexp.reduce(evidence, axis=None))


@lru_cache(maxsize=64)
def _courses(points: int, strength: float) -> _Courses:
    grid = np.arange(points) / (points - 1)
    first = max(FEWEST_BEFORE, points / FIRST_SHARE)
    last = points - 1 - max(FEWEST_AFTER, points / LAST_SHARE)
    turns = grid[np.unique(np.round(np.linspace(first, last, MOST_TURNS)).astype(int))][:, None]
    before = np.clip(1 - grid / turns, 0.0, 1.0)
    after = np.clip((grid - turns) / (1 - turns), 0.0, 1.0)
    falls, triangle = np.linalg.qr(_whitened(np.stack([before**power for power in FALLS], axis=-1), strength))
    saturating = (1 - np.exp(-SATURATION * after)) / (1 - np.exp(-SATURATION))
    rises = _whitened(np.stack([after, after**2, saturating], axis=-1), strength)
    rises = rises - falls @ (falls.transpose(0, 2, 1) @ rises)
    lengths = np.linalg.norm(rises, axis=1, keepdims=True)
    diagonal = np.abs(np.diagonal(triangle, axis1=1, axis2=2))
    determinants = -np.log(diagonal).sum(axis=1)[:, None] - np.log(lengths[:, 0])
    return _Courses(falls, rises / lengths, determinants - (points - 1) / 2 * np.log(1 - strength**2))


def _whitened(columns: Floats, strength: float) -> Floats:
    """Return columns whose stationary noise of variance 1 is made independent, (..., points, columns)."""
    steps = (columns[..., 1:, :] - strength * columns[..., :-1, :]) / np.sqrt(1 - strength**2)
    return np.concatenate([columns[..., :1, :], steps], axis=-2)
