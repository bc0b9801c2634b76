"""From a study's evidence to its judgement: verdicts, effects of remedies, and one sentence of conclusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from justright.diagnosis.choice import (
    ModelChoice,
    StrengthChoice,
    choose_model,
    choose_strengths,
    rejected_strengths,
    search_fact,
)
from justright.diagnosis.effects import Effect, draws_for, effect_sentence, effects
from justright.diagnosis.evidence import ReferenceEvidence, StudyEvidence
from justright.diagnosis.facts import constant_fact, gap_fact, reference_fact, row_fact, size_facts
from justright.diagnosis.free_effects import choice_fact, free_effects, ladder_fact
from justright.diagnosis.measured import Measured, measure_study
from justright.diagnosis.onset import find_onset
from justright.diagnosis.overfit import errors, judge_overfit
from justright.diagnosis.underfit import judge_candidates
from justright.diagnosis.verdicts import (
    Verdict,
    decide,
    unmeasured_verdict,
)
from justright.diagnosis.words.advice import decision_facts
from justright.diagnosis.words.conclusion import conclude
from justright.errors import InputError
from justright.higgs.claims import Claim, judge_claims
from justright.runs.margin import default_margin
from justright.statistics.crossed import MIN_ROWS
from justright.statistics.intervals import DEFAULT_LEVEL, Interval, check_level, mean_interval
from justright.study.remedy import LADDER_GROUP


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that can be said about a study.

    Args:
        verdicts: one a variant, in the study's order.
        effects: of remedies, best first within each baseline.
        reference: name and loss of the other kind of model, if any.
        best_variant: the one that validation rows choose; None when no run could be measured.
        margin: what counted as a difference, in units of the loss.
        conclusion: one sentence.
        facts: further sentences, each said because its interval supports it.
        strengths: of every remedy with several, the one that validation rows choose.
        choice: the network or ensemble that validation rows choose; None when no run could be measured.
        claims: the tutorial's own sentences on its networks, judged on test rows; empty for any other study.
    """

    verdicts: tuple[Verdict, ...]
    effects: tuple[Effect, ...]
    reference: tuple[str, Interval] | None
    best_variant: str | None
    margin: float
    conclusion: str
    facts: tuple[str, ...]
    strengths: tuple[StrengthChoice, ...] = ()
    choice: ModelChoice | None = None
    claims: tuple[Claim, ...] = ()

    def verdict(self, variant: str) -> Verdict:
        """Return the verdict on one variant; KeyError when the study has none of that name."""
        return {verdict.variant: verdict for verdict in self.verdicts}[variant]

    def to_dict(self) -> dict[str, Any]:
        """Return the judgement as plain values under the names of result.json."""
        reference = None
        if self.reference is not None:
            name, test = self.reference
            reference = {"name": name, "test": test.mean, "low": test.low, "high": test.high}
        return {
            "variants": [
                {"name": one.variant, "verdict": one.to_dict(), "test": _ends(one.test)}
                for one in self.verdicts
            ],
            "effects": [effect.to_dict() for effect in self.effects],
            "reference": reference,
            "best_variant": self.best_variant,
            "conclusion": self.conclusion,
            "facts": list(self.facts),
            "strengths": [one.to_dict() for one in self.strengths],
            "choice": self.choice.to_dict() if self.choice else None,
            "claims": [claim.to_dict() for claim in self.claims],
        }


def judge_study(
    evidence: StudyEvidence, *, margin: float | None = None, level: float = DEFAULT_LEVEL, seed: int = 0
) -> Judgement:
    """Return verdicts, effects and conclusion of a study.

    Args:
        evidence: what was measured.
        margin: what counts as a difference, in units of the loss; None means 1 % of (loss of the constant
            prediction - best loss of the study, the reference included).
        level: coverage of each interval, or of each simultaneous family of intervals.
        seed: of the draws behind simultaneous intervals; the same seed gives the same judgement.

    Raises:
        InputError: `margin` is not positive or `level` is not between 0 and 1.
    """
    check_level(level)
    measured = measure_study(evidence)
    losses = {name: mean_interval(one.best, level=level) for name, one in measured.items()}
    reference = _reference_interval(evidence.reference, measured, level)
    best_loss = min(
        [one.mean for one in losses.values()] + ([reference.mean] if reference else []), default=np.inf
    )
    chosen_margin = _margin(margin, evidence.constant_loss, best_loss)
    judge = _Judge(evidence, measured, losses, chosen_margin, level, seed, rejected_strengths(evidence))
    verdicts = tuple(judge.verdict(variant.name) for variant in evidence.variants)
    best = _best_variant(measured)
    choice = choose_model(evidence, level=level)
    found = tuple(effects(evidence, level=level, seed=seed, measured=measured))
    found += tuple(free_effects(evidence, measured, choice, level=level, seed=seed))
    return Judgement(
        verdicts,
        found,
        (evidence.reference.name, reference) if evidence.reference and reference else None,
        best,
        chosen_margin,
        conclude(verdicts, evidence, measured, best),
        judge.facts(verdicts, found, reference, best_loss, choice),
        choose_strengths(evidence),
        choice,
        judge_claims(evidence, measured, chosen_margin, level=level),
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """What every verdict of a study shares."""

    evidence: StudyEvidence
    measured: dict[str, Measured]
    losses: dict[str, Interval]
    margin: float
    level: float
    seed: int
    rejected: frozenset[str]

    def verdict(self, name: str) -> Verdict:
        """Return the verdict on one variant."""
        if name not in self.measured:
            return unmeasured_verdict(self.evidence.variant(name), self.margin)
        measured = self.measured[name]
        is_binary = self.evidence.task == "binary" and self.evidence.loss_name == "binary_crossentropy"
        overfit = judge_overfit(measured, self.margin, is_binary=is_binary, level=self.level)
        candidates = judge_candidates(
            {
                other: one
                for other, one in self.measured.items()
                if other == name or other not in self.rejected
            },
            name,
            self.evidence.reference,
            self.margin,
            level=self.level,
            rng=draws_for(self.seed, "candidates", name),
        )
        curves = [run.validation for run in measured.runs]
        onset = find_onset(curves, level=self.level, rng=draws_for(self.seed, "onset", name))
        by_accuracy = None
        if is_binary:
            draws = draws_for(self.seed, "onset by accuracy", name)
            by_accuracy = find_onset([errors(curve) for curve in curves], level=self.level, rng=draws)
        return decide(measured, overfit, candidates, self.losses[name], onset, by_accuracy)

    def facts(
        self,
        verdicts: tuple[Verdict, ...],
        found: tuple[Effect, ...],
        reference: Interval | None,
        best_loss: float,
        choice: ModelChoice | None,
    ) -> tuple[str, ...]:
        """Return the facts that hold."""
        learnable = self.evidence.constant_loss - best_loss
        facts: list[str | None] = [row_fact(self.measured, self.margin, level=self.level)]
        facts += size_facts(self.measured, learnable, level=self.level, seed=self.seed)
        if reference is not None and self.evidence.reference is not None:
            facts.append(reference_fact(verdicts, self.evidence.reference.name, reference))
        steps = {one.baseline for one in self.evidence.variants if one.group == LADDER_GROUP}
        facts += [
            effect_sentence(found, variant.name)
            for variant in self.evidence.variants
            if variant.name not in steps
        ]
        facts.append(
            search_fact([one for one in choose_strengths(self.evidence) if one.baseline not in steps])
        )
        facts.append(ladder_fact(self.evidence, found))
        if rejected_strengths(self.evidence) or steps:
            facts.append(choice_fact(choice))
        needs = {one.variant: one.needs for one in verdicts if one.needs is not None}
        facts += decision_facts(needs, self.measured, self.evidence.test_rows)
        facts.append(gap_fact(verdicts, self.measured, learnable))
        facts.append(constant_fact(self.evidence, best_loss))
        return tuple(fact for fact in facts if fact)


def _margin(margin: float | None, constant_loss: float, best_loss: float) -> float:
    """Return the margin asked for, or the default."""
    if margin is None:
        return default_margin(constant_loss, best_loss)
    if not 0 < margin < np.inf:
        raise InputError(f"`margin` must be a positive number in units of the loss; got {margin!r}.")
    return float(margin)


def _reference_interval(
    reference: ReferenceEvidence | None, measured: dict[str, Measured], level: float
) -> Interval | None:
    """Return the reference's loss on the rows that measure, or None when it was not measured on those."""
    if reference is None or len(reference.test) < MIN_ROWS or not np.isfinite(reference.test).all():
        return None
    if any(one.best.shape[1:] != reference.test.shape for one in measured.values()):
        return None
    return mean_interval(reference.test[None], level=level)


def _best_variant(measured: dict[str, Measured]) -> str | None:
    """Return the variant that validation rows choose (test rows only measure), or None without any run."""
    has_rows = all(run.best_epoch in run.validation for one in measured.values() for run in one.runs)

    def score(name: str) -> float:
        one = measured[name]
        if not has_rows:
            return float(one.best.mean(dtype=np.float64))
        return float(np.mean([run.validation[run.chosen_epoch].mean(dtype=np.float64) for run in one.runs]))

    return min(sorted(measured), key=score, default=None)


def _ends(interval: Interval | None) -> dict[str, float] | None:
    """Return an interval as in result.json."""
    return None if interval is None else {"mean": interval.mean, "low": interval.low, "high": interval.high}
