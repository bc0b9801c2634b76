"""How well curves that fall up to a point and rise from there fit, for each such point."""

from __future__ import annotations

import numpy as np

from justright.statistics.crossed import Floats


def turning_errors(values: Floats) -> Floats:
    """Return the sum of squared errors of the best curve that falls up to each point and rises from there, (points,).

    A turn between two points counts for both. Least squares under order constraints by pooling adjacent violators, for
    all beginnings of the curve in one pass and all ends in another (Stout, Computational Statistics & Data Analysis 53,
    2008).

    Example:
        >>> turning_errors(np.array([3.0, 1.0, 2.0, 4.0]))
        array([0. , 0. , 0. , 0.5])
    """
    falling = _prefix_errors(-values)
    rising = _prefix_errors(-values[::-1])[::-1]
    split = falling + rising
    return np.minimum(split[:-1], split[1:])


def _prefix_errors(values: Floats) -> Floats:
    """Return the sum of squared errors of the best rising fit to the first 0, 1, 2 ... values, (points + 1,)."""
    errors = np.zeros(len(values) + 1)
    blocks: list[tuple[float, int, float]] = []  # sum, count and the errors up to the block's end
    sums = np.concatenate([[0.0], np.cumsum(values**2)])
    start = 0
    for end, value in enumerate(values.tolist(), start=1):
        total, count, start = value, 1, end - 1
        while blocks and blocks[-1][0] * count >= total * blocks[-1][1]:
            before, length, _ = blocks.pop()
            total, count, start = total + before, count + length, start - length
        so_far = blocks[-1][2] if blocks else 0.0
        errors[end] = so_far + max(float(sums[end] - sums[start]) - total**2 / count, 0.0)
        blocks.append((total, count, float(errors[end])))
    return errors
