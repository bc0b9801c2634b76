"""What a log says as Markdown: a comment on a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from justright.logs.run_reading import RunReading
from justright.report.blocks import Media
from justright.report.logs.log_blocks import log_sections
from justright.report.logs.log_words import headline
from justright.report.markdown import block_texts, escape_markdown
from justright.report.terminal.text import plain

# By which the file is known as ours, and a bot finds its comment again; readers do not see it.
MARKER = "<!-- justright diagnose -->"


def render_log_markdown(runs: Sequence[RunReading], refused: Sequence[str] = ()) -> str:
    """Return what the runs of a log say as Markdown; names and sentences from outside are escaped.

    Args:
        runs: every run of the log.
        refused: files that could not be read, a sentence each.
    """
    parts = [MARKER, f"## {escape_markdown(headline(runs))}"]
    for section, blocks in log_sections(runs, refused, Media.MARKDOWN):
        if not section.is_answer:
            parts.append(f"### {escape_markdown(section.title)}")
        parts += block_texts(blocks)
    return plain("\n\n".join(parts), keep="\n") + "\n"
