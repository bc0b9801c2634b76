"""What a stack's program is given for its next chunk of epochs: how many, in which orders, and what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.runs.grid import fixed_rows, measured_epochs
from justright.runs.limits import CHUNK_BYTES
from justright.runs.tasks import StackTask, StudyRows
from justright.study.recipe import steps_per_epoch
from justright.training.lanes import Data, Rows, rows_of
from justright.training.orders import DeviceOrders, chunk_mixes, chunk_orders, seed_keys
from justright.training.program import SLOTS
from justright.training.row_weights import row_shares, row_weights
from justright.training.settled import can_settle
from justright.training.stacks.run_progress import RunProgress

# A chunk should last about this long: short enough for a live view and a quick stop, long enough that dispatch,
# batch orders and messages cost little.
CHUNK_SECONDS = 0.8
MAX_CHUNK_EPOCHS = 256
# A tenth of the epochs so far lies between two looks of the settling rule: longer chunks would be mostly padding.
MAX_SETTLING_EPOCHS = 64


def stack_data(task: StackTask, rows: StudyRows) -> Data:
    """Return the rows of a stack, on the host."""
    places = rows.places(task.train_index)
    fixed = places[fixed_rows(len(places), task.recipe.measure_rows)]
    return Data(
        train=Rows(*rows.train, row_weights(rows, task.recipe, places), shares=row_shares(rows, places)),
        validation=rows_of(rows.validation, rows.validation_weights),
        fixed=Rows(
            rows.train[0][fixed],
            rows.train[1][fixed],
            shares=None if (shares := row_shares(rows, fixed)) is None else shares[fixed],
        ),
    )


def chunk_length(task: StackTask, rows: StudyRows) -> int:
    """Return for how many epochs a stack's program has room."""
    by_lane = 0 if task.together else len(rows.validation[0])
    by_lane += 0 if task.recipe.batch_orders == "device" else len(task.train_index)
    bytes_per_epoch = max(4 * len(task.runs) * by_lane, 1)
    recipe = task.recipe
    most = min(MAX_CHUNK_EPOCHS, MAX_SETTLING_EPOCHS) if recipe.stop == "settled" else MAX_CHUNK_EPOCHS
    return max(1, min(most, CHUNK_BYTES // bytes_per_epoch, recipe.max_epochs))


def keeps_measured_only(task: StackTask, rows: StudyRows) -> bool:
    """Return whether a chunk's validation losses are those of epochs on the grid only."""
    return task.together and not can_settle(task, rows)


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """A chunk of epochs; arrays as `Program.run_chunk` takes them.

    Args:
        first: the first of them, counted by the stack; epochs: how many, at most.
        own: the same first epoch, counted by each lane's run where they may differ.
        measured: which of them lie on the grid.
        orders: batch orders, or from what the device draws them.
        mixes: the weight of each step's mixture, or None.
        slots: where the validation losses of each epoch go; None keeps those of all.
    """

    first: int
    epochs: int
    own: Any
    measured: npt.NDArray[np.bool_]
    orders: Any
    mixes: npt.NDArray[np.float32] | None
    slots: npt.NDArray[np.int32] | None

    @property
    def after(self) -> int:
        """The epoch that follows."""
        return self.first + self.epochs

    def measured_by_lane(self, epochs: int, lanes: int) -> npt.NDArray[np.bool_]:
        """Return (epochs, lanes), which of the first `epochs` lie on the grid."""
        measured = self.measured[:epochs]
        return measured if measured.ndim > 1 else np.repeat(measured[:, None], lanes, axis=1)

    def places(self, epochs: int) -> npt.NDArray[np.intp]:
        """Return (epochs,), where in the losses that the program returns those of each epoch on the grid are."""
        if self.slots is None:
            return np.arange(epochs)
        return self.measured[:epochs].any(axis=1).cumsum() - 1


class ChunkPlans:
    """Plans the chunks of one stack.

    Args:
        task: the stack, with the runs that have a lane now; set anew when others take them.
        rows: the study's rows.
    """

    def __init__(self, task: StackTask, rows: StudyRows) -> None:
        self.length = chunk_length(task, rows)
        self.keeps_measured_only = keeps_measured_only(task, rows)
        self.seconds_per_epoch = 0.0  # as measured; 0 before
        self._places = rows.places(task.train_index)
        self.seat(task)

    def seat(self, task: StackTask) -> None:
        """Plan for the runs that have a lane in this task."""
        self._task = task
        is_drawn = task.recipe.batch_orders == "device"
        self._drawn = DeviceOrders(seed_keys(task.seeds), self._places) if is_drawn else None

    def plan(self, progress: RunProgress, first: int, *, epochs_to_look: int | None) -> ChunkPlan:
        """Return the chunk that begins at the stack's epoch `first`; it may have `epochs_to_look` epochs at most."""
        epochs = self._epochs(progress, first, epochs_to_look)
        measured = self._measured(progress, first, epochs)
        own = first - progress.starts
        return ChunkPlan(
            *(first, epochs, own.astype(np.int32) if self._task.together else np.int32(first), measured),
            *(self._orders(own, epochs), self._mixes(own, epochs), self._slots(measured)),
        )

    def limit(self, progress: RunProgress) -> int:
        """Return the stack's epoch at which the first of the runs that go on reaches the limit of its epochs."""
        starts = progress.starts[progress.lanes_going_on()].tolist()
        return min(starts, default=0) + self._task.recipe.max_epochs

    def _epochs(self, progress: RunProgress, first: int, epochs_to_look: int | None) -> int:
        left = self.limit(progress) - first
        if epochs_to_look is not None:
            left = min(left, epochs_to_look)
        wanted = int(CHUNK_SECONDS / self.seconds_per_epoch) if self.seconds_per_epoch else 1
        epochs = max(1, min(left, self.length, wanted))
        if self.keeps_measured_only:  # no more than there are slots for
            kept = self._measured(progress, first, epochs)[:epochs].any(axis=1)
            epochs = int(np.searchsorted(kept.cumsum(), SLOTS, side="right"))
        return epochs

    def _measured(self, progress: RunProgress, first: int, epochs: int) -> npt.NDArray[np.bool_]:
        """Return which epochs of a chunk lie on the grid: (length,) or, for lanes that are computed together, (length, lanes)."""
        if not self._task.together:
            measured = np.zeros(self.length, bool)
            measured[:epochs] = measured_epochs(first, epochs)
            return measured
        measured = np.zeros((self.length, len(self._task.runs)), bool)
        going_on = progress.lanes_going_on()
        by_start = {
            start: measured_epochs(first - start, epochs) for start in set(progress.starts[going_on].tolist())
        }
        for lane in going_on:
            measured[:epochs, lane] = by_start[int(progress.starts[lane])]
        return measured

    def _orders(self, own: npt.NDArray[np.int64], epochs: int) -> Any:
        """Return the batch orders of a chunk whose lanes begin at their epochs `own`, or from what they are drawn."""
        if self._drawn is not None:
            return self._drawn
        train_rows = len(self._task.train_index)
        orders = chunk_orders(self._task.seeds, own.tolist(), epochs, train_rows, length=self.length)
        for order in orders[:epochs]:  # one at a time: those of millions of rows are large
            order[...] = self._places[order]
        return orders

    def _mixes(self, own: npt.NDArray[np.int64], epochs: int) -> npt.NDArray[np.float32] | None:
        """Return the weights of mixtures (length, lanes, steps); None where rows are not mixed, or the device draws them."""
        recipe = self._task.recipe
        if not recipe.mixup or self._drawn is not None:
            return None
        steps = steps_per_epoch(len(self._task.train_index), recipe.batch_size)
        return chunk_mixes(
            *(self._task.seeds, own.tolist(), epochs, steps), alpha=recipe.mixup, length=self.length
        )

    def _slots(self, measured: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32] | None:
        """Return where the validation losses of each epoch are kept; None to keep all."""
        if not self.keeps_measured_only:
            return None
        kept = measured.any(axis=1)
        return np.where(kept, np.minimum(kept.cumsum() - 1, SLOTS), SLOTS).astype(np.int32)
