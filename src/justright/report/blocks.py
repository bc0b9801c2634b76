"""What a report is made of: sections of blocks, whose cells and sentences every medium shows the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from justright.diagnosis.labels import Tone
from justright.report.summary import Summary

Medium = Literal["page", "markdown", "terminal"]
EVERYWHERE: frozenset[Medium] = frozenset({"page", "markdown", "terminal"})
WRITTEN: frozenset[Medium] = frozenset({"page", "markdown"})
PAGE: frozenset[Medium] = frozenset({"page"})
TERMINAL: frozenset[Medium] = frozenset({"terminal"})
NOWHERE: frozenset[Medium] = frozenset()

# How a table gives way where a terminal is too narrow for it, step by step; columns say at which step they do.
SPREADS, NARROW, DETAILS = 1, 2, 3
NEVER = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Args:
        text: its value.
        detail: what belongs to the value and is printed smaller where that is possible, such as an interval.
        remark: what only a page has room for.
        short: the cell in a terminal; None prints `text`.
        shortest: the same where even that does not fit; None prints `short`.
        tone: what it means for the reader: its colour.
        symbol: stands for the tone where there is no colour, before the text.
        is_pill: whether a page draws it as a verdict.
        swatch: the CSS colour of a mark before the text; empty for none.
        hint: what a page says when the pointer rests on the cell.
    """

    text: str
    detail: str = ""
    remark: str = ""
    short: str | None = None
    shortest: str | None = None
    tone: Tone | None = None
    symbol: str = ""
    is_pill: bool = False
    swatch: str = ""
    hint: str = ""

    def narrow(self, *, shortest: bool) -> str:
        """Return the cell as a terminal prints it."""
        short = self.text if self.short is None else self.short
        return self.shortest if shortest and self.shortest is not None else short


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Args:
        title: its heading.
        short: its heading in a terminal, at most two lines; empty for `title`.
        shortest: the same where it gives way; empty for `short`.
        group: a heading above this and the neighbours of the same group; empty for none.
        card: its name where a page shows a row as a card; empty for `title`.
        is_text: whether its cells are words, aligned left, or numbers.
        wraps: whether a terminal breaks its cells into lines.
        css: the class of its cells in a page.
        detail_css: the class of their details.
        shortens: the step at which a terminal shortens its cells and heading.
        leaves: the step at which a terminal leaves it out.
        media: where it is shown at all.
    """

    title: str
    short: str = ""
    shortest: str = ""
    group: str = ""
    card: str = ""
    is_text: bool = False
    wraps: bool = False
    css: str = ""
    detail_css: str = "interval"
    shortens: int = NEVER
    leaves: int = NEVER
    media: frozenset[Medium] = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Args:
        cells: one for each column.
        tone: what it means for the reader; a terminal colours it.
        starts_part: whether a gap separates it from the row before.
        media: where it is shown.
    """

    cells: tuple[Cell, ...]
    tone: Tone | None = None
    starts_part: bool = False
    media: frozenset[Medium] = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Table:
    """A table of cells.

    Args:
        label: what it holds, for readers who cannot see it.
        columns: its columns; the first names the rows.
        rows: its rows.
        css: its class in a page.
        has_heads: whether the cells of the first column are headings of their rows.
        splits: whether a terminal may break it into several tables with the same first and last column.
        media: where it is shown.
    """

    label: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    css: str = ""
    has_heads: bool = True
    splits: bool = False
    media: frozenset[Medium] = EVERYWHERE

    def shown(self, medium: Medium) -> tuple[tuple[Column, ...], list[tuple[Row, tuple[Cell, ...]]]]:
        """Return the columns that a medium shows, and its rows with the cells of those columns."""
        keep = [medium in column.media for column in self.columns]

        def chosen(items: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(item for item, is_kept in zip(items, keep, strict=True) if is_kept)

        return chosen(self.columns), [(row, chosen(row.cells)) for row in self.rows if medium in row.media]


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; its line breaks are kept. `css` is its class in a page: a 'note' is printed less prominently."""

    text: str
    css: str = "note"
    media: frozenset[Medium] = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences that stand for themselves; a page draws them as a 'list', in a 'box' or as 'paragraphs'."""

    items: tuple[str, ...]
    shape: Literal["list", "box", "paragraphs"] = "list"
    media: frozenset[Medium] = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be copied as it is: a shell command that fits into one line, or a file (`is_command` False)."""

    text: str
    is_command: bool = False
    media: frozenset[Medium] = WRITTEN


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names with their values."""

    items: tuple[tuple[str, str], ...]
    media: frozenset[Medium] = WRITTEN


@dataclass(frozen=True, slots=True)
class Folded:
    """Blocks behind one line that opens them: a name, perhaps a verdict, and a remark at the end of the line."""

    head: Cell
    blocks: tuple[Block, ...]
    verdict: Cell | None = None
    remark: str = ""
    media: frozenset[Medium] = WRITTEN


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of its own data.

    Args:
        name: its id in the page.
        label: what it shows, for readers who cannot see it.
        rows: its data, one record for each mark.
        make: returns its Vega-Lite specification over data named `lines`.
        title: its heading; empty for none.
        media: where it is shown.
    """

    name: str
    label: str
    rows: list[dict[str, Any]]
    make: Callable[[], dict[str, Any]]
    title: str = ""
    media: frozenset[Medium] = PAGE


@dataclass(frozen=True, slots=True)
class CurveFigure:
    """One figure of training curves; all of them share charts and data, which the page holds once.

    `shown` are the variants it opens with.
    """

    name: str
    title: str
    shown: tuple[str, ...]
    media: frozenset[Medium] = PAGE


@dataclass(frozen=True, slots=True)
class Legend:
    """Names with the CSS colours they are drawn in."""

    items: tuple[tuple[str, str], ...]
    media: frozenset[Medium] = PAGE


@dataclass(frozen=True, slots=True)
class Histograms:
    """Small histograms: each a name, the ends of its range, and an SVG path for each class."""

    items: tuple[Mapping[str, Any], ...]
    media: frozenset[Medium] = PAGE


Block = Table | Text | Sentences | Code | Pairs | Folded | Chart | CurveFigure | Legend | Histograms


@dataclass(frozen=True, slots=True)
class Section:
    """One section of every report.

    Args:
        name: its id in the page.
        title: its heading.
        blocks: returns what it shows of a summary; nothing leaves the section out.
        nav: its name in the page's navigation; empty for none.
        is_answer: whether it answers the study's question: it then stands without a heading.
    """

    name: str
    title: str
    blocks: Callable[[Summary], Sequence[Block]] = field(repr=False)
    nav: str = ""
    is_answer: bool = False


def visible(blocks: Iterable[Block], medium: Medium) -> list[Block]:
    """Return the blocks that a medium shows."""
    return [block for block in blocks if medium in block.media]
