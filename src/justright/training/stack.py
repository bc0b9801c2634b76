"""Training one stack in a worker: chunk after chunk, with checkpoints, until every lane has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from justright.runs.events import (
    EpochBlock,
    Event,
    RowKind,
    RowLosses,
    RunFinished,
    RunStarted,
    StackCheckpoint,
    StackProgress,
)
from justright.runs.grid import fixed_rows, measured_epochs
from justright.runs.limits import CHUNK_BYTES
from justright.runs.place import place_of
from justright.runs.tasks import StackTask, Storage, StudyRows, checkpoint_path
from justright.study.recipe import steps_per_epoch
from justright.training.ahead.building import BUILDING
from justright.training.ahead.checkpoint_writer import CheckpointWriter
from justright.training.devices.placement import built_on_host
from justright.training.initial_draws import drawn_values
from justright.training.lanes import (
    ALIVE,
    SETTLED,
    Data,
    Lane,
    Rows,
    device_rows,
    first_lane,
    first_lanes,
    flatten_lanes,
    lane_of,
    rows_of,
    stack_lanes,
    unflatten_lanes,
    without_optimizer,
)
from justright.training.orders import DeviceOrders, chunk_mixes, chunk_orders, seed_keys
from justright.training.padding import resized
from justright.training.program import SLOTS, ProgramCache, Standing, stack_network, stack_program
from justright.training.row_weights import row_weights
from justright.training.run_end import Ending
from justright.training.settled import Settling, begin_settling, can_settle, restore_settling

# A chunk should last about this long: short enough for a live view and a quick stop, long enough that dispatch,
# batch orders and messages cost little.
CHUNK_SECONDS = 0.8
MAX_CHUNK_EPOCHS = 256
# A tenth of the epochs so far lies between two looks of the settling rule: longer chunks would be mostly padding.
MAX_SETTLING_EPOCHS = 64
FEWEST_DRAWN = 4  # lanes whose values are drawn at once: two networks are built for it

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Epochs that the device was told to train; what comes out may not be there yet.

    Args:
        first: the first of them; epochs: how many, at most.
        measured: (length,), which of them lie on the grid.
        metrics, losses, ran, standing: as `Program.run_chunk` returns them.
        begun: when they were sent off.
    """

    first: int
    epochs: int
    measured: npt.NDArray[np.bool_]
    metrics: Any
    losses: Any
    ran: Any
    standing: Standing
    begun: float


@dataclass(slots=True)
class _Progress:
    """What the host knows of a stack besides its device state.

    Shape:
        best_metrics, last_metrics: (lanes, metrics), NaN before the first epoch.

    Args:
        epoch: trained and taken down.
        standing: of the lanes, then.
        ended: the lanes that need no more training.
        blocks, finished: what the next checkpoint's event carries.
    """

    epoch: int
    best_metrics: npt.NDArray[np.float64]
    last_metrics: npt.NDArray[np.float64]
    standing: Standing
    ended: set[int] = field(default_factory=set)
    blocks: list[EpochBlock] = field(default_factory=list)
    finished: list[RunFinished] = field(default_factory=list)
    train_seconds: float = 0.0


def run_stack(
    task: StackTask,
    rows: StudyRows,
    storage: Storage,
    emit: Emit,
    is_stopping: Callable[[], bool],
    cache: ProgramCache,
) -> bool:
    """Train a stack to its end, or until told to stop; return whether it ended.

    Everything up to the last checkpoint is safe: its event carries all epochs and ended runs since the previous one.

    Raises:
        InputError: a model cannot be built.
        FolderError: a checkpoint cannot be read or written.
    """
    session = _Session(task, rows, storage, emit, cache)
    for lane, run in enumerate(task.runs):
        if lane not in session.progress.ended:
            emit(RunStarted(run, session.progress.epoch, place_of(jax.devices()[0].platform)))
    last_write = time.monotonic()
    with CheckpointWriter(emit, aside=task.together) as writer:
        while not session.is_done:
            began = time.monotonic()
            session.train_chunk()
            emit(session.report())
            writer.tell()
            stopping, now = is_stopping(), time.monotonic()
            # After another chunk as long as this one it would be too late.
            due = now - last_write + (now - began) > task.checkpoint_seconds
            if session.progress.finished or due or stopping or session.is_done:
                writer.wait()
                writer.write(session.checkpoint(goes_on=not stopping))
                last_write = time.monotonic()
            if stopping and not session.is_done:
                break
        writer.wait()
    return session.is_done


def stack_data(task: StackTask, rows: StudyRows) -> Data:
    """Return the rows of a stack, on the host."""
    places = rows.places(task.train_index)
    chosen = fixed_rows(len(places), task.recipe.measure_rows)
    return Data(
        train=Rows(*rows.train, row_weights(rows, task.recipe, places)),
        validation=rows_of(rows.validation),
        fixed=Rows(*(values[places[chosen]] for values in rows.train)),
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


def _standing_of(lanes: Lane) -> Standing:
    return Standing(*(np.asarray(getattr(lanes, name)) for name in Standing._fields))


class _Session:
    """One stack being trained: device state, compiled program and host progress."""

    def __init__(
        self, task: StackTask, rows: StudyRows, storage: Storage, emit: Emit, cache: ProgramCache
    ) -> None:
        self.task = task
        self.storage = storage
        self.started = time.monotonic()
        self.train_rows = len(task.train_index)
        self.places = rows.places(task.train_index)
        self.rows = rows
        self.program = stack_program(task, rows, cache)
        self.placement = self.program.placement
        self.data = self.placement.copy_to_all(jax.device_put(stack_data(task, rows)))
        self.network = stack_network(task, rows, seed=task.runs[0].seed)
        table = self.data.train.x
        kinds: dict[RowKind, Rows] = {
            "validation": self.data.validation.among(table),
            "fixed": self.data.fixed,
        }
        if len(rows.test[0]):
            kinds["test"] = self.placement.copy_to_all(device_rows(rows.test)).among(table)
        self.ending = Ending(self.program, self.network, task, rows, storage, kinds)
        is_drawn = task.recipe.batch_orders == "device"
        self.orders = DeviceOrders(seed_keys(task.seeds), self.places) if is_drawn else None
        self.length = chunk_length(task, rows)
        self.keeps_measured_only = keeps_measured_only(task, rows)
        self.seconds_per_epoch = 0.0
        self.warm = False
        self.ready = 0.0  # when the last chunk's results were there
        self.ahead: _Chunk | None = None
        self.unsaved: list[int] = []  # lanes whose models the next checkpoint writes
        self.settling: Settling | None = None
        self.lanes, self.progress = self._restore() if task.checkpoint else self._begin()

    @property
    def is_done(self) -> bool:
        return len(self.progress.ended) == len(self.task.runs)

    def train_chunk(self) -> None:
        """Train up to a chunk of epochs and record what happened.

        An accelerator gets the next chunk before the host looks at this one: lanes that end in this one stay as they are.
        """
        chunk = self.ahead or self._send_chunk(self.progress.epoch)
        self.ahead = None
        after = chunk.first + chunk.epochs
        if self.task.together and self.warm and self.settling is None and after < self.task.recipe.max_epochs:
            self.ahead = self._send_chunk(after)
        self._take_chunk(chunk)

    def _send_chunk(self, first: int) -> _Chunk:
        """Let the device train the epochs from `first` on, up to a chunk."""
        epochs = self._epochs_to_train(first)
        measured = np.zeros(self.length, bool)
        measured[:epochs] = measured_epochs(first, epochs)
        begun = time.monotonic()
        orders, mixes = self._plans(first, epochs)
        self.lanes, metrics, losses, ran, standing = self.program.run_chunk(
            *(self.lanes, orders, measured, np.int32(first), np.int32(epochs), self.data, mixes),
            self._slots(measured),
        )
        return _Chunk(first, epochs, measured, metrics, losses, ran, standing, begun)

    def _plans(self, first: int, epochs: int) -> tuple[Any, npt.NDArray[np.float32] | None]:
        """Return the batch orders of a chunk, or from what they are drawn, and the weights of its mixtures."""
        if self.orders is not None:
            return self.orders, None
        orders = chunk_orders(self.task.seeds, first, epochs, self.train_rows, length=self.length)
        for order in orders[:epochs]:  # one at a time: those of millions of rows are large
            order[...] = self.places[order]
        return orders, self._mixes(first, epochs)

    def _slots(self, measured: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32] | None:
        """Return where the validation losses of each epoch are kept; None to keep all."""
        if not self.keeps_measured_only:
            return None
        return np.where(measured, np.minimum(measured.cumsum() - 1, SLOTS), SLOTS).astype(np.int32)

    def _take_chunk(self, chunk: _Chunk) -> None:
        """Record what happened in a chunk, waiting for it if need be."""
        progress = self.progress
        done = int(chunk.ran)
        now = time.monotonic()
        seconds = now - max(chunk.begun, self.ready)
        self.ready = now
        progress.train_seconds += seconds
        if self.warm and done:  # the first chunk's time is mostly compilation
            self.seconds_per_epoch = seconds / done
        self.warm = True
        progress.standing = Standing(*map(np.asarray, chunk.standing))
        if not done:  # all lanes had ended before
            return
        curves, row_losses = np.asarray(chunk.metrics, np.float64)[:done], np.asarray(chunk.losses)
        if not self.keeps_measured_only:
            row_losses = row_losses[:done]
        self._take_down(curves, row_losses, chunk.measured[:done])
        progress.epoch += done
        self._end_lanes(self._settle(curves, row_losses))

    def _catch_up(self) -> None:
        """Take down what the device has been told to train, so that its state is that of `progress`."""
        if self.ahead is not None:
            chunk, self.ahead = self.ahead, None
            self._take_chunk(chunk)

    def report(self) -> StackProgress:
        """Return how far the stack is."""
        named = map(self._named, self.progress.last_metrics)
        latest = dict(zip(self.task.runs, named, strict=True))
        waits = dict(zip(self.task.runs, self.progress.standing.wait.tolist(), strict=True))
        seconds = time.monotonic() - self.started
        return StackProgress(self.task.name, self.task.runs, self.progress.epoch, seconds, latest, waits)

    def checkpoint(self, *, goes_on: bool = False) -> Callable[[], StackCheckpoint]:
        """Return the function that writes the stack's present state, and returns the event that makes it count.

        Args:
            goes_on: whether an accelerator may train further meanwhile.
        """
        self._catch_up()
        task, progress = self.task, self.progress
        epoch = progress.epoch
        path = checkpoint_path(task.name, epoch)
        lanes = self._host_lanes()
        tensors: dict[str, npt.NDArray[Any]] = flatten_lanes(resized(lanes, self.network.shapes())) | {
            "best_metrics": progress.best_metrics.copy(),
            "last_metrics": progress.last_metrics.copy(),
            "train_seconds": np.array([progress.train_seconds]),
        }
        tensors |= self.settling.to_tensors() if self.settling else {}
        if (progress.standing.outcome != ALIVE).all():
            tensors = without_optimizer(tensors)
        metadata = {"stack": task.name, "epoch": str(epoch), "runs": json.dumps(task.runs)}
        blocks, finished, unsaved = tuple(progress.blocks), tuple(progress.finished), self.unsaved
        progress.blocks, progress.finished, self.unsaved = [], [], []
        if goes_on and task.together and not self.is_done:
            self.ahead = self._send_chunk(epoch)

        def write() -> StackCheckpoint:
            for lane in unsaved:
                self.ending.save(lane, lane_of(lanes, lane))
            self.storage.write_tensors(self.storage.folder / path, tensors, metadata)
            return StackCheckpoint(task.name, path, epoch, task.runs, blocks, finished)

        return write

    def _begin(self) -> tuple[Lane, _Progress]:
        with built_on_host(self.task.devices):
            lanes = self._first_lanes()
        lanes = self.placement.shard(lanes, outer=1)
        self.settling = begin_settling(self.task, self.rows)
        empty = np.full((len(self.task.runs), len(self.program.metric_names)), np.nan)
        return lanes, _Progress(0, empty, empty.copy(), _standing_of(lanes))

    def _first_lanes(self) -> Lane:
        """Return the lanes before their first epoch, from few builds where there are many that are computed together."""
        averaged = self.task.recipe.ema > 0
        shapes = self.program.network.shapes()
        seeds = self.task.seeds
        if self.task.together and len(seeds) >= FEWEST_DRAWN:
            with BUILDING.held():  # what Keras draws is taken down
                values = drawn_values(
                    lambda seed: stack_network(self.task, self.rows, seed=seed).initial_values(), seeds
                )
            if values is not None:
                lanes = resized(first_lanes(values, len(seeds), is_averaged=averaged), shapes)
                return jax.tree.map(jax.device_put, lanes)
        first = first_lane(self.network, is_averaged=averaged)
        others = (
            first_lane(stack_network(self.task, self.rows, seed=seed), is_averaged=averaged)
            for seed in seeds[1:]
        )
        return stack_lanes([resized(lane, shapes) for lane in (first, *others)])

    def _restore(self) -> tuple[Lane, _Progress]:
        tensors, metadata = self.storage.read_tensors(self.storage.folder / (self.task.checkpoint or ""))
        progress = _Progress(
            int(metadata["epoch"]),
            tensors.pop("best_metrics"),
            tensors.pop("last_metrics"),
            Standing(*(tensors[name] for name in Standing._fields)),
            train_seconds=float(tensors.pop("train_seconds")[0]),
        )
        self.settling = restore_settling(self.task, self.rows, tensors, progress.epoch)
        with built_on_host(self.task.devices):
            lanes = resized(unflatten_lanes(tensors), self.program.network.shapes())
        lanes = self.placement.shard(lanes, outer=1)
        progress.ended |= self._ended_lanes(progress)
        return lanes, progress

    def _mixes(self, first: int, epochs: int) -> npt.NDArray[np.float32] | None:
        """Return the weights of the next chunk's mixtures (length, lanes, steps); None where rows are not mixed."""
        recipe = self.task.recipe
        if not recipe.mixup:
            return None
        steps = steps_per_epoch(self.train_rows, recipe.batch_size)
        return chunk_mixes(*(self.task.seeds, first, epochs, steps), alpha=recipe.mixup, length=self.length)

    def _epochs_to_train(self, first: int) -> int:
        left = self.task.recipe.max_epochs - first
        if self.settling:
            left = min(left, self.settling.epochs_to_look())
        wanted = int(CHUNK_SECONDS / self.seconds_per_epoch) if self.seconds_per_epoch else 1
        epochs = max(1, min(left, self.length, wanted))
        if self.keeps_measured_only:  # no more than there are slots for
            epochs = int(np.searchsorted(measured_epochs(first, epochs).cumsum(), SLOTS, side="right"))
        return epochs

    def _take_down(
        self,
        metrics: npt.NDArray[np.float64],
        losses: npt.NDArray[np.float32],
        measured: npt.NDArray[np.bool_],
    ) -> None:
        """Append a block for each living lane; metrics (epochs, lanes, metrics), losses (epochs or slots, lanes, rows)."""
        progress, names = self.progress, self.program.metric_names
        best_epochs, trained = progress.standing.best_epoch, progress.standing.epochs
        places = measured.cumsum() - 1 if self.keeps_measured_only else np.arange(len(measured))
        for lane, run in enumerate(self.task.runs):
            epochs = int(trained[lane]) - progress.epoch
            if lane in progress.ended or epochs <= 0:  # a lane may have ended in the chunk before
                continue
            block = metrics[:epochs, lane]
            rows = tuple(
                RowLosses(run, "validation", progress.epoch + int(index), losses[places[index], lane].copy())
                for index in np.flatnonzero(measured[:epochs])
            )
            columns = {name: block[:, column].copy() for column, name in enumerate(names)}
            progress.blocks.append(EpochBlock(run, progress.epoch, columns, rows))
            progress.last_metrics[lane] = block[-1]
            best = int(best_epochs[lane]) - progress.epoch
            if best >= 0:
                progress.best_metrics[lane] = block[best]

    def _settle(self, metrics: npt.NDArray[np.float64], losses: npt.NDArray[np.float32]) -> dict[int, str]:
        """End the living lanes that are settled and return why; arguments as `_take_down`."""
        if self.settling is None:
            return {}
        loss_name = self.program.network.objective.loss_name
        self.settling.add(losses, metrics[:, :, self.program.metric_names.index(loss_name)])
        outcomes = self.progress.standing.outcome.copy()
        reasons = self.settling.settled(np.flatnonzero(outcomes == ALIVE).tolist())
        if reasons:
            outcomes[list(reasons)] = SETTLED
            self.progress.standing = self.progress.standing._replace(outcome=outcomes)
            self.lanes = self.lanes._replace(outcome=self.placement.copy_to_all(jnp.asarray(outcomes)))
        return reasons

    def _end_lanes(self, settled: dict[int, str]) -> None:
        """Finish lanes that stopped, are settled (lane -> why), diverged or reached the epoch limit."""
        progress = self.progress
        if self._ended_lanes(progress) - progress.ended:
            self._catch_up()
        ended = sorted(self._ended_lanes(progress) - progress.ended)
        trained = [lane for lane in ended if progress.standing.best_epoch[lane] >= 0]
        lanes = self.lanes if self.program.is_ahead or not ended else self._host_lanes()
        measured = self.ending.measure(lanes, trained)
        for lane in ended:
            best, last = self._named(progress.best_metrics[lane]), self._named(progress.last_metrics[lane])
            seconds = progress.train_seconds / len(self.task.runs)
            finished = self.ending.finish(
                *(lane, progress.standing, measured.get(lane), best, last),
                train_seconds=seconds,
                settled=settled.get(lane, ""),
            )
            progress.finished.append(finished)
            if finished.model_path:
                self.unsaved.append(lane)
            progress.ended.add(lane)

    def _host_lanes(self) -> Lane:
        """Return the lanes; those of an accelerator as copies, which outlive them and take one transfer for each value."""
        return jax.tree.map(np.array, self.lanes) if self.task.together else self.lanes

    def _ended_lanes(self, progress: _Progress) -> set[int]:
        """Return the lanes with an outcome, or all at the epoch limit; a higher limit than before revives lanes."""
        at_limit = progress.epoch >= self.task.recipe.max_epochs
        outcomes = progress.standing.outcome
        return {lane for lane in range(len(self.task.runs)) if at_limit or outcomes[lane] != ALIVE}

    def _named(self, values: npt.NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self.program.metric_names, values.tolist(), strict=True))
