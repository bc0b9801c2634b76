"""Models measured on the same rows with the same seeds, any two of which can be compared.

A few hundred models make tens of thousands of pairs. All that their comparisons need follows from what is known of the
*models*: the moments of a difference from inner products of the models' losses, and its plausible errors from theirs. So
the rows are read once, and what is kept grows with the square of the models but not with the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from justright.statistics.crossed import Floats
from justright.statistics.intervals import Interval
from justright.statistics.simultaneous import (
    Errors,
    Family,
    Indices,
    draw_errors,
    root_of,
    simultaneous_half_widths,
)

BLOCK_BYTES = 32_000_000  # of losses held in double precision at once
# Losses are recorded in single precision, to about 1e-7 of themselves: a difference that varies less than that between
# rows, 1e-13 as a square, is none. Inner products in double precision are right to 1e-15.
RESOLUTION = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Pairs of models judged together: the loss of the left one minus that of the right one.

    Shape:
        means: (pairs,) mean differences.
        halves: (pairs,) half-widths of their intervals, simultaneous.
        by_source: (3, pairs) variances of the means between seeds, between rows, and of the rest.

    Args:
        widening: by how much the intervals were widened to hold together.
        seeds: number of seeds behind them.
    """

    means: Floats
    halves: Floats
    by_source: Floats
    widening: float
    seeds: int

    @property
    def lows(self) -> Floats:
        """(pairs,) lower ends."""
        return self.means - self.halves

    @property
    def highs(self) -> Floats:
        """(pairs,) upper ends."""
        return self.means + self.halves

    def interval(self, pair: int) -> Interval:
        """Return the interval of one pair."""
        return Interval(float(self.means[pair]), float(self.lows[pair]), float(self.highs[pair]), self.seeds)


@dataclass(frozen=True, slots=True, eq=False)
class PairedLosses:
    """What comparisons of models need to know of their losses; made by `of`.

    Shape:
        seed_means: (models, seeds) mean losses.
        row_products: (models, models) inner products of mean losses by row, each centred.
        rest_products: (models, models) the same of what neither row nor seed explains; 0 with one seed.

    Args:
        rows: number of rows.
        errors: plausible errors of the models' mean losses, drawn together.
    """

    seed_means: Floats
    row_products: Floats
    rest_products: Floats
    rows: int
    errors: Errors

    @classmethod
    def of(cls, losses: Sequence[npt.NDArray[np.floating]], rng: np.random.Generator) -> Self:
        """Return what comparisons need.

        Args:
            losses: for each model (seeds, rows), the same seeds and rows; finite.
            rng: source of the draws.
        """
        models, (seeds, rows) = len(losses), losses[0].shape
        seed_means = np.array([one.mean(axis=1, dtype=np.float64) for one in losses])
        row_products, rest_products = np.zeros((2, models, models))
        step = max(1, BLOCK_BYTES // (models * seeds * 8))
        for start in range(0, rows, step):
            part = np.array([one[:, start : start + step] for one in losses], dtype=np.float64)
            part -= seed_means[:, :, None]
            by_row = part.mean(axis=1)
            row_products += by_row @ by_row.T
            if seeds > 1:
                part -= by_row[:, None]
                flat = part.reshape(models, -1)
                rest_products += flat @ flat.T
        root = root_of(row_products / ((rows - 1) * rows))
        errors = draw_errors(root, seed_means, rows=rows, rng=rng, separate=models**2)
        return cls(seed_means, row_products, rest_products, rows, errors)

    @property
    def means(self) -> Floats:
        """(models,) mean losses."""
        return np.asarray(self.seed_means.mean(axis=1), dtype=np.float64)

    def compare(self, left: Indices, right: Indices, *, level: float) -> Compared:
        """Return the mean differences of pairs of models, with intervals that all hold together.

        Args:
            left: (pairs,), numbers of models.
            right: (pairs,), likewise.
            level: nominal coverage of all intervals together.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> three = PairedLosses.of([rng.normal(mean, 1, (2, 400)) for mean in (0.0, 0.0, 2.0)], rng)
            >>> found = three.compare(np.array([1, 2]), np.array([0, 0]), level=0.95)
            >>> (found.lows > 0).tolist()
            [False, True]
        """
        means = self.means
        by_source = self._by_source(left, right)
        halves, widening = simultaneous_half_widths(
            Family(self.errors, by_source, left, right), rows=self.rows, level=level
        )
        return Compared(means[left] - means[right], halves, by_source, widening, self.errors.seeds)

    def _by_source(self, left: Indices, right: Indices) -> Floats:
        """Return (3, pairs) variances of the mean differences, as `variances_by_source` would of the differences."""
        seeds = self.errors.seeds
        between_rows = _squares(self.row_products, left, right) / ((self.rows - 1) * self.rows)
        if seeds == 1:
            return np.array([np.zeros(len(left)), between_rows, np.zeros(len(left))])
        between_seeds = (self.seed_means[left] - self.seed_means[right]).var(axis=1, ddof=1) / seeds
        freedom = (seeds - 1) * (self.rows - 1)
        rest = _squares(self.rest_products, left, right) / (freedom * seeds * self.rows)
        return np.array([between_seeds, between_rows, rest])


def _squares(products: Floats, left: Indices, right: Indices) -> Floats:
    """Return (pairs,) squared lengths of differences, from inner products."""
    lengths = np.diagonal(products)
    both = lengths[left] + lengths[right]
    squares = both - 2 * products[left, right]
    return np.where(squares > RESOLUTION * both, squares, 0.0)
