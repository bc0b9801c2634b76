"""How the values of one stack are shared out among several devices: what training does, and what memory plans reckon with."""

from __future__ import annotations

import math
from collections.abc import Iterable

# Values from so many numbers on (64 kB) are sharded: a smaller one would save less memory than it costs messages.
SHARDED_VALUES = 2**14


def shard_axis(shape: tuple[int, ...], devices: int) -> int | None:
    """Return the axis along which a value is cut: the largest that `devices` divides, of equal ones the last.

    None keeps it whole on each device, because it is small, or because no axis can be divided.

    Example:
        >>> (
        ...     shard_axis((512, 2_048), 4),
        ...     shard_axis((512, 512), 4),
        ...     shard_axis((30_000, 3), 4),
        ...     shard_axis((512,), 4),
        ... )
        (1, 1, 0, None)
    """
    if devices == 1 or math.prod(shape) < SHARDED_VALUES:
        return None
    axes = [axis for axis, size in enumerate(shape) if size % devices == 0]
    return max(axes, key=lambda axis: (shape[axis], axis), default=None)


def values_per_device(shapes: Iterable[tuple[int, ...]], devices: int) -> int:
    """Return how many numbers of values with these shapes each device holds.

    Example:
        >>> values_per_device([(512, 2_048), (2_048,)], 4)
        264192
    """
    return sum(math.prod(shape) // (1 if shard_axis(shape, devices) is None else devices) for shape in shapes)
