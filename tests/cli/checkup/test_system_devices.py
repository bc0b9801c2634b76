"""What drivers, the PCI bus and nvidia-smi say of accelerators, on machines made of files."""

from __future__ import annotations

import platform
import stat

import pytest

from justright.cli.checkup import system_devices
from justright.cli.checkup.system_devices import SystemDevices, find_system_devices

PROPRIETARY = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\nGCC version: 11.4.0\n"
OPEN = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder@U22)\n"
)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A Linux machine without any accelerator; its folders by name."""
    folders = {name: tmp_path / name for name in ("driver", "dev", "pci", "bin")}
    for folder in folders.values():
        folder.mkdir()
    monkeypatch.setattr(system_devices, "NVIDIA_DRIVER", folders["driver"])
    monkeypatch.setattr(system_devices, "DEVICES", folders["dev"])
    monkeypatch.setattr(system_devices, "PCI_DEVICES", folders["pci"])
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setenv("PATH", str(folders["bin"]))
    return folders


def add_card(machine, number, name):
    """Let the driver know a GPU."""
    folder = machine["driver"] / "gpus" / f"0000:{number}1:00.0"
    folder.mkdir(parents=True)
    (folder / "information").write_text(f"Model: \t\t {name}\nIRQ:   \t\t 11\n")


def add_to_bus(machine, vendor, kind):
    """Put a device on the PCI bus."""
    folder = machine["pci"] / f"0000:00:0{len(list(machine['pci'].iterdir()))}.0"
    folder.mkdir()
    (folder / "vendor").write_text(f"{vendor}\n")
    (folder / "class").write_text(f"{kind}\n")


def add_program(machine, text):
    """Put an `nvidia-smi` on the path."""
    program = machine["bin"] / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_a_machine_without_accelerators_has_none(machine):
    """Also with a display of another maker."""
    add_to_bus(machine, "0x8086", "0x030000")
    assert find_system_devices() == SystemDevices()


@pytest.mark.parametrize(("text", "driver"), [(PROPRIETARY, "535.104.05"), (OPEN, "580.65.06")])
def test_the_driver_names_its_version_and_its_cards(machine, text, driver):
    """Both builds of it."""
    (machine["driver"] / "version").write_text(text)
    add_card(machine, 1, "NVIDIA H100 80GB HBM3")
    add_card(machine, 2, "NVIDIA L4")
    (machine["dev"] / "nvidia0").touch()
    assert find_system_devices() == SystemDevices(
        nvidia=True,
        nvidia_names=("NVIDIA H100 80GB HBM3", "NVIDIA L4"),
        nvidia_driver=driver,
        is_visible=True,
    )


def test_a_container_sees_the_driver_but_not_the_cards_it_was_not_given(machine):
    """/proc is that of the host."""
    (machine["driver"] / "version").write_text(OPEN)
    add_card(machine, 1, "NVIDIA L4")
    (machine["dev"] / "nvidiactl").touch()
    assert not find_system_devices().is_visible


def test_a_card_without_a_driver_is_on_the_bus(machine):
    """With or without a screen; NVIDIA's sound devices and bridges are no GPUs."""
    add_to_bus(machine, "0x10de", "0x040300")
    assert not find_system_devices().nvidia
    add_to_bus(machine, "0x10de", "0x030200")
    assert find_system_devices() == SystemDevices(nvidia=True)


def test_where_there_are_no_such_files_nvidia_smi_is_asked(machine):
    """As in WSL, whose cards are behind /dev/dxg."""
    add_program(machine, "echo '581.15, NVIDIA GeForce RTX 4090'")
    (machine["dev"] / "dxg").touch()
    assert find_system_devices() == SystemDevices(
        nvidia=True,
        nvidia_names=("NVIDIA GeForce RTX 4090",),
        nvidia_driver="581.15",
        is_visible=True,
    )


def test_an_nvidia_smi_that_fails_says_nothing(machine):
    """It fails where the driver does not fit."""
    add_program(machine, "echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18")
    assert find_system_devices() == SystemDevices()


def test_other_accelerators_are_known_by_their_own_signs(machine, monkeypatch):
    """AMD's driver makes /dev/kfd; TPUs are Google's only devices on the bus; every Mac of Apple's own has a GPU."""
    (machine["dev"] / "kfd").touch()
    add_to_bus(machine, "0x1ae0", "0xff0000")
    assert find_system_devices() == SystemDevices(amd=True, tpu=True)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert find_system_devices().apple
