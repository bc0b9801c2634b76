"""Since when a variant overfits: a few words to follow its verdict, in every report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from justright.diagnosis.words.formats import format_count, format_loss, largest_runs, mean_of

AT_THE_END = "at the end"


def since_words(variant: Mapping[str, Any], loss: str) -> str:
    """Return since when a variant overfits, or by how much at its end where no epoch can be named; else nothing.

    Args:
        variant: an entry of a summary's `variants`.
        loss: the summary's `loss`.

    Example:
        >>> verdict = {"label": "overfits", "onset_epoch": {"low": 9, "high": 105, "last": 265}}
        >>> since_words({"verdict": verdict, "runs": []}, "loss")
        'after epoch 105'
    """
    epoch = onset_epoch(variant)
    if epoch is not None:
        return f"after epoch {format_count(epoch)}"
    rise = _rise(variant, loss) if _has_onset(variant) else None
    return f"by {format_loss(rise)} {AT_THE_END}" if rise else ""


def since_short(variant: Mapping[str, Any]) -> str:
    """Return the same for a narrow column.

    Example:
        >>> verdict = {"label": "overfits", "onset_epoch": {"low": 9, "high": 265, "last": 265}}
        >>> since_short({"verdict": verdict, "runs": []})
        'at the end'
    """
    epoch = onset_epoch(variant)
    if epoch is not None:
        return f"after {format_count(epoch)}"
    return AT_THE_END if _has_onset(variant) else ""


def onset_epoch(variant: Mapping[str, Any]) -> int | None:
    """Return the last good epoch of a variant that overfits; None where nothing was measured after it."""
    if not _has_onset(variant):
        return None
    onset = variant["verdict"]["onset_epoch"]
    last = onset.get("last")
    if last is None:  # judged by a version that did not say
        last = min(
            (run["epochs"] - 1 for run in largest_runs(variant) if run["outcome"]), default=onset["high"]
        )
    return int(onset["high"]) if onset["high"] < last else None


def _has_onset(variant: Mapping[str, Any]) -> bool:
    verdict = variant["verdict"]
    onset = verdict["onset_epoch"]
    return bool(verdict["label"] == "overfits" and onset and onset.get("high") is not None)


def _rise(variant: Mapping[str, Any], loss: str) -> float | None:
    """Return how much the loss rose from the best to the last epoch, on test rows or else on validation rows."""
    runs = largest_runs(variant)
    for first, last, name in (("test", "test_last", loss), ("best", "last", f"val_{loss}")):
        ends = [(run[first].get(name), run[last].get(name)) for run in runs]
        rise = mean_of(b - a for a, b in ends if a is not None and b is not None)
        if rise is not None:
            return rise if rise > 0 else None
    return None
