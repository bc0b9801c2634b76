"""Remedies, ranked by what they changed on rows that measure, against the baseline at its own best epoch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

import numpy as np

from justright.diagnosis.choice import rejected_strengths
from justright.diagnosis.evidence import StudyEvidence
from justright.diagnosis.measured import Measured, measure_study, paired_differences
from justright.diagnosis.words.numbers import estimate, listed
from justright.statistics.crossed import crossed
from justright.statistics.intervals import DEFAULT_LEVEL, Interval
from justright.statistics.simultaneous import judge_jointly

Kind = Literal["variant", "early stopping", "ensemble"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What one remedy changed.

    Args:
        baseline: the variant it was made from.
        remedy: the variant with the change; of several strengths the one that validation rows choose.
        difference: mean loss of the remedy minus that of the baseline, each at its own chosen epoch.
        low: lower end of the interval, simultaneous over the remedies of this baseline.
        high: upper end.
        probability_better: how probably the remedy's true loss is below the baseline's.
        probability_best: how probably it is the best of this baseline's remedies; NaN for those that are no variant.
        is_tied_with_best: whether it cannot be told from the remedy with the lowest mean loss.
        seeds: seeds that both were trained with; with 1 the interval covers rows only.
        kind: 'variant'; 'early stopping' compares the baseline's best epoch with its own last one, 'ensemble' the mean
            of its seeds' outputs with one network a seed, with an interval that covers rows only.
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
        return Interval(self.difference, self.low, self.high, self.seeds, 0, "")

    @property
    def covers(self) -> str:
        """What the interval speaks about: 'rows and seeds', or 'rows'."""
        return "rows" if self.seeds == 1 or self.kind == "ensemble" else "rows and seeds"

    def to_dict(self) -> dict[str, Any]:
        """Return the effect as in result.json."""
        names = ("baseline", "remedy", "difference", "low", "high", "probability_better")
        more = ("probability_best", "is_tied_with_best", "seeds", "kind", "covers")
        return {name: getattr(self, name) for name in (*names, *more)}


def effects(
    evidence: StudyEvidence,
    *,
    level: float = DEFAULT_LEVEL,
    seed: int = 0,
    measured: dict[str, Measured] | None = None,
) -> list[Effect]:
    """Return the effect of every remedy, best first within each baseline, baselines in the study's order.

    Of the strengths of one remedy only the one that validation rows choose is measured.

    Args:
        evidence: the study.
        level: coverage of all intervals of one baseline together.
        seed: of the draws; the same seed gives the same effects.
        measured: what `measure_study` returned, to save doing it again.
    """
    losses = measure_study(evidence) if measured is None else measured
    rejected = rejected_strengths(evidence)
    found: list[Effect] = []
    for variant in evidence.variants:
        remedies = sorted(
            one.name
            for one in evidence.variants
            if one.baseline == variant.name and one.name in losses and one.name not in rejected
        )
        if variant.name in losses:
            found += _effects_of(variant.name, remedies, losses, level=level, seed=seed)
    return found


def rank_remedies(found: Sequence[Effect], baseline: str) -> tuple[tuple[str, ...], ...]:
    """Return the remedies of a baseline best first, those that cannot be told from the best one as one group.

    Example:
        >>> best = Effect("Large", "L2", -0.2, -0.3, -0.1, 1.0, 0.9, True, 3)
        >>> tied = Effect("Large", "dropout", -0.19, -0.3, -0.1, 1.0, 0.1, True, 3)
        >>> rank_remedies([best, tied, Effect("Large", "noise", 0.0, -0.1, 0.1, 0.5, 0.0, False, 3)], "Large")
        (('L2', 'dropout'), ('noise',))
    """
    mine = sorted(
        (one for one in found if one.baseline == baseline), key=lambda one: (one.difference, one.remedy)
    )
    tied = tuple(one.remedy for one in mine if one.is_tied_with_best)
    rest = tuple((one.remedy,) for one in mine if not one.is_tied_with_best)
    return ((tied,) if tied else ()) + rest


def draws_for(seed: int, *names: str) -> np.random.Generator:
    """Return the random generator of one comparison: the same whatever else the study holds.

    Example:
        >>> draws_for(0, "Tiny").random() == draws_for(0, "Tiny").random()
        True
    """
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


def _effects_of(
    baseline: str, remedies: list[str], losses: dict[str, Measured], *, level: float, seed: int
) -> list[Effect]:
    """Return the effects on one baseline; remedies over different seeds are judged apart, at shared error rates."""
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
    baseline: str, members: list[str], losses: dict[str, Measured], *, level: float, seed: int
) -> list[Effect]:
    """Return the effects of remedies that share their seeds."""
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


def _tied_with_best(members: list[str], losses: dict[str, Measured], *, level: float, seed: int) -> set[str]:
    """Return the members that cannot be told from the one with the lowest mean loss, itself included."""
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


def effect_sentence(found: Sequence[Effect], baseline: str) -> str | None:
    """Return which remedy helped a baseline most, by how much, and which cannot be told from it; None without any.

    Example:
        >>> effect_sentence([Effect("Large", "L2", -0.2, -0.3, -0.1, 1.0, 1.0, True, 3)], "Large")
        'L2 helps Large most, by 0.20 [0.10, 0.30].'
    """
    mine = [one for one in found if one.baseline == baseline and one.kind == "variant"]
    if not mine:
        return None
    helpful = [one for one in mine if one.is_tied_with_best and one.high < 0]
    if not helpful:
        return f"No remedy measurably helps {baseline}."
    gain = f"{helpful[0].remedy} helps {baseline} most, by {estimate(helpful[0].interval.negated())}"
    if len(helpful) == 1:
        return f"{gain}."
    return f"{gain}; it cannot be told from {listed([one.remedy for one in helpful[1:]])}."
