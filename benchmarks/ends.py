"""How often is an end called worse though only jitter made it so, and how often is a true rise found? Simulated runs.

    python -m benchmarks.ends [--studies 200] [--tables tails,rises,large,falls]
    python -m benchmarks.ends --recordings FOLDER

Three rules judge the same studies: *two epochs* compares the last with the chosen epoch, rows and seeds in its interval;
*windows* asks besides that validation loss has risen between the windows about both, by 2 standard errors; *trend* is the
rule of `justright.diagnosis.ends`. The loss of a simulated run is a trend, jitter that is common to all rows, jitter and a
slow drift of each row for itself; runs stop by patience or at their epoch limit, and the truth is the trend.

`--recordings` measures the same quantities on real runs, recorded by `python -m benchmarks.settled record`: the
numbers in `Design` and the shares in `statistics/jitter.py` come from there. A second table judges these runs as if they
had ended earlier, at every 23rd epoch; the truth is then the trend of the recorded test curve on both sides of
each epoch. A margin is 0.00128, as on HIGGS.
docs/calibration.md quotes the tables.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.arguments import names_among, program_parser
from benchmarks.printing import print_table
from justright.diagnosis.ends import End, judge_end
from justright.diagnosis.evidence import RunEvidence, VariantEvidence
from justright.diagnosis.measured import Measured, chosen_by_halves, cross_fitted
from justright.runs.grid import measured_epochs
from justright.statistics.jitter import fit_line, stray

MARGIN = 0.00128
LEVEL = 0.95
FIRST_END, STEP, FARTHEST, NEAREST = 60, 23, 25, 20  # of recorded runs that end earlier
SHARED = 0.3  # of the variance of a row's change is common to all seeds
GATE_ERRORS = 2.0


@dataclass(frozen=True)
class Design:
    """One kind of study. Where there is a default it is a typical value of the seven recorded networks.

    Args:
        seeds, test_rows, validation_rows: its size; without test rows validation rows measure.
        limit, patience: when runs end.
        height, scale: the trend falls by `height` exponentially, in `scale` epochs by a factor e.
        turn, rise: from epoch `turn` to the limit the trend rises by `rise` margins, linearly; below 0 it falls.
        jitter: standard deviation of what is common to all rows, in margins.
        row_jitter: of single rows, in the same unit: as much again in the mean of 1,000 rows.
        skew: of the common jitter.
        correlation: of it, from epoch to epoch.
        drift_epochs: after how many epochs a row has drifted as far as it jitters.
        seed_deviation: of the rise between seeds, as a share of it.
        spike: added to the last epoch, on all rows.
    """

    seeds: int = 1
    test_rows: int = 5_000
    validation_rows: int = 1_000
    limit: int = 10_000
    patience: int = 200
    height: float = 0.1
    scale: float = 30.0
    turn: int = 0
    rise: float = 0.0
    jitter: float = 1.0
    row_jitter: float = 1_000**0.5
    skew: float = 1.5
    correlation: float = 0.1
    drift_epochs: float = 80.0
    seed_deviation: float = 0.15
    spike: float = 0.0


TAILS = {
    "patience 200": Design(),
    "patience 20, limit 60": Design(patience=20, limit=60, scale=6.0),
    "limit 40": Design(patience=1_000, limit=40, scale=4.0),
    "limit 1,000": Design(patience=1_000, limit=1_000, scale=60.0),
    "patience 50, no test rows": Design(patience=50, limit=300, scale=12.0, test_rows=0),
    "a spike at the end": Design(patience=1_000, limit=300, scale=12.0, spike=0.1),
}
SIZES = ((3, 2_000), (5, 10_000), (12, 20_000))
RISING = Design(limit=400, patience=1_000, turn=200, rise=2.2)
LARGE = {
    "0.1 in 200 epochs": Design(limit=260, patience=1_000, scale=6.0, turn=40, rise=0.1 / MARGIN, jitter=3.0),
    "0.5 in 200 epochs": Design(limit=220, patience=1_000, scale=3.0, turn=20, rise=0.5 / MARGIN, jitter=3.0),
    "0.05 in 20 epochs": Design(limit=40, patience=1_000, scale=4.0, turn=20, rise=0.05 / MARGIN, jitter=3.0),
}
FALLING = Design(patience=10**6, height=0.0, test_rows=2, seed_deviation=0.0)


def main() -> None:
    parser = program_parser(__doc__)
    parser.add_argument("--studies", type=int, default=200, help="of each cell (default 200)")
    parser.add_argument("--tables", type=names_among(TABLES), default=list(TABLES), metavar="NAME,...")
    parser.add_argument("--recordings", type=Path, metavar="FOLDER", help="measure recorded runs instead")
    options = parser.parse_args()
    if options.recordings:
        print_table(RECORDED_HEADINGS, recorded_lines(options.recordings))
        print()
        print_table(EARLIER_HEADINGS, earlier_lines(options.recordings))
        return
    for name in options.tables:
        headings, lines = TABLES[name]
        print_table(headings, lines(options.studies))
        print()


def tail_lines(studies: int) -> Iterator[tuple[str, ...]]:
    """Yield a line for each kind of flat tail, number of seeds and jitter: how often it is called a rise."""
    for name, kind in TAILS.items():
        for seeds in (1, 3, 5):
            for jitter in (0.3, 1.0, 3.0):
                yield name, *line(replace(kind, seeds=seeds, jitter=jitter), studies)


def rise_lines(studies: int) -> Iterator[tuple[str, ...]]:
    """Yield a line for each size of study and jitter: how often a rise of two margins is found."""
    for seeds, rows in SIZES:
        for jitter in (0.1, 0.3, 1.0):
            design = replace(RISING, seeds=seeds, test_rows=rows, jitter=jitter)
            yield f"{seeds} x {rows:,}", *line(design, studies)


def large_lines(studies: int) -> Iterator[tuple[str, ...]]:
    """Yield a line for each large rise, of a single seed."""
    for name, design in LARGE.items():
        yield name, *line(design, studies)


def line(design: Design, studies: int) -> tuple[str, ...]:
    """Return the cells of a design: seeds, jitter, truth, what each rule finds, and how the used one covers."""
    rng = np.random.default_rng(zlib.crc32(repr(design).encode()))
    truths, ends, gates = [], [], []
    for _ in range(studies):
        measured, truth = simulate(design, rng)
        truths.append(truth)
        ends.append(judge_end(measured, MARGIN, is_binary=False, level=LEVEL))
        gates.append(has_risen_by_windows(measured))
    truth = np.array(truths)
    low, high = np.array([(end.rise.low, end.rise.high) for end in ends]).T
    raw = np.array([end.raw_rise.low > MARGIN for end in ends])
    raw_covers = [end.raw_rise.low <= one <= end.raw_rise.high for end, one in zip(ends, truths, strict=True)]
    return (
        *(str(design.seeds), f"{design.jitter:g}", f"{truth.mean() / MARGIN:.1f}"),
        *(percent(found) for found in (raw, raw & np.array(gates), low > MARGIN)),
        *(percent(high < MARGIN), percent(raw_covers), percent((low <= truth) & (truth <= high))),
        *(
            f"{np.mean([half_width(end, name) for end in ends]) / MARGIN:.2f}"
            for name in ("raw_rise", "rise")
        ),
    )


def fall_lines(studies: int) -> Iterator[tuple[str, ...]]:
    """Yield a line for each length, number of seeds and jitter: how often flat and falling curves are called falling."""
    for limit in (12, 40, 200, 1_000):
        for seeds in (1, 3, 5):
            for jitter in (0.3, 1.0):
                cells = []
                for margins in (0.0, 2.0, 3.0):  # of fall in a quarter
                    rise = -4.0 * margins
                    design = replace(FALLING, limit=limit, seeds=seeds, jitter=jitter, rise=rise)
                    cells += fall_cells(design, margins, studies)
                yield f"{limit:,}", str(seeds), f"{jitter:g}", *cells


def fall_cells(design: Design, margins: float, studies: int) -> tuple[str, ...]:
    """Return how often a fall is told from 0 and from the margin, and how often its interval covers, where there is one."""
    rng = np.random.default_rng(zlib.crc32(repr(design).encode()))
    ends = [judge_end(simulate(design, rng)[0], MARGIN, is_binary=False, level=LEVEL) for _ in range(studies)]
    falls = np.array([(end.fall.low, end.fall.high) for end in ends if end.fall is not None])
    low, high = falls.reshape(-1, 2).T / MARGIN
    true = margins * design.limit / (design.limit - 1)
    found = (100 * (low > limit).sum() / studies for limit in (0, 1))
    covers = percent((low <= true) & (true <= high)) if len(low) else "-"
    return *(f"{one:.1f}" for one in found), covers


def simulate(design: Design, rng: np.random.Generator) -> tuple[Measured, float]:
    """Return the losses of a simulated study, and by how much its trend truly rises on average over seeds."""
    rows = rng.standard_normal(max(design.test_rows, 1))
    runs, pairs, truths = [], [], []
    for seed in range(design.seeds):
        run, trend, common = simulate_run(design, seed, rng)
        chosen, last = [run.chosen_epoch], run.epochs - 1
        if design.test_rows:
            apart = 2 + (last - chosen[0]) / design.drift_epochs if last > chosen[0] else 0.0
            own = SHARED**0.5 * rows + (1 - SHARED) ** 0.5 * rng.standard_normal(design.test_rows)
            change = row_deviation(design) * apart**0.5 * own + float(
                np.diff((trend + common)[[chosen[0], last]])[0]
            )
            pairs.append((np.zeros(design.test_rows), change))
        else:
            chosen = list(chosen_by_halves(run.validation))
            pairs.append(cross_fitted(run.validation))
        runs.append(run)
        truths.append(float(trend[last] - trend[chosen].mean()))
    best, last_losses = (np.array(part, dtype=np.float32) for part in zip(*pairs, strict=True))
    source = "test" if design.test_rows else "validation halves"
    variant = VariantEvidence("Simulated", 1, tuple(runs))
    return Measured(variant, tuple(runs), best, last_losses, source), float(np.mean(truths))


def simulate_run(
    design: Design, seed: int, rng: np.random.Generator
) -> tuple[RunEvidence, np.ndarray, np.ndarray]:
    """Return a run, its trend, and the jitter that is common to all rows, by epoch."""
    times, rows, deviation = np.arange(design.limit), design.validation_rows, row_deviation(design)
    rise = design.rise * MARGIN * (1 + design.seed_deviation * rng.standard_normal())
    trend = 0.6 + design.height * np.exp(-times / design.scale)
    trend += rise * np.maximum(times - design.turn, 0) / (design.limit - 1 - design.turn)
    common = design.jitter * MARGIN * correlated(skewed(rng, design.limit, design.skew), design.correlation)
    common[-1] += design.spike
    drift = np.cumsum(rng.standard_normal(design.limit)) * deviation / np.sqrt(design.drift_epochs * rows)
    curve = trend + common + drift + rng.standard_normal(design.limit) * deviation / np.sqrt(rows)
    epochs = epochs_until_stopped(curve, design.patience)
    curve, best = curve[:epochs], int(np.argmin(curve[:epochs]))
    kept = sorted({*np.flatnonzero(measured_epochs(0, epochs)).tolist(), best, epochs - 1})
    if design.test_rows:  # of the others nothing is asked
        kept = [epoch for epoch in kept if epoch >= min(best - best // 10 - 5, epochs // 2)]
    losses, walk = {}, np.zeros(rows)
    for before, epoch in zip([kept[0], *kept], kept, strict=False):
        walk += rng.standard_normal(rows) * deviation * np.sqrt((epoch - before) / design.drift_epochs)
        values = walk + rng.standard_normal(rows) * deviation
        losses[epoch] = (values - values.mean() + curve[epoch]).astype(np.float32)
    outcome = "finished" if epochs == design.limit else "stopped early"
    return RunEvidence(seed, outcome, epochs, best, validation=losses, curve=curve), trend, common


def row_deviation(design: Design) -> float:
    """Return the standard deviation of a single row's jitter, in units of the loss."""
    return design.jitter * MARGIN * design.row_jitter


def skewed(rng: np.random.Generator, size: int, skew: float) -> np.ndarray:
    """Return values of mean 0, variance 1 and that skewness: a shifted gamma distribution."""
    shape = 4 / skew**2
    return (rng.gamma(shape, size=size) - shape) / np.sqrt(shape)


def correlated(values: np.ndarray, correlation: float) -> np.ndarray:
    """Return an autoregressive sequence of the first order made of independent values, of the same variance.

    Example:
        >>> correlated(np.array([1.0, 0.0, 0.0]), 0.6).round(3)
        array([1.  , 0.6 , 0.36])
    """
    from scipy import signal

    fresh = np.append(values[0], np.sqrt(1 - correlation**2) * values[1:])
    return signal.lfilter([1.0], [1.0, -correlation], fresh)


def epochs_until_stopped(curve: np.ndarray, patience: int) -> int:
    """Return after how many epochs there was no new lowest value for `patience` epochs; all if never.

    Example:
        >>> epochs_until_stopped(np.array([3.0, 2.0, 2.5, 2.4, 1.0]), 2)
        4
    """
    times = np.arange(len(curve))
    is_new = np.concatenate([[True], curve[1:] < np.minimum.accumulate(curve)[:-1]])
    waited = times - np.maximum.accumulate(np.where(is_new, times, 0))
    stopped = np.flatnonzero(waited >= patience)
    return int(stopped[0]) + 1 if len(stopped) else len(curve)


def has_risen_by_windows(measured: Measured) -> bool:
    """Return whether validation loss rose between the windows about the chosen and the last epoch, over all seeds."""
    rises, variances = [], []
    for run in measured.runs:
        found = [(epoch, stray(run.curve, epoch)) for epoch in (run.chosen_epoch, run.epochs - 1)]
        before, after = (run.curve[epoch] - one.deviation for epoch, one in found)
        rises.append(after - before)
        variances.append(sum(one.variance * one.trend_error for _, one in found))
    return float(np.sum(rises)) > GATE_ERRORS * float(np.sum(variances)) ** 0.5


def recorded_lines(folder: Path) -> Iterator[tuple[str, ...]]:
    """Yield a line for each network of which `folder` holds recorded runs."""
    for name, recordings in recorded(folder):
        runs = [RecordedJitter.of(run) for run in recordings]
        yield name, str(len(runs)), *recorded_cells(runs)


def recorded(folder: Path) -> Iterator[tuple[str, Iterator]]:
    """Yield each network of which `folder` holds recorded runs, and its recordings, read one by one."""
    from benchmarks.peers.case import NETWORKS
    from benchmarks.settled.recordings import Recording

    for name in NETWORKS:
        paths = sorted(folder.glob(f"{name}-*[0-9].npz"))
        if paths:
            yield name, (Recording.read(path, name, 0) for path in paths)


def earlier_lines(folder: Path) -> Iterator[tuple[str, ...]]:
    """Yield a line for each network: what two epochs and the trend say of recorded runs that end earlier."""
    for name, recordings in recorded(folder):
        found = np.array([one for run in recordings for one in earlier_ends(run)])
        if not len(found):
            continue
        true, raw, raw_low, trend, trend_low = found.T / MARGIN
        is_none, is_large = true <= 1, true > 2
        yield (
            *(name, str(len(found))),
            *(f"{(mean - true).mean():+.1f} ± {(mean - true).std():.1f}" for mean in (raw, trend)),
            *(f"{(low[is_none] > 1).sum()} of {is_none.sum()}" for low in (raw_low, trend_low)),
            *(f"{(low[is_large] > 1).sum()} of {is_large.sum()}" for low in (raw_low, trend_low)),
        )


def earlier_ends(run) -> Iterator[tuple[float, ...]]:
    """Yield the true rise, and mean and lower end by two epochs and by the trend, of a recording that ends earlier."""
    test = run.test.mean(axis=1, dtype=np.float64)
    for epochs in range(FIRST_END, run.epochs - FARTHEST, STEP):
        best, last = run.best(epochs), epochs - 1
        if last - best < NEAREST or best < NEAREST:
            continue
        evidence = run.evidence(epochs)
        variant = VariantEvidence(run.name, 1, (evidence,))
        losses = evidence.test_best[None], evidence.test_last[None]
        end = judge_end(Measured(variant, (evidence,), *losses, "test"), MARGIN, is_binary=False, level=LEVEL)
        rise = smooth(test, last) - smooth(test, best)
        yield rise, end.raw_rise.mean, end.raw_rise.low, end.rise.mean, end.rise.low


def smooth(curve: np.ndarray, epoch: int) -> float:
    """Return the height at `epoch` of the line through the epochs on both sides, a tenth of those so far, 10 to 25."""
    reach = min(max(epoch // 10, 10), FARTHEST)
    near = np.arange(max(epoch - reach, 0), epoch + reach + 1.0)
    line = fit_line(near, curve[near.astype(int)])
    return line.height + line.slope * (epoch - line.middle)


@dataclass(frozen=True)
class RecordedJitter:
    """The jitter of a recorded run on both kinds of rows, from 60 epochs before its best epoch on.

    Shape:
        validation, test: (epochs,), how far each epoch strays from its neighbours, in units of the loss.

    Args:
        row_part: variance of the validation jitter if rows moved each for itself.
        drift: variance of a row's change over 40 epochs, per that over 1 epoch.
    """

    validation: np.ndarray
    test: np.ndarray
    row_part: float
    drift: float

    @classmethod
    def of(cls, run) -> RecordedJitter:
        since = max(run.best(run.epochs) - 60, 0)
        test = run.test.mean(axis=1, dtype=np.float64)
        strays = [[stray(curve, epoch) for epoch in range(since, run.epochs)] for curve in (run.curve, test)]
        steps = [
            float(
                np.mean(
                    (run.validation[since + lag :] - run.validation[since:-lag]).var(axis=1, dtype=np.float64)
                )
            )
            for lag in (1, 40)
        ]
        return cls(
            *(np.array([one.deviation for one in kind]) for kind in strays),
            steps[0] / 2 / run.validation.shape[1],
            steps[1] / steps[0],
        )

    @property
    def common(self) -> float:
        """The share of the validation jitter that is found on test rows: the slope of a regression."""
        return slope(self.validation, self.test)

    @property
    def expected(self) -> float:
        """The same share, as it would be estimated without test rows."""
        return 1 - self.row_part / float(self.validation.var())


RECORDED_HEADINGS = (
    *(
        "network",
        "runs",
        "jitter, validation",
        "test",
        "correlation",
        "with the next epoch",
        "skewness, test",
    ),
    *("share on test rows", "estimated", "of the lowest tenth", "of the highest", "drift"),
)


EARLIER_HEADINGS = (
    *("network", "ends", "error in margins: two epochs", "trend"),
    *("true rise within a margin, more is found: two epochs", "trend"),
    *("true rise beyond 2 margins, found: two epochs", "trend"),
)


def recorded_cells(runs: Sequence[RecordedJitter]) -> tuple[str, ...]:
    """Return the cells of a network: medians over its runs, of shares with their standard deviation over runs."""

    def median(value) -> float:
        return float(np.median([value(run) for run in runs]))

    def share(value) -> str:
        return f"{median(value):.2f} ± {np.std([value(run) for run in runs]):.2f}"

    return (
        *(
            f"{median(lambda run, name=name: getattr(run, name).std()):.5f}"
            for name in ("validation", "test")
        ),
        f"{median(lambda run: np.corrcoef(run.validation, run.test)[0, 1]):.2f}",
        f"{median(lambda run: slope(run.validation[:-1], run.validation[1:])):.2f}",
        f"{median(lambda run: np.mean(run.test**3) / np.mean(run.test**2) ** 1.5):.1f}",
        *(share(value) for value in (lambda run: run.common, lambda run: run.expected)),
        *(
            share(lambda run, tail=tail: share_of_tail(run, tail))
            for tail in (slice(None, 10), slice(-10, None))
        ),
        f"{median(lambda run: run.drift):.1f}",
    )


def share_of_tail(run: RecordedJitter, tail: slice) -> float:
    """Return the share on test rows of the tenth of the epochs with the lowest or highest validation jitter."""
    order = np.argsort(run.validation)
    count = max(len(order) // 10, 1)
    chosen = order[:count] if tail.start is None else order[-count:]
    return float(run.test[chosen].sum() / run.validation[chosen].sum())


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """Return the slope of the regression of y on x."""
    return float(np.cov(x, y)[0, 1] / x.var(ddof=1))


def half_width(end: End, name: str) -> float:
    """Return half the width of one of an end's intervals."""
    interval = getattr(end, name)
    return (interval.high - interval.low) / 2


def percent(found) -> str:
    """Return the share of truths, in per cent.

    Example:
        >>> percent([True, False, False, False])
        '25.0'
    """
    return f"{100 * np.mean(found):.1f}"


RISE_HEADINGS = (
    *("seeds", "jitter", "true rise", "found: two epochs", "windows", "trend", "excluded: trend"),
    *("covers: two epochs", "trend", "half-width: two epochs", "trend"),
)
TABLES = {
    "tails": (("flat tail", *RISE_HEADINGS), tail_lines),
    "rises": (("seeds x test rows", *RISE_HEADINGS), rise_lines),
    "large": (("rise", *RISE_HEADINGS), large_lines),
    "falls": (
        (
            *("epochs", "seeds", "jitter"),
            *(
                f"{name}: {cell}"
                for name in ("flat", "2 margins", "3 margins")
                for cell in ("above 0", "above the margin", "covers")
            ),
        ),
        fall_lines,
    ),
}


if __name__ == "__main__":
    main()
