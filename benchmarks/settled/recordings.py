"""Recorded runs, ended by the rule, compared with the same runs at the end of their patience."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.peers.case import FEATURES, count_parameters
from benchmarks.printing import print_table as print_cells
from benchmarks.settled.recorder import MAX_EPOCHS, REFERENCE
from justright.diagnosis.ends import judge_end
from justright.diagnosis.evidence import ReferenceEvidence, RunEvidence, StudyEvidence, VariantEvidence
from justright.diagnosis.judge import judge_study
from justright.diagnosis.measured import Measured
from justright.runs.grid import measured_epochs
from justright.runs.margin import default_margin
from justright.statistics.intervals import DEFAULT_LEVEL
from justright.study.studies import named_study
from justright.training.settled import History, Settling, SettlingRule, look_after

TOLERANCE = 0.002  # of the test loss: what counts as "no worse"
HEADINGS = (
    *("variant", "runs", "epochs, patience", "epochs, settled", "share of epochs", "least possible"),
    *("same label", "test loss within 0.002", "both", "mean difference", "worst"),
)


@dataclass
class Recording:
    """What was recorded of one run.

    Shape:
        validation: (epochs, rows); test: (epochs, test rows); curve, fixed: (epochs,).
    """

    name: str
    seed: int
    curve: np.ndarray
    fixed: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @classmethod
    def read(cls, path, name, seed):
        values = np.load(path)
        column = {str(name): index for index, name in enumerate(values["names"])}
        metrics = values["metrics"].astype(np.float64)
        loss = "binary_crossentropy"
        curves = [metrics[:, column[key]] for key in (f"val_{loss}", f"fixed_{loss}", loss)]
        return cls(name, seed, *curves, values["validation"], values["test"])

    @property
    def epochs(self) -> int:
        return len(self.curve)

    def best(self, epochs: int) -> int:
        """Return the epoch that validation rows choose among the first `epochs`."""
        return int(np.argmin(self.curve[:epochs]))

    def test_loss(self, epochs: int) -> float:
        """Return the test loss at the epoch chosen among the first `epochs`."""
        return float(self.test[self.best(epochs)].mean(dtype=np.float64))

    def settle(self, rule: SettlingRule) -> tuple[int, str]:
        """Return after how many epochs the rule ends the run, and why; all epochs when it does not."""
        memory = Settling.begin(rule, lanes=1, rows=self.validation.shape[1])
        while memory.epoch < self.epochs:
            part = slice(memory.epoch, min(self.epochs, memory.epoch + memory.epochs_to_look()))
            memory.add(self.validation[part, None], self.train[part, None])
            if reasons := memory.settled([0]):
                return memory.epoch, reasons[0]
        return self.epochs, ""

    def evidence(self, epochs: int) -> RunEvidence:
        """Return what a study would know of the run, had it ended after so many epochs."""
        best, last = self.best(epochs), epochs - 1
        kept = {*np.flatnonzero(measured_epochs(0, epochs)).tolist(), best, last}
        return RunEvidence(
            self.seed,
            "finished" if epochs == MAX_EPOCHS else "stopped early",
            epochs,
            best,
            test_best=self.test[best].astype(np.float32),
            test_last=self.test[last].astype(np.float32),
            validation={epoch: self.validation[epoch] for epoch in sorted(kept)},
            curve=self.curve[:epochs],
            train_loss_first=float(self.fixed[0]),
            train_loss_best=float(self.fixed[best]),
            train_loss_last=float(self.fixed[last]),
        )

    def has_risen(self, epochs: int, margin: float) -> bool:
        """Return whether verdicts would say so: interval above the margin, training loss fallen."""
        run = self.evidence(epochs)
        variant = VariantEvidence(self.name, 1, (run,))
        measured = Measured(variant, (run,), run.test_best[None], run.test_last[None], "test")
        end = judge_end(measured, margin, is_binary=False, level=DEFAULT_LEVEL)
        return end.has_risen and end.has_train_fallen

    def least_epochs(self, margin: float) -> int:
        """Return the fewest epochs, up to a look, after which somebody who knew the end would have had the same answer."""
        loss, risen = self.test_loss(self.epochs), self.has_risen(self.epochs, margin)
        epochs = 0
        while (epochs := look_after(epochs)) < self.epochs:
            if self.test_loss(epochs) <= loss + TOLERANCE and self.has_risen(epochs, margin) == risen:
                return epochs
        return self.epochs


def judge_epochs(rule: SettlingRule, history: History, epochs: int) -> tuple[int, str]:
    """Return after how many epochs the rule ends a run whose looks are all known, and why."""
    for looks in range(1, len(history.ends) + 1):
        parts = (history.ends, history.losses, history.train, history.jitter)
        if reason := rule.judge(History(*(part[:looks] for part in parts))):
            return int(history.ends[looks - 1]), reason
    return epochs, ""


def print_table(folder, names, seeds) -> None:
    """Print one line per variant and one for all runs, then each run that the rule changed."""
    reference = np.load(folder / REFERENCE)
    runs = [
        Recording.read(path, name, seed)
        for name in names
        for seed in seeds
        if (path := folder / f"{name}-{seed}.npz").exists()
    ]
    rule = SettlingRule(float(reference["validation_constant"]))
    ends = [run.settle(rule) for run in runs]
    patient = labels(runs, [run.epochs for run in runs], reference)
    settled = labels(runs, [end for end, _ in ends], reference)
    margin = default_margin(float(reference["constant"]), float(reference["test"].mean()))
    lines = [
        Line(run, end, why, before, after, run.least_epochs(margin))
        for run, (end, why), before, after in zip(runs, ends, patient, settled, strict=True)
    ]
    groups = [(name, [line for line in lines if line.run.name == name]) for name in names]
    print_cells(HEADINGS, [cells(name, group) for name, group in [*groups, ("all", lines)] if group])
    print()
    for line in lines:
        if line.patient != line.settled or line.difference > TOLERANCE:
            print(
                f"{line.run.name}, seed {line.run.seed}: {line.end} of {line.run.epochs} epochs; {line.settled} "
                f"(patience: {line.patient}); test loss {line.difference:+.4f}. {line.why}"
            )


@dataclass
class Line:
    """One run and what the rule does to it.

    Args:
        run: as it was recorded.
        end, why: after how many epochs the rule ends it, and for what reason.
        patient, settled: its labels at the end of its patience and at the rule's.
        least: the fewest epochs that would have given the same answer.
    """

    run: Recording
    end: int
    why: str
    patient: str
    settled: str
    least: int

    @property
    def difference(self) -> float:
        """By how much the test loss is higher where the rule ends the run."""
        return self.run.test_loss(self.end) - self.run.test_loss(self.run.epochs)


def labels(runs, ends, reference) -> list[str]:
    """Return each run's label in a study of its seed alone, all variants ended in the same way."""
    found = {}
    variants = {variant.name: variant for variant in named_study("tutorial").variants}
    for seed in {run.seed for run in runs}:
        members = [(run, end) for run, end in zip(runs, ends, strict=True) if run.seed == seed]
        present = {run.name for run, _ in members}
        evidences = tuple(variant_evidence(run, end, variants[run.name], present) for run, end in members)
        evidence = StudyEvidence(
            *("binary", "binary_crossentropy", evidences, float(reference["constant"])),
            test_rows=len(reference["test"]),
            validation_rows=members[0][0].validation.shape[1],
            reference=ReferenceEvidence("gradient-boosted trees", reference["test"]),
        )
        for verdict in judge_study(evidence).verdicts:
            found[verdict.variant, seed] = verdict.label
    return [found[run.name, run.seed] for run in runs]


def variant_evidence(run: Recording, end: int, variant, present) -> VariantEvidence:
    """Return what a study would know of a variant of which one run was recorded, ended after `end` epochs.

    Args:
        variant: of the tutorial's study.
        present: names of the variants that were recorded.
    """
    network = variant.build
    return VariantEvidence(
        run.name,
        count_parameters(network.units, FEATURES),
        (run.evidence(end),),
        baseline=variant.baseline if variant.baseline in present else None,
        group=variant.group,
        change=variant.change,
        brakes={name: value for name in ("l2", "dropout") if (value := getattr(network, name))},
        max_epochs=MAX_EPOCHS,
    )


def cells(name: str, lines: list[Line]) -> tuple[str, ...]:
    """Return one row of the table, of one variant's runs or of all."""
    patience, ends, least, difference = (
        np.array(values)
        for values in zip(
            *((line.run.epochs, line.end, line.least, line.difference) for line in lines), strict=True
        )
    )
    same = np.array([line.patient == line.settled for line in lines])
    near = difference <= TOLERANCE
    return (
        *(name, str(len(lines)), f"{patience.sum():,}", f"{ends.sum():,}"),
        *(f"{ends.sum() / patience.sum():.0%}", f"{least.sum() / patience.sum():.0%}"),
        *(f"{part.mean():.0%}" for part in (same, near, same & near)),
        *(f"{difference.mean():+.4f}", f"{difference.max():+.4f}"),
    )
