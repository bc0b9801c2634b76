"""Where a worker computes: the processors it may use, or the accelerator it was given."""

from __future__ import annotations

import os

CPU = "cpu"  # JAX's word
# Says which of the machine's accelerators JAX may see in this process.
DEVICE_VARIABLE = "JAX_CUDA_VISIBLE_DEVICES"


def available_cores() -> list[int]:
    """Return the processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def place_of(platform: str) -> str:
    """Return where a worker computes: its accelerator, or the lowest processor it is pinned to.

    Example:
        >>> place_of("gpu")
        'gpu:0'
    """
    return f"{platform}:{available_cores()[0] if platform == CPU else os.environ.get(DEVICE_VARIABLE, '0')}"
