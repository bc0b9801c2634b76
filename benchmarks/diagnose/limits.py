"""How often could any rule see a rise of 6 % in 30 evaluations? The likelihood ratio that knows what `diagnose` must find out.

    python -m benchmarks.diagnose.limits [--curves 400] [--correlation 0.7]

Curves are those of `benchmarks.diagnose.simulation`: noise of 1 %, a fall and a rise. By Neyman and Pearson no test sees more of
them than the ratio of their likelihood to that of curves without a rise, averaged over what is not known. Levels and sizes of
falls are integrated out, so nobody knows them. The ratio claims a rise where it exceeds what 5 % of the worst curves
without one exceed: of every asked kind of noise, constant, after a plunge, and after the fall of the rising curves themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from benchmarks.arguments import program_parser
from benchmarks.diagnose.simulation import (
    CORRELATIONS,
    FALLS_FOR,
    NOISES,
    Floats,
    Noise,
    Rising,
    falling_trend,
    null_curves,
    rising_curves,
)
from benchmarks.printing import print_table

POINTS, RISE = 30, 0.06
POWERS = np.linspace(1.5, 3.0, 8)
SHARE = 0.05
GRID = np.arange(POINTS) / (POINTS - 1)
TURNS = np.unique(np.round(np.linspace(*FALLS_FOR, 3_001) * (POINTS - 1)).astype(int))

Kinds = Sequence[tuple[float, float]]  # correlation and size of noise
Model = tuple[
    Floats, Floats
]  # (points,) what the curve has for certain; (points, columns) and any multiple of these


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("--curves", type=int, default=400, help="of each kind (default 400)")
    parser.add_argument("--correlation", type=float, default=0.7, choices=CORRELATIONS)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    own = (options.correlation, NOISES[0])
    rising = rising_curves(Rising(POINTS, RISE, Noise(*own), 0.0), options.curves, rng)[0]
    nulls = {kind: without_rise(kind, options.curves, rng) for kind in product(CORRELATIONS, NOISES)}
    small = [(one, NOISES[0]) for one in CORRELATIONS]
    any_size = list(product(CORRELATIONS, np.geomspace(0.003, 0.04, 8).tolist()))
    lines = []
    for known, risen, none in (
        ("the noise, the same without a rise", [own], [own]),
        ("the noise where the curve rises", [own], list(nulls)),
        ("that it is 1 % where the curve rises, else 1 or 3 %", small, list(nulls)),
        ("that it is 0.3 to 4 %", any_size, any_size),
    ):
        levels = [
            np.quantile(ratio(curves, risen, none), 1 - SHARE)
            for kind, groups in nulls.items()
            if len(none) > 1 or kind == own
            for curves in groups
        ]
        lines.append((known, f"{100 * np.mean(ratio(rising, risen, none) > max(levels)):.1f}"))
    print_table(("known", "sees a rise, %"), lines)


def without_rise(kind: tuple[float, float], curves: int, rng: np.random.Generator) -> list[Floats]:
    """Return curves without a rise, from three trends."""
    noise = Noise(*kind)
    fallen = rising_curves(Rising(POINTS, 0.0, noise, 0.0), curves, rng)[0]
    return [*(null_curves(shape, POINTS, noise, curves, rng) for shape in ("constant", "fast")), fallen]


def ratio(curves: Floats, risen: Kinds, none: Kinds) -> Floats:
    """Return the logarithm of the likelihood ratio of each curve."""
    plunge = falling_trend("fast", POINTS) - 1
    still: Model = (np.zeros(POINTS), np.stack([np.ones(POINTS), plunge], axis=1))
    without = [*models(0.0), still]
    return evidence(curves, list(models(RISE)), risen) - evidence(curves, without, none)


def models(rise: float) -> Iterator[Model]:
    """Yield the courses that rise by so much, from each turn and after each fall, or fall alike and stay level."""
    for turn, power in product(GRID[TURNS], POWERS):
        fall = np.stack([np.ones(POINTS), np.clip(1 - GRID / turn, 0, 1) ** power], axis=1)
        after = np.clip((GRID - turn) / (1 - turn), 0, 1)
        courses = (after, after**2, (1 - np.exp(-3 * after)) / (1 - np.exp(-3))) if rise else (after,)
        for course in courses:
            yield rise * course, fall


def evidence(curves: Floats, courses: Sequence[Model], kinds: Kinds) -> Floats:
    """Return the logarithm of the likelihood of each curve, on average over courses and kinds of noise."""
    parts = [
        likelihood(curves, course, correlation, [size for one, size in kinds if one == correlation])
        for course in courses
        for correlation in dict.fromkeys(one for one, _ in kinds)
    ]
    return np.asarray(np.logaddexp.reduce(parts, axis=0) - np.log(len(courses) * len(kinds)))


def likelihood(curves: Floats, course: Model, correlation: float, sizes: Sequence[float]) -> Floats:
    """Return the logarithm of the restricted likelihood of each curve, summed over sizes of noise."""
    places = np.arange(POINTS)
    root = np.linalg.cholesky(correlation ** np.abs(places[:, None] - places))
    certain, free = course
    white = np.linalg.solve(root, (curves - certain).T)
    basis, triangle = np.linalg.qr(np.linalg.solve(root, free))
    left = (white**2).sum(axis=0) - ((basis.T @ white) ** 2).sum(axis=0)
    constant = -np.log(np.abs(np.diag(triangle))).sum() - np.log(np.diag(root)).sum()
    freedom = POINTS - free.shape[1]
    logs = [constant - left / (2 * size**2) - freedom * np.log(size) for size in sizes]
    return np.asarray(np.logaddexp.reduce(logs, axis=0))


if __name__ == "__main__":
    main()
