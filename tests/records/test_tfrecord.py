"""The records of event files, against TensorBoard's own writer and checksums."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.record_writer import RecordWriter

from justright.errors import FolderError
from justright.records.tfrecord import frame, masked_crcs, read_payloads


def as_rows(payloads: list[bytes]) -> np.ndarray:
    """Return payloads of one length as the rows of an array."""
    return np.frombuffer(b"".join(payloads), np.uint8).reshape(len(payloads), -1 if payloads[0] else 0)


one_length = st.integers(0, 30).flatmap(
    lambda length: st.lists(st.binary(min_size=length, max_size=length), min_size=1, max_size=5)
)


@given(one_length)
def test_checksums_equal_tensorboards(payloads) -> None:
    """Many at once are what its byte-by-byte loop gives one by one."""
    assert masked_crcs(as_rows(payloads)).tolist() == [masked_crc32c(payload) for payload in payloads]


@given(one_length)
def test_records_equal_tensorboards(payloads) -> None:
    """The same bytes as its writer's."""
    stream = io.BytesIO()
    writer = RecordWriter(stream)
    for payload in payloads:
        writer.write(payload)
    assert frame(as_rows(payloads)).tobytes() == stream.getvalue()


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_payloads_of_any_lengths_come_back(tmp_path_factory, payloads) -> None:
    """In order, short and long ones mixed."""
    path = tmp_path_factory.getbasetemp() / "events"
    path.write_bytes(b"".join(frame(as_rows([payload])).tobytes() for payload in payloads))
    assert read_payloads(path) == payloads


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_is_found(tmp_path_factory, at, bit) -> None:
    """In a length, a payload or a checksum."""
    path = tmp_path_factory.getbasetemp() / "flipped"
    content = bytearray(frame(as_rows([b"abc", b"xyz"])).tobytes())
    content[at % len(content)] ^= 1 << bit
    path.write_bytes(content)
    assert read_payloads(path) is None


def test_a_missing_file_is_one_clear_message(tmp_path) -> None:
    """Whoever reads one knows that it should be there."""
    with pytest.raises(FolderError) as caught:
        read_payloads(tmp_path / "gone")
    assert str(caught.value) == (
        f"Cannot read the event file at {str(tmp_path / 'gone')!r}: it is missing. "
        "Put it back, or choose another folder."
    )
