"""Programs that are built and compiled while another stack trains: the same ones, so the same numbers."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from tests.stacks import assert_same_stack

from justright.errors import InputError
from justright.runs.events import RunKey
from justright.runs.tasks import StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training import program
from justright.training.ahead import executable, preparation
from justright.training.ahead.preparation import Preparation
from justright.training.stacks import chunk_plans
from justright.training.stacks.stack import run_stack

SEEDS = (0, 1)
RECIPE = Recipe(batch_size=250, max_epochs=5, patience=None, batch_orders="device")
BUILD = mlp(6, dropout=0.3, l2=0.01)


@pytest.fixture
def task_of(few_rows):
    """Return a function that returns the stack of a variant."""

    def make(build=BUILD, recipe=RECIPE, name="v", **options):
        count = len(few_rows.train[0])
        resolved = recipe.resolve(few_rows.task, count)
        runs = tuple(RunKey(name, seed, count) for seed in SEEDS)
        models = tuple(f"models/{name}-{seed}.keras" for seed in SEEDS)
        return StackTask(
            name, name, build, resolved, runs, models, np.arange(count), together=True, **options
        )

    return make


@pytest.fixture
def late(monkeypatch):
    """Programs that were compiled when they were called."""
    found = []

    def at_once(compile_):
        found.append(compile_)
        return original(compile_)

    original = executable._at_once
    monkeypatch.setattr(executable, "_at_once", at_once)
    return found


def prepared(few_rows, *tasks):
    """Return the programs of stacks that were prepared, as a stack finds them."""
    programs = {}
    preparing = Preparation(few_rows, programs)
    preparing.ask(tasks)
    for task in tasks:
        preparing.wait(task)
    return programs


@pytest.fixture(scope="module")
def whole(few_rows, train):
    """The stack trained without preparing."""
    trained = train(BUILD, few_rows, RECIPE, seeds=SEEDS, together=True)
    assert trained.finished.keys() == set(SEEDS)
    return trained


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "changes"),
    [
        (mlp(5), {"ema": 0.9, "batch_orders": "host", "mixup": 0.2}),
        (
            lambda: keras.Sequential([keras.layers.Dense(3, "relu"), keras.layers.Dense(1)]),
            {"stop": "settled", "patience": 4, "class_weight": "balanced", "mixup": 0.2},
        ),
    ],
)
def test_a_prepared_stack_compiles_nothing(build, changes, few_rows, train, task_of, late):
    """With every kind of input that a program may have."""
    recipe = replace(RECIPE, max_epochs=3, **changes)
    rows = replace(few_rows, class_names=("no", "yes"))
    programs = prepared(rows, task_of(build, recipe))
    late.clear()
    train(build, rows, recipe, cache=programs, seeds=SEEDS, together=True)
    assert not late


@pytest.mark.slow
def test_a_prepared_stack_gives_the_same_numbers_also_where_it_goes_on(
    whole, few_rows, train, task_of, late, monkeypatch
):
    """Bit for bit. It is cut in the middle; what a checkpoint holds has the same shapes."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", 0.0)
    options = {"seeds": SEEDS, "together": True}
    programs = prepared(few_rows, task_of())
    late.clear()
    first = train(BUILD, few_rows, RECIPE, cache=programs, is_stopping=lambda: True, **options)
    path = first.checkpoints[-1].path
    second = train(BUILD, few_rows, RECIPE, cache=programs, folder=first.folder, checkpoint=path, **options)
    assert not late
    assert_same_stack(replace(first, events=[*first.events, *second.events]), whole)


def test_a_stack_trains_while_others_are_prepared(whole, few_rows, train, task_of):
    """Tracing changes Keras and JAX for a moment: the stack that trains, and saves, sees nothing of it."""
    programs = {}
    preparing = Preparation(few_rows, programs)
    coming = [task_of(mlp(width, dropout=0.5, l2=0.1), name=f"w{width}") for width in (2,)]
    preparing.ask([task_of(), *coming])
    preparing.wait(task_of())
    options = {"seeds": SEEDS, "together": True, "checkpoint_seconds": 0.0}
    ours = train(BUILD, few_rows, RECIPE, cache=programs, **options)
    for task in coming:
        preparing.wait(task)
    assert len(programs) == 2
    assert_same_stack(ours, whole)


def failing_build():
    """A builder with a mistake."""
    raise ValueError("no layers today")


class Failing(keras.layers.Layer):
    """A layer that only fails while it trains."""

    def call(self, x, training=False):
        """As Keras calls it."""
        if training:
            raise RuntimeError("it does not learn")
        return x


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (failing_build, InputError, "Variant 'v' cannot be built: ValueError: no layers today"),
        (lambda: keras.Sequential([Failing(), keras.layers.Dense(1)]), RuntimeError, "it does not learn"),
    ],
)
def test_what_cannot_be_prepared_fails_when_it_trains(build, error, message, few_rows, storage, task_of):
    """With the words that it has without preparing; the stack after it is prepared."""
    task, other = task_of(build), task_of()
    found = []
    for programs in ({}, prepared(few_rows, task, other)):
        with pytest.raises(error) as caught:
            run_stack(task, few_rows, storage, lambda event: None, lambda: False, programs)
        found.append(str(caught.value))
    assert program.program_key(other, few_rows) in programs
    assert found[0] == found[1]
    assert message in found[0]


def test_no_more_programs_are_kept_than_without_preparing(few_rows, task_of, monkeypatch):
    """Those that are wanted stay, those before them go; as many are prepared as there is room for."""
    for module in (program, preparation):
        monkeypatch.setattr(module, "KEPT_PROGRAMS", 3)
    monkeypatch.setattr(executable.Executable, "prepare", lambda self, submit, *shapes: None)
    tasks = [task_of(mlp(16 * width), name=f"w{width}") for width in range(1, 6)]
    keys = [program.program_key(task, few_rows) for task in tasks]
    programs = {}
    preparing = Preparation(few_rows, programs)
    for place in range(len(tasks)):
        preparing.ask(tasks[place:])
        for task in tasks[place : place + 3]:
            preparing.wait(task)
        wanted = set(keys[place : place + 3])
        assert wanted <= programs.keys()
        assert len(programs) <= 3
    assert set(programs) == set(keys[-3:])
