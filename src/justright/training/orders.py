"""Batch orders and mixing weights: drawn on the host for a CPU, inside the program for an accelerator.

On a CPU `jax.random.permutation` costs five epochs of a small network; a GPU would wait for the host eight times as long as
it computes (64 lanes of 16 units on an H100: 7.2 ms per epoch on the host, 0.12 on the device). The two draw different
orders, so a recipe says which of them a run uses, and a run is never continued with the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax

# What a key of the device's generator is folded with, beside the epoch.
ORDER_STREAM, MIX_STREAM = 0, 1
# Third word of the key of mixing weights, so that they share no bits with the order of the same epoch.
MIXES = 1

# Up to this many rows keys have 16 bits: two rows seldom share one, and NumPy sorts by counting instead of comparing.
SHORT_KEY_ROWS = 2**15


def batch_order(seed: int, epoch: int, rows: int) -> npt.NDArray[np.int32]:
    """Return the order in which one epoch of one seed visits its training rows.

    Keyed by (seed, epoch) alone: chunk length, lane and worker cannot change it. Rows are sorted by random keys, equal
    ones in file order. Up to `SHORT_KEY_ROWS` keys have 16 bits, so that of two rows the first comes first with
    probability 1/2 + 2^-17. Beyond, keys of 64 bits carry the row number in their low bits, which avoids cache
    misses with millions of rows; those of two rows are equal with probability below 2^-32.

    Shape:
        (rows,), a permutation of 0..rows-1.

    Example:
        >>> sorted(batch_order(0, 3, 5).tolist())
        [0, 1, 2, 3, 4]
    """
    generator = np.random.Generator(np.random.SFC64((seed, epoch)))
    if rows <= SHORT_KEY_ROWS:
        return np.argsort(generator.integers(0, 2**16, rows, dtype=np.uint16), kind="stable").astype(np.int32)
    number_bits = np.uint64((rows - 1).bit_length())
    keys = generator.integers(0, 2**64, rows, dtype=np.uint64)
    keys = (keys >> number_bits << number_bits) | np.arange(rows, dtype=np.uint64)
    keys.sort()
    return (keys & ((np.uint64(1) << number_bits) - np.uint64(1))).astype(np.int32)


def chunk_orders(
    seeds: tuple[int, ...], first_epochs: int | Sequence[int], epochs: int, rows: int, *, length: int
) -> npt.NDArray[np.int32]:
    """Return the batch orders of a chunk, zero-padded to the compiled length; each lane may begin at its own epoch.

    Shape:
        (length, lanes, rows); entries from `epochs` on are zeros and never used.
    """
    orders = np.zeros((length, len(seeds), rows), np.int32)
    for offset in range(epochs):
        for lane, (seed, first) in enumerate(zip(seeds, _each(first_epochs, seeds), strict=True)):
            orders[offset, lane] = batch_order(seed, first + offset, rows)
    return orders


def chunk_mixes(
    seeds: tuple[int, ...],
    first_epochs: int | Sequence[int],
    epochs: int,
    steps: int,
    *,
    alpha: float,
    length: int,
) -> npt.NDArray[np.float32]:
    """Return the mixing weight of each step of a chunk, one-padded to the compiled length.

    Drawn from Beta(alpha, alpha), keyed by (seed, epoch) alone.

    Shape:
        (length, lanes, steps) in [0, 1]; entries from `epochs` on are never used.

    Example:
        >>> chunk_mixes((0,), 5, 1, 2, alpha=0.2, length=2).shape
        (2, 1, 2)
    """
    mixes = np.ones((length, len(seeds), steps), np.float32)
    for offset in range(epochs):
        for lane, (seed, first) in enumerate(zip(seeds, _each(first_epochs, seeds), strict=True)):
            generator = np.random.Generator(np.random.SFC64((seed, first + offset, MIXES)))
            mixes[offset, lane] = generator.beta(alpha, alpha, steps)
    return mixes


def _each(first_epochs: int | Sequence[int], seeds: tuple[int, ...]) -> Sequence[int]:
    return [first_epochs] * len(seeds) if isinstance(first_epochs, int) else first_epochs


class DeviceOrders(NamedTuple):
    """From what a program draws the orders of its lanes.

    Shape:
        keys: (lanes, 2) uint32, those of the seeds; places: (train rows,) int32, where in the table each row is.
    """

    keys: Any
    places: Any


def seed_keys(seeds: tuple[int, ...]) -> npt.NDArray[np.uint32]:
    """Return (lanes, 2) words, from which `drawn_order` and `drawn_mixes` draw; of any seed, however large."""
    return np.stack([np.random.SeedSequence(seed).generate_state(2) for seed in seeds])


def drawn_order(words: Any, epoch: Any, rows: int) -> Any:
    """Return the order in which one epoch of one seed visits its training rows, drawn on the device.

    Keyed by (seed, epoch) alone. Rows are sorted by random keys of 32 bits, equal ones in file order, so that of two rows
    the first comes first with probability 1/2 + 2^-33.

    Shape:
        words: (2,) uint32 of `seed_keys`; the order is (rows,) int32, a permutation of 0..rows-1.
    """
    bits = jax.random.bits(_key(words, epoch, ORDER_STREAM), (rows,), jnp.uint32)
    return lax.sort((bits, lax.iota(jnp.int32, rows)), num_keys=1, is_stable=True)[1]


def drawn_mixes(words: Any, epoch: Any, steps: int, alpha: float) -> Any:
    """Return the mixing weight of each step of an epoch, (steps,) float32 from Beta(alpha, alpha), drawn on the device."""
    return jax.random.beta(_key(words, epoch, MIX_STREAM), alpha, alpha, (steps,), jnp.float32)


def _key(words: Any, epoch: Any, stream: int) -> Any:
    key = jax.random.wrap_key_data(words, impl="threefry2x32")
    return jax.random.fold_in(jax.random.fold_in(key, epoch), stream)
