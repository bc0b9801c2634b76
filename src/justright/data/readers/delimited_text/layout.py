"""How a text is laid out: what separates its fields, how many there are, and the lines above and between that are no rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from justright.data.checks import counted
from justright.errors import InputError

# What `sep` says for any number of blanks, and what we say for two or more: columns are aligned, and hold single blanks.
WHITESPACE = "whitespace"
ALIGNED = "aligned"
# In the order in which they are preferred where nothing else decides: a comma stands within numbers, a blank within texts.
SEPARATORS = ("\t", ";", "|", ",", "::", "\1", WHITESPACE, ALIGNED)
NAMES = {
    "\t": "tabs",
    ";": "semicolons",
    "|": "bars",
    ",": "commas",
    WHITESPACE: "blanks",
    ALIGNED: "two or more blanks",
}
# Of these a text hardly ever holds the same number in each of its lines unless they separate its fields.
MARKS = ("\t", ";", "|")
# Between aligned columns.
GAP = re.compile(r"\s{2,}")
COMMENTS = ("#", "%", "//")
# Lines that are looked at: enough to see what most of them have in common.
LINES = 1_000
# A separator that gives nearly as many lines the same number of fields as the best one is as good as that.
NEARLY = 0.9
# Lines whose cells are looked at for numbers, which a wrong separator cuts through; blanks must make this much more sense.
NUMBER_LINES = 100
BLANKS_MARGIN = 0.3
FIRST_LINE_WEIGHT = 0.1
# A number as people write it, in any country, with a currency or a percent sign.
DIGITS = r"\d{1,3}(?:[ '\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)*[.,]?|[.,]\d+"
NUMBER = re.compile(rf"[-+(]?[$€£¥]?\s?[-+]?(?:{DIGITS})(?:[eE][-+]?\d+)?\s?[%€)]?")
# A quoted cell stands between separators; a quote within a word, such as that of inches, begins none.
QUOTED = re.compile(r'(?<![^\n,;|\t :])"(?:[^"]|"")*+"(?![^\r\n,;|\t :])')
SINGLE_QUOTED = re.compile(QUOTED.pattern.replace('"', "'"))
# A line that only draws a rule, as Markdown and SQL consoles do: of these characters, at least three of one in a row.
RULE_CHARACTERS = "-+=|: \t\r"
RULE_MARKS = ("---", "===")
# Excel's own line on top that names the separator.
SEPARATOR_LINE = re.compile(r'"?sep=(?P<sep>[^"\n\r])"?\s*', re.IGNORECASE)
# In place of separators that are longer than one byte: hardly any text holds it.
SUBSTITUTE = "\x1f"
QUOTED_OR_BLANKS = re.compile(rb'("[^"\n]*")|[ \t]+')
GAP_BYTES = re.compile(rb"[ \t]{2,}+")
LINE_ENDS = (b"", b"\r", b"\n")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text is laid out.

    Args:
        sep: what separates fields, or 'whitespace'.
        fields: how many fields most lines have.
        first_line: the line, from 0, on which the table begins, with its names or its first row.
        comment: what begins lines that are comments; empty if nothing does.
        heading: the last comment before the table, without its mark: it may hold the names.
        skipped: numbers, from 0, of lines above the table that are neither empty nor comments.
        quote: what stands around cells that hold separators.
    """

    sep: str
    fields: int
    first_line: int = 0
    comment: str = ""
    heading: str = ""
    skipped: tuple[int, ...] = ()
    quote: str = '"'


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank: its number from 0, and its text with a letter in place of each quoted cell."""

    number: int
    text: str


def check_separator(sep: str) -> str:
    r"""Return a separator from the user, a tab also if it is written as two characters.

    Raises:
        InputError: it can separate nothing.
    Example:
        >>> check_separator("\\t"), check_separator("whitespace")
        ('\t', 'whitespace')
    """
    sep = sep.replace("\\t", "\t")
    if not sep or any(mark in sep for mark in '\r\n\0"'):
        raise InputError(
            f"`sep` must be what stands between two fields, without quotes and line ends, or 'whitespace'; got {sep!r}."
        )
    return sep


def find_layout(head: str, sep: str | None = None) -> Layout:
    r"""Return how a text is laid out, from its first lines.

    The separator is the one that gives most lines the same number of fields; among equals, the one whose cells are numbers
    most often (a decimal comma is cut by a comma, a name by a blank).

    Args:
        head: its first lines, whole.
        sep: what separates fields, if that is known.
    Example:
        >>> find_layout("# seen in May\nx;y\n1,5;2\n2,5;3\n")
        Layout(sep=';', fields=2, first_line=1, comment='#', heading='seen in May', skipped=(), quote='"')
    """
    layout, odd = _layout(_lines(head, QUOTED), sep)
    if odd and "'" in head and '"' not in head:
        other, fewer = _layout(_lines(head, SINGLE_QUOTED), sep)
        if fewer < odd:
            return replace(other, quote="'")
    return layout


def _layout(lines: Sequence[Line], sep: str | None) -> tuple[Layout, int]:
    """Return the layout of lines, and how many of them have more or fewer fields than most."""
    named = SEPARATOR_LINE.fullmatch(lines[0].text) if lines else None
    if named:
        lines, sep = lines[1:], sep or named["sep"]
    candidates = [sep] if sep else SEPARATORS
    comment = next((mark for mark in COMMENTS if lines and lines[0].text.lstrip().startswith(mark)), "")
    rows, remarks = _without_comments(lines, comment)
    if comment and (not rows or _are_rows(remarks, rows, candidates)):
        comment, rows, remarks = "", list(lines), []
    if not rows:
        return Layout(sep or ",", 1), 0
    sep, fields = _best(rows, candidates)
    first = _first_row(rows, sep, fields)
    above = [line.text for line in remarks if line.number < rows[first].number]
    heading = above[-1].lstrip()[len(comment) :].strip() if above else ""
    skipped = tuple(line.number for line in rows[:first])
    odd = sum(count_fields(line.text, sep) != fields for line in rows[first:])
    return Layout(sep, fields, rows[first].number, comment, heading, skipped), odd


def _without_comments(lines: Sequence[Line], comment: str) -> tuple[list[Line], list[Line]]:
    """Return the lines that are no comments, and those that are."""
    marked = [bool(comment) and line.text.lstrip().startswith(comment) for line in lines]
    kept = [line for line, is_marked in zip(lines, marked, strict=True) if not is_marked]
    return kept, [line for line, is_marked in zip(lines, marked, strict=True) if is_marked]


def _are_rows(remarks: Sequence[Line], rows: Sequence[Line], candidates: Sequence[str]) -> bool:
    """Return whether lines that begin with a mark between the others are rows, as most have as many fields."""
    between = [line for line in remarks if line.number > rows[0].number]
    sep, fields = _best(rows, candidates)
    alike = sum(count_fields(line.text, sep) == fields > 1 for line in between)
    return 2 * alike > len(between)


def is_rule(line: str) -> bool:
    """Return whether a line only draws a rule between names and rows.

    Example:
        >>> is_rule("|---|:---:|"), is_rule("-- 1")
        (True, False)
    """
    return not line.strip(RULE_CHARACTERS) and any(mark in line for mark in RULE_MARKS)


def count_fields(line: str, sep: str) -> int:
    """Return how many fields a line has whose quoted cells hold no separators.

    Example:
        >>> count_fields("1,2,", ","), count_fields(" 1  2 ", "whitespace")
        (3, 2)
    """
    return len(_cells(line, sep)) if sep in (WHITESPACE, ALIGNED) else line.count(sep) + 1


def name_separator(sep: str) -> str:
    """Return the plural of a separator's name.

    Example:
        >>> name_separator(","), name_separator("::")
        ('commas', "'::'")
    """
    return NAMES.get(sep, repr(sep))


def describe_skipped(numbers: Sequence[int], what: str) -> str:
    """Return a sentence on lines that were skipped, by their numbers from 0.

    Example:
        >>> describe_skipped([0, 1], "above the table")
        '2 lines above the table were skipped (first: line 1).'
    """
    verb = "was" if len(numbers) == 1 else "were"
    return f"{counted(len(numbers), 'line')} {what} {verb} skipped (first: line {numbers[0] + 1:,})."


def _lines(head: str, quoted: re.Pattern[str]) -> list[Line]:
    # A line end within quotes is no end of a line: it is kept as a zero, which no text holds, to count lines by.
    blanked = quoted.sub(lambda found: "Q" + "\0" * found[0].count("\n"), head)
    lines, number = list[Line](), 0
    for text in blanked.split("\n"):
        if text.strip(" \t\r\v\f\0,;|") and not is_rule(text):
            lines.append(Line(number, text.strip("\r")))
            if len(lines) == LINES:
                break
        number += 1 + text.count("\0")
    return lines


def _best(rows: Sequence[Line], candidates: Sequence[str]) -> tuple[str, int]:
    """Return the separator that makes most sense, and the number of fields of most lines with it."""
    found: dict[str, tuple[int, float]] = {}
    for sep in candidates:
        counts = Counter(count_fields(line.text, sep) for line in rows)
        # A line of one field is a title or a remark where others have several.
        fields, lines = max(counts.items(), key=lambda item: (item[0] > 1, item[1]))
        if fields > 1 or len(candidates) == 1:
            found[sep] = fields, lines / len(rows)
    if not found:
        return ",", 1
    best = max(share for _, share in found.values())
    good = {sep: fields for sep, (fields, share) in found.items() if share >= NEARLY * best}
    # A decimal comma cuts the numbers, but not the line of their names, which what separates fields cuts as well.
    if "," in good:
        good = {sep: good[sep] for sep in MARKS if sep in good and found[sep][1] > found[","][1]} or good
    sep = max(good, key=lambda one: _sense(rows, one, good[one]))
    # Tabs that come in runs here and there, as a hand makes them: as many fields, in more lines, between any blanks.
    if sep == "\t" and found.get(WHITESPACE, (0, 0.0)) > found[sep] and good.get(WHITESPACE) == good[sep]:
        sep = WHITESPACE
    return sep, _widest(rows, sep, good[sep])


def _widest(rows: Sequence[Line], sep: str, fields: int) -> int:
    """Return how many fields there are where most rows leave out their empty cells at the end, but the first line does not."""
    counts = [count_fields(line.text, sep) for line in rows]
    drops_cells = sep not in (WHITESPACE, ALIGNED) and not any(
        line.text.rstrip().endswith(sep) for line in rows
    )
    is_first_widest = counts[0] == max(counts) and counts.count(counts[0]) > 1
    return counts[0] if drops_cells and is_first_widest else fields


def _sense(rows: Sequence[Line], sep: str, fields: int) -> float:
    """Return the share of cells that are numbers, and a little more if the first line has as many fields as most."""
    cells = [cell for line in rows[:NUMBER_LINES] for cell in _cells(line.text, sep) if cell]
    numbers = sum(map(is_like_number, cells))
    is_first_like_most = count_fields(rows[0].text, sep) == fields
    return (
        numbers / max(len(cells), 1)
        + FIRST_LINE_WEIGHT * is_first_like_most
        - BLANKS_MARGIN * (sep in (WHITESPACE, ALIGNED))
    )


def _cells(text: str, sep: str) -> list[str]:
    if sep == ALIGNED:
        return GAP.split(text.strip())
    return text.split() if sep == WHITESPACE else [cell.strip() for cell in text.split(sep)]


def is_like_number(cell: str) -> bool:
    """Return whether a cell holds a number as people of any country write it.

    Example:
        >>> is_like_number("$1,234.50"), is_like_number("-1,5 %"), is_like_number("5 May")
        (True, True, False)
    """
    return NUMBER.fullmatch(cell) is not None


def _first_row(rows: Sequence[Line], sep: str, fields: int) -> int:
    """Return which line is the first of the table: the first with as many fields as most, or its names just above it."""
    whole = [place for place, line in enumerate(rows) if count_fields(line.text, sep) == fields]
    if fields > 2 and sep not in (
        WHITESPACE,
        ALIGNED,
    ):  # Excel writes a title as one cell and as many empty ones
        whole = [place for place in whole if sum(map(bool, _cells(rows[place].text, sep))) > 1] or whole
    first = whole[0]
    is_near = first > 0 and rows[first].number - rows[first - 1].number == 1
    # Words above numbers are the names themselves, and what stands above them is none.
    are_names = [not any(map(is_like_number, _cells(line.text, sep))) for line in rows[first : first + 2]]
    if is_near and are_names != [True, False] and _may_be_names(_cells(rows[first - 1].text, sep), fields):
        first -= 1
    if sep not in (WHITESPACE, ALIGNED) and any(map(is_like_number, _cells(rows[first].text, sep))):
        # Without names, what has several fields is a row with a field too many or too few, not a title.
        doubtful = [place for place in range(first) if sum(map(bool, _cells(rows[place].text, sep))) > 1]
        first = min([first, *doubtful])
    return first


def _may_be_names(cells: Sequence[str], fields: int) -> bool:
    """Return whether a line with one field more or less than the rows may name their columns.

    R does not name the column of row names; some programs end one kind of line with a separator, and not the other.
    """
    if len(cells) == fields + 1:
        return not cells[-1]
    return len(cells) == fields - 1 > 1 and not any(map(is_like_number, cells))


def delimited(data: bytes, sep: str) -> tuple[bytes, str]:
    r"""Return text whose fields one character of one byte separates, and that character; line ends stay where they are.

    Args:
        data: whole lines.
        sep: what separates the fields now, or 'whitespace'.
    Example:
        >>> delimited(b" 1  2\t3 \n", "whitespace"), delimited(b"1::2\n", "::")
        ((b'1 2 3\n', ' '), (b'1\x1f2\n', '\x1f'))
    """
    if sep == ALIGNED:
        return GAP_BYTES.sub(_replace_gap, data), SUBSTITUTE
    if sep != WHITESPACE:
        if len(sep.encode()) == 1:
            return data, sep
        return data.replace(sep.encode(), SUBSTITUTE.encode()), SUBSTITUTE
    if b'"' in data:
        data = QUOTED_OR_BLANKS.sub(lambda found: found[1] or b" ", data)
    else:
        data = data.replace(b"\t", b" ")
        while b"  " in data:
            data = data.replace(b"  ", b" ")
    data = data.replace(b"\r\n", b"\n").replace(b"\n ", b"\n").replace(b" \n", b"\n")
    return data.removeprefix(b" ").removesuffix(b" "), " "


def _replace_gap(found: re.Match[bytes]) -> bytes:
    before, after = (
        found.string[max(0, found.start() - 1) : found.start()],
        found.string[found.end() : found.end() + 1],
    )
    return found[0] if before in LINE_ENDS or after in LINE_ENDS else SUBSTITUTE.encode()
