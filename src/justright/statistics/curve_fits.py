"""Fits of the two families of learning curves that extrapolate best, all draws of a curve at once.

- power law, `a + b n^-c`: Hestness et al., "Deep learning scaling is predictable, empirically" (arXiv:1712.00409, 2017).
- MMF (Morgan, Mercer & Flodin 1975), `(a b + c n^d) / (b + n^d)`: with the power law the best of 17 families on the
  learning curve database LCDB (Mohr, Viering, Loog & van Rijn, ECML PKDD 2022; Viering & Loog, "The shape of learning
  curves: a review", IEEE TPAMI 45, 2023, table 1).

Both are `floor + height * basis(n)` with a basis of one or two parameters, so floor and height are solved exactly and
the rest is a grid (variable projection: Golub & Pereyra, SIAM J. Numer. Anal. 10, 1973). No starting values, no local
minima, and thousands of draws cost milliseconds. Losses are not negative and fall with rows: floor and height are >= 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from justright.statistics.crossed import Floats

# Power-law exponents: real networks lie in 0.05-0.5 (Hestness), parametric models at 1. No excess loss falls faster for
# long: a steeper start, from the initial weights, says nothing about the end.
EXPONENTS = (0.05, 1.0)
STEEPNESSES = (0.1, 1.0)  # of MMF: like the power law's exponents, which it approaches far from its middle
# MMF's middle, in units of the geometric mean of the measured sizes: two decades either side, beyond which the curve is
# a power law (below) or still falls as it did (above).
MIDDLES = (0.01, 100.0)
GRID = 16  # points per parameter, evenly spaced in its logarithm
# Then the neighbourhood of the best point, in steps of the grid; each zoom halves it, to 1/32 of a step in the end.
NEIGHBOURS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
ZOOMS = 5


@dataclass(frozen=True, slots=True)
class CurveFit:
    """One family fitted to one curve.

    Args:
        family: 'power law' or 'MMF'.
        parameters: by the names of the formulas above, with n in rows.
        misfit: weighted sum of squared residuals.
    """

    family: str
    parameters: Mapping[str, float]
    misfit: float


def fit_curve(family: str, rows: npt.ArrayLike, losses: npt.ArrayLike, covariance: npt.ArrayLike) -> CurveFit:
    """Return the fit of one family to one curve, by least squares in units of the covariance.

    Args:
        family: 'power law' or 'MMF'.
        rows: (sizes,) training rows, rising.
        losses: (sizes,) mean losses.
        covariance: (sizes, sizes) of the errors of `losses`, positive definite.

    Example:
        >>> rows = np.array([100, 200, 400, 800, 1600])
        >>> fit = fit_curve("power law", rows, 0.5 + 2.0 * rows**-0.5, np.eye(5))
        >>> {name: round(value, 2) for name, value in fit.parameters.items()}
        {'a': 0.5, 'b': 2.0, 'c': 0.5}
    """
    return fit_draws(family, rows, np.asarray(losses, dtype=np.float64)[None], covariance, [])[1]


def fit_draws(
    family: str, rows: npt.ArrayLike, draws: Floats, covariance: npt.ArrayLike, targets: npt.ArrayLike
) -> tuple[Floats, CurveFit]:
    """Return (draws, targets) losses that fits of one family to many draws of a curve predict, and the first fit.

    Args:
        family: 'power law' or 'MMF'.
        rows: (sizes,) training rows.
        draws: (draws, sizes) losses.
        covariance: (sizes, sizes), positive definite.
        targets: (targets,) training rows to predict at.
    """
    unit = float(np.exp(np.log(np.asarray(rows, dtype=np.float64)).mean()))
    sizes, wanted = (np.asarray(each, dtype=np.float64) / unit for each in (rows, targets))
    whiten = np.linalg.inv(np.linalg.cholesky(np.asarray(covariance, dtype=np.float64)))
    ones, curves = whiten.sum(axis=1), draws @ whiten.T
    bounds, basis = FAMILIES[family]
    points = _grid([np.linspace(low, high, GRID) for low, high in bounds])[None]
    steps = (bounds[:, 1] - bounds[:, 0]) / (GRID - 1)
    neighbours = _grid([NEIGHBOURS] * len(bounds))
    every = np.arange(len(draws))
    for zoom in range(ZOOMS + 1):
        floor, height, misfit = _solve(basis(points, sizes) @ whiten.T, ones, curves)
        best = misfit.argmin(axis=1)
        point = points[every if len(points) > 1 else 0, best]
        chosen = floor[every, best], height[every, best], misfit[every, best]
        points = np.clip(point[:, None] + neighbours * steps / 2**zoom, bounds[:, 0], bounds[:, 1])
    predictions = chosen[0][:, None] + chosen[1][:, None] * basis(point[:, None], wanted)[:, 0]
    first = _named(family, point[0], unit, *(float(part[0]) for part in chosen))
    return predictions, first


def _grid(axes: Sequence[Floats]) -> Floats:
    """Return (points, parameters): every combination of the axes' values."""
    return np.stack([each.ravel() for each in np.meshgrid(*axes, indexing="ij")], axis=1)


def _power_basis(points: Floats, sizes: Floats) -> Floats:
    """Return (..., sizes) values of n^-c for (..., 1) logarithms of c."""
    return np.asarray(sizes ** -np.exp(points[..., 0, None]))


def _mmf_basis(points: Floats, sizes: Floats) -> Floats:
    """Return (..., sizes) values of b / (b + n^d) for (..., 2) logarithms of b^(1/d), the middle, and d."""
    middle, steepness = np.exp(points[..., 0, None]), np.exp(points[..., 1, None])
    return np.asarray(1 / (1 + (sizes / middle) ** steepness))


def _solve(basis: Floats, ones: Floats, curves: Floats) -> tuple[Floats, Floats, Floats]:
    """Return (draws, grid) floors, heights and misfits: least squares with both at least 0.

    Everything is whitened. With two unknowns the bounded solution is the free one, or one of the two edges.

    Shape:
        basis: (1 or draws, grid, sizes); ones: (sizes,); curves: (draws, sizes).
    """
    ones_square, cross, square = ones @ ones, basis @ ones, (basis**2).sum(axis=-1)
    by_one = (curves @ ones)[:, None]
    by_basis = curves @ basis[0].T if len(basis) == 1 else (basis @ curves[:, :, None])[:, :, 0]
    total = (curves**2).sum(axis=1)[:, None]
    determinant = ones_square * square - cross**2
    # A basis that is constant over the measured sizes cannot be told from the floor: then there is no height.
    usable = determinant > 1e-10 * ones_square * square
    safe = np.where(usable, determinant, 1.0)
    floor = np.where(usable, (by_one * square - by_basis * cross) / safe, by_one / ones_square)
    height = np.where(usable, (by_basis * ones_square - by_one * cross) / safe, 0.0)
    is_flat = height < 0
    floor, height = np.where(is_flat, by_one / ones_square, floor), np.where(is_flat, 0.0, height)
    is_negative = floor < 0
    height = np.where(is_negative, np.maximum(by_basis / square, 0.0), height)
    floor = np.where(is_negative, 0.0, floor)
    explained = 2 * (floor * by_one + height * by_basis)
    model = floor**2 * ones_square + 2 * floor * height * cross + height**2 * square
    return floor, height, np.maximum(total - explained + model, 0.0)


def _named(family: str, point: Floats, unit: float, floor: float, height: float, misfit: float) -> CurveFit:
    """Return a fit with the parameters named in its formula."""
    exponent = float(np.exp(point[-1]))
    if family == "power law":
        return CurveFit(family, {"a": floor, "b": height * unit**exponent, "c": exponent}, misfit)
    middle = unit * float(np.exp(point[0]))
    values = {"a": floor + height, "b": middle**exponent, "c": floor, "d": exponent}
    return CurveFit(family, values, misfit)


# Family -> the bounds of its parameters' logarithms, (parameters, 2), and its basis.
FAMILIES = {
    "power law": (np.log([EXPONENTS]), _power_basis),
    "MMF": (np.log([MIDDLES, STEEPNESSES]), _mmf_basis),
}
