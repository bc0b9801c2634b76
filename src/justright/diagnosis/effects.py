"""What remedies changed on the rows that measure, against the baseline at its own best epoch.

Remedies are variants; early stopping and the ensemble of seeds, which need no training of their own, are measured too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from justright.diagnosis.choice import ModelChoice
from justright.diagnosis.evidence import EnsembleEvidence, StudyEvidence
from justright.diagnosis.measured import Measured, paired_differences
from justright.statistics.crossed import Crossed, crossed
from justright.statistics.intervals import DEFAULT_LEVEL, Interval
from justright.statistics.simultaneous import draws_for, judge_jointly
from justright.study.remedy import LADDER_GROUP

Kind = Literal["variant", "early stopping", "ensemble"]
EARLY_STOPPING = "Early stopping"


@dataclass(frozen=True, slots=True)
class Effect:
    """What one remedy changed.

    Args:
        baseline: the variant without the change.
        remedy: the variant with the change; of several strengths, the one that validation rows choose.
        difference: mean loss of the remedy minus that of the baseline, each at its own chosen epoch.
        low: lower end of the interval, simultaneous over the remedies of this baseline.
        high: upper end.
        probability_better: how probably the remedy's true loss is below the baseline's.
        probability_best: how probably it is the best of this baseline's remedies; NaN unless it is a variant.
        is_tied_with_best: whether it cannot be told apart from the remedy with the lowest mean loss.
        seeds: how many seeds both were trained with; with 1, or for an ensemble, the interval covers rows only.
        kind: 'variant'; 'early stopping' compares the baseline's best epoch with its own last one, 'ensemble' the mean
            of its seeds' outputs with single networks.
    """

    baseline: str
    remedy: str
    difference: float
    low: float
    high: float
    probability_better: float
    probability_best: float
    is_tied_with_best: bool
    seeds: int
    kind: Kind = "variant"

    @property
    def interval(self) -> Interval:
        """The difference with its interval, as sentences print it."""
        return Interval(self.difference, self.low, self.high, self.seeds)

    @property
    def covers(self) -> str:
        """What the interval covers: 'rows and seeds', or 'rows'."""
        return "rows" if self.seeds == 1 or self.kind == "ensemble" else "rows and seeds"

    def to_dict(self) -> dict[str, Any]:
        """Return the effect as in result.json."""
        return asdict(self) | {"covers": self.covers}


def variant_effects(
    evidence: StudyEvidence,
    measured: Mapping[str, Measured],
    *,
    rejected: Collection[str] = (),
    level: float = DEFAULT_LEVEL,
    seed: int = 0,
) -> list[Effect]:
    """Return the effect of every variant on its baseline, best first, baselines in the study's order.

    Args:
        evidence: the study.
        measured: what `measure_study` returned.
        rejected: strengths of remedies that are left out, because validation rows chose others.
        level: coverage of all intervals of one baseline together.
        seed: of the draws; the same seed gives the same effects.
    """
    found: list[Effect] = []
    for variant in evidence.variants:
        remedies = sorted(
            one.name
            for one in evidence.variants
            if one.baseline == variant.name and one.name in measured and one.name not in rejected
        )
        if variant.name in measured:
            found += _effects_of(variant.name, remedies, measured, level=level, seed=seed)
    return found


def free_effects(
    evidence: StudyEvidence,
    measured: Mapping[str, Measured],
    rises: Mapping[str, Interval],
    choice: ModelChoice | None,
    *,
    level: float = DEFAULT_LEVEL,
    seed: int = 0,
) -> list[Effect]:
    """Return the effects of early stopping and of ensembles on every variant with remedies from the catalogue.

    Early stopping undoes the rise of a variant from its chosen epoch to its last one. An ensemble, the mean of the seeds'
    outputs, is compared with single networks; it is one model, so its interval covers rows only. If the study's choice is
    an ensemble, it is measured too.

    Args:
        evidence: the study.
        measured: what `measure_study` returned.
        rises: variant -> its loss at the end of training minus at the chosen epoch, as its verdict has it.
        choice: what validation rows choose; None without a choice.
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
            found.append(_early_stopping(variant.name, rises[variant.name], level))
        if variant.name in treated | chosen and variant.name in ensembles and one.source == "test":
            difference = ensemble_differences(ensembles[variant.name], one)
            if difference is not None:
                found.append(
                    _ensemble_effect(
                        variant.name, ensembles[variant.name].name, crossed(difference), level, seed
                    )
                )
    return found


def ensemble_differences(ensemble: EnsembleEvidence, measured: Measured) -> np.ndarray | None:
    """Return (1, rows) test losses of an ensemble minus the mean of its members'; None without test losses."""
    if ensemble.test is None or set(ensemble.seeds) - set(measured.seeds):
        return None
    members = measured.best[[measured.seeds.index(seed) for seed in ensemble.seeds]]
    return np.asarray((ensemble.test.astype(np.float64) - members.mean(axis=0, dtype=np.float64))[None])


def _effects_of(
    baseline: str, remedies: list[str], losses: Mapping[str, Measured], *, level: float, seed: int
) -> list[Effect]:
    """Return the effects on one baseline, best first.

    Remedies with different seeds are judged separately, and share the error rate.
    """
    groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for name in remedies:
        common = tuple(sorted(set(losses[name].seeds) & set(losses[baseline].seeds)))
        if common:
            groups[common].append(name)
    count = sum(map(len, groups.values()))
    found: list[Effect] = []
    for members in groups.values():
        share = 1 - (1 - level) * len(members) / count
        found += _judge_group(baseline, members, losses, level=share, seed=seed)
    return sorted(found, key=lambda one: (one.difference, one.remedy))


def _judge_group(
    baseline: str, members: list[str], losses: Mapping[str, Measured], *, level: float, seed: int
) -> list[Effect]:
    """Return the effects of remedies with the same seeds."""
    differences = [paired_differences(losses[name], losses[baseline]) for name in members]
    tables = [crossed(one) for one in differences if one is not None]
    joint = judge_jointly(tables, level=level, rng=draws_for(seed, "effects", baseline))
    tied = _tied_with_best(members, losses, level=level, seed=seed)
    return [
        Effect(
            baseline,
            name,
            interval.mean,
            interval.low,
            interval.high,
            float(better),
            float(best),
            name in tied,
            interval.seeds,
        )
        for name, interval, better, best in zip(
            members, joint.intervals, joint.probability_below_zero, joint.probability_lowest, strict=True
        )
    ]


def _tied_with_best(
    members: list[str], losses: Mapping[str, Measured], *, level: float, seed: int
) -> set[str]:
    """Return the member with the lowest mean loss and those that cannot be told apart from it."""
    best = min(members, key=lambda name: (float(losses[name].best.mean(dtype=np.float64)), name))
    others = [name for name in members if name != best]
    differences = {name: paired_differences(losses[name], losses[best]) for name in others}
    tables = {name: crossed(one) for name, one in differences.items() if one is not None}
    by_seeds: dict[int, list[str]] = defaultdict(list)
    for name, table in tables.items():
        by_seeds[table.seeds].append(name)
    tied = {best}
    for names in by_seeds.values():
        joint = judge_jointly(
            [tables[name] for name in names], level=level, rng=draws_for(seed, "ties", best)
        )
        tied |= {name for name, one in zip(names, joint.intervals, strict=True) if not one.is_above(0.0)}
    return tied


def _early_stopping(baseline: str, rise: Interval, level: float) -> Effect:
    """Return what stopping at the chosen epoch gains; its probability is that of a normal law as wide as the interval."""
    error = (rise.high - rise.low) / 2 / NormalDist().inv_cdf((1 + level) / 2)
    better = NormalDist().cdf(rise.mean / error) if error > 0 else float(rise.mean > 0)
    return _free_effect(baseline, EARLY_STOPPING, rise.negated(), better, "early stopping")


def _ensemble_effect(baseline: str, name: str, table: Crossed, level: float, seed: int) -> Effect:
    """Return what an ensemble gains."""
    joint = judge_jointly([table], level=level, rng=draws_for(seed, "effects", baseline, name))
    return _free_effect(
        baseline, name, joint.intervals[0], float(joint.probability_below_zero[0]), "ensemble"
    )


def _free_effect(baseline: str, remedy: str, interval: Interval, better: float, kind: Kind) -> Effect:
    """Return the effect of early stopping or of an ensemble, which are not variants: only those are ranked."""
    return Effect(
        baseline=baseline,
        remedy=remedy,
        difference=interval.mean,
        low=interval.low,
        high=interval.high,
        probability_better=better,
        probability_best=float("nan"),
        is_tied_with_best=False,
        seeds=interval.seeds,
        kind=kind,
    )
