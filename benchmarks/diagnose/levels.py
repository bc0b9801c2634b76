"""Prints `LEVELS` of `justright.statistics.rises`: scores that few curves without a rise stay below, by simulation.

    python -m benchmarks.diagnose.levels [--curves 4000] [--points 5,6,7,8,10,12,16,20,30,50,100,150]

Of the cells of `benchmarks.diagnose.simulation` those that come lowest; a level is the lowest of their quantiles. The
share is below 5 %, as the quantiles have errors of their own.
"""

from __future__ import annotations

import numpy as np

from benchmarks.arguments import program_parser
from benchmarks.diagnose.simulation import NOISES, Noise, null_curves
from justright.statistics.lone_points import FEWEST, lone_points
from justright.statistics.rises import least_score

POINTS = (5, 6, 7, 8, 10, 12, 16, 20, 30, 50, 100, 150)
CELLS = tuple(
    (correlation, share, shape)
    for correlation in (0.0, 0.7, 0.9)
    for share in NOISES
    for shape in ("constant", "fast")
)
SHARE = 0.045


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("--curves", type=int, default=4_000, help="of each cell (default 4,000)")
    parser.add_argument(
        "--points", default=",".join(map(str, POINTS)), help="evaluations (default: the table's)"
    )
    options = parser.parse_args()
    for points in map(int, options.points.split(",")):
        quantiles = {}
        for correlation, share, shape in CELLS:
            rng = np.random.default_rng([points, int(10 * correlation), int(100 * share), len(shape)])
            curves = null_curves(shape, points, Noise(correlation, share), options.curves, rng)
            quantiles[correlation, share, shape] = float(np.quantile([score(one) for one in curves], SHARE))
        worst = min(quantiles, key=lambda one: quantiles[one])
        cells = ", ".join(
            f"{shape} {correlation:g} {share:.0%}: {one:.2f}"
            for (correlation, share, shape), one in quantiles.items()
        )
        print(f"{points}: {quantiles[worst]:.2f},  # {cells}", flush=True)


def score(curve: np.ndarray) -> float:
    lone = lone_points(curve) if len(curve) >= FEWEST else []
    return least_score(np.delete(curve, lone))


if __name__ == "__main__":
    main()
