"""Texts from outside as pages and charts can hold them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

# What neither XML nor HTML may hold (XML 1.0, section 2.2): on one of these, what draws the charts ends the process.
NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DOUBLE_CHARACTER = re.compile("[\U00010000-\U0010ffff]")
MAX_WHOLE = 9  # characters that fit into any label of a chart, 160 pixels at the narrowest, even emoji


def printable(value: Any) -> Any:  # noqa: ANN401  # plain nested values, as they came
    r"""Return plain nested values with U+FFFD in all texts for what cannot be drawn; lists of numbers as they are.

    Example:
        >>> printable({"name": "a\x00b", "epochs": [1, 2]})
        {'name': 'a\ufffdb', 'epochs': [1, 2]}
    """
    return _with_texts(value, lambda text: NO_CHARACTER.sub("\ufffd", text))


def drawable(value: Any) -> Any:  # noqa: ANN401  # as above
    r"""Return plain nested values with numbers for characters of two UTF-16 units, in texts that Vega may cut short.

    It may cut between the two, and half a character ends what draws the charts.

    Example:
        >>> drawable(["\U0001f600", "a longer name \U0001f600"])
        ['\U0001f600', 'a longer name U+1F600']
    """
    numbered = partial(DOUBLE_CHARACTER.sub, lambda found: f"U+{ord(found[0]):X}")
    return _with_texts(value, lambda text: numbered(text) if len(text) > MAX_WHOLE else text)


def _with_texts(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401  # as above
    """Return plain nested values with every text changed, keys included; lists of numbers as they are."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key): _with_texts(item, change) for key, item in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], str | Mapping | list):
        return [_with_texts(item, change) for item in value]
    return value
