"""TensorBoard event files: their records, checksums and scalars, written and read many at a time without TensorFlow.

A record is: payload length (8 bytes), its masked CRC-32C (4), payload, its masked CRC-32C (4), all little-endian
(tensorflow/core/lib/io/record_writer.h). The payload is an `Event`, one of TensorBoard's protocol buffers.

TensorBoard's own writer computes each checksum byte by byte: 0.7 s for a run of 10,000 epochs that trains in 4 s. Here one
NumPy step handles one byte position of many records: 0.1 s. Its own reader loads records of any length, images and graphs
included; its EventAccumulator imports TensorFlow where it is installed, and keeps a random sample of long curves.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from justright.errors import InputError

if TYPE_CHECKING:
    from tensorboard.compat.proto.event_pb2 import Event

POLYNOMIAL = np.uint32(0x82F63B78)  # CRC-32C (Castagnoli), reflected
# record_writer.h: a CRC that is stored next to its data is rotated by 15 bits and shifted by this.
MASK_DELTA = 0xA282EAD8
LENGTH_BYTES, CRC_BYTES = 8, 4
# A scalar's event has some 50 bytes, one of 80 tags 4 KB; longer records are graphs, images and histograms, and are skipped.
MAX_SCALAR_BYTES = 4096
BATCH_RECORDS = 1024  # checked together; at most 4 MiB
FLOAT32, FLOAT64 = 1, 2  # element types of tensors (types.proto)
LAYOUTS = {FLOAT32: "<f", FLOAT64: "<d"}


def _crc_table() -> npt.NDArray[np.uint32]:
    """Return the (256,) remainders of every byte."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ (table & np.uint32(1)) * POLYNOMIAL
    return table


CRC_TABLE = _crc_table()


def masked_crcs(
    rows: npt.NDArray[np.uint8], lengths: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.uint32]:
    """Return the masked CRC-32C of each row.

    Args:
        rows: (records, bytes).
        lengths: (records,), how many bytes of each row count, falling; None for all of them.

    Returns:
        (records,).

    Example:
        >>> [hex(crc) for crc in masked_crcs(np.frombuffer(b"123456789", np.uint8)[None])]
        ['0xc78ab0e5']
    """
    count, width = rows.shape
    lengths = np.full(count, width) if lengths is None else lengths
    longer = np.searchsorted(-lengths, -np.arange(width))  # how many rows reach beyond each position
    crc = np.full(count, 0xFFFFFFFF, dtype=np.uint32)
    for column, some in zip(np.ascontiguousarray(rows.T), longer, strict=True):
        begun = crc[:some]
        crc[:some] = CRC_TABLE[(begun ^ column[:some]) & np.uint32(0xFF)] ^ (begun >> np.uint32(8))
    crc = ~crc
    rotated = (crc >> np.uint32(15)) | (crc << np.uint32(17))
    return np.asarray(rotated + MASK_DELTA, dtype=np.uint32)


def masked_crc(data: bytes) -> int:
    """Return the masked CRC32C of one record: of a long one a hundred times as fast as `masked_crcs`, made for many short ones.

    As TensorBoard computes it, whose own function takes ten megabytes of libraries for file systems along.

    Example:
        >>> hex(masked_crc(b"123456789"))
        '0xc78ab0e5'
    """
    table, crc = CRC_TABLE.tolist(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + int(MASK_DELTA)) & 0xFFFFFFFF


def frame(payloads: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the records of payloads of one length: (records, bytes) -> (records, 12 + bytes + 4)."""
    records, length = payloads.shape
    header = np.frombuffer(struct.pack("<Q", length), np.uint8)[None]
    head = np.concatenate([header, masked_crcs(header).astype("<u4")[:, None].view(np.uint8)], axis=1)
    foot = masked_crcs(payloads).astype("<u4")[:, None].view(np.uint8)
    return np.concatenate([np.repeat(head, records, axis=0), payloads, foot], axis=1)


def event_records(events: Iterable[Event]) -> bytes:
    """Return the records of a few events, one after the other: the same bytes for the same events.

    These may be long, as texts and histograms are.
    """
    records = []
    for event in events:
        payload = event.SerializeToString(deterministic=True)
        header = struct.pack("<Q", len(payload))
        sums = [struct.pack("<I", masked_crc(part)) for part in (header, payload)]
        records += [header, sums[0], payload, sums[1]]
    return b"".join(records)


def scalar_records(
    tagged: Mapping[str, npt.NDArray[np.float64]],
    steps: npt.NDArray[np.int64],
    walls: npt.NDArray[np.float64],
    *,
    optional: Collection[str] = (),
) -> list[bytes]:
    """Return a record for each step, with the value of every tag, encoded as TensorFlow 2 does.

    Steps with the same tags and step numbers of the same length share a layout and are encoded together.

    Args:
        tagged: tag -> (steps,), written as float32.
        steps: (steps,).
        walls: (steps,) wall times, in seconds since 1970.
        optional: tags that are left out of a step if their value is NaN.
    """
    records = [b""] * len(steps)
    tags = list(tagged)
    if not tags:
        return records
    values = np.stack([tagged[tag] for tag in tags], axis=1)
    written = ~(np.isnan(values) & np.array([tag in optional for tag in tags]))
    layouts, which = np.unique(np.column_stack([written, _varint_widths(steps)]), axis=0, return_inverse=True)
    for number, layout in enumerate(layouts):
        members = np.flatnonzero(which == number)
        kept = np.flatnonzero(layout[:-1])
        payloads = _payloads(
            [tags[at] for at in kept], values[np.ix_(members, kept)], steps[members], walls[members]
        )
        for at, record in zip(members, frame(payloads), strict=True):
            records[at] = record.tobytes()
    return records


def read_events(path: Path, *, most_bytes: int = MAX_SCALAR_BYTES) -> Iterator[Event]:
    """Yield the events of a file, except those with more than `most_bytes`.

    A last record that is cut off is ignored: its writer may still be at work.

    Raises:
        InputError: a record does not match its checksum, or holds no event.
        OSError: the file cannot be read.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs
    from tensorboard.compat.proto.event_pb2 import Event

    with path.open("rb") as file:
        records = _records(file, most_bytes)
        while batch := list(islice(records, BATCH_RECORDS)):
            wrong = min((record.offset for record in _mismatches(batch)), default=math.inf)
            for record in batch:
                if record.offset >= wrong:
                    raise _damaged(path, record.offset)
                if record.is_whole:
                    try:
                        yield Event.FromString(record.payload)
                    except DecodeError:
                        raise _damaged(path, record.offset) from None


def is_cut_off(path: Path) -> bool:
    """Return whether the last record of a file is incomplete: its writer may still be at work.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size, offset = os.fstat(file.fileno()).st_size, 0
        while offset < size:
            file.seek(offset)
            length = file.read(LENGTH_BYTES)
            if len(length) < LENGTH_BYTES:
                return True
            offset += LENGTH_BYTES + CRC_BYTES + int.from_bytes(length, "little") + CRC_BYTES
        return offset > size


def scalar_of(value: Any) -> float | None:  # noqa: ANN401  # a Summary.Value; generated classes have no types
    """Return the number in a summary's value, in the old or the new encoding; None if it is not a scalar."""
    if value.WhichOneof("value") == "simple_value":
        return float(value.simple_value)
    tensor = value.tensor
    if value.WhichOneof("value") != "tensor" or tensor.dtype not in LAYOUTS:
        return None
    if any(axis.size != 1 for axis in tensor.tensor_shape.dim):
        return None
    numbers = tensor.float_val if tensor.dtype == FLOAT32 else tensor.double_val
    if len(numbers) == 1:
        return float(numbers[0])
    layout = LAYOUTS[tensor.dtype]
    if len(tensor.tensor_content) != struct.calcsize(layout):
        return None
    return float(struct.unpack(layout, tensor.tensor_content)[0])


class _Record(NamedTuple):
    """A record of the file, unchecked; without payload and checksum if they were not read."""

    offset: int
    header: bytes
    payload: bytes = b""
    checksum: bytes = b""

    @property
    def is_whole(self) -> bool:
        return len(self.checksum) == CRC_BYTES


def _records(file: BinaryIO, most_bytes: int) -> Iterator[_Record]:
    size, offset = os.fstat(file.fileno()).st_size, 0
    while len(header := file.read(LENGTH_BYTES + CRC_BYTES)) == LENGTH_BYTES + CRC_BYTES:
        length = int.from_bytes(header[:LENGTH_BYTES], "little")
        end = offset + len(header) + length + CRC_BYTES
        if length <= most_bytes:
            yield _Record(offset, header, file.read(length), file.read(CRC_BYTES))
        else:
            yield _Record(offset, header)
        if end > size:  # cut off, or damage, which the header's checksum shows
            return
        file.seek(end)
        offset = end


def _mismatches(records: list[_Record]) -> list[_Record]:
    """Return the records with a wrong checksum."""
    headers = _wrong([(record.header[:LENGTH_BYTES], record.header[LENGTH_BYTES:]) for record in records])
    whole = [record for record in records if record.is_whole]
    payloads = _wrong([(record.payload, record.checksum) for record in whole])
    return [records[at] for at in headers] + [whole[at] for at in payloads]


def _wrong(checked: list[tuple[bytes, bytes]]) -> list[int]:
    """Return the places of the pieces of bytes that do not match their masked CRC."""
    order = sorted(range(len(checked)), key=lambda at: -len(checked[at][0]))
    if not order:
        return []
    width = len(checked[order[0]][0])
    padded = b"".join(checked[at][0].ljust(width, b"\0") for at in order)
    rows = np.frombuffer(padded, np.uint8).reshape(len(order), width)
    lengths = np.array([len(checked[at][0]) for at in order])
    stored = np.frombuffer(b"".join(checked[at][1] for at in order), "<u4")
    return [order[at] for at in np.flatnonzero(masked_crcs(rows, lengths) != stored)]


def _damaged(path: Path, offset: int) -> InputError:
    return InputError(
        f"Records of an event file must match their checksums; {str(path)!r} is damaged at byte {offset:,} "
        "or is not an event file. Copy it again from where it was written."
    )


def _payloads(
    tags: list[str],
    values: npt.NDArray[np.float64],
    steps: npt.NDArray[np.int64],
    walls: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint8]:
    """Return the (steps, bytes) serialised events of steps that share a layout.

    Event: field 1 wall_time (fixed 64), field 2 step (varint, absent when 0), field 5 summary. The messages differ only
    in the bytes of these numbers, so one message is serialised and the numbers are written into its copies.
    """
    template = np.frombuffer(_scalar_event(tags, 0.0, int(steps[0])), np.uint8)
    width = int(_varint_widths(steps[:1])[0])
    payloads = np.repeat(template[None], len(steps), axis=0)
    payloads[:, 1:9] = walls.astype("<f8")[:, None].view(np.uint8)
    for byte in range(width):
        more = 0x80 if byte < width - 1 else 0
        payloads[:, 10 + byte] = (steps >> (7 * byte)) & 0x7F | more
    # The values' bytes are those in which messages of 0.0 and of a float without zero bits differ.
    all_ones = np.frombuffer(b"\xff" * 4, "<f4")[0]
    ones = np.frombuffer(_scalar_event(tags, all_ones, int(steps[0])), np.uint8)
    with np.errstate(over="ignore"):  # float32 as Keras writes it; a loss beyond its range is inf there too
        bits = np.ascontiguousarray(values.astype("<f4"))
    payloads[:, template != ones] = bits.view(np.uint8)
    return payloads


def _scalar_event(tags: list[str], value: float, step: int) -> bytes:
    """Return one serialised event that gives every tag the same value."""
    from tensorboard.compat.proto.event_pb2 import Event

    event = Event(wall_time=1.0, step=step)
    for tag in tags:
        item = event.summary.value.add(tag=tag)
        item.metadata.plugin_data.plugin_name = "scalars"
        item.tensor.dtype = FLOAT32
        item.tensor.tensor_shape.SetInParent()  # a scalar: a shape without dimensions
        item.tensor.tensor_content = np.asarray(value, "<f4").tobytes()
    return bytes(event.SerializeToString(deterministic=True))


def _varint_widths(steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return how many bytes each step takes as a varint: one per seven bits; a step of 0 is left out.

    Example:
        >>> _varint_widths(np.array([0, 1, 127, 128, 20_000]))
        array([0, 1, 1, 2, 3])
    """
    bits = np.frexp(steps.astype(np.float64))[1]
    return np.asarray(-(-bits // 7), dtype=np.int64)
