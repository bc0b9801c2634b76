"""Numbers as logs write them: '0.5', '70.0%', '0,5', 'tensor(0.69, device=...)', '3/40'."""

from __future__ import annotations

import re

# What tools write where nothing was measured: Keras NA, Lightning nothing, Hugging Face's tables 'No log'.
NOT_MEASURED = frozenset(
    {
        "",
        "na",
        "n/a",
        "<na>",
        "#n/a",
        "none",
        "null",
        "nil",
        "-",
        "--",
        "---",
        "?",
        "[]",
        "no log",
        "undefined",
    }
)
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
PLAIN_NUMBER = re.compile(NUMBER)
# A number inside what a library prints for a scalar: tensor(0.5, ...), np.float64(0.5), <tf.Tensor ... numpy=0.5>, [0.5].
WRAPPED = re.compile(
    rf"(?:[\w.]+\(\[*\s*({NUMBER}|nan|-?inf)\b.*\)|\[+\s*({NUMBER}|nan|-?inf)\s*\]+|<.*\bnumpy=({NUMBER}|nan|-?inf)\b.*>)",
    re.IGNORECASE,
)
LISTED = re.compile(rf"\[\s*({NUMBER}(?:\s*,\s*{NUMBER})+)\s*\]")  # parts of a loss, as DeepXDE writes them
THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
DECIMAL_COMMA = re.compile(r"([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)")
COUNTED = re.compile(r"[A-Za-z#: ]*(\d+(?:\.\d+)?)\s*(?:(?:/|of)\s*\d+)?[):]?")


def is_measured(cell: str) -> bool:
    """Return whether a cell holds something, be it nan."""
    return cell.strip().lower() not in NOT_MEASURED


def parse_number(cell: str, *, decimal_comma: bool = False) -> float | None:
    """Return the number in a cell, of a list the mean; None if it holds none.

    Args:
        cell: as written.
        decimal_comma: whether a comma stands before decimals, and not before thousands.

    Example:
        >>> [
        ...     parse_number(cell)
        ...     for cell in ("1e-3", "70.0%", "tensor(0.5, device='cuda:0')", "1,234", "oops")
        ... ]
        [0.001, 0.7, 0.5, 1234.0, None]
        >>> parse_number("0,25", decimal_comma=True)
        0.25
    """
    try:
        return float(cell)
    except ValueError:
        text = cell.strip().strip("'\"")
    if text.endswith("%"):
        share = parse_number(text[:-1], decimal_comma=decimal_comma)
        return None if share is None else float(f"{share / 100:.12g}")  # 70.1 / 100 is 0.7009999999999998
    if decimal_comma and (comma := DECIMAL_COMMA.fullmatch(text.replace(".", ""))):
        return float(f"{comma[1]}.{comma[2]}")
    if THOUSANDS.fullmatch(text):
        return float(text.replace(",", ""))
    if comma := DECIMAL_COMMA.fullmatch(text):
        return float(f"{comma[1]}.{comma[2]}")
    if listed := LISTED.fullmatch(text):
        numbers = [float(number) for number in listed[1].split(",")]
        return sum(numbers) / len(numbers)
    if wrapped := WRAPPED.fullmatch(text):
        return float(wrapped[1] or wrapped[2] or wrapped[3])
    return float(text) if PLAIN_NUMBER.fullmatch(text) else None


def parse_count(cell: str) -> float | None:
    """Return what a cell counts, as in '3', '3/40' and 'Epoch 3'; None if it counts nothing.

    Example:
        >>> [parse_count(cell) for cell in ("3", "1/40", "Epoch 7:", "x")]
        [3.0, 1.0, 7.0, None]
    """
    try:
        number = float(cell)
        return number if abs(number) < 1e300 else None
    except ValueError:
        counted = COUNTED.fullmatch(cell.strip())
        return float(counted[1]) if counted else parse_number(cell)
