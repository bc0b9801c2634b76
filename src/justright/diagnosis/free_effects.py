"""The effects of what needs no training of its own: early stopping, and the ensemble of seeds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from justright.diagnosis.choice import ModelChoice
from justright.diagnosis.effects import Effect, draws_for
from justright.diagnosis.evidence import EnsembleEvidence, StudyEvidence
from justright.diagnosis.measured import Measured
from justright.statistics.crossed import Crossed, crossed
from justright.statistics.intervals import DEFAULT_LEVEL
from justright.statistics.simultaneous import judge_jointly
from justright.study.remedies import LADDER_GROUP

EARLY_STOPPING = "Early stopping"


def free_effects(
    evidence: StudyEvidence,
    measured: Mapping[str, Measured],
    choice: ModelChoice | None,
    *,
    level: float = DEFAULT_LEVEL,
    seed: int = 0,
) -> list[Effect]:
    """Return the effects of early stopping and of ensembles on every variant with a catalogue's remedies.

    Early stopping is the variant at its chosen epoch against itself at its last one. An ensemble is the mean of the
    seeds' outputs against single networks; it is one model, so its interval covers rows only. The ensemble of the
    study's choice is measured too.

    Args:
        evidence: the study.
        measured: what `measure_study` returned.
        choice: what validation rows choose, if anything.
        level: coverage of each interval.
        seed: of the draws.
    """
    treated = {one.baseline for one in evidence.variants if one.remedy and one.group != LADDER_GROUP}
    has_remedies = any(one.remedy for one in evidence.variants)
    chosen = {choice.variant} if choice and has_remedies else set()
    ensembles = {one.variant: one for one in evidence.ensembles}
    found = []
    for variant in evidence.variants:
        one = measured.get(variant.name)
        if one is None:
            continue
        if variant.name in treated:
            found.append(_effect(variant.name, EARLY_STOPPING, crossed(-one.rise), level, seed))
        if variant.name in treated | chosen and variant.name in ensembles and one.source == "test":
            difference = ensemble_differences(ensembles[variant.name], one)
            if difference is not None:
                found.append(
                    _effect(variant.name, ensembles[variant.name].name, crossed(difference), level, seed)
                )
    return found


def ensemble_differences(ensemble: EnsembleEvidence, measured: Measured) -> np.ndarray | None:
    """Return (1, rows) test losses of an ensemble minus those of its members, averaged over them; None without any."""
    if ensemble.test is None or set(ensemble.seeds) - set(measured.seeds):
        return None
    members = measured.best[[measured.seeds.index(seed) for seed in ensemble.seeds]]
    return np.asarray((ensemble.test.astype(np.float64) - members.mean(axis=0, dtype=np.float64))[None])


def _effect(baseline: str, remedy: str, table: Crossed, level: float, seed: int) -> Effect:
    """Return the effect of something that is not a variant."""
    joint = judge_jointly([table], level=level, rng=draws_for(seed, "effects", baseline, remedy))
    interval = joint.intervals[0]
    return Effect(
        baseline=baseline,
        remedy=remedy,
        difference=interval.mean,
        low=interval.low,
        high=interval.high,
        probability_better=float(joint.probability_below_zero[0]),
        probability_best=float("nan"),
        is_tied_with_best=False,  # only variants are ranked against each other
        seeds=interval.seeds,
        kind="early stopping" if remedy == EARLY_STOPPING else "ensemble",
    )
