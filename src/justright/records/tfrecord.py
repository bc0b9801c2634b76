"""The TFRecord framing of event files, many records at once.

A record is: payload length (8 bytes), its masked CRC-32C (4), payload, its masked CRC-32C (4), all little-endian
(tensorflow/core/lib/io/record_writer.h). TensorBoard's own Python writer computes the CRC byte by byte, ~100 us a record;
here one NumPy step handles one byte position of all records of the same length.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from justright.records.faults import disk_faults

POLYNOMIAL = np.uint32(0x82F63B78)  # CRC-32C (Castagnoli), reflected
MASK_DELTA = (
    0xA282EAD8  # record_writer.h: a CRC stored beside its data is rotated by 15 bits and shifted by this
)
HEADER_BYTES = 12
FOOTER_BYTES = 4
MAX_PAYLOAD_BYTES = 1 << 30  # a longer "length" can only be damage


def _crc_table() -> npt.NDArray[np.uint32]:
    """Return the (256,) remainders of every byte."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ (table & np.uint32(1)) * POLYNOMIAL
    return table


CRC_TABLE = _crc_table()


def masked_crcs(payloads: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Return the masked CRC-32C of each row.

    Args:
        payloads: (records, bytes).

    Returns:
        (records,).

    Example:
        >>> [hex(crc) for crc in masked_crcs(np.frombuffer(b"123456789", np.uint8)[None])]
        ['0xc78ab0e5']
    """
    crc = np.full(len(payloads), 0xFFFFFFFF, dtype=np.uint32)
    for column in np.ascontiguousarray(payloads.T):
        crc = CRC_TABLE[(crc ^ column) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    crc = ~crc
    rotated = (crc >> np.uint32(15)) | (crc << np.uint32(17))
    return np.asarray(rotated + MASK_DELTA, dtype=np.uint32)


def frame(payloads: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the records of payloads of one length: (records, bytes) -> (records, 12 + bytes + 4)."""
    records, length = payloads.shape
    header = np.frombuffer(struct.pack("<Q", length), np.uint8)[None]
    head = np.concatenate([header, masked_crcs(header).astype("<u4")[:, None].view(np.uint8)], axis=1)
    foot = masked_crcs(payloads).astype("<u4")[:, None].view(np.uint8)
    return np.concatenate([np.repeat(head, records, axis=0), payloads, foot], axis=1)


def read_payloads(path: Path) -> list[bytes] | None:
    """Return the payloads of an event file; None when the file is damaged or ends within a record.

    Raises:
        FolderError: the file cannot be read at all.
    """
    with disk_faults(path, "read the event file"):
        content = path.read_bytes()
    payloads: list[bytes] = []
    checks: list[tuple[bytes, int]] = []
    at = 0
    while at < len(content):
        if at + HEADER_BYTES > len(content):
            return None
        length, header_crc = struct.unpack_from("<QI", content, at)
        end = at + HEADER_BYTES + length
        if length > MAX_PAYLOAD_BYTES or end + FOOTER_BYTES > len(content):
            return None
        payloads.append(content[at + HEADER_BYTES : end])
        checks.append((content[at : at + 8], header_crc))
        checks.append((payloads[-1], struct.unpack_from("<I", content, end)[0]))
        at = end + FOOTER_BYTES
    return payloads if _all_match(checks) else None


def _all_match(checks: list[tuple[bytes, int]]) -> bool:
    """Return whether every piece of bytes has the masked CRC beside it, those of one length at a time."""
    by_length: dict[int, tuple[list[bytes], list[int]]] = {}
    for data, crc in checks:
        pieces, crcs = by_length.setdefault(len(data), ([], []))
        pieces.append(data)
        crcs.append(crc)
    for length, (pieces, crcs) in by_length.items():
        rows = np.frombuffer(b"".join(pieces), np.uint8).reshape(len(pieces), length)
        if not np.array_equal(masked_crcs(rows), np.array(crcs, dtype=np.uint32)):
            return False
    return True
