"""What Keras Tuner writes about a trial, trial_ID/trial.json: what was tried, and the metrics that the tuner was told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from justright.errors import InputError
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import Source

TRIAL_FILE = "trial.json"
# Hyperparameters of Hyperband's own: how long a trial trains, and which trial it goes on from.
OF_TUNER = "tuner/"
SAME = 1e-5  # relative: event files hold float32, trial.json what Keras' History holds
AVERAGED = "Values are means over {count:,} executions."

# Epochs of one metric: epoch -> value.
Points = Mapping[float, float]


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial.

    Args:
        id: its name in the project.
        values: its hyperparameters, those of the tuner included.
        metrics: metric in Keras' words -> its points, means over executions.
        rising: metrics of which more is better.
        score: the objective's best value; NaN if there is none.
        executions: how many values the tuner was told for each point.
    """

    id: str
    values: Mapping[str, Any]
    metrics: Mapping[str, Points]
    rising: frozenset[str]
    score: float
    executions: int

    @classmethod
    def of_source(cls, source: Source) -> Self:
        """Return the trial in a file.

        Raises:
            InputError: it holds none.
        """
        try:
            told = source.value["metrics"]["metrics"]
            points = {
                str(name): {
                    float(one["step"]): [float(value) for value in one["value"]]
                    for one in history["observations"]
                }
                for name, history in told.items()
            }
            score = source.value.get("score")
            return cls(
                str(source.value["trial_id"]),
                dict(source.value["hyperparameters"]["values"]),
                {
                    name: {step: _mean(values) for step, values in steps.items()}
                    for name, steps in points.items()
                    if steps
                },
                frozenset(str(name) for name, history in told.items() if history.get("direction") == "max"),
                math.nan if score is None else float(score),
                max((len(values) for steps in points.values() for values in steps.values()), default=0),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(
                f"A trial of Keras Tuner must hold its hyperparameters and metrics; {source.name!r} does not. "
                "Copy it again from where it was written."
            ) from None

    @property
    def name(self) -> str:
        """Its run's name, with the hyperparameters that the user chose."""
        words = [
            f"{name}={_short(value)}" for name, value in self.values.items() if not name.startswith(OF_TUNER)
        ]
        return f"trial {self.id}" + (f" ({', '.join(words)})" if words else "")

    @property
    def first_epoch(self) -> int:
        """The epoch at which it begins: Hyperband goes on with trials that another one began."""
        return int(self.values.get(f"{OF_TUNER}initial_epoch") or 0)

    @property
    def parent(self) -> str:
        """The trial whose weights it begins with; empty if it begins afresh."""
        return str(self.values.get(f"{OF_TUNER}trial_id") or "") if self.first_epoch else ""

    def curve(self) -> LoggedRun | None:
        """Return what the tuner was told while it trained; None if that is one epoch, as all of Keras Tuner's own tuners do."""
        if max(map(len, self.metrics.values()), default=0) < 2:
            return None
        series = [
            Series(
                name,
                sorted(points),
                [points[step] for step in sorted(points)],
                direction="more" if name in self.rising else None,
            )
            for name, points in self.metrics.items()
        ]
        notes = (AVERAGED.format(count=self.executions),) if self.executions > 1 else ()
        return LoggedRun(self.name, series, notes=notes, tool="network")


def is_trial(source: Source) -> bool:
    """Return whether a text file is a trial's, by its content."""
    return (
        source.is_json
        and isinstance(source.value, dict)
        and {"trial_id", "hyperparameters", "metrics", "best_step"} <= source.value.keys()
    )


def objective_of(trials: Iterable[Trial]) -> str:
    """Return the metric that the trials' scores are values of; empty if none is."""
    scored = [trial for trial in trials if math.isfinite(trial.score)]
    shared = [
        name
        for name in (scored[0].metrics if scored else ())
        if all(
            any(same(trial.score, value) for value in trial.metrics.get(name, {}).values())
            for trial in scored
        )
    ]
    return shared[0] if shared else ""


def same(one: float, other: float) -> bool:
    """Return whether two values are the same but for rounding."""
    return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME**2)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
