"""Batch orders, made on the host: `jax.random.permutation` costs five epochs of a small network."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def batch_order(seed: int, epoch: int, rows: int) -> npt.NDArray[np.int32]:
    """Return the order in which one epoch of one seed visits its training rows.

    Keyed by (seed, epoch) alone: chunk length, lane and worker cannot change it.

    Shape:
        (rows,), a permutation of 0..rows-1.

    Example:
        >>> batch_order(0, 3, 5)
        array([1, 3, 2, 4, 0], dtype=int32)
    """
    order = np.arange(rows, dtype=np.int32)
    np.random.Generator(np.random.SFC64((seed, epoch))).shuffle(order)
    return order


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
