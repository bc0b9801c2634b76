"""Training one stack in a worker: chunk after chunk, with checkpoints, until every lane has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from justright.runs.checkpoint_lanes import take_lanes
from justright.runs.events import (
    EpochBlock,
    Event,
    RowKind,
    RowLosses,
    RunFinished,
    RunKey,
    RunStarted,
    StackCheckpoint,
    StackProgress,
)
from justright.runs.grid import fixed_rows, measured_epochs
from justright.runs.limits import CHUNK_BYTES
from justright.runs.place import place_of
from justright.runs.tasks import StackTask, Storage, StudyRows, checkpoint_path
from justright.runs.weighted_means import linearised, relative_weights
from justright.study.recipe import steps_per_epoch
from justright.training.ahead.checkpoint_writer import CheckpointWriter
from justright.training.devices.placement import built_on_host
from justright.training.lanes import (
    ALIVE,
    FIRST_WEIGHTS,
    LIMITED,
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
from justright.training.row_weights import row_shares, row_weights
from justright.training.run_end import Ending, first_weights
from justright.training.settled import (
    Settling,
    begin_settling,
    can_settle,
    restore_settling,
    settling_rule,
)
from justright.training.strengths import StrengthValues
from justright.training.together.cohorts import Cohorts
from justright.training.together.companions import Beginnings

# A chunk should last about this long: short enough for a live view and a quick stop, long enough that dispatch,
# batch orders and messages cost little.
CHUNK_SECONDS = 0.8
MAX_CHUNK_EPOCHS = 256
# A tenth of the epochs so far lies between two looks of the settling rule: longer chunks would be mostly padding.
MAX_SETTLING_EPOCHS = 64

Emit = Callable[[Event], None]
_Parked = tuple[StackCheckpoint, dict[str, npt.NDArray[Any]], dict[str, str]]
"""The event of a checkpoint, its arrays and its metadata."""


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
        starts: (lanes,), the stack's epoch at which each lane's run began; began_seconds: (lanes,), `train_seconds` then.

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
    starts: npt.NDArray[np.int64]
    began_seconds: npt.NDArray[np.float64]
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
    for lane, run in enumerate(session.task.runs):
        if lane not in session.progress.ended:
            emit(RunStarted(run, int(session.epochs[lane]), place()))
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
            if session.progress.finished or due or stopping or session.is_done or session.can_seat:
                writer.wait()
                writer.write(session.checkpoint(goes_on=not stopping))
                last_write = time.monotonic()
            if stopping and not session.is_done:
                break
        writer.wait()
    return session.is_done


def place() -> str:
    """Return where this process trains."""
    return place_of(jax.devices()[0].platform)


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


def _of_ended(tensors: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return what is kept of a checkpoint: without the optimizer's values if none of its runs trains again."""
    return without_optimizer(tensors) if (tensors["outcome"] != ALIVE).all() else tensors


def _standing_of(lanes: Lane) -> Standing:
    return Standing(*(np.asarray(getattr(lanes, name)) for name in Standing._fields))


class _Session:
    """One stack being trained: device state, compiled program and host progress."""

    def __init__(
        self, task: StackTask, rows: StudyRows, storage: Storage, emit: Emit, cache: ProgramCache
    ) -> None:
        self.task = task
        self.storage = storage
        self.emit = emit
        self.started = time.monotonic()
        self.train_rows = len(task.train_index)
        self.places = rows.places(task.train_index)
        self.rows = rows
        weights = rows.validation_weights
        self.relative = None if weights is None else relative_weights(weights)
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
            test = device_rows(rows.test, rows.test_weights)
            kinds["test"] = self.placement.copy_to_all(test).among(table)
        self.ending = Ending(self.program, self.network, task, rows, storage, kinds)
        self.beginnings = Beginnings(task, rows, self.program, self.network) if task.together else None
        self.length = chunk_length(task, rows)
        self.keeps_measured_only = keeps_measured_only(task, rows)
        self.seconds_per_epoch = 0.0
        self.warm = False
        self.ready = 0.0  # when the last chunk's results were there
        self.ahead: _Chunk | None = None
        self.unsaved: list[int] = []  # lanes whose models the next checkpoint writes
        self.settling: Settling | None = None
        self.cohorts = self._cohorts()
        # (lanes, weights, 2 + bins), histograms before training; None for a stack that an earlier version began.
        self.first_weights: npt.NDArray[np.float64] | None = None
        self.lanes, self.progress = self._restore() if task.checkpoint else self._begin()
        self._stop_at_limit()
        self.orders: DeviceOrders | None = None
        self.strengths: StrengthValues | None = None
        self._take_seats()

    @property
    def is_done(self) -> bool:
        return len(self.progress.ended) == len(self.task.runs) and not self.task.waiting

    @property
    def can_seat(self) -> bool:
        """Whether there are both lanes whose runs have ended and runs that wait."""
        return bool(self.progress.ended and self.task.waiting)

    @property
    def epochs(self) -> npt.NDArray[np.int64]:
        """(lanes,), how far the runs are that have not ended."""
        return self.progress.epoch - self.progress.starts

    def _cohorts(self) -> Cohorts | None:
        """Return what lanes that are computed together remember for the settling rule, if their recipe has it."""
        if not (self.task.together and can_settle(self.task, self.rows)):
            return None
        return Cohorts(settling_rule(self.rows), rows=len(self.rows.validation[0]))

    def _take_seats(self) -> None:
        """Set what the program is given for the runs that have a lane now."""
        self.ending.task = self.task
        if self.task.recipe.batch_orders == "device":
            self.orders = DeviceOrders(seed_keys(self.task.seeds), self.places)
        if self.beginnings is not None:
            if not self.task.waiting:
                self.beginnings.forget_values()
            own = self.beginnings.strengths(self.task.runs)
            self.strengths = self.placement.copy_to_all(jax.device_put(own))

    def train_chunk(self) -> None:
        """Train up to a chunk of epochs and record what happened.

        An accelerator gets the next chunk before the host looks at this one: lanes that end in this one stay as they are.
        """
        chunk = self.ahead or self._send_chunk(self.progress.epoch)
        self.ahead = None
        after = chunk.first + chunk.epochs
        looks_back = self.settling is not None or self.cohorts is not None
        if self.task.together and self.warm and not looks_back and after < self._limit():
            self.ahead = self._send_chunk(after)
        self._take_chunk(chunk)

    def _send_chunk(self, first: int) -> _Chunk:
        """Let the device train the epochs from `first` on, up to a chunk."""
        epochs = self._epochs_to_train(first)
        measured = self._measured(first, epochs)
        begun = time.monotonic()
        orders, mixes = self._plans(first, epochs)
        own = (first - self.progress.starts).astype(np.int32) if self.task.together else np.int32(first)
        self.lanes, metrics, losses, ran, standing = self.program.run_chunk(
            *(self.lanes, orders, measured, own, np.int32(epochs), self.data, mixes),
            *(self._slots(measured), self.strengths),
        )
        return _Chunk(first, epochs, measured, metrics, losses, ran, standing, begun)

    def _plans(self, first: int, epochs: int) -> tuple[Any, npt.NDArray[np.float32] | None]:
        """Return the batch orders of a chunk, or from what they are drawn, and the weights of its mixtures."""
        if self.orders is not None:
            return self.orders, None
        own = (first - self.progress.starts).tolist()
        orders = chunk_orders(self.task.seeds, own, epochs, self.train_rows, length=self.length)
        for order in orders[:epochs]:  # one at a time: those of millions of rows are large
            order[...] = self.places[order]
        return orders, self._mixes(own, epochs)

    def _slots(self, measured: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32] | None:
        """Return where the validation losses of each epoch are kept; None to keep all."""
        if not self.keeps_measured_only:
            return None
        kept = measured.any(axis=1)
        return np.where(kept, np.minimum(kept.cumsum() - 1, SLOTS), SLOTS).astype(np.int32)

    def _measured(self, first: int, epochs: int) -> npt.NDArray[np.bool_]:
        """Return which epochs of a chunk lie on the grid: (length,) or, for lanes that are computed together, (length, lanes)."""
        if not self.task.together:
            measured = np.zeros(self.length, bool)
            measured[:epochs] = measured_epochs(first, epochs)
            return measured
        measured = np.zeros((self.length, len(self.task.runs)), bool)
        going_on = [lane for lane in range(len(self.task.runs)) if lane not in self.progress.ended]
        by_start = {
            start: measured_epochs(first - start, epochs)
            for start in set(self.progress.starts[going_on].tolist())
        }
        for lane in going_on:
            measured[:epochs, lane] = by_start[int(self.progress.starts[lane])]
        return measured

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
        epochs = (
            dict(zip(self.task.runs, self.epochs.tolist(), strict=True)) if any(self.progress.starts) else {}
        )
        return StackProgress(
            self.task.name, self.task.runs, self.progress.epoch, seconds, latest, waits, epochs
        )

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
        tensors, parked = self._tensors(lanes), None
        if self.can_seat:
            parked = self._park(tensors)
            tensors = self._tensors(self._seat(lanes))
        metadata = self._metadata(self.task.name, self.task.runs)
        saved = [(task.runs[lane], task.models[lane], lane, self._first_of(lane)) for lane in self.unsaved]
        blocks, finished = tuple(progress.blocks), tuple(progress.finished)
        progress.blocks, progress.finished, self.unsaved = [], [], []
        if goes_on and task.together and not self.is_done:
            self.ahead = self._send_chunk(epoch)
        runs = self.task.runs
        left = (parked[0],) if parked else ()

        def write() -> StackCheckpoint:
            for run, model, lane, first in saved:
                self.ending.save(run, model, lane_of(lanes, lane), first)
            if parked is not None:
                event, values, words = parked
                self.storage.write_tensors(self.storage.folder / event.path, values, words)
            self.storage.write_tensors(self.storage.folder / path, tensors, metadata)
            return StackCheckpoint(task.name, path, epoch, runs, blocks, finished, left)

        return write

    def _first_of(self, lane: int) -> npt.NDArray[np.float64] | None:
        return None if self.first_weights is None else self.first_weights[lane]

    def _tensors(self, lanes: Lane) -> dict[str, npt.NDArray[Any]]:
        """Return what a checkpoint holds, with the values of the lanes on the host."""
        progress = self.progress
        tensors: dict[str, npt.NDArray[Any]] = flatten_lanes(resized(lanes, self.network.shapes())) | {
            "best_metrics": progress.best_metrics.copy(),
            "last_metrics": progress.last_metrics.copy(),
            "train_seconds": np.array([progress.train_seconds]),
        }
        if self.first_weights is not None:
            tensors[FIRST_WEIGHTS] = self.first_weights
        if self.task.together:
            tensors |= {
                "began_seconds": progress.began_seconds.copy(),
                "outcome": np.where(tensors["outcome"] == LIMITED, ALIVE, tensors["outcome"]).astype(
                    np.int32
                ),
            }
        tensors |= self.settling.to_tensors() if self.settling else {}
        tensors |= self.cohorts.to_tensors(len(self.task.runs)) if self.cohorts else {}
        return _of_ended(tensors)

    def _metadata(self, stack: str, runs: Sequence[RunKey]) -> dict[str, str]:
        waiting = {"waiting": json.dumps(self.task.waiting)} if self.task.waiting else {}
        return {"stack": stack, "epoch": str(self.progress.epoch), "runs": json.dumps(runs)} | waiting

    def _park(self, tensors: dict[str, npt.NDArray[Any]]) -> _Parked:
        """Return a checkpoint of the runs that leave their lanes."""
        lanes = self._free_lanes()
        runs = tuple(self.task.runs[lane] for lane in lanes)
        epoch = self.progress.epoch
        name = f"{self.task.name}-ended-{epoch}"
        metadata = {"stack": name, "epoch": str(epoch), "runs": json.dumps(runs)}
        event = StackCheckpoint(name, checkpoint_path(name, epoch), epoch, runs, (), ())
        return event, _of_ended(take_lanes(tensors, lanes)), metadata

    def _free_lanes(self) -> list[int]:
        """Return the lanes that waiting runs take next."""
        return sorted(self.progress.ended)[: len(self.task.waiting)]

    def _seat(self, lanes: Lane) -> Lane:
        """Give free lanes to waiting runs, and return the values of all lanes on the host."""
        progress, free = self.progress, self._free_lanes()
        runs, waiting = list(self.task.runs), self.task.waiting
        newcomers = waiting[: len(free)]
        for lane, run in zip(free, newcomers, strict=True):
            runs[lane] = run
            self.emit(RunStarted(run, 0, place()))
        new = self._first_lanes(newcomers)

        def put(old: npt.NDArray[Any], first: Any) -> npt.NDArray[Any]:
            values = np.array(old)
            values[free] = np.asarray(first)
            return values

        lanes = jax.tree.map(put, lanes, new)
        if self.first_weights is not None:
            self.first_weights = put(self.first_weights, first_weights(resized(new, self.network.shapes())))
        with built_on_host(self.task.devices):
            on_device = jax.tree.map(jax.device_put, lanes)
        self.lanes = self.placement.shard(on_device, outer=1)
        self.task = self.task.seated(runs, waiting[len(free) :])
        for values in (progress.best_metrics, progress.last_metrics):
            values[free] = np.nan
        progress.standing = _standing_of(lanes)
        progress.starts[free] = progress.epoch
        progress.began_seconds[free] = progress.train_seconds
        progress.ended -= set(free)
        if self.cohorts is not None:
            self.cohorts.seat(free)
        self._take_seats()
        return lanes

    def _begin(self) -> tuple[Lane, _Progress]:
        count = len(self.task.runs)
        with built_on_host(self.task.devices):
            first = self._first_lanes(self.task.runs)
            lanes = jax.tree.map(jax.device_put, first)
        self.first_weights = first_weights(resized(first, self.network.shapes()))
        lanes = self.placement.shard(lanes, outer=1)
        if self.cohorts is not None:
            self.cohorts.seat(range(count))
        else:
            self.settling = begin_settling(self.task, self.rows)
        empty = np.full((count, len(self.program.metric_names)), np.nan)
        starts, seconds = np.zeros(count, np.int64), np.zeros(count)
        return lanes, _Progress(0, empty, empty.copy(), _standing_of(lanes), starts, seconds)

    def _first_lanes(self, runs: Sequence[RunKey]) -> Lane:
        """Return the lanes of some runs before their first epoch."""
        averaged = self.task.recipe.ema > 0
        shapes = self.program.network.shapes()
        seeds = [run.seed for run in runs]
        if self.beginnings is not None:
            values = self.beginnings.values(runs)
            return resized(first_lanes(values, len(runs), is_averaged=averaged), shapes)
        first = first_lane(self.network, is_averaged=averaged)
        others = (
            first_lane(stack_network(self.task, self.rows, seed=seed), is_averaged=averaged)
            for seed in seeds[1:]
        )
        return stack_lanes([resized(lane, shapes) for lane in (first, *others)])

    def _restore(self) -> tuple[Lane, _Progress]:
        tensors, metadata = self.storage.read_tensors(self.storage.folder / (self.task.checkpoint or ""))
        if self.task.together:  # some runs may have taken the lanes of others since the task was made
            known = {*self.task.all_runs}
            waiting = [RunKey(*run) for run in json.loads(metadata.get("waiting", "[]"))]
            runs = [RunKey(*run) for run in json.loads(metadata["runs"])]
            self.task = self.task.seated(runs, [run for run in waiting if run in known])
        count = len(self.task.runs)
        epoch, standing = int(metadata["epoch"]), Standing(*(tensors[name] for name in Standing._fields))
        # A run at a limit that has risen goes on, however far its stack has gone without it.
        starts = epoch - standing.epochs.astype(np.int64) if self.task.together else np.zeros(count, np.int64)
        progress = _Progress(
            *(epoch, tensors.pop("best_metrics"), tensors.pop("last_metrics"), standing, starts),
            tensors.pop("began_seconds", np.zeros(count)),
            train_seconds=float(tensors.pop("train_seconds")[0]),
        )
        self.first_weights = tensors.pop(FIRST_WEIGHTS, None)
        if self.cohorts is not None:
            going_on = np.flatnonzero(standing.outcome == ALIVE).tolist()
            self.cohorts.restore(tensors, standing.epochs.tolist(), going_on)
        else:
            self.settling = restore_settling(self.task, self.rows, tensors, progress.epoch)
        with built_on_host(self.task.devices):
            lanes = resized(unflatten_lanes(tensors), self.program.network.shapes())
        lanes = self.placement.shard(lanes, outer=1)
        progress.ended |= self._ended_lanes(progress)
        return lanes, progress

    def _limit(self) -> int:
        """Return the stack's epoch at which the first of the runs that go on reaches the limit of its epochs."""
        ended, starts = self.progress.ended, self.progress.starts.tolist()
        going_on = [start for lane, start in enumerate(starts) if lane not in ended]
        return min(going_on, default=0) + self.task.recipe.max_epochs

    def _mixes(self, own: Sequence[int], epochs: int) -> npt.NDArray[np.float32] | None:
        """Return the weights of the next chunk's mixtures (length, lanes, steps); None where rows are not mixed."""
        recipe = self.task.recipe
        if not recipe.mixup:
            return None
        steps = steps_per_epoch(self.train_rows, recipe.batch_size)
        return chunk_mixes(*(self.task.seeds, own, epochs, steps), alpha=recipe.mixup, length=self.length)

    def _epochs_to_train(self, first: int) -> int:
        left = self._limit() - first
        if settling := self.settling or self.cohorts:
            left = min(left, settling.epochs_to_look())
        wanted = int(CHUNK_SECONDS / self.seconds_per_epoch) if self.seconds_per_epoch else 1
        epochs = max(1, min(left, self.length, wanted))
        if self.keeps_measured_only:  # no more than there are slots for
            kept = self._measured(first, epochs)[:epochs].any(axis=1)
            epochs = int(np.searchsorted(kept.cumsum(), SLOTS, side="right"))
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
        kept = measured.any(axis=1) if self.task.together else measured
        places = kept.cumsum() - 1 if self.keeps_measured_only else np.arange(len(measured))
        for lane, run in enumerate(self.task.runs):
            first = progress.epoch - int(progress.starts[lane])
            own = measured[:, lane] if self.task.together else measured
            epochs = int(trained[lane]) - first
            if lane in progress.ended or epochs <= 0:  # a lane may have ended in the chunk before
                continue
            block = metrics[:epochs, lane]
            rows = tuple(
                RowLosses(run, "validation", first + int(index), losses[places[index], lane].copy())
                for index in np.flatnonzero(own[:epochs])
            )
            columns = {name: block[:, column].copy() for column, name in enumerate(names)}
            progress.blocks.append(EpochBlock(run, first, columns, rows))
            progress.last_metrics[lane] = block[-1]
            best = int(best_epochs[lane]) - first
            if best >= 0:
                progress.best_metrics[lane] = block[best]

    def _settle(self, metrics: npt.NDArray[np.float64], losses: npt.NDArray[np.float32]) -> dict[int, str]:
        """End the living lanes that are settled and return why; arguments as `_take_down`."""
        settling = self.settling or self.cohorts
        if settling is None:
            return {}
        loss_name = self.program.network.objective.loss_name
        linear = linearised(losses, self.relative)
        settling.add(linear, metrics[:, :, self.program.metric_names.index(loss_name)])
        outcomes = self.progress.standing.outcome.copy()
        reasons = settling.settled(np.flatnonzero(outcomes == ALIVE).tolist())
        if reasons:
            outcomes[list(reasons)] = SETTLED
            self._set_outcomes(outcomes)
        return reasons

    def _set_outcomes(self, outcomes: npt.NDArray[np.int32]) -> None:
        self.progress.standing = self.progress.standing._replace(outcome=outcomes)
        self.lanes = self.lanes._replace(outcome=self.placement.copy_to_all(jnp.asarray(outcomes)))

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
            seconds = float(progress.train_seconds - progress.began_seconds[lane]) / len(self.task.runs)
            finished = self.ending.finish(
                *(lane, progress.standing, measured.get(lane), best, last),
                train_seconds=seconds,
                settled=settled.get(lane, ""),
            )
            progress.finished.append(finished)
            if finished.model_path:
                self.unsaved.append(lane)
            progress.ended.add(lane)
        self._stop_at_limit()

    def _stop_at_limit(self) -> None:
        """Let lanes at the epoch limit stay as they are while others go on."""
        progress = self.progress
        limited = [lane for lane in sorted(progress.ended) if progress.standing.outcome[lane] == ALIVE]
        if limited and len(progress.ended) < len(self.task.runs):
            outcomes = progress.standing.outcome.copy()
            outcomes[limited] = LIMITED
            self._set_outcomes(outcomes)
            if self.cohorts is not None:
                self.cohorts.freeze(limited)

    def _host_lanes(self) -> Lane:
        """Return the lanes; those of an accelerator as copies, which outlive them and take one transfer for each value."""
        return jax.tree.map(np.array, self.lanes) if self.task.together else self.lanes

    def _ended_lanes(self, progress: _Progress) -> set[int]:
        """Return the lanes with an outcome, or all at the epoch limit; a higher limit than before revives lanes."""
        at_limit = progress.standing.epochs >= self.task.recipe.max_epochs
        return set(np.flatnonzero(at_limit | (progress.standing.outcome != ALIVE)).tolist())

    def _named(self, values: npt.NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self.program.metric_names, values.tolist(), strict=True))
