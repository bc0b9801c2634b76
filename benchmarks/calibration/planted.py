"""Simulated ends of training whose trend is known: plateaus that jitter, late rises, spikes.

What is simulated is taken from recorded runs of the tutorial's networks on HIGGS (`benchmarks.settled record`; Tiny, Small,
Medium, L2, Dropout and Combined): from epoch to epoch the loss of all rows jitters together by 0.2 to 3.5 margins, nearly
without autocorrelation (-0.1 to 0.1); single rows jitter besides, so that on 1,000 validation rows 0.3 to 0.6 of the variance
is what test rows share; and from the chosen to the last epoch single rows change by a standard deviation of 0.05 to 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import signal

from benchmarks.calibration.studies import FAR, TREES, quickly_judged
from justright.diagnosis.evidence import ReferenceEvidence, RunEvidence, StudyEvidence, VariantEvidence
from justright.diagnosis.verdicts import Verdict
from justright.runs.grid import measured_epochs

MARGIN, LOSS, CONSTANT = 0.0012, 0.57, 0.69  # of the tutorial on HIGGS
VALIDATION_ROWS = 1_000
SIZES = {"Smaller": 100, "Middle": 1_000, "Larger": 10_000}  # parameters; all three truly tie
NETWORK_SPREAD, SEED_SPREAD = 0.15, 1.0  # of rows between networks; of seeds, in margins
ROW_DRIFT, SEED_DRIFT = 0.1, 0.2  # from the chosen to the last epoch: of rows; of seeds, in margins
SHARED = 0.4  # of the variance of a validation curve's jitter, what all rows share
AUTOCORRELATION = 0.1
FALL_EPOCHS = 8.0  # in which the loss falls by a factor of e, at first
LIMIT, PATIENCE = 200, 40
SPIKE = 20.0  # margins
DESIGNS = ((3, 2_000), (1, 2_000), (5, 10_000), (12, 20_000))  # seeds x test rows


@dataclass(frozen=True)
class Ending:
    """How training ends.

    Args:
        name: in the tables.
        jitter: standard deviation of what all rows share, in margins.
        rise: of the trend to the last epoch, in margins; a run that rises ends at `limit`, others by patience.
        spike: 'near' the end of every seed, at the end of 'one' seed or of 'all'; or ''.
        limit: of epochs.
    """

    name: str
    jitter: float
    rise: float = 0.0
    spike: str = ""
    limit: int = LIMIT

    def trend(self) -> np.ndarray:
        """Return (epochs,) the level after each epoch, in margins above that of the plateau."""
        epochs = np.arange(self.limit)
        turn = self.limit // 2
        return 100 * np.exp(-epochs / FALL_EPOCHS) + self.rise * np.maximum(epochs - turn, 0) / (
            self.limit - 1 - turn
        )


ENDINGS = (
    *(Ending(f"flat, jitter of {jitter:g} margins", jitter) for jitter in (0.3, 1.0, 3.0)),
    *(
        Ending(f"late rise of {rise:g}, jitter of {jitter:g}", jitter, rise, limit=100)
        for rise in (1.0, 2.0, 5.0)
        for jitter in (0.3, 1.0, 3.0)
    ),
    Ending("spike 4 epochs before the end", 0.3, spike="near"),
    Ending("spike at the end of one seed", 0.3, spike="one"),
    Ending("spike at the end of every seed", 0.3, spike="all"),
)


def calibrate_planted(number: int) -> list[dict[str, Any]]:
    """Return the record of one study for each ending and design."""
    found = []
    for seeds, rows in DESIGNS:
        for at, ending in enumerate(ENDINGS):
            rng = np.random.default_rng([number, at, seeds, rows])
            study = simulate(ending, seeds, rows, rng)
            judgement = quickly_judged(study.evidence, margin=MARGIN)
            verdicts = [_record(study, one) for one in judgement.verdicts]
            design = f"{seeds} x {rows:,}"
            found.append({"world": number, "design": design, "ending": ending.name, "verdicts": verdicts})
    return found


@dataclass(frozen=True)
class Planted:
    """A simulated study.

    Args:
        evidence: what a study would know.
        rises: variant -> the true rise of its trend, mean over its seeds, in margins.
    """

    evidence: StudyEvidence
    rises: dict[str, float]


def simulate(ending: Ending, seeds: int, rows: int, rng: np.random.Generator) -> Planted:
    """Return a study of three networks that truly tie and all end in this way, trees being far better."""
    common = {"test": rng.exponential(LOSS, rows), "validation": rng.exponential(LOSS, VALIDATION_ROWS)}
    variants, rises = [], {}
    for name, parameters in SIZES.items():
        own = {kind: values + rng.normal(0, NETWORK_SPREAD, len(values)) for kind, values in common.items()}
        runs, true = zip(*(_run(ending, seed, own, rng) for seed in range(seeds)), strict=True)
        variants.append(
            VariantEvidence(name, parameters, runs, group="sizes", brakes={}, max_epochs=ending.limit)
        )
        rises[name] = float(np.mean(true))
    evidence = StudyEvidence(
        "binary",
        "binary_crossentropy",
        tuple(variants),
        CONSTANT,
        rows,
        VALIDATION_ROWS,
        ReferenceEvidence(TREES, (common["test"] - FAR * MARGIN).astype(np.float32)),
        (common["test"] + CONSTANT - LOSS).astype(np.float32),
    )
    return Planted(evidence, rises)


def _run(
    ending: Ending, seed: int, own: dict[str, np.ndarray], rng: np.random.Generator
) -> tuple[RunEvidence, float]:
    """Return one run and the true rise of its trend in margins."""
    count, epochs = VALIDATION_ROWS, np.arange(ending.limit)
    shared = MARGIN * ending.jitter * jitter(rng, ending.limit)
    by_row = MARGIN * ending.jitter * np.sqrt((1 / SHARED - 1) * count)
    trend = ending.trend() + rng.normal(0, SEED_DRIFT) * epochs / ending.limit
    level = MARGIN * (trend + rng.normal(0, SEED_SPREAD)) + shared
    drift, drifting = epochs / ending.limit, rng.normal(0, ROW_DRIFT, count)
    means = by_row / np.sqrt(count) * rng.standard_normal(ending.limit)
    curve = own["validation"].mean() + level + drift * drifting.mean() + means
    best, epochs, outcome = _ended(curve, ending)
    kept = {*np.flatnonzero(measured_epochs(0, epochs)).tolist(), best, epochs - 1}
    validation = {}
    for epoch in sorted(kept):
        own_jitter = by_row * rng.standard_normal(count)
        own_jitter += means[epoch] - own_jitter.mean()
        validation[epoch] = own["validation"] + level[epoch] + drift[epoch] * drifting + own_jitter
    spiked = _spiked(ending, seed, epochs)
    if spiked is not None:
        spike = SPIKE * MARGIN * rng.exponential(1, count)
        curve[spiked] += spike.mean()
        if spiked in validation:
            validation[spiked] += spike
    rows, moved = len(own["test"]), rng.normal(0, ROW_DRIFT, len(own["test"]))
    test = {
        epoch: own["test"] + level[epoch] + drift[epoch] * moved + by_row * rng.standard_normal(rows)
        for epoch in {best, epochs - 1}
    }
    if spiked == epochs - 1:
        test[spiked] += SPIKE * MARGIN * rng.exponential(1, rows)
    run = RunEvidence(
        seed,
        outcome,
        epochs,
        best,
        test_best=test[best].astype(np.float32),
        test_last=test[epochs - 1].astype(np.float32),
        validation={epoch: losses.astype(np.float32) for epoch, losses in validation.items()},
        curve=curve[:epochs],
        train_loss_first=LOSS + 0.1,
        train_loss_best=LOSS,
        train_loss_last=LOSS - 0.01,
    )
    return run, float(trend[epochs - 1] - trend[best])


def jitter(rng: np.random.Generator, epochs: int) -> np.ndarray:
    """Return stationary jitter of variance 1 and a little autocorrelation."""
    values = rng.standard_normal(epochs)
    values[1:] *= np.sqrt(1 - AUTOCORRELATION**2)
    return signal.lfilter([1.0], [1.0, -AUTOCORRELATION], values)


def _ended(curve: np.ndarray, ending: Ending) -> tuple[int, int, str]:
    """Return the chosen epoch, the epochs trained, and the outcome."""
    lowest = np.minimum.accumulate(curve)
    since = np.arange(len(curve)) - np.maximum.accumulate(np.where(curve <= lowest, np.arange(len(curve)), 0))
    stops = np.flatnonzero(since >= PATIENCE)
    if ending.rise or not len(stops):
        return int(np.argmin(curve)), len(curve), "finished"
    epochs = int(stops[0]) + 1
    return int(np.argmin(curve[:epochs])), epochs, "stopped early"


def _spiked(ending: Ending, seed: int, epochs: int) -> int | None:
    """Return the epoch of a run that is a spike; None without one."""
    if ending.spike == "near":
        return epochs - 5
    return epochs - 1 if ending.spike == "all" or (ending.spike == "one" and seed == 0) else None


def _record(study: Planted, verdict: Verdict) -> dict[str, Any]:
    """Return a verdict beside its truth, in margins: of the trend, nothing else gains anything."""
    rise = verdict.end.rise
    return {
        "variant": verdict.variant,
        "label": verdict.label,
        "rise": [rise.low / MARGIN, rise.high / MARGIN, study.rises[verdict.variant]],
        "exact": verdict.end.raw_rise.mean / MARGIN,
        "spikes": len(verdict.end.spikes),
    }
