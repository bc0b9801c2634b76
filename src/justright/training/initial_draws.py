"""Initial values of models from few compiled programs and few builds, bit for bit those that Keras gives.

JAX compiles a program for each shape that is drawn: 0.2 s for each kernel of a new width, more than a small network trains.
With its partitionable generator (the default) value number i depends on the key and on i alone, so that a kernel is the
beginning of a longer vector, and one program serves all kernels up to its length. Zeros and ones come from NumPy.

Building a model takes a tenth of a second, and a stack may have hundreds of lanes. Two builds show where the values of a
network come from: numbers that Keras draws with a seed of their own, itself drawn from the network's, and constants. Those of
further seeds are then drawn at once (`drawn_values`). Where that does not explain every value, each network is built.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from justright.training.masks import replaced

DRAWS = ("uniform", "normal", "truncated_normal")
CONSTANTS = ("zeros", "ones")
# Vectors have lengths of powers of 4 from this one on: three programs for all kernels up to the longest.
LEAST_LENGTH, MOST_LENGTH = 2**10, 2**16
# Among how many of the seeds that a network's seed gives Keras those of its own draws are looked for.
SEEDS_LOOKED_AT = 10_000

Values = Mapping[str, Sequence[Any]]
"""What a network's variables hold, by kind."""


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


@contextmanager
def blank_draws() -> Iterator[None]:
    """Let JAX draw zeros while a model is built whose values nobody asks for: nothing is computed, and nothing compiled."""
    with shared_draws(), ExitStack() as stack:
        for name in DRAWS:
            stack.enter_context(replaced(jax.random, name, _zeros))
        yield


def _zeros(key: Any, shape: tuple[int, ...] = (), dtype: Any = float, *_: Any, **__: Any) -> Any:
    return jax.device_put(np.zeros(shape, jax.dtypes.canonicalize_dtype(dtype)))


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


@dataclass(frozen=True, slots=True)
class Draw:
    """What Keras drew while a network was built.

    Args:
        function: of its backend: uniform, normal or truncated_normal.
        options: its arguments except the seed.
        seed: the number it was drawn with.
        values: what came out.
    """

    function: Callable[..., Any]
    options: Mapping[str, Any]
    seed: int
    values: np.ndarray[Any, Any]


@contextmanager
def recorded_draws() -> Iterator[list[Draw]]:
    """Take down what Keras draws with whole numbers as seeds while networks are built; it is unchanged afterwards."""
    from keras.src.backend.jax import random as keras_random

    found: list[Draw] = []

    def recorded(function: Callable[..., Any], shape: Any, *arguments: Any, **options: Any) -> Any:
        values = function(shape, *arguments, **options)
        seed = options.get("seed")
        if not arguments and isinstance(seed, int):
            kept = {name: value for name, value in options.items() if name != "seed"}
            found.append(Draw(function, {"shape": shape, **kept}, seed, np.asarray(values)))
        return values

    with ExitStack() as stack:
        for name in DRAWS:
            stack.enter_context(replaced(keras_random, name, partial(recorded, getattr(keras_random, name))))
        yield found


def drawn_values(build: Callable[[int], Values], seeds: Sequence[int]) -> dict[str, list[Any]] | None:
    """Return the values of networks of many seeds, each (seeds, ...), from two builds; None if these do not explain them.

    Args:
        build: seed -> the values of its network, drawn after `keras.utils.set_random_seed(seed)`.
        seeds: two or more.
    """
    with recorded_draws() as draws:
        first = build(seeds[0])
    second = build(seeds[1])
    numbers = {number: place for place, number in enumerate(islice(_keras_seeds(seeds[0]), SEEDS_LOOKED_AT))}
    tables: dict[int, list[int]] = {}

    def seeds_at(place: int) -> list[int]:
        if place not in tables:
            tables[place] = [next(islice(_keras_seeds(seed), place, None)) for seed in seeds]
        return tables[place]

    found: dict[str, list[Any]] = {}
    for kind, values in first.items():
        found[kind] = []
        for value, other in zip(values, second[kind], strict=True):
            stacked = _for_all(np.asarray(value), np.asarray(other), draws, numbers, seeds_at, len(seeds))
            if stacked is None:
                return None
            found[kind].append(stacked)
    return found


def _for_all(
    value: Any,
    other: Any,
    draws: Sequence[Draw],
    numbers: Mapping[int, int],
    seeds_at: Callable[[int], list[int]],
    count: int,
) -> Any:
    """Return one variable's values for all seeds, given those of the first two; None if nothing explains them."""
    candidates: list[Callable[[], Any]] = []
    if value.tobytes() == other.tobytes():
        candidates.append(lambda: np.broadcast_to(value, (count, *value.shape)))
    if (
        value.dtype == np.uint32 and value.shape == (2,) and int(value[0]) in numbers
    ):  # the state of a random layer
        candidates.append(
            lambda: np.array([[seed, value[1]] for seed in seeds_at(numbers[int(value[0])])], np.uint32)
        )
    candidates.extend(
        partial(_draw_for, draw, seeds_at(numbers[draw.seed]))
        for draw in draws
        if draw.seed in numbers
        and draw.values.shape == value.shape
        and draw.values.tobytes() == value.tobytes()
    )
    for candidate in candidates:
        stacked = np.asarray(candidate())
        if stacked[0].tobytes() == value.tobytes() and stacked[1].tobytes() == other.tobytes():
            return stacked
    return None


def _draw_for(draw: Draw, seeds: Sequence[int]) -> Any:
    """Return (seeds, ...) of a draw, operation after operation as Keras computes it: fused ones may round otherwise."""
    keys = np.array([[seed, 0] for seed in seeds], np.uint32)
    return jax.vmap(lambda key: draw.function(**draw.options, seed=key))(jnp.asarray(keys))


def _keras_seeds(seed: int) -> Iterator[int]:
    """Yield the numbers that Keras takes for the seeds of initializers and random layers after `set_random_seed(seed)`."""
    generator = random.Random(seed)  # noqa: S311  # the one that Keras uses
    while True:
        yield generator.randint(1, int(1e9))
