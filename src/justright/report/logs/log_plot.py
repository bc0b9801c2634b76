"""What a log says, drawn with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from justright.colours import LIGHT
from justright.errors import InputError, one_of
from justright.logs.run_reading import RunReading
from justright.report.charts import widened
from justright.report.logs.log_panels import PAD
from justright.report.logs.log_words import format_since, format_time
from justright.report.logs.shown_curves import Panel, ShownCurve, panels, training_curves
from justright.report.number_formats import metric_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 5.6, 3.6  # inches of one panel
COLUMNS = 2
VALIDATION, ONSET, LOST, TRAINING = LIGHT[0], LIGHT[1], LIGHT[3], LIGHT[6]
MOST_CHARACTERS = 60  # of a name


def plot_log(run: RunReading, ax: Axes | None = None, *, set: str | None = None) -> Axes:  # noqa: A002  # the word for it everywhere
    """Return matplotlib axes with the judged metric of one evaluation set, training behind it.

    Args:
        run: a reading.
        ax: where to draw; None makes a figure.
        set: title of the evaluation set, such as 'validation'; None takes the one judged first. A run of which only training
            was logged has that alone.

    Raises:
        InputError: there is no such set, or no curve that could be drawn.

    Example:
        >>> plot_log(jr.diagnose("metrics.csv").run, set="test").set_xscale("log")  # doctest: +SKIP
    """
    titles = [one.title for one in run.sets]
    if set is not None and set not in titles:
        raise one_of("set", set, titles)
    chosen = [one for one in panels(run) if one.is_judged and set in (None, one.set.title)]
    training = [] if run.sets else list(training_curves(run))
    if not chosen and not training:
        raise InputError(f"A curve must have finite values to be drawn; {run.name!r} has none.")
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=(WIDTH, HEIGHT), layout="constrained")[1]
    if chosen:
        _draw_panel(ax, run, chosen[0])
    else:
        curve, shown = training[0]
        _draw_line(ax, shown, TRAINING, curve.written)
        _label(ax, run, metric_words(curve.metric))
    ax.set_title(_drawable(run.name) + f": {run.label}")
    return ax


def log_figure(run: RunReading) -> Figure:
    """Return a matplotlib figure of all metrics on all evaluation sets, made without a window.

    Raises:
        InputError: no curve could be drawn.
    """
    from matplotlib.figure import Figure

    drawn = list(panels(run))
    columns = min(COLUMNS, max(1, len(drawn)))
    rows = max(1, -(-len(drawn) // columns))
    figure = Figure(figsize=(WIDTH * columns, HEIGHT * rows), layout="constrained")
    if not drawn:
        plot_log(run, figure.subplots())
        return figure
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, panel in zip(axes, drawn, strict=False):
        _draw_panel(ax, run, panel)
        ax.set_title(
            _drawable(f"{panel.set.title}: {panel.set.label}" if panel.is_judged else panel.set.title)
        )
    for ax in axes[len(drawn) :]:
        ax.remove()
    figure.suptitle(_drawable(run.name) + f": {run.label}")
    return figure


def _draw_panel(ax: Axes, run: RunReading, panel: Panel) -> None:
    metric = panel.metric
    if metric.since is not None:
        first, last = metric.since
        ax.axvspan(
            first,
            last,
            color=ONSET,
            alpha=0.2,
            linewidth=1,
            label=f"worse since {format_since(metric.since)}",
        )
    if panel.lost_at is not None:
        label = f"not finite since {format_time(panel.lost_at)}"
        ax.axvspan(panel.lost_at, panel.span[1], color=LOST, alpha=0.2, linewidth=1, label=label)
    if panel.trained.has_points:
        _draw_line(ax, panel.trained, TRAINING, "training", is_faint=True)
    _draw_line(ax, panel.evaluated, VALIDATION, panel.set.role)
    if metric.direction is not None:
        label = f"best, {run.unit} {format_time(metric.best_at)}"
        ax.plot([metric.best_at], [metric.best], "o", color=VALIDATION, label=label)
    ax.set_ylim(*widened(*panel.ends(with_training=True), share=PAD))
    _label(ax, run, metric_words(metric.metric))


def _draw_line(ax: Axes, curve: ShownCurve, colour: str, label: str, *, is_faint: bool = False) -> None:
    alpha, width = (0.6, 1.0) if is_faint else (1.0, 1.8)
    ax.plot(curve.at, curve.values, color=colour, label=_drawable(label), alpha=alpha, linewidth=width)


def _label(ax: Axes, run: RunReading, metric: str) -> None:
    ax.set_xlabel(run.unit.capitalize())
    ax.set_ylabel(_drawable(metric))
    ax.grid(visible=True, alpha=0.3)
    ax.legend()


def _drawable(text: str) -> str:
    """Return text that matplotlib draws as it is: neither control characters nor maths."""
    from justright.report.terminal.text import UNICODE, shorten

    return shorten(text, MOST_CHARACTERS, UNICODE).replace("$", r"\$")
