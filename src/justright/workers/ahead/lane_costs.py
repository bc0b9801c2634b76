"""How many lanes are worth having on an accelerator: a model of what an epoch of a stack takes there.

An epoch of L lanes takes a + b L: `a` for launching kernels, however many lanes they compute; `b` for what moves through memory,
and for products. Once b L is most of it, more lanes gain nothing: runs had better wait for a lane than compute on in one when
they have ended. The rates are those of an H100 (docs/benchmarks.md), whose measured epochs the model meets within a quarter;
of other devices it needs the ratio of the two only.
"""

from __future__ import annotations

from justright.runs.events import VariantBuilt
from justright.runs.tasks import StackTask, StudyRows
from justright.study.recipe import steps_per_epoch
from justright.workers.memory import FLOAT_BYTES, layer_widths

# Tiny: 368 launches in an epoch of 20 steps, for two layers, 2 microseconds each.
LAUNCH_SECONDS = 2e-6
LAUNCHES_BY_LAYER = 9.2  # of a step
BYTES_PER_SECOND = 2.89e12
PRODUCTS_PER_SECOND = {"float32": 51e12, "tensorfloat32": 130e12, "bfloat16": 300e12}
WEIGHT_BYTES = 28  # Adam reads weight, gradient and two moments, and writes three of them
ACTIVATION_TRIPS = 6  # through memory: input and output of each layer, forward and backward
FLOPS_BY_WEIGHT = 6  # of a row: a product forward, two backward
# Launching is at most this share of the rest: twice the lanes would make a run faster by half of that.
LAUNCH_SHARE = 1 / 8


def epoch_seconds(stack: StackTask, built: VariantBuilt, rows: StudyRows, lanes: int) -> float:
    """Return how long an epoch of a stack with so many lanes is expected to take on an H100."""
    launching, by_lane = _parts(stack, built, rows)
    return launching + lanes * by_lane


def lanes_worth_having(stack: StackTask, built: VariantBuilt, rows: StudyRows) -> int:
    """Return the power of two from which on more lanes of a stack hardly gain."""
    launching, by_lane = _parts(stack, built, rows)
    lanes = 1
    while launching > LAUNCH_SHARE * lanes * by_lane:
        lanes *= 2
    return lanes


def launching_share(stack: StackTask, built: VariantBuilt, rows: StudyRows) -> float:
    """Return the share of an epoch in which the device waits for launches: another worker may train then."""
    launching, by_lane = _parts(stack, built, rows)
    return launching / (launching + len(stack.runs) * by_lane)


def _parts(stack: StackTask, built: VariantBuilt, rows: StudyRows) -> tuple[float, float]:
    """Return the seconds of launches in an epoch, and those that each lane adds."""
    count = len(stack.train_index)
    steps = steps_per_epoch(count, stack.recipe.batch_size)
    layers = max(1, sum(parameters > 0 for *_, parameters in built.layers))
    moved = WEIGHT_BYTES * built.parameters * steps
    moved += ACTIVATION_TRIPS * FLOAT_BYTES * count * (rows.features + sum(layer_widths(built)))
    rate = PRODUCTS_PER_SECOND.get(stack.recipe.precision, PRODUCTS_PER_SECOND["float32"])
    products = FLOPS_BY_WEIGHT * built.parameters * count / rate
    return LAUNCH_SECONDS * LAUNCHES_BY_LAYER * layers * steps, moved / BYTES_PER_SECOND + products
