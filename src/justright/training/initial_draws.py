"""Initial values of models from few compiled programs, bit for bit those that Keras gives.

JAX compiles a program for each shape that is drawn: 0.2 s for each kernel of a new width, more than a small network trains.
With its partitionable generator (the default) value number i depends on the key and on i alone, so that a kernel is the
beginning of a longer vector, and one program serves all kernels up to its length. Zeros and ones come from NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from justright.training.masks import replaced

DRAWS = ("uniform", "normal", "truncated_normal")
CONSTANTS = ("zeros", "ones")
# Vectors have lengths of powers of 4 from this one on: three programs for all kernels up to the longest.
LEAST_LENGTH, MOST_LENGTH = 2**10, 2**16


@contextmanager
def shared_draws() -> Iterator[None]:
    """Let JAX draw the same values from few programs while a model is built; it is unchanged afterwards."""
    with ExitStack() as stack:
        for name in DRAWS:
            draw = partial(_prefix_of_draw, getattr(jax.random, name))
            stack.enter_context(replaced(jax.random, name, draw))
        for name in CONSTANTS:
            fill = partial(_from_host, getattr(jnp, name), getattr(np, name))
            stack.enter_context(replaced(jnp, name, fill))
        yield


def _prefix_of_draw(draw: Callable[..., Any], key: Any, *arguments: Any, **options: Any) -> Any:
    """Return what `draw` returns, as the beginning of a longer vector where that is the same."""
    shape = options.get("shape")
    others = {name: value for name, value in options.items() if name != "shape"}
    values = (key, *others.values())
    partitionable = jax.config.jax_threefry_partitionable  # type: ignore[attr-defined]  # set by JAX itself
    if shape is None or arguments or not partitionable or _is_traced(values):
        return draw(key, *arguments, **options)
    count = math.prod(shape)
    if count > MOST_LENGTH or any(np.ndim(value) for value in others.values()):
        return draw(key, **options)
    length = LEAST_LENGTH
    while length < count:
        length *= 4
    return jax.device_put(np.asarray(draw(key, shape=(length,), **others))[:count].reshape(shape))


def _from_host(
    original: Callable[..., Any], fill: Callable[..., Any], shape: Any, dtype: Any = None, **options: Any
) -> Any:
    """Return zeros or ones made by NumPy if only shape and type are given."""
    if dtype is None or options:
        return original(shape, dtype, **options)
    return jax.device_put(fill(shape, jax.dtypes.canonicalize_dtype(dtype)))


def _is_traced(values: Any) -> bool:
    return any(isinstance(value, jax.core.Tracer) for value in values)
