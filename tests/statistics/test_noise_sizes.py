"""Which of two sizes of noise makes a curve likelier."""

from __future__ import annotations

import numpy as np
import pytest

from justright.statistics.crossed import Floats
from justright.statistics.noise_sizes import LARGE, MOST_SPREAD, SMALL, STRENGTHS, _evidence, has_small_noise

GRID = np.linspace(0, 1, 30)
RISING = 1 + 0.5 * np.clip(1 - GRID / 0.4, 0, 1) ** 2 + 0.06 * np.clip((GRID - 0.4) / 0.6, 0, 1)
LEVEL = 1 + 0.5 * np.clip(1 - GRID / 0.4, 0, 1) ** 2


def noise(strength: float, size: float, curves: int) -> Floats:
    """Stationary noise, drawn by the root of its covariance: (curves, 30)."""
    rng = np.random.default_rng([int(10 * strength), int(1_000 * size)])
    return size * rng.normal(size=(curves, 30)) @ np.linalg.cholesky(covariance(strength, 30)).T


def covariance(strength: float, points: int) -> Floats:
    """Of stationary noise of variance 1."""
    places = np.arange(points)
    return np.asarray(strength ** np.abs(places[:, None] - places), dtype=np.float64)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_both_sizes_are_told_apart_whatever_the_course_and_correlation(strength: float):
    """Rising or level; most are wanted, as no curve of 30 points tells surely."""
    for course in (RISING, LEVEL):
        small, large = (
            np.mean([has_small_noise(course + one) for one in noise(strength, size, 60)])
            for size in (SMALL, LARGE)
        )
        assert small > 0.9
        assert large < 0.3


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_evidence_is_the_density_of_what_no_course_explains(strength: float, size: float):
    """Oracle: the density of a curve's contrasts with each course, by their covariance, summed over courses."""
    points = 12
    rng = np.random.default_rng(1)
    curves = 1 + 0.02 * rng.normal(size=(2, points))
    wanted = []
    for curve in curves:
        parts = []
        for turn in range(4, 9):
            grid = np.arange(points) / (points - 1)
            before = np.clip(1 - grid / grid[turn], 0, 1)
            after = np.clip((grid - grid[turn]) / (1 - grid[turn]), 0, 1)
            for rise in (after, after**2, (1 - np.exp(-3 * after)) / (1 - np.exp(-3))):
                design = np.stack([before**0, before, before**2, before**3, rise], axis=1)
                inverse = np.linalg.inv(size**2 * covariance(strength, points))
                normal = design.T @ inverse @ design
                left = curve - design @ np.linalg.solve(normal, design.T @ inverse @ curve)
                logs = np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(normal)[1]
                parts.append(0.5 * logs - 0.5 * left @ inverse @ left)
        wanted.append(np.logaddexp.reduce(parts))
    found = [_evidence(curve, strength, size) for curve in curves]
    assert np.array(found) == pytest.approx(np.array(wanted), rel=1e-7, abs=1e-7)


def test_no_noise_at_all_is_small_and_a_huge_spread_is_none():
    """Neither overflows."""
    assert has_small_noise(np.ones(30))
    assert not has_small_noise(MOST_SPREAD * RISING * GRID * 10)
    assert not has_small_noise(np.array([0.0, 1e300] * 15))


def test_curves_too_short_for_a_course_and_noise_have_none():
    """A cubic and a rise follow whatever there is."""
    assert not has_small_noise(RISING[:9])
