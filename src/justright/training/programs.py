"""The network and the compiled program of a stack, shared by stacks of the same shape."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from typing import Any

import jax

from justright.runs.tasks import StackTask, StudyRows
from justright.training.network import Network, build_network
from justright.training.program import Program
from justright.workers.memory import KEPT_PROGRAMS

ProgramCache = dict[Any, Program]


def stack_program(task: StackTask, rows: StudyRows, cache: ProgramCache) -> Program:
    """Return the compiled functions of a stack, those of a recent one of the same shape where there are some.

    The cache is emptied before there are more than `KEPT_PROGRAMS`.
    """
    key = (task.variant, len(task.train_index), len(task.runs))
    if key not in cache:
        if len(cache) >= KEPT_PROGRAMS:
            _forget(cache)
        network = stack_network(task, rows, seed=task.runs[0].seed)
        cache[key] = Program(network, task.recipe, one_by_one=jax.default_backend() == "cpu")
    return cache[key]


def _forget(cache: ProgramCache) -> None:
    """Let go of all programs, of what JAX keeps of them, and of memory that the allocator keeps for more."""
    cache.clear()
    jax.clear_caches()
    gc.collect()
    with suppress(OSError, AttributeError):  # another system, or another allocator
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def stack_network(task: StackTask, rows: StudyRows, *, seed: int) -> Network:
    """Return the network of a stack's variant with the initial weights of `seed`, adapted to its training rows."""
    return build_network(
        *(task.variant, task.build, task.recipe),
        seed=seed,
        features=rows.features,
        outputs=rows.outputs,
        task=rows.task,
        train_x=lambda: rows.train[0][task.train_index],
    )
