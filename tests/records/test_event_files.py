"""The records of event files, against TensorBoard's own writer and checksums."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.record_writer import RecordWriter
from tests.refusals import refusal

from justright.errors import InputError
from justright.records.event_files import (
    MAX_SCALAR_BYTES,
    event_records,
    frame,
    masked_crc,
    masked_crcs,
    read_events,
)


def as_rows(payloads: list[bytes]) -> np.ndarray:
    """Return payloads of one length as the rows of an array."""
    return np.frombuffer(b"".join(payloads), np.uint8).reshape(len(payloads), -1 if payloads[0] else 0)


def written_by_tensorboard(payloads: list[bytes]) -> bytes:
    """Return the records that its own writer makes."""
    stream = io.BytesIO()
    writer = RecordWriter(stream)
    for payload in payloads:
        writer.write(payload)
    return stream.getvalue()


one_length = st.integers(0, 30).flatmap(
    lambda length: st.lists(st.binary(min_size=length, max_size=length), min_size=1, max_size=5)
)


@given(one_length)
def test_checksums_equal_tensorboards(payloads) -> None:
    """Many at once, and one by one, are what its byte-by-byte loop gives."""
    expected = [masked_crc32c(payload) for payload in payloads]
    assert masked_crcs(as_rows(payloads)).tolist() == expected
    assert [masked_crc(payload) for payload in payloads] == expected


@given(one_length)
def test_records_equal_tensorboards(payloads) -> None:
    """The same bytes as its writer's."""
    assert frame(as_rows(payloads)).tobytes() == written_by_tensorboard(payloads)


@given(st.lists(st.integers(0, 2**62), max_size=8), st.integers(0, 8))
def test_events_of_any_lengths_come_back(tmp_path_factory, steps, versions) -> None:
    """In order, short and long ones mixed, as TensorBoard's writer frames them."""
    path = tmp_path_factory.getbasetemp() / "events"
    events = [Event(step=step, file_version="x" * (number % 5)) for number, step in enumerate(steps)]
    events += [Event(file_version="v" * number) for number in range(versions)]
    path.write_bytes(written_by_tensorboard([event.SerializeToString() for event in events]))
    assert list(read_events(path)) == events


def test_a_file_of_many_batches_comes_back(tmp_path) -> None:
    """Records are checked a thousand at a time."""
    events = [Event(step=step) for step in range(3_000)]
    path = tmp_path / "events"
    path.write_bytes(event_records(events))
    assert list(read_events(path)) == events


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_is_found(tmp_path_factory, at, bit) -> None:
    """In a length, a payload or a checksum."""
    path = tmp_path_factory.getbasetemp() / "flipped"
    content = bytearray(event_records([Event(step=1), Event(step=300)]))
    content[at % len(content)] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^Records of an event file must match their checksums; "):
        list(read_events(path))


def test_the_first_damage_is_named(tmp_path) -> None:
    """By the byte at which its record begins."""
    good = event_records([Event(step=1)])
    path = tmp_path / "events"
    path.write_bytes(good * 2 + b"\xff" * 40 + good)
    assert refusal(list, read_events(path)) == (
        f"Records of an event file must match their checksums; {str(path)!r} is damaged at byte {2 * len(good)} "
        "or is not an event file. Copy it again from where it was written."
    )


@pytest.mark.parametrize("length", [MAX_SCALAR_BYTES + 1, 2**63, 2**64 - 1])
def test_a_length_beyond_the_file_ends_it(tmp_path, length) -> None:
    """With a right checksum, so that it is a record cut off; nothing of that size is read or sought."""
    header = struct.pack("<Q", length)
    path = tmp_path / "events"
    path.write_bytes(
        event_records([Event(step=1)]) + header + struct.pack("<I", masked_crc32c(header)) + b"abc"
    )
    assert list(read_events(path)) == [Event(step=1)]


def test_large_records_are_skipped(tmp_path) -> None:
    """Graphs and images are not read into memory; what follows them is."""
    large = Event(file_version="x" * (MAX_SCALAR_BYTES + 1))
    path = tmp_path / "events"
    path.write_bytes(event_records([Event(step=1), large, Event(step=2)]))
    assert [event.step for event in read_events(path)] == [1, 2]
