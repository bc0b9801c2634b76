"""TensorBoard event files: their scalars, read without TensorFlow.

TensorBoard's own EventAccumulator imports TensorFlow wherever it is installed (seconds, and hundreds of MB), keeps a
random sample of long curves unless told otherwise, and reads images and graphs into memory. The container
is four fields a record (length, its checksum, data, its checksum; tensorflow/core/lib/io/record_writer.h) and is read here;
the messages inside are parsed with TensorBoard's protocol buffers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from justright.errors import InputError
from justright.logs.curves import LogCurves, by_epoch, measured, metric_name
from justright.logs.source import Source

LENGTH = struct.Struct("<QI")  # length of the data, masked CRC-32C of those 8 bytes
CHECKSUM_BYTES = 4
# A scalar's event has some 50 bytes; larger records are graphs, images and histograms, and are skipped unread.
MAX_SCALAR_BYTES = 4096
MAX_POINTS = 5_000_000  # of one log: 10,000 epochs of 500 metrics
# Folders in which Keras and others keep the two halves of one run, and what their tags get in front.
HALVES = {
    "train": "",
    "training": "",
    "validation": "val_",
    "val": "val_",
    "valid": "val_",
    "eval": "val_",
    "test": "test_",
}
# Tags that count optimizer steps, not epochs: not comparable with the curves of epochs beside them.
PER_STEP_PREFIXES = ("batch_", "evaluation_")
CASTAGNOLI = 0x82F63B78  # the reversed polynomial of CRC-32C
CRC_MASK = 0xA282EAD8
FLOAT32, FLOAT64 = 1, 2  # tensor element types in types.proto


def is_events(source: Source) -> bool:
    """Return whether the log is made of TensorBoard event files."""
    return bool(source.event_files)


def read_events(source: Source) -> tuple[LogCurves, ...]:
    """Return the curves of every run below a folder: `train` and `validation` folders side by side are one run."""
    runs: dict[Path, dict[str, dict[float, float]]] = {}
    count = 0
    for path in source.event_files:
        half = HALVES.get(path.parent.name.lower()) if path != source.path else None
        run = path.parent if half is None else path.parent.parent
        points = runs.setdefault(run, {})
        for tag, step, value in _scalars(path):
            points.setdefault(_named(tag, half or ""), {})[step] = value
            count += 1
            if count > MAX_POINTS:
                raise InputError(f"A log must hold at most {MAX_POINTS:,} values; {source.name!r} has more.")
    return tuple(_curves(run, source, points) for run, points in sorted(runs.items()) if points)


def _curves(run: Path, source: Source, points: dict[str, dict[float, float]]) -> LogCurves:
    chosen = {
        name: values for name, values in points.items() if not name.startswith(PER_STEP_PREFIXES)
    } or points
    epochs, metrics = by_epoch(chosen)
    name = source.name if len(source.event_files) == 1 else str(run)
    return LogCurves(name, epochs, metrics, "tensorboard", _step_notes(epochs, chosen))


def _step_notes(epochs: npt.NDArray[np.float64], points: dict[str, dict[float, float]]) -> tuple[str, ...]:
    if "epoch" not in points and len(epochs) > 1 and epochs[1] - epochs[0] > 1:
        return ("The log counts steps, not epochs: epochs below are its steps.",)
    return ()


def _named(tag: str, prefix: str) -> str:
    name = metric_name(tag) if not tag.startswith(PER_STEP_PREFIXES) else tag
    return name if prefix == "" or name.startswith(prefix) else prefix + name


def _scalars(path: Path) -> Iterator[tuple[str, float, float]]:
    """Yield (tag, step, value) of every scalar in an event file, in the old and the new way to write them."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs
    from tensorboard.compat.proto.event_pb2 import Event

    with path.open("rb") as file:
        for offset, record in _records(file, path):
            try:
                event = Event.FromString(record)
            except DecodeError:
                raise _damaged(path, offset) from None
            for value in event.summary.value:
                number = _scalar(value)
                if number is not None:
                    yield value.tag, float(event.step), measured(number)


def _records(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, data) of every small record; a last one cut off is a run still being written, not damage."""
    while len(header := file.read(LENGTH.size)) == LENGTH.size:
        offset = file.tell() - LENGTH.size
        length, checksum = LENGTH.unpack(header)
        if _masked_crc(header[:8]) != checksum:
            raise _damaged(path, offset)
        if length > MAX_SCALAR_BYTES:
            file.seek(length + CHECKSUM_BYTES, 1)
            continue
        data = file.read(length)
        tail = file.read(CHECKSUM_BYTES)
        if len(tail) < CHECKSUM_BYTES:
            return
        if _masked_crc(data) != int.from_bytes(tail, "little"):
            raise _damaged(path, offset)
        yield offset, data


def _damaged(path: Path, offset: int) -> InputError:
    return InputError(
        f"Records of an event file must match their checksums; {str(path)!r} is damaged at byte {offset:,} "
        "or is no event file. Copy it again from where it was written."
    )


def _scalar(value: Any) -> float | None:  # noqa: ANN401  # a Summary.Value; generated classes have no types
    """Return the number in a summary value, or None when it is something else, such as a histogram."""
    if value.WhichOneof("value") == "simple_value":
        return float(value.simple_value)
    tensor = value.tensor
    if value.WhichOneof("value") != "tensor" or any(size.size != 1 for size in tensor.tensor_shape.dim):
        return None
    if tensor.dtype not in (FLOAT32, FLOAT64):
        return None
    numbers = tensor.float_val if tensor.dtype == FLOAT32 else tensor.double_val
    if len(numbers) == 1:
        return float(numbers[0])
    layout = "<f" if tensor.dtype == FLOAT32 else "<d"
    if len(tensor.tensor_content) != struct.calcsize(layout):
        return None
    return float(struct.unpack(layout, tensor.tensor_content)[0])


def _masked_crc(data: bytes) -> int:
    """Return the checksum of the record format: CRC-32C, rotated by 15 bits and shifted.

    Example:
        >>> hex(_masked_crc(b"123456789"))
        '0xc78ab0e5'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + CRC_MASK) & 0xFFFFFFFF


def _crc_entry(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ CASTAGNOLI if byte & 1 else byte >> 1
    return byte


CRC_TABLE = tuple(_crc_entry(byte) for byte in range(256))
