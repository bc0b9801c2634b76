"""Batch orders and mixing weights, made on the host: `jax.random.permutation` costs five epochs of a small network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
    seeds: tuple[int, ...], first_epoch: int, epochs: int, rows: int, *, length: int
) -> npt.NDArray[np.int32]:
    """Return the batch orders of a chunk, zero-padded to the compiled length.

    Shape:
        (length, lanes, rows); entries from `epochs` on are zeros and never used.
    """
    orders = np.zeros((length, len(seeds), rows), np.int32)
    for offset in range(epochs):
        for lane, seed in enumerate(seeds):
            orders[offset, lane] = batch_order(seed, first_epoch + offset, rows)
    return orders


def chunk_mixes(
    seeds: tuple[int, ...], first_epoch: int, epochs: int, steps: int, *, alpha: float, length: int
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
        for lane, seed in enumerate(seeds):
            generator = np.random.Generator(np.random.SFC64((seed, first_epoch + offset, MIXES)))
            mixes[offset, lane] = generator.beta(alpha, alpha, steps)
    return mixes
