"""The memory a plan is expected to take, and the plan that fits."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tests.refusals import refusal

from justright.runs.events import RunKey, VariantBuilt
from justright.runs.tasks import StackTask, StudyRows
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers import machine
from justright.workers.memory import (
    KEPT_PROGRAMS,
    MEBIBYTE,
    FreeMemory,
    base_bytes,
    coordinator_bytes,
    device_bytes,
    fit_plan,
    gigabytes,
    judging_bytes,
    worker_bytes,
)

# Peak resident set of a worker on Linux x86-64, jax 0.10.2, keras 3.15.1, in MiB: read from /proc, 2026-11.
MEASURED = [
    # units, lanes, training rows, batch, epochs at most, validation rows, peak
    ((16,), 1, 10_000, 500, 1_000, 554),
    ((16,), 64, 10_000, 500, 1_000, 668),
    ((512, 512, 512, 512), 1, 10_000, 500, 1_000, 649),
    ((512, 512, 512, 512), 1, 10_000, 5_000, 20_000, 755),
]
FACTOR = 1.5


def rows_of(train: int, validation: int) -> StudyRows:
    """Rows of the tutorial's width."""
    parts = [
        (np.zeros((count, 28), np.float32), np.zeros(count, np.float32))
        for count in (train, validation, 2_000)
    ]
    return StudyRows("binary", 1, *parts)


def stack_of(lanes: int, rows: int, batch: int = 500) -> StackTask:
    """A stack of so many lanes."""
    runs = tuple(RunKey("v", seed, rows) for seed in range(lanes))
    return StackTask("s", "v", mlp(16), Recipe(batch), runs, ("",) * lanes, np.arange(rows))


def built_of(units: tuple[int, ...]) -> VariantBuilt:
    """What a worker says about a dense network of these sizes."""
    sizes = (28, *units, 1)
    layers = tuple(
        (f"dense_{index}", "Dense", f"(None, {out})", (into + 1) * out)
        for index, (into, out) in enumerate(itertools.pairwise(sizes))
    )
    return VariantBuilt("v", sum(layer[3] for layer in layers), "", "", layers)


@pytest.mark.parametrize(("units", "lanes", "train", "batch", "validation", "measured"), MEASURED)
def test_the_estimate_is_near_what_was_measured(units, lanes, train, batch, validation, measured) -> None:
    """Never below the measured peak of a worker, and at most half as much again."""
    estimate = worker_bytes(stack_of(lanes, train, batch), built_of(units), rows_of(train, validation))
    assert measured <= estimate / MEBIBYTE <= FACTOR * measured


def test_a_layer_that_keras_cannot_describe_is_guessed() -> None:
    """A subclassed model's memory grows with its weights, too."""
    unknown = VariantBuilt("v", 10**6, "", "", (("block", "Block", "?", 10**6),))
    small = VariantBuilt("v", 100, "", "", (("block", "Block", "?", 100),))
    stack, rows = stack_of(1, 1_000), rows_of(1_000, 100)
    assert worker_bytes(stack, unknown, rows) > worker_bytes(stack, small, rows) + 5 * 4 * 4 * (10**6 - 100)


def test_workers_need_no_more_for_wider_rows_but_the_coordinator_and_the_trees_do() -> None:
    """The rows are in memory once, mapped by all; scikit-learn's trees have them in float64, and as bins."""
    narrow = rows_of(100_000, 1_000)
    wide = narrow.with_arrays(lambda values: np.repeat(values, 2, axis=1) if values.ndim == 2 else values)
    more = sum(values.nbytes for values in wide.arrays) - sum(values.nbytes for values in narrow.arrays)
    task, built = stack_of(1, 100_000), built_of((16,))
    first_layer = 3 * 4 * 500 * 28  # its inputs in a batch
    assert (
        worker_bytes(task, built, wide) - worker_bytes(task, built, narrow)
        <= 8_192 * 28 * 3 * 4 + first_layer
    )
    assert coordinator_bytes(wide) - coordinator_bytes(narrow) == more
    assert base_bytes(wide) - base_bytes(narrow) == 9 * 28 * 100_000


def test_judging_takes_more_for_more_runs_and_epochs() -> None:
    """The losses of validation rows on the grid, and what was measured of each row at the end, twice."""
    rows = rows_of(1_000, 100)
    ended = 3 * 4 * (100 + 2_000)
    assert judging_bytes(rows, []) == 0
    assert judging_bytes(rows, [1]) == 2 * (4 * 100 + ended)
    assert judging_bytes(rows, [3, 3]) == 2 * 2 * (3 * 4 * 100 + ended)


def test_what_the_coordinator_takes_is_counted_once() -> None:
    """It leaves less for workers, and is part of what the plan says."""
    plan = {"workers": 2, "max_lanes": 1, "own_bytes": 300}
    for free, expected in ((1_000, (2, 500)), (500, (1, 400))):  # nine tenths of it
        found = fit_plan(lambda **_: ["a", "b"], lambda stack: 100, free=FreeMemory((free,)), **plan)
        assert (found.workers, found.memory_bytes) == expected


def test_what_workers_share_is_counted_once() -> None:
    """Libraries, of which each has what one alone would have."""
    plan = {"workers": 3, "max_lanes": 1, "shared_bytes": 40, "own_bytes": 10}
    found = fit_plan(lambda **_: ["a", "b", "c"], lambda stack: 100, free=FreeMemory((1_000,)), **plan)
    assert (found.workers, found.memory_bytes, found.worker_bytes) == (3, 10 + 300 - 80, 100)


def fit(free_bytes, *, runs=8, workers=4):
    """Fit stacks that need 100 bytes and 10 a lane; lanes are dealt out to workers."""

    def plan(*, workers, max_lanes, devices):
        lanes = min(max_lanes, -(-runs // workers))
        return [
            SimpleNamespace(lanes=min(lanes, runs - start), workers=workers)
            for start in range(0, runs, lanes)
        ]

    found = fit_plan(
        plan,
        lambda stack: 100 + 10 * stack.lanes,
        workers=workers,
        max_lanes=64,
        free=None if free_bytes is None else FreeMemory((free_bytes,)),
    )
    return found.workers, [stack.lanes for stack in found.stacks], found.memory_bytes


@pytest.mark.parametrize(
    ("free_bytes", "expected"),
    [
        (None, (4, [2, 2, 2, 2], 480)),
        (10_000, (4, [2, 2, 2, 2], 480)),
        (500, (4, [1] * 8, 440)),  # nine tenths of 500 are 450: lanes go first
        (400, (3, [2, 2, 2, 2], 360)),  # then a worker
        (130, (1, [1] * 8, 110)),
    ],
)
def test_lanes_and_workers_are_reduced_to_fit(free_bytes, expected) -> None:
    """As many workers as fit with the fewest lanes, and then as many lanes."""
    assert fit(free_bytes) == expected


@pytest.mark.parametrize(
    ("variants", "kept"), [(1, 0), (3, 2), (KEPT_PROGRAMS, KEPT_PROGRAMS - 1), (46, KEPT_PROGRAMS - 1)]
)
def test_kept_programs_count_until_a_worker_starts_afresh(variants, kept) -> None:
    """Ten bytes for each after the first, however many variants there are."""
    one = stack_of(1, 2)
    stacks = [replace(one, variant=f"V{number}") for number in range(variants) for _ in range(2)]
    plan = {"workers": 1, "max_lanes": 1, "free": None, "program_bytes": 10}
    assert fit_plan(lambda **_: stacks, lambda stack: 100, **plan).memory_bytes == 100 + 10 * kept


@pytest.mark.parametrize(
    ("machines", "expected"),
    [
        ((10_000,), (4, 4 * 120)),
        ((500, 500), (4, 4 * 120)),
        ((150, 150, 150), (3, 3 * 130)),  # as much together as would do for three, and one on each machine
        ((400, 100), (3, 3 * 120)),  # 360 hold three of 120 bytes; 90 hold none
        ((10, 130), (1, 110)),
    ],
)
def test_workers_that_reserve_memory_are_put_on_machines_that_have_it(machines, expected) -> None:
    """Each is given what the largest stack needs, on one machine: what is free on two of them is not one worker's."""

    def plan(*, workers, max_lanes, devices):
        lanes = min(max_lanes, -(-8 // workers))
        return [SimpleNamespace(lanes=min(lanes, 8 - start)) for start in range(0, 8, lanes)]

    found = fit_plan(
        plan,
        lambda stack: 100 + 10 * stack.lanes,
        workers=4,
        max_lanes=64,
        free=FreeMemory(machines, is_reserved=True),
    )
    assert (found.workers, found.memory_bytes) == expected
    assert found.worker_bytes * found.workers == found.memory_bytes


def test_a_study_that_cannot_fit_is_refused_with_its_numbers() -> None:
    """One message before anything trains."""

    def plan(*, workers, max_lanes, devices):
        return ["stack"]

    assert refusal(
        fit_plan, plan, lambda stack: 3_210_000_000, workers=2, max_lanes=4, free=FreeMemory((2_000_000_000,))
    ) == (
        "Training must fit into memory: its largest network needs about 3.2 GB in one worker, 2.0 GB are free. "
        "End other programs, or take fewer rows, a smaller batch or a smaller network."
    )


def test_a_container_limits_what_is_free(tmp_path, monkeypatch) -> None:
    """Its limit less what it uses, file caches counted as free; no limit, or no container, leaves what the system says."""
    monkeypatch.setattr(machine, "CONTAINER", tmp_path)
    system = machine.free_memory_bytes()
    assert system > 0
    for name, text in (
        ("memory.max", "50000000\n"),
        ("memory.current", "30000000\n"),
        ("memory.stat", "anon 1\ninactive_file 5000000\n"),
    ):
        (tmp_path / name).write_text(text)
    assert machine.free_memory_bytes() == 25_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.free_memory_bytes() > 25_000_000
    assert gigabytes(25_000_000) == "0.0"


def fit_device(share, *, runs=8, workers=4):
    """Fit stacks that need 100 bytes of a device a lane, on devices that each worker may take `share(workers)` of."""
    found = fit_plan(
        lambda *, workers, max_lanes, devices: [
            SimpleNamespace(lanes=min(max_lanes, -(-runs // workers))) for _ in range(workers)
        ],
        lambda stack: 1,
        workers=workers,
        max_lanes=64,
        free=FreeMemory((10_000,)),
        device_need=lambda stack: 100 * stack.lanes,
        device_share=share,
    )
    return found.workers, found.stacks[0].lanes


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (lambda workers, devices: None, (4, 2)),  # no accelerator, or one that does not tell
        (lambda workers, devices: 1_000, (4, 2)),
        (lambda workers, devices: 150, (4, 1)),  # fewer lanes first
        (lambda workers, devices: 400 // workers, (3, 1)),  # then fewer workers, which get more of a device
    ],
)
def test_lanes_fit_into_the_memory_of_an_accelerator(share, expected) -> None:
    """The lanes of a stack are computed at once there."""
    assert fit_device(share) == expected


def test_a_study_too_large_for_the_accelerator_is_refused_with_its_numbers() -> None:
    """The message names the memory that is short."""
    assert refusal(
        fit_plan,
        lambda *, workers, max_lanes, devices: ["stack"],
        lambda stack: 1,
        workers=1,
        max_lanes=4,
        free=FreeMemory((10**10,)),
        device_need=lambda stack: 9_000_000_000,
        device_share=lambda workers, devices: 8_000_000_000,
    ) == (
        "Training must fit into memory: its largest network needs about 9.0 GB of an accelerator, 8.0 GB are free. "
        "End other programs, or take fewer rows, a smaller batch or a smaller network."
    )


def test_a_device_holds_every_lane_at_once() -> None:
    """Twice the lanes take twice the weights and activations, once the rows; the most rows are evaluated at a time."""
    built = VariantBuilt("v", 10**6, "", "", (("dense", "Dense", "(None, 1000)", 10**6),))
    rows = rows_of(1_000, 100)
    one, two, three = (device_bytes(stack_of(lanes, 1_000), built, rows) for lanes in (2, 3, 4))
    assert two - one == three - two == 2 * 4 * 4 * 10**6 + 3 * 4 * 2_000 * 1_000


def sharded_fit(need_on, share, *, layouts, is_visited=False):
    """Fit a stack that needs `need_on` bytes of a device, shared out evenly over its devices, to train it or only to measure it."""
    found = fit_plan(
        lambda *, workers, max_lanes, devices: [] if is_visited else [SimpleNamespace(devices=devices)],
        lambda stack: 100,
        workers=4,
        max_lanes=2,
        free=FreeMemory((10_000,)),
        device_need=lambda stack: need_on // stack.devices,
        device_share=lambda workers, devices: share,
        layouts=layouts,
        least_on_device=lambda devices: need_on // devices if is_visited else 0,
    )
    return found.devices, found.workers


@pytest.mark.parametrize(
    ("need_on", "layouts", "expected"),
    [
        (900, {1: 4, 2: 2, 4: 1}, (1, 4)),
        (901, {1: 4, 2: 2, 4: 1}, (2, 2)),  # nine tenths of a device
        (3_600, {1: 4, 2: 2, 4: 1}, (4, 1)),
        (100, {2: 2}, (2, 2)),  # as was asked for
        (100, None, (1, 4)),
    ],
)
def test_a_network_too_large_for_one_accelerator_is_shared_out_over_as_few_as_it_needs(
    need_on, layouts, expected
) -> None:
    """One, two, four: each stack then has that many, and fewer train at the same time."""
    for is_visited in (False, True):
        assert sharded_fit(need_on, 1_000, layouts=layouts, is_visited=is_visited) == expected


def test_a_network_too_large_for_all_accelerators_is_refused_with_their_number() -> None:
    """What each of them would have to hold; and more accelerators do not help where the host's memory is short."""
    needs = "Training must fit into memory: its largest network needs about"
    then = "End other programs, or take fewer rows, a smaller batch or a smaller network."
    layouts = {1: 4, 2: 2, 4: 1}
    assert (
        refusal(sharded_fit, 36 * 10**9, 8 * 10**9, layouts=layouts)
        == f"{needs} 9.0 GB of each of 4 accelerators, 8.0 GB are free. {then}"
    )
    tried = []
    assert (
        refusal(
            fit_plan,
            lambda *, workers, max_lanes, devices: tried.append(devices) or ["stack"],
            lambda stack: 9 * 10**9,
            workers=1,
            max_lanes=1,
            layouts=layouts,
            free=FreeMemory((8 * 10**9,)),
        )
        == f"{needs} 9.0 GB in one worker, 8.0 GB are free. {then}"
    )
    assert set(tried) == {1}


def test_each_device_of_several_holds_its_part_of_large_weights() -> None:
    """Two copies of four values for each; rows and activations are there in full, as are weights that cannot be cut."""
    layers = (("dense", "Dense", "(None, 1000)", 10**6),)
    cut = VariantBuilt("v", 10**6, "", "", layers, shapes=((1_000, 999), (1_000,)))
    whole = replace(cut, shapes=((1_001, 999), (1,)))
    rows, one = rows_of(1_000, 100), stack_of(3, 1_000)
    four = replace(one, devices=4)
    less = device_bytes(one, cut, rows) - device_bytes(four, cut, rows)
    assert less == 3 * 2 * 4 * 4 * (999_000 * 3 // 4)
    assert device_bytes(one, whole, rows) == device_bytes(four, whole, rows) == device_bytes(one, cut, rows)
