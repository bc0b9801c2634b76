"""Optuna's studies and trials: what each trial reported to its pruner while it trained, a run each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.formats.tuners.optuna_storage import NOTHING, Direction, trial_run
from justright.logs.logged_run import LoggedRun
from justright.logs.objects.object_kind import ObjectKind, is_of_package, type_name


def _is_optuna(source: object) -> bool:
    return is_of_package(source, "optuna") and (
        hasattr(source, "trials") or hasattr(source, "intermediate_values")
    )


def _read(source: Any, choices: Choices) -> Iterator[LoggedRun]:  # noqa: ANN401  # of a library that may be absent
    trials = source.trials if hasattr(source, "trials") else [source]
    curved = [trial for trial in trials if trial.intermediate_values]
    if not curved:
        raise InputError(NOTHING.format(storage=f"An Optuna {type_name(source)}"))
    # A trial by itself does not say which way is better.
    direction: Direction = "more" if "MAXIMIZE" in str(getattr(source, "directions", "")) else "less"
    for trial in curved:
        reported = {float(step): float(value) for step, value in trial.intermediate_values.items()}
        yield trial_run(_name(trial), reported, direction)


def _name(trial: Any) -> str:  # noqa: ANN401  # as above
    parameters = ", ".join(f"{name}={_short(value)}" for name, value in trial.params.items())
    return f"trial {trial.number}" + (f" ({parameters})" if parameters else "")


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


OPTUNA = ObjectKind("a study or trial of Optuna that reported values", _is_optuna, _read)
