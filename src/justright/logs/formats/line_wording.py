"""How tools say a number otherwise than as 'name: number', rewritten so: '0.85 avg loss', 'train/val loss: 0.5/0.6', 'tensor(0.5)'."""

from __future__ import annotations

import re

from justright.logs.metric_names import names_metric
from justright.logs.text.cell_numbers import NUMBER

VALUE = rf"(?:{NUMBER}|nan|[-+]?inf(?:inity)?)"
JULIA_FLOAT = re.compile(r"(?<=\d)f0\b")
WRAPPED = re.compile(
    rf"\b(?:tensor|array|(?:np|numpy)\.float\d+)\(\[?\s*({VALUE})\]?(?:,[^()]*)?\)", re.IGNORECASE
)
LIST = re.compile(
    rf"\[\s*({VALUE}(?:\s*,\s*{VALUE})+)\s*,?\s*\]|(?<=[:=])\s*\[\s*({VALUE})\s*,?\s*\]", re.IGNORECASE
)
# 'train/val loss: 0.5/0.6'
ROW_WORD = r"(?:train|training|tr|val|valid|validation|dev|eval|test)"
SLASHED = re.compile(
    rf"\b({ROW_WORD}(?:\s?/\s?{ROW_WORD})+)\s+([A-Za-z][\w ]*?)\s*[:=]?\s*({VALUE}(?:\s*/\s*{VALUE})+)",
    re.IGNORECASE,
)
# '0.5 (train) 0.6 (val)': numbers with their rows behind them
ROWS_LAST = re.compile(rf"({VALUE})(\s?%)?\s*\(({ROW_WORD})\)", re.IGNORECASE)
# '0.85 avg loss, 0.001 rate', as Darknet writes: pieces that begin with a number
BEGINS = re.compile(r"(?:^|[,;|])\s*\d")
SEPARATOR = re.compile(r"([,;|])")
NUMBER_FIRST = re.compile(rf"\s*({VALUE})(\s?%)?\s+([A-Za-z][\w@.\- ]{{0,60}}?)\s*", re.IGNORECASE)
# How a metric of several classes was averaged, behind its name: 'f1-score (micro avg) 0.8'
AVERAGED = re.compile(r"\s{0,9}\((?:micro|macro|weighted|samples)(?:[ -]?(?:avg|average))?\)", re.IGNORECASE)
# What COCO's tools print after an evaluation; the mean over overlaps comes first. Where there is nothing to find, it is -1.
COCO = re.compile(
    r"Average (Precision|Recall)\s+\(A[PR]\) @\[ IoU=([\d.:]+)\s*\| area=\s*(\w+) \|[^]]*\] = (\S+)"
)
COCO_NAMES = {"0.50:0.95": "AP", "0.50": "AP50", "0.75": "AP75"}


def plain_numbers(text: str) -> str:
    """Return a line with the numbers inside what a library prints for a scalar, and Julia's without their ending.

    Example:
        >>> plain_numbers("loss tensor(0.52, device='cuda:0') val_loss 0.61f0")
        'loss 0.52 val_loss 0.61'
    """
    # Plain searches go before patterns, which take ten times as long: a log may have 100,000 lines.
    text = WRAPPED.sub(r"\1", text) if "(" in text else text
    return JULIA_FLOAT.sub("", text) if "f0" in text else text


def plain_names(text: str) -> str:
    """Return a line in which each number stands behind its own name.

    Example:
        >>> plain_names("train/val loss: 0.5/0.6"), plain_names("f1-score (micro avg)  0.8")
        ('train loss: 0.5 | val loss: 0.6', 'f1-score  0.8')
        >>> plain_names("100: 0.9, 0.85 avg loss, 0.001 rate")
        '100: 0.9, avg loss: 0.85, rate: 0.001'
        >>> plain_names("acc: 80% (train), 75% (val)")
        'acc: train=80% |, val=75% |'
    """
    text = SLASHED.sub(_apart, text) if "/" in text else text
    text = _rows_first(text) if "(" in text else text
    text = AVERAGED.sub("", text) if "(" in text else text
    text = _number_last(text) if "," in text else text
    return COCO.sub(_coco, text) if " @[ IoU=" in text else text


def plain_lists(text: str) -> str:
    """Return a line with means instead of lists, marked '@', and the number of a list of one.

    Example:
        >>> plain_lists("dice [0.4, 0.6] iou: [0.5]")
        'dice : 0.5 @ iou:0.5'
    """
    return LIST.sub(_listed, text) if "[" in text else text


def _apart(match: re.Match[str]) -> str:
    """Return 'train loss: 0.5 | val loss: 0.6' for 'train/val loss: 0.5/0.6'."""
    rows, numbers = match[1].split("/"), re.split(r"\s*/\s*", match[3])
    if len(rows) != len(numbers):
        return match[0]
    return " | ".join(
        f"{row.strip()} {match[2].strip()}: {number}" for row, number in zip(rows, numbers, strict=True)
    )


def _rows_first(text: str) -> str:
    """Return 'loss: train=0.5, val=0.6' for 'loss: 0.5 (train), 0.6 (val)', if rows stand behind numbers alone."""
    if len({match[3].lower() for match in ROWS_LAST.finditer(text)}) < 2:
        return text
    return ROWS_LAST.sub(r"\3=\1\2 |", text)


def _number_last(text: str) -> str:
    """Return 'avg loss: 0.85, rate: 0.001' for '0.85 avg loss, 0.001 rate', if one of several such pieces is a measure."""
    if len(BEGINS.findall(text)) < 2:
        return text
    pieces = SEPARATOR.split(text)
    found = {place: match for place, piece in enumerate(pieces) if (match := NUMBER_FIRST.fullmatch(piece))}
    if len(found) < 2 or not any(names_metric(match[3]) for match in found.values()):
        return text
    for place, match in found.items():
        pieces[place] = f" {match[3]}: {match[1]}{match[2] or ''}"
    return "".join(pieces)


def _coco(match: re.Match[str]) -> str:
    """Return 'validation AP: 0.37' for COCO's line of it; nothing for recall and for objects of one size."""
    what, overlap, area, number = match.groups()
    is_whole = what == "Precision" and area == "all" and overlap in COCO_NAMES and not number.startswith("-")
    return f"validation {COCO_NAMES[overlap]}: {number}" if is_whole else ""


def _listed(match: re.Match[str]) -> str:
    """Return ': 0.5 @' for '[0.4, 0.6]', whose mean it is, and the number of a list of one."""
    if match[2]:
        return match[2]
    values = [float(number) for number in match[1].split(",")]
    return f": {sum(values) / len(values):.12g} @"
