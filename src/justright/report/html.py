"""A summary as one HTML file that needs neither network nor server, and says the essential without scripts too."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from justright.diagnosis.words import formats
from justright.report import charts, effects, figures, tables
from justright.report.histograms import histogram_cells
from justright.report.more_data import scaling_table
from justright.report.palette import DARK, LIGHT
from justright.report.texts import drawable, printable

if TYPE_CHECKING:
    import jinja2

TEMPLATE = "template.html.jinja"
SCRIPT = "report.js"
STYLE = "report.css"
CLIP_PATH = re.compile(r"(?<=id=\")clip\d+(?=\")|(?<=url\(#)clip\d+(?=\))")
# What could end a <script> element or a JavaScript string in some parser; JSON reads the escapes as the characters.
UNSAFE_IN_SCRIPT = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def render_html(summary: Mapping[str, Any]) -> str:
    """Return the summary as a self-contained HTML page: no address in it is ever loaded.

    Everything from outside is escaped, and the page's own security policy runs no script but the two it came with.
    Charts are drawn twice: as SVG in the page, for readers and printers without scripts, and live by Vega.

    Args:
        summary: what `summarise` returned.
    """
    summary = printable(summary)
    data = page_data(summary)
    scripts = [_library(), _resource(SCRIPT)]
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            summary=summary,
            heading=tables.heading(summary),
            rows=tables.verdict_rows(summary),
            reference=tables.reference_row(summary),
            runs={
                variant["name"]: tables.run_rows(variant, summary["loss"]) for variant in summary["variants"]
            },
            effects=effects.effect_rows(summary),
            choice=effects.choice_sentence(summary),
            sizes=scaling_table(summary["data_scaling"]),
            histograms=histogram_cells(summary["table"]),
            classes=[each["name"] for each in summary["table"].get("classes") or []],
            colours=colour_variables(summary),
            charts=data["charts"],
            data=script_json({**data, "charts": _live_charts(data["charts"])}),
            scripts=scripts,
            style=_resource(STYLE),
            palette={"light": LIGHT, "dark": DARK},
            policy=security_policy(scripts),
            words=formats,
        )
    )


def page_data(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page's charts are made of: `curves` (data), `views` (charts of curves) and `charts`, by id."""
    curves = {kind: _curve_data(summary, summary[kind]) for kind in ("loss", "score")}
    drawn = {chart["id"]: chart for chart in page_charts(summary, curves)}
    return {"curves": curves, "views": curve_views(summary, curves), "charts": drawn}


def script_json(value: object) -> str:
    r"""Return JSON that stays inside a <script> element whatever text it holds.

    Example:
        >>> script_json(["</script>"])
        '["\\u003c/script\\u003e"]'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(UNSAFE_IN_SCRIPT)


def security_policy(scripts: Sequence[str]) -> str:
    """Return the content security policy of the page: these scripts by their hashes, nothing from outside."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts
    )
    # Styles: Vega and the table set them on elements, which cannot be hashed.
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def colour_variables(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return the CSS variable that colours each variant, the same in every chart and table of the page."""
    return {
        variant["name"]: f"var(--c{index % len(LIGHT) + 1})"
        for index, variant in enumerate(summary["variants"])
    }


def page_charts(summary: Mapping[str, Any], curves: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every chart of the page: {id, title, shown, view, zoom, rows, svg, has_fixed}.

    `view` is a Vega-Lite chart and `rows` its data; figures of training curves have 'curves' and None there: they
    share charts and data. `zoom` maps 'loss' and 'score' to the y-range that opens and the full one; `svg` is what
    the figure opens with, drawn without a browser.

    Args:
        summary: what `summarise` returned.
        curves: 'loss' and 'score' -> {lines, best}.
    """
    colours = colour_variables(summary)
    drawn: list[dict[str, Any] | None] = []
    if curves["loss"]["lines"]:
        picture = _curve_chart(summary, curves, "loss", "log", is_live=False)
        drawn += [
            _curve_figure(summary, figure, curves, picture) for figure in figures.curve_figures(summary)
        ]
    drawn += [_rates(summary), *(_effects(summary, steps=steps) for steps in (False, True))]
    drawn.append(_scaling(summary, colours))
    return [chart for chart in drawn if chart is not None]


def curve_views(summary: Mapping[str, Any], curves: Mapping[str, Any]) -> dict[str, Any]:
    """Return the charts a reader can choose between in every figure of training curves: 'loss log', 'score linear' ..."""
    return {
        f"{kind} {axis}": _curve_chart(summary, curves, kind, axis, is_live=True)
        for kind in ("loss", "score")
        for axis in ("log", "linear")
    }


def _curve_data(summary: Mapping[str, Any], metric: str) -> dict[str, Any]:
    lines = figures.curve_lines(summary, metric)
    return {"lines": lines, "best": figures.best_points(summary, metric)}


def _curve_figure(
    summary: Mapping[str, Any],
    figure: Mapping[str, Any],
    curves: Mapping[str, Any],
    picture: Mapping[str, Any],
) -> dict[str, Any]:
    """Return one figure of training curves; `picture` is the chart to draw without a browser."""
    shown = set(figure["shown"])
    kept = {
        kind: {name: [each for each in items if each["v"] in shown] for name, items in data.items()}
        for kind, data in curves.items()
    }
    zoom = {}
    for kind, data in kept.items():
        ranges = figures.opening_range(data["lines"], is_share=formats.is_share(summary[kind]))
        if ranges is not None:
            zoom[kind] = {"opening": ranges[0], "full": ranges[1]}
    low, high = zoom["loss"]["opening"] if "loss" in zoom else (0, 1)
    lines = [line for line in kept["loss"]["lines"] if line["k"] != "fixed"]
    spec = charts.with_params(picture, low=low, high=high)
    svg = _draw(figure["id"], spec, {"lines": figures.as_rows(lines), "best": kept["loss"]["best"]})
    has_fixed = any(line["k"] == "fixed" for line in curves["loss"]["lines"])
    return {**figure, "view": "curves", "zoom": zoom, "rows": None, "svg": svg, "has_fixed": has_fixed}


def _curve_chart(
    summary: Mapping[str, Any], curves: Mapping[str, Any], kind: str, axis: str, is_live: bool
) -> dict[str, Any]:
    """Return the chart of 'loss' or 'score' on a 'log' or 'linear' axis of epochs, which all figures of curves share."""
    last = max((line["x"][-1] for data in curves.values() for line in data["lines"]), default=0)
    return charts.curve_chart(
        formats.metric_words(summary[kind]),
        colour_variables(summary),
        log_x=axis == "log",
        last_epoch=last,
        share=formats.is_share(summary[kind]),
        is_live=is_live,
    )


def _rates(summary: Mapping[str, Any]) -> dict[str, Any] | None:
    lines = figures.rate_lines(summary)
    if not lines:
        return None
    last = max(line["x"][-1] for line in lines)
    spec = charts.rate_chart([line["v"] for line in lines], last_epoch=last, log_x=False)
    return _plain_chart("rates", spec, figures.as_rows(lines))


def _effects(summary: Mapping[str, Any], *, steps: bool) -> dict[str, Any] | None:
    """Return the chart of remedies, or of the steps of a combination."""
    rows = effects.effect_lines(summary, steps=steps)
    if not rows:
        return None
    spec = charts.interval_chart(len(rows), "Difference of test loss", margin=summary["margin"])
    return _plain_chart("steps" if steps else "effects", spec, rows)


def _scaling(summary: Mapping[str, Any], colours: Mapping[str, str]) -> dict[str, Any] | None:
    rows = figures.scaling_rows(summary)
    if not rows:
        return None
    title = f"Test {formats.metric_words(summary['loss']).lower()}"
    sizes = sorted({row["x"] for row in rows})
    return _plain_chart("scaling", charts.scaling_chart(title, colours, sizes), rows)


def _plain_chart(name: str, spec: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a chart with one view and nothing to choose."""
    svg = _draw(name, spec, {"lines": rows})
    return {"id": name, "view": spec, "zoom": {}, "rows": rows, "shown": [], "svg": svg}


def _live_charts(drawn: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return of each chart what the script in the page needs."""
    return {name: {key: chart[key] for key in LIVE_KEYS} for name, chart in drawn.items()}


def _draw(name: str, spec: Mapping[str, Any], data: Mapping[str, list[dict[str, Any]]]) -> str:
    """Return the chart as SVG; what it refers to inside itself is named after the chart.

    Vega numbers its clip paths over the whole life of the process: two pages would never be the same.
    """
    import vl_convert

    quiet = {
        **spec["config"],
        "aria": False,
    }  # the figure itself is labelled; a label a point would be half the file
    whole = {**spec, "config": quiet, "datasets": {**spec.get("datasets", {}), **data}}
    svg = vl_convert.vegalite_to_svg(drawable(whole))
    numbers = {found: str(index) for index, found in enumerate(dict.fromkeys(CLIP_PATH.findall(svg)))}
    return CLIP_PATH.sub(lambda match: f"{name}-clip{numbers[match[0]]}", svg)


@cache
def _library() -> str:
    """Return the JavaScript of Vega, Vega-Lite and Vega-Embed."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle


@cache
def _resource(name: str) -> str:
    return files("justright.report").joinpath(name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


LIVE_KEYS = ("view", "zoom", "rows", "shown")
