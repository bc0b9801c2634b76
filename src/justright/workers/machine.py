"""The processors and memory of this machine, and how much of them a process uses."""

from __future__ import annotations

import platform
import re
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")  # Linux; elsewhere the platform's own name is used
# Linux' names for instructions that XLA was seen to use, on x86-64 only.
BFLOAT16_FEATURES = frozenset({"avx512_bf16", "amx_bf16"})
BFLOAT16_MACHINE = "x86_64"
CONTAINER = Path("/sys/fs/cgroup")  # a container's own limits on Linux (cgroup v2)


def free_memory_bytes() -> int:
    """Return the memory that can be used without swapping, within the limit of this process's container, if any."""
    import psutil

    free = int(psutil.virtual_memory().available)
    try:
        limit, used = ((CONTAINER / name).read_text().strip() for name in ("memory.max", "memory.current"))
        cached = re.search(r"^inactive_file (\d+)$", (CONTAINER / "memory.stat").read_text(), re.MULTILINE)
    except OSError:  # no container, or another system
        return free
    if not limit.isdigit():  # "max": unlimited
        return free
    reclaimable = int(cached[1]) if cached else 0  # file caches, which the system frees before it swaps
    return min(free, max(0, int(limit) - int(used) + reclaimable))


def resident_bytes(pid: int, *, with_shared: bool) -> int:
    """Return the memory a process holds, 0 when it is gone; on request with what it shares with others."""
    import psutil

    try:
        held = psutil.Process(pid).memory_info()
    except psutil.Error:
        return 0
    return int(held.rss) if with_shared else int(held.rss - getattr(held, "shared", 0))


def processor_seconds(pid: int) -> float:
    """Return the processor time a process has used, 0 when it is gone."""
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system


def processor_name() -> str:
    """Return the processor's name as its manufacturer gives it."""
    if CPU_INFO.is_file():
        for line in CPU_INFO.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def processor_features() -> str:
    """Return what distinguishes this processor's instructions: its name, and the features that Linux lists."""
    text = CPU_INFO.read_text(errors="replace") if CPU_INFO.is_file() else ""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return f"{platform.machine()} {processor_name()} {found[1] if found else ''}"


def has_bfloat16_products() -> bool | None:
    """Return whether this processor has instructions for bfloat16 products; None if that is not known."""
    if not CPU_INFO.is_file() or platform.machine() != BFLOAT16_MACHINE:
        return None
    return bool(BFLOAT16_FEATURES.intersection(processor_features().split()))
