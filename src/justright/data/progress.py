"""How far reading has come, and what kind of place a source names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from justright.errors import InputError


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """How far reading has come.

    Args:
        bytes: compressed bytes received from this address.
        rows: rows parsed so far; 0 while a file is only downloaded.
        total_rows: rows wanted; None if unknown.
        address: where the bytes come from.
    """

    bytes: int
    rows: int
    total_rows: int | None
    address: str


Progress = Callable[[ReadProgress], None]


def is_url(source: str) -> bool:
    """Return whether a source is an http(s) address rather than a path.

    Raises:
        InputError: it is an address of another kind.
    Example:
        >>> is_url("https://example.org/a.csv"), is_url("a.csv")
        (True, False)
    """
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", source)
    if scheme is None:
        return False
    if scheme[1].lower() not in ("http", "https"):
        raise InputError(
            f"An address must start with http:// or https://; got {source!r}. Download the file first."
        )
    return True
