"""This machine's accelerators: found by a separate process, and assigned to workers, one device each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec

from justright.runs.place import CPU, DEVICE_VARIABLE
from justright.study.recipe import DeviceKind

# What JAX itself looks for: without a plugin it can only use the CPU, and no process needs to be asked.
PLUGINS = "jax_plugins"
# The beginnings of the variables that decide which devices JAX sees.
DECISIVE = ("JAX_", "CUDA_", "ROCR_", "HIP_", "TPU_", "XLA_FLAGS")
PROBE = """
import json, jax, jax.numpy as jnp
devices = jax.local_devices()
first = devices[0]
limits = [(device.memory_stats() or {}).get("bytes_limit") for device in devices]
version = str(getattr(first.client, "platform_version", "")).lower()
platform = first.platform.lower()
if platform == "gpu":
    platform = "rocm" if "rocm" in version else "cuda"
product = jax.jit(lambda x: jnp.sort(x @ x, axis=0).sum())(jnp.full((8, 8), 0.5))
if float(product) != 128.0:
    raise RuntimeError(f"a matrix product is wrong: {float(product)} instead of 128.0")
print(json.dumps({
    "platform": platform, "count": len(devices), "memory_bytes": min(limits) if all(limits) else None,
    "name": str(first.device_kind), "capability": str(getattr(first, "compute_capability", "") or ""),
}))
"""
TENSORFLOAT32_MAJOR = 8  # Ampere
PROBE_SECONDS = 120.0  # as for a worker's start: importing JAX and waking a driver takes 5 to 20 s


@dataclass(frozen=True, slots=True)
class Accelerators:
    """The devices that JAX uses by default on this machine.

    Args:
        platform: 'cuda', 'rocm', 'tpu', 'metal' or another word of JAX's.
        count: how many.
        memory_bytes: what a process may take of the smallest device; None if JAX does not say.
        name: of the first, such as 'NVIDIA H100 80GB HBM3'.
        capability: NVIDIA's compute capability of the first, such as '9.0'; empty for others.
    """

    platform: str
    count: int
    memory_bytes: int | None
    name: str = ""
    capability: str = ""

    @property
    def kind(self) -> DeviceKind:
        """What decides how a recipe is computed there."""
        major = self.capability.partition(".")[0]
        has_products = self.platform == "cuda" and major.isdigit() and int(major) >= TENSORFLOAT32_MAJOR
        return DeviceKind(self.platform, has_tensorfloat32=has_products)

    def __str__(self) -> str:
        name = self.name or self.platform
        return name if self.count == 1 else f"{self.count} x {name}"

    def variables(self, number: int, workers: int) -> dict[str, str]:
        """Return the environment variables that let worker `number` of `workers` see one device, shared if there are few."""
        device = str(number % self.count)
        variables = {DEVICE_VARIABLE: device, "JAX_ROCM_VISIBLE_DEVICES": device}
        if workers > self.count:  # the first process would take three quarters of the device's memory at once
            variables["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        return variables

    def memory_share(self, workers: int) -> int | None:
        """Return how much of its device's memory each of `workers` may take."""
        if self.memory_bytes is None:
            return None
        return self.memory_bytes // -(-workers // self.count)


def may_have_accelerators() -> bool:
    """Return whether a plugin for JAX is installed; without one it computes on the CPU."""
    return bool(entry_points(group=PLUGINS) or find_spec(PLUGINS))


def find_accelerators() -> Accelerators | None:
    """Return the accelerators that JAX would use here; None where it would use the CPU.

    If a plugin for JAX is installed, a separate process asks it once: the coordinator does not import JAX, and must not hold
    memory of a device. If a driver fails, the CPU is used, as JAX itself does; `accelerator_fault` says why.
    """
    found = _answer() if may_have_accelerators() else None
    return found if isinstance(found, Accelerators) and found.platform != CPU else None


def accelerator_fault() -> str | None:
    """Return why no accelerator is used although a plugin for one is installed; None if one is used or there is no plugin."""
    if not may_have_accelerators():
        return None
    found = _answer()
    if isinstance(found, str):
        return found
    return "JAX found no device for its plugin, and takes the CPU" if found.platform == CPU else None


def ask_ahead() -> None:
    """Let the process that asks start now, if there is anything to ask, so that its answer is there when it is needed."""
    if may_have_accelerators():
        _asked(_key())


def _answer() -> Accelerators | str:
    """Return what the devices are, or one sentence on why nobody knows."""
    return _heard(_key())


def _key() -> tuple[tuple[str, str], ...]:
    """Return the variables that decide which devices JAX sees."""
    return tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith(DECISIVE)))


@cache
def _asked(key: tuple[tuple[str, str], ...]) -> subprocess.Popen[str]:  # another answer for others
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "2"}
    return subprocess.Popen(  # noqa: S603  # this interpreter, and a program written above
        [sys.executable, "-c", PROBE],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@cache
def _heard(key: tuple[tuple[str, str], ...]) -> Accelerators | str:
    process = _asked(key)
    try:
        said, complaints = process.communicate(timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"JAX did not answer within {PROBE_SECONDS:.0f} seconds when it was asked for its devices"
    try:
        return Accelerators(**json.loads(said.strip().splitlines()[-1]))
    except (IndexError, TypeError, json.JSONDecodeError):
        last = complaints.strip().splitlines()[-1:] or [f"its process ended with code {process.returncode}"]
        return f"JAX cannot use its devices: {last[0]}"
