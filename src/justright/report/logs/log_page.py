"""What a log says as one HTML file, in the look of the study's report."""

from __future__ import annotations

from collections.abc import Sequence

from justright.logs.run_reading import RunReading
from justright.report.blocks import Media
from justright.report.html import render_page
from justright.report.logs.log_blocks import log_sections
from justright.report.logs.log_words import headline
from justright.report.terminal.text import plain


def render_log_html(runs: Sequence[RunReading], refused: Sequence[str] = (), *, version: str = "") -> str:
    """Return what the runs of a log say as a self-contained page: no address in it is ever loaded.

    Args:
        runs: every run of the log.
        refused: files that could not be read, a sentence each.
        version: of justright, for the foot of the page.
    """
    title = headline(runs)
    page = render_page(
        title=title,
        window_title=f"{title} – justright diagnose",
        heading=(),
        sections=list(log_sections(runs, refused, Media.PAGE)),
        version=version,
    )
    return plain(page, keep="\n")
