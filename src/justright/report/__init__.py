"""Reports: `summarise` makes one plain dict of a study, the renderers turn it into HTML, Markdown and JSON."""

from justright.report.html import render_html
from justright.report.markdown import render_markdown
from justright.report.plots import plot_history
from justright.report.summary import render_json, result_json, summarise

__all__ = ["plot_history", "render_html", "render_json", "render_markdown", "result_json", "summarise"]
