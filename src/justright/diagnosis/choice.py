"""What validation rows choose: the strength of each remedy, and the model of the whole study.

Test rows take no part in the choice, so it does not flatter what they measure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from justright.diagnosis.evidence import EnsembleEvidence, Losses, StudyEvidence, VariantEvidence
from justright.statistics.crossed import MIN_ROWS, crossed
from justright.statistics.intervals import DEFAULT_LEVEL, Interval, interval_of, loss_interval

Candidate = VariantEvidence | EnsembleEvidence


@dataclass(frozen=True, slots=True)
class StrengthChoice:
    """One remedy of one baseline: its strengths, and the one that validation rows choose.

    Args:
        baseline: the variant that is changed.
        remedy: its name in the catalogue.
        chosen: the variant with the lowest validation loss.
        strengths: (variant, strength, validation loss) of all of them, in the study's order.
    """

    baseline: str
    remedy: str
    chosen: str
    strengths: tuple[tuple[str, float | None, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the choice as plain values."""
        return {
            "baseline": self.baseline,
            "remedy": self.remedy,
            "chosen": self.chosen,
            "strengths": [
                {"name": name, "strength": strength, "validation": loss}
                for name, strength, loss in self.strengths
            ],
        }


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The network, or ensemble of its seeds, that validation rows choose.

    Args:
        name: as reports print it.
        variant: the variant whose runs it consists of.
        is_ensemble: whether it is the mean of all seeds rather than one network per seed.
        validation: its mean loss on the rows that chose it, which is optimistic.
        test: its mean loss on test rows; for an ensemble the interval covers rows only. None without test rows.
        rivals: how many other candidates validation rows cannot tell apart from it.
        candidates: how many it was chosen from.
    """

    name: str
    variant: str
    is_ensemble: bool
    validation: float
    test: Interval | None
    rivals: int
    candidates: int

    def to_dict(self) -> dict[str, Any]:
        """Return the choice as plain values."""
        test = self.test.to_dict() if self.test else dict.fromkeys(("mean", "low", "high"))
        return asdict(self) | {"test": test}


def choose_strengths(evidence: StudyEvidence) -> tuple[StrengthChoice, ...]:
    """Return, for each remedy of each baseline, the strength with the lowest mean loss on validation rows.

    Only strengths with the most measured runs compete: one at which some seeds diverged is not chosen for the luck of the
    others. Variants without a remedy's name are left out.

    Args:
        evidence: the study.
    """
    groups: dict[tuple[str, str], list[VariantEvidence]] = defaultdict(list)
    for variant in evidence.variants:
        if variant.remedy and variant.baseline is not None:
            groups[variant.baseline, variant.remedy].append(variant)
    return tuple(
        StrengthChoice(
            baseline,
            remedy,
            min(members, key=_preference).name,
            tuple((one.name, one.strength, one.validation_loss) for one in members),
        )
        for (baseline, remedy), members in groups.items()
    )


def rejected_strengths(evidence: StudyEvidence, strengths: Iterable[StrengthChoice]) -> frozenset[str]:
    """Return the variants that are strengths of a remedy which validation rows did not choose.

    A strength on which another variant builds is never rejected: it is measured as the baseline of that variant.

    Args:
        evidence: the study.
        strengths: what `choose_strengths` returned.
    """
    chosen = {choice.chosen for choice in strengths}
    baselines = {variant.baseline for variant in evidence.variants}
    return frozenset(
        variant.name
        for variant in evidence.variants
        if variant.remedy and variant.name not in chosen and variant.name not in baselines
    )


def choose_model(evidence: StudyEvidence, *, level: float = DEFAULT_LEVEL) -> ModelChoice | None:
    """Return the variant or ensemble with the lowest validation loss, or None if no run recorded any.

    Args:
        evidence: the study.
        level: coverage of the interval of its test loss.
    """
    everything: tuple[Candidate, ...] = (*evidence.variants, *evidence.ensembles)
    candidates = _by_validation_loss(everything)
    if not candidates:
        return None
    best = candidates[0]
    rivals = [one for one in candidates if one is not best and not _is_worse(one, best, level)]
    test = _test_losses(best)
    return ModelChoice(
        best.name,
        best.variant if isinstance(best, EnsembleEvidence) else best.name,
        isinstance(best, EnsembleEvidence),
        best.validation_loss,
        loss_interval(test, level=level) if test is not None and test.shape[1] >= MIN_ROWS else None,
        len(rivals),
        len(candidates),
    )


def choose_variant(evidence: StudyEvidence) -> str | None:
    """Return the variant with the lowest loss on validation rows, or None when no run recorded any."""
    candidates = _by_validation_loss(evidence.variants)
    return candidates[0].name if candidates else None


def _by_validation_loss(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates with a loss on validation rows, the lowest first."""
    found = [one for one in candidates if np.isfinite(one.validation_loss)]
    return sorted(found, key=lambda one: (one.validation_loss, one.name))


def _preference(variant: VariantEvidence) -> tuple[int, float, str]:
    """Return the sort key of strengths: most measured runs first, then lowest validation loss."""
    loss = variant.validation_loss
    measured = sum(run.is_measured for run in variant.runs)
    return (-measured, loss if np.isfinite(loss) else np.inf, variant.name)


def _is_worse(one: Candidate, best: Candidate, level: float) -> bool:
    """Return whether validation rows show a candidate to be worse than the best one.

    Networks are compared seed by seed, so that the interval covers other seeds; an ensemble is one model.
    """
    rows, others = _validation_rows(one), _validation_rows(best)
    common = [seed for seed in rows if seed in others]
    if common:
        differences = np.array([rows[seed].astype(np.float64) - others[seed] for seed in common])
    else:
        means = [np.stack(list(each.values())).mean(axis=0, dtype=np.float64) for each in (rows, others)]
        differences = np.atleast_2d(means[0] - means[1])
    enough = differences.shape[1] >= MIN_ROWS
    return enough and interval_of(crossed(differences), level=level).is_above(0)


def _validation_rows(one: Candidate) -> dict[int | None, Losses]:
    """Return seed -> (rows,) validation losses at the chosen epoch; the seed of an ensemble is None."""
    if isinstance(one, EnsembleEvidence):
        return {None: one.validation}
    return {run.seed: run.validation[run.chosen_epoch] for run in one.runs if run.is_measured}


def _test_losses(one: Candidate) -> Losses | None:
    """Return (seeds, rows) test losses; (1, rows) for an ensemble."""
    if isinstance(one, EnsembleEvidence):
        return None if one.test is None else one.test[None]
    tests = [run.test_best for run in one.runs if run.is_measured]
    found = [test for test in tests if test is not None]
    return np.stack(found) if found and len(found) == len(tests) else None
