"""What verdicts need to know about a study, independent of any store: plain arrays and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from justright.data.read_options import TASKS, Task
from justright.errors import InputError, one_of
from justright.runs.outcomes import OUTCOMES, is_measured

Losses = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RunEvidence:
    """One run: its losses row by row, and its training loss at three epochs.

    Where rows count by weights, losses are linearised (`runs/weighted_means.py`), in all evidence of a study: their plain mean
    is the weighted mean.

    Shape:
        test_best, test_last: (test rows,) losses without penalties at the chosen and at the last epoch, or None.
        validation: epoch -> (validation rows,) losses without penalties, on a grid with the chosen and last epoch.
        validation_weights, test_weights: (rows,) how much each row counts, with mean 1; None if all count the same.
        curve: (epochs,) mean validation loss without penalties after every epoch, NaN where unknown; None if not recorded.

    Args:
        seed: runs of two variants with the same seed are paired.
        outcome: 'finished' (epoch limit), 'stopped early', 'diverged' or 'failed'.
        reason: the sentence that explains the outcome, or empty.
        epochs: epochs trained; the last one is `epochs - 1`.
        best_epoch: the epoch that validation rows chose, counted from 0; None for a run without one.
        train_loss_first: loss of training rows without penalties (the fixed subset where measured), first epoch.
        train_loss_best: the same at the chosen epoch.
        train_loss_last: the same at the last epoch; NaN where unknown.
        score_best: further test metrics at the chosen epoch, such as accuracy.
        score_last: the same at the last epoch.

    Raises:
        InputError: the outcome is unknown, or the epochs contradict each other.
    """

    seed: int
    outcome: str
    epochs: int
    best_epoch: int | None
    test_best: Losses | None = None
    test_last: Losses | None = None
    validation: Mapping[int, Losses] = field(default_factory=dict)
    curve: Floats | None = None
    train_loss_first: float = float("nan")
    train_loss_best: float = float("nan")
    train_loss_last: float = float("nan")
    score_best: Mapping[str, float] = field(default_factory=dict)
    score_last: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    validation_weights: Floats | None = None
    test_weights: Floats | None = None

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise one_of("outcome", self.outcome, OUTCOMES)
        if self.is_measured and (self.best_epoch is None or not 0 <= self.best_epoch < self.epochs):
            raise InputError(
                f"`best_epoch` must lie in 0..epochs - 1; got {self.best_epoch!r} of {self.epochs!r} epochs."
            )
        if self.curve is not None and self.curve.shape != (self.epochs,):
            raise InputError(
                f"`curve` must have a value for each of {self.epochs!r} epochs; got the shape {self.curve.shape}."
            )

    @property
    def chosen_epoch(self) -> int:
        """The epoch that validation rows chose; raises ValueError for a run without one."""
        if self.best_epoch is None:
            raise ValueError(f"the run of seed {self.seed} has no best epoch")
        return self.best_epoch

    @property
    def is_measured(self) -> bool:
        """Whether the run ended by its epoch limit or stopping rule, so that its losses count."""
        return is_measured(self.outcome)


@dataclass(frozen=True, slots=True, eq=False)
class VariantEvidence:
    """One variant and all its runs.

    Args:
        name: its name.
        parameters: trainable weights; more of them count as more capacity.
        runs: one per seed.
        baseline: name of the variant that it changes by one thing, if any.
        group: variants of one group are compared as sizes.
        change: what it changes in its baseline, in the words of `directions.py`; any other text says that it is neither
            freer nor tighter, and an empty one leaves it to `parameters` and `brakes`.
        remedy: variants with the same baseline and remedy are strengths, of which validation rows choose one; empty makes
            the variant a remedy of its own.
        strength: of the remedy; None if it has only one.
        brakes: what holds its training back, by name (`study/brakes.py`): the larger a value, the tighter. None if unknown.
        max_epochs: its epoch limit; None if unknown.

    Raises:
        InputError: there is no run, or a seed occurs twice.
    """

    name: str
    parameters: int
    runs: tuple[RunEvidence, ...]
    baseline: str | None = None
    group: str = ""
    change: str = ""
    remedy: str = ""
    strength: float | None = None
    brakes: Mapping[str, float] | None = None
    max_epochs: int | None = None

    def __post_init__(self) -> None:
        seeds = [run.seed for run in self.runs]
        if not seeds:
            raise InputError(f"Variant {self.name!r} must have at least one run; got none.")
        if len(set(seeds)) != len(seeds):
            raise InputError(
                f"Variant {self.name!r} must have one run for each seed; got the seeds {sorted(seeds)!r}."
            )

    @property
    def validation_loss(self) -> float:
        """The mean validation loss of the measured runs, each at its chosen epoch; NaN if not recorded.

        It chose the epochs, so it is optimistic: it may choose between variants, but never measures one.
        """
        runs = [run for run in self.runs if run.is_measured]
        if not runs or any(run.chosen_epoch not in run.validation for run in runs):
            return float("nan")
        return float(np.mean([run.validation[run.chosen_epoch].mean(dtype=np.float64) for run in runs]))


@dataclass(frozen=True, slots=True, eq=False)
class EnsembleEvidence:
    """The seeds of one variant as one model: the mean of their probabilities or predictions.

    Shape:
        validation: (validation rows,) losses of that mean.
        test: (test rows,) the same, or None without test rows.

    Args:
        variant: the variant whose runs are averaged.
        seeds: of those runs.
    """

    variant: str
    seeds: tuple[int, ...]
    validation: Losses
    test: Losses | None

    @property
    def name(self) -> str:
        """Its name, such as 'Ensemble of 5 x Dropout 0.5'."""
        return f"Ensemble of {len(self.seeds)} x {self.variant}"

    @property
    def validation_loss(self) -> float:
        """The mean loss of validation rows; see `VariantEvidence.validation_loss`."""
        return float(self.validation.mean(dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceEvidence:
    """Another kind of model, trained on the same rows to show what can be learned.

    Shape:
        test: (rows,) losses on the rows that measure: test rows, or validation rows without any.

    Args:
        name: in plain words, such as 'gradient-boosted trees'.
    """

    name: str
    test: Losses


@dataclass(frozen=True, slots=True, eq=False)
class LearningCurve:
    """One variant trained on nested subsets of its training rows.

    Shape:
        losses: for each size a table (seeds, rows) of losses at the chosen epoch, over the same seeds and rows.

    Args:
        variant: its name.
        train_rows: the sizes, rising.

    Raises:
        InputError: sizes do not rise, or the tables do not fit each other.
    """

    variant: str
    train_rows: tuple[int, ...]
    losses: tuple[Losses | Floats, ...]

    def __post_init__(self) -> None:
        if list(self.train_rows) != sorted(set(self.train_rows)) or len(self.losses) != len(self.train_rows):
            raise InputError(
                f"`train_rows` must rise, and each must have a table of losses; got {self.train_rows!r} and "
                f"{len(self.losses)} tables."
            )
        if len({table.shape for table in self.losses}) > 1:
            shapes = sorted({table.shape for table in self.losses})
            raise InputError(f"All sizes must share their seeds and rows; got the shapes {shapes!r}.")


@dataclass(frozen=True, slots=True, eq=False)
class StudyEvidence:
    """Everything the verdicts of one study rest on.

    Args:
        task: the table's task.
        loss_name: the study's loss, such as 'binary_crossentropy'.
        variants: in the study's order.
        constant_loss: loss on the measuring rows of the constant prediction that is best on the training rows.
        test_rows: number of test rows, or 0.
        validation_rows: number of validation rows.
        reference: another kind of model trained on the same rows, if any.
        constant: (rows,) losses of the constant prediction on the rows that measure; None if not recorded.
        ensembles: of the seeds of variants, where their outputs were recorded.
        columns: names of the table's feature columns, since claims are about one table.
        learning_curves: of the variants that were trained on several numbers of rows.
        table_rows: number of rows of the table, of all parts together; None if unknown.

    Raises:
        InputError: there is no variant, a name occurs twice, a baseline is missing, or a row count is wrong.
    """

    task: Task
    loss_name: str
    variants: tuple[VariantEvidence, ...]
    constant_loss: float
    test_rows: int
    validation_rows: int
    reference: ReferenceEvidence | None = None
    constant: Losses | None = None
    ensembles: tuple[EnsembleEvidence, ...] = ()
    columns: tuple[str, ...] = ()
    learning_curves: tuple[LearningCurve, ...] = ()
    table_rows: int | None = None

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise one_of("task", self.task, TASKS)
        names = [variant.name for variant in self.variants]
        if not names:
            raise InputError("`variants` must hold at least one variant; got none.")
        if len(set(names)) != len(names):
            raise InputError(f"Variant names must differ; got {sorted(names)!r}.")
        if not np.isfinite(self.constant_loss):
            raise InputError(f"`constant_loss` must be finite; got {self.constant_loss!r}.")
        for variant in self.variants:
            if variant.baseline is not None and variant.baseline not in names:
                raise one_of("baseline", variant.baseline, names)
            for run in variant.runs:
                self._check_rows(variant.name, run)

    def variant(self, name: str) -> VariantEvidence:
        """Return the variant of that name.

        Raises:
            InputError: there is none.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise one_of("variant", name, [variant.name for variant in self.variants])

    def _check_rows(self, name: str, run: RunEvidence) -> None:
        """Raise unless all losses by row have one value per row."""
        tests = [losses for losses in (run.test_best, run.test_last) if losses is not None]
        checks = [("test", losses, self.test_rows) for losses in tests]
        checks += [("validation", losses, self.validation_rows) for losses in run.validation.values()]
        for kind, losses, rows in checks:
            if losses.shape != (rows,):
                raise InputError(
                    f"Variant {name!r}, seed {run.seed}: {kind} losses must have the shape ({rows},); "
                    f"got {losses.shape}."
                )
