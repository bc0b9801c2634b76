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
from typing import TYPE_CHECKING, Any

from justright.report import charts
from justright.report.blocks import Block, Chart, CurveFigure, Media, visible
from justright.report.drawable_text import drawable, printable
from justright.report.number_formats import is_share, metric_words
from justright.report.palette import DARK, LIGHT, page_colours
from justright.report.sections.provenance import heading
from justright.report.sections.registry import shown_sections
from justright.report.sections.training_curves import as_rows, best_points, curve_lines, opening_range
from justright.report.summary import Summary

if TYPE_CHECKING:
    import jinja2

Curves = Mapping[str, Mapping[str, list[dict[str, Any]]]]  # `lines` and `best` of each kind
CLIP_PATH = re.compile(r"(?<=id=\")clip\d+(?=\")|(?<=url\(#)clip\d+(?=\))")
# What could end a <script> element or a JavaScript string in some parser; JSON reads the escapes as the characters.
UNSAFE_IN_SCRIPT = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def render_html(summary: Summary) -> str:
    """Return the summary as a self-contained HTML page: no address in it is ever loaded.

    Everything from outside is escaped, and the page's own security policy runs no script but the two it came with.
    Charts are drawn twice: as SVG in the page, for readers and printers without scripts, and live by Vega.
    """
    summary = printable(summary)
    sections = list(shown_sections(summary, Media.PAGE))
    data, pictures = page_data(summary, [block for _, blocks in sections for block in blocks])
    scripts = [_library(), _resource("report.js")]
    return (
        _environment()
        .get_template("template.html.jinja")
        .render(
            summary=summary,
            heading=heading(summary),
            sections=sections,
            medium=Media.PAGE,
            colours=page_colours(variant["name"] for variant in summary["variants"]),
            charts=data["charts"],
            pictures=pictures,
            has_fixed=any(line["k"] == "fixed" for line in data["curves"]["loss"]["lines"]),
            metrics=[(kind, metric_words(metric)) for kind, metric in _metrics(summary).items()],
            data=script_json(data),
            scripts=scripts,
            style=_resource("report.css"),
            palette={"light": LIGHT, "dark": DARK},
            policy=security_policy(scripts),
        )
    )


def page_data(summary: Summary, blocks: Iterable[Block]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the page's charts are made of, and the SVG of each as it opens, drawn without a browser.

    The first is {curves: the data of all figures of curves, views: the charts a reader can choose from in each of them
    ('loss log', 'score linear' ...), charts: {view, zoom, rows, shown} by id}. `view` is a Vega-Lite chart and `rows` its
    data, 'curves' and None for figures of curves. `zoom` maps 'loss' and 'score' to the y-range that opens and the full one.
    """
    metrics = _metrics(summary)
    curves: Curves = {
        kind: {"lines": curve_lines(summary, metric), "best": best_points(summary, metric)}
        for kind, metric in metrics.items()
    }
    views = _curve_views(summary, curves)
    live: dict[str, Any] = {}
    pictures = {}
    for block in blocks:
        if isinstance(block, Chart):
            view = block.make()
            live[block.name] = {"view": view, "zoom": {}, "rows": block.rows, "shown": []}
            pictures[block.name] = _draw(block.name, view, {"lines": block.rows})
        elif isinstance(block, CurveFigure):
            shown = {
                kind: {
                    name: [one for one in items if one["v"] in block.shown] for name, items in data.items()
                }
                for kind, data in curves.items()
            }
            ranges = {
                kind: opening_range(shown[kind]["lines"], is_share=is_share(metric))
                for kind, metric in metrics.items()
            }
            zoom = {kind: ends for kind, ends in ranges.items() if ends}
            live[block.name] = {"view": "curves", "zoom": zoom, "rows": None, "shown": list(block.shown)}
            lines = [line for line in shown["loss"]["lines"] if line["k"] != "fixed"]
            picture = charts.still(views["loss log"], zoom["loss"]["opening"] if "loss" in zoom else [0, 1])
            data = {"lines": as_rows(lines), "best": shown["loss"]["best"]}
            pictures[block.name] = _draw(block.name, picture, data)
    return {"curves": curves, "views": views, "charts": live}, pictures


def script_json(value: object) -> str:
    """Return JSON that stays inside a <script> element whatever text it holds."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(UNSAFE_IN_SCRIPT)


def security_policy(scripts: Sequence[str]) -> str:
    """Return the content security policy of the page: these scripts by their hashes, nothing from outside."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts
    )
    # Styles: Vega and the table set them on elements, which cannot be hashed.
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def _metrics(summary: Summary) -> dict[str, str]:
    """Return the metrics that a figure of curves shows, by kind."""
    return {"loss": summary["loss"], "score": summary["score"]}


def _curve_views(summary: Summary, curves: Curves) -> dict[str, Any]:
    """Return the charts of loss and score on a logarithmic and a linear axis, which all figures of curves share."""
    colours = page_colours(variant["name"] for variant in summary["variants"])
    last = max((line["x"][-1] for data in curves.values() for line in data["lines"]), default=0)
    return {
        f"{kind} {axis}": charts.curve_chart(
            metric_words(metric), colours, log_x=axis == "log", last_epoch=last, share=is_share(metric)
        )
        for kind, metric in _metrics(summary).items()
        for axis in ("log", "linear")
    }


def _draw(name: str, spec: Mapping[str, Any], data: Mapping[str, list[dict[str, Any]]]) -> str:
    """Return the chart as SVG; what it refers to inside itself is named after the chart.

    Vega numbers its clip paths over the whole life of the process: two pages would never be the same.
    """
    import vl_convert

    # The figure itself is labelled; a label for each point would be half the file.
    quiet = {**spec["config"], "aria": False}
    whole = {**spec, "config": quiet, "datasets": {**spec.get("datasets", {}), **data}}
    svg = vl_convert.vegalite_to_svg(drawable(whole))
    numbers = {found: str(index) for index, found in enumerate(dict.fromkeys(CLIP_PATH.findall(svg)))}
    return CLIP_PATH.sub(lambda match: f"{name}-clip{numbers[match[0]]}", svg)


@cache
def _library() -> str:
    """Return the JavaScript of Vega, Vega-Lite and Vega-Embed."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


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
        "visible": visible,
        "by_group": lambda columns: [
            (group, list(members)) for group, members in groupby(columns, lambda one: one.group)
        ],
    }
    return environment
