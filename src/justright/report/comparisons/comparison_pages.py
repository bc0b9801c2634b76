"""A comparison of studies as a page, as Markdown, and for a terminal of any width."""

from __future__ import annotations

from justright.report.blocks import Media, Section, visible
from justright.report.comparisons.comparison_blocks import Values, comparison_blocks, comparison_title
from justright.report.drawable_text import printable
from justright.report.html import render_page
from justright.report.markdown import block_texts, escape_markdown
from justright.report.terminal.study_report import print_block
from justright.report.terminal.terminal import Terminal
from justright.report.terminal.text import plain


def render_comparison_html(values: Values, *, version: str) -> str:
    """Return the comparison as a self-contained page: no address in it is ever loaded."""
    values = printable(values)
    blocks = visible(comparison_blocks(values), Media.PAGE)
    title = comparison_title(values)
    page = render_page(
        title=title,
        window_title=f"{title} – justright compare",
        heading=(),
        sections=[(Section("answer", title, lambda _: blocks, is_answer=True), blocks)],
        version=version,
    )
    return plain(page, keep="\n")


def render_comparison_markdown(values: Values) -> str:
    """Return the comparison as Markdown; names from outside are escaped."""
    texts = block_texts(visible(comparison_blocks(values), Media.MARKDOWN))
    return plain("\n\n".join([f"## {escape_markdown(comparison_title(values))}", *texts]), keep="\n") + "\n"


def print_comparison(terminal: Terminal, values: Values) -> None:
    """Print the comparison's table, what its numbers are, and the differences."""
    for number, block in enumerate(visible(comparison_blocks(values), Media.TERMINAL)):
        if number:
            terminal.print()
        print_block(terminal, block)
