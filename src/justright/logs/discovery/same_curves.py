"""The same curves in two formats, such as Lightning's metrics.csv beside its event file: they are one run."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from justright.logs.log_curves import Curve, LogCurves
from justright.statistics.crossed import Floats

# Event files hold 32-bit floats, and Ultralytics writes five digits.
RELATIVE = 2e-4
MIN_DECIMALS = 3  # that a console prints at least, if its rounded numbers are to identify a curve
MIN_POINTS = 3  # that must agree: fewer do so by chance, as two accuracies of 1.0
FIRST = 30  # values of a curve that tell its decimals
MOST_MISSING = 0.1  # of the longer curve: one of the two writers may have stopped first


def without_repeats(runs: Sequence[LogCurves], formats: Sequence[str]) -> list[LogCurves]:
    """Return the runs without those whose curves a run in an earlier format has, too.

    Args:
        runs: of one folder.
        formats: names of formats, the one to prefer first.
    """
    by_preference = sorted(range(len(runs)), key=lambda at: formats.index(runs[at].format))
    kept: list[int] = []
    for at in by_preference:
        others = (runs[other] for other in kept if runs[other].format != runs[at].format)
        if not any(_is_repeat(runs[at], other) for other in others):
            kept.append(at)
    return [runs[at] for at in sorted(kept)]


def _is_repeat(run: LogCurves, other: LogCurves) -> bool:
    """Return whether an evaluation curve of `run`, or any if it has none, is in `other`."""
    mine = [curve for curve in run.curves if curve.role != "train"] or list(run.curves)
    return any(_agree(a, b) for a in mine if a.direction for b in other.curves if b.direction)


def _agree(one: Curve, other: Curve) -> bool:
    shorter, longer = sorted((_finite(one), _finite(other)), key=len)
    if len(shorter) < max(MIN_POINTS, (1 - MOST_MISSING) * len(longer)):
        return False
    if (
        min(len(np.unique(shorter)), len(np.unique(longer))) < MIN_POINTS
    ):  # such as an accuracy that stays at 1
        return False
    decimals = min(_decimals(shorter), _decimals(longer))
    rounding = 0.51 * 10.0**-decimals if decimals >= MIN_DECIMALS else 0.0
    return bool(np.allclose(shorter, longer[: len(shorter)], rtol=RELATIVE, atol=rounding))


def _finite(curve: Curve) -> Floats:
    return curve.values[np.isfinite(curve.values)]


def _decimals(values: Floats) -> int:
    """Return how many decimals numbers were written with, as far as the first of them tell.

    Example:
        >>> _decimals(np.array([0.5, 0.4375, 0.4]))
        4
    """
    exponents = (Decimal(repr(float(value))).as_tuple().exponent for value in values[:FIRST])
    return max(-exponent for exponent in exponents if isinstance(exponent, int))
