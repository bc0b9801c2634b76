"""Studies with a known truth: how good each variant is, how much its end of training spoils, how seeds differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
import pytest

from justright.diagnosis.evidence import ReferenceEvidence, RunEvidence, StudyEvidence, VariantEvidence
from justright.statistics.curve_fits import CurveFit

CONSTANT_LOSS = 0.7
BEST_EPOCH = 24
GRID = (*range(20), 24, 30, 40, 60, 99)


@dataclass(frozen=True)
class Maker:
    """Makes evidence whose true losses are known; the same name and seed give the same numbers in any order."""

    rows: int = 4_000
    validation_rows: int = 1_000
    seeds: int = 4
    seed_deviation: float = 0.001
    noise: float = 0.02
    has_test: bool = True
    easier_by: float = 0.0
    common: np.ndarray = field(default_factory=lambda: np.random.default_rng(0).exponential(0.2, 100_000))

    def run(self, name: str, seed: int, loss: float, rise: float, **options: object) -> RunEvidence:
        """Return a run whose true loss is `loss` at the chosen epoch and `loss + rise` at the last."""
        rng = np.random.default_rng([crc32(name.encode()), seed])
        level = loss - 0.2 + rng.normal(0, self.seed_deviation)
        best = self.common[: self.rows] + level + rng.normal(0, self.noise, self.rows)
        last = best + rise * rng.exponential(1.0, self.rows)
        validation = {epoch: self._validation(rng, level, rise, epoch) for epoch in GRID}
        values: dict[str, object] = {
            "outcome": "stopped early",
            "epochs": GRID[-1] + 1,
            "best_epoch": BEST_EPOCH,
            "test_best": best.astype(np.float32) if self.has_test else None,
            "test_last": last.astype(np.float32) if self.has_test else None,
            "validation": validation,
            "train_loss_first": 0.7,
            "train_loss_best": 0.5,
            "train_loss_last": 0.3,
        }
        return RunEvidence(seed, **(values | options))

    def variant(
        self, name: str, parameters: int, loss: float, rise: float = 0.0, **options: object
    ) -> VariantEvidence:
        """Return a variant with one such run for each seed; `options` are those of the variant and of its runs."""
        roles = ("baseline", "group", "change", "remedy", "strength", "brakes", "max_epochs")
        own = {key: options.pop(key) for key in roles if key in options}
        runs = tuple(self.run(name, seed, loss, rise, **options) for seed in range(self.seeds))
        return VariantEvidence(name, parameters, runs, **own)

    def study(self, *variants: VariantEvidence, reference: float | None = None) -> StudyEvidence:
        """Return a study of a binary task; `reference` is the true loss of the other kind of model."""
        rows = self.rows if self.has_test else self.validation_rows
        losses = (self.common[:rows] + (reference or 0.0) - 0.2).astype(np.float32)
        return StudyEvidence(
            "binary",
            "binary_crossentropy",
            variants,
            CONSTANT_LOSS,
            self.rows if self.has_test else 0,
            self.validation_rows,
            None if reference is None else ReferenceEvidence("gradient-boosted trees", losses),
            (self.common[:rows] + CONSTANT_LOSS - 0.2).astype(np.float32),
        )

    def _validation(self, rng: np.random.Generator, level: float, rise: float, epoch: int) -> np.ndarray:
        """Return per-row validation losses of one epoch: a U around BEST_EPOCH whose right arm is as high as `rise`."""
        rows = self.validation_rows
        away = abs(np.log((epoch + 1) / (BEST_EPOCH + 1)))
        slope = 0.05 if epoch < BEST_EPOCH else rise / np.log((GRID[-1] + 1) / (BEST_EPOCH + 1))
        noise = rng.normal(0, self.noise / 4, rows)
        losses = (
            self.common[-rows:] + level - self.easier_by + away * slope * rng.exponential(1.0, rows) + noise
        )
        return losses.astype(np.float32)


@pytest.fixture
def maker() -> Maker:
    """Four seeds, 4,000 test and 1,000 validation rows."""
    return Maker()


@pytest.fixture
def maker_of() -> type[Maker]:
    """The maker itself, for other sizes."""
    return Maker


def predicted(fit: CurveFit, rows: list[float]) -> np.ndarray:
    """Return the losses at (sizes,) training rows by the formula of a fitted learning curve."""
    count, values = np.asarray(rows, dtype=np.float64), fit.parameters
    if fit.family == "power law":
        return values["a"] + values["b"] * count ** -values["c"]
    power = count ** values["d"]
    return (values["a"] * values["b"] + values["c"] * power) / (values["b"] + power)
