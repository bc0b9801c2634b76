"""Values crossed by seed and row: their means, mean squares and variance components.

The model is `value[seed, row] = mean + seed effect + row effect + rest`, all effects independent. The mean
squares are those of the balanced two-way table without replication (Searle, Casella & McCulloch, *Variance
Components*, 1992, section 4.2); nothing else about the values is needed afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from justright.errors import InputError

Floats = npt.NDArray[np.float64]
MIN_ROWS = 2  # one row says nothing about the spread of rows


@dataclass(frozen=True, slots=True, eq=False)
class Crossed:
    """The moments of a (seeds, rows) table of values, which are all that intervals need.

    Shape:
        seed_means: (seeds,), mean over rows.
        row_means: (rows,), mean over seeds.

    Args:
        seed_square: mean square between seeds, `rows x variance of seed_means`; 0 with one seed.
        row_square: mean square between rows, `seeds x variance of row_means`.
        error_square: mean square of the rest; 0 with one seed, where it cannot be told apart from the rows.
    """

    seed_means: Floats
    row_means: Floats
    seed_square: float
    row_square: float
    error_square: float

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return len(self.seed_means)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.row_means)

    @property
    def mean(self) -> float:
        """The grand mean."""
        return float(self.seed_means.mean())

    @property
    def parts(self) -> tuple[float, float, float]:
        """Variances of the grand mean by source: between seeds, between rows, and the rest that both contain.

        Their sum with the rest taken once, `seeds + rows - rest`, estimates the variance of the mean.
        """
        cells = self.seeds * self.rows
        return self.seed_square / cells, self.row_square / cells, self.error_square / cells

    @property
    def components(self) -> tuple[float, float, float]:
        """Variance components of a single value: seed, row and rest; negative estimates are clipped at 0."""
        found = variance_components(np.array(self.parts), seeds=self.seeds, rows=self.rows)
        seed, row, rest = found.tolist()
        return seed, row, rest


def crossed(values: npt.ArrayLike) -> Crossed:
    """Return means and mean squares of values crossed by seed and row.

    Args:
        values: (seeds, rows), finite; at least one seed and two rows.

    Raises:
        InputError: the shape is different, or a value is not finite.

    Example:
        >>> table = crossed([[0.0, 2.0, 4.0], [1.0, 3.0, 8.0]])
        >>> table.mean, table.seed_square, table.row_square, table.error_square
        (3.0, 6.0, 15.5, 1.5)
    """
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] < MIN_ROWS:
        raise InputError(
            f"`values` must have the shape (seeds, rows) with at least 1 seed and {MIN_ROWS} rows; "
            f"got the shape {table.shape}."
        )
    if not np.isfinite(table).all():
        count = int((~np.isfinite(table)).sum())
        raise InputError(
            f"`values` must be finite; got {count} values that are not. Leave runs that diverged out."
        )
    seeds, rows = table.shape
    seed_means = table.mean(axis=1)
    # Of one seed they are its values, of which no copy is made: there may be millions.
    row_means = table[0] if seeds == 1 else table.mean(axis=0)
    if seeds == 1:
        return Crossed(seed_means, row_means, 0.0, float(row_means.var(ddof=1)), 0.0)
    rest = table - seed_means[:, None]
    rest -= (row_means - seed_means.mean())[None, :]
    return Crossed(
        seed_means,
        row_means,
        rows * float(seed_means.var(ddof=1)),
        seeds * float(row_means.var(ddof=1)),
        float(np.vdot(rest, rest)) / ((seeds - 1) * (rows - 1)),
    )


def variances_by_source(tables: Sequence[Crossed]) -> Floats:
    """Return (3, tables): the variances of each mean between seeds, between rows, and of the rest (`Crossed.parts`).

    Example:
        >>> variances_by_source([crossed([[0.0, 2.0, 4.0], [1.0, 3.0, 8.0]])]).T.round(2)
        array([[1.  , 2.58, 0.25]])
    """
    return np.array([table.parts for table in tables]).T


def variance_components(by_source: Floats, *, seeds: int, rows: int) -> Floats:
    """Return (3, ...) variance components of a single value: seed, row and rest; negative estimates are clipped at 0.

    Args:
        by_source: (3, ...) variances of means, as `variances_by_source` returns them.
        seeds: number of seeds behind each mean.
        rows: number of rows.

    Example:
        >>> table = crossed([[0.0, 2.0, 4.0], [1.0, 3.0, 8.0]])
        >>> variance_components(np.array(table.parts), seeds=2, rows=3)
        array([1.5, 7. , 1.5])
    """
    by_seed, by_row, rest = by_source
    excess = np.maximum([by_seed - rest, by_row - rest], 0)
    return np.array([seeds * excess[0], rows * excess[1], seeds * rows * rest])


def row_covariance(tables: Sequence[Crossed]) -> Floats:
    """Return the (tables, tables) covariance of the means that comes from the rows that all tables share.

    Example:
        >>> row_covariance([crossed([[0.0, 2.0, 4.0]]), crossed([[0.0, 1.0, 2.0]])]).round(2)
        array([[1.33, 0.67],
               [0.67, 0.33]])
    """
    row_means = np.array([table.row_means for table in tables])
    row_means -= row_means.mean(axis=1, keepdims=True)
    rows = tables[0].rows
    return np.asarray(row_means @ row_means.T / ((rows - 1) * rows), dtype=np.float64)
