"""The end of a run: its best and last weights measured row by row, its model saved, its outcome in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from justright.runs.events import Event, RowKind, RowLosses, RunFinished, RunKey, RunMeasured
from justright.runs.grid import measured_epochs
from justright.runs.outcomes import Outcome
from justright.runs.tasks import MeasureTask, StackTask, Storage, StudyRows
from justright.training.devices.placement import built_on_host
from justright.training.lanes import (
    DIVERGED,
    HOST_TENSORS,
    SETTLED,
    STOPPED,
    Lane,
    Rows,
    device_rows,
    lane_of,
    unflatten_lanes,
)
from justright.training.network import Network, compiled_model, gives_logits
from justright.training.padding import resized
from justright.training.program import Program, ProgramCache, stack_network, stack_program

SCORES_OF: dict[RowKind, RowKind] = {
    "validation": "validation_score",
    "fixed": "fixed_score",
    "test": "test_score",
}
# Not of the fixed subset: no decision and no ensemble needs them.
OUTPUTS_OF: dict[RowKind, RowKind] = {"validation": "validation_output", "test": "test_output"}


@dataclass(slots=True)
class Ending:
    """Ends the runs of one stack.

    Args:
        program: the stack's compiled functions.
        network: the stack's own, not padded; its variables take the values of each model that is saved.
        task: the stack.
        rows: the study's rows.
        storage: how models are written.
        measured: kind of rows -> the rows on the device.
    """

    program: Program
    network: Network
    task: StackTask
    rows: StudyRows
    storage: Storage
    measured: dict[RowKind, Rows]

    def finish(
        self,
        lane: int,
        state: Lane,
        best: dict[str, float],
        last: dict[str, float],
        *,
        train_seconds: float,
        settled: str = "",
    ) -> RunFinished:
        """Return how one lane ended; its model is saved by `save`.

        Args:
            lane: its number in the stack.
            state: its own state, without the axis of lanes.
            best: its metrics at the best epoch; those of the fixed subset are filled in.
            last: the same at the last epoch.
            train_seconds: its share of the stack's training time.
            settled: why it is settled, if that ended it.
        """
        run = self.task.runs[lane]
        epochs, best_epoch = int(state.epochs), int(state.best_epoch)
        outcome, reason = self._outcome(int(state.outcome), epochs, best_epoch, settled)
        if best_epoch < 0:  # diverged before a first finite epoch: there is no best to measure or to save
            return RunFinished(run, outcome, reason, epochs, None, train_seconds, best, last, {}, {})
        test, rows = self._measure(
            run, best_epoch, (state.best_weights, state.best_others), best, is_best=True
        )
        test_last, rows_last = self._measure(run, epochs - 1, state.measured, last)
        return RunFinished(
            *(run, outcome, reason, epochs, best_epoch, train_seconds, best, last, test, test_last),
            rows=rows + (rows_last if epochs - 1 != best_epoch else ()),
            model_path=self.task.models[lane],
        )

    def measure_test(self, lane: int, state: Lane) -> RunMeasured:
        """Return one lane's losses on test rows, with its best and its last weights; arguments as `finish`."""
        run, best_epoch, last_epoch = self.task.runs[lane], int(state.best_epoch), int(state.epochs) - 1
        best, rows = self._measure(run, best_epoch, (state.best_weights, state.best_others), {}, is_best=True)
        last, rows_last = self._measure(run, last_epoch, state.measured, {})
        return RunMeasured(run, best, last, rows + (rows_last if last_epoch != best_epoch else ()))

    def save(self, lane: int, state: Lane) -> None:
        """Write the lane's best-epoch model, compiled so that plain Keras can evaluate it.

        All lanes of the stack are written from one Keras model.
        """
        model, path, run = self.network.model, self.task.models[lane], self.task.runs[lane]
        own = resized(state, self.network.shapes())
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        for variable, value in zip(variables, [*own.best_weights, *own.best_others], strict=True):
            variable.assign(value)
        compiled = compiled_model(self.network, self.task.recipe, self.rows.task)
        about = run._asdict() | {
            "epoch": int(state.best_epoch),
            "are_logits": self.rows.task != "regression" and gives_logits(model, self.task.recipe),
        }
        self.storage.save_model(compiled, self.storage.folder / path, about)

    def _outcome(self, code: int, epochs: int, best_epoch: int, settled: str) -> tuple[Outcome, str]:
        if code == DIVERGED:
            return "diverged", f"A loss was not finite at epoch {epochs - 1}."
        if code == STOPPED:
            return (
                "stopped early",
                f"No better {self.task.recipe.monitor} for {epochs - 1 - best_epoch} epochs.",
            )
        if code == SETTLED:
            return "stopped early", settled
        return "finished", f"The limit of {self.task.recipe.max_epochs} epochs was reached."

    def _measure(
        self,
        run: RunKey,
        epoch: int,
        values: tuple[list[Any], list[Any]],
        metrics: dict[str, float],
        *,
        is_best: bool = False,
    ) -> tuple[dict[str, float], tuple[RowLosses, ...]]:
        """Return loss and score on test rows, and the losses of rows of every kind; fill in the fixed-subset metrics.

        Args:
            run: the run.
            epoch: the epoch after which it had these values.
            values: trainable and non-trainable.
            metrics: of that epoch.
            is_best: whether the score and outputs of each row are wanted too.
        """
        objective = self.program.network.objective
        rows: list[RowLosses] = []
        test: dict[str, float] = {}
        for kind, measured in self.measured.items():
            losses, scores, outputs = map(np.asarray, self.program.measure_rows(*values, measured))
            # Measured on the grid already, in the chunk's program; a run that resumes later must find those values.
            if kind != "validation" or not measured_epochs(epoch, 1)[0]:
                rows.append(RowLosses(run, kind, epoch, losses.astype(np.float32)))
            if is_best:
                rows.append(RowLosses(run, SCORES_OF[kind], epoch, scores.astype(np.float32)))
            if is_best and kind in OUTPUTS_OF:
                rows.append(RowLosses(run, OUTPUTS_OF[kind], epoch, outputs.astype(np.float32).ravel()))
            loss, score = float(losses.mean(dtype=np.float64)), float(scores.mean(dtype=np.float64))
            if kind == "test":
                test = {"loss": loss, objective.loss_name: loss, objective.score_name: score}
                test |= {one.name: float(one.value(measured.y, outputs)) for one in objective.metrics}
            elif kind == "fixed":
                metrics[f"fixed_{objective.loss_name}"] = loss
                metrics[f"fixed_{objective.score_name}"] = score
        return test, tuple(rows)


def revisit_runs(
    task: MeasureTask, rows: StudyRows, storage: Storage, emit: Callable[[Event], None], cache: ProgramCache
) -> None:
    """Measure test rows for the runs of `task` that have a best epoch, and save missing models again.

    Values and models are those that the runs would have ended with, had these been their test rows from the start.

    Raises:
        FolderError: the stack's last checkpoint cannot be read, or a model not be written.
    """
    stack = task.stack
    tensors, _ = storage.read_tensors(storage.folder / (stack.checkpoint or ""))
    with built_on_host(stack.devices):
        lanes = unflatten_lanes(
            {name: values for name, values in tensors.items() if name not in HOST_TENSORS}
        )
    program = stack_program(stack, rows, cache)
    network = stack_network(stack, rows, seed=stack.runs[0].seed)
    lanes = resized(lanes, program.network.shapes())
    test = program.placement.copy_to_all(device_rows(rows.test))
    ending = Ending(program, network, stack, rows, storage, {"test": test})
    for lane, run in enumerate(stack.runs):
        if lanes.best_epoch[lane] < 0:
            continue
        if run in task.runs:
            emit(ending.measure_test(lane, lane_of(lanes, lane)))
        if run in task.unsaved:
            ending.save(lane, lane_of(lanes, lane))
