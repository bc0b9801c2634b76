"""Rows below a header that is printed again for each of them, as YOLO and AllenNLP do, read as lines that name their numbers."""

from __future__ import annotations

import re

# 'Epoch  GPU_mem  box_loss ...' above a row per epoch, 'Class  Images  P ...' above a row per class, of which 'all' is the mean.
HEADER = re.compile(r"\s*(?:Epoch|Class)(?:\s{2,}\S+){3,}\s*")
HEADERS = re.compile(r"^[ \t]*(Epoch|Class)(?: {2,}\S+){3,}", re.MULTILINE)
BAR = re.compile(r":?\s{1,9}(\d+)%\|.*")
FULL = "100"
# What AllenNLP writes after each epoch, where its bars ('||: 100%') did not say the same before.
TWO_COLUMNS = re.compile(r"Training\s+\|\s+Validation[ \t\r]*$", re.MULTILINE)
BOTH = ("train", "validation")
GAP = re.compile(r"\s{2,}|\t")
ALL_CLASSES = "all"


def has_headed_rows(text: str) -> bool:
    """Return whether headers of epochs and of classes take turns in a text."""
    return (
        "Epoch  " in text
        and "Class  " in text
        and {match[1] for match in HEADERS.finditer(text)} == {"Epoch", "Class"}
    )


def name_rows(text: str) -> str:
    """Return a text in which each such row names its numbers; other lines stay as they are, and all keep their places.

    A row with a bar that is not full is of a part of an epoch, and says nothing.

    Example:
        >>> lines = [
        ...     "Epoch  GPU_mem  box_loss  Size",
        ...     "0/29  3.2G  0.85  640: 100%|###| 9/9 [",
        ...     "Class  P  R  mAP",
        ...     "all  1  1  1",
        ... ]
        >>> name_rows(chr(10).join(lines)).split(chr(10))[1]
        'Epoch: 0/29 | GPU_mem: 3.2G | box_loss: 0.85 | Size: 640'
    """
    if "Validation" in text and "||:" not in text and TWO_COLUMNS.search(text):
        return "\n".join(map(_of_both, text.split("\n")))
    if not has_headed_rows(text):
        return text
    lines = text.split("\n")
    names: list[str] = []
    for place, line in enumerate(lines):
        shown = line.rstrip("\r").rpartition("\r")[2]
        bar = BAR.search(shown)
        shown = shown[: bar.start()] if bar else shown
        if HEADER.fullmatch(shown):
            names = [re.sub(r"^\w+\(|\)$", "", name) for name in GAP.split(shown.strip())]
            lines[place] = ""
            continue
        cells = GAP.split(shown.strip())
        if not names or len(cells) != len(names) or not any(map(str.isdigit, shown)):
            continue
        if bar and bar[1] != FULL:
            lines[place] = ""
        elif names[0] == "Epoch":
            lines[place] = " | ".join(f"{name}: {cell}" for name, cell in zip(names, cells, strict=True))
        elif cells[0] == ALL_CLASSES:
            named = zip(names[1:], cells[1:], strict=True)
            lines[place] = " | ".join(f"validation {name}: {cell}" for name, cell in named)
        else:
            lines[place] = ""
    return "\n".join(lines)


def _of_both(line: str) -> str:
    """Return 'train loss: 0.5 | validation loss: 0.6' for AllenNLP's 'loss | 0.5 | 0.6'."""
    name, *numbers = line.split("|", maxsplit=3)
    if len(numbers) != len(BOTH) or not name.split():
        return line
    named = zip(BOTH, map(str.strip, numbers), strict=True)
    return " | ".join(f"{rows} {name.split()[-1]}: {number}" for rows, number in named)
