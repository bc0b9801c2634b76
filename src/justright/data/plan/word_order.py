"""Texts that have an order of their own: sizes, grades, ranges, months, weekdays."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Each from low to high. A column is ordered if all its levels stand in one of these.
SCALES: tuple[tuple[str, ...], ...] = (
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    (
        *("january", "february", "march", "april", "may", "june"),
        *("july", "august", "september", "october", "november", "december"),
    ),
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    ("mon", "tues", "wed", "thur", "fri", "sat", "sun"),
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    ("spring", "summer", "autumn", "fall", "winter"),
    ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl"),
    ("tiny", "small", "medium", "large", "huge"),
    ("very small", "small", "medium", "big", "large", "very large"),
    ("very low", "low", "med", "medium", "moderate", "normal", "high", "vhigh", "very high"),
    ("low", "average", "high"),
    ("none", "mild", "moderate", "severe"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("never", "monthly or less", "monthly", "weekly", "daily"),
    ("po", "fa", "ta", "gd", "ex"),
    ("very poor", "very bad", "poor", "bad", "fair", "average", "good", "very good", "excellent", "ideal"),
    ("fair", "good", "very good", "premium", "ideal"),
    ("first", "second", "third", "fourth", "fifth", "sixth"),
    ("1st", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "10th"),
    (
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("bronze", "silver", "gold", "platinum"),
    ("beginner", "intermediate", "advanced", "expert"),
    ("child", "teen", "young", "adult", "senior"),
    ("cold", "cool", "mild", "warm", "hot"),
    ("freshman", "sophomore", "junior", "senior"),
)
# Months, weekdays and seasons come round again: their ends are neighbours.
CYCLES = SCALES[:6]
# A single number or a range of numbers, with marks such as <5, 60+, >=3 years, 10-19.
RANGE = re.compile(
    r"^(?P<sign><=?|>=?|under|over|below|above|less than|more than)?\s*(?P<low>-?\d+(?:[.,]\d+)*)"
    r"(?:\s*(?:-|–|to|\.\.)\s*(?P<high>\d+(?:[.,]\d+)*))?\s*(?P<plus>\+|and over|or more)?(?:\s*[a-z%]+\.?)?$"
)
MIN_LEVELS = 3  # two levels need no order
QUOTES = "'\"`"


def word_order(levels: Sequence[str]) -> tuple[tuple[str, ...], bool] | None:
    """Return levels from low to high, and whether they come round again; None if they have no order that is known.

    Example:
        >>> (
        ...     word_order(["10-19", "<10", "20+"]),
        ...     word_order(["High", "Low", "Medium"]),
        ...     word_order(["b", "a", "c"]),
        ... )
        ((('<10', '10-19', '20+'), False), (('Low', 'Medium', 'High'), False), None)
    """
    if len(levels) < MIN_LEVELS:
        return None
    plain = {level: level.strip().strip(QUOTES).lower().replace("_", " ") for level in levels}
    if len(set(plain.values())) < len(levels):
        return None
    for scale in SCALES:
        if set(plain.values()) <= set(scale):
            ordered = tuple(sorted(levels, key=lambda level: scale.index(plain[level])))
            return ordered, scale in CYCLES
    return _ranges(levels, plain)


def _ranges(levels: Sequence[str], plain: dict[str, str]) -> tuple[tuple[str, ...], bool] | None:
    found = {level: match for level, text in plain.items() if (match := RANGE.match(text))}
    if len(found) < len(levels):
        return None
    # Only numbers: nothing says that they are ranges, and they would have been read as numbers.
    if not any(match["high"] or match["sign"] or match["plus"] for match in found.values()):
        return None
    return tuple(sorted(levels, key=lambda level: _place(found[level]))), False


def _place(match: re.Match[str]) -> tuple[float, int]:
    low = float(match["low"].replace(",", ""))
    sign = match["sign"] or ""
    if sign.startswith("<") or sign in ("under", "below", "less than"):
        return low, -1
    return low, 1 if sign or match["plus"] else 0
