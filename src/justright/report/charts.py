"""Vega-Lite charts, made with Altair: plain dicts that refer to colours of the page, and to data by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from justright.report.palette import page_colours

if TYPE_CHECKING:
    import altair

WIDTH = 720  # pixels of the picture made without a browser; a browser takes the width it has
HEIGHT = 340
ROW_HEIGHT = 30  # pixels for each interval
# Epochs a logarithmic axis names. The axis is symmetric-logarithmic in the epoch, log(1 + epoch): epoch 0 has a place.
LOG_TICKS = (0, *(digit * 10**power for power in range(6) for digit in (1, 2, 5)), 1_000_000)
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
# Colours are the page's own variables, so that a chart follows the theme without being drawn again, on paper too.
INK, MUTED, GRID, PAPER = "var(--ink)", "var(--muted)", "var(--grid)", "var(--paper)"
CONFIG = {
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "gridColor": GRID,
        "labelColor": MUTED,
        "labelFontSize": 12,
        "labelPadding": 6,
        "tickColor": GRID,
        "ticks": False,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 10,
    },
}
EPOCH_EXPRESSION = "datum.k == 'val' || datum.k == training"  # what a curve chart draws


def curve_chart(
    title: str, colours: Mapping[str, str], *, log_x: bool, last_epoch: int, share: bool
) -> dict[str, Any]:
    """Return the chart of a metric against epochs, over data named `lines` and `best`.

    Its parameters are `training` ('train' or 'fixed'), `low` and `high` (the y-range).

    Args:
        title: the metric in words.
        colours: name of each variant -> CSS colour.
        log_x: whether epochs are spaced as log(1 + epoch).
        last_epoch: the largest epoch of the data.
        share: whether values are shares of rows, to print as percentages.
    """
    import altair as alt

    x = _epoch_axis(last_epoch, log_x=log_x)
    scale = alt.Scale(domain=[alt.ExprRef("low"), alt.ExprRef("high")], nice=False)
    y = alt.Y("y:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6, format=".0%" if share else ""))
    colour = alt.Color("v:N", scale=_colour_scale(colours), legend=None)
    dash = alt.StrokeDash(
        "k:N", scale=alt.Scale(domain=["train", "fixed", "val"], range=[[1, 0], [1, 0], [5, 3]]), legend=None
    )
    tips = [
        alt.Tooltip("v:N", title="Variant"),
        alt.Tooltip("rows:N", title="Rows"),
        alt.Tooltip("seed:N", title="Seed"),
        alt.Tooltip("x:Q", title="Epoch", format=",.0f"),
        alt.Tooltip("y:Q", title=title, format=".1%" if share else ".4f"),
    ]
    lines = (
        alt.Chart(alt.NamedData("lines"))
        .transform_filter(EPOCH_EXPRESSION)
        .transform_calculate(
            seed="datum.s == '' ? 'mean of seeds' : datum.s",
            rows="{train: 'training', fixed: 'training, fixed subset', val: 'validation'}[datum.k]",
        )
        .encode(x=x, y=y, color=colour, strokeDash=dash)
    )
    hover = alt.selection_point(name="hover", on="pointermove", nearest=True, empty=False, clear="pointerout")
    seeds = lines.transform_filter("datum.s != ''").mark_line(opacity=0.4, strokeWidth=1, clip=True)
    means = lines.transform_filter("datum.s == ''")
    nearest = (
        means.mark_point(size=60, filled=True, clip=True)
        .encode(opacity=alt.condition(hover, alt.value(1), alt.value(0)), tooltip=tips)
        .transform_filter("datum.y >= low && datum.y <= high")
        .add_params(hover)
    )
    best = (
        alt.Chart(alt.NamedData("best"))
        .transform_calculate(seed="datum.s", rows="'validation, best epoch'")
        .mark_point(size=50, filled=True, opacity=1, stroke=PAPER, strokeWidth=1.5, clip=True)
        .encode(x=x, y=y, color=colour, tooltip=tips)
    )
    layers = alt.layer(seeds.encode(detail="s:N"), means.mark_line(strokeWidth=2, clip=True), best, nearest)
    values = {"training": "train", "low": 0, "high": 1}
    params = [alt.param(name=name, value=value) for name, value in values.items()]
    return _finished(layers.properties(width=WIDTH, height=HEIGHT).add_params(*params))


def still(spec: Mapping[str, Any], ends: Sequence[float]) -> dict[str, Any]:
    """Return a curve chart over this y-range as a picture, without the last layer, which only a pointer shows."""
    values = {"training": "train", "low": ends[0], "high": ends[1]}
    params = [{"name": name, "value": value} for name, value in values.items()]
    return {**spec, "layer": spec["layer"][:-1], "params": params}


def rate_chart(names: Sequence[str], *, last_epoch: int) -> dict[str, Any]:
    """Return the chart of learning rates against epochs, over data named `lines`; the legend names the schedules."""
    import altair as alt

    colours = page_colours(names)
    legend = alt.Legend(title=None, orient="top", labelColor=INK, labelLimit=600) if len(names) > 1 else None
    chart = (
        alt.Chart(alt.NamedData("lines"))
        .mark_line(strokeWidth=2)
        .encode(
            x=_epoch_axis(last_epoch, log_x=False),
            y=alt.Y("y:Q", title="Learning rate", axis=alt.Axis(tickCount=4, format="~g")),
            color=alt.Color("v:N", scale=_colour_scale(colours), legend=legend),
            tooltip=[
                alt.Tooltip("v:N", title="Used by"),
                alt.Tooltip("x:Q", title="Epoch"),
                alt.Tooltip("y:Q", format=".3~g"),
            ],
        )
        .properties(width=WIDTH, height=200)
    )
    return _finished(chart)


def interval_chart(rows: int, *, margin: float | None) -> dict[str, Any]:
    """Return the chart of differences of test loss over data named `lines`: {v, row (from the top), y (estimate), low, high}.

    `rows` is their number. Those between -margin and +margin are shaded as too small to matter; None shades nothing.
    """
    import altair as alt

    title = "Difference of test loss"
    x = alt.X("y:Q", title=title, axis=alt.Axis(tickCount=6))
    # By number, not by a list of names: Vega-Lite would write those into an expression, which some of them break.
    order = alt.EncodingSortField(field="row", op="min", order="ascending")
    names = alt.Axis(grid=False, labelColor=INK, labelLimit=260, labelFontSize=13)
    y = alt.Y("v:N", title=None, sort=order, axis=names)
    base = alt.Chart(alt.NamedData("lines")).encode(y=y)
    tips = [alt.Tooltip(f"{name}:Q", format="+.4f", title=word) for name, word in INTERVAL_WORDS.items()]
    tooltip = [alt.Tooltip("v:N", title="Variant"), *tips]
    blue = "var(--c1)"
    layers = [
        alt.Chart(alt.InlineData([{"y": 0}])).mark_rule(color=MUTED).encode(x="y:Q"),
        base.mark_rule(strokeWidth=2.5, color=blue).encode(x="low:Q", x2="high:Q", tooltip=tooltip),
        base.mark_point(size=80, filled=True, opacity=1, color=blue).encode(x=x, tooltip=tooltip),
    ]
    if margin:
        band = alt.Chart(alt.InlineData([{"low": -margin, "high": margin}])).mark_rect(
            color=GRID, opacity=0.6
        )
        layers.insert(0, band.encode(x=alt.X("low:Q", title=title), x2="high:Q"))
    return _finished(alt.layer(*layers).properties(width=WIDTH, height=ROW_HEIGHT * rows))


def scaling_chart(title: str, colours: Mapping[str, str], sizes: Sequence[int]) -> dict[str, Any]:
    """Return the chart of test loss against training rows, over data named `lines`: {v, x, y, low, high, kind}.

    The axis names the sizes there are, as many as there is room for.
    `kind` is 'measured' (points with intervals), 'forecast' (a dashed line and its band) or 'join' (where that begins).
    """
    import altair as alt

    x = alt.X(
        "x:Q",
        title="Training rows",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(values=list(sizes), format=",.0f", labelOverlap="greedy", grid=False),
    )
    y = alt.Y("y:Q", title=title, scale=alt.Scale(zero=False))
    colour = alt.Color("v:N", scale=_colour_scale(colours), legend=None)
    tips = [alt.Tooltip("v:N", title="Variant"), alt.Tooltip("kind:N", title="Kind")]
    tips += [alt.Tooltip("x:Q", title="Training rows", format=",.0f")]
    tips += [alt.Tooltip(f"{name}:Q", format=".4f", title=word) for name, word in INTERVAL_WORDS.items()]
    base = alt.Chart(alt.NamedData("lines")).encode(x=x, color=colour)
    measured, forecast, points = (
        base.transform_filter(f"datum.kind {test}")
        for test in ("== 'measured'", "!= 'measured'", "!= 'join'")
    )
    layers = [
        forecast.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", title=title), y2="high:Q"),
        forecast.mark_line(strokeDash=[5, 3], strokeWidth=2).encode(y=y),
        measured.mark_line(strokeWidth=2).encode(y=y),
        measured.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q"), y2="high:Q"),
        points.mark_point(size=60, filled=True, opacity=1).encode(y=y, tooltip=tips),
    ]
    return _finished(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def _epoch_axis(last_epoch: int, *, log_x: bool) -> altair.X:
    """Return the axis of epochs; its range is given, so that it stays when every variant is switched off."""
    import altair as alt

    ends = [0, max(1, last_epoch)]
    if not log_x:
        scale = alt.Scale(domain=ends, nice=False)
        return alt.X("x:Q", title="Epoch", scale=scale, axis=alt.Axis(format=",.0f", tickCount=8, grid=False))
    ticks = [tick for tick in LOG_TICKS if tick <= last_epoch]
    scale = alt.Scale(type="symlog", constant=1, domain=ends, nice=False)
    axis = alt.Axis(values=ticks, format=",.0f", grid=False, labelOverlap="greedy")
    return alt.X("x:Q", title="Epoch (log)", scale=scale, axis=axis)


def _colour_scale(colours: Mapping[str, str]) -> altair.Scale:
    import altair as alt

    return alt.Scale(domain=list(colours), range=list(colours.values()))


def _finished(chart: altair.Chart | altair.LayerChart | altair.FacetChart) -> dict[str, Any]:
    # Altair's own validation takes half a second a chart; the tests validate every one of them instead.
    spec: dict[str, Any] = chart.to_dict(validate=False)
    spec["config"] = CONFIG
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return spec


INTERVAL_WORDS = {"y": "Estimate", "low": "95 % from", "high": "to"}
