"""What is wrong with machines of many kinds, and the command that mends each."""

from __future__ import annotations

import pytest

from justright.cli.checkup.troubles import Trouble, find_troubles

GIGABYTE = 10**9
H100 = {
    "nvidia": True,
    "nvidia_names": ("NVIDIA H100 80GB HBM3",),
    "nvidia_driver": "580.65.06",
    "is_visible": True,
}
PLUGIN = {"jax-cuda13-plugin": "0.11.2", "jax-cuda13-pjrt": "0.11.2"}
NO_DEVICE = "JAX found no device for its plugin, and takes the CPU"
DEVICES = {"platform": "cuda", "name": "NVIDIA H100 80GB HBM3", "count": 1, "memory_bytes": 60 * GIGABYTE}
# (what differs from a healthy machine without an accelerator, the one trouble)
TROUBLES = {
    "a package is missing": (
        {"versions": {"keras": "not installed"}},
        Trouble("keras is not installed.", "pip install keras", stops_training=True),
    ),
    "a GPU without a plug-in": (
        {"system_devices": H100},
        Trouble(
            "This machine has NVIDIA H100 80GB HBM3 (driver 580.65.06), but JAX has no plug-in for it: networks train on the CPU.",
            "pip install 'justright[cuda]'",
        ),
    ),
    "a GPU whose driver is for CUDA 12": (
        {"system_devices": H100 | {"nvidia_driver": "550.54.14"}},
        Trouble(
            "This machine has NVIDIA H100 80GB HBM3 (driver 550.54.14), but JAX has no plug-in for it: networks train on the CPU.",
            "pip install 'justright[cuda12]'",
        ),
    ),
    "a GPU whose driver is too old": (
        {"system_devices": H100 | {"nvidia_driver": "470.42.01"}},
        Trouble(
            "This machine has NVIDIA H100 80GB HBM3 (driver 470.42.01), but CUDA 12 needs driver 525 or newer, CUDA 13 580: "
            "networks train on the CPU. Update the driver."
        ),
    ),
    "a GPU without a driver": (
        {"system_devices": {"nvidia": True}},
        Trouble(
            "This machine has an NVIDIA GPU, but no driver for it: networks train on the CPU. Install NVIDIA's driver, then "
            "justright[cuda]."
        ),
    ),
    "a GPU that the container was not given": (
        {"system_devices": H100 | {"is_visible": False}},
        Trouble(
            "This machine has NVIDIA H100 80GB HBM3 (driver 580.65.06), but it is not given to this container: networks train on "
            "the CPU. Start the container with it (docker run --gpus all), and install justright[cuda] there."
        ),
    ),
    "a GPU on Windows": (
        {"system": "Windows 11 AMD64", "system_devices": H100},
        Trouble(
            "This machine has NVIDIA H100 80GB HBM3 (driver 580.65.06), but JAX uses GPUs on Linux only, WSL 2 included: "
            "networks train on the CPU. Install justright in WSL 2.",
            "wsl --install",
        ),
    ),
    "a plug-in without a GPU": (
        {"plugins": PLUGIN, "device_fault": NO_DEVICE},
        Trouble(
            f"{NO_DEVICE}. The system knows of no NVIDIA GPU: in a container, start it with all of them (docker run --gpus all); "
            "if this machine has none, the plug-in is not needed.",
            "pip uninstall jax-cuda13-plugin jax-cuda13-pjrt",
        ),
    ),
    "a plug-in without a driver": (
        {"plugins": PLUGIN, "device_fault": NO_DEVICE, "system_devices": {"nvidia": True}},
        Trouble(f"{NO_DEVICE}. There is an NVIDIA GPU and no driver for it: install NVIDIA's driver."),
    ),
    "JAX says itself why it takes the CPU": (
        {
            "plugins": PLUGIN,
            "device_fault": NO_DEVICE,
            "system_devices": H100,
            "complaint": "CUDA backend failed to initialize: no supported devices found.",
        },
        Trouble(
            f"{NO_DEVICE}. It says: CUDA backend failed to initialize: no supported devices found. Networks train on the CPU. All "
            "that JAX says:",
            'python -c "import jax; print(jax.devices())"',
        ),
    ),
    "a plug-in in a container without its GPU": (
        {"plugins": PLUGIN, "device_fault": NO_DEVICE, "system_devices": H100 | {"is_visible": False}},
        Trouble(
            f"{NO_DEVICE}. The GPU is not given to this container: start it with all of them (docker run --gpus all)."
        ),
    ),
    "a plug-in for CUDA 13 on an older driver": (
        {
            "plugins": PLUGIN,
            "device_fault": "JAX cannot use its devices: it says so",
            "system_devices": H100 | {"nvidia_driver": "550.54.14"},
        },
        Trouble(
            "JAX cannot use its devices: it says so. Driver 550.54.14 is too old for CUDA 13, which needs 580 or newer.",
            "pip uninstall --yes jax-cuda13-plugin jax-cuda13-pjrt && pip install 'justright[cuda12]'",
        ),
    ),
    "a plug-in of another version": (
        {"plugins": {"jax-cuda13-plugin": "0.10.2"}, "device_fault": NO_DEVICE, "system_devices": H100},
        Trouble(
            f"{NO_DEVICE}. jax-cuda13-plugin is 0.10.2 and jaxlib 0.11.2: they must be the same.",
            "pip install jax==0.11.2 jax-cuda13-plugin==0.11.2",
        ),
    ),
    "JAX is told to take the CPU": (
        {
            "plugins": PLUGIN,
            "device_fault": NO_DEVICE,
            "system_devices": H100,
            "variables": {"JAX_PLATFORMS": "cpu"},
        },
        Trouble(f"{NO_DEVICE}. JAX_PLATFORMS is 'cpu', which decides it.", "unset JAX_PLATFORMS"),
    ),
    "all GPUs are hidden": (
        {
            "plugins": PLUGIN,
            "device_fault": NO_DEVICE,
            "system_devices": H100,
            "variables": {"CUDA_VISIBLE_DEVICES": "-1"},
        },
        Trouble(f"{NO_DEVICE}. CUDA_VISIBLE_DEVICES is '-1', which hides all.", "unset CUDA_VISIBLE_DEVICES"),
    ),
    "other CUDA libraries": (
        {
            "plugins": PLUGIN,
            "device_fault": "JAX cannot use its devices: it says so.",
            "system_devices": H100,
            "variables": {"LD_LIBRARY_PATH": "/usr/local/cuda-11/lib64", "CUDA_VISIBLE_DEVICES": "0"},
        },
        Trouble(
            "JAX cannot use its devices: it says so. LD_LIBRARY_PATH is set, and may lead JAX to other CUDA libraries than its "
            "own.",
            "unset LD_LIBRARY_PATH",
        ),
    ),
    "a GPU that computes wrong, for no known cause": (
        {
            "plugins": PLUGIN,
            "device_fault": "JAX cannot use its devices: RuntimeError: a matrix product is wrong",
            "system_devices": H100,
        },
        Trouble(
            "JAX cannot use its devices: RuntimeError: a matrix product is wrong. Networks train on the CPU. All that JAX says:",
            'python -c "import jax; print(jax.devices())"',
        ),
    ),
    "JAX hangs with its plug-in": (
        {
            "plugins": {"jax-rocm7-plugin": "0.11.2"},
            "device_fault": "JAX did not answer within 120 seconds when it was asked for its devices",
            "computes": "",
            "compute_fault": "it did not answer within 120 seconds",
        },
        Trouble(
            "JAX did not answer within 120 seconds when it was asked for its devices. Without its plug-in JAX can use the CPU.",
            "export JAX_PLATFORMS=cpu",
            stops_training=True,
        ),
    ),
    "JAX fails with a driver that is too old": (
        {
            "plugins": PLUGIN,
            "device_fault": "JAX cannot use its devices: it says so",
            "system_devices": H100 | {"nvidia_driver": "550.54.14"},
            "computes": "",
            "compute_fault": "it says so",
        },
        Trouble(
            "JAX cannot use its devices: it says so. Driver 550.54.14 is too old for CUDA 13, which needs 580 or newer.",
            "pip uninstall --yes jax-cuda13-plugin jax-cuda13-pjrt && pip install 'justright[cuda12]'",
            stops_training=True,
        ),
    ),
    "a worker fails where JAX finds its device": (
        {
            "plugins": PLUGIN,
            "devices": DEVICES,
            "system_devices": H100,
            "computes": "",
            "compute_fault": "its process ended with code 7",
        },
        Trouble(
            "JAX does not compute here: its process ended with code 7. Without its plug-in it can use the CPU.",
            "export JAX_PLATFORMS=cpu",
            stops_training=True,
        ),
    ),
    "XLA does not know a flag, and a plug-in is installed": (
        {
            "plugins": PLUGIN,
            "device_fault": "JAX cannot use its devices: Unknown flag in XLA_FLAGS: --x",
            "system_devices": H100,
            "variables": {"XLA_FLAGS": "--x"},
            "computes": "",
            "compute_fault": "Unknown flag in XLA_FLAGS: --x",
        },
        Trouble(
            "JAX cannot use its devices: Unknown flag in XLA_FLAGS: --x.",
            "unset XLA_FLAGS",
            stops_training=True,
        ),
    ),
    "JAX computes wrong": (
        {"compute_fault": "3 of 4,096 numbers of a matrix product are wrong"},
        Trouble(
            "JAX does not compute here: 3 of 4,096 numbers of a matrix product are wrong.",
            "pip install --force-reinstall jax jaxlib",
            stops_training=True,
        ),
    ),
    "XLA does not know a flag": (
        {
            "computes": "",
            "compute_fault": "Unknown flag in XLA_FLAGS: --x",
            "variables": {"XLA_FLAGS": "--x"},
        },
        Trouble(
            "JAX does not compute here: Unknown flag in XLA_FLAGS: --x. XLA_FLAGS is '--x'.",
            "unset XLA_FLAGS",
            stops_training=True,
        ),
    ),
    "JAX is told to take what is not there": (
        {
            "computes": "",
            "compute_fault": "RuntimeError: Unable to initialize backend 'cuda'",
            "variables": {"JAX_PLATFORMS": "cuda"},
        },
        Trouble(
            "JAX does not compute here: RuntimeError: Unable to initialize backend 'cuda'. JAX_PLATFORMS is 'cuda'.",
            "unset JAX_PLATFORMS",
            stops_training=True,
        ),
    ),
    "Apple's plug-in": (
        {
            "plugins": {"jax-metal": "0.1.1"},
            "system_devices": {"apple": True},
            "device_fault": "JAX cannot use its devices: it says so",
            "computes": "",
            "compute_fault": "it says so",
        },
        Trouble(
            "jax-metal works with JAX up to 0.5.0 only, and spoils newer ones: on a Mac networks train on the CPU.",
            "pip uninstall jax-metal",
            stops_training=True,
        ),
    ),
    "an AMD GPU": (
        {"system_devices": {"amd": True}},
        Trouble(
            "This machine has an AMD GPU, but JAX has no plug-in for it, which needs ROCm 7: networks train on the CPU; justright "
            "has not been tried on it.",
            "pip install 'jax[rocm7-local]==0.11.2'",
        ),
    ),
    "a TPU": (
        {"system_devices": {"tpu": True}},
        Trouble(
            "This machine has a TPU, but libtpu is not installed: networks train on the CPU; justright has not been tried on it.",
            "pip install 'jax[tpu]==0.11.2'",
        ),
    ),
    "a device that JAX takes and justright does not know": (
        {"computes": "tpu"},
        Trouble(
            "JAX computes on 'tpu' here, which justright does not deal out to its workers: they would share it.",
            "export JAX_PLATFORMS=cpu",
        ),
    ),
    "no memory": (
        {"memory_free_bytes": 300_000_000},
        Trouble(
            "0.3 GB of memory are free, and one worker takes 0.6 GB: end other programs.", stops_training=True
        ),
    ),
    "little room": (
        {"disks": {"here": {"path": "/work", "free_bytes": 500_000_000, "is_writable": True}}},
        Trouble(
            "0.5 GB are free on the disk of /work: free some space, or take another --out.", "du -sh /work"
        ),
    ),
    "no room": (
        {"disks": {"here": {"path": "/work", "free_bytes": 10_000_000, "is_writable": True}}},
        Trouble(
            "0.0 GB are free on the disk of /work: free some space, or take another --out.",
            "du -sh /work",
            stops_training=True,
        ),
    ),
    "a folder of others": (
        {"disks": {"here": {"path": "/", "free_bytes": 64 * GIGABYTE, "is_writable": False}}},
        Trouble("/ cannot be written to: work in another folder, or give --out."),
    ),
    "a cache of others": (
        {
            "disks": {"cache": {"path": "/c", "free_bytes": 64 * GIGABYTE, "is_writable": False}},
            "cache": {"path": "/c", "compiled": None},
        },
        Trouble(
            "Nothing can be kept in /c: rows are downloaded, and programs compiled, each time.",
            "export JUSTRIGHT_CACHE=FOLDER",
        ),
    ),
    "a cache that others may write to": (
        {"cache": {"path": "/c", "compiled": None}},
        Trouble(
            "Compiled programs are not kept: /c/compiled must be yours, and closed to changes by others.",
            "chmod -R go-w /c/compiled",
        ),
    ),
    "a container with less time than processors": (
        {"processors": {"count": 64, "quota": 2.0}},
        Trouble(
            "This container shows 64 processors and may take the time of 2: more workers would only wait.",
            "justright run --workers 2",
        ),
    ),
    "a Ray cluster that is gone": (
        {"variables": {"RAY_ADDRESS": "10.0.0.1:6379"}},
        Trouble("RAY_ADDRESS is '10.0.0.1:6379', where nothing answers.", "unset RAY_ADDRESS"),
    ),
}


@pytest.mark.parametrize("kind", TROUBLES)
def test_each_trouble_is_one_sentence_and_what_mends_it(examination, kind):
    """And nothing else is wrong on that machine."""
    changes, trouble = TROUBLES[kind]
    assert find_troubles(examination(**changes)) == [trouble]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"plugins": PLUGIN, "system_devices": H100, "devices": DEVICES, "computes": "gpu"},
        {"system_devices": {"apple": True}},
        {"cache": {"compiled": None}, "variables": {"JUSTRIGHT_COMPILE_CACHE": "Off"}},
        {"processors": {"quota": 16.0}},
        {"ray": {"answers": True}, "variables": {"RAY_ADDRESS": "10.0.0.1:6379"}},
    ],
    ids=["a CPU", "a GPU in use", "a Mac", "a cache switched off", "a container", "a Ray cluster"],
)
def test_nothing_is_wrong_with_a_healthy_machine(examination, changes):
    """What is only absent is not missing."""
    assert find_troubles(examination(**changes)) == []


def test_what_stops_training_comes_first(examination):
    """However many other things there are."""
    found = examination(system_devices=H100, memory_free_bytes=0)
    assert [trouble.stops_training for trouble in find_troubles(found)] == [True, False]
