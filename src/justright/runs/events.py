"""The events of training: plain data that any sink can store, draw or count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from justright.runs.outcomes import Outcome

# The loss of each row, for three kinds of rows; at the best epoch only, also their scores (1 where right, or absolute errors)
# and, for two kinds, the model's outputs (its last layer's values: logits where it ends in logits).
RowKind = Literal[
    "validation",
    "fixed",
    "test",
    "validation_score",
    "fixed_score",
    "test_score",
    "validation_output",
    "test_output",
]


class RunKey(NamedTuple):
    """One variant x one seed x one training size: the name of a run everywhere."""

    variant: str
    seed: int
    train_rows: int


@dataclass(frozen=True, slots=True)
class VariantBuilt:
    """A variant's model was built once, before anything trains.

    Args:
        variant: its name.
        parameters: trainable weights.
        summary: Keras' own `model.summary()` text.
        config: Keras' own `model.to_json()` text; empty when the model cannot be described so.
        layers: (name, class, output shape as text, parameters) of each layer.
        shapes: of its trainable weights; not stored.
    """

    variant: str
    parameters: int
    summary: str
    config: str
    layers: tuple[tuple[str, str, str, int], ...]
    shapes: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class StepTraced:
    """A variant's training step was traced, to be compared with those of others; only the plan takes notice, nothing is stored.

    Args:
        variant: its name.
        form: a hash of all that the step and the evaluation compute, except the numbers that are inputs of a program; equal
            forms may share one.
    """

    variant: str
    form: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run began, or resumed from a checkpoint at `epoch`; `worker` says where."""

    run: RunKey
    epoch: int
    worker: str


@dataclass(frozen=True, slots=True)
class RowLosses:
    """The loss of each row (its score or outputs, for the kinds that say so), in inference mode and without penalties.

    Shape:
        losses: (rows,) float32, in the order of the split's rows of that kind; outputs are (rows * outputs,), row after
            row: `losses.reshape(rows, -1)` has a column for each output.
    """

    run: RunKey
    kind: RowKind
    epoch: int
    losses: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EpochBlock:
    """Consecutive epochs of one run.

    Shape:
        metrics: name -> (epochs,) float64, NaN where a metric was not measured.
    """

    run: RunKey
    first_epoch: int
    metrics: Mapping[str, npt.NDArray[np.float64]]
    rows: tuple[RowLosses, ...] = ()

    @property
    def epochs(self) -> int:
        """Number of epochs in the block."""
        return len(next(iter(self.metrics.values())))


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ended; the outcome is data, with a sentence in `reason`.

    Args:
        run: the run.
        outcome: 'finished' (epoch limit), 'stopped early', 'diverged' (a metric was not finite) or 'failed'.
        reason: one sentence.
        epochs: epochs trained; the last one is `epochs - 1`.
        best_epoch: the epoch that validation rows chose, counted from 0; None for a run that ended before its first one.
        train_seconds: wall time of training this run's share of its stack.
        best: every metric at `best_epoch`.
        last: every metric at the last epoch.
        test: loss and score on test rows with the best epoch's weights; empty without test rows.
        test_last: the same with the last epoch's weights.
        rows: the loss of each row at both epochs, and its score and outputs at the best one, for all kinds of rows;
            validation losses at epochs on the grid are left out, because their blocks hold them.
        model_path: the saved model, relative to the study folder; None when nothing was saved.
    """

    run: RunKey
    outcome: Outcome
    reason: str
    epochs: int
    best_epoch: int | None
    train_seconds: float
    best: Mapping[str, float]
    last: Mapping[str, float]
    test: Mapping[str, float]
    test_last: Mapping[str, float]
    rows: tuple[RowLosses, ...] = ()
    model_path: str | None = None


@dataclass(frozen=True, slots=True)
class RunMeasured:
    """An ended run was measured on test rows other than those it ended with.

    Args:
        run: the run.
        test: loss and score with the best epoch's weights.
        test_last: the same with the last epoch's weights.
        rows: the loss of each test row at both epochs, and its score and outputs at the best one.
    """

    run: RunKey
    test: Mapping[str, float]
    test_last: Mapping[str, float]
    rows: tuple[RowLosses, ...]


@dataclass(frozen=True, slots=True)
class PlanMade:
    """What is about to be trained, and the memory it is expected to take; shown, and of it the lanes of variants are stored.

    Args:
        runs: runs that are trained or resumed.
        stacks: stacks they share.
        workers: how many stacks train at the same time.
        memory_bytes: expected peak of the whole command: this process, its workers, and judging.
        free_bytes: what it may take together with what it holds already; None if that is not known.
        devices: how many accelerators train each stack together.
        variant_lanes: (variant, the most of its runs and others that an accelerator computes side by side); none on processors.
    """

    runs: int
    stacks: int
    workers: int
    memory_bytes: int
    free_bytes: int | None
    devices: int = 1
    variant_lanes: tuple[tuple[str, int], ...] = ()

    @property
    def lanes(self) -> int | None:
        """The most runs that an accelerator computes side by side; None on processors."""
        return max((count for _, count in self.variant_lanes), default=None)


@dataclass(frozen=True, slots=True)
class WorkersTried:
    """It was tried, and decided, whether another worker trains on the same accelerator.

    Args:
        tried: how many workers there were with it.
        kept: how many there are from now on.
        gain: what they trained in the same time, over what one fewer trained; None if another worker failed.
        idle_share: of the first worker's time alone, 0 to 1, what it spent between two stacks.
        is_measured: whether `gain` was measured with stacks side by side, rather than expected from `idle_share` alone.
        reason: why another worker failed; empty if none did.
    """

    tried: int
    kept: int
    gain: float | None
    idle_share: float = 0.0
    is_measured: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StackCheckpoint:
    """The state of a stack is on disk: everything up to `epoch` is safe.

    Args:
        stack: name of the stack.
        path: the safetensors file, relative to the study folder.
        epoch: epochs trained when it was written.
        lanes: the runs in it, lane by lane; empty when nothing is kept, as for a stack whose workers died. The last
            checkpoint of a finished stack stays: more epochs and other test rows start from it.
        blocks: the epochs since the previous checkpoint, to be stored in the same transaction.
        finished: runs that ended since then, stored in the same transaction.
        parked: checkpoints of runs that ended and left their lanes to others, stored in the same transaction. Nothing else
            holds their last state.
    """

    stack: str
    path: str
    epoch: int
    lanes: tuple[RunKey, ...]
    blocks: tuple[EpochBlock, ...]
    finished: tuple[RunFinished, ...]
    parked: tuple[StackCheckpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class StackProgress:
    """How far a stack is: for the live view only, never stored.

    Args:
        stack: name of the stack.
        runs: the runs in it.
        epoch: epochs trained.
        seconds: wall time since the stack (re)started, compilation included.
        latest: run -> its metrics at the latest epoch.
        waits: run -> epochs since its best epoch.
        epochs: run -> its epochs, where they are not the stack's, since it took the lane of another.
    """

    stack: str
    runs: tuple[RunKey, ...]
    epoch: int
    seconds: float
    latest: Mapping[RunKey, Mapping[str, float]]
    waits: Mapping[RunKey, int]
    epochs: Mapping[RunKey, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReferenceMeasured:
    """The reference model was trained on the same rows.

    Shape:
        validation, test: (rows,) float32 losses by row, in the split's order.
        validation_output, test_output: (rows * outputs,) float32 probabilities of classes, that of class 1 alone for two, or
            predictions, row after row.

    Args:
        name: what it is, e.g. 'gradient-boosted trees'.
        iterations: boosting iterations that validation rows chose.
        constant_loss: mean loss on test rows (validation rows without any) of the constant prediction
            fitted on training rows.
        test_score: accuracy or mean absolute error on test rows; NaN without test rows.
    """

    name: str
    iterations: int
    constant_loss: float
    validation: npt.NDArray[np.float32]
    test: npt.NDArray[np.float32]
    test_score: float
    validation_output: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    test_output: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))


Event = (
    VariantBuilt
    | StepTraced
    | PlanMade
    | WorkersTried
    | ReferenceMeasured
    | RunStarted
    | StackCheckpoint
    | StackProgress
    | RunFinished
    | RunMeasured
)


class Sink(Protocol):
    """Where events go: a store, TensorBoard files, a live view, or several of them."""

    def handle(self, event: Event) -> None:
        """Take one event; called in the coordinator's process, in order."""
