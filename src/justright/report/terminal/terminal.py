"""Where output goes: results to stdout, progress and errors to stderr, whatever the terminal can or cannot do."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import IO

from rich import box
from rich.console import Console
from rich.table import Table

from justright.diagnosis.labels import Tone
from justright.report.terminal.text import Symbols, plain, symbols_for
from justright.runs.plain import plain as plain_values

FILE_WIDTH = (
    120  # columns where there is no terminal to ask: a file or a pipe can be as wide as the full table
)

TONE_STYLES: Mapping[Tone, str] = MappingProxyType(
    {"good": "green", "bad": "red", "warning": "yellow", "open": "dim", "broken": "bold red"}
)


class Terminal(Console):
    """A Rich console that prints text as it is."""

    def __init__(self, file: IO[str], width: int | None = None) -> None:
        """Return a console on `file`; `width` in columns, None asks the terminal."""
        if width is None and not file.isatty() and "COLUMNS" not in os.environ:
            width = FILE_WIDTH
        super().__init__(file=file, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)

    @property
    def symbols(self) -> Symbols:
        """The symbols this console's encoding can hold."""
        return symbols_for(self.encoding)

    def say(self, text: str) -> None:
        """Print a sentence as it is, unbroken: paths and commands are copied from it."""
        self.print(text, soft_wrap=True)


def results() -> Terminal:
    """Return the console for results."""
    return Terminal(sys.stdout)


def progress() -> Terminal:
    """Return the console for progress and messages."""
    return Terminal(sys.stderr)


def new_table() -> Table:
    """Return an empty table in the style of all reports: a line below its headings, and no others."""
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)


def say_error(message: object) -> None:
    """Print one message about what went wrong."""
    progress().say("justright: " + plain(message, keep="\n"))


def write_json(value: object) -> None:
    """Write `value` as JSON to stdout, in ASCII: any terminal, pipe or parser can take it."""
    sys.stdout.write(json.dumps(plain_values(value), indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()
