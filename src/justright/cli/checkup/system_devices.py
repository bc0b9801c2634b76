"""The accelerators that the system itself knows of, whatever JAX makes of them."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NVIDIA_DRIVER = Path("/proc/driver/nvidia")
DEVICES = Path("/dev")
PCI_DEVICES = Path("/sys/bus/pci/devices")
NVIDIA, GOOGLE = "0x10de", "0x1ae0"  # PCI vendors
DISPLAY = "0x03"  # the PCI class of GPUs, with or without a screen
ASK_SECONDS = 10.0  # nvidia-smi answers in one, and hangs where a driver does


@dataclass(frozen=True, slots=True)
class SystemDevices:
    """What the system says.

    Args:
        nvidia: whether there is an NVIDIA GPU.
        nvidia_names: the names of those that the driver knows.
        nvidia_driver: its version; empty without one.
        is_visible: whether this process may open an NVIDIA GPU: a container need not be given any.
        amd: whether there is an AMD GPU that can compute.
        tpu: whether there is a TPU.
        apple: whether this is a Mac with Apple's own GPU.
    """

    nvidia: bool = False
    nvidia_names: tuple[str, ...] = ()
    nvidia_driver: str = ""
    is_visible: bool = False
    amd: bool = False
    tpu: bool = False
    apple: bool = False


def find_system_devices() -> SystemDevices:
    """Return the accelerators that drivers, the PCI bus and `nvidia-smi` name; nothing is written or woken."""
    driver, names = _nvidia_driver()
    pci = set(_pci_devices())
    files = {path.name for path in DEVICES.glob("*")} if DEVICES.is_dir() else set()
    is_visible = any(re.fullmatch(r"nvidia\d+|dxg", name) for name in files) or platform.system() == "Windows"
    return SystemDevices(
        nvidia=bool(names) or any(vendor == NVIDIA and kind.startswith(DISPLAY) for vendor, kind in pci),
        nvidia_names=names,
        nvidia_driver=driver,
        is_visible=is_visible,
        amd="kfd" in files,
        tpu=any(vendor == GOOGLE for vendor, _ in pci),
        apple=platform.system() == "Darwin" and platform.machine() == "arm64",
    )


def _nvidia_driver() -> tuple[str, tuple[str, ...]]:
    """Return the driver's version and the names of its GPUs."""
    try:
        text = (NVIDIA_DRIVER / "version").read_text(errors="replace")
        cards = [
            path.read_text(errors="replace") for path in sorted(NVIDIA_DRIVER.glob("gpus/*/information"))
        ]
    except OSError:
        return _ask_nvidia_smi()
    driver = re.search(r"NVRM version:.*?\b(\d{3,}\.\d+(?:\.\d+)?)\b", text)
    names = tuple(
        found[1].strip() for card in cards if (found := re.search(r"^Model:(.*)$", card, re.MULTILINE))
    )
    return (driver[1] if driver else "", names)


def _ask_nvidia_smi() -> tuple[str, tuple[str, ...]]:
    """Return the same from NVIDIA's own program, as on Windows and in WSL, which have no such files."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "", ()
    try:
        done = subprocess.run(  # noqa: S603  # the program that the system's path names
            [program, "--query-gpu=driver_version,name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "", ()
    rows = [line.split(", ", 1) for line in done.stdout.splitlines() if ", " in line]
    return (rows[0][0] if rows else "", tuple(name.strip() for _, name in rows))


def _pci_devices() -> Iterator[tuple[str, str]]:
    """Yield (vendor, class) of every device on the PCI bus, as Linux writes them."""
    for folder in PCI_DEVICES.glob("*"):
        try:
            yield (folder / "vendor").read_text().strip(), (folder / "class").read_text().strip()
        except OSError:
            continue
