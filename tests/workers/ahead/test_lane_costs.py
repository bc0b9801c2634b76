"""The model of an epoch on an accelerator, against what an H100 was measured at (docs/benchmarks.md)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from justright.runs.events import RunKey, VariantBuilt
from justright.runs.tasks import StackTask, StudyRows
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers.ahead.lane_costs import (
    LAUNCH_SHARE,
    epoch_seconds,
    lanes_worth_having,
    launching_share,
)

ROWS, FEATURES = 10_000, 28
TINY, MEDIUM, LARGE = (16,), (64, 64, 64), (512, 512, 512, 512)


@pytest.fixture(scope="module")
def rows():
    """As many as there were."""
    part = np.zeros((ROWS, FEATURES), np.float32), np.zeros(ROWS, np.float32)
    few = np.zeros((1_000, FEATURES), np.float32), np.zeros(1_000, np.float32)
    return StudyRows("binary", 1, part, few, few)


def stack_of(units, precision="tensorfloat32"):
    """Return a stack of a network, and what was built for it."""
    sizes = [FEATURES, *units, 1]
    counts = [(before + 1) * width for before, width in pairwise(sizes)]
    layers = tuple(
        (f"dense_{place}", "Dense", f"(None, {width})", count)
        for place, (width, count) in enumerate(zip(sizes[1:], counts, strict=True))
    )
    recipe = Recipe(precision=precision).resolve("binary", ROWS)
    task = StackTask(
        "s", "v", mlp(*units), recipe, (RunKey("v", 1, ROWS),), ("",), np.arange(ROWS), together=True
    )
    return task, VariantBuilt("v", sum(counts), "", "", layers)


@pytest.mark.parametrize(
    ("units", "precision", "lanes", "milliseconds_by_run"),
    [
        (TINY, "tensorfloat32", 64, 0.0173),
        (TINY, "tensorfloat32", 256, 0.0085),
        (MEDIUM, "tensorfloat32", 64, 0.0437),
        (LARGE, "tensorfloat32", 1, 2.60),
        (LARGE, "tensorfloat32", 8, 0.790),
        (LARGE, "bfloat16", 32, 0.475),
    ],
)
def test_an_epoch_takes_what_was_measured_within_a_quarter(
    units, precision, lanes, milliseconds_by_run, rows
):
    """From 481 to 803,329 parameters, and from 1 to 256 lanes."""
    expected = epoch_seconds(*stack_of(units, precision), rows, lanes)
    assert expected == pytest.approx(1e-3 * milliseconds_by_run * lanes, rel=0.25)


def test_small_networks_want_more_lanes_than_large_ones(rows):
    """As many as there may be of a network that waits for its launches, few of one that fills the device."""
    assert lanes_worth_having(*stack_of(TINY), rows) >= 256
    assert lanes_worth_having(*stack_of(LARGE), rows) == 32


@pytest.mark.parametrize("units", [TINY, LARGE])
def test_more_lanes_than_are_worth_having_hardly_gain(units, rows):
    """Half of them would lose more, all of them together no more than the launches that they share."""
    task, built = stack_of(units)
    lanes = lanes_worth_having(task, built, rows)
    by_run = [epoch_seconds(task, built, rows, count) / count for count in (lanes // 2, lanes, 10**9)]
    assert by_run[0] > (1 + LAUNCH_SHARE) * by_run[2] >= by_run[1]
    larger = replace(task, recipe=replace(task.recipe, precision="float32"))
    assert lanes_worth_having(larger, built, rows) <= lanes


def test_what_is_not_launching_grows_with_the_lanes(rows):
    """An epoch of one lane and of two tell how long launches take."""
    for units in (TINY, LARGE):
        task, built = stack_of(units)
        one, two = (epoch_seconds(task, built, rows, lanes) for lanes in (1, 2))
        assert launching_share(task, built, rows) == pytest.approx((2 * one - two) / one)
    assert launching_share(*stack_of(TINY), rows) > 0.9 > 0.8 > launching_share(*stack_of(LARGE), rows)
