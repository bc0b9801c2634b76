"""Dropout masks from a counter-based hash: threefry took ~80 of 340 ms per epoch of a 512-wide network.

A unit's bit depends on (the layer's seed, step, unit) alone: nothing is carried, and XLA fuses the few integer
operations with the product that uses the mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

# Multipliers and shifts of triple32 (Wellons 2018, github.com/skeeto/hash-prospector, public domain): the hash with
# the least known bias of three rounds. Two rounds were measurably overdispersed (row and column sums, z = 2 to 4).
ROUNDS = ((17, 0xED5AD4BB), (11, 0xAC4C1B51), (15, 0x31848BAB))
LAST_SHIFT = 14
# murmur3's finalizer (Appleby, public domain) spreads the two words of a key over the hash's two constants.
KEY_ROUNDS = ((16, 0x85EBCA6B), (13, 0xC2B2AE35))
KEY_LAST_SHIFT = 16
# Arbitrary odd words, so that a zero key is no fixed point.
KEY_OFFSETS = (0x9E3779B9, 0x7F4A7C15, 0x6C078965, 0x2545F491)


class TracedRate(float):
    """A dropout rate whose effect comes from a program's inputs; as a number it is the rate the program was traced with.

    Args:
        rate: the number.
        threshold: uint32, `threshold_of` the share that is kept.
        scale: float32, what kept units are multiplied by.
    """

    def __new__(cls, rate: float, threshold: Any, scale: Any) -> Self:
        """Return the rate, together with the values that a program computes with instead."""
        traced = super().__new__(cls, rate)
        traced.threshold, traced.scale = threshold, scale
        return traced

    threshold: Any
    scale: Any


def threshold_of(keep: float) -> int:
    """Return the number below which a random 32-bit word lies with probability `keep`."""
    return min(round(keep * 2.0**32), 2**32 - 1)


def mask_below(key: Any, shape: tuple[int, ...], threshold: Any) -> Any:
    """Return independent booleans, True where a random word lies below `threshold`, a uint32.

    Shape:
        key: (2,) uint32, (the layer's seed, the draw's number); the mask has the given shape.
    """
    first = _mixed(key[0] + _word(0) + _mixed(key[1] ^ _word(1)))
    second = _mixed(first + _word(2) + _mixed(key[1] + _word(3)))
    index = jnp.zeros(shape, jnp.uint32)
    for axis, size in enumerate(shape):
        index = index * np.uint32(size) + lax.broadcasted_iota(jnp.uint32, shape, axis)
    bits = index ^ first
    for number, (shift, multiplier) in enumerate(ROUNDS):
        bits = bits ^ (bits >> shift)
        # The second word enters between the rounds: two keys never give shifted copies of one stream.
        bits = (bits + second if number == 1 else bits) * np.uint32(multiplier)
    bits = bits ^ (bits >> LAST_SHIFT)
    return bits < threshold


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Return `inputs` with units zeroed at random and the others scaled up, as Keras' backend function does."""
    from keras.src.random.seed_generator import draw_seed

    if rate in (0.0, 1.0):
        return inputs if rate == 0.0 else jnp.zeros_like(inputs)
    key = draw_seed(seed).astype(jnp.uint32)
    sizes = inputs.shape if noise_shape is None else noise_shape
    shape = tuple(own if size is None else size for size, own in zip(sizes, inputs.shape, strict=True))
    if isinstance(rate, TracedRate):
        threshold, scale = rate.threshold, rate.scale.astype(inputs.dtype)
    else:
        threshold = np.uint32(threshold_of(1.0 - rate))
        scale = np.asarray(1.0 / (1.0 - rate), inputs.dtype)
    mask = jnp.broadcast_to(mask_below(key, shape, threshold), inputs.shape)
    return lax.select(mask, inputs * scale, jnp.zeros_like(inputs))


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Let `owner` have another attribute while a program is traced; it is unchanged afterwards."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def hashed_dropout() -> AbstractContextManager[None]:
    """Let Keras' dropout layers draw hashed masks while a program is traced; Keras itself is unchanged afterwards."""
    from keras.src.backend.jax import random

    return replaced(random, "dropout", dropout)


def _mixed(word: Any) -> Any:
    for shift, multiplier in KEY_ROUNDS:
        word = (word ^ (word >> shift)) * np.uint32(multiplier)
    return word ^ (word >> KEY_LAST_SHIFT)


def _word(number: int) -> Any:
    return jax.numpy.uint32(KEY_OFFSETS[number])
