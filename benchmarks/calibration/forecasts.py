"""Learning curves of small worlds, forecast as in any study, beside what 2 and 4 times the rows truly give."""

from __future__ import annotations

from typing import Any

import numpy as np

import justright as jr
from benchmarks.calibration.worlds import Engine, Sizes, Trained, make_world
from justright.diagnosis.evidence import LearningCurve
from justright.diagnosis.learning_curve import FACTORS, judge_scaling
from justright.runs.margin import default_margin

NAME, NETWORK = "Small", jr.mlp(16)
LARGEST = 1_600  # training rows of the study; the truth is at 2 and 4 times as many
SIZES = Sizes(train=FACTORS[-1] * LARGEST, validation=800, pool=2_000, fresh=100_000)
SEEDS = 3
TRUTH_SEEDS = 6  # the standard error of their mean is 0.7 of that of three seeds
RECIPE = jr.Recipe(batch_size=50, max_epochs=100, patience=10, measure_rows=100)


def forecast_world(number: int, engine: Engine) -> list[dict[str, Any]]:
    """Return the record of the learning curve in one world."""
    world = make_world(number, SIZES)
    constant = float(world.rivals.constant.mean())
    first = 1 + 1_000 * number

    def train(train_rows: int, seeds: int) -> Trained:
        every = range(first, first + seeds)
        return engine.train(NAME, NETWORK, world, seeds=every, train_rows=train_rows)

    curve = {size: train(size, SEEDS) for size in jr.learning_sizes(LARGEST)}
    truth = {factor: train(factor * LARGEST, TRUTH_SEEDS).true_best.mean() for factor in FACTORS}
    now = train(LARGEST, TRUTH_SEEDS).true_best.mean()
    return [{"world": number, "variant": NAME, **_record(curve, truth, now, constant)}]


def _record(
    curve: dict[int, Trained], truth: dict[int, float], now: float, constant: float
) -> dict[str, Any]:
    """Return forecast and gains with their truths, each [low, high, truth]."""
    measured = LearningCurve(NAME, tuple(curve), tuple(one.best for one in curve.values()))
    margin = default_margin(constant, float(curve[LARGEST].best.mean(dtype=np.float64)))
    scaling = judge_scaling(measured, margin=margin)
    return {
        "margin": margin,
        "refusal": scaling.refusal,
        "losses": [[float(value) for value in one.true_best] for one in curve.values()],
        "truth": [float(now), *(float(truth[factor]) for factor in FACTORS)],
        "forecast": [
            [point.low, point.high, float(truth[factor])]
            for point, factor in zip(scaling.forecast, FACTORS, strict=False)
        ],
        "gains": [
            [gain.low, gain.high, float(truth[factor] - now), gain.mean]
            for gain, factor in zip(scaling.gains, FACTORS, strict=False)
        ],
    }
