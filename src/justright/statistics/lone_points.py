"""Single points far from their neighbours on both sides."""

from __future__ import annotations

import numpy as np

from justright.statistics.crossed import Floats
from justright.statistics.jitter import NORMAL_MAD

FEWEST = 16  # of fewer points none can be told from a turn; `rises` leaves each out in turn instead
# In robust standard deviations: ordinary noise has 1 in 26 million beyond, and a spike of 8 of the noise is there.
FAR = 5.5
MOST = 10  # one point in so many
# Times the spread of its four neighbours: the lowest point of a sharp turn lies one spread outside of them at most.
OUTSIDE = 1.5
LEAST = 1e-9  # of the range: below is arithmetic


def lone_points(values: Floats) -> list[int]:
    """Return positions of single points far from the cubic through two neighbours on each side.

    The farthest first, and the others judged without it, since it makes its neighbours look far as well. The first two
    and last two points have too few neighbours.

    Example:
        >>> curve = 0.5 + 0.001 * np.sin(np.arange(60.0) * 2)
        >>> curve[40] = 1.5
        >>> lone_points(curve)
        [40]
    """
    places = np.arange(len(values))
    found: list[int] = []
    while len(found) < len(values) // MOST and len(places) >= FEWEST:
        left = values[places]
        off = np.abs(left[2:-2] - (4 * (left[1:-3] + left[3:-1]) - left[:-4] - left[4:]) / 6)
        around = np.stack([left[:-4], left[1:-3], left[3:-1], left[4:]])
        lowest, highest = around.min(axis=0), around.max(axis=0)
        outside = np.maximum(left[2:-2] - highest, lowest - left[2:-2]) > OUTSIDE * (highest - lowest)
        limit = FAR * NORMAL_MAD * float(np.median(off)) + LEAST * float(np.ptp(values))
        # All that are far, and farther than their own neighbours, go at once: long curves have many.
        padded = np.pad(off, 2, constant_values=-1.0)
        near = np.max([padded[shift : shift + len(off)] for shift in (0, 1, 3, 4)], axis=0)
        far = np.flatnonzero((off > limit) & (off >= near) & outside)
        if not len(far):
            break
        far = far[np.argsort(off[far])[::-1]][: len(values) // MOST - len(found)]
        found += places[far + 2].tolist()
        places = np.delete(places, far + 2)
    return sorted(found)
