"""A summary as Markdown: what a pull request or a notebook can hold."""

from __future__ import annotations

import re
from collections.abc import Iterable

from justright.report.blocks import (
    Answer,
    Answers,
    Block,
    Cell,
    Code,
    Folded,
    Heading,
    Lead,
    Media,
    Pairs,
    Sentences,
    Table,
    Text,
    Todo,
    Todos,
    visible,
)
from justright.report.sections.provenance import heading, headline
from justright.report.sections.registry import shown_sections
from justright.report.summary import Summary

# What CommonMark, its tables, its maths and the HTML in it read as markup anywhere in a line; and addresses, which
# GitHub turns into links unasked.
INLINE = re.compile(r"([\\`*_\[\]<>|~&$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
# What opens a heading, a list or a rule at the start of a line.
LEADING = re.compile(r"^(\d*)([#+\-=.)])")
# Cells that hold nothing but numbers are no markup inside a table, whatever stands around them.
NUMBERS = re.compile(r"[\d .,%±–−+=<>\[\]]*")


def render_markdown(summary: Summary, *, folder: str | None = None) -> str:
    """Return the summary as Markdown: the conclusion, then every section's tables, sentences and code.

    Names and sentences from outside are escaped: they cannot end a cell, or become a link or HTML. `folder` is the study
    folder as commands name it; None leaves DIR in its place.
    """
    if folder is not None:
        summary = summary | {"folder": folder}
    parts = [
        f"# {escape_markdown(headline(summary))}",
        " · ".join(f"{name}: {escape_markdown(value)}" for name, value in heading(summary)),
    ]
    for section, blocks in shown_sections(summary, Media.MARKDOWN):
        if not section.is_answer:
            parts.append(f"## {escape_markdown(section.nav or section.title)}")
        parts += block_texts(blocks)
    return "\n\n".join(parts) + "\n"


def escape_markdown(text: object) -> str:
    r"""Return `text` on one line with everything escaped that Markdown could read as markup.

    Example:
        >>> print(escape_markdown("a|b <i>"))
        a\|b \<i\>
    """
    line = INLINE.sub(r"\\\1", " ".join(str(text).split()))
    return LEADING.sub(r"\1\\\2", line)


def block_texts(blocks: Iterable[Block]) -> list[str]:
    """Return blocks as Markdown, each with empty lines around it; pictures have none."""
    return [text for block in blocks if (text := _text(block))]


def _text(block: Block) -> str:
    """Return one block; pictures have none."""
    match block:
        case Table():
            return _table(block)
        case Text():
            return "\n\n".join(escape_markdown(line) for line in block.text.splitlines())
        case Heading():
            return f"**{escape_markdown(block.text)}**"
        case Lead():
            verdict = f"**{escape_markdown(block.verdict.symbol)} {escape_markdown(block.verdict.text)}.**"
            remark = f" *({escape_markdown(block.remark)})*" if block.remark else ""
            return f"{verdict} {escape_markdown(block.text)}{remark}"
        case Todos():
            return "\n".join(f"{number}. {_todo(one)}" for number, one in enumerate(block.items, 1))
        case Sentences():
            return "\n".join(f"- {escape_markdown(item)}" for item in block.items)
        case Code():
            return _fenced(block)
        case Pairs():
            pairs = (map(escape_markdown, pair) for pair in block.items)
            return ", ".join(" ".join(pair) for pair in pairs)
        case Answers():
            return "\n\n".join(["\n".join(map(_answer, block.items)), *block_texts(block.more)])
        case Folded():
            verdict = f": {escape_markdown(block.verdict.text)}" if block.verdict else ""
            head = f"**{escape_markdown(block.head.text)}**{verdict}"
            return "\n\n".join([head, *block_texts(visible(block.blocks, Media.MARKDOWN))])
        case _:
            return ""


def _answer(answer: Answer) -> str:
    """Return one item of a list: a network, its verdict, and what to do."""
    name, verdict, rest = map(escape_markdown, (answer.name, answer.verdict.text, answer.rest))
    parts = [f"- **{name}** {escape_markdown(answer.verdict.symbol)} {verdict}. {rest}"]
    if answer.words:
        parts.append(escape_markdown(answer.words))
    if answer.command:
        parts.append(_code_span(answer.command))
    return " ".join(parts)


def _todo(one: Todo) -> str:
    command = f" {_code_span(one.command)}" if one.command else ""
    return f"{escape_markdown(one.words)} *({one.basis})*{command}"


def _code_span(text: str) -> str:
    """Return code within a line, between marks that nothing in it can close.

    Example:
        >>> _code_span("justright run"), _code_span("a`b")
        ('`justright run`', '`` a`b ``')
    """
    line = " ".join(text.split())
    marks = "`" * (1 + _longest_marks(line))
    return f"{marks}{line}{marks}" if len(marks) == 1 else f"{marks} {line} {marks}"


def _longest_marks(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _fenced(code: Code) -> str:
    """Return code in a fence that nothing in it can close; a command on one line."""
    text = " ".join(code.text.splitlines()) if code.is_command else code.text
    fence = "`" * (3 + _longest_marks(text))
    return f"{fence}{'sh' if code.is_command else ''}\n{text}\n{fence}"


def _table(table: Table) -> str:
    columns, rows = table.shown(Media.MARKDOWN)
    heads = [f"{one.group}: {one.title.lower()}" if one.group else one.title for one in columns]
    rule = ["---" if column.is_text else "--:" for column in columns]
    lines = [[*map(escape_markdown, heads)], rule, *([*map(_cell, cells)] for _, cells in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell) -> str:
    """Return a cell with its detail. Where a page has a colour, Markdown has a symbol, or bold letters."""
    text = " ".join(
        part if NUMBERS.fullmatch(part) else escape_markdown(part)
        for part in (cell.symbol, cell.text, cell.detail)
        if part
    )
    return f"**{text}**" if cell.tone and not cell.is_pill else text
