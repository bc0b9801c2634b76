"""Weights & Biases: the run-ID.wandb file that each run leaves in its folder, and its summary, which holds no curves.

The file is a log of records as LevelDB writes them (github.com/google/leveldb, doc/log_format.md; checksums are zlib's CRC-32), and
a record is a protocol buffer (wandb/proto/wandb_internal.proto), of which three fields are read: histories, the run's id and its name.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from justright.errors import InputError
from justright.logs.formats.trackers.counters import check_points, count_steps
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.source import LogFormat, Source

MAGIC = b":W&B"
HEADER_BYTES = 7  # of the file: magic, version
BLOCK_BYTES = 32 * 1024
RECORD = struct.Struct("<IHB")  # of each piece of a record: checksum, length, kind
FULL, FIRST, LAST = 1, 2, 4  # 3 is one in the middle
MAX_BYTES = 64 << 20
# Fields of Record, of HistoryRecord and its items and step, and of RunRecord.
HISTORY, RUN = 2, 17
ITEM, STEP, NUMBER = 1, 2, 1
KEY, NESTED_KEY, WHOLE, REAL, VALUE_JSON = 1, 2, 5, 6, 16
REAL_BYTES = 8  # another length is a damaged field
RUN_ID, DISPLAY_NAME = 1, 8
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
WORDS = frozenset({"NaN", "Infinity", "-Infinity"})  # numbers that JSON has not
EXPORT = "Export its history, for instance with `wandb.Api().run('ENTITY/PROJECT/RUN').history().to_csv('run.csv')`, and pass that file."
SUMMARY_KEYS = frozenset({"_runtime", "_timestamp", "_step", "_wandb"})


class _Field(NamedTuple):
    number: int
    value: int | bytes


@dataclass(slots=True)
class _Logged:
    """What the files of one run hold."""

    path: Path
    name: str = ""
    series: dict[str, Series] = field(default_factory=dict)
    line: int = 0
    points: int = 0
    notes: list[str] = field(default_factory=list)


def _read(source: Source) -> Iterator[LoggedRun]:
    """Yield each run; files of one that was resumed are read one after the other."""
    runs: dict[str, _Logged] = {}
    for path in source.files:
        try:
            _read_file(path, runs)
        except (InputError, OSError) as error:
            source.refused.append(str(error))
        check_points(sum(run.points for run in runs.values()), source.name)
    for run in {id(run): run for run in runs.values()}.values():
        counted = count_steps(list(run.series.values()), epoch_name=source.choices.epoch)
        name = f"{run.path} ({run.name})" if run.name else str(run.path)
        notes = (*run.notes, *counted.notes)
        yield LoggedRun(name, counted.series, counted.unit, counted.epochs, notes, tool="network")


def _read_file(path: Path, runs: dict[str, _Logged]) -> None:
    """Add what a file holds to the run that it belongs to.

    Raises:
        InputError: it is none of W&B's, or too large.
    """
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InputError(
            f"A W&B file must have at most {MAX_BYTES >> 20} MiB; {str(path)!r} has more. {EXPORT}"
        )
    if not content.startswith(MAGIC):
        raise InputError(f"A W&B file must begin with {MAGIC.decode()!r}; {str(path)!r} does not. {EXPORT}")
    run = runs.setdefault(str(path), _Logged(path))
    try:
        for record in _records(content):
            for number, value in _fields(record):
                if number == RUN and isinstance(value, bytes):
                    run = _known_run(value, run, runs)
                elif number == HISTORY and isinstance(value, bytes):
                    _add(run, value)
    except _DamagedError:
        run.notes.append(
            f"The end of {path.name!r} is not whole, as while training goes on: it was left out."
        )


def _known_run(about: bytes, run: _Logged, runs: dict[str, _Logged]) -> _Logged:
    """Return the run with the id that a record gives: that of an earlier file, if it was resumed."""
    fields = dict(_fields(about))
    run = runs.setdefault(f"id {_text(fields.get(RUN_ID, b''))}", run)
    run.name = _text(fields.get(DISPLAY_NAME, b"")) or run.name
    return run


class _DamagedError(ValueError):
    """Bytes that no W&B wrote."""


def _records(content: bytes) -> Iterator[bytes]:
    """Yield the records of a file.

    Raises:
        _DamagedError: a record is cut off, or does not match its checksum.
    """
    place, pieces = HEADER_BYTES, list[bytes]()
    while place < len(content):
        left = BLOCK_BYTES - place % BLOCK_BYTES
        if left < RECORD.size:  # too little for a header: the rest of a block is empty
            place += left
            continue
        if place + RECORD.size > len(content):
            raise _DamagedError
        checksum, length, kind = RECORD.unpack_from(content, place)
        place += RECORD.size + length
        piece = content[place - length : place]
        if len(piece) < length or zlib.crc32(piece, zlib.crc32(bytes([kind]))) != checksum:
            raise _DamagedError
        pieces = [piece] if kind in (FULL, FIRST) else [*pieces, piece]
        if kind in (FULL, LAST):
            yield b"".join(pieces)


def _add(run: _Logged, history: bytes) -> None:
    """Add the numbers of one history record."""
    numbers: dict[str, float] = {}
    step = 0.0
    for number, value in _fields(history):
        if number == STEP and isinstance(value, bytes):
            step = float(int(dict(_fields(value)).get(NUMBER, 0)))
        elif number == ITEM and isinstance(value, bytes):
            name, logged = _item(value)
            if logged is not None:
                numbers[name] = logged
    run.line += 1
    for name, logged in numbers.items():
        if name.startswith("_"):  # W&B's own: _step, _runtime, _timestamp
            continue
        run.points += 1
        check_points(run.points, str(run.path))
        run.series.setdefault(name, Series(name, [], [])).add(step, logged, run.line)


def _item(item: bytes) -> tuple[str, float | None]:
    """Return the name of one logged value, and the value if it is a number."""
    key, nested, number = "", list[str](), None
    for which, value in _fields(item):
        if which == KEY:
            key = _text(value)
        elif which == NESTED_KEY:
            nested.append(_text(value))
        elif which == VALUE_JSON:
            number = _number(_text(value))
        elif which == WHOLE and isinstance(value, int):
            number = float(value)
        elif which == REAL and isinstance(value, bytes) and len(value) == REAL_BYTES:
            number = float(struct.unpack("<d", value)[0])
    return key or "/".join(nested), number


def _number(text: str) -> float | None:
    try:
        value = json.loads(text)
        if isinstance(value, str):
            return float(value) if value in WORDS else None
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError, RecursionError):
        return None


def _text(value: int | bytes) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else ""


def _fields(message: bytes) -> Iterator[_Field]:
    """Yield the fields of a protocol buffer.

    Raises:
        _DamagedError: it is none.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        wire = key & 7
        if wire == VARINT:
            number, place = _varint(message, place)
            yield _Field(key >> 3, number)
            continue
        length = {FIXED64: 8, FIXED32: 4}.get(wire)
        if wire == BYTES:
            length, place = _varint(message, place)
        if length is None or place + length > len(message):
            raise _DamagedError
        yield _Field(key >> 3, message[place : place + length])
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise _DamagedError


def _is_summary(source: Source) -> bool:
    value = source.value
    return (
        isinstance(value, dict)
        and len(SUMMARY_KEYS & value.keys()) >= 2
        and not any(isinstance(item, list) for item in value.values())
    )


def _refuse_summary(source: Source) -> Iterator[LoggedRun]:
    raise InputError(
        f"A training log must hold curves; {source.name!r} is a W&B summary, one number for each metric. {EXPORT}"
    )


WANDB = LogFormat(
    "wandb", "a W&B run's .wandb file", _read, file_pattern="*.wandb", magic=MAGIC, is_joined=True
)
WANDB_SUMMARY = LogFormat("wandb-summary", "", _refuse_summary, _is_summary)  # known, to be refused by name
