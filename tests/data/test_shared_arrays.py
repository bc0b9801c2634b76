"""Arrays that several processes map: one memory, no name, nothing left behind."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from justright.data import shared_arrays
from justright.data.shared_arrays import (
    LEAST_BYTES,
    Place,
    find_place,
    leave_to_others,
    share_array,
    shareable_empty,
)

needs_inheritance = pytest.mark.skipif(os.name != "posix", reason="descriptors are not inherited elsewhere")
LARGE = (LEAST_BYTES // 4 // 8, 8)


@needs_inheritance
def test_a_large_array_and_its_aligned_rows_can_be_shared() -> None:
    """A part is found where it lies; columns, and rows that JAX would have to copy, are not."""
    table = shareable_empty(LARGE, np.float32)
    place = find_place(table)
    assert place is not None
    assert place == Place(place.fd, 0, LARGE, "<f4")
    assert find_place(table[4:6].view()) == Place(place.fd, 4 * 8 * 4, (2, 8), "<f4")
    assert [find_place(part) for part in (table[1:], table[:, 1:], table[:0], np.zeros(3))] == [None] * 4


@needs_inheritance
def test_what_is_attached_is_the_same_memory_and_cannot_be_written() -> None:
    """A value written later is seen; the reader cannot change it."""
    shared = share_array(np.arange(6, dtype=np.float32).reshape(3, 2))
    place = find_place(shared)
    assert place is not None
    attached = place.attach()
    shared[2, 1] = 77
    assert attached.tolist() == [[0, 1], [2, 3], [4, 77]]
    with pytest.raises(ValueError, match="assignment destination is read-only"):
        attached[0] = 1


@needs_inheritance
def test_another_process_reads_the_rows_through_an_inherited_descriptor() -> None:
    """It needs no file name, and the memory outlives the array that it was made for."""
    shared = share_array(np.arange(1_000, dtype=np.int32))
    place = find_place(shared)
    assert place is not None
    code = f"from justright.data.shared_arrays import Place; print({place!r}.attach().sum())"
    said = subprocess.run(
        [sys.executable, "-c", code], pass_fds=(place.fd,), capture_output=True, text=True, check=True
    )
    assert said.stdout == "499500\n"


@needs_inheritance
def test_memory_is_given_back_with_its_last_array() -> None:
    """Its descriptor is closed then, and not before."""
    part = share_array(np.zeros(100))[8:]
    place = find_place(part)
    assert place is not None
    os.fstat(place.fd)
    del part
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(place.fd)


def test_small_arrays_and_systems_that_refuse_get_common_memory(monkeypatch) -> None:
    """Nothing is shared then, and everything works as before."""
    assert find_place(shareable_empty((10, 2), np.float32)) is None
    monkeypatch.setattr(shared_arrays, "_open_nameless", lambda: None)
    values = np.zeros(3)
    assert share_array(values) is values
    assert find_place(shareable_empty(LARGE, np.float32)) is None

    def refused() -> int:
        raise OSError("not permitted")

    monkeypatch.setattr(shared_arrays, "_open_nameless", refused)
    assert share_array(values) is values


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep the pages")
def test_what_is_left_to_others_is_not_held_here_and_is_still_there() -> None:
    """This process holds none of its pages until it reads them; values stay, here and for whoever attaches."""
    shared = shareable_empty(LARGE, np.float32)
    shared[:] = np.arange(shared.size).reshape(LARGE)
    assert resident_bytes(shared) == shared.nbytes
    leave_to_others(shared)
    assert resident_bytes(shared) == 0
    place = find_place(shared)
    assert place is not None
    expected = np.arange(shared.size, dtype=np.float32).reshape(LARGE)
    np.testing.assert_array_equal(place.attach(), expected)
    np.testing.assert_array_equal(shared, expected)


def test_leaving_ordinary_memory_to_others_changes_nothing() -> None:
    """There is nobody to leave it to."""
    values = np.arange(5)
    leave_to_others(values)
    assert values.tolist() == [0, 1, 2, 3, 4]


def resident_bytes(values: np.ndarray) -> int:
    """Return what this process holds of the mapping in which an array lies."""
    start = f"{values.ctypes.data:x}-"
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    next(line for line in lines if line.startswith(start))
    return 1024 * int(next(line for line in lines if line.startswith("Rss:")).split()[1])
