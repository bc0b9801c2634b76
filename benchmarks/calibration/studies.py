"""A study drawn from the seeds and test rows of a trained world, with the truth that its claims are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from unittest import mock

import numpy as np

import justright as jr
from benchmarks.calibration.worlds import Rivals, Trained, Variants
from benchmarks.peers.case import count_parameters
from justright.diagnosis import judge
from justright.diagnosis.evidence import ReferenceEvidence, RunEvidence, StudyEvidence, VariantEvidence
from justright.diagnosis.judge import Judgement
from justright.runs.margin import default_margin

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
# As `study/brakes.py` reads them from the networks' JSON, which a test compares.
BRAKES = {
    name: {kind: value for kind, value in (("l2", build.l2), ("dropout", build.dropout)) if value}
    for name, (build, _) in VARIANTS.items()
}
TREES = "gradient-boosted trees"
FAR = 20  # margins by which trees are made better than anything can be, where they are to be far better


@dataclass(frozen=True)
class DrawnStudy:
    """Some seeds and test rows of a world, as a study of their own.

    The teacher itself takes the place of boosted trees: nothing can be better.

    Args:
        trained: all seeds of every variant that the study has.
        rivals: the constant prediction and the teacher.
        seeds, rows: which of the world's seeds and test rows the study has.
        margin: what counts as a difference; None for the default.
        added: variant -> what is added to all its losses, so that its true loss is known to be another one.
        flat: variant -> (epochs,) what its losses rise by after the chosen epoch is taken off them.
        trees_gain: by how much the trees are better than the teacher.
        longer: variant -> (some seeds,) true gains of training for as many epochs again, where that was measured.
    """

    trained: Mapping[str, Trained]
    rivals: Rivals
    seeds: np.ndarray
    rows: np.ndarray
    margin: float | None = None
    added: Mapping[str, float] = field(default_factory=dict)
    flat: Mapping[str, np.ndarray] = field(default_factory=dict)
    trees_gain: float = 0.0
    longer: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def default_margin(self) -> float:
        """1 % of what can be learned: the margin of a study with endless rows."""
        return default_margin(float(self.rivals.constant.mean()), self.rivals.true_teacher)

    def judge(self) -> Judgement:
        return quickly_judged(self.evidence(), margin=self.margin)

    def evidence(self) -> StudyEvidence:
        variants = tuple(
            VariantEvidence(
                name,
                PARAMETERS[name],
                tuple(self._run(name, int(seed)) for seed in self.seeds),
                baseline=baseline,
                group="regularizers" if baseline else "sizes",
                brakes=BRAKES[name],
                max_epochs=int(self.trained[name].epochs.max()),
            )
            for name, (_, baseline) in VARIANTS.items()
            if name in self.trained
        )
        constant = self.rivals.constant[self.rows].astype(np.float32)
        trees = (self.rivals.teacher[self.rows] - self.trees_gain).astype(np.float32)
        return StudyEvidence(
            "binary",
            "binary_crossentropy",
            variants,
            float(constant.mean(dtype=np.float64)),
            len(self.rows),
            len(next(iter(variants[0].runs[0].validation.values()))),
            ReferenceEvidence(TREES, trees),
            constant,
        )

    def _run(self, name: str, seed: int) -> RunEvidence:
        one, lifts = self.trained[name], self._lifts(name)[seed]
        added = self.added.get(name, 0.0)
        epochs, best = int(one.epochs[seed]), int(one.best_epochs[seed])
        moved = (added - lifts).astype(np.float32)
        return RunEvidence(
            seed=seed,
            outcome="finished",
            epochs=epochs,
            best_epoch=best,
            test_best=one.best[seed, self.rows] + moved[best],
            test_last=one.last[seed, self.rows] + moved[epochs - 1],
            validation={epoch: losses + moved[epoch] for epoch, losses in one.validation[seed].items()},
            curve=one.curve[seed, :epochs] + moved[:epochs],
            train_loss_first=float(one.train_first[seed]),
            train_loss_best=float(one.train_best[seed]),
            train_loss_last=float(one.train_last[seed]),
        )

    def _lifts(self, name: str) -> np.ndarray:
        """Return (all seeds, epochs) what is taken off its losses after the chosen epoch of each seed."""
        one = self.trained[name]
        levels = self.flat.get(name, np.zeros(one.curve.shape[1]))
        best = one.best_epochs[:, None]
        return np.where(np.arange(len(levels)) > best, levels - levels[best], 0.0)

    def true_losses(self, name: str) -> np.ndarray:
        """Return (all seeds,) true losses at the chosen epoch."""
        return self.trained[name].true_best + self.added.get(name, 0.0)

    def true_rises(self, name: str) -> np.ndarray:
        """Return (all seeds,) true rises of the trend from the chosen to the last epoch."""
        one = self.trained[name]
        return one.trend_rises - self._lifts(name)[np.arange(len(one.epochs)), one.epochs - 1]

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

    def tied(self) -> DrawnStudy:
        """Return the study in which all networks truly tie and stay at their level, and trees are far better: the same noise."""
        margin = self.default_margin
        means = {name: float(one.true_best.mean()) for name, one in self.trained.items()}
        added = {name: min(means.values()) - mean for name, mean in means.items()}
        flat = {name: one.true_curve.mean(axis=0) for name, one in self.trained.items()}
        return replace(self, margin=margin, added=added, flat=flat, trees_gain=FAR * margin)


def quickly_judged(evidence: StudyEvidence, *, margin: float | None = None) -> Judgement:
    """Return the judgement without the epochs since when something overfits: they decide no label, and take most of the time."""
    with mock.patch.object(judge, "find_onset", return_value=None):
        return judge.judge_study(evidence, margin=margin)
