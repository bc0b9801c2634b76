"""What lies at a path: rows of a CSV file, a JSON value or TensorBoard event files, read once and within limits."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from justright.errors import InputError

MAX_TEXT_BYTES = (
    64 * 1024 * 1024
)  # 200,000 epochs of 20 metrics are about 60 MB; a larger file is something else
MAX_FILES = 10_000  # files looked at below a folder; a log folder with more is the wrong folder
EVENT_FILE_MARK = ".tfevents."
# Files that a tool leaves in its own folder, in the order they are looked for when a folder is given.
KNOWN_FILES = ("metrics.csv", "trainer_state.json")


@dataclass(frozen=True, slots=True)
class Source:
    """The content of a log, in the one of three shapes that it has.

    Args:
        path: what was asked for.
        columns: header of a CSV file, else empty.
        rows: its cells, every row as long as `columns`.
        value: content of a JSON file, else None.
        event_files: TensorBoard event files at or below `path`, sorted.
    """

    path: Path
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    value: Any = None
    event_files: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """What to call the run."""
        return str(self.path)


def open_source(path: str | Path) -> Source:
    """Return what lies at `path`, a file or a folder.

    Raises:
        InputError: there is nothing, it cannot be read, it is too large, or it is neither CSV, JSON nor event files.
    """
    place = Path(path)
    try:
        if place.is_dir():
            return _folder(place)
        if EVENT_FILE_MARK in place.name:
            return Source(place, event_files=(place,))
        return _text_source(place, _read_text(place))
    except FileNotFoundError:
        raise InputError(f"A training log must exist; there is no {str(path)!r}.") from None
    except OSError as error:
        raise InputError(
            f"A training log must be readable; {str(path)!r} is not: {error.strerror or error}."
        ) from None


def _folder(folder: Path) -> Source:
    for name in KNOWN_FILES:
        if (folder / name).is_file():
            return _text_source(folder / name, _read_text(folder / name))
    event_files = []
    for count, entry in enumerate(folder.rglob("*")):
        if count >= MAX_FILES:
            raise InputError(f"A log folder must hold at most {MAX_FILES:,} files; {str(folder)!r} has more.")
        if EVENT_FILE_MARK in entry.name and entry.is_file():
            event_files.append(entry)
    if not event_files:
        raise InputError(
            f"A log folder must hold TensorBoard event files, metrics.csv or trainer_state.json; {str(folder)!r} holds none."
        )
    return Source(folder, event_files=tuple(sorted(event_files)))


def _read_text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise InputError(f"A training log must be a file or a folder; {str(path)!r} is neither.")
    with path.open("rb") as file:
        content = file.read(MAX_TEXT_BYTES + 1)
    if len(content) > MAX_TEXT_BYTES:
        raise InputError(
            f"A training log must have at most {MAX_TEXT_BYTES >> 20} MiB; {str(path)!r} has more."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"A training log must be UTF-8 text; byte {error.start} of {str(path)!r} is not."
        ) from None
    if "\x00" in text:
        raise InputError(f"A training log must be text; {str(path)!r} holds a zero byte.")
    return text


def _text_source(path: Path, text: str) -> Source:
    start = text.lstrip()[:1]
    if not start:
        raise InputError(f"A training log must hold something; {str(path)!r} is empty.")
    if start in "{[":
        return Source(path, value=_parse_json(path, text))
    return _parse_csv(path, text)


def _parse_json(path: Path, text: str) -> Any:  # noqa: ANN401  # parsed JSON is anything
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"A JSON log must be valid; {str(path)!r} is not at line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except (RecursionError, ValueError):  # ValueError: a whole number with thousands of digits
        raise InputError(
            f"A JSON log must be a few levels of lists and numbers; {str(path)!r} is nested too deep."
        ) from None


def _parse_csv(path: Path, text: str) -> Source:
    first_line = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=first_line.count)
    try:
        lines = [
            tuple(row)
            for row in csv.reader(io.StringIO(text), delimiter=separator)
            if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise InputError(f"A CSV log must be valid; {str(path)!r} is not: {error}.") from None
    if not lines:
        raise InputError(f"A CSV log must have a header; {str(path)!r} has only empty cells.")
    columns = tuple(cell.strip() for cell in lines[0])
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise InputError(f"Column names of a CSV log must differ; {str(path)!r} has {twice!r} twice.")
    for number, row in enumerate(lines[1:], start=2):
        if len(row) != len(columns):
            raise InputError(
                f"Every row of a CSV log must have {len(columns)} cells like its header; row {number} of {str(path)!r} "
                f"has {len(row)}."
            )
    return Source(path, columns=columns, rows=tuple(lines[1:]))
