"""A study with everything measured and decided about it, for facts and claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from justright.diagnosis.choice import ModelChoice, StrengthChoice
from justright.diagnosis.effects import Effect
from justright.diagnosis.evidence import StudyEvidence
from justright.diagnosis.learning_curve import Scaling
from justright.diagnosis.measured import Measured
from justright.diagnosis.pairs import Pairs
from justright.diagnosis.verdicts import Verdict
from justright.statistics.intervals import Interval
from justright.study.remedy import LADDER_GROUP


@dataclass(frozen=True, slots=True, eq=False)
class JudgedStudy:
    """All that a fact or a claim may look at.

    Args:
        evidence: the study.
        measured: variant -> its losses on the rows that measure.
        pairs: comparisons of any two of them.
        verdicts: one for each variant, in the study's order.
        effects: of remedies, best first within each baseline.
        reference: loss of the other kind of model; None without one.
        strengths: for every remedy, the strength that validation rows choose.
        choice: the network or ensemble that validation rows choose; None if no run could be measured.
        best_loss: the study's lowest loss, the reference included.
        margin: what counts as a difference, in units of the loss.
        level: coverage of each interval, or of each simultaneous family of intervals.
        seed: of the draws.
        scalings: what the learning curves of variants say about more rows.
    """

    evidence: StudyEvidence
    measured: Mapping[str, Measured]
    pairs: Pairs
    verdicts: tuple[Verdict, ...]
    effects: tuple[Effect, ...]
    reference: Interval | None
    strengths: tuple[StrengthChoice, ...]
    choice: ModelChoice | None
    best_loss: float
    margin: float
    level: float
    seed: int
    scalings: tuple[Scaling, ...] = ()

    @property
    def learnable(self) -> float:
        """How much lower the best loss is than that of the constant prediction."""
        return self.evidence.constant_loss - self.best_loss

    @property
    def step_baselines(self) -> frozenset[str | None]:
        """The baselines of combinations built step by step, whose steps are summed up in one sentence."""
        return frozenset(one.baseline for one in self.evidence.variants if one.group == LADDER_GROUP)
