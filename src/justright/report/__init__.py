"""Reports: `summarise` makes one plain dict of a study, the renderers turn it into HTML, Markdown and JSON.

Names are imported on first use: what a training log says is printed without any of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from justright.report.html import render_html
    from justright.report.markdown import render_markdown
    from justright.report.plots import plot_history
    from justright.report.summary import render_json, result_json, summarise

EXPORTS = {
    "plot_history": "justright.report.plots",
    "render_html": "justright.report.html",
    "render_json": "justright.report.summary",
    "render_markdown": "justright.report.markdown",
    "result_json": "justright.report.summary",
    "summarise": "justright.report.summary",
}

__all__ = ["plot_history", "render_html", "render_json", "render_markdown", "result_json", "summarise"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any of the names above
    """Import a name when it is first used (PEP 562)."""
    if name not in EXPORTS:
        raise AttributeError(f"module 'justright.report' has no attribute {name!r}")
    return getattr(importlib.import_module(EXPORTS[name]), name)
