"""Text from outside made safe to print, and the symbols a terminal can show."""

from __future__ import annotations

import re
import shlex
import unicodedata
from dataclasses import dataclass

# Categories that move the cursor, change colours, reorder or hide text: control, format, surrogate, line and paragraph
# separators. Variant, column and file names may come from a stranger.
UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# The library's keywords in messages, and what the command line calls them.
KEYWORDS = re.compile(r"""\b(missing|task)=\[?(?:'([^']*)'|"([^"]*)")\]?""")


@dataclass(frozen=True, slots=True)
class Symbols:
    """The characters that decorate output."""

    bars: str  # from the lowest to the highest bar of a sparkline or histogram
    plus_minus: str  # in front of half an interval
    dash: str  # between two ends of a range, and for what was not measured
    ellipsis: str  # in place of what was cut off
    cells: str  # of a bar: shown, possible, and neither


UNICODE = Symbols(bars="▁▂▃▄▅▆▇█", plus_minus="±", dash="–", ellipsis="…", cells="█▒·")
ASCII = Symbols(bars="_.:-=+*#", plus_minus="+/-", dash="-", ellipsis="~", cells="#?.")

# What stands for signs of ours where there is no Unicode.
PLAIN_SIGNS = {"−": "-", "↑": "^", "↓": "v", "×": "x", "∞": "inf"}


def symbols_for(encoding: str | None) -> Symbols:
    """Return the symbols that text in `encoding` can hold."""
    return UNICODE if (encoding or "").lower().replace("_", "-").startswith("utf") else ASCII


def plain(text: object, *, keep: str = "") -> str:
    r"""Return `text` with everything a terminal would act on written out, so that it is seen and not obeyed.

    `keep` are unsafe characters that are meant, such as the line breaks of a message.

    Example:
        >>> plain("Tiny\x1b[2J")
        'Tiny\\x1b[2J'
    """
    return "".join(
        character
        if character in keep or unicodedata.category(character) not in UNSAFE_CATEGORIES
        else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


def spelled(text: str, symbols: Symbols) -> str:
    """Return text of ours in the characters that a terminal can show.

    Example:
        >>> spelled("−0.1±0.2", ASCII)
        '-0.1+/-0.2'
        >>> spelled("··▒▒██|", ASCII)
        '..??##|'
    """
    marks: dict[str, str | int | None] = {"±": symbols.plus_minus, "–": symbols.dash}
    marks |= dict(zip(UNICODE.cells, symbols.cells, strict=True))
    if symbols is ASCII:
        marks |= PLAIN_SIGNS
    return text.translate(str.maketrans(marks))


def shorten(text: object, width: int, symbols: Symbols) -> str:
    """Return safe `text` in at most `width` terminal cells, with an ellipsis where it was cut.

    Example:
        >>> shorten("a very long name", 8, UNICODE)
        'a very …'
    """
    from rich.cells import cell_len, set_cell_size

    safe = plain(text)
    if cell_len(safe) <= width:
        return safe
    return set_cell_size(safe, max(0, width - len(symbols.ellipsis))) + symbols.ellipsis


def with_flags(message: str) -> str:
    """Return a message of the library in the words of the command line.

    Example:
        >>> with_flags("Declare it categorical, or pass missing=['n/a'] to leave such rows out.")
        'Declare it with --categorical, or pass --missing n/a to leave such rows out.'
    """
    said = KEYWORDS.sub(
        lambda found: f"--{found[1]} {shlex.quote(found[2] if found[2] is not None else found[3])}", message
    )
    return said.replace("Declare it categorical,", "Declare it with --categorical,")
