"""How often does `justright.statistics.turns` see a rise that is none, and how often one that is there? Simulated curves.

    python -m benchmarks.diagnose.simulation [--curves 400] [--points 10,30,100]

A cell is a kind of noise, how many evaluations there are, and the shape of the trend. The first table holds trends without
a rise, and says in how many of 100 curves one was seen (at most 5 are allowed), and in how many of those with a flat end
a fall. The second has trends that fall for a fifth to a half of the run and then rise to its end, and says in how many the
rise was seen, and how often the interval of the onset holds the trend's lowest point.

The noise is a stationary first-order autoregression; its standard deviation is a share of the trend's lowest level, or
with `is_multiplicative` of the trend itself. Other programs judge the same curves (`benchmarks.diagnose.peers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from benchmarks.arguments import program_parser
from benchmarks.printing import print_table
from justright.statistics.turns import find_turn

Floats = npt.NDArray[np.float64]

POINTS = (10, 20, 30, 100, 1_000)
CORRELATIONS = (0.0, 0.7, 0.9)
NOISES = (0.01, 0.03)
FLAT = ("constant", "fast", "slow", "rate step")  # their last quarter changes by less than the noise
SHAPES = (*FLAT, "still falling", "power law", "slow power law")
RISES = ("linear", "parabola", "saturating")
FALLS_FOR = (0.2, 0.5)  # share of the run before the rise
SPIKE = (5.0, 50.0)  # in standard deviations of the noise
TAILS = 3  # degrees of freedom of heavy-tailed noise
WARM_UP = 200  # steps from the stationary start are none; this many let other innovations forget theirs


@dataclass(frozen=True)
class Noise:
    """What is added to a trend.

    Args:
        correlation: of consecutive evaluations.
        share: standard deviation, per level of the loss.
        is_multiplicative: whether it shrinks with the loss.
        spikes: how many single points lie 5 to 50 standard deviations off, up or down.
        has_heavy_tails: whether innovations have Student's t distribution with 3 degrees of freedom.
    """

    correlation: float = 0.0
    share: float = 0.01
    is_multiplicative: bool = False
    spikes: int = 0
    has_heavy_tails: bool = False

    def __str__(self) -> str:
        words = ["white" if not self.correlation else f"AR({self.correlation:g})", f"{self.share:.0%}"]
        words += ["multiplicative"] * self.is_multiplicative + ["one spike"] * (self.spikes == 1)
        return ", ".join(words + ["heavy tails"] * self.has_heavy_tails)


@dataclass(frozen=True)
class Rising:
    """A rise to be found.

    Args:
        points: evaluations.
        rise: from the lowest level to the end, per lowest level.
        noise: on top.
        least: share of curves in which it should be found.
    """

    points: int
    rise: float
    noise: Noise
    least: float


NOISE_CELLS = tuple(
    Noise(correlation, share, is_multiplicative)
    for correlation in CORRELATIONS
    for share in NOISES
    for is_multiplicative in (False, True)
)
STRANGE_CELLS = tuple(
    replace(Noise(correlation), **strange)  # type: ignore[arg-type]  # names of its own fields
    for correlation in CORRELATIONS
    for strange in ({"spikes": 1}, {"has_heavy_tails": True})
)
RISING_CELLS = tuple(
    Rising(points, rise, Noise(correlation, share, spikes=spikes), least - 0.1 * spikes)
    for points, rise, share, least, correlations in (
        (10, 0.30, 0.01, 0.90, CORRELATIONS),
        (10, 0.30, 0.03, 0.90, CORRELATIONS),
        (30, 0.06, 0.01, 0.95, CORRELATIONS),
        (100, 0.02, 0.01, 0.90, (0.0,)),
    )
    for correlation in correlations
    for spikes in (0, 1)
)


def null_curves(shape: str, points: int, noise: Noise, curves: int, rng: np.random.Generator) -> Floats:
    """Return validation curves without a rise.

    Shape:
        returns: (curves, points)
    """
    return noisy(np.broadcast_to(falling_trend(shape, points), (curves, points)), noise, rng)


def rising_curves(
    rising: Rising, curves: int, rng: np.random.Generator
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return validation curves that rise, and where the trend of each is lowest.

    They fall to 1 for a fifth to a half of the run, steeply or gently, and then rise to the end, straight, faster and
    faster, or slower and slower.

    Shape:
        returns: (curves, points), (curves,)
    """
    grid = np.arange(rising.points) / (rising.points - 1)
    trends = np.empty((curves, rising.points))
    for trend in trends:
        turn = rng.uniform(*FALLS_FOR)
        turn = grid[int(np.round(turn * (rising.points - 1)))]
        before, after = np.clip(1 - grid / turn, 0, 1), np.clip((grid - turn) / (1 - turn), 0, 1)
        course = RISES[int(rng.integers(len(RISES)))]
        if course == "parabola":
            after = after**2
        elif course == "saturating":
            after = (1 - np.exp(-3 * after)) / (1 - np.exp(-3))
        trend[:] = 1 + rng.uniform(0.2, 1.0) * before ** rng.uniform(1.5, 3.0) + rising.rise * after
    return noisy(trends, rising.noise, rng), np.argmin(trends, axis=1)


def training_curves(like: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
    """Return training curves beside validation curves: they fall steadily from 0.95 to 0.3 of where those start.

    Shape:
        like, returns: (curves, points)
    """
    points = like.shape[1]
    trend = 0.3 + 0.65 * np.exp(-2.5 * np.arange(points) / (points - 1))
    small = Noise(0.0, noise.share / 10)
    return np.abs(np.median(like[:, :1])) * noisy(np.broadcast_to(trend, like.shape), small, rng)


def falling_trend(shape: str, points: int) -> Floats:
    """Return a trend that never rises; `points` are the evaluations of one run, however many there are."""
    share = np.arange(points) / (points - 1)
    if shape == "constant":
        return np.ones(points)
    if shape == "fast":
        return 1 + 1.5 * np.exp(-20 * share)
    if shape == "slow":
        return 1 + 1.5 * np.exp(-8 * share)
    if shape == "rate step":
        return 1 + 1.5 * np.exp(-15 * share) + np.where(share < 0.6, 0.25, 0.25 * np.exp(-60 * (share - 0.6)))
    if shape == "still falling":
        return 1 + 1.5 * (np.exp(-1.5 * share) - np.exp(-1.5))
    if shape == "power law":
        return 1 + 1.5 / (1 + 30 * share) ** 0.7
    if shape == "slow power law":
        return (0.02 + share) ** -0.3
    raise ValueError(f"`shape` must be one of {', '.join(SHAPES)}; got {shape!r}.")


def noisy(trends: Floats, noise: Noise, rng: np.random.Generator) -> Floats:
    """Return trends with noise.

    Shape:
        trends, returns: (curves, points)
    """
    size = noise.share * (trends if noise.is_multiplicative else trends.min(axis=1, keepdims=True))
    values = trends + size * autoregression(trends.shape, noise, rng)
    rows = np.arange(len(trends))
    for _ in range(noise.spikes):
        places = rng.integers(trends.shape[1], size=len(trends))
        heights = rng.uniform(*SPIKE, size=len(trends)) * rng.choice([-1, 1], size=len(trends))
        values[rows, places] += heights * np.broadcast_to(size, trends.shape)[rows, places]
    return values


def autoregression(shape: tuple[int, int], noise: Noise, rng: np.random.Generator) -> Floats:
    """Return stationary noise of variance 1."""
    curves, points = shape
    if noise.has_heavy_tails:
        steps = rng.standard_t(TAILS, size=(points + WARM_UP, curves)) / np.sqrt(TAILS / (TAILS - 2))
    else:
        steps = rng.standard_normal((points + WARM_UP, curves))
    steps[1:] *= np.sqrt(1 - noise.correlation**2)
    for now in range(1, len(steps)):
        steps[now] += noise.correlation * steps[now - 1]
    return np.asarray(steps[WARM_UP:].T)


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("--curves", type=int, default=400, help="of each cell (default 400)")
    parser.add_argument("--points", default=",".join(map(str, POINTS)), help="evaluations (default: all)")
    options = parser.parse_args()
    points = tuple(int(one) for one in options.points.split(","))
    print_table(("noise", "points", *SHAPES, "falls: flat"), null_lines(points, options.curves))
    print()
    print_table(
        ("noise", "points", "rise", "found", "at least", "onset held", "onset width"),
        rising_lines(points, options.curves),
    )


def null_lines(points: tuple[int, ...], curves: int) -> Iterator[tuple[str, ...]]:
    """Yield the table of false alarms."""
    for noise in (*NOISE_CELLS, *STRANGE_CELLS):
        for count in points:
            rises, falls = [], 0.0
            for shape in SHAPES:
                rng = np.random.default_rng([count, SHAPES.index(shape), int(10 * noise.correlation)])
                turns = [find_turn(curve) for curve in null_curves(shape, count, noise, curves, rng)]
                rises.append(float(np.mean([turn.rise.low > 0 for turn in turns])))
                if shape == "constant":
                    falls = float(np.mean([turn.fall.high < 0 for turn in turns]))
            yield str(noise), str(count), *(f"{100 * rise:.1f}" for rise in rises), f"{100 * falls:.1f}"


def rising_lines(points: tuple[int, ...], curves: int) -> Iterator[tuple[str, ...]]:
    """Yield the table of detections."""
    for rising in RISING_CELLS:
        if rising.points in points:
            rng = np.random.default_rng(rising.points)
            values, lowest = rising_curves(rising, curves, rng)
            turns = [find_turn(curve) for curve in values]
            spans = [(turn.since, at) for turn, at in zip(turns, lowest, strict=True) if turn.since]
            held = np.mean([since[0] <= at <= since[1] for since, at in spans]) if spans else np.nan
            width = np.mean([since[1] - since[0] + 1 for since, _ in spans]) if spans else np.nan
            yield (
                str(rising.noise),
                str(rising.points),
                f"{rising.rise:.0%}",
                f"{100 * len(spans) / len(turns):.1f}",
                f"{100 * rising.least:.0f}",
                f"{100 * held:.1f}",
                f"{width:.1f}",
            )


if __name__ == "__main__":
    main()
