"""Random evidence of every kind that a study folder can hold, for claims that must hold whatever was measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from justright.diagnosis.evidence import (
    EnsembleEvidence,
    LearningCurve,
    ReferenceEvidence,
    RunEvidence,
    StudyEvidence,
    VariantEvidence,
)
from justright.study import directions
from justright.study.recipe import LOSSES
from justright.study.remedy import LADDER_GROUP

# Small letters, spaces, points and digits; among them words that sentences use.
NAMES = (
    "elu_net",
    "Tiny",
    "Small net",
    "v1.0",
    "L2 1e-3",
    "Δ",
    "best",
    "Longer",
    "x",
    "Dropout 0.5",
    "all",
    "40",
)
CHANGES = (
    *directions.FREER,
    *directions.TIGHTER,
    directions.OTHER_INPUTS,
    directions.OTHER_TRAINING,
    "",
    "",
    "l2",
)
BRAKES = (None, {}, {"dropout": 0.5}, {"dropout": 0.2, "l2": 1e-3}, {"l2": 1e-4}, {"ema": 0.99})
CONSTANT_LOSS = 0.7


def random_study(seed: int) -> tuple[StudyEvidence, float | None]:
    """Return the evidence of a study, and the margin to judge it with; the same seed gives the same ones."""
    return _Drawing(seed).study()


class _Drawing:
    """Everything that the runs of one study share, and the generator that decides about all else."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.task: Any = self.pick(("binary", "binary", "multiclass", "regression"))
        self.test_rows = int(self.pick((0, 2, 30, 200, 200, 1_000, 1_000)))
        self.validation_rows = int(self.pick((2, 20, 200, 200)))
        self.seeds = int(self.rng.integers(1, 6))
        self.seed_deviation = self.pick((0.0, 0.0003, 0.003, 0.03))
        self.noise = self.pick((0.001, 0.01, 0.1))
        self.jitter = self.pick((0.0, 0.0005, 0.005))
        self.scale = self.pick((1.0, 1.0, 1.0, 1e-4, 1e6)) if self.task == "regression" else 1.0
        rows = 2_000
        self.rows = {kind: self.rng.exponential(0.2, rows) - 0.2 for kind in ("test", "validation")}

    def pick(self, values: Any) -> Any:
        """Return one of several values."""
        return values[int(self.rng.integers(len(values)))]

    def happens(self, probability: float) -> bool:
        """Return whether something happens."""
        return bool(self.rng.random() < probability)

    def study(self) -> tuple[StudyEvidence, float | None]:
        """Return the evidence and the margin."""
        count = int(self.pick((1, 2, 3, 4, 5, 7, 12)))
        names = [str(name) for name in self.rng.permutation(NAMES)[:count]]
        variants: list[VariantEvidence] = []
        for name in names:
            variants.append(self.variant(name, variants))
        kind, rows = ("test", self.test_rows) if self.test_rows else ("validation", self.validation_rows)
        base = self.rows[kind][:rows]
        reference = self.pick((None, None, 0.4, 0.55, 0.6, 0.65))
        has_constant = self.happens(0.8)
        return (
            StudyEvidence(
                self.task,
                LOSSES[self.task],
                tuple(variants),
                CONSTANT_LOSS * self.scale,
                self.test_rows,
                self.validation_rows,
                None
                if reference is None
                else ReferenceEvidence("gradient-boosted trees", self.losses(base + reference)),
                self.losses(base + CONSTANT_LOSS) if has_constant else None,
                tuple(self.ensembles(variants)),
                learning_curves=self.learning_curves(variants),
                table_rows=self.pick((None, 100, 100_000)),
            ),
            self.pick((None, None, 0.001 * self.scale, 0.01 * self.scale)),
        )

    def variant(self, name: str, before: list[VariantEvidence]) -> VariantEvidence:
        """Return a variant that may change one of those `before` it."""
        loss = self.pick((0.55, 0.6, 0.6, 0.602, 0.61, 0.65, 0.7, 0.75))
        course = {
            "rise": self.pick((-0.02, 0.0, 0.0, 0.0, 0.002, 0.02, 0.2)),
            "epochs": int(self.pick((1, 5, 20, 60, 100))),
            "lowest": float(self.pick((0.2, 0.5, 0.9, 1.0))),
            "slope": self.pick((0.0, 0.03, 0.1)),
            "train": self.pick(("falls", "falls", "falls", "flat", "rises", "unknown")),
            "outcome": self.pick(("finished", "finished", "stopped early")),
            "fault": self.pick(("", "", "", "diverged", "failed")),
            "has_curve": self.happens(0.7),
            "has_scores": self.happens(0.5),
            "is_confident": self.happens(0.3),
            "spike": self.happens(0.15),
        }
        runs = tuple(self.run(seed, loss, **course) for seed in range(self.seeds))
        options: dict[str, Any] = {}
        if before and self.happens(0.6):
            options = {"baseline": self.pick(before).name, "change": self.pick(CHANGES)}
            if self.happens(0.4):
                options |= {"remedy": self.pick(("L2", "dropout")), "strength": self.pick((None, 0.1, 0.5))}
            if self.happens(0.15):
                options |= {"group": LADDER_GROUP, "remedy": self.pick(("L2", "dropout"))}
        limit = course["epochs"] if course["outcome"] == "finished" else 1_000
        return VariantEvidence(
            name,
            int(self.pick((10, 10, 500, 500, 20_000))),
            runs,
            brakes=self.pick(BRAKES),
            max_epochs=self.pick((None, limit)),
            **options,
        )

    def run(self, seed: int, loss: float, **course: Any) -> RunEvidence:
        """Return a run: its loss falls to `lowest` of its epochs, then changes by `rise` to the last, with jitter."""
        epochs = course["epochs"]
        if course["fault"] and self.happens(0.5):
            return RunEvidence(seed, course["fault"], epochs, None)
        times = np.arange(epochs) / max(1, epochs - 1)
        lowest = course["lowest"]
        fall = course["slope"] * np.maximum(0, lowest - times)
        rise = course["rise"] * np.maximum(0, times - lowest) / max(1e-9, 1 - lowest)
        trend = loss + fall + rise + self.rng.normal(0, self.seed_deviation)
        jitter = self.rng.normal(0, self.jitter, epochs)
        for epoch in range(1, epochs):
            jitter[epoch] += 0.5 * jitter[epoch - 1]
        if course["spike"] and epochs > 5:
            jitter[epochs - 1 - int(self.rng.integers(0, 4))] += 0.5
        levels = trend + jitter
        rows = {
            kind: self.rows[kind][:count] + self.rng.normal(0, self.noise, count)
            for kind, count in (("test", self.test_rows), ("validation", self.validation_rows))
        }
        curve = levels + rows["validation"].mean()
        best = int(curve.argmin())
        grid = sorted({0, best, epochs - 1, *range(0, epochs, max(1, epochs // 8))})

        def losses(kind: str, epoch: int) -> np.ndarray:
            worse = levels[epoch] - levels[best]
            if course[
                "is_confident"
            ]:  # the end is worse only where the answer was wrong already: accuracy stays
                wrong = rows[kind] + levels[best] > np.log(2)
                worse = worse * np.where(wrong, 1 / max(0.05, wrong.mean() if wrong.size else 1.0), 0.0)
            return self.losses(rows[kind] + levels[best] + worse)

        train = {"falls": (0.7, 0.5, 0.3), "flat": (0.7, 0.5, 0.5), "rises": (0.7, 0.5, 0.9)}
        first, at_best, last = (self.scale * one for one in train.get(course["train"], (np.nan,) * 3))
        scores: dict[str, Any] = {}
        if course["has_scores"] and self.task != "regression":
            scores = {
                "score_best": {"accuracy": 0.7 + self.rng.normal(0, 0.003)},
                "score_last": {"accuracy": 0.7 + self.pick((-0.05, 0.0, 0.03)) + self.rng.normal(0, 0.003)},
            }
        return RunEvidence(
            seed,
            course["outcome"],
            epochs,
            best,
            test_best=losses("test", best) if self.test_rows else None,
            test_last=losses("test", epochs - 1) if self.test_rows else None,
            validation={epoch: losses("validation", epoch) for epoch in grid},
            curve=self.scale * curve if course["has_curve"] else None,
            train_loss_first=first,
            train_loss_best=at_best,
            train_loss_last=last,
            **scores,
        )

    def losses(self, values: np.ndarray) -> np.ndarray:
        """Return values as losses: never negative, single precision, in units of the table."""
        return (self.scale * np.maximum(values, 0)).astype(np.float32)

    def ensembles(self, variants: list[VariantEvidence]) -> list[EnsembleEvidence]:
        """Return the ensembles of some variants."""
        found = []
        for one in variants:
            runs = [run for run in one.runs if run.is_measured]
            if len(runs) < 2 or not self.happens(0.3):
                continue
            gain = self.scale * self.pick((0.0, 0.002, 0.05))
            validation = np.mean([run.validation[run.chosen_epoch] for run in runs], axis=0) - gain
            tests = [run.test_best for run in runs if run.test_best is not None]
            test = (np.mean(tests, axis=0) - gain).astype(np.float32) if tests else None
            seeds = tuple(run.seed for run in runs)
            found.append(EnsembleEvidence(one.name, seeds, validation.astype(np.float32), test))
        return found

    def learning_curves(self, variants: list[VariantEvidence]) -> tuple[LearningCurve, ...]:
        """Return, now and then, what more rows were worth to one variant."""
        rows = self.test_rows or self.validation_rows
        if self.seeds < 2 or rows < 20 or not self.happens(0.1):
            return ()
        sizes = (250, 500, 1_000, 2_000, 4_000)
        exponent, size = self.pick((0.1, 0.5, 1.0)), self.pick((0.0, 1.0, 5.0))
        base = self.rows["test"][:rows]
        tables = tuple(
            self.losses(
                base + 0.55 + size * n**-exponent / 10 + self.rng.normal(0, 0.002, (self.seeds, rows))
            )
            for n in sizes
        )
        return (LearningCurve(self.pick(variants).name, sizes, tables),)
