"""The programs of the stacks that come next on an accelerator, built and compiled while another stack trains.

One thread builds networks and traces programs; several compile them, which takes longest and leaves Python free.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from justright.runs.limits import KEPT_PROGRAMS
from justright.runs.place import available_cores
from justright.runs.tasks import StackTask, StudyRows
from justright.study.recipe import steps_per_epoch
from justright.study.registered import register_objects
from justright.training.ahead.building import BUILDING
from justright.training.ahead.executable import Compile
from justright.training.lanes import Lane, first_lane, rows_of
from justright.training.orders import DeviceOrders
from justright.training.program import Program, ProgramCache, program_key, stack_program
from justright.training.stacks.chunk_plans import chunk_length, keeps_measured_only, stack_data
from justright.training.stacks.run_end import group_size

MOST_COMPILERS = 16  # eight programs, with a part that trains and three that measure, wait at most


class Preparation:
    """Prepares the programs of stacks.

    Args:
        rows: the study's rows.
        cache: where a stack looks for its program.
    """

    def __init__(self, rows: StudyRows, cache: ProgramCache) -> None:
        self._rows = rows
        self._cache = cache
        self._tracer = ThreadPoolExecutor(1, "trace")
        self._compilers = ThreadPoolExecutor(min(MOST_COMPILERS, len(available_cores())), "compile")
        self._wanted: dict[Any, StackTask] = {}
        self._begun: dict[Any, Future[None]] = {}

    def ask(self, tasks: Sequence[StackTask]) -> None:
        """Begin to prepare these stacks, in their order, as far as programs are kept; others are no longer wanted."""
        wanted: dict[Any, StackTask] = {}
        for task in tasks:
            if task.together and task.devices == 1:
                wanted.setdefault(program_key(task, self._rows), task)
        self._wanted = dict(list(wanted.items())[:KEPT_PROGRAMS])
        for key in self._begun.keys() - self._wanted.keys():
            self._begun.pop(key).cancel()
        for key in self._wanted:
            if key not in self._begun and key not in self._cache:
                self._begun[key] = self._tracer.submit(self._prepare, key)

    def wait(self, task: StackTask) -> None:
        """Wait until the programs of a stack have been traced.

        Nothing is said of what failed: the stack then does it again, and meets the same failure.
        """
        future = self._begun.pop(program_key(task, self._rows), None)
        if future is not None:
            future.exception()

    def _prepare(self, key: Any) -> None:
        task = self._wanted.get(key)
        if task is None:
            return
        with BUILDING.held(ahead=True):
            register_objects(task.registered)
            program = stack_program(task, self._rows, self._cache, kept=self._wanted)
        with BUILDING.held(ahead=True):
            program.run_chunk.prepare(self._compile, *chunk_shapes(program, task, self._rows))
        for shapes in measure_shapes(program, task, self._rows):
            with BUILDING.held(ahead=True):
                program.measure_lanes.prepare(self._compile, *shapes)

    def _compile(self, compile_: Compile) -> Future[Any]:
        return self._compilers.submit(compile_)


def chunk_shapes(program: Program, task: StackTask, rows: StudyRows) -> tuple[Any, ...]:
    """Return the shapes of what `Program.run_chunk` is given in each chunk of a stack."""
    lanes, count, length = len(task.runs), len(task.train_index), chunk_length(task, rows)
    recipe, number = task.recipe, _shape((), np.int32)
    mixes = None
    if recipe.batch_orders == "device":
        orders: Any = DeviceOrders(_shape((lanes, 2), np.uint32), _shape((count,), np.int32))
    else:
        orders = _shape((length, lanes, count), np.int32)
        if recipe.mixup:
            steps = steps_per_epoch(count, recipe.batch_size)
            mixes = _shape((length, lanes, steps), np.float32)
    slots = _shape((length,), np.int32) if keeps_measured_only(task, rows) else None
    return (
        *(_lane_shapes(program, task), orders, _shape((length, lanes), np.bool_)),
        *(_shape((lanes,), np.int32), number),
        *(_shapes(stack_data(task, rows)), mixes, slots, _by_lane(program.strengths, lanes)),
    )


def measure_shapes(program: Program, task: StackTask, rows: StudyRows) -> list[tuple[Any, ...]]:
    """Return the shapes of what `Program.measure_lanes` is given for each kind of rows."""
    data = stack_data(task, rows)
    tests = [rows_of(rows.test, rows.test_weights)] if len(rows.test[0]) else []
    kinds = [kind.among(data.train.x) for kind in (data.validation, data.fixed, *tests)]
    lanes = _lane_shapes(program, task)
    values = (lanes.best_weights, lanes.best_others), lanes.measured
    places = _shape((group_size(task),), np.int32)
    return [(*values, places, _shapes(kind)) for kind in kinds]


def _lane_shapes(program: Program, task: StackTask) -> Lane:
    first = first_lane(program.network, is_averaged=task.recipe.ema > 0)
    return _by_lane(first, len(task.runs))


def _by_lane(values: Any, lanes: int) -> Any:
    return jax.tree.map(lambda value: _shape((lanes, *value.shape), value.dtype), values)


def _shapes(values: Any) -> Any:
    return jax.tree.map(lambda value: _shape(value.shape, value.dtype), values)


def _shape(shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jax.dtypes.canonicalize_dtype(dtype))
