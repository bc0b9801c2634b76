"""The tutorial's plot of training histories, drawn with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.colours import LIGHT
from justright.errors import InputError, one_of
from justright.report.displays.plot_axes import drawable, finish
from justright.report.number_formats import metric_words
from justright.report.thinned_curves import KEYS

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

FIGURE_SIZE = (9.5, 5.0)  # inches: the shape of the tutorial's figures, and a legend beside it
# Beyond the colours there are, lines carry marks as well, so that no two variants look alike.
MARKS = ("", "o", "s", "^", "D", "v")
MARK_EVERY = 0.12  # of the line's length
FAINT = 0.22  # opacity of what lies behind a mean or a smoothed line
BAND = 0.15  # opacity of the range over seeds
# Digits that are named in every decade, for axes of up to so many decades: about a dozen numbers on any of them.
DIGITS_BY_DECADES = ((4.5, (1, 2, 5)), (6, (1, 3)), (math.inf, (1,)))

Curve = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]  # epochs, values: both (epochs,)


def plot_history(
    curves: pl.DataFrame,
    metric: str,
    *,
    smoothing_std: float = 0.0,
    variants: Sequence[str] | None = None,
    ylim: tuple[float, float] | None = None,
    log_x: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Return matplotlib Axes with `metric` against epochs: training solid, validation dashed, one colour for each variant.

    The x-axis counts *epochs trained*: the value Keras calls epoch 0 stands at 1. So the first epoch keeps its
    place on a logarithmic axis, where 0 would vanish.

    Smoothing convolves each run with a Gaussian whose standard deviation is `smoothing_std` epochs; the measured
    values stay visible, faintly, behind. Several seeds are drawn as their mean, as far as all of them trained,
    with a band from the lowest to the highest seed.
    Where there are several training sizes, the largest is drawn. Colours are safe for colour-blind readers; where there
    are more variants than colours, lines carry marks as well.

    Args:
        curves: columns `variant`, `seed`, `train_rows`, `epoch`, and the metrics.
        metric: a training metric, for instance 'binary_crossentropy'; its `val_` column is drawn dashed.
        smoothing_std: standard deviation of the Gaussian in epochs; 0 draws what was measured.
        variants: which to draw, in this order; None draws all.
        ylim: the lowest and highest value shown; None shows all.
        log_x: whether the axis of epochs is logarithmic.
        ax: where to draw; None makes a figure of its own.

    Raises:
        InputError: a metric or variant is not in `curves`, `smoothing_std` is not a finite number of at least 0, or `ylim`
            not two finite numbers, the lower one first.

    Example:
        >>> import polars as pl
        >>> frame = pl.DataFrame(
        ...     {
        ...         "variant": "Tiny",
        ...         "seed": 0,
        ...         "train_rows": 9,
        ...         "epoch": [0, 1],
        ...         "loss": [0.7, 0.6],
        ...         "val_loss": [0.7, 0.65],
        ...     }
        ... )
        >>> [line.get_label() for line in plot_history(frame, "loss").get_lines()]
        ['Tiny Train', 'Tiny Val']
    """
    names = _check(curves, metric, smoothing_std, variants)
    _check_ends(ylim)
    place: dict[str, Any] = {}
    if ax is None:  # a figure of our own has room for the legend beside the curves
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=FIGURE_SIZE, layout="constrained")
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0, "frameon": False}
    looks = _looks(curves["variant"].unique(maintain_order=True).to_list())
    for name in names:
        for column, style, role in ((metric, "-", "Train"), (f"val_{metric}", "--", "Val")):
            runs = _runs_of(curves, name, column)
            if runs:
                _draw(ax, runs, smoothing_std, looks[name] | {"linestyle": style}, f"{drawable(name)} {role}")
    ax.set_xlabel("Epochs trained")
    ax.set_ylabel(metric_words(metric))
    finish(ax)
    ax.legend(**place)
    # Plain numbers on a logarithmic axis, too: `Axes.set_xscale("log")` asks for new limits, which is told before anything
    # is drawn, and puts matplotlib's own ticks, which read 2 × 10⁰ where an axis spans few decades.
    ax.callbacks.connect("xlim_changed", _put_plain_ticks)
    if log_x:
        ax.set_xscale("log")
    _put_plain_ticks(ax)
    if ylim is not None:
        ax.set_ylim(*ylim)
    return ax


def _looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the colour of each variant, and its mark where the colours do not suffice."""
    return {
        name: {"color": LIGHT[index % len(LIGHT)], "marker": MARKS[index // len(LIGHT) % len(MARKS)]}
        for index, name in enumerate(names)
    }


def _check(
    curves: pl.DataFrame, metric: str, smoothing_std: float, variants: Sequence[str] | None
) -> list[str]:
    """Return the variants to draw, or raise the error of the first unusable argument."""
    names = [name for name in curves.columns if name not in KEYS]
    metrics = [name for name in names if not name.startswith(("val_", "fixed_"))]
    if metric not in metrics:
        raise one_of("metric", metric, metrics)
    if isinstance(smoothing_std, bool) or not 0 <= smoothing_std < float("inf"):
        raise InputError(
            f"`smoothing_std` must be a finite number of epochs, at least 0; got {smoothing_std!r}. 0 does not smooth."
        )
    known = curves["variant"].unique(maintain_order=True).to_list()
    for name in variants or ():
        if name not in known:
            raise one_of("variants", name, known)
    return list(known if variants is None else variants)


def _check_ends(ylim: tuple[float, float] | None) -> None:
    """Raise InputError unless an axis can have these ends."""
    if ylim is None:
        return
    try:
        low, high = map(float, ylim)
    except (TypeError, ValueError):
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise InputError(
            f"`ylim` must be two finite numbers, the lower one first; got {ylim!r}. Leave it out to show all values."
        )


def _runs_of(curves: pl.DataFrame, variant: str, column: str) -> list[Curve]:
    """Return (epochs, values) of each seed of `variant` at its largest training size; NaN where not measured."""
    import polars as pl

    if column not in curves.columns:
        return []
    rows = curves.filter(pl.col("variant") == variant)
    rows = rows.filter(pl.col("train_rows") == pl.col("train_rows").max()).sort("seed", "epoch")
    rows = rows.select("seed", "epoch", pl.col(column).cast(pl.Float64).fill_null(float("nan")))
    runs = [
        (part["epoch"].cast(pl.Int64).to_numpy(), part[column].to_numpy())
        for part in rows.partition_by("seed", maintain_order=True)
    ]
    return [run for run in runs if np.isfinite(run[1]).any()]


def _draw(ax: Axes, runs: list[Curve], smoothing_std: float, look: Mapping[str, Any], label: str) -> None:
    """Draw the runs of one variant and role: one labelled line, with what it summarises behind it."""
    from justright.statistics.curves import smooth

    lines = [(at, smooth(values, smoothing_std) if smoothing_std else values) for at, values in runs]
    epochs, stacked = _common([_measured(*line) for line in lines])
    behind = {"color": look["color"], "zorder": 1}
    if smoothing_std or len(runs) > 1:
        faint = {"linestyle": look["linestyle"], "alpha": FAINT, "linewidth": 0.8, "label": "_measured"}
        for at, values in (_measured(*run) for run in runs):
            ax.plot(at + 1, values, **faint, **behind)
    if len(runs) > 1:
        ax.fill_between(epochs + 1, stacked.min(0), stacked.max(0), alpha=BAND, linewidth=0, **behind)
    ax.plot(epochs + 1, stacked.mean(0), label=label, zorder=2, markersize=5, markevery=MARK_EVERY, **look)


def _measured(epochs: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> Curve:
    is_measured = np.isfinite(values)
    return epochs[is_measured], values[is_measured]


def _common(runs: list[Curve]) -> Curve:
    """Return the epochs that all runs have, and the runs' values there: (epochs,), (runs, epochs)."""
    epochs = runs[0][0]
    for other, _ in runs[1:]:
        epochs = np.intersect1d(epochs, other, assume_unique=True)
    return epochs, np.stack([values[np.isin(own, epochs)] for own, values in runs])


def _put_plain_ticks(ax: Axes) -> None:
    """Put plain ticks on a logarithmic x-axis, unless its caller chose others."""
    from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation, LogLocator, NullFormatter

    if ax.get_xscale() != "log" or type(ax.xaxis.get_major_formatter()) is not LogFormatterSciNotation:
        return
    low, high = ax.get_xlim()
    decades = math.log10(max(high, 1) / max(low, 1))
    digits = next(digits for most, digits in DIGITS_BY_DECADES if decades <= most)
    ax.xaxis.set_major_locator(LogLocator(base=10, subs=digits, numticks=20))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    )
    ax.xaxis.set_minor_formatter(NullFormatter())
