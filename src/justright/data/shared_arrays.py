"""Arrays that other processes of this machine can map instead of copying: one copy of the rows for all of them.

The memory is a file without a name, known by its descriptor alone, which a process inherits when it is started. So there
is nothing to remove: the system frees it when the last process that maps it has ended, however it ended.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import tempfile
import weakref
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# JAX uses the memory of an array on the CPU without copying it if it begins at a multiple of this.
ALIGNMENT = 64
# Each shareable array keeps a file open; a program may hold hundreds of small tables, and copying them costs nothing.
LEAST_BYTES = 1 << 24
M_MMAP_THRESHOLD = -3  # of malloc.h: from so many bytes on, memory is the system's own, and goes back to it
LARGE_BYTES = 1 << 22


class SharedMemory(mmap.mmap):
    """Memory in a file without a name, whose descriptor is `fd`."""

    fd: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where an array lies in shared memory.

    Args:
        fd: descriptor of the memory, inherited.
        offset: of the array's first byte.
        shape: of the array, in C order.
        dtype: as NumPy spells it.
    """

    fd: int
    offset: int
    shape: tuple[int, ...]
    dtype: str

    def attach(self) -> npt.NDArray[Any]:
        """Return the array, read-only, in a process that has inherited the descriptor."""
        length = self.offset + np.dtype(self.dtype).itemsize * int(np.prod(self.shape, dtype=np.int64))
        memory = mmap.mmap(self.fd, length, access=mmap.ACCESS_READ)
        return np.ndarray(self.shape, self.dtype, memory, self.offset)


def shareable_empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return an array without content; if it is large, it can be shared with other processes.

    Pages that are never written take no memory.
    """
    size = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
    if size >= LEAST_BYTES and (memory := _allocate(size)):
        return np.ndarray(shape, dtype, memory)
    return np.empty(shape, dtype)


def find_place(values: npt.NDArray[Any]) -> Place | None:
    """Return where an array lies in shared memory; None if it does not, or not so that JAX can use it there."""
    base: Any = values
    while isinstance(base, np.ndarray):
        base = base.base
    if not isinstance(base, SharedMemory) or not values.flags.c_contiguous or not values.size:
        return None
    start = np.frombuffer(base, np.uint8).ctypes.data
    offset = values.ctypes.data - start
    return None if offset % ALIGNMENT else Place(base.fd, offset, values.shape, values.dtype.str)


def share_array(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array, or a copy of it that can be shared; the array itself where the system shares nothing."""
    if find_place(values) or not values.size or (memory := _allocate(values.nbytes)) is None:
        return values
    copy: npt.NDArray[Any] = np.ndarray(values.shape, values.dtype, memory)
    copy[:] = values
    return copy


def release_memory() -> None:
    """Give back to the system what the allocator holds in reserve: after arrays of millions of rows that is a large part of them."""
    with suppress(OSError, AttributeError):  # another system, or another allocator
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def keep_no_reserve() -> None:
    """Let this process give back large arrays as soon as they are freed, for as long as it lives.

    Otherwise the C library keeps them up to 32 MB for later ones, which of a long table is a tenth of its memory. Arrays that
    come and go then cost some more time, so that this is for a program of ours, not for somebody else's.
    """
    with suppress(OSError, AttributeError):  # another system, or another C library
        ctypes.CDLL("libc.so.6").mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def _allocate(size: int) -> SharedMemory | None:
    """Return new memory of at least `size` bytes; None where processes cannot inherit it, or the system refuses."""
    try:
        fd = _open_nameless()
        if fd is None:
            return None
        try:
            os.ftruncate(fd, size)
            memory = SharedMemory(fd, size)
        except BaseException:
            os.close(fd)
            raise
    except (OSError, ValueError):
        return None
    memory.fd = fd
    weakref.finalize(memory, os.close, fd)
    return memory


def _open_nameless() -> int | None:
    if sys.platform == "linux":
        return os.memfd_create("justright-rows")
    if os.name != "posix":  # processes on Windows do not inherit descriptors like this
        return None
    with tempfile.TemporaryFile() as file:  # its name is removed at once
        return os.dup(file.fileno())
