"""Training one stack in a worker: chunk after chunk, with checkpoints, until every lane has ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from justright.runs.checkpoint_lanes import take_lanes
from justright.runs.events import (
    Event,
    RowKind,
    RunKey,
    RunStarted,
    StackCheckpoint,
    StackProgress,
)
from justright.runs.place import place_of
from justright.runs.tasks import StackTask, Storage, StudyRows, checkpoint_path
from justright.runs.weighted_means import linearised, relative_weights
from justright.training.ahead.checkpoint_writer import CheckpointWriter
from justright.training.devices.placement import built_on_host
from justright.training.lanes import (
    ALIVE,
    FIRST_WEIGHTS,
    LIMITED,
    SETTLED,
    Lane,
    Rows,
    device_rows,
    first_lane,
    first_lanes,
    flatten_lanes,
    lane_of,
    stack_lanes,
    unflatten_lanes,
    without_optimizer,
)
from justright.training.padding import resized
from justright.training.program import ProgramCache, Standing, stack_network, stack_program
from justright.training.settled import (
    Settling,
    begin_settling,
    can_settle,
    restore_settling,
    settling_rule,
)
from justright.training.stacks.chunk_plans import ChunkPlan, ChunkPlans, stack_data
from justright.training.stacks.run_end import Ending, first_weights
from justright.training.stacks.run_progress import RunProgress, standing_of
from justright.training.strengths import StrengthValues
from justright.training.together.cohorts import Cohorts
from justright.training.together.companions import Beginnings

Emit = Callable[[Event], None]
_Parked = tuple[StackCheckpoint, dict[str, npt.NDArray[Any]], dict[str, str]]
"""The event of a checkpoint, its arrays and its metadata."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Epochs that the device was told to train; what comes out may not be there yet.

    Args:
        plan: what it was given.
        metrics, losses, ran, standing: as `Program.run_chunk` returns them.
        begun: when they were sent off.
    """

    plan: ChunkPlan
    metrics: Any
    losses: Any
    ran: Any
    standing: Standing
    begun: float


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
            emit(RunStarted(run, int(session.progress.epochs[lane]), place()))
    last_write = time.monotonic()
    with CheckpointWriter(emit, aside=task.together) as writer:
        while not session.is_done:
            began = time.monotonic()
            session.train_chunk()
            emit(session.report())
            writer.tell()
            now, stopping = time.monotonic(), is_stopping()  # which may be answered after a pause
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


def _of_ended(tensors: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return what is kept of a checkpoint: without the optimizer's values if none of its runs trains again."""
    return without_optimizer(tensors) if (tensors["outcome"] != ALIVE).all() else tensors


class _Session:
    """One stack being trained: device state, compiled program and host progress."""

    def __init__(
        self, task: StackTask, rows: StudyRows, storage: Storage, emit: Emit, cache: ProgramCache
    ) -> None:
        self.task = task
        self.storage = storage
        self.emit = emit
        self.started = time.monotonic()
        self.rows = rows
        self.relative = relative_weights(rows.validation_weights)
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
        self.plans = ChunkPlans(task, rows)
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
        self.strengths: StrengthValues | None = None
        self._take_seats()

    @property
    def is_done(self) -> bool:
        return len(self.progress.ended) == len(self.task.runs) and not self.task.waiting

    @property
    def can_seat(self) -> bool:
        """Whether there are both lanes whose runs have ended and runs that wait."""
        return bool(self.progress.ended and self.task.waiting)

    def _cohorts(self) -> Cohorts | None:
        """Return what lanes that are computed together remember for the settling rule, if their recipe has it."""
        if not (self.task.together and can_settle(self.task, self.rows)):
            return None
        return Cohorts(settling_rule(self.rows), rows=len(self.rows.validation[0]))

    def _take_seats(self) -> None:
        """Set what the program is given for the runs that have a lane now."""
        self.ending.task = self.task
        self.plans.seat(self.task)
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
        after = chunk.plan.after
        looks_back = self.settling is not None or self.cohorts is not None
        if self.task.together and self.warm and not looks_back and after < self.plans.limit(self.progress):
            self.ahead = self._send_chunk(after)
        self._take_chunk(chunk)

    def _send_chunk(self, first: int) -> _Chunk:
        """Let the device train the epochs from `first` on, up to a chunk."""
        settling = self.settling or self.cohorts
        epochs_to_look = settling.epochs_to_look() if settling else None
        plan = self.plans.plan(self.progress, first, epochs_to_look=epochs_to_look)
        begun = time.monotonic()
        self.lanes, metrics, losses, ran, standing = self.program.run_chunk(
            *(self.lanes, plan.orders, plan.measured, plan.own, np.int32(plan.epochs)),
            *(self.data, plan.mixes, plan.slots, self.strengths),
        )
        return _Chunk(plan, metrics, losses, ran, standing, begun)

    def _take_chunk(self, chunk: _Chunk) -> None:
        """Record what happened in a chunk, waiting for it if need be."""
        progress, plan = self.progress, chunk.plan
        done = int(chunk.ran)
        now = time.monotonic()
        seconds = now - max(chunk.begun, self.ready)
        self.ready = now
        progress.train_seconds += seconds
        if self.warm and done:  # the first chunk's time is mostly compilation
            self.plans.seconds_per_epoch = seconds / done
        self.warm = True
        progress.standing = Standing(*map(np.asarray, chunk.standing))
        if not done:  # all lanes had ended before
            return
        curves, row_losses = np.asarray(chunk.metrics, np.float64)[:done], np.asarray(chunk.losses)
        if plan.slots is None:
            row_losses = row_losses[:done]
        measured = plan.measured_by_lane(done, len(self.task.runs))
        names = self.program.metric_names
        progress.take_down(self.task.runs, names, curves, row_losses, measured, plan.places(done))
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
        own = self.progress.epochs.tolist()
        epochs = dict(zip(self.task.runs, own, strict=True)) if any(self.progress.starts) else {}
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
        together = self.task.together
        tensors = flatten_lanes(resized(lanes, self.network.shapes()))
        tensors |= self.progress.to_tensors(together=together)
        if self.first_weights is not None:
            tensors[FIRST_WEIGHTS] = self.first_weights
        if together:
            outcomes = np.where(tensors["outcome"] == LIMITED, ALIVE, tensors["outcome"])
            tensors["outcome"] = outcomes.astype(np.int32)
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
        progress.seat(free, standing_of(lanes))
        if self.cohorts is not None:
            self.cohorts.seat(free)
        self._take_seats()
        return lanes

    def _begin(self) -> tuple[Lane, RunProgress]:
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
        return lanes, RunProgress.begin(standing_of(lanes), metrics=len(self.program.metric_names))

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

    def _restore(self) -> tuple[Lane, RunProgress]:
        tensors, metadata = self.storage.read_tensors(self.storage.folder / (self.task.checkpoint or ""))
        if self.task.together:  # some runs may have taken the lanes of others since the task was made
            known = {*self.task.all_runs}
            waiting = [RunKey(*run) for run in json.loads(metadata.get("waiting", "[]"))]
            runs = [RunKey(*run) for run in json.loads(metadata["runs"])]
            self.task = self.task.seated(runs, [run for run in waiting if run in known])
        progress = RunProgress.restore(
            *(tensors, int(metadata["epoch"])),
            max_epochs=self.task.recipe.max_epochs,
            together=self.task.together,
        )
        standing = progress.standing
        self.first_weights = tensors.pop(FIRST_WEIGHTS, None)
        if self.cohorts is not None:
            going_on = np.flatnonzero(standing.outcome == ALIVE).tolist()
            self.cohorts.restore(tensors, standing.epochs.tolist(), going_on)
        else:
            self.settling = restore_settling(self.task, self.rows, tensors, progress.epoch)
        with built_on_host(self.task.devices):
            lanes = resized(unflatten_lanes(tensors), self.program.network.shapes())
        return self.placement.shard(lanes, outer=1), progress

    def _settle(self, metrics: npt.NDArray[np.float64], losses: npt.NDArray[np.float32]) -> dict[int, str]:
        """End the living lanes that are settled and return why; arguments as those of `RunProgress.take_down`."""
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
        limit = self.task.recipe.max_epochs
        if progress.lanes_at_end(limit) - progress.ended:
            self._catch_up()
        ended = sorted(progress.lanes_at_end(limit) - progress.ended)
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

    def _named(self, values: npt.NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self.program.metric_names, values.tolist(), strict=True))
