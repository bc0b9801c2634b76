"""Every kind of object with training curves, and reading one. A new one is a file in this folder and an entry."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from justright.errors import InputError
from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.discovery.members import MEMBER
from justright.logs.discovery.separate_runs import separate
from justright.logs.formats.registry import chosen_runs
from justright.logs.log_curves import LogCurves
from justright.logs.logged_run import LoggedRun
from justright.logs.objects.boosted_trees import BOOSTED_TREES
from justright.logs.objects.data_frames import COLUMN, DATA_FRAME
from justright.logs.objects.keras_tuners import KERAS_TUNERS
from justright.logs.objects.network_trainers import (
    FASTAI,
    HISTORY,
    HUGGING_FACE,
    LIGHTNING_TRAINER,
    RAY,
    UNFITTED_KERAS,
)
from justright.logs.objects.object_kind import ObjectKind, type_name
from justright.logs.objects.optuna_trials import OPTUNA
from justright.logs.objects.plain_numbers import ARRAY, DICT, LIST, STRUCTURED_ARRAY
from justright.logs.objects.scikit_learn import SCIKIT_LEARN

FORMAT = "object"
# What wraps an estimator that holds the curves: a search's best one.
WRAPPED = "best_estimator_"


def logged_runs_of(source: object, choices: Choices = NO_CHOICES) -> tuple[LoggedRun, ...] | None:
    """Return the runs that an object holds; None for a path.

    Args:
        source: an object of one of `OBJECT_KINDS`, or a list or dict of them, a run each.
        choices: what the user says about names in it.

    Raises:
        InputError: it is of no known kind, or holds no curves.

    Example:
        >>> [run] = logged_runs_of({"loss": [0.7, 0.5], "val_loss": [0.7, 0.6]}) or ()
        >>> [series.written for series in run.series]
        ['loss', 'val_loss']
    """
    if isinstance(source, (str, os.PathLike)):
        return None
    try:
        runs = tuple(_read(source, choices))
    except RecursionError:  # a list that holds itself, too
        raise InputError(
            f"`source` must be a few levels of dicts and lists; the {type_name(source)} is nested too deep."
        ) from None
    if not any(series.values for run in runs for series in run.series):
        raise InputError(f"`source` must hold curves; the {type_name(source)} holds no values.")
    return runs


def curves_in(source: object, choices: Choices = NO_CHOICES) -> tuple[LogCurves, ...] | None:
    """Return the curves of every run that an object holds; None for a path.

    Raises:
        InputError: it is of no known kind, or holds no curves.
    """
    runs = logged_runs_of(source, choices)
    if runs is None:
        return None
    parts = [part for run in runs for part in separate(run)]
    return tuple(chosen_runs([LogCurves.of_run(part, FORMAT, choices) for part in parts], choices))


def object_summaries() -> str:
    """Return the kinds in words, for messages and help texts."""
    return "; ".join(one.summary for one in OBJECT_KINDS if one.summary)


def _read(source: Any, choices: Choices) -> Iterator[LoggedRun]:  # noqa: ANN401  # of any library
    if members := _members(source):
        for name, one in members.items():
            for run in _read(one, choices):
                yield _as_member(run, name, source)
        return
    held = _unwrapped(source)
    kind = _kind_of(held)
    if kind is None:
        raise InputError(
            f"`source` must be a path, or hold training curves: {object_summaries()}; got {type_name(source)}. "
            "Pass {'loss': [...], 'val_loss': [...]}."
        )
    yield from kind.read(held, choices)


def _unwrapped(source: Any) -> Any:  # noqa: ANN401  # of any library
    """Return the estimator inside a search or at the end of a pipeline of scikit-learn; other objects as they are."""
    source = getattr(source, WRAPPED, source)
    steps = getattr(source, "steps", None)
    return steps[-1][1] if isinstance(steps, list) and steps and isinstance(steps[-1], tuple) else source


def _kind_of(source: object) -> ObjectKind | None:
    return next((kind for kind in OBJECT_KINDS if kind.matches(source)), None)


def _members(source: object) -> dict[str, Any]:
    """Return name -> object of a list or dict of objects other than lists, dicts and numbers; else nothing."""
    if isinstance(source, Mapping):
        named = {str(name): one for name, one in source.items()}
    elif isinstance(source, (list, tuple)):
        named = {str(number): one for number, one in enumerate(source)}
    else:
        return {}
    return named if named and all(_kind_of(one) in RUN_KINDS for one in named.values()) else {}


def _as_member(run: LoggedRun, name: str, source: object) -> LoggedRun:
    """Return a run of a list or dict of them, under its own name; folds and seeds of one experiment are said to be such."""
    if isinstance(source, Mapping) and MEMBER.fullmatch(name):
        return replace(run, name=name, member=name, group=type_name(source))
    return replace(run, name=name if isinstance(source, Mapping) else f"{run.name} {name}")


# Tried in this order: the specific before the general.
OBJECT_KINDS: tuple[ObjectKind, ...] = (
    DATA_FRAME,
    COLUMN,
    BOOSTED_TREES,
    HUGGING_FACE,
    HISTORY,
    UNFITTED_KERAS,
    LIGHTNING_TRAINER,
    FASTAI,
    RAY,
    OPTUNA,
    KERAS_TUNERS,
    SCIKIT_LEARN,
    STRUCTURED_ARRAY,
    ARRAY,
    DICT,
    LIST,
)
# Kinds of which a list or dict may hold several, a run each.
RUN_KINDS = (
    DATA_FRAME,
    BOOSTED_TREES,
    HUGGING_FACE,
    HISTORY,
    LIGHTNING_TRAINER,
    FASTAI,
    RAY,
    OPTUNA,
    KERAS_TUNERS,
    SCIKIT_LEARN,
)
