"""The same curves in two formats, such as Lightning's metrics.csv beside its event file: they are one run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from justright.logs.log_curves import Curve, LogCurves
from justright.statistics.crossed import Floats

# Text logs may round: Ultralytics writes five digits, event files hold 32-bit floats.
RELATIVE = 2e-4
MIN_POINTS = 3  # that must agree: fewer do so by chance, as two accuracies of 1.0
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
    if len(shorter) < max(MIN_POINTS, (1 - MOST_MISSING) * len(longer)) or np.ptp(shorter) == 0:
        return False
    return bool(np.allclose(shorter, longer[: len(shorter)], rtol=RELATIVE, atol=0.0))


def _finite(curve: Curve) -> Floats:
    return curve.values[np.isfinite(curve.values)]
