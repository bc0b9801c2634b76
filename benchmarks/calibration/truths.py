"""What is true of a verdict: how much every alternative truly gains, and so what the network truly is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.calibration.studies import DrawnStudy
from justright.diagnosis.labels import JUST_RIGHT, OVERFITS, UNDERFITS
from justright.diagnosis.verdicts import Verdict

Record = Mapping[str, Any]
Truth = Callable[[np.ndarray], float]  # (all seeds,) true values -> the true one


def verdict_record(study: DrawnStudy, verdict: Verdict, margin: float) -> dict[str, Any]:
    """Return a verdict beside its truth, all sizes in margins.

    The truth is the mean over all seeds of a world; a verdict of one seed is also held against this one network (`own`).
    """
    found, end = verdict.found, verdict.end
    return {
        "variant": verdict.variant,
        "label": verdict.label,
        "also": verdict.also,
        "names": _named(verdict),
        "is_cut_short": found.is_cut_short,
        "command": verdict.action.command if verdict.action else "",
        "is_measured": [found.is_measured_towards("freer"), found.is_measured_towards("tighter")],
        "found": [one.is_better for one in found.variants],
        "has_risen": end.has_risen,
        "falls": None if found.longer_training is None else _state(found.longer_training),
        "truth": _truth(study, verdict, margin, lambda values: float(values.mean())),
        "own": _truth(study, verdict, margin, study.truth) if len(study.seeds) == 1 else None,
    }


def true_label(truth: Record) -> str:
    """Return what a network truly is, by the largest true gain in each direction; a margin is 1.

    Example:
        >>> true_label({"freer": 3.0, "tighter": 1.5}), true_label({"freer": 0.2, "tighter": None})
        ('underfits', 'just right')
    """
    freer, tighter = truth["freer"] or 0.0, truth["tighter"] or 0.0
    if max(freer, tighter) <= 1:
        return JUST_RIGHT.name
    return UNDERFITS.name if freer > tighter else OVERFITS.name


def is_true(label: str, truth: Record) -> bool:
    """Return whether a label is true: something in its direction truly gains more than the margin, or nothing does.

    Example:
        >>> (
        ...     is_true("overfits", {"freer": 3.0, "tighter": 1.5}),
        ...     is_true("just right", {"freer": 3.0, "tighter": None}),
        ... )
        (True, False)
    """
    freer, tighter = (truth["freer"] or 0.0) > 1, (truth["tighter"] or 0.0) > 1
    return {OVERFITS.name: tighter, UNDERFITS.name: freer, JUST_RIGHT.name: not (freer or tighter)}[label]


def _truth(study: DrawnStudy, verdict: Verdict, margin: float, of: Truth) -> dict[str, Any]:
    """Return the true gains of all alternatives in margins, the largest in each direction, and the true rise."""
    name = verdict.variant
    gains = [
        (one.direction, of(study.true_losses(name) - study.true_losses(one.name)) / margin)
        for one in verdict.found.variants
    ]
    rise = of(study.true_rises(name)) / margin
    longer = float(study.longer[name].mean()) / margin if name in study.longer else None
    towards = {
        "tighter": [gain for direction, gain in gains if direction == "tighter"] + [rise],
        "freer": [gain for direction, gain in gains if direction == "freer"]
        + [longer] * (longer is not None),
    }
    largest = {direction: max(found, default=None) for direction, found in towards.items()}
    return {"gains": gains, "rise": rise, "longer": longer, **largest}


def _named(verdict: Verdict) -> str | None:
    """Return the kind of the alternative that decided the label; None where nothing did."""
    deciding = {OVERFITS.name: verdict.tighter, UNDERFITS.name: verdict.freer}.get(verdict.label)
    return deciding and deciding.kind


def _state(one: Any) -> str:
    return "better" if one.is_better else "excluded" if one.is_excluded else "open"
