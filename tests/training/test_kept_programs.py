"""Compiled programs are shared by stacks of the same shape, and released before they fill the memory."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest

from justright.runs.events import RunKey
from justright.runs.tasks import StackTask, StudyRows
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.variant import KerasConfig
from justright.training import program


@pytest.fixture
def rows():
    """Ten rows of two features, to validate on the same."""
    part = np.ones((10, 2), np.float32), np.zeros(10, np.float32)
    return StudyRows("binary", 1, part, part, part)


def stack_of(variant, width=16):
    """A stack of one run of a variant."""
    recipe = Recipe(5).resolve("binary", train_rows=10)
    return StackTask("s", variant, mlp(width), recipe, (RunKey(variant, 1, 10),), ("",), np.arange(10))


def test_stacks_of_the_same_shape_share_a_program(rows):
    """Another seed does, and another name; other rows do not."""
    cache = {}
    first = program.stack_program(stack_of("A"), rows, cache)
    assert program.stack_program(replace(stack_of("A"), name="t"), rows, cache) is first
    assert program.stack_program(stack_of("B"), rows, cache) is first
    assert program.stack_program(replace(stack_of("A"), train_index=np.arange(5)), rows, cache) is not first
    part = np.ones((10, 3), np.float32), rows.train[1]
    wider = replace(rows, train=part, validation=part, test=part)
    assert program.stack_program(stack_of("A"), wider, cache) is not first


def test_two_models_of_one_name_do_not_share_a_program(rows):
    """A worker may train several studies, and a name means something else in each."""
    import keras

    def config(width):
        layers = [keras.Input((2,)), keras.layers.Dense(width), keras.layers.Dense(1)]
        return KerasConfig(keras.Sequential(layers).to_json())

    narrow = replace(stack_of("A"), build=config(1))
    cache = {}
    first = program.stack_program(narrow, rows, cache)
    assert program.stack_program(narrow, rows, cache) is first
    assert program.stack_program(replace(narrow, build=config(2)), rows, cache) is not first


def test_a_worker_starts_afresh_before_programs_fill_its_memory(rows, monkeypatch):
    """However many variants there are, no more programs than the limit are kept, and released ones are truly gone."""
    monkeypatch.setattr(program, "KEPT_PROGRAMS", 3)
    cache, seen = {}, []
    for number in range(1, 8):
        seen.append(weakref.ref(program.stack_program(stack_of(f"V{number}", 16 * number), rows, cache)))
        assert len(cache) <= 3
    gc.collect()
    assert [program() is not None for program in seen] == [False] * 6 + [True]
