"""`diagnose`: what the log of a run that is over says, and the reading in every form in which people want it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.formats.registry import read_logs
from justright.logs.judge_run import judge_runs
from justright.logs.log_curves import LogCurves
from justright.logs.objects.registry import curves_in
from justright.logs.run_reading import Advice, CurveLabel, Finding, RunReading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PRINTED = 10  # runs


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """What a log says; printed, it is a few lines.

    Args:
        runs: every run in it, the one that counts first: a later run before those that it replaced.
        refused: files of the log that could not be read, one sentence each.
    """

    runs: tuple[RunReading, ...]
    refused: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join(
            [f"{run.name}: {run.label}. {run.sentence}" for run in self.runs[:MOST_PRINTED]]
            + [f"... and {len(self.runs) - MOST_PRINTED:,} more runs"] * (len(self.runs) > MOST_PRINTED)
        )

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

    def html(self) -> str:
        """Return a self-contained page with all curves."""
        from justright import __version__
        from justright.report.logs.log_page import render_log_html

        return render_log_html(self.runs, self.refused, version=__version__)

    def markdown(self) -> str:
        """Return the answer as Markdown, such as for a pull request."""
        from justright.report.logs.log_markdown import render_log_markdown

        return render_log_markdown(self.runs, self.refused)

    def plot(self, ax: Axes | None = None, *, set: str | None = None) -> Axes:  # noqa: A002  # the word for it everywhere
        """Return matplotlib axes with the judged curve of an evaluation set, by its title; None takes the one judged first.

        Raises:
            InputError: there is no such set, or no curve that could be drawn.
        """
        from justright.report.logs.log_plot import plot_log

        return plot_log(self.run, ax, set=set)

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, for notebooks."""
        from justright.report.notebook.shown_report import page_frame

        return page_frame(self.html(), 640, title="Reading")

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
    columns: Sequence[str] = (),
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
        columns: names of the columns of a table that has no header.
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
        columns=tuple(columns),
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
