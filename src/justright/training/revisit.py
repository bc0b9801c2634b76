"""Ended runs measured on other test rows, or their models saved again, from the weights they ended with."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from justright.runs.events import Event
from justright.runs.tasks import MeasureTask, Storage, StudyRows
from justright.training.lanes import Rows, lane_of
from justright.training.programs import ProgramCache, stack_program
from justright.training.run_end import Ending
from justright.training.state_files import HOST_TENSORS, unflatten_lanes


def revisit_runs(
    task: MeasureTask, rows: StudyRows, storage: Storage, emit: Callable[[Event], None], cache: ProgramCache
) -> None:
    """Say what test rows give for the runs of `task` that have a best epoch, and save models that are gone.

    Values and models are those that the runs would have ended with, had these been their test rows from the beginning.

    Raises:
        FolderError: the stack's last checkpoint cannot be read, or a model not be written.
    """
    stack = task.stack
    tensors, _ = storage.read_tensors(storage.folder / (stack.checkpoint or ""))
    lanes = unflatten_lanes({name: values for name, values in tensors.items() if name not in HOST_TENSORS})
    test = Rows(jnp.asarray(rows.test[0]), jnp.asarray(rows.test[1]))
    ending = Ending(stack_program(stack, rows, cache), stack, rows, storage, {"test": test})
    for lane, run in enumerate(stack.runs):
        if lanes.best_epoch[lane] < 0:
            continue
        if run in task.runs:
            emit(ending.measure_test(lane, lane_of(lanes, lane)))
        if run in task.unsaved:
            ending.save(lane, lane_of(lanes, lane))
