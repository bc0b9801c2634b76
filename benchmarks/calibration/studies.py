"""A study drawn from the seeds and test rows of a trained world, with the truth that its claims are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

import justright as jr
from benchmarks.calibration.worlds import Trained, Variants
from benchmarks.peers.case import count_parameters
from justright.diagnosis.evidence import RunEvidence, StudyEvidence, VariantEvidence
from justright.diagnosis.judge import Judgement, judge_study

JUDGED, BASELINE = "Tiny", "Large"
VARIANTS: Variants = {
    JUDGED: (jr.mlp(4), None),
    "Small": (jr.mlp(12), None),
    BASELINE: (jr.mlp(24, 24), None),
    "L2": (jr.mlp(24, 24, l2=0.003), BASELINE),
    "Dropout": (jr.mlp(24, 24, dropout=0.3), BASELINE),
    "Both": (jr.mlp(24, 24, l2=0.001, dropout=0.2), BASELINE),
}
SIZES = tuple(name for name, (_, baseline) in VARIANTS.items() if baseline is None)
PARAMETERS = {name: count_parameters(build.units, 8) for name, (build, _) in VARIANTS.items()}


@dataclass(frozen=True)
class DrawnStudy:
    """Some seeds and test rows of a world, as a study of their own.

    Args:
        trained: all seeds of every variant that the study has.
        constant: loss of the constant prediction.
        seeds, rows: which of the world's seeds and test rows the study has.
        margin: what counts as a difference; None for the default.
        added: variant -> what is added to all its losses, so that its true loss is known to be another one.
    """

    trained: Mapping[str, Trained]
    constant: float
    seeds: np.ndarray
    rows: np.ndarray
    margin: float | None = None
    added: Mapping[str, float] = field(default_factory=dict)

    def judge(self) -> Judgement:
        return judge_study(self.evidence(), margin=self.margin)

    def evidence(self) -> StudyEvidence:
        variants = tuple(
            VariantEvidence(
                name,
                PARAMETERS[name],
                tuple(self._run(name, int(seed)) for seed in self.seeds),
                baseline=baseline,
                group="regularizers" if baseline else "sizes",
            )
            for name, (_, baseline) in VARIANTS.items()
            if name in self.trained
        )
        return StudyEvidence("binary", "binary_crossentropy", variants, self.constant, len(self.rows), 0)

    def _run(self, name: str, seed: int) -> RunEvidence:
        one = self.trained[name]
        added = np.float32(self.added.get(name, 0.0))
        return RunEvidence(
            seed=seed,
            outcome="finished",
            epochs=int(one.epochs[seed]),
            best_epoch=int(one.best_epochs[seed]),
            test_best=one.best[seed, self.rows] + added,
            test_last=one.last[seed, self.rows] + added,
            train_loss_best=float(one.train_best[seed]),
            train_loss_last=float(one.train_last[seed]),
        )

    def true_losses(self, name: str) -> np.ndarray:
        """Return (all seeds,) true losses at the chosen epoch."""
        return self.trained[name].true_best + self.added.get(name, 0.0)

    def true_rises(self, name: str) -> np.ndarray:
        """Return (all seeds,) true rises from the chosen to the last epoch."""
        one = self.trained[name]
        return one.true_last - one.true_best

    def truth(self, values: np.ndarray) -> float:
        """Return what an interval over these seeds should cover, from (all seeds,) true values.

        With one seed that network's own value. With more, the mean over seeds: that of the others, drawn towards this
        study's by the root of their share, so that its own error adds nothing: `Var(mean of s) = (1 - s / all) x
        Var(mean of s - mean of the others)`.
        """
        own = float(values[self.seeds].mean())
        if len(self.seeds) == 1:
            return own
        others = float(np.delete(values, self.seeds).mean())
        return own - float(np.sqrt(1 - len(self.seeds) / len(values))) * (own - others)

    def true_difference(self, name: str, other: str) -> float:
        """Return what the interval of one variant's loss minus another's should cover."""
        return self.truth(self.true_losses(name) - self.true_losses(other))

    def true_effect(self, kind: str, worse: str, better: str) -> float:
        """Return the truth of a rise, or by how much one variant is better than another."""
        return self.truth(self.true_rises(worse)) if kind == "rise" else self.true_difference(worse, better)

    def planted(self, gain: float, margin: float) -> DrawnStudy:
        """Return the study in which everything gains as much on `JUDGED`: the same noise, with other means.

        Args:
            gain: by how much the true loss of every other variant is lower.
            margin: what counts as a difference.
        """
        others = (name for name in self.trained if name != JUDGED)
        added = {name: -gain - self.true_difference(name, JUDGED) for name in others}
        return replace(self, margin=margin, added=added)
