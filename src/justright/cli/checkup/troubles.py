"""What is missing or wrong on this machine, and the command that mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from justright.cli.checkup.examination import Examination
from justright.runs.place import CPU
from justright.workers.compiled import OFF, SWITCH
from justright.workers.memory import PROCESS_BYTES, PROGRAM_BYTES, gigabytes

# The oldest major versions of NVIDIA's driver for CUDA 13 and CUDA 12, as JAX's installation page has them.
CUDA13_DRIVER, CUDA12_DRIVER = 580, 525
WORKER_BYTES = PROCESS_BYTES + PROGRAM_BYTES
LEAST_DISK_BYTES = 200_000_000  # of a study folder: the tutorial's takes 150 MB
LITTLE_DISK_BYTES = 1_000_000_000
LAST_METAL = (
    "0.5.0"  # the last JAX that jax-metal works with (jax issue 26968); Apple has released none since
)
METAL = "jax-metal"
SEE_ALL = 'python -c "import jax; print(jax.devices())"'


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is missing or wrong.

    Args:
        text: what it is, and what follows from it.
        command: what mends it, or shows more; empty where no command can.
        stops_training: whether no network can be trained here until it is mended.
    """

    text: str
    command: str = ""
    stops_training: bool = False


def find_troubles(found: Examination) -> list[Trouble]:
    """Return all that is wrong, what stops training first."""
    troubles = [trouble for check in CHECKS for trouble in check(found)]
    return sorted(troubles, key=lambda one: not one.stops_training)


def _packages(found: Examination) -> Iterator[Trouble]:
    """Packages that every study needs."""
    missing = [name for name, version in found["versions"].items() if version == "not installed"]
    if missing:
        text = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed."
        yield Trouble(text, f"pip install {' '.join(missing)}", stops_training=True)


def _metal(found: Examination) -> Iterator[Trouble]:
    """Apple's plug-in, which the JAX that is needed here cannot load."""
    if METAL in found["plugins"]:
        yield Trouble(
            f"{METAL} works with JAX up to {LAST_METAL} only, and spoils newer ones: on a Mac networks train on the CPU.",
            f"pip uninstall {METAL}",
            stops_training=bool(found["compute_fault"]),
        )


def _computing(found: Examination) -> Iterator[Trouble]:
    """JAX itself, where no plug-in explains it."""
    fault, variables = found["compute_fault"], found["variables"]
    is_explained = found["device_fault"] or METAL in found["plugins"]
    if not fault or is_explained or "not installed" in found["versions"].values():
        return
    text = f"JAX does not compute here: {fault.rstrip('.')}."
    if "XLA_FLAGS" in fault:
        text, command = f"{text} XLA_FLAGS is {variables.get('XLA_FLAGS', '')!r}.", "unset XLA_FLAGS"
    elif "JAX_PLATFORMS" in variables:
        text, command = f"{text} JAX_PLATFORMS is {variables['JAX_PLATFORMS']!r}.", "unset JAX_PLATFORMS"
    elif found["plugins"]:
        text, command = f"{text} Without its plug-in it can use the CPU.", "export JAX_PLATFORMS=cpu"
    else:
        command = "pip install --force-reinstall jax jaxlib"
    yield Trouble(text, command, stops_training=True)


def _nvidia_without_plugin(found: Examination) -> Iterator[Trouble]:
    """A GPU that JAX cannot use."""
    system = found["system_devices"]
    if not system["nvidia"] or _cuda_plugins(found) or found["devices"]:
        return
    driver = system["nvidia_driver"]
    name = system["nvidia_names"][0] if system["nvidia_names"] else "an NVIDIA GPU"
    have = f"This machine has {name}{f' (driver {driver})' if driver else ''}, but"
    cpu = "networks train on the CPU."
    if found["system"].startswith("Windows"):
        yield Trouble(
            f"{have} JAX uses GPUs on Linux only, WSL 2 included: {cpu} Install justright in WSL 2.",
            "wsl --install",
        )
    elif driver and not system["is_visible"]:
        yield Trouble(
            f"{have} it is not given to this container: {cpu} Start the container with it (docker run --gpus all), and install "
            f"{_extra_for(driver)} there."
        )
    elif not driver:
        yield Trouble(f"{have} no driver for it: {cpu} Install NVIDIA's driver, then justright[cuda].")
    elif _major(driver) < CUDA12_DRIVER:
        yield Trouble(
            f"{have} CUDA 12 needs driver {CUDA12_DRIVER} or newer, CUDA 13 {CUDA13_DRIVER}: {cpu} Update the driver."
        )
    else:
        yield Trouble(f"{have} JAX has no plug-in for it: {cpu}", f"pip install '{_extra_for(driver)}'")


def _plugin_without_device(found: Examination) -> Iterator[Trouble]:
    """A plug-in that JAX cannot use: then it takes the CPU, or fails."""
    fault = found["device_fault"]
    if fault and METAL not in found["plugins"]:
        yield replace(_likely_cause(fault, found), stops_training=bool(found["compute_fault"]))


def _likely_cause(fault: str, found: Examination) -> Trouble:
    """Return why JAX cannot use its plug-in, as far as can be told from outside."""
    system, variables, cuda = found["system_devices"], found["variables"], _cuda_plugins(found)
    complaint = f" It says: {found['complaint'].rstrip('.')}." if found["complaint"] else ""
    text, driver, jaxlib = (
        f"{fault.rstrip('.')}.{complaint}",
        system["nvidia_driver"],
        found["versions"]["jaxlib"],
    )
    other = next(((name, version) for name, version in cuda.items() if version != jaxlib), None)
    if "XLA_FLAGS" in fault:
        return Trouble(text, "unset XLA_FLAGS")
    if "JAX_PLATFORMS" in variables:
        return Trouble(
            f"{text} JAX_PLATFORMS is {variables['JAX_PLATFORMS']!r}, which decides it.",
            "unset JAX_PLATFORMS",
        )
    if cuda and variables.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        hidden = variables["CUDA_VISIBLE_DEVICES"]
        return Trouble(
            f"{text} CUDA_VISIBLE_DEVICES is {hidden!r}, which hides all.", "unset CUDA_VISIBLE_DEVICES"
        )
    if other:
        name, version = other
        return Trouble(
            f"{text} {name} is {version} and jaxlib {jaxlib}: they must be the same.",
            f"pip install jax=={jaxlib} {name}=={jaxlib}",
        )
    if cuda and not system["nvidia"]:
        return Trouble(
            f"{text} The system knows of no NVIDIA GPU: in a container, start it with all of them (docker run --gpus all); "
            "if this machine has none, the plug-in is not needed.",
            f"pip uninstall {' '.join(cuda)}",
        )
    if cuda and not driver:
        return Trouble(f"{text} There is an NVIDIA GPU and no driver for it: install NVIDIA's driver.")
    if cuda and not system["is_visible"]:
        return Trouble(
            f"{text} The GPU is not given to this container: start it with all of them (docker run --gpus all)."
        )
    if "jax-cuda13-plugin" in cuda and _major(driver) < CUDA13_DRIVER:
        return Trouble(
            f"{text} Driver {driver} is too old for CUDA 13, which needs {CUDA13_DRIVER} or newer.",
            "pip uninstall --yes jax-cuda13-plugin jax-cuda13-pjrt && pip install 'justright[cuda12]'",
        )
    if cuda and "LD_LIBRARY_PATH" in variables:
        return Trouble(
            f"{text} LD_LIBRARY_PATH is set, and may lead JAX to other CUDA libraries than its own.",
            "unset LD_LIBRARY_PATH",
        )
    if found["compute_fault"]:
        return Trouble(f"{text} Without its plug-in JAX can use the CPU.", "export JAX_PLATFORMS=cpu")
    return Trouble(f"{text} Networks train on the CPU. All that JAX says:", SEE_ALL)


def _other_accelerators(found: Examination) -> Iterator[Trouble]:
    """AMD's GPUs and Google's TPUs without what JAX needs for them."""
    system, jax = found["system_devices"], found["versions"]["jax"]
    untried = "justright has not been tried on it"
    if system["amd"] and not any("rocm" in name for name in found["plugins"]):
        yield Trouble(
            f"This machine has an AMD GPU, but JAX has no plug-in for it, which needs ROCm 7: networks train on the CPU; {untried}.",
            f"pip install 'jax[rocm7-local]=={jax}'",
        )
    if system["tpu"] and "libtpu" not in found["plugins"]:
        yield Trouble(
            f"This machine has a TPU, but libtpu is not installed: networks train on the CPU; {untried}.",
            f"pip install 'jax[tpu]=={jax}'",
        )
    if found["computes"] not in ("", CPU) and not found["devices"]:
        yield Trouble(
            f"JAX computes on {found['computes']!r} here, which justright does not deal out to its workers: they would share it.",
            "export JAX_PLATFORMS=cpu",
        )


def _room(found: Examination) -> Iterator[Trouble]:
    """Memory and disk."""
    memory, here, cache = found["memory_free_bytes"], found["disks"]["here"], found["disks"]["cache"]
    if memory < WORKER_BYTES:
        yield Trouble(
            f"{gigabytes(memory)} GB of memory are free, and one worker takes {gigabytes(WORKER_BYTES)} GB: end other programs.",
            stops_training=True,
        )
    free = here["free_bytes"]
    if free < LITTLE_DISK_BYTES:
        yield Trouble(
            f"{gigabytes(free)} GB are free on the disk of {here['path']}: free some space, or take another --out.",
            f"du -sh {here['path']}",
            stops_training=free < LEAST_DISK_BYTES,
        )
    if not here["is_writable"]:
        yield Trouble(f"{here['path']} cannot be written to: work in another folder, or give --out.")
    if cache["free_bytes"] < LEAST_DISK_BYTES or not cache["is_writable"]:
        yield Trouble(
            f"Nothing can be kept in {cache['path']}: rows are downloaded, and programs compiled, each time.",
            "export JUSTRIGHT_CACHE=FOLDER",
        )


def _compiled(found: Examination) -> Iterator[Trouble]:
    """The cache of compiled programs, where it is neither used nor switched off."""
    is_off = found["variables"].get(SWITCH, "").strip().lower() in OFF
    if found["cache"]["compiled"] is None and not is_off and found["disks"]["cache"]["is_writable"]:
        place = f"{found['cache']['path']}/compiled"
        yield Trouble(
            f"Compiled programs are not kept: {place} must be yours, and closed to changes by others.",
            f"chmod -R go-w {place}",
        )


def _quota(found: Examination) -> Iterator[Trouble]:
    """A container that shows more processors than it gives."""
    count, quota = found["processors"]["count"], found["processors"]["quota"]
    if quota is not None and round(quota) < count:
        workers = max(1, round(quota))
        yield Trouble(
            f"This container shows {count} processors and may take the time of {quota:g}: more workers would only wait.",
            f"justright run --workers {workers}",
        )


def _ray(found: Examination) -> Iterator[Trouble]:
    """An address of a Ray cluster that does not answer."""
    address = found["variables"].get("RAY_ADDRESS")
    if address and not found["ray"]["answers"]:
        yield Trouble(f"RAY_ADDRESS is {address!r}, where nothing answers.", "unset RAY_ADDRESS")


def _cuda_plugins(found: Examination) -> dict[str, str]:
    return {name: version for name, version in found["plugins"].items() if "cuda" in name}


def _extra_for(driver: str) -> str:
    """Return the extra for an NVIDIA driver.

    Example:
        >>> _extra_for("580.65.06"), _extra_for("550.54.14")
        ('justright[cuda]', 'justright[cuda12]')
    """
    return f"justright[{'cuda' if _major(driver) >= CUDA13_DRIVER else 'cuda12'}]"


def _major(driver: str) -> int:
    major = driver.partition(".")[0]
    return int(major) if major.isdigit() else 0


CHECKS: tuple[Callable[[Examination], Iterator[Trouble]], ...] = (
    _packages,
    _metal,
    _computing,
    _nvidia_without_plugin,
    _plugin_without_device,
    _other_accelerators,
    _room,
    _compiled,
    _quota,
    _ray,
)
