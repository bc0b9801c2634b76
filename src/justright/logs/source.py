"""The content of a path, a text or files below a folder, read once and within limits; and the definition of a log format."""

from __future__ import annotations

import codecs
import json
import re
import tomllib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Self

from justright.data.pipes import is_pipe, open_pipe
from justright.data.readers.inflate import inflate_all
from justright.errors import InputError
from justright.logs.choices import NO_CHOICES, Choices
from justright.logs.logged_run import LoggedRun
from justright.logs.text.binary_files import name_binary
from justright.logs.text.headers import with_header
from justright.logs.text.json_text import (
    NOT_JSON,
    closed_json,
    looks_like_json,
    parse_literal,
    parse_object,
    parse_records,
)
from justright.logs.text.launchers import message_text, of_one_process
from justright.logs.text.log_table import HALF_WRITTEN, LogTable, parse_table
from justright.logs.text.notebook import DOCKER, docker_text, notebook_text
from justright.logs.text.table_files import database_tables, table_text
from justright.logs.text.zip_files import ZIP, zipped_log

MAX_TEXT_BYTES = 64 * 1024 * 1024  # 200,000 epochs of 20 metrics are about 60 MB; a larger file is no log
CUT_OFF = "The file ends in the middle of a value: what is whole before it was read."
GZIP = b"\x1f\x8b"
ANSI = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|\x1b\][^\x07]*\x07")  # colours and titles of terminals


@dataclass(frozen=True)  # without slots: what is parsed is kept
class Source:
    """The content of a log.

    Args:
        path: the file, or the folder with `files`.
        text: of a text file; empty if there are `files`.
        files: those at or below `path` whose names a format recognises, sorted.
        choices: what the user says about it, such as which column counts steps.
        notes: what had to be assumed to read it, one sentence each; it grows while the content is parsed.
        refused: a sentence for each of `files` that could not be read, added by the format that reads them.
    """

    path: Path
    text: str = ""
    files: tuple[Path, ...] = ()
    choices: Choices = NO_CHOICES
    notes: list[str] = field(default_factory=list, compare=False)
    refused: list[str] = field(default_factory=list)

    @classmethod
    def of_file(cls, path: Path, choices: Choices = NO_CHOICES) -> Self:
        """Return the content of a text file, or of a table file as text.

        Raises:
            InputError: it is too large, empty, or neither.
            OSError: it cannot be read.
        """
        if not is_pipe(str(path)) and path.is_file() and (table := table_text(path)) is not None:
            return cls(path, table[0], choices=choices, notes=list(table[1]))
        text, note = decode_text(path)
        printed = notebook_text(text) if not DOCKER.match(text) else docker_text(text)
        if printed == "":
            raise InputError(
                f"A notebook must hold what training printed; no cell of {str(path)!r} holds an output. Run it, and save it."
            )
        text = text if printed is None else printed
        text, processes = of_one_process(message_text(text) or text)
        return cls(path, text, choices=choices, notes=[one for one in (note, processes) if one])

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.path)

    @property
    def is_json(self) -> bool:
        """Whether the text is JSON, JSON Lines, or what Python writes for a dict or list."""
        return looks_like_json(self.text) and (self.records is not None or self.value is not None)

    @cached_property
    def value(self) -> Any:  # noqa: ANN401  # parsed JSON is anything
        """The value of JSON text, or of a dict or list that Python wrote with `str()`; None for other text.

        Raises:
            InputError: it begins as JSON, and is not valid.
        """
        if not looks_like_json(self.text) or self.records is not None:
            return None
        return _parse_json(self.path, self.text, self.notes)

    @cached_property
    def records(self) -> list[dict[str, Any]] | None:
        """The objects of JSON Lines, one per line; None for other text, a lone object on one line included.

        A line that holds no object is left out, and `notes` says so.
        """
        if not looks_like_json(self.text):
            return None
        parsed = parse_records(self.text)
        if parsed is None:
            return None
        records, bad, is_half_written = parsed
        if bad:
            were = (
                "line that holds no JSON object was"
                if len(bad) == 1
                else "lines that hold no JSON object were"
            )
            self.notes.append(f"{len(bad):,} {were} left out (the first: line {bad[0]:,}).")
        if is_half_written:
            self.notes.append(HALF_WRITTEN)
        return records

    @cached_property
    def table(self) -> LogTable | None:
        """The table in text that is not JSON; None if there is none.

        Raises:
            InputError: it has no header.
        """
        return (
            None
            if not self.text or self.is_json
            else parse_table(self.name, with_header(self.name, self.text, self.choices.columns))
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the table's columns; none for other text."""
        return self.table.columns if self.table else ()


@dataclass(frozen=True, slots=True)
class LogFormat:
    """One kind of training log.

    Args:
        name: the short name in curves and JSON.
        summary: the phrase for it in messages and help texts; empty for a kind of file that is known, and refused.
        read: returns the runs in a source of this kind.
        matches: whether a source with text is of this kind, by its content.
        folder_file: name of the text file to read in a folder of this tool; empty if there is none.
        folder_files: returns the files below a folder that together are one log of this kind; none if it is no folder of
            this tool.
        file_pattern: for files that are not text, the pattern of their names, anywhere below a folder; empty for text.
        magic: first bytes by which a file that is not text is known, whatever its name.
        tables: those that make an SQLite file one of this tool's, whatever its name; empty for other formats.
        is_joined: whether all files of that pattern below a folder are read together.
    """

    name: str
    summary: str
    read: Callable[[Source], Iterable[LoggedRun]]
    matches: Callable[[Source], bool] = lambda source: False
    folder_file: str = ""
    folder_files: Callable[[Path], tuple[Path, ...]] = lambda folder: ()
    file_pattern: str = ""
    magic: bytes = b""
    tables: frozenset[str] = frozenset()
    is_joined: bool = False

    def claims(self, path: Path) -> bool:
        """Return whether a file is one of this format's by its name alone."""
        return bool(self.file_pattern) and fnmatchcase(path.name, self.file_pattern)

    def recognises(self, path: Path) -> bool:
        """Return whether a file is one of this format's by its content.

        Raises:
            OSError: it cannot be read.
        """
        if not (self.magic or self.tables) or not path.is_file():
            return False
        if self.tables:
            return self.tables <= set(database_tables(path))
        with path.open("rb") as file:
            return file.read(len(self.magic)) == self.magic

    def runs(self, source: Source) -> list[LoggedRun]:
        """Return the runs in a source of this kind, with what was assumed to read it.

        Raises:
            InputError: it cannot be read.
        """
        runs = list(self.read(source))  # the source notes what it assumes while it is read
        return [replace(run, notes=(*source.notes, *run.notes)) for run in runs]


def read_text(path: Path) -> str:
    """Return the text of a file; see `Source.of_file`, which says how it was decoded."""
    return decode_text(path)[0]


def decode_text(path: Path) -> tuple[str, str]:
    """Return the text of a file, and a sentence if its encoding had to be guessed.

    Raises:
        InputError: it is too large, empty, or not text.
        OSError: it cannot be read.
    """
    is_once = is_pipe(str(path))
    if not is_once and path.exists() and not path.is_file():
        raise InputError(f"A training log must be a file, a folder or a pipe; {str(path)!r} is none of them.")
    with open_pipe(str(path)) if is_once else path.open("rb") as file:
        content = _read_at_most(file, MAX_TEXT_BYTES + 1)
    if content.startswith(GZIP):
        content = _unpacked(path, content)
    elif content.startswith(ZIP):
        content = zipped_log(path, content, MAX_TEXT_BYTES + 1) or content
    else:
        content = inflate_all(content, repr(str(path)))
    if len(content) > MAX_TEXT_BYTES:
        raise InputError(
            f"A training log must have at most {MAX_TEXT_BYTES >> 20} MiB; {str(path)!r} has more."
        )
    if kind := name_binary(content):
        raise InputError(f"A training log must be text; {str(path)!r} {kind}")
    text, note = _decode(content)
    text = ANSI.sub("", text) if "\x1b" in text else text
    text = text.rstrip("\x00")  # a file system fills a file with them when the machine stops
    if "\x00" in text:
        raise InputError(f"A training log must be text; {str(path)!r} holds a zero byte.")
    if not text.strip():
        raise InputError(f"A training log must hold something; {str(path)!r} is empty.")
    return text, note


def _unpacked(path: Path, content: bytes) -> bytes:
    """Return what is packed in gzip, up to one byte more than a log may have; a file that ends in the middle as far as it goes."""
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(content, MAX_TEXT_BYTES + 1)
    except zlib.error:
        raise InputError(f"A log in gzip must be whole; {str(path)!r} is damaged.") from None


def _decode(content: bytes) -> tuple[str, str]:
    """Return the text of UTF-8, UTF-16 or Latin-1, lines ended by line feeds or, in the middle, carriage returns."""
    note = ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", errors="replace")
    elif (
        content[1:40:2] and not any(content[1:40:2]) and all(content[:40:2])
    ):  # ASCII as UTF-16 without its mark
        text = content.decode("utf-16-le", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if len(content) - error.start < 4 and error.end == len(
                content
            ):  # the last character is half-written
                text = content[: error.start].decode("utf-8-sig")
            else:
                text = content.decode("latin-1")
                note = f"The text is not UTF-8 (byte {error.start:,}): it was read as Latin-1."
    return text.replace("\r\n", "\n"), note


def _read_at_most(file: IO[bytes], most: int) -> bytes:
    """Return the first `most` bytes; a pipe brings them in pieces."""
    pieces = []
    while most > 0 and (piece := file.read(most)):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def _parse_json(path: Path, text: str, notes: list[str]) -> Any:  # noqa: ANN401  # parsed JSON is anything
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if (closed := closed_json(text)) is not None:
            notes.append(CUT_OFF)
            return closed
        value = parse_literal(text)
        if value is not NOT_JSON:
            return value
        if parse_object(
            text.lstrip().partition("\n")[0]
        ):  # lines of a plain text log that begins with a printed dict
            return None
        if (table := _parse_toml(text)) is not None:
            return table
        raise InputError(
            f"A JSON log must be valid; {str(path)!r} is not at line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except (RecursionError, ValueError):  # ValueError: a whole number with thousands of digits
        raise InputError(
            f"A JSON log must be a few levels of lists and numbers; {str(path)!r} is nested too deep."
        ) from None


def _parse_toml(text: str) -> Any:  # noqa: ANN401  # parsed TOML is anything
    """Return what TOML holds that begins with a bracket, as '[[epoch]]' does; None for other text."""
    try:
        return json.loads(json.dumps(tomllib.loads(text), default=str))
    except (ValueError, RecursionError):
        return None
