"""What a report is made of: sections of blocks, whose cells and sentences every medium shows the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Flag, IntEnum
from typing import Any, Literal

from justright.diagnosis.labels import Tone
from justright.report.charts import Plot
from justright.report.summary import Summary


class Media(Flag):
    """Where something is shown."""

    NOWHERE = 0
    PAGE = 1
    MARKDOWN = 2
    WRITTEN = 3
    TERMINAL = 4
    EVERYWHERE = 7


class Step(IntEnum):
    """How a table gives way where a terminal is too narrow for it; columns say at which step they do."""

    SPREADS = 1
    NARROW = 2
    DETAILS = 3
    FEW = 4
    LEAST = 5
    NEVER = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table."""

    text: str
    detail: str = ""  # belongs to the text and is printed smaller where that is possible, such as an interval
    remark: str = ""  # what only a page has room for
    short: str = ""  # the cell in a terminal; empty for `text`
    shortest: str = ""  # the same where even that does not fit; empty for `short`
    tone: Tone | None = None  # what it means for the reader: its colour
    symbol: str = ""  # stands for the tone where there is no colour, before the text
    is_pill: bool = False  # whether a page draws it as a verdict
    swatch: str = ""  # the CSS colour of a mark before the text
    hint: str = ""  # what a page says when the pointer rests on the cell


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    short: str = ""  # its heading in a terminal, at most two lines; empty for `title`
    shortest: str = ""  # the same where it gives way; empty for `short`
    group: str = ""  # a heading above this and the neighbours of the same group
    card: str = ""  # its name where a page shows a row as a card; empty for `title`
    is_text: bool = False  # whether its cells are words, aligned left, or numbers
    wraps: bool = False  # whether a terminal breaks its cells into lines
    css: str = ""  # the class of its cells in a page
    shortens: Step = Step.NEVER  # when a terminal shortens its cells and heading
    leaves: Step = Step.NEVER  # when a terminal leaves it out
    media: Media = Media.EVERYWHERE


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table, a cell for each column."""

    cells: tuple[Cell, ...]
    tone: Tone | None = None  # what it means for the reader; a terminal colours it
    starts_part: bool = False  # whether a gap separates it from the row before
    media: Media = Media.EVERYWHERE


@dataclass(frozen=True, slots=True)
class Table:
    """A table of cells, whose first column names the rows; `label` says what it holds to those who cannot see it."""

    label: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    css: str = ""  # its class in a page
    has_heads: bool = True  # whether the cells of the first column are headings of their rows
    splits: bool = False  # whether a terminal may break it into tables with the same first and last column
    media: Media = Media.EVERYWHERE

    def shown(self, medium: Media) -> tuple[list[Column], list[tuple[Row, list[Cell]]]]:
        """Return the columns that a medium shows, and its rows with the cells of those columns."""
        kept = [number for number, column in enumerate(self.columns) if medium in column.media]
        rows = [(row, [row.cells[number] for number in kept]) for row in self.rows if medium in row.media]
        return [self.columns[number] for number in kept], rows


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; its line breaks are kept. `css` is its class in a page: a 'note' is printed less prominently."""

    text: str
    css: str = "note"
    media: Media = Media.EVERYWHERE


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading within a section."""

    text: str
    media: Media = Media.WRITTEN


@dataclass(frozen=True, slots=True)
class Lead:
    """The sentence that answers the question, behind its verdict; `remark` is printed smaller."""

    verdict: Cell
    text: str
    remark: str = ""
    media: Media = Media.WRITTEN


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences that stand for themselves."""

    items: tuple[str, ...]
    shape: Literal["list", "box", "paragraphs"] = "list"  # how a page draws them
    media: Media = Media.EVERYWHERE


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing to do, why it is believed to help, and the command that does it; empty for none."""

    words: str
    basis: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class Todos:
    """Things to do, in order."""

    items: tuple[Todo, ...]
    media: Media = Media.WRITTEN


@dataclass(frozen=True, slots=True)
class Code:
    """Text to be copied as it is: a file, or a shell command that fits into one line."""

    text: str
    is_command: bool = False
    media: Media = Media.WRITTEN


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names with their values."""

    items: tuple[tuple[str, str], ...]
    media: Media = Media.WRITTEN


@dataclass(frozen=True, slots=True)
class Answer:
    """What is wrong with a network, and what to do: `words` say what the command does."""

    name: str
    verdict: Cell
    text: str
    words: str = ""
    command: str = ""
    swatch: str = ""  # the CSS colour of a mark before the name

    @property
    def rest(self) -> str:
        """The sentence where name and verdict stand above it: without them.

        Example:
            >>> Answer("Net", Cell("just right"), "Net is just right: nothing helps.").rest
            'Nothing helps.'
        """
        label = self.verdict.shortest or self.verdict.text
        found = re.match(rf"{re.escape(self.name)}( is)? {re.escape(label)}[ :;,]+", self.text)
        rest = self.text[found.end() :] if found else self.text
        return rest[:1].upper() + rest[1:]


@dataclass(frozen=True, slots=True)
class Answers:
    """One sentence for each network; `more` follows the last one."""

    items: tuple[Answer, ...]
    title: str = ""
    more: tuple[Block, ...] = ()
    media: Media = Media.WRITTEN


@dataclass(frozen=True, slots=True)
class Folded:
    """Blocks behind one line that opens them: a name, perhaps a verdict, and a remark at the end of the line."""

    head: Cell
    blocks: tuple[Block, ...]
    verdict: Cell | None = None
    remark: str = ""
    media: Media = Media.WRITTEN


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart; `label` says what it shows to those who cannot see it."""

    name: str  # its id in the page
    label: str
    plot: Plot
    title: str = ""
    legend: tuple[tuple[str, str], ...] = ()  # names with the CSS colours they are drawn in
    note: str = ""  # below the chart: how it is read
    media: Media = Media.PAGE


@dataclass(frozen=True, slots=True)
class CurveFigure:
    """One figure of training curves; all of them share charts and data, which the page holds once."""

    name: str
    title: str
    shown: tuple[str, ...]  # the variants it opens with
    offered: tuple[str, ...]  # those that can be switched on
    media: Media = Media.PAGE


@dataclass(frozen=True, slots=True)
class Histograms:
    """Small histograms: each a name, the ends of its range, and an SVG path for each class of the legend."""

    items: tuple[Mapping[str, Any], ...]
    legend: tuple[tuple[str, str], ...] = ()
    media: Media = Media.PAGE


Block = (
    Table
    | Text
    | Heading
    | Lead
    | Sentences
    | Todos
    | Code
    | Pairs
    | Answers
    | Folded
    | Chart
    | CurveFigure
    | Histograms
)


@dataclass(frozen=True, slots=True)
class Section:
    """One section of every report."""

    name: str  # its id in the page
    title: str
    blocks: Callable[[Summary], Sequence[Block]] = field(
        repr=False
    )  # of a summary; none leaves the section out
    nav: str = ""  # its name in the page's navigation; empty for none
    is_answer: bool = False  # whether it answers the study's question: it then stands without a heading


def long_table(table: Table, most: int, name: str) -> list[Block]:
    """Return a table of at most `most` rows; more of them, called `name`, are folded away in a page and left out of a terminal."""
    rest = table.rows[most:]
    if not rest:
        return [table]
    head = Cell(f"{len(rest):,} more {name}")
    return [
        replace(table, rows=table.rows[:most]),
        Folded(head, (replace(table, label=head.text, rows=rest),)),
    ]


def visible(blocks: Iterable[Block], medium: Media) -> list[Block]:
    """Return the blocks that a medium shows."""
    return [block for block in blocks if medium in block.media]
