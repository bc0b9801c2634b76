"""What one kind of Python object with curves is, and by what it is recognised: no library is imported for that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from justright.logs.choices import Choices
from justright.logs.logged_run import LoggedRun


@dataclass(frozen=True, slots=True)
class ObjectKind:
    """One kind of object that holds training curves.

    Args:
        summary: the phrase for it in messages.
        matches: whether an object is of this kind.
        read: returns its runs.
    """

    summary: str
    matches: Callable[[Any], bool]
    read: Callable[[Any, Choices], Iterable[LoggedRun]]


def is_of_package(source: object, *packages: str) -> bool:
    """Return whether a package defines an object's class or one of its bases, as for a user's own subclass."""
    return any(base.__module__.partition(".")[0] in packages for base in type(source).__mro__)


def type_name(source: object) -> str:
    """Return the name of an object's type, as messages and runs name it."""
    return type(source).__name__
