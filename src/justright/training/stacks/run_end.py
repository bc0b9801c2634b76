"""The end of a run: its best and last weights measured row by row, its model saved, its outcome in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt

from justright.runs.events import Event, RowKind, RowLosses, RunFinished, RunKey, RunMeasured
from justright.runs.grid import measured_epochs
from justright.runs.outcomes import Outcome
from justright.runs.tasks import MeasureTask, StackTask, Storage, StudyRows
from justright.runs.weight_histograms import (
    BINS,
    HISTOGRAMS,
    Histogram,
    run_histograms,
    weight_histograms,
    weight_names,
)
from justright.runs.weighted_means import weighted_mean
from justright.training.ahead.building import BUILDING
from justright.training.devices.placement import built_on_host, on_host
from justright.training.lanes import (
    DIVERGED,
    FIRST_WEIGHTS,
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
from justright.training.program import Program, ProgramCache, Standing, stack_network, stack_program

SCORES_OF: dict[RowKind, RowKind] = {
    "validation": "validation_score",
    "fixed": "fixed_score",
    "test": "test_score",
}
# Not of the fixed subset: no decision and no ensemble needs them.
OUTPUTS_OF: dict[RowKind, RowKind] = {"validation": "validation_output", "test": "test_output"}
# Lanes that an accelerator measures at a time: one program for however many have ended.
GROUP = 8

Found = tuple[npt.NDArray[Any], ...]
"""Losses (rows,), scores (rows,) and outputs (rows, outputs)."""


class Measured(NamedTuple):
    """What was found of one lane, for each kind of rows, with its best and with its last weights."""

    best: Mapping[RowKind, Found]
    last: Mapping[RowKind, Found]


def group_size(task: StackTask) -> int:
    """Return how many lanes of a stack an accelerator measures at a time."""
    return min(GROUP, len(task.runs))


@dataclass(slots=True)
class Ending:
    """Ends the runs of one stack.

    Args:
        program: the stack's compiled functions.
        network: the stack's own, not padded; its variables take the values of each model that is saved. Of another variant
            in the stack, a network is built for that.
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
    _other: tuple[str, Network] | None = None

    def measure(self, lanes: Lane, chosen: Sequence[int]) -> dict[int, Measured]:
        """Return what rows of each kind lose with the best and with the last weights of the `chosen` lanes of a stack."""
        if not self.program.is_ahead:
            return {lane: self._measured_alone(lane_of(lanes, lane)) for lane in chosen}
        size = group_size(self.task)
        values = (lanes.best_weights, lanes.best_others), lanes.measured
        measured: dict[int, Measured] = {}
        for start in range(0, len(chosen), size):
            group = chosen[start : start + size]
            places = np.resize(np.array(group, np.int32), size)  # the same ones again where there are fewer
            found = {
                kind: self.program.measure_lanes(*values, places, rows)
                for kind, rows in self.measured.items()
            }
            found = jax.tree.map(np.asarray, found)
            for place, lane in enumerate(group):
                best, last = (
                    {kind: tuple(part[place] for part in side[turn]) for kind, side in found.items()}
                    for turn in range(2)
                )
                measured[lane] = Measured(best, last)
        return measured

    def _measured_alone(self, state: Lane) -> Measured:
        sides = (state.best_weights, state.best_others), state.measured
        return Measured(
            *(
                {
                    kind: tuple(map(np.asarray, self.program.measure_rows(*values, rows)))
                    for kind, rows in self.measured.items()
                }
                for values in sides
            )
        )

    def finish(
        self,
        lane: int,
        standing: Standing | Lane,
        measured: Measured | None,
        best: dict[str, float],
        last: dict[str, float],
        *,
        train_seconds: float,
        settled: str = "",
    ) -> RunFinished:
        """Return how one lane ended; its model is saved by `save`.

        Args:
            lane: its number in the stack.
            standing: of the stack's lanes.
            measured: of this lane, by `measure`; None if it has no best epoch.
            best: its metrics at the best epoch; those of the fixed subset are filled in.
            last: the same at the last epoch.
            train_seconds: its share of the stack's training time.
            settled: why it is settled, if that ended it.
        """
        run = self.task.runs[lane]
        epochs, best_epoch = int(standing.epochs[lane]), int(standing.best_epoch[lane])
        outcome, reason = self._outcome(int(standing.outcome[lane]), epochs, best_epoch, settled)
        if measured is None:  # diverged before a first finite epoch: there is nothing to measure or to save
            return RunFinished(run, outcome, reason, epochs, None, train_seconds, best, last, {}, {})
        test, rows = self._take_down(run, best_epoch, measured.best, best, is_best=True)
        test_last, rows_last = self._take_down(run, epochs - 1, measured.last, last)
        return RunFinished(
            *(run, outcome, reason, epochs, best_epoch, train_seconds, best, last, test, test_last),
            rows=rows + (rows_last if epochs - 1 != best_epoch else ()),
            model_path=self.task.models[lane],
        )

    def measure_test(self, lane: int, lanes: Lane) -> RunMeasured:
        """Return one lane's losses on test rows, with its best and its last weights; `lanes` are those of the stack."""
        run, measured = self.task.runs[lane], self.measure(lanes, [lane])[lane]
        best_epoch, last_epoch = int(lanes.best_epoch[lane]), int(lanes.epochs[lane]) - 1
        best, rows = self._take_down(run, best_epoch, measured.best, {}, is_best=True)
        last, rows_last = self._take_down(run, last_epoch, measured.last, {})
        return RunMeasured(run, best, last, rows + (rows_last if last_epoch != best_epoch else ()))

    def save(self, run: RunKey, path: str, state: Lane, first: npt.NDArray[np.float64] | None = None) -> None:
        """Write a run's best-epoch model to a path relative to the folder, compiled so that plain Keras can evaluate it.

        All lanes of a variant are written from one Keras model.

        Args:
            run: the run.
            path: where to, relative to the folder.
            state: of its lane.
            first: (weights, 2 + bins), the histograms of its weights before training, if they are known.
        """
        # No program is being traced meanwhile: it may put its inputs into objects that a user's models share.
        with BUILDING.held(), on_host() if self.task.together else nullcontext():
            network, recipe = self._network_of(run.variant), self.task.of(run.variant).recipe
            model, own = network.model, resized(state, network.shapes())
            variables = [*model.trainable_variables, *model.non_trainable_variables]
            for variable, value in zip(variables, [*own.best_weights, *own.best_others], strict=True):
                variable.assign(value)
            if not model.compiled:  # for the first lane
                compiled_model(network, recipe, self.rows.task)
            about = run._asdict() | {
                "epoch": int(state.best_epoch),
                "are_logits": self.rows.task != "regression" and gives_logits(model, recipe),
                HISTOGRAMS: _histograms(model, own, first),
            }
            self.storage.save_model(model, self.storage.folder / path, about)

    def _network_of(self, variant: str) -> Network:
        """Return a network of a variant; of those that are not the stack's own, the last one is kept."""
        if variant == self.task.variant:
            return self.network
        if self._other is None or self._other[0] != variant:
            seed = self.task.all_runs[0].seed
            self._other = variant, stack_network(self.task.of(variant), self.rows, seed=seed)
        return self._other[1]

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

    def _take_down(
        self,
        run: RunKey,
        epoch: int,
        found: Mapping[RowKind, Found],
        metrics: dict[str, float],
        *,
        is_best: bool = False,
    ) -> tuple[dict[str, float], tuple[RowLosses, ...]]:
        """Return loss and score on test rows, and the losses of rows of every kind; fill in the fixed-subset metrics.

        Args:
            run: the run.
            epoch: the epoch after which it was measured.
            found: kind of rows -> what was found.
            metrics: of that epoch.
            is_best: whether the score and outputs of each row are wanted too.
        """
        objective = self.program.network.objective
        rows: list[RowLosses] = []
        test: dict[str, float] = {}
        for kind, measured in self.measured.items():
            losses, scores, outputs = found[kind]
            # Measured on the grid already, in the chunk's program; a run that resumes later must find those values.
            if kind != "validation" or not measured_epochs(epoch, 1)[0]:
                rows.append(RowLosses(run, kind, epoch, losses.astype(np.float32)))
            if is_best:
                rows.append(RowLosses(run, SCORES_OF[kind], epoch, scores.astype(np.float32)))
            if is_best and kind in OUTPUTS_OF:
                rows.append(RowLosses(run, OUTPUTS_OF[kind], epoch, outputs.astype(np.float32).ravel()))
            relative = None if measured.shares is None else np.asarray(measured.shares, np.float64)
            loss, score = (weighted_mean(values, relative) for values in (losses, scores))
            if kind == "test":
                test = {"loss": loss, objective.loss_name: loss, objective.score_name: score}
                with BUILDING.held():  # a metric's state is Keras'
                    test |= {
                        one.name: float(one.value(measured.y, outputs, measured.shares))
                        for one in objective.metrics
                    }
            elif kind == "fixed":
                metrics[f"fixed_{objective.loss_name}"] = loss
                metrics[f"fixed_{objective.score_name}"] = score
        return test, tuple(rows)


def first_weights(lanes: Lane) -> npt.NDArray[np.float64]:
    """Return the histograms of a stack's weights as one array: (lanes, weights, 2 + bins), NaN where a weight has none."""
    values = [np.asarray(value) for value in (*lanes.weights, *lanes.others)]
    return np.array(
        [
            [one or [np.nan] * (2 + BINS) for one in weight_histograms([value[lane] for value in values])]
            for lane in range(len(lanes.epochs))
        ]
    ).reshape(len(lanes.epochs), len(values), 2 + BINS)


def _histograms(
    model: Any, state: Lane, first: npt.NDArray[np.float64] | None
) -> dict[str, dict[str, Histogram]]:
    """Return the histograms of a lane's weights before training and after its last and its best epoch."""
    names = weight_names(
        (one.path for one in (*model.trainable_variables, *model.non_trainable_variables)), model.name
    )
    last, last_others = state.measured
    return run_histograms(
        names,
        [] if first is None else _from_tensor(first),
        last=(int(state.epochs) - 1, [*last, *last_others]),
        best=(int(state.best_epoch), [*state.best_weights, *state.best_others]),
    )


def _from_tensor(histograms: npt.NDArray[np.float64]) -> list[Histogram]:
    """Return the histograms of one lane of such an array."""
    return [[] if np.isnan(one[0]) else one.tolist() for one in histograms]


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
    test = device_rows(rows.test, rows.test_weights).among(rows.train[0])
    test = program.placement.copy_to_all(jax.device_put(test))
    ending = Ending(program, network, stack, rows, storage, {"test": test})
    first = tensors.get(FIRST_WEIGHTS)
    for lane, run in enumerate(stack.runs):
        if lanes.best_epoch[lane] < 0:
            continue
        if run in task.runs:
            emit(ending.measure_test(lane, lanes))
        if run in task.unsaved:
            ending.save(
                *(run, stack.models[lane], lane_of(lanes, lane)), None if first is None else first[lane]
            )
