"""How often do the intervals of `justright.statistics.intervals` cover, and how wide are they? Simulated tables.

    python -m benchmarks.intervals [--studies 2000]

A table has few seeds, 500 rows and the true mean 0. The rows' standard error is 1; `rest` is the share of its square
that is each seed's own (the rest of a two-way table), and seeds differ by 0 to 10 such standard errors. A cell says in
what percentage of studies the 95 % interval covers 0, and in brackets the mean half-width in standard errors of the
mean. The last lines have log-normal rows, as skewed as losses per row are.

The second table has 3, 8 and 25 comparisons with one baseline, from a fifth as many studies: how often all intervals
cover together. `err alike` takes the estimates of the seeds' variances to err alike in all comparisons, as for epochs
of the same runs; `as used` is how different networks are compared. docs/calibration.md quotes both tables.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.arguments import program_parser
from benchmarks.printing import print_table
from justright.statistics.crossed import Crossed, crossed, variances_by_source
from justright.statistics.intervals import generalized, half_widths, random_effects
from justright.statistics.simultaneous import judge_jointly

ROWS = 500
SEEDS = (2, 3, 5, 12)
DEVIATIONS = (0.0, 0.3, 1.0, 3.0, 10.0)
RESTS = (0.0, 0.5, 1.0)
METHODS = {"random effects": random_effects, "generalized": generalized, "combined": half_widths}
SKEW = 1.0  # standard deviation of the logarithm
COMPARISONS = (3, 8, 25)
FAMILY_ROWS = 200


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("--studies", type=int, default=2_000, help="of each cell (default 2,000)")
    options = parser.parse_args()
    deviations = tuple(f"{one:g}" for one in DEVIATIONS)
    print_table(("seeds", "rest", "rows", "method", *deviations), lines(options.studies))
    print_table(("seeds", "comparisons", "seed variances", *deviations), family_lines(options.studies // 5))


def lines(studies: int) -> Iterator[tuple[str, ...]]:
    """Yield the table's lines: one for each method of each case."""
    cases = [(seeds, rest, False) for seeds in SEEDS for rest in RESTS]
    for seeds, rest, is_skewed in [*cases, *((seeds, 0.5, True) for seeds in SEEDS)]:
        every = [simulate(seeds, rest, deviation, studies, is_skewed) for deviation in DEVIATIONS]
        for method in METHODS:
            cells = [
                coverage(tables, deviation, method)
                for tables, deviation in zip(every, DEVIATIONS, strict=True)
            ]
            yield str(seeds), f"{rest:g}", "log-normal" if is_skewed else "normal", method, *cells


def simulate(seeds: int, rest: float, deviation: float, studies: int, is_skewed: bool) -> list[Crossed]:
    """Return the moments of studies whose rows have the standard error 1 and whose seeds differ `deviation` times it.

    The variance of the mean is `1 + deviation^2 / seeds`: rows are common to all seeds, what is a seed's own is
    averaged over them.
    """
    rng = np.random.default_rng([seeds, int(10 * rest), int(10 * deviation), is_skewed])
    found = []
    for _ in range(studies):
        common, own = draw(rng, (1, ROWS), is_skewed), draw(rng, (seeds, ROWS), is_skewed)
        values = np.sqrt(1 - rest) * common + np.sqrt(rest * seeds) * own
        found.append(crossed(np.sqrt(ROWS) * values + deviation * rng.standard_normal((seeds, 1))))
    return found


def draw(rng: np.random.Generator, shape: tuple[int, int], is_skewed: bool) -> np.ndarray:
    """Return values of mean 0 and variance 1."""
    values = rng.standard_normal(shape)
    if not is_skewed:
        return values
    variance = np.exp(SKEW**2)
    return (np.exp(SKEW * values) - np.sqrt(variance)) / np.sqrt(variance * (variance - 1))


def coverage(tables: list[Crossed], deviation: float, method: str) -> str:
    """Return the percentage of intervals that cover 0, and their mean half-width in standard errors."""
    seeds, rows = tables[0].seeds, tables[0].rows
    halves = METHODS[method](variances_by_source(tables), seeds=seeds, rows=rows, level=0.95)
    means = np.array([table.mean for table in tables])
    error = np.sqrt(1 + deviation**2 / seeds)
    return f"{100 * (np.abs(means) <= halves).mean():.1f} ({halves.mean() / error:.2f})"


def family_lines(studies: int) -> Iterator[tuple[str, ...]]:
    """Yield the second table's lines: one for each way to widen, of each number of seeds and comparisons."""
    for seeds in SEEDS:
        for comparisons in COMPARISONS:
            every = [families(seeds, comparisons, deviation, studies) for deviation in DEVIATIONS]
            for same, word in ((True, "err alike"), (False, "as used")):
                yield str(seeds), str(comparisons), word, *(joint_coverage(tables, same) for tables in every)


def families(seeds: int, comparisons: int, deviation: float, studies: int) -> list[list[Crossed]]:
    """Return the moments of networks compared with one baseline on the same rows, true differences 0.

    Half of a difference's variance between rows is common to all seeds, half each seed's own; seeds of each network differ by
    `deviation` standard errors of its rows.
    """
    rng = np.random.default_rng([seeds, comparisons, int(10 * deviation)])
    found = []
    for _ in range(studies):
        networks = rng.standard_normal((comparisons + 1, 1, FAMILY_ROWS))
        networks = networks + rng.standard_normal((comparisons + 1, seeds, FAMILY_ROWS))
        networks += np.sqrt(2 / FAMILY_ROWS) * deviation * rng.standard_normal((comparisons + 1, seeds, 1))
        found.append([crossed(network - networks[0]) for network in networks[1:]])
    return found


def joint_coverage(studies: list[list[Crossed]], are_same: bool) -> str:
    """Return the percentage of studies all of whose intervals cover 0, and by how much they are widened for it on average."""
    hits, widened = [], []
    for tables in studies:
        halves = half_widths(variances_by_source(tables), seeds=tables[0].seeds, rows=FAMILY_ROWS, level=0.95)
        intervals = judge_jointly(tables, of_same_runs=are_same).intervals
        hits.append(all(one.low <= 0 <= one.high for one in intervals))
        widened.append((intervals[0].high - intervals[0].low) / (2 * halves[0]))
    return f"{100 * np.mean(hits):.1f} (x {np.mean(widened):.2f})"


if __name__ == "__main__":
    main()
