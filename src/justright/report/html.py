"""A summary as one HTML file that needs neither network nor server, and says the essential without scripts too."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import count, groupby
from typing import TYPE_CHECKING, Any

from justright.colours import DARK, LIGHT
from justright.report.axes import epoch_axis
from justright.report.blocks import Block, CurveFigure, Media, visible
from justright.report.charts import Plot, best_words, curve_plot, metric_axis
from justright.report.drawable_text import printable
from justright.report.number_formats import is_share, metric_words
from justright.report.palette import page_colours
from justright.report.sections.provenance import heading, headline
from justright.report.sections.registry import shown_sections
from justright.report.sections.training_curves import (
    best_points,
    curve_lines,
    opening_range,
    smoothed_lines,
)
from justright.report.summary import Summary

if TYPE_CHECKING:
    import jinja2

NO_FIGURES: Mapping[str, Any] = {"figures": {}}  # data of a page without curves to redraw
# What could end a <script> element or a JavaScript string in some parser; JSON reads the escapes as the characters.
UNSAFE_IN_SCRIPT = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def render_html(summary: Summary, *, folder: str | None = None) -> str:
    """Return the summary as a self-contained HTML page: no address in it is ever loaded.

    Everything from outside is escaped, and the page's own security policy runs no script but the one it came with.
    Charts are in the page, for readers and printers without scripts; the script redraws curves as the reader chooses.

    Args:
        summary: the study.
        folder: the study folder as commands in the page name it; None leaves DIR in its place.
    """
    summary = printable(summary if folder is None else summary | {"folder": folder})
    sections = list(shown_sections(summary, Media.PAGE))
    figures = [block for _, blocks in sections for block in blocks if isinstance(block, CurveFigure)]
    data, pictures = page_data(summary, figures)
    return render_page(
        title=headline(summary),
        window_title=f"{summary['study']} on {summary['source']} – justright",
        heading=heading(summary),
        sections=sections,
        version=summary["environment"].get("justright", ""),
        data=data,
        colours=page_colours(variant["name"] for variant in summary["variants"]),
        figures=data["figures"],
        pictures=pictures,
        has_fixed=any(line["k"] == "fixed" for line in data["curves"]["loss"]["lines"]),
        smoothings=_smoothings(summary),
        metrics=[(kind, metric_words(metric)) for kind, metric in _metrics(summary).items()],
    )


def render_page(
    *,
    title: str,
    window_title: str,
    heading: Sequence[tuple[str, str]],
    sections: Sequence[tuple[Any, Sequence[Block]]],
    version: str,
    data: Mapping[str, Any] = NO_FIGURES,
    **used: Any,
) -> str:
    """Return a page of sections in the look of all reports.

    Args:
        title: the first line of the page.
        window_title: that of the window.
        heading: names with values below the title.
        sections: each with the blocks that it shows.
        version: of justright; empty if it is not known.
        data: what the page's script draws curves from.
        used: what blocks of some kinds need besides.
    """
    script = _resource("report.js")
    return render_template(
        "template.html.jinja",
        title=title,
        window_title=window_title,
        heading=heading,
        sections=sections,
        version=version,
        medium=Media.PAGE,
        data=script_json(data),
        script=script,
        style=chart_style("report.css"),
        policy=security_policy([script]),
        command_number=count(1).__next__,
        **used,
    )


def chart_style(name: str) -> str:
    """Return the CSS of charts and verdicts, and after it that of one of the places where they stand."""
    return f"{_resource('charts.css')}{_resource(name)}"


def render_template(name: str, **used: Any) -> str:
    """Return one of the templates with the values that it uses; it has both palettes besides."""
    return _environment().get_template(name).render(palette={"light": LIGHT, "dark": DARK}, **used)


def page_data(summary: Summary, figures: Iterable[CurveFigure]) -> tuple[dict[str, Any], dict[str, Plot]]:
    """Return what the page's script draws curves from, and each figure as it opens.

    The first is {curves: the lines and best points of each metric, epochs: the epochs that lines refer to by number, axes:
    of epochs, colours: by variant, figures: {shown, ranges} by name}. `ranges` maps each metric that was measured to the
    axis that opens and the full one. A figure none of whose variants has curves yet has no ranges, and no picture.
    """
    metrics = _metrics(summary)
    lines = {kind: curve_lines(summary, metric) for kind, metric in metrics.items()}
    best = {kind: best_points(summary, metric) for kind, metric in metrics.items()}
    last = max((line["x"][-1] for each in lines.values() for line in each), default=0)
    colours = page_colours(variant["name"] for variant in summary["variants"])
    drawn: dict[str, Any] = {}
    pictures: dict[str, Plot] = {}
    for figure in figures:
        own = {kind: [line for line in each if line["v"] in figure.shown] for kind, each in lines.items()}
        ranges = {
            kind: {name: metric_axis(metrics[kind], ends) for name, ends in found.items()}
            for kind, each in own.items()
            if (found := opening_range(each, is_share=is_share(metrics[kind])))
        }
        axes = {kind: {name: axis.to_dict() for name, axis in each.items()} for kind, each in ranges.items()}
        drawn[figure.name] = {"shown": figure.shown, "ranges": axes}
        if ranges:
            first, axis = next((kind, each["opening"]) for kind, each in ranges.items())
            pictures[figure.name] = curve_plot(
                metrics[first],
                [line for line in own[first] if line["k"] != "fixed"],
                [one for one in best[first] if one["v"] in figure.shown],
                colours,
                (axis.low, axis.high),
                last,
            )
    epochs: dict[tuple[int, ...], int] = {}
    curves = {
        kind: {
            "title": metric_words(metrics[kind]),
            "share": is_share(metrics[kind]),
            "lines": [
                line | {"x": epochs.setdefault(tuple(line["x"]), len(epochs))}
                for line in (*each, *smoothed_lines(summary, metrics[kind]))
            ],
            "best": [one | {"words": best_words(metrics[kind], one)} for one in best[kind]],
        }
        for kind, each in lines.items()
    }
    axes = {name: epoch_axis(last, is_log=name == "log").to_dict() for name in ("log", "linear")}
    return {
        "curves": curves,
        "epochs": list(epochs),
        "axes": axes,
        "colours": colours,
        "figures": drawn,
    }, pictures


def script_json(value: object) -> str:
    """Return JSON that stays inside a <script> element whatever text it holds."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(UNSAFE_IN_SCRIPT)


def security_policy(scripts: Sequence[str]) -> str:
    """Return the content security policy of the page: these scripts by their hashes, nothing from outside."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts
    )
    # Styles: colours and places stand on elements, which cannot be hashed.
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def _metrics(summary: Summary) -> dict[str, str]:
    """Return the metrics that a figure of curves shows, by kind."""
    return {"loss": summary["loss"], "score": summary["score"]}


def _smoothings(summary: Summary) -> list[tuple[str, str]]:
    """Return what curves can be smoothed by, as the script names it and in words; none where no run is long enough."""
    stds = sorted({one["std"] for one in summary.get("smoothed", ())})
    words = [*map(str, stds[:-1]), *(f"{std} epochs" for std in stds[-1:])]
    return [("none", "No smoothing"), *zip(map(str, stds), words, strict=True)] if stds else []


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
        "longest": lambda texts: max(texts, key=len, default=""),
        "is_zoomed": lambda ranges: ranges["opening"] != ranges["full"],
        "by_group": lambda columns: [
            (group, list(members)) for group, members in groupby(columns, lambda one: one.group)
        ],
    }
    return environment
