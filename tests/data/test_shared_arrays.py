"""Arrays that several processes map: one memory, no name, nothing left behind."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from justright.data import shared_arrays
from justright.data.shared_arrays import LEAST_BYTES, Place, find_place, share_array, shareable_empty

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


FREED = """
import numpy as np
from justright.data.shared_arrays import keep_no_reserve
def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
keep_no_reserve()
np.ones(3 << 20)  # freed: from now on the C library would keep arrays of this size
before = resident()
held = [np.ones(1 << 20) for _ in range(20)]
del held[::2]
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_large_arrays_go_back_to_the_system_as_soon_as_they_are_freed() -> None:
    """Also those between others: ten of twenty arrays of 8 MB are left."""
    said = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert 80 << 10 <= int(said.stdout) < 100 << 10


def test_memory_is_released_without_harm_to_what_is_held() -> None:
    """Whatever the allocator does, arrays keep their values."""
    held = [np.full(1_000, number) for number in range(50)]
    del held[1::2]
    shared_arrays.release_memory()
    assert [int(each[-1]) for each in held] == list(range(0, 50, 2))
