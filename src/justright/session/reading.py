"""`diagnose`: what the log of a run that is over says, and the reading in every form in which people want it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.formats.registry import read_logs
from justright.logs.judge_run import judge_runs
from justright.logs.log_curves import LogCurves
from justright.logs.objects.registry import curves_in
from justright.logs.run_reading import Advice, CurveLabel, Finding, RunReading


@dataclass(frozen=True, slots=True)
class Reading:
    """What a log says.

    Args:
        runs: every run in it, the one that counts first: a later run before those that it replaced.
        refused: files of the log that could not be read, one sentence each.
    """

    runs: tuple[RunReading, ...]
    refused: tuple[str, ...] = ()

    @property
    def run(self) -> RunReading:
        """The run that counts; where there are several of their own, the first."""
        return self.runs[0]

    @property
    def label(self) -> CurveLabel:
        """Its label."""
        return self.run.label

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        return self.run.sentence

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in it, the most important first."""
        return self.run.findings

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What to do, what its log shows before what holds in general."""
        return self.run.advice

    def to_dict(self) -> list[dict[str, Any]]:
        """Return all runs as plain values for JSON."""
        return [run.to_dict() for run in self.runs]


def diagnose(
    source: Any,  # noqa: ANN401  # what other libraries return
    *,
    train: str | None = None,
    validation: str | Sequence[str] | None = None,
    step: str | None = None,
    epoch: str | None = None,
    metric: str | None = None,
    maximize: Sequence[str] = (),
    minimize: Sequence[str] = (),
    run: str | None = None,
) -> Reading:
    """Return what a training log says.

    Args:
        source: path of a log (file or folder), or an object that holds curves: Keras' History or its dict; a dict, list, array or
            data frame of metrics; a fitted estimator of XGBoost, LightGBM, CatBoost or scikit-learn; a trainer of Hugging Face,
            Lightning or fastai; Ray's Result; or a list or dict of such objects, a run each.
        train: the series measured on training rows, where its name does not tell.
        validation: the series, or sets of them, measured on validation rows, the first to be judged first.
        step: the column, key or tag that counts steps.
        epoch: that which counts epochs.
        metric: the metric to judge, instead of the loss.
        maximize: metrics of which more is better.
        minimize: metrics of which less is better.
        run: the run to judge, of several in one log.

    Raises:
        InputError: it cannot be read, or holds no curves.
    """
    choices = Choices(
        train=train,
        validation=(validation,) if isinstance(validation, str) else tuple(validation or ()),
        step=step,
        epoch=epoch,
        metric=metric,
        maximize=tuple(maximize),
        minimize=tuple(minimize),
        run=run,
    )
    curves = curves_in(source, choices)
    return read_path(source, choices) if curves is None else reading_of(curves)


def read_path(path: str | Path, choices: Choices = NO_CHOICES) -> Reading:
    """Return what the training log at a path says; see `diagnose`.

    Raises:
        InputError: it cannot be read, or holds no curves.
    """
    logged = read_logs(path, choices)
    return reading_of(logged.curves, logged.refused)


def reading_of(curves: Sequence[LogCurves], refused: tuple[str, ...] = ()) -> Reading:
    """Return what the curves of runs say, those of later runs first."""
    return Reading(tuple(sorted(judge_runs(curves), key=lambda one: one.is_earlier)), refused)
