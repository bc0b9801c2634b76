"""Boxes of names and numbers, one after each evaluation, as Stable-Baselines3 and Spinning Up print: a row of a table each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

EDGE = re.compile(r"\s*[-=+]{5,}\s*")
ROW = re.compile(r"\s*\|\s*(\S(?:[^|]*\S)?)\s*\|\s*([^|]*?)\s*\|\s*")
FEWEST = 2


def parse_boxes(lines: Sequence[str]) -> tuple[dict[str, list[str]], list[int]] | None:
    """Return the cells of each column, and the place of the last line of each box; None if there are not several boxes.

    A name without a number, such as 'rollout/', stands before those below it.

    Example:
        >>> box = ["-----", "| time/ | |", "| steps | 5 |", "-----"]
        >>> parse_boxes([*box, *box])
        ({'time/steps': ['5', '5']}, [2, 6])
    """
    boxes: list[tuple[dict[str, str], int]] = []
    inside: dict[str, str] | None = None
    group = ""
    for place, line in enumerate(lines):
        if EDGE.fullmatch(line):
            if inside:
                boxes.append((inside, place - 1))
                inside = None
            else:
                inside, group = {}, ""
        elif inside is not None:
            if (row := ROW.fullmatch(line)) is None:
                inside = None
            elif row[2]:
                inside[f"{group}{row[1]}"] = row[2]
            else:
                group = row[1]
    columns = Counter(name for box, _ in boxes for name in box)  # in the order of the first box
    if len(boxes) < FEWEST or max(columns.values()) < FEWEST:  # boxes of different things, each drawn once
        return None
    return {name: [box.get(name, "") for box, _ in boxes] for name in columns}, [place for _, place in boxes]
