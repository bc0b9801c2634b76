"""Expected memory of a plan, and the plan that fits into the free memory.

The estimate adds what was measured once (a process, a compiled program) to what follows from sizes (rows, weights,
activations, chunks). It is within a fifth of what `benchmarks.memory` measures.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from justright.errors import MemoryLimitError
from justright.runs.events import VariantBuilt
from justright.runs.grid import measured_epochs
from justright.runs.limits import CHUNK_BYTES, KEPT_PROGRAMS, MEBIBYTE, PIECE_ROWS
from justright.runs.shards import values_per_device
from justright.runs.tasks import ChosenRows, StackTask, StudyRows

FLOAT_BYTES = 4
# Measured on Linux x86-64, Python 3.11, jax 0.10.2, keras 3.15.1, as the resident set of a worker process.
PROCESS_BYTES = 450 * MEBIBYTE  # Keras and JAX imported, one model built: 450-455 MB
PROGRAM_BYTES = 100 * MEBIBYTE  # compiling Tiny's program, training it and saving its model: 104 MB more
# A Keras model and optimizer without their values: 64 lanes of Tiny take 44 MB more than one.
LANE_BYTES = MEBIBYTE // 2
# Of a process's memory, what its libraries share with those of the other workers: 437 MB of two processes, 240 MB each alone.
LIBRARY_BYTES = 200 * MEBIBYTE
KEPT_PROGRAM_BYTES = 10 * MEBIBYTE  # seven of the tutorial's, compiled one after the other
# A lane keeps its weights, two moments of Adam and the best weights (and averages of weights, if any). A chunk's result,
# the checkpoint on its way to the disk and the model being saved are copies. Large, 13 MB of state, takes 90 MB more
# than Tiny.
STATE_VALUES = 4
STATE_COPIES = 5
DEVICE_STATE_COPIES = 2  # at the beginning of a chunk and at its end
# Beside the rows themselves, which all processes map, a worker holds for each training row the key that a batch order is sorted
# by, and the order as it is made; for each row measured at the end of a run its loss, score and outputs, and again in the
# message about it. The coordinator holds the message and what was in it.
TRAIN_ROW_BYTES = 28
MEASURED_COPIES = 3
TOLD_COPIES = 2
# Gradient-boosted trees: each value in float64 and as the number of its bin; gradients, predictions and leaves of a row.
REFERENCE_VALUE_BYTES, REFERENCE_ROW_BYTES = 9, 40
# The coordinator with its libraries, besides the table: 130 to 170 MB with small tables.
COORDINATOR_BYTES = 150 * MEBIBYTE
SPLIT_ROW_BYTES = 8  # the row numbers of the split's parts
# Judging reads what was recorded of each run: the losses of validation rows at the epochs of the grid, and all that was
# measured at the end. It begins when the workers have ended.
JUDGED_COPIES = 2
ACTIVATION_COPIES = 3  # kept for the gradient, the gradient itself, and what a layer makes between
CHUNK_COPIES = 2  # on the host and on the device
# What is left to other programs.
USABLE_SHARE = 0.9
# Outputs of a layer that Keras cannot describe: those of a square dense layer with as many weights.
UNKNOWN_SHAPE = "?"


@dataclass(frozen=True, slots=True)
class FreeMemory:
    """The memory that workers may take.

    Args:
        machines: bytes on each machine.
        is_reserved: whether each worker reserves what the largest stack needs, since it may be given any stack; otherwise
            they share the memory.
    """

    machines: tuple[int, ...]
    is_reserved: bool = False

    @property
    def total(self) -> int:
        """The memory that all workers together may take."""
        return sum(self.machines)

    def fits(self, needs: Sequence[int]) -> bool:
        """Return whether workers that need so many bytes fit, each put where most is left, the largest first.

        Example:
            >>> FreeMemory((100, 60)).fits([50, 50, 40]), FreeMemory((100, 60)).fits([90, 60])
            (True, False)
        """
        left = [USABLE_SHARE * machine for machine in self.machines]
        for need in needs:
            most = max(range(len(left)), key=left.__getitem__)
            left[most] -= need
            if left[most] < 0:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Plan:
    """Stacks to train, the longest first, and the memory they are expected to take.

    Args:
        stacks: the stacks.
        workers: how many workers there is room for.
        memory_bytes: expected peak of all processes together.
        worker_bytes: expected peak of the one that trains the largest stack.
        devices: how many devices train each stack together.
    """

    stacks: tuple[StackTask, ...]
    workers: int
    memory_bytes: int
    worker_bytes: int
    devices: int = 1

    @property
    def busy_workers(self) -> int:
        """How many stacks train at the same time."""
        return max(1, min(self.workers, len(self.stacks)))


def fit_plan(
    plan: Callable[..., Sequence[StackTask]],
    need: Callable[[StackTask], int],
    *,
    workers: int,
    max_lanes: int,
    free: FreeMemory | None,
    least_bytes: int = 0,
    own_bytes: int = 0,
    shared_bytes: int = 0,
    program_bytes: int = 0,
    device_need: Callable[[StackTask], int] = lambda stack: 0,
    device_share: Callable[[int, int], int | None] = lambda workers, devices: None,
    layouts: Mapping[int, int] | None = None,
    least_on_device: Callable[[int], int] = lambda devices: 0,
) -> Plan:
    """Return the plan with the fewest devices to a stack, then the most workers, and then the most lanes, that fits.

    Args:
        plan: called with `workers`, `max_lanes` and `devices`, returns stacks.
        need: returns the expected peak of a worker that trains a stack.
        workers: the most workers.
        max_lanes: the most lanes.
        free: the memory that may be used; None takes the largest plan.
        least_bytes: what one worker needs for the study's other tasks.
        own_bytes: what this process takes of the same memory.
        shared_bytes: what of a worker's memory is the same for all of them, and counts once.
        program_bytes: what each further compiled program that a worker keeps takes.
        device_need: returns the memory that a stack is expected to take on each of its accelerators.
        device_share: returns what each of so many workers may take on each of so many accelerators; None without one, or
            without a limit.
        layouts: devices that train a stack together -> the most workers then, in the order to try; None for one each.
        least_on_device: returns what one worker needs on each of so many accelerators for the study's other tasks.

    Raises:
        MemoryLimitError: a single worker with single lanes takes more than is free.
    """
    needs, on_device, share, devices = [0], 0, None, 1
    for devices, most_workers in (layouts or {1: workers}).items():
        for count in range(most_workers, 0, -1):
            lanes = max_lanes
            while lanes:
                stacks = tuple(plan(workers=count, max_lanes=lanes, devices=devices))
                kept = program_bytes * (_kept_programs(stacks) - 1) if program_bytes else 0
                needs = _needs([need(stack) + kept for stack in stacks], count, least_bytes, free)
                on_device = max([least_on_device(devices), *map(device_need, stacks)])
                share = device_share(count, devices)
                all_needs = [own_bytes, needs[0], *(one - shared_bytes for one in needs[1:])]
                if (free is None or free.fits(all_needs)) and _fits(on_device, share):
                    return Plan(stacks, count, sum(all_needs), needs[0], devices)
                lanes //= 2
        if _fits(on_device, share):  # what is short is the host's memory, and more devices take no less of it
            break
    is_device = not _fits(on_device, share)
    most = max(free.machines) if free else 0
    needed, there = (on_device, share or 0) if is_device else (own_bytes + sum(needs), most)
    which = "an accelerator" if devices == 1 else f"each of {devices} accelerators"
    where = f"of {which}" if is_device else "in one worker"
    raise MemoryLimitError(
        f"Training must fit into memory: its largest network needs about {gigabytes(needed)} GB {where}, "
        f"{gigabytes(there)} GB are free. End other programs, or take fewer rows, a smaller batch or a "
        "smaller network."
    )


def _kept_programs(stacks: Sequence[StackTask]) -> int:
    """Return how many compiled programs a worker may hold at once, at least one."""
    shapes = {(stack.variant, len(stack.train_index), len(stack.runs)) for stack in stacks}
    return max(1, min(len(shapes), KEPT_PROGRAMS))


def _needs(stacks: Sequence[int], workers: int, least: int, free: FreeMemory | None) -> list[int]:
    """Return what each worker may need, falling: the largest stacks at once, or the largest stack for each.

    Args:
        stacks: what each stack needs.
        workers: how many train at the same time.
        least: what one worker needs for the study's other tasks.
        free: how memory is shared.
    """
    largest = sorted(stacks, reverse=True)[:workers] or [least]
    largest[0] = max(largest[0], least)
    return [largest[0]] * workers if free and free.is_reserved else largest


def _fits(needed: int, share: int | None) -> bool:
    return share is None or needed <= USABLE_SHARE * share


def worker_bytes(stack: StackTask, built: VariantBuilt, rows: StudyRows) -> int:
    """Return the expected peak memory of a worker that trains a stack."""
    lanes = len(stack.runs)
    state = lanes * (STATE_COPIES * _state_bytes(stack, built) + LANE_BYTES)
    chunk = CHUNK_COPIES * _chunk_bytes(stack, rows)
    activations = _activation_bytes(stack, built, rows)
    by_row = TRAIN_ROW_BYTES * len(stack.train_index) + MEASURED_COPIES * _measured_bytes(rows)
    # What runs that wait begin with is kept until they do.
    first = len({run.seed for run in stack.all_runs}) * _state_bytes(stack, built) if stack.waiting else 0
    return PROCESS_BYTES + PROGRAM_BYTES + state + first + activations + chunk + by_row


def device_bytes(stack: StackTask, built: VariantBuilt, rows: StudyRows) -> int:
    """Return the expected memory of a stack on each of its accelerators, which compute all its lanes at once.

    It is derived from the same sizes as `worker_bytes`, and has not been measured. Several devices share the large values of
    the state; rows and activations count in full on each.
    """
    elsewhere = sum(map(math.prod, built.shapes)) - values_per_device(built.shapes, stack.devices)
    state = _state_bytes(stack, built, elsewhere=elsewhere)
    lane = DEVICE_STATE_COPIES * state + _activation_bytes(stack, built, rows)
    return _row_bytes(rows) + len(stack.runs) * lane + _chunk_bytes(stack, rows)


def _state_bytes(stack: StackTask, built: VariantBuilt, *, elsewhere: int = 0) -> int:
    """Return the memory that the values of one lane take, where so many of its parameters are on other devices."""
    parameters = (sum(layer[3] for layer in built.layers) or built.parameters) - elsewhere
    return (STATE_VALUES + (stack.recipe.ema > 0)) * FLOAT_BYTES * parameters


def _activation_bytes(stack: StackTask, built: VariantBuilt, rows: StudyRows) -> int:
    """Return the memory that the layers of one lane take between input and gradient, in training or in evaluation."""
    widths = [rows.features, *layer_widths(built)]
    training = min(stack.recipe.batch_size, len(stack.train_index)) * sum(widths)
    evaluated = max(len(part[0]) for part in (rows.validation, rows.test))
    return ACTIVATION_COPIES * FLOAT_BYTES * max(training, min(PIECE_ROWS, evaluated) * max(widths))


def layer_widths(built: VariantBuilt) -> list[int]:
    """Return the number of values per row that each layer of a network gives."""
    return [_outputs(shape, count) for _, _, shape, count in built.layers]


def _chunk_bytes(stack: StackTask, rows: StudyRows) -> int:
    """Return the memory that batch orders and validation losses of a chunk take."""
    epoch = FLOAT_BYTES * len(stack.runs) * (len(stack.train_index) + len(rows.validation[0]))
    return min(stack.recipe.max_epochs * epoch, max(epoch, CHUNK_BYTES))


def _row_bytes(rows: StudyRows) -> int:
    return sum(values.nbytes for values in rows.arrays)


def _measured_bytes(rows: StudyRows) -> int:
    """Return the memory of the loss, score and outputs of each row that is measured at the end of a run."""
    return FLOAT_BYTES * (2 + rows.outputs) * (len(rows.validation[0]) + len(rows.test[0]))


def base_bytes(rows: StudyRows) -> int:
    """Return the expected memory of a worker that builds models, measures rows or trains the reference model."""
    by_row = REFERENCE_VALUE_BYTES * rows.features + REFERENCE_ROW_BYTES
    copied = sum(len(part[0]) for part in (rows.validation, rows.test) if isinstance(part[0], ChosenRows))
    own = by_row * rows.train_count + FLOAT_BYTES * rows.features * copied
    return PROCESS_BYTES + PROGRAM_BYTES + own


def coordinator_bytes(rows: StudyRows) -> int:
    """Return the expected memory of this process while workers train, the rows that all processes map included."""
    by_row = SPLIT_ROW_BYTES * len(rows.train[0]) + TOLD_COPIES * _measured_bytes(rows)
    return COORDINATOR_BYTES + _row_bytes(rows) + by_row


def judging_bytes(rows: StudyRows, epochs: Sequence[int]) -> int:
    """Return the memory that judging runs of at most so many epochs is expected to take beside `coordinator_bytes`."""
    recorded = sum(int(measured_epochs(0, most).sum()) for most in epochs)
    losses = FLOAT_BYTES * recorded * len(rows.validation[0])
    return JUDGED_COPIES * (losses + len(epochs) * _measured_bytes(rows))


def gigabytes(count: int) -> str:
    """Return a number of bytes as gigabytes, with one decimal.

    Example:
        >>> gigabytes(2_140_000_000)
        '2.1'
    """
    return f"{count / 1e9:.1f}"


def _outputs(shape: str, parameters: int) -> int:
    """Return the number of values per row in a layer's output, from the text of its shape.

    Example:
        >>> _outputs("(None, 8, 512)", 0), _outputs("?", 100)
        (4096, 10)
    """
    if shape == UNKNOWN_SHAPE:
        return math.isqrt(parameters)
    return int(np.prod([int(size) for size in re.findall(r"\d+", shape)], dtype=np.int64))
