"""How runs end, and which of them count: the one place that decides it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

Outcome = Literal["finished", "stopped early", "diverged", "failed"]

OUTCOMES: tuple[Outcome, ...] = ("finished", "stopped early", "diverged", "failed")
# A run that ended otherwise is not averaged with the rest.
MEASURED_OUTCOMES: tuple[Outcome, ...] = ("finished", "stopped early")


def is_measured(outcome: str | None) -> bool:
    """Return whether a run ended by its epoch limit or stopping rule, so that its losses measure its variant.

    Example:
        >>> is_measured("stopped early"), is_measured("diverged"), is_measured(None)
        (True, False, False)
    """
    return outcome in MEASURED_OUTCOMES


def largest_size(study: Mapping[str, Any], train_rows: int) -> int:
    """Return the training rows of the runs that verdicts are about: smaller sizes tell what more rows are worth.

    Args:
        study: the plain values of a study.toml.
        train_rows: training rows of its split.

    Example:
        >>> largest_size({"train_sizes": [100, 200]}, 1_000), largest_size({}, 1_000)
        (200, 1000)
    """
    sizes: list[int] = study.get("train_sizes") or [train_rows]
    return max(sizes)


def counting_outcomes(outcomes: Iterable[str | None]) -> tuple[str, ...]:
    """Return the outcomes of the runs that a table averages, for one variant and training size.

    These are runs that ended well or, where none did, runs that diverged after a best epoch.

    Example:
        >>> counting_outcomes(["diverged", "finished"]), counting_outcomes(["diverged", "failed"])
        (('finished', 'stopped early'), ('diverged',))
    """
    return MEASURED_OUTCOMES if any(is_measured(one) for one in outcomes) else ("diverged",)
