"""The bootstrap of a mean over seeds and rows, drawn and not computed: what other intervals are compared with."""

from __future__ import annotations

import numpy as np

from justright.statistics.crossed import Floats

BOOTSTRAP_DRAWS = 2_000  # the Monte Carlo error of a 2.5 % quantile is then about 5 % of the half-width
BOOTSTRAP_CHUNK = 100  # draws at a time, to hold the row weights of 29,000 rows in 12 MB


def crossed_bootstrap(table: Floats, rng: np.random.Generator, *, draws: int = BOOTSTRAP_DRAWS) -> Floats:
    """Return (draws,) means of a (seeds, rows) table with seeds and rows drawn anew, independently.

    Owen, Annals of Applied Statistics 1 (2007): "the pigeonhole bootstrap". Two matrix products: the mean is
    linear in the row counts and in the seed counts. Too narrow with few seeds; here to compare with.

    Example:
        >>> crossed_bootstrap(np.ones((2, 3)), np.random.default_rng(0), draws=4)
        array([1., 1., 1., 1.])
    """
    seeds, rows = table.shape
    means = []
    for start in range(0, draws, BOOTSTRAP_CHUNK):
        size = min(BOOTSTRAP_CHUNK, draws - start)
        row_counts = rng.multinomial(rows, np.full(rows, 1 / rows), size=size)
        seed_counts = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=size)
        by_seed = row_counts.astype(np.float64) @ table.T
        means.append((by_seed * seed_counts).sum(axis=1) / (seeds * rows))
    return np.concatenate(means)
