"""Tables whose columns a rule of dashes draws, as skorch prints them: an empty cell shows only by where the others stand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

RULE = re.compile(r"\s*-{2,}(?:\s+-{2,}){2,}\s*")
CELL = re.compile(r"\S+(?:\s\S+)*")
MISSING = "-"


def with_empty_cells(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines with a mark for each empty cell of rows below such a rule.

    Example:
        >>> with_empty_cells(
        ...     ["epoch    cp    dur", "-----  ----  -----", "    1     +   0.02", "    2         0.02"]
        ... )[3]
        '2  -  0.02'
    """
    rules = [
        place
        for place, line in enumerate(lines)
        if place and line.lstrip().startswith("--") and RULE.fullmatch(line)
    ]
    filled = list(lines)
    for place, end in pairwise([*rules, len(lines)]):
        columns = [match.span() for match in re.finditer("-+", lines[place])]
        if len(CELL.findall(lines[place - 1])) != len(columns):
            continue
        for row in range(place + 1, end):
            cells = list(CELL.finditer(lines[row]))
            if 1 < len(cells) < len(columns):
                filled[row] = _placed(cells, columns) or lines[row]
    return filled


def _placed(cells: Sequence[re.Match[str]], columns: Sequence[tuple[int, int]]) -> str:
    """Return a row with its cells below the dashes that they stand below; empty if one stands below none or several do."""
    placed = [MISSING] * len(columns)
    for cell in cells:
        below = [at for at, (start, stop) in enumerate(columns) if cell.start() < stop and start < cell.end()]
        if len(below) != 1 or placed[below[0]] != MISSING:
            return ""
        placed[below[0]] = cell[0]
    return "  ".join(placed)
