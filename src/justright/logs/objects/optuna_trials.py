"""Optuna's studies and trials: what each trial reported to its pruner while it trained, a run each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.objects.object_kind import ObjectKind, is_of_package, type_name

# Optuna gives what is reported no name; of what a study maximises nothing more is known.
METRICS: Mapping[Literal["less", "more"], str] = {"less": "loss", "more": "objective"}
ASSUMED = "What the trial reported was taken for {what} on validation rows."


def _is_optuna(source: object) -> bool:
    return is_of_package(source, "optuna") and (
        hasattr(source, "trials") or hasattr(source, "intermediate_values")
    )


def _read(source: Any, choices: Choices) -> Iterator[LoggedRun]:  # noqa: ANN401  # of a library that may be absent
    trials = source.trials if hasattr(source, "trials") else [source]
    curved = [trial for trial in trials if trial.intermediate_values]
    if not curved:
        raise InputError(
            f"An Optuna {type_name(source)} must hold what its trials reported while they trained; none reported anything. "
            "Call `trial.report(val_loss, epoch)` after each epoch, and run the study again."
        )
    # A trial by itself does not say which way is better.
    direction: Literal["less", "more"] = (
        "more" if "MAXIMIZE" in str(getattr(source, "directions", "")) else "less"
    )
    what = "its loss" if direction == "less" else "something of which more is better,"
    for trial in curved:
        steps = sorted(trial.intermediate_values)
        series = Series(
            "reported value",
            [float(step) for step in steps],
            [float(trial.intermediate_values[step]) for step in steps],
            role="validation",
            metric=METRICS[direction],
            direction=direction,
        )
        yield LoggedRun(_name(trial), [series], notes=(ASSUMED.format(what=what),))


def _name(trial: Any) -> str:  # noqa: ANN401  # as above
    parameters = ", ".join(f"{name}={_short(value)}" for name, value in trial.params.items())
    return f"trial {trial.number}" + (f" ({parameters})" if parameters else "")


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


OPTUNA = ObjectKind("a study or trial of Optuna that reported values", _is_optuna, _read)
