"""Functions compiled once for each kind of arguments."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial

import jax
import numpy as np
import pytest

from justright.training.ahead.executable import Executable


@pytest.fixture
def traced():
    """Shapes that a function was traced with."""
    return []


@pytest.fixture
def scaled(traced):
    """Three times x, plus y where it is given."""

    def function(factor, x, y=None):
        traced.append(x.shape)
        return factor * x if y is None else factor * x + y

    return Executable(partial(jax.jit(function), np.float32(3.0)))


def test_each_kind_of_arguments_is_compiled_once(scaled, traced):
    """Prepared or not; whether an argument is there is part of the kind."""
    values = np.arange(3, dtype=np.float32)
    compiled: list[Future] = []

    def submit(compile_):
        compiled.append(Future())
        compiled[-1].set_result(compile_())
        return compiled[-1]

    shape = jax.ShapeDtypeStruct((3,), np.float32)
    for _ in range(2):
        scaled.prepare(submit, shape, None)
        np.testing.assert_array_equal(scaled(values, None), 3.0 * values)
        np.testing.assert_array_equal(scaled(values, values), 4.0 * values)
        np.testing.assert_array_equal(scaled(values[:2], None), 3.0 * values[:2])
    assert len(compiled) == 1
    assert traced == [(3,), (3,), (2,)]


def test_what_failed_to_compile_is_compiled_again(scaled):
    """Its error is that of the call."""

    def submit(compile_):
        failed = Future()
        failed.set_exception(MemoryError("no room"))
        return failed

    scaled.prepare(submit, jax.ShapeDtypeStruct((1,), np.float32))
    with pytest.raises(MemoryError, match=r"^no room$"):
        scaled(np.ones(1, np.float32))
    np.testing.assert_array_equal(scaled(np.ones(1, np.float32)), [3.0])
