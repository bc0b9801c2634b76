"""What a callback is asked to do, the same for every library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from justright.errors import InputError, check_each_of, raise_together
from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.run_reading import CurveLabel

DEFAULT_PATIENCE = 3
LABELS: tuple[CurveLabel, ...] = get_args(CurveLabel)


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What a callback is asked to do.

    Args:
        stop_on: labels at which training stops; empty: it never does.
        patience: for how many epochs or validations in a row the label must be one of those.
        every: judge after this many epochs or validations; on a long run fewer, since little changes from one to the next.
        verbose: 0 says nothing, 1 a line when the verdict changes, 2 a line at every judgement.
        choices: what the names of the metrics do not tell.

    Raises:
        InputError: a value is not allowed; the message names all that are not.
    """

    stop_on: tuple[CurveLabel, ...] = ()
    patience: int = DEFAULT_PATIENCE
    every: int = 1
    verbose: int = 1
    choices: Choices = NO_CHOICES

    def __post_init__(self) -> None:
        raise_together(
            lambda: check_each_of("stop_on", self.stop_on, LABELS),
            lambda: _check_count("patience", self.patience),
            lambda: _check_count("every", self.every),
            lambda: check_verbose(self.verbose),
        )


def live_options(
    *,
    stop_on: str | Sequence[str],
    patience: int,
    every: int,
    verbose: int,
    monitor: str | None,
    maximize: str | Sequence[str],
    minimize: str | Sequence[str],
) -> LiveOptions:
    """Return the options of a callback's arguments; a single name may stand for a list of one.

    Raises:
        InputError: a value is not allowed.
    """
    choices = Choices(metric=monitor, maximize=_names(maximize), minimize=_names(minimize))
    return LiveOptions(_names(stop_on), patience, every, verbose, choices)  # type: ignore[arg-type]  # checked there


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"`{name}` must be a whole number from 1 on; got {value!r}.")


def check_verbose(value: object) -> None:
    """Raise InputError unless `value` says how much a callback prints."""
    if value not in (0, 1, 2):
        raise InputError(f"`verbose` must be 0, 1 or 2; got {value!r}.")
