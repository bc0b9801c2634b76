"""A summary as one HTML file that needs neither network nor server, and says the essential without scripts too."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from justright.report import charts, figures
from justright.report.blocks import Block, Chart, CurveFigure, visible
from justright.report.drawable_text import drawable, printable
from justright.report.number_formats import is_share, metric_words
from justright.report.palette import DARK, LIGHT, page_colours
from justright.report.sections.provenance import heading
from justright.report.sections.registry import shown_sections
from justright.report.summary import Summary

if TYPE_CHECKING:
    import jinja2

Kind = Literal["loss", "score"]
Curves = dict[Kind, dict[str, list[dict[str, Any]]]]  # of each kind `lines` and `best`
KINDS: tuple[Kind, ...] = ("loss", "score")  # of metrics that a figure of curves shows
TEMPLATE = "template.html.jinja"
SCRIPT = "report.js"
STYLE = "report.css"
CLIP_PATH = re.compile(r"(?<=id=\")clip\d+(?=\")|(?<=url\(#)clip\d+(?=\))")
# What could end a <script> element or a JavaScript string in some parser; JSON reads the escapes as the characters.
UNSAFE_IN_SCRIPT = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def render_html(summary: Summary) -> str:
    """Return the summary as a self-contained HTML page: no address in it is ever loaded.

    Everything from outside is escaped, and the page's own security policy runs no script but the two it came with.
    Charts are drawn twice: as SVG in the page, for readers and printers without scripts, and live by Vega.

    Args:
        summary: what `summarise` returned.
    """
    summary = printable(summary)
    sections = list(shown_sections(summary, "page"))
    data = page_data(summary, [block for _, blocks in sections for block in blocks])
    scripts = [_library(), _resource(SCRIPT)]
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            summary=summary,
            heading=heading(summary),
            sections=sections,
            colours=page_colours(variant["name"] for variant in summary["variants"]),
            charts=data["charts"],
            metrics=[(kind, metric_words(summary[kind])) for kind in ("loss", "score")],
            data=script_json({**data, "charts": _live_charts(data["charts"])}),
            scripts=scripts,
            style=_resource(STYLE),
            palette={"light": LIGHT, "dark": DARK},
            policy=security_policy(scripts),
        )
    )


def page_data(summary: Summary, blocks: Iterable[Block]) -> dict[str, Any]:
    """Return what the page's charts are made of: `curves` (data), `views` (charts of curves) and `charts`, by id.

    A chart is {id, title, shown, view, zoom, rows, svg, has_fixed}. `view` is a Vega-Lite chart and `rows` its data; figures
    of training curves have 'curves' and None there: they share charts and data. `zoom` maps 'loss' and 'score' to the
    y-range that opens and the full one; `svg` is what the figure opens with, drawn without a browser.

    Args:
        summary: what `summarise` returned.
        blocks: what the page shows.
    """
    curves: Curves = {
        kind: {
            "lines": figures.curve_lines(summary, summary[kind]),
            "best": figures.best_points(summary, summary[kind]),
        }
        for kind in KINDS
    }
    drawn: dict[str, Any] = {}
    picture: dict[str, Any] | None = None
    for block in blocks:
        if isinstance(block, Chart):
            drawn[block.name] = _plain_chart(block)
        elif isinstance(block, CurveFigure):
            picture = picture or _curve_chart(summary, curves, "loss", "log", is_live=False)
            drawn[block.name] = _curve_figure(summary, block, curves, picture)
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


def curve_views(summary: Summary, curves: Curves) -> dict[str, Any]:
    """Return the charts that a reader can choose from in every figure of training curves: 'loss log', 'score linear' ..."""
    return {
        f"{kind} {axis}": _curve_chart(summary, curves, kind, axis, is_live=True)
        for kind in KINDS
        for axis in ("log", "linear")
    }


def _curve_figure(
    summary: Summary,
    figure: CurveFigure,
    curves: Curves,
    picture: Mapping[str, Any],
) -> dict[str, Any]:
    """Return one figure of training curves; `picture` is the chart to draw without a browser."""
    shown = set(figure.shown)
    kept = {
        kind: {name: [each for each in items if each["v"] in shown] for name, items in data.items()}
        for kind, data in curves.items()
    }
    zoom = {}
    for kind, data in kept.items():
        ranges = figures.opening_range(data["lines"], is_share=is_share(summary[kind]))
        if ranges is not None:
            zoom[kind] = {"opening": ranges[0], "full": ranges[1]}
    low, high = zoom["loss"]["opening"] if "loss" in zoom else (0, 1)
    lines = [line for line in kept["loss"]["lines"] if line["k"] != "fixed"]
    spec = charts.with_params(picture, low=low, high=high)
    svg = _draw(figure.name, spec, {"lines": figures.as_rows(lines), "best": kept["loss"]["best"]})
    has_fixed = any(line["k"] == "fixed" for line in curves["loss"]["lines"])
    return {
        "id": figure.name,
        "title": figure.title,
        "shown": list(figure.shown),
        "view": "curves",
        "zoom": zoom,
        "rows": None,
        "svg": svg,
        "has_fixed": has_fixed,
    }


def _curve_chart(summary: Summary, curves: Curves, kind: Kind, axis: str, *, is_live: bool) -> dict[str, Any]:
    """Return the chart of 'loss' or 'score' on a 'log' or 'linear' axis of epochs, which all figures of curves share."""
    last = max((line["x"][-1] for data in curves.values() for line in data["lines"]), default=0)
    return charts.curve_chart(
        metric_words(summary[kind]),
        page_colours(variant["name"] for variant in summary["variants"]),
        log_x=axis == "log",
        last_epoch=last,
        share=is_share(summary[kind]),
        is_live=is_live,
    )


def _plain_chart(chart: Chart) -> dict[str, Any]:
    """Return a chart with one view and nothing to choose."""
    spec = chart.make()
    svg = _draw(chart.name, spec, {"lines": chart.rows})
    return {"id": chart.name, "view": spec, "zoom": {}, "rows": chart.rows, "shown": [], "svg": svg}


def _live_charts(drawn: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the script in the page needs of each chart."""
    return {name: {key: chart[key] for key in LIVE_KEYS} for name, chart in drawn.items()}


def _draw(name: str, spec: Mapping[str, Any], data: Mapping[str, list[dict[str, Any]]]) -> str:
    """Return the chart as SVG; what it refers to inside itself is named after the chart.

    Vega numbers its clip paths over the whole life of the process: two pages would never be the same.
    """
    import vl_convert

    quiet = {
        **spec["config"],
        "aria": False,
    }  # the figure itself is labelled; a label for each point would be half the file
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

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_resource),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "kind": lambda block: type(block).__name__,
        "visible": lambda blocks: visible(blocks, "page"),
        "by_group": lambda columns: [
            (group, list(members)) for group, members in groupby(columns, lambda one: one.group)
        ],
    }
    return environment


LIVE_KEYS = ("view", "zoom", "rows", "shown")
