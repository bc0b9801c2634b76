"""Which losses measure a variant: test rows, or, without any, validation rows with the choice taken out.

A validation minimum flatters: the epoch was chosen to make it small. So without test rows the validation rows are
split in two fixed halves (even and odd row numbers); each half is measured at the epoch that the *other* half
chooses. No row then measures a choice it took part in (cross-fitting).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from justright.diagnosis.evidence import Losses, RunEvidence, StudyEvidence, VariantEvidence
from justright.runs.weighted_means import spread_out, weighed
from justright.statistics.crossed import MIN_ROWS, Floats

RowSource = Literal["test", "validation halves"]
# The name of the measured loss in sentences.
LOSS_NAMES: dict[RowSource, str] = {
    "test": "test loss",
    "validation halves": "cross-fitted validation loss",
}


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A variant's losses on the rows that measure, over the runs that can be measured.

    Shape:
        best: (seeds, rows) float32 at the chosen epoch.
        last: (seeds, rows) float32 at the last epoch.

    Args:
        variant: the variant's evidence.
        runs: the runs behind the first axis, by rising seed.
        source: which rows.
    """

    variant: VariantEvidence
    runs: tuple[RunEvidence, ...]
    best: Losses
    last: Losses
    source: RowSource

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds behind the first axis, rising."""
        return tuple(run.seed for run in self.runs)

    @property
    def weights(self) -> Floats | None:
        """(rows,) how much each row counts, with mean 1; None if all count the same."""
        run = self.runs[0]
        return run.test_weights if self.source == "test" else run.validation_weights

    @property
    def loss(self) -> str:
        """The name of the measured loss in sentences."""
        return LOSS_NAMES[self.source]

    @property
    def rise(self) -> Floats:
        """(seeds, rows): loss at the last epoch minus loss at the chosen one."""
        rise = self.last.astype(np.float64)
        rise -= self.best
        return rise


def measure_study(evidence: StudyEvidence) -> dict[str, Measured]:
    """Return the measured losses of every variant with at least one usable run, by name.

    Test rows are used when every usable run has them; otherwise the two halves of the validation rows.
    """
    has_test = evidence.test_rows >= MIN_ROWS and all(
        run.test_best is not None and run.test_last is not None
        for variant in evidence.variants
        for run in variant.runs
        if run.is_measured
    )
    source: RowSource = "test" if has_test else "validation halves"
    measured = {variant.name: _measure_variant(variant, source) for variant in evidence.variants}
    return {name: one for name, one in measured.items() if one is not None}


def paired_differences(left: Measured, right: Measured) -> Floats | None:
    """Return (common seeds, rows) losses of `left` minus `right`, each at its chosen epoch; None without a pair."""
    return differences_by_seed(left.best, left.seeds, right.best, right.seeds)


def differences_by_seed(
    left: Losses | Floats, left_seeds: Sequence[int], right: Losses | Floats, right_seeds: Sequence[int]
) -> Floats | None:
    """Return (common seeds, rows) of `left` minus `right`; None without a common seed.

    Args:
        left: (seeds, rows).
        left_seeds: those behind its first axis.
        right: (other seeds, rows), of the same rows.
        right_seeds: likewise.

    Example:
        >>> differences_by_seed(np.array([[1.0], [5.0]]), (1, 2), np.array([[3.0], [4.0]]), (2, 3))
        array([[2.]])
    """
    common = sorted(set(left_seeds) & set(right_seeds))
    if not common:
        return None
    rows_left = left[[left_seeds.index(seed) for seed in common]]
    rows_right = right[[right_seeds.index(seed) for seed in common]]
    return np.asarray(rows_left.astype(np.float64) - rows_right, dtype=np.float64)


def cross_fitted(validation: Mapping[int, Losses], weights: Floats | None = None) -> tuple[Losses, Losses]:
    """Return per-row validation losses at the epoch the other half chooses, and at the last epoch.

    Args:
        validation: epoch -> (rows,) losses; at least one epoch and two rows.
        weights: (rows,) with mean 1, of losses that are linearised, as those that come back then are; None of plain losses.

    Example:
        >>> grid = {0: np.array([2.0, 2.0, 2.0, 2.0]), 5: np.array([1.0, 1.2, 1.0, 1.2]), 9: np.full(4, 3.0)}
        >>> cross_fitted(grid)[0].tolist()
        [1.0, 1.2000000476837158, 1.0, 1.2000000476837158]
    """
    last = validation[max(validation)]
    is_even = np.arange(len(last)) % 2 == 0
    for_even, for_odd = chosen_by_halves(validation, weights)
    if weights is None:
        best = np.where(is_even, validation[for_even], validation[for_odd])
        return best.astype(np.float32), last.astype(np.float32)
    # Linearised anew: the mean of both halves together is another one than that of either epoch.
    halves = (weighed(validation[epoch], weights) for epoch in (for_even, for_odd))
    losses = np.where(is_even, *halves)
    mean = losses.mean()
    return (mean + spread_out(losses - weights * mean, weights)).astype(np.float32), last.astype(np.float32)


def chosen_by_halves(validation: Mapping[int, Losses], weights: Floats | None = None) -> tuple[int, int]:
    """Return the epochs at which the even and the odd rows are measured: each half's is chosen by the other.

    Args:
        validation: epoch -> (rows,) losses; at least one epoch and two rows.
        weights: (rows,) with mean 1, of losses that are linearised; None of plain losses.

    Example:
        >>> chosen_by_halves({0: np.array([1.0, 2.0]), 5: np.array([2.0, 1.0])})
        (5, 0)
    """
    epochs = sorted(validation)
    losses = np.array([validation[epoch] for epoch in epochs], dtype=np.float32)
    if weights is not None:
        return _chosen_by_weighted_halves(epochs, losses, weights)
    for_even, for_odd = (
        epochs[int(np.argmin(losses[:, start::2].mean(axis=1, dtype=np.float64)))] for start in (1, 0)
    )
    return for_even, for_odd


def _chosen_by_weighted_halves(epochs: Sequence[int], losses: Losses, weights: Floats) -> tuple[int, int]:
    """Return the same from linearised losses (epochs, rows); a half without weight chooses the first epoch."""
    products = weighed(losses, weights)
    for_even, for_odd = (
        epochs[int(np.argmin(products[:, start::2].sum(axis=1) / (weights[start::2].sum() or 1.0)))]
        for start in (1, 0)
    )
    return for_even, for_odd


def _measure_variant(variant: VariantEvidence, source: RowSource) -> Measured | None:
    """Return the variant's losses over its usable runs by rising seed, or None when no run is usable."""
    pairs = [(run, _run_losses(run, source)) for run in sorted(variant.runs, key=lambda run: run.seed)]
    usable = [(run, losses) for run, losses in pairs if losses is not None]
    if not usable:
        return None
    best, last = (_table([losses[place] for _, losses in usable]) for place in (0, 1))
    return Measured(variant, tuple(run for run, _ in usable), best, last, source)


def _table(losses: Sequence[Losses]) -> Losses:
    """Return (seeds, rows) losses; those of one seed are not copied, since there may be millions."""
    return (
        losses[0][None].astype(np.float32, copy=False)
        if len(losses) == 1
        else np.array(losses, dtype=np.float32)
    )


def _run_losses(run: RunEvidence, source: RowSource) -> tuple[Losses, Losses] | None:
    """Return finite (best, last) per-row losses of a run, or None."""
    if not run.is_measured:
        return None
    if source == "test":
        pair = (run.test_best, run.test_last)
    else:
        finite = {epoch: losses for epoch, losses in run.validation.items() if np.isfinite(losses).all()}
        is_enough = any(len(row) >= MIN_ROWS for row in finite.values())
        pair = cross_fitted(finite, run.validation_weights) if is_enough else (None, None)
    best, last = pair
    if best is None or last is None or not (np.isfinite(best).all() and np.isfinite(last).all()):
        return None
    return best, last
