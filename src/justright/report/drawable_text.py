"""Texts from outside as pages can hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# What neither XML nor HTML may hold (XML 1.0, section 2.2).
NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(value: Any) -> Any:  # noqa: ANN401  # plain nested values, as they came
    r"""Return plain nested values with U+FFFD in all texts for what a page cannot hold; lists of numbers as they are.

    Example:
        >>> printable({"name": "a\x00b", "epochs": [1, 2]})
        {'name': 'a\ufffdb', 'epochs': [1, 2]}
    """
    if isinstance(value, str):
        return NO_CHARACTER.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {printable(key): printable(item) for key, item in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], str | Mapping | list):
        return [printable(item) for item in value]
    return value
