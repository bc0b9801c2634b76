"""Text in columns, as people and tools leave it: any separator, comments, a header written again, rows too long or too short."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from justright.errors import InputError
from justright.logs.metric_names import names_metric
from justright.logs.text.boxes import parse_boxes
from justright.logs.text.cell_numbers import is_measured, parse_number
from justright.logs.text.headed_rows import has_headed_rows
from justright.logs.text.one_metric import NAMED_BY_FILE, columns_of_one_metric, names_one_metric
from justright.logs.text.ruled_columns import with_empty_cells

COMMENTS = ("#", "//", "%")
HEADER_WITHIN = 40  # lines before which a header must come: what tools print before their table
MANY_LINES = 5  # of one number each, which are a column
COUNT_OR_TIME = re.compile(r"[-+]?\d[\d.,:/ eE+-]*[A-Za-z%]{0,3}|nan|[-+]?inf", re.IGNORECASE)
# A number behind its name, as in no header: 'loss: 0.5', or 'loss 0.5', but 'top 5' may be a name.
NUMBER_SAID = re.compile(r"[A-Za-z](?<!Unnamed)\s*(?:[:=]\s*[-+]?\.?\d|\s[-+]?\d*\.\d)")
MOMENT = re.compile(r"\d\d:\d\d:\d\d|^\s*\d{1,3}%$")  # of a logger's line, or a bar's
SAMPLE = 60  # lines below a header that tell whether it is one
MAX_COLUMNS = 20_000
HALF_WRITTEN = "The last line is half-written, and was left out."
RULE = re.compile(r"[\s|+:=─━┼╇╈├┤┌┐└┘┬┴┏┓┗┛┳┻╋┃│┡┩-]+")  # a line that only draws a table
SEPARATORS: dict[str, str] = {",": ",", ";": ";", "\t": "\t", "|": "|", "wide": r"\s{2,}|\t", "space": r"\s+"}
PLAIN_SEPARATORS = (",", ";", "\t")  # between cells and nowhere else


@dataclass(frozen=True, slots=True)
class LogTable:
    """A table of text.

    Args:
        cells: column -> its cells, one for each row, without space around them; an unnamed column is ''.
        lines: number of the line that holds each row.
        decimal_comma: whether '0,5' is a half.
        notes: what was left out, one sentence each.
    """

    cells: Mapping[str, Sequence[str]]
    lines: list[int]
    decimal_comma: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self.cells)

    def with_rows(self, rows: Sequence[int]) -> LogTable:
        """Return the table of some of the rows."""
        cells = {column: [cells[row] for row in rows] for column, cells in self.cells.items()}
        return replace(self, cells=cells, lines=[self.lines[row] for row in rows])

    def numbers(self, column: str) -> tuple[list[float | None], int]:
        """Return the numbers of a column, None where nothing was measured or read, and how many cells hold no number."""
        cells = self.cells[column]
        try:
            return [float(cell.replace(",", ".") if self.decimal_comma else cell) for cell in cells], 0
        except ValueError:
            numbers: list[float | None] = [
                parse_number(cell, decimal_comma=self.decimal_comma) if is_measured(cell) else None
                for cell in cells
            ]
        bad = sum(number is None and is_measured(cell) for number, cell in zip(numbers, cells, strict=True))
        return numbers, bad


def parse_table(name: str, text: str) -> LogTable | None:
    """Return the table in a text; None if it holds none.

    Raises:
        InputError: it is one, but has no header.
    """
    if has_headed_rows(text):
        return None
    is_drawn = "|" in text or "│" in text or "┃" in text
    whole = text.replace("│", "|").replace("┃", "|") if is_drawn else text
    texts = with_empty_cells(_uncommented(_as_on_screen(whole)))
    numbers = [number for number, line in enumerate(texts, start=1) if line.strip()]
    lines = [texts[number - 1] for number in numbers]
    if "|" in whole and (boxes := parse_boxes(lines)):
        return LogTable(boxes[0], [numbers[place] for place in boxes[1]])
    is_among_others = "|" in whole and 2 * sum("|" in line for line in lines) < len(lines)
    found = _find_header(lines, is_boxed="│" in text or is_among_others)
    if found is None:
        for separator in SEPARATORS if names_one_metric(name) else ():
            if (one := columns_of_one_metric(name, _split(lines, separator)[0])) is not None:
                return LogTable(one, numbers, notes=[NAMED_BY_FILE.format(name=list(one)[-1])])
        if _is_without_header(lines):
            raise InputError(
                f"A table must begin with a line that names its columns; the first line of {name!r} holds numbers. "
                "Name them, as in `--columns epoch,loss,val_loss`, or add such a line."
            )
        return None
    start, separator, header = found
    has_rules = is_drawn or "--" in whole or "==" in whole
    has_comments = any(mark in whole for mark in COMMENTS)
    body: Sequence[int] = range(start + 1, len(lines))
    if has_comments or has_rules:
        body = [
            place
            for place in body
            if not (has_comments and lines[place].lstrip().startswith(COMMENTS))
            and not (has_rules and RULE.fullmatch(lines[place]))
        ]
    if separator == "|":  # a table among prose
        body = list(takewhile(lambda place: "|" in lines[place], body))
    rows = _Rows(header, separator, ends_line=text.endswith("\n"))
    return rows.table([lines[place] for place in body], [numbers[place] for place in body])


def _as_on_screen(text: str) -> list[str]:
    """Return the lines without what was written over: fastai's bars stand before the rows of its table."""
    lines = text.split("\n")
    if "\r" not in text or len(lines) < HEADER_WITHIN // 10:
        return lines
    return [
        next((part for part in reversed(line.split("\r")) if part.strip()), "") if "\r" in line else line
        for line in lines
    ]


def _uncommented(lines: list[str]) -> list[str]:
    """Return the lines of an output that was pasted as comments, without the marks: R Markdown writes '## ' before each."""
    filled = [line for line in lines if line.strip()]
    for mark in ("## ", "#> "):
        marked = sum(line.lstrip().startswith(mark) for line in filled)
        if marked > 1 and 5 * marked >= 4 * len(filled):
            return [line.lstrip().removeprefix(mark) for line in lines]
    return lines


def _find_header(lines: Sequence[str], *, is_boxed: bool) -> tuple[int, str, list[str]] | None:
    """Return position, separator and cells of the first line that names columns of the numbers below it.

    In a box that Rich draws, or that stands among other lines, one of them must be a metric: Lightning prints the model's layers so,
    RecBole the machine.
    """
    places = [index for index, line in enumerate(lines[:HEADER_WITHIN]) if not RULE.fullmatch(line)]
    loose: tuple[int, str, list[str]] | None = None
    places += [
        index - 1
        for index, line in enumerate(lines)
        if index > HEADER_WITHIN and line.lstrip().startswith("|") and RULE.fullmatch(line)
    ]
    for index in places:
        line = lines[index].strip("\r")
        is_comment = line.lstrip().startswith(COMMENTS)
        is_first = False
        if is_comment:  # NumPy's savetxt writes the header as a comment
            line = line.lstrip().lstrip("#/% ")
            is_first = index + 1 < len(lines) and lines[index + 1].lstrip().startswith(COMMENTS)
        below = [
            other
            for other in lines[index + 1 : index + 1 + SAMPLE]
            if not other.lstrip().startswith(COMMENTS) and not RULE.fullmatch(other)
        ]
        for separator in SEPARATORS:
            # Above numbers between spaces, savetxt's header may be written with commas.
            is_listed = is_comment and separator == "space" and "," in line
            header = [
                cell.strip().strip("'") for cell in _split([line], "," if is_listed else separator)[0][0]
            ]
            rows = _split(below, separator)[0]
            if not rows and index > places[0]:
                continue  # the last line of a text that is no table
            if is_first and any(len(row) != len(header) for row in rows):
                continue  # one of several comments heads the rows if it names each of their cells
            if separator == "|" and is_boxed and not any(map(names_metric, header)):
                continue
            if separator == "space" and "  " not in line.strip() and _begins_with_header(below):
                continue  # a sentence above it: 'Saving results to log.jsonl'
            if _heads(header, rows, separator) and not (is_comment and not rows):
                if not rows or 2 * sum(len(row) == len(header) for row in rows) > len(rows):
                    is_another = loose is None or not set(loose[2]) & set(
                        header
                    )  # not the first header again
                    return (index, separator, header) if is_another else loose
                loose = loose or (index, separator, header)  # unless a line below fits exactly
    return loose


def _heads(header: list[str], rows: list[list[str]], separator: str) -> bool:
    """Return whether cells name the columns of rows: words above numbers, and about as many of them."""
    if not 1 <= len(header) <= MAX_COLUMNS or not any(header):
        return False
    if any(MOMENT.search(cell) for cell in header):
        return False
    numbers = sum(parse_number(cell) is not None for cell in header)
    is_spaced = separator in ("wide", "space")
    said = sum(map(bool, map(NUMBER_SAID.search, header)))
    if max(numbers, said) > (0 if is_spaced else len(header) // 4):
        return False
    if not rows:
        return (
            len(header) > 1
            and not is_spaced
            and all(re.fullmatch(r"[\w /.()-]{1,40}", cell) for cell in header)
        )
    if len(header) == 1 and separator != ",":
        return False
    fitting = [row for row in rows if len(header) <= len(row) <= len(header) + 1]
    if len(header) == 1:
        fitting = [row for row in rows if len(row) == 1]
        return (
            len(header[0]) <= 60
            and len(fitting) == len(rows)
            and all(parse_number(row[0]) is not None for row in rows)
        )
    shorter = [row for row in rows if len(row) < len(header)]
    if len(fitting) + len(shorter) // 2 < len(rows) / 2 or not fitting:
        return False
    columns = list(zip(*(row[: len(header)] for row in fitting), strict=True))
    if is_spaced and any(
        _is_said_again(column) for column in columns
    ):  # 'Epoch 1 loss 0.5': words, not columns
        return False
    if is_spaced:  # sentences, too, are words between spaces; a report may follow the table
        together = list(takewhile(lambda row: len(row) == len(header), rows))
        body = together if len(together) >= MANY_LINES else rows
        return 5 * len(fitting) >= 4 * len(body) and 2 * sum(map(_is_numeric, columns)) >= len(header)
    return any(map(_is_numeric, columns))


def _begins_with_header(lines: Sequence[str]) -> bool:
    """Return whether the first of some lines names columns set wide apart, such as spaCy's."""
    first, *rows = _split(lines, "wide")[0] or [[]]
    is_words = len(first) > 1 and all(parse_number(cell) is None for cell in first)
    return is_words and bool(rows) and _heads(first, rows, "wide")


def _is_said_again(cells: Sequence[str]) -> bool:
    """Return whether all cells are the same name of a number."""
    word = cells[0].strip(" :=,")
    if len(set(cells)) > 1 or len(cells) < 2 or not word[:1].isalpha():
        return False
    return names_metric(word) or word.lower() in (
        "epoch",
        "step",
        "iter",
        "iteration",
    )


def is_number(cell: str) -> bool:
    """Return whether a cell holds a number."""
    return parse_number(cell) is not None


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if is_measured(cell)]
    numbers = sum(parse_number(cell, decimal_comma=True) is not None for cell in filled)
    return bool(filled) and 2 * numbers > len(filled)


def _is_without_header(lines: Sequence[str]) -> bool:
    """Return whether all lines are as many numbers, at least two, or there are many lines of one; some may be as '3/40' or '1:02'."""
    for separator in SEPARATORS:
        rows = [[cell for cell in row if is_measured(cell)] for row in _split(lines[:SAMPLE], separator)[0]]
        if len(rows) < 2 or len(set(map(len, rows))) > 1 or (len(rows[0]) < 2 and len(rows) < MANY_LINES):
            continue
        cells = [cell for row in rows for cell in row]
        numbers = sum(parse_number(cell) is not None for cell in cells)
        if 2 * numbers > len(cells) and all(COUNT_OR_TIME.fullmatch(cell.strip()) for cell in cells):
            return True
    return False


def split_line(line: str, separator: str) -> list[str]:
    """Return the cells of one line."""
    return _split([line], separator)[0][0]


def _split(lines: Sequence[str], separator: str) -> tuple[list[list[str]], Sequence[int]]:
    """Return the cells of each row, and the place of the line that it ends in: a quoted cell may hold several lines."""
    each = range(len(lines))
    if len(separator) > 1:
        pattern = re.compile(SEPARATORS[separator])
        return [pattern.split(line.strip()) for line in lines], each
    if separator == "|":
        return [line.strip().strip("|").split("|") for line in lines], each
    if any('"' in line for line in lines):
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        try:
            ended = [(row, reader.line_num - 1) for row in reader]
            return [row for row, _ in ended], [place for _, place in ended]
        except csv.Error:  # a cell longer than 128 KiB, as an unclosed quotation mark makes one
            pass
    return [line.split(separator) for line in lines], each


class _Rows:
    """Rows fitted to their header."""

    def __init__(self, header: list[str], separator: str, *, ends_line: bool) -> None:
        self.header = header
        self.separator = separator
        self.ends_line = ends_line
        self.columns: list[str] = []
        self.notes: list[str] = []
        self.stray = self.long = self.short = 0

    def table(self, lines: list[str], numbers: list[int]) -> LogTable:
        """Return the table of lines, given their numbers in the text."""
        columns = self._plain_columns(lines)
        if columns is None:
            rows, places = _split(lines, self.separator)
            rows, numbers = self._rows(rows, [numbers[place] for place in places])
            columns = list(zip(*rows, strict=True)) if rows else [()] * len(self.columns)
        comma = self.separator != "," and self._has_decimal_commas(columns)
        cells = {
            name: [cell.strip() for cell in column]
            for name, column in zip(self.columns, columns, strict=True)
        }
        return LogTable(cells, numbers, comma, self.notes)

    def _plain_columns(self, lines: list[str]) -> Sequence[Sequence[str]] | None:
        """Return the columns of lines that all begin with a digit and have a cell for each name, as most have; else None.

        A list for each of many rows would keep the garbage collector busy for a third of the time that reading takes.
        """
        width = len(self.header)
        if len(set(self.header)) < width or not self.header[-1] or self.separator not in PLAIN_SEPARATORS:
            return None
        between = width - 1
        if not lines or not all(
            line[0].isdigit() and line.count(self.separator) == between and '"' not in line for line in lines
        ):
            return None
        self.columns = self.header
        cells = self.separator.join(lines).split(self.separator)
        return [cells[place::width] for place in range(width)]

    def _rows(self, rows: list[list[str]], lines: list[int]) -> tuple[list[list[str]], list[int]]:
        """Return rows that fit the columns, and the number of the line that each is in."""
        if len(set(self.header)) < len(self.header) and rows and not any(map(is_number, rows[0])):
            below = [cell.strip() for cell in rows[0]]  # a data frame's second level of names
            rows, lines = rows[1:], lines[1:]
            below += [""] * (len(self.header) - len(below))
            self.header = [" ".join(names).strip() for names in zip(self.header, below, strict=False)]
        if len(self.header) > 1 and not self.header[-1]:
            self._drop_empty_ends(rows)
        widths = set(map(len, rows))
        if len(self.header) + 1 in widths and self._lacks_an_index(rows):
            self.header = ["", *self.header]
        self.columns = self._differing(self.header)
        is_plain = widths == {len(self.columns)} and all(row[0][:1].isdigit() for row in rows)
        return (rows, lines) if is_plain else self._fitted(rows, lines)

    def _lacks_an_index(self, rows: list[list[str]]) -> bool:
        """Return whether rows begin with a number of the row that the header does not name, as R and pandas write them."""
        counted = [row for row in rows if is_number(row[0])]
        wider = sum(len(row) == len(self.header) + 1 and bool(row[-1].strip()) for row in counted)
        return wider > sum(len(row) == len(self.header) for row in counted)

    def _fitted(self, rows: list[list[str]], numbers: list[int]) -> tuple[list[list[str]], list[int]]:
        """Return rows with a cell for every column, and their lines."""
        places = list(range(len(self.columns)))
        is_moved = False
        kept: list[list[str]] = []
        lines: list[int] = []
        for index, (line, row) in enumerate(zip(numbers, rows, strict=True)):
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not cells[0][:1].isdigit() and self._is_header(cells):
                places = self._places(cells)
                is_moved = places != list(range(len(places)))
                continue
            fitted = self._fit(cells, len(places), is_last=index == len(rows) - 1)
            if fitted is not None:
                kept.append(self._place(fitted, places) if is_moved else fitted)
                lines.append(line)
        for row in kept:
            row.extend([""] * (len(self.columns) - len(row)))
        self._note_misfits()
        return kept, lines

    def _drop_empty_ends(self, rows: list[list[str]]) -> None:
        """Take separators at the ends of lines for what they are."""
        while len(self.header) > 1 and not self.header[-1]:
            if any(any(map(str.strip, row[len(self.header) - 1 :])) for row in rows):
                return
            self.header.pop()

    def _place(self, cells: list[str], positions: list[int]) -> list[str]:
        placed = [""] * len(self.columns)
        for position, cell in zip(positions, cells, strict=True):
            placed[position] = cell
        return placed

    def _differing(self, header: list[str]) -> list[str]:
        columns: dict[str, None] = {}
        for name in header:
            number = 2
            differing = name
            while differing in columns:
                differing = f"{name} ({number})"
                number += 1
            if differing != name and name:
                self.notes.append(f"Column {name!r} is there twice: the second is called {differing!r}.")
            columns[differing] = None
        return list(columns)

    def _is_header(self, cells: list[str]) -> bool:
        """Return whether a row is a header: the same again, or another one after a restart with other metrics."""
        if cells == [cell for cell in self.header if cell] or cells == self.header:
            return True
        filled = [cell for cell in cells if cell]
        return (
            len(filled) > 1
            and 2 * sum(cell in self.columns for cell in filled) >= len(filled)
            and all(parse_number(cell) is None for cell in filled)
        )

    def _places(self, cells: list[str]) -> list[int]:
        for cell in cells:
            if cell not in self.columns:
                self.columns.append(cell)
        return (
            [self.columns.index(cell) for cell in cells] if cells != self.header else list(range(len(cells)))
        )

    def _fit(self, cells: list[str], width: int, *, is_last: bool) -> list[str] | None:
        if len(cells) == width:
            return cells
        if len(cells) > width:
            self.long += any(cells[width:])
            return cells[:width]
        if is_last and not self.ends_line:
            self.notes.append(HALF_WRITTEN)
            return None
        if all(parse_number(cell) is None for cell in cells):
            self.stray += 1
            return None
        self.short += 1
        return cells + [""] * (width - len(cells))

    def _note_misfits(self) -> None:
        for count, one, many in (
            (self.stray, "1 line that is no row was left out.", "lines that are no rows were left out."),
            (
                self.long,
                "1 row is longer than the header: what goes beyond it was left out.",
                "rows are longer than the header: what goes beyond it was left out.",
            ),
            (
                self.short,
                "1 row is shorter than the header: the rest of it was taken as not measured.",
                "rows are shorter than the header: the rest of them was taken as not measured.",
            ),
        ):
            if count:
                self.notes.append(one if count == 1 else f"{count:,} {many}")

    @staticmethod
    def _has_decimal_commas(columns: Sequence[Sequence[str]]) -> bool:
        return any(
            re.fullmatch(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?%?", cell)
            for column in columns
            for cell in column[:SAMPLE]
        )
