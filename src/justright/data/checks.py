"""Checks of names and numbers from outside, and how messages count and list them."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import TypeGuard

from justright.errors import InputError

# Longer names make every table, plot and terminal line unreadable, and no real column needs them.
MAX_NAME_CHARACTERS = 200
MAX_FLOAT = sys.float_info.max
# Characters that reorder the text around them: a name holding one can disguise what the terminal or report shows.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_whole(value: object, *, least: int) -> bool:
    """Return whether a value is a whole number of at least `least`; True and False are not.

    Example:
        >>> is_whole(3, least=1), is_whole(True, least=0), is_whole(3.0, least=1)
        (True, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_whole(name: str, value: object, *, least: int) -> None:
    """Refuse anything but a whole number of at least `least`.

    Raises:
        InputError: the message names the argument `name`.
    """
    if not is_whole(value, least=least):
        raise InputError(f"`{name}` must be a whole number of at least {least}; got {value!r}.")


def is_finite_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a finite number; True and False, texts and dates are not.

    Example:
        >>> is_finite_number(3), is_finite_number(float("inf")), is_finite_number("3")
        (True, False, False)
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Compared, not converted: a whole number may be too large for a float.
    return is_number and -MAX_FLOAT <= value <= MAX_FLOAT  # type: ignore[operator]  # it is a number by now


def check_amount(name: str, value: object) -> None:
    """Raise InputError unless a value is a finite number of at least 0."""
    if not is_finite_number(value) or value < 0:
        raise InputError(f"`{name}` must be a finite number of at least 0; got {value!r}.")


def check_share(name: str, value: object) -> None:
    """Raise InputError unless a value is a number in [0, 1)."""
    if not is_finite_number(value) or not 0 <= value < 1:
        raise InputError(f"`{name}` must lie in [0, 1); got {value!r}.")


def check_switch(name: str, value: object) -> None:
    """Raise InputError unless a value is True or False."""
    if not isinstance(value, bool):
        raise InputError(f"`{name}` must be true or false; got {value!r}.")


def check_names(kind: str, names: Sequence[str]) -> None:
    """Refuse duplicate, empty, over-long and disguised names, which later reach files, HTML and terminals.

    Raises:
        InputError: one of `names` breaks the rule; the message names it.
    Example:
        >>> check_names("feature", ["a", "a"])
        Traceback (most recent call last):
        justright.errors.InputError: Every feature name must be unique; 'a' is number 0 and 1 (from 0). Rename one of them.
    """
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in seen:
            raise InputError(
                f"Every {kind} name must be unique; {name!r} is number {seen[name]} and {index} (from 0). Rename one of them."
            )
        seen[name] = index
        if not name or len(name) > MAX_NAME_CHARACTERS:
            raise InputError(
                f"Every {kind} name must have 1 to {MAX_NAME_CHARACTERS} characters; number {index} (from 0) has "
                f"{len(name)}. Rename it."
            )
        if any(_is_disguise(character) for character in name):
            raise InputError(f"A {kind} name must not hold control characters; got {name!r}. Rename it.")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, singular or plural.

    Example:
        >>> counted(1, "value"), counted(1200, "value")
        ('1 value', '1,200 values')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listed(names: Sequence[str], *, most: int) -> str:
    """Return names in quotes for a message, the first `most` of them and how many more there are.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _is_disguise(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in BIDI_CONTROLS
