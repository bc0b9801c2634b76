"""The same curves in two formats, such as Lightning's metrics.csv beside its event file: they are one run."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from justright.logs.log_curves import LogCurves
from justright.statistics.crossed import Floats

# Event files hold 32-bit floats, and Ultralytics writes five digits.
RELATIVE = 2e-4
MIN_DECIMALS = 3  # that a console prints at least, if its rounded numbers are to identify a curve
MIN_POINTS = 3  # that must agree: fewer do so by chance, as two accuracies of 1.0
FIRST = 30  # values of a curve that tell its decimals
MOST_MISSING = 0.1  # of the longer curve: one of the two writers may have stopped first


class _Known(NamedTuple):
    """A curve's finite values, and with how many decimals they were written."""

    is_training: bool
    values: Floats
    decimals: int


def without_repeats(runs: Sequence[LogCurves], formats: Sequence[str]) -> list[LogCurves]:
    """Return the runs without those whose curves a run in an earlier format has, too.

    Args:
        runs: of one folder.
        formats: names of formats, the one to prefer first.
    """
    if len({run.format for run in runs}) < 2:
        return list(runs)
    known = [_known(run) for run in runs]
    kept: list[int] = []
    for at in sorted(range(len(runs)), key=lambda at: formats.index(runs[at].format)):
        others = (known[other] for other in kept if runs[other].format != runs[at].format)
        if not any(_is_repeat(known[at], other) for other in others):
            kept.append(at)
    return [runs[at] for at in sorted(kept)]


def _known(run: LogCurves) -> list[_Known]:
    """Return the curves of a run that can be recognised: measures of success with values of their own."""
    known = []
    for curve in run.curves:
        values = curve.values[np.isfinite(curve.values)]
        if (
            curve.direction and len(np.unique(values)) >= MIN_POINTS
        ):  # none such as an accuracy that stays at 1
            known.append(_Known(curve.role == "train", values, _decimals(values)))
    return known


def _is_repeat(run: Sequence[_Known], other: Sequence[_Known]) -> bool:
    """Return whether an evaluation curve of `run`, or any if it has none, is in `other`."""
    mine = [one for one in run if not one.is_training] or run
    return any(_agree(one, another) for one in mine for another in other)


def _agree(one: _Known, other: _Known) -> bool:
    shorter, longer = sorted((one.values, other.values), key=len)
    if len(shorter) < (1 - MOST_MISSING) * len(longer):
        return False
    decimals = min(one.decimals, other.decimals)
    rounding = 0.51 * 10.0**-decimals if decimals >= MIN_DECIMALS else 0.0
    first, again = float(shorter[0]), float(longer[0])
    if abs(first - again) > rounding + RELATIVE * abs(again):  # most curves differ at once
        return False
    return bool(np.allclose(shorter, longer[: len(shorter)], rtol=RELATIVE, atol=rounding))


def _decimals(values: Floats) -> int:
    """Return how many decimals numbers were written with, as far as the first of them tell.

    Example:
        >>> _decimals(np.array([0.5, 0.4375, 0.4]))
        4
    """
    exponents = (Decimal(repr(float(value))).as_tuple().exponent for value in values[:FIRST])
    return max(-exponent for exponent in exponents if isinstance(exponent, int))
