"""From a study's evidence to its judgement: verdicts, effects of remedies, and one sentence of conclusion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no type hints

from justright.diagnosis.alternatives import judge_alternatives, judge_headroom, kinds_of
from justright.diagnosis.choice import (
    ModelChoice,
    StrengthChoice,
    choose_model,
    choose_strengths,
    choose_variant,
    rejected_strengths,
)
from justright.diagnosis.claims import Claim, judge_claims
from justright.diagnosis.effects import Effect, free_effects, variant_effects
from justright.diagnosis.ends import errors, judge_end
from justright.diagnosis.evidence import ReferenceEvidence, StudyEvidence
from justright.diagnosis.findings import Findings
from justright.diagnosis.judged import JudgedStudy
from justright.diagnosis.learned import judge_learned
from justright.diagnosis.learning_curve import Scaling, judge_scaling
from justright.diagnosis.measured import Measured, measure_study
from justright.diagnosis.onset import find_onset
from justright.diagnosis.pairs import Pairs
from justright.diagnosis.verdicts import Verdict, decide, decide_unmeasured
from justright.diagnosis.words.conclusion import conclude
from justright.diagnosis.words.facts import state_facts
from justright.errors import InputError
from justright.runs.margin import default_margin
from justright.statistics.crossed import MIN_ROWS
from justright.statistics.intervals import DEFAULT_LEVEL, Interval, check_level, loss_interval
from justright.statistics.simultaneous import draws_for


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that was found about a study.

    Args:
        verdicts: one for each variant, in the study's order.
        effects: of remedies, best first within each baseline.
        reference: name and loss of the other kind of model, if any.
        best_variant: the one that validation rows choose; None if no run could be measured.
        margin: what counted as a difference, in units of the loss.
        conclusion: one sentence.
        facts: further sentences, each said because its interval supports it.
        strengths: for every remedy, the strength that validation rows choose.
        choice: the network or ensemble that validation rows choose; None if no run could be measured.
        claims: sentences that others wrote about the same networks on the same table, judged; usually none.
        scalings: what the learning curves of variants say about more rows.
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
    scalings: tuple[Scaling, ...] = ()

    def verdict(self, variant: str) -> Verdict:
        """Return the verdict on one variant; raises KeyError if there is none of that name."""
        return {verdict.variant: verdict for verdict in self.verdicts}[variant]

    def to_dict(self) -> dict[str, Any]:
        """Return the judgement as plain values under the names of result.json."""
        reference = None
        if self.reference is not None:
            name, test = self.reference
            reference = {"name": name, "test": test.mean, "low": test.low, "high": test.high}
        return {
            "variants": [
                {
                    "name": one.variant,
                    "verdict": one.to_dict(),
                    "learned": one.has_learned,
                    "test": one.test and one.test.to_dict(),
                }
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
    """Return verdicts, effects and conclusion of a study; arguments and errors as for `examine`."""
    with threadpool_limits(1):  # many small products: threads would wait for each other most of the time
        study = examine(evidence, margin=margin, level=level, seed=seed)
    best = choose_variant(evidence)
    reference = None
    if evidence.reference is not None and study.reference is not None:
        reference = evidence.reference.name, study.reference
    return Judgement(
        study.verdicts,
        study.effects,
        reference,
        best,
        study.margin,
        conclude(study.verdicts, evidence, study.measured, best),
        state_facts(study),
        study.strengths,
        study.choice,
        judge_claims(study),
        study.scalings,
    )


def examine(
    evidence: StudyEvidence, *, margin: float | None = None, level: float = DEFAULT_LEVEL, seed: int = 0
) -> JudgedStudy:
    """Return a study with its verdicts and effects, from which facts and claims are made.

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
    losses = {name: loss_interval(one.best, level=level) for name, one in measured.items()}
    reference = _reference_interval(evidence.reference, measured, level)
    means = [one.mean for one in (*losses.values(), reference) if one is not None]
    best_loss = min(means, default=np.inf)
    margin = _margin(margin, evidence.constant_loss, best_loss)
    strengths = choose_strengths(evidence)
    rejected = rejected_strengths(evidence, strengths)
    pairs = Pairs(measured, evidence.reference, seed)
    others = sorted(name for name in measured if name not in rejected)
    scalings = tuple(judge_scaling(curve, margin=margin) for curve in evidence.learning_curves)
    judging = _Judging(evidence, pairs, others, losses, _gains_of_more_rows(scalings), margin, level, seed)
    verdicts = [
        decide(judging.findings(variant.name))
        if variant.name in measured
        else decide_unmeasured(variant, margin)
        for variant in evidence.variants
    ]
    choice = choose_model(evidence, level=level)
    rises = {one.variant: one.rise for one in verdicts if one.rise is not None}
    effects = (
        *variant_effects(evidence, measured, rejected=rejected, level=level, seed=seed),
        *free_effects(evidence, measured, rises, choice, level=level, seed=seed),
    )
    return JudgedStudy(
        evidence=evidence,
        measured=measured,
        pairs=pairs,
        verdicts=tuple(verdicts),
        effects=effects,
        reference=reference,
        strengths=strengths,
        choice=choice,
        best_loss=best_loss,
        margin=margin,
        level=level,
        seed=seed,
        scalings=scalings,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Judging:
    """What all variants of a study are judged with.

    Args:
        evidence: the study.
        pairs: comparisons of all that was measured.
        others: the variants that may be compared with.
        losses: variant -> its mean loss at the chosen epoch.
        more_rows: variant -> a number of training rows, and what it would gain from them.
        margin: what counts as a difference.
        level: coverage of each interval, or of each simultaneous family of intervals.
        seed: of the draws.
    """

    evidence: StudyEvidence
    pairs: Pairs
    others: Sequence[str]
    losses: Mapping[str, Interval]
    more_rows: Mapping[str, tuple[int, Interval]]
    margin: float
    level: float
    seed: int

    def findings(self, name: str) -> Findings:
        """Return what was found about one variant."""
        mine, evidence, level = self.pairs.measured[name], self.evidence, self.level
        is_binary = evidence.task == "binary" and evidence.loss_name == "binary_crossentropy"
        curves = [run.validation for run in mine.runs]
        onset = find_onset(curves, level=level, rng=draws_for(self.seed, "onset", name))
        by_accuracy = None
        if is_binary:
            draws = draws_for(self.seed, "onset by accuracy", name)
            wrong = [errors(run.validation, run.validation_weights) for run in mine.runs]
            by_accuracy = find_onset(wrong, level=level, rng=draws)
        ensemble = next((one for one in evidence.ensembles if one.variant == name), None)
        kinds = kinds_of(self.pairs, name, self.others)
        end = judge_end(mine, self.margin, is_binary=is_binary, level=level)
        is_decided = end.has_risen and end.is_train_known
        return Findings(
            measured=mine,
            end=end,
            variants=judge_alternatives(
                self.pairs, name, kinds, self.margin, level=level, is_decided=is_decided
            ),
            headroom=judge_headroom(self.pairs, name, kinds, ensemble, self.margin, level=level),
            test=self.losses[name],
            onset=onset,
            accuracy_onset=by_accuracy,
            learned=judge_learned(mine.best, evidence.constant, level=level),
            more_rows=self.more_rows.get(name),
            table_rows=evidence.table_rows,
        )


def _gains_of_more_rows(scalings: Iterable[Scaling]) -> dict[str, tuple[int, Interval]]:
    """Return, for each variant with a forecast, the smallest number of rows that it looks ahead, and what they would gain."""
    return {
        one.variant: (one.forecast[0].train_rows, one.gains[0].negated()) for one in scalings if one.forecast
    }


def _margin(margin: float | None, constant_loss: float, best_loss: float) -> float:
    """Return the margin asked for, or the default."""
    if margin is None:
        return default_margin(constant_loss, best_loss)
    if not 0 < margin < np.inf:
        raise InputError(f"`margin` must be a positive number in units of the loss; got {margin!r}.")
    return float(margin)


def _reference_interval(
    reference: ReferenceEvidence | None, measured: Mapping[str, Measured], level: float
) -> Interval | None:
    """Return the reference's loss on the rows that measure, or None if it was not measured there."""
    if reference is None or len(reference.test) < MIN_ROWS or not np.isfinite(reference.test).all():
        return None
    if any(one.best.shape[1:] != reference.test.shape for one in measured.values()):
        return None
    return loss_interval(reference.test[None], level=level)
