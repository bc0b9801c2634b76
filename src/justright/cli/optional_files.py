"""Options such as `--html [FILE]`: the file may be left out, and what follows then is something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperCommand

from justright.errors import InputError

STANDARD_OUTPUT = "-"
# Option -> the endings that make a file of the word behind it; a log after `--html` must never be taken for the page.
ENDINGS = {"--html": (".html", ".htm"), "--markdown": (".md", ".markdown")}


class OptionalFiles(TyperCommand):
    """A command whose options in `ENDINGS` take a FILE only if it has one of their endings, and else standard output."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # Typer's signature; its Context is private
        """Parse the arguments with the value of each such option said."""
        return super().parse_args(ctx, list(with_values(args)))


def with_values(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments, with options that have no file sent to standard output.

    Raises:
        InputError: a file has another ending.

    Example:
        >>> list(with_values(["--html", "log.csv"])), list(with_values(["log.csv", "--html", "page.html"]))
        (['--html=-', 'log.csv'], ['log.csv', '--html=page.html'])
    """
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if argument == "--":
            yield from (argument, *left)
            return
        option, is_given, value = argument.partition("=")
        endings = ENDINGS.get(option)
        if endings is None:
            yield argument
        elif is_given:
            if not value.lower().endswith((*endings, STANDARD_OUTPUT)):
                raise InputError(
                    f"`{option}` takes a FILE that ends in {endings[0]}; got {value!r}. Rename it."
                )
            yield argument
        else:
            is_file = bool(left) and not left[0].startswith("-") and left[0].lower().endswith(endings)
            yield f"{option}={left.pop(0) if is_file else STANDARD_OUTPUT}"
