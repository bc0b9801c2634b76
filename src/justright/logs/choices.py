"""What a user says about a log whose names do not tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choices:
    """Names in a log, and what they are; None and empty leave it to the names.

    Args:
        train: the series that was measured on training rows, or the name of a set of series.
        validation: those measured on validation rows, the first to be judged first.
        step: the column, key or tag that counts steps.
        epoch: that which counts epochs.
        metric: the metric to judge, instead of the loss.
        maximize: metrics of which more is better.
        minimize: metrics of which less is better.
        columns: names of the columns of a table that has no header.
        run: the run to judge, of several in one log.
    """

    train: str | None = None
    validation: tuple[str, ...] = ()
    step: str | None = None
    epoch: str | None = None
    metric: str | None = None
    maximize: tuple[str, ...] = ()
    minimize: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    run: str | None = None


NO_CHOICES = Choices()
