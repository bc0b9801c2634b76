"""The package's own errors: problems that a user can solve, each with a message that says how."""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

# What the operating system refuses whatever the program, and what helps. Other errors of files, such as a missing one where
# it was just written, are bugs until somebody has thought about them.
MACHINE_FAULTS = {
    errno.ENAMETOOLONG: "Shorten the name.",
    errno.EMFILE: "Allow more open files, for instance with `ulimit -n 1024`.",
    errno.ENFILE: "Close some programs.",
    errno.EACCES: "Change its permissions, or choose another place.",
    errno.EPERM: "Change its permissions, or choose another place.",
    errno.EROFS: "Choose another place.",
    errno.ENOSPC: "Free some space, and run the same command again.",
    errno.EDQUOT: "Free some space, and run the same command again.",
    errno.EFBIG: "Allow larger files, or choose another place.",
    errno.EIO: "Check the disk.",
    errno.ESTALE: "Check that the disk is still there.",
    errno.ELOOP: "Correct its links.",
}


BOLD = re.compile(r"\x1b\[[0-9;]*m")
MAX_SHORT = 300  # characters of another library's error in one of our sentences


class JustrightError(ValueError):
    """Base of every error that is due to the input or the environment, not to a bug.

    The command line prints the message and exits with code 2; for any other error but a `machine_fault`, which is a bug, it
    keeps the traceback.
    """


class InputError(JustrightError):
    """A table, option, study description or file cannot be used as given."""


class MemoryLimitError(InputError):
    """What was asked for does not fit into memory; nothing has been trained."""


class FolderError(JustrightError):
    """A study folder cannot be opened, locked, read or written."""


class EngineError(JustrightError):
    """What workers run on, such as Ray, is gone; what was recorded stays, and the same call resumes.

    Args:
        message: what happened.
        folder: the study folder.
    """

    def __init__(self, message: str, folder: Path) -> None:
        super().__init__(message)
        self.folder = folder


def machine_fault(error: BaseException) -> InputError | None:
    """Return the message for an error that is the machine's and not this program's; None for every other error.

    Example:
        >>> print(machine_fault(OSError(errno.ENAMETOOLONG, "File name too long", "aaa")))
        Every file must be usable; 'aaa' is not: File name too long. Shorten the name.
        >>> machine_fault(ZeroDivisionError())
    """
    if isinstance(error, MemoryError):
        return InputError(
            "There must be enough memory; it is used up. Use fewer rows or columns, or close some programs."
        )
    if not isinstance(error, OSError) or error.errno not in MACHINE_FAULTS:
        return None
    which = "one" if error.filename is None else repr(error.filename)
    return InputError(
        f"Every file must be usable; {which} is not: {error.strerror}. {MACHINE_FAULTS[error.errno]}"
    )


def one_of(argument: str, value: object, allowed: Iterable[str]) -> InputError:
    """Return the error for a value outside a fixed list, with the nearest member as a hint.

    Args:
        argument: the name of the argument or option, without backticks.
        value: what was received.
        allowed: every accepted value, in the order to print.

    Example:
        >>> print(one_of("study", "size", ["tutorial", "sizes"]))
        `study` must be one of 'tutorial', 'sizes'; got 'size'. Did you mean 'sizes'?
    """
    names = [str(name) for name in allowed]
    listed = ", ".join(repr(name) for name in names)
    return InputError(f"`{argument}` must be one of {listed}; got {value!r}.{near_miss(str(value), names)}")


def check_one_of(argument: str, value: object, allowed: Collection[str]) -> None:
    """Raise InputError unless `value` is in the list; see `one_of`."""
    if value not in allowed:
        raise one_of(argument, value, allowed)


def check_each_of(argument: str, values: Iterable[object], allowed: Collection[str]) -> None:
    """Raise InputError unless all of `values` are in the list; the message names every one that is not.

    Example:
        >>> check_each_of("option", ["size", "color", "units"], ["sizes", "units"])
        Traceback (most recent call last):
        justright.errors.InputError: `option` must be one of 'sizes', 'units'; got 'size', 'color'. Did you mean 'sizes'?
    """
    wrong = [value for value in values if value not in allowed]
    if not wrong:
        return
    listed, got = (", ".join(map(repr, names)) for names in (allowed, wrong))
    near = next((hint for value in wrong if (hint := near_miss(str(value), allowed))), "")
    raise InputError(f"`{argument}` must be one of {listed}; got {got}.{near}")


def raise_together(*checks: Callable[[], Any]) -> list[Any]:
    """Return what each check returns; those that fail raise one InputError with the sentences of all.

    Example:
        >>> raise_together(lambda: check_one_of("stop", "x", ["now"]), lambda: None)
        Traceback (most recent call last):
        justright.errors.InputError: `stop` must be one of 'now'; got 'x'.
    """
    results: list[Any] = []
    failures: list[InputError] = []
    for check in checks:
        try:
            results.append(check())
        except InputError as error:
            failures.append(error)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise InputError(" ".join(map(str, failures)))
    return results


def near_miss(value: str, names: Iterable[str]) -> str:
    """Return a question with the nearest of the names, to end a message; empty where none is near.

    Example:
        >>> near_miss("size", ["tutorial", "sizes"])
        " Did you mean 'sizes'?"
        >>> near_miss("saleprice", ["price", "SalePrice"])
        " Did you mean 'SalePrice'?"
    """
    near = nearest(value, names)
    return "" if near is None else f" Did you mean {near!r}?"


def nearest(value: str, names: Iterable[str]) -> str | None:
    """Return the nearest of the names, first of all one that differs in case alone; None where none is near."""
    known = list(names)
    near = [name for name in known if name.casefold() == value.casefold()]
    return next(iter(near or difflib.get_close_matches(value, known, n=1)), None)


def in_short(error: BaseException | str) -> str:
    """Return what an error says in its first paragraph, on one line; Keras puts another before it, and bold type.

    Example:
        >>> in_short("ValueError: it needs" + chr(10) + "rows." + 2 * chr(10) + "Arguments received: ...")
        'ValueError: it needs rows.'
        >>> in_short(NotImplementedError())
        'NotImplementedError'
    """
    parts = (" ".join(part.split()) for part in BOLD.sub("", str(error)).split("\n\n"))
    paragraphs = [part for part in parts if part] or [type(error).__name__]
    said = paragraphs[1] if "Exception encountered" in paragraphs[0] and paragraphs[1:] else paragraphs[0]
    return said if len(said) <= MAX_SHORT else f"{said[:MAX_SHORT].rsplit(' ', 1)[0]} ..."
