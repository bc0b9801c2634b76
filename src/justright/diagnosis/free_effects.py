"""Remedies that need no training of their own - early stopping, the ensemble of seeds - and combinations step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from justright.diagnosis.choice import ModelChoice
from justright.diagnosis.effects import Effect, draws_for
from justright.diagnosis.evidence import EnsembleEvidence, StudyEvidence
from justright.diagnosis.measured import Measured
from justright.diagnosis.words.numbers import counted, estimate, rounded
from justright.statistics.crossed import Crossed, crossed
from justright.statistics.intervals import DEFAULT_LEVEL
from justright.statistics.simultaneous import judge_jointly
from justright.study.remedy import LADDER_GROUP

EARLY_STOPPING = "Early stopping"
MIN_STEPS = 2  # a single step is a remedy like any other


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
    seeds' outputs against one network a seed; it is one model, so its interval covers rows only. The ensemble of the
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


def ladder_fact(evidence: StudyEvidence, found: Sequence[Effect]) -> str | None:
    """Return what each step of a combination changed, in one sentence; None where the study has no steps."""
    steps = [one for one in evidence.variants if one.group == LADDER_GROUP and one.baseline is not None]
    by_name = {one.remedy: one for one in found if one.kind == "variant"}
    known = [(step, by_name[step.name]) for step in steps if step.name in by_name]
    if len(known) < MIN_STEPS:
        return None
    parts = [f"{step.remedy} {estimate(effect.interval)}" for step, effect in known]
    return f"Step by step from {known[0][1].baseline}, test loss changed by: {'; '.join(parts)}."


def choice_fact(choice: ModelChoice | None) -> str | None:
    """Return what validation rows choose and what test rows say of it; None without test rows."""
    if choice is None or choice.test is None or choice.candidates == 1:
        return None
    covers = ", over rows only" if choice.is_ensemble else ""
    told = (
        f" They cannot tell it from {counted(choice.rivals, 'other candidate')} of {choice.candidates - 1}."
        if choice.rivals
        else ""
    )
    return (
        f"Validation rows choose {choice.name}: its test loss is {estimate(choice.test)}{covers}, where validation rows, "
        f"which chose it, say {rounded(choice.validation, choice.test)}.{told}"
    )


def _effect(baseline: str, remedy: str, table: Crossed, level: float, seed: int) -> Effect:
    """Return the effect of something that is no variant."""
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
        is_tied_with_best=False,  # ties are between variants
        seeds=interval.seeds,
        kind="early stopping" if remedy == EARLY_STOPPING else "ensemble",
    )
