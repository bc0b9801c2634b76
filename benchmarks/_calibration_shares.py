"""Shares of studies, with standard errors over the worlds that they come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np


def is_covered(low: float, high: float, truth: float) -> bool:
    """Return whether an interval covers; ends and truth may all be equal, as of a run that ended at its best epoch.

    Example:
        >>> is_covered(0.0, 0.0, 1e-9), is_covered(-1.0, 1.0, 2.0)
        (True, False)
    """
    return low - 1e-7 <= truth <= high + 1e-7


def share(values: Iterable[bool], clusters: Iterable[Any]) -> str:
    """Return a share in per cent with its standard error over clusters, whose members are not independent.

    Example:
        >>> share([True, True, False, False], [0, 0, 1, 1])
        '50.0 ± 50.0 (4)'
    """
    sums: dict[Any, list[int]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster].append(int(value))
    count = sum(map(len, sums.values()))
    if not count:
        return "-"
    mean = sum(map(sum, sums.values())) / count
    groups = len(sums)
    spread = np.array([sum(each) - mean * len(each) for each in sums.values()])
    error = np.sqrt((spread**2).sum() * groups / max(groups - 1, 1)) / count
    return f"{100 * mean:.1f} ± {100 * error:.1f} ({count:,})"
