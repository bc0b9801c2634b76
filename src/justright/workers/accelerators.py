"""This machine's accelerators: found by a separate process, and assigned to workers, one device each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec

from justright.runs.place import CPU, DEVICE_VARIABLE

# What JAX itself looks for: without a plugin it can only use the CPU, and no process needs to be asked.
PLUGINS = "jax_plugins"
PROBE = """
import json, jax
devices = jax.local_devices()
limits = [(device.memory_stats() or {}).get("bytes_limit") for device in devices]
print(json.dumps({"platform": devices[0].platform, "count": len(devices), "memory_bytes": min(limits) if all(limits) else None}))
"""
PROBE_SECONDS = 120.0  # as for a worker's start: importing JAX and waking a driver takes 5 to 20 s


@dataclass(frozen=True, slots=True)
class Accelerators:
    """The devices that JAX uses by default on this machine.

    Args:
        platform: JAX's word for their kind, for instance 'gpu'.
        count: how many.
        memory_bytes: what a process may take of the smallest device; None if JAX does not say.
    """

    platform: str
    count: int
    memory_bytes: int | None

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

    If a plugin for JAX is installed, a separate process asks it: the coordinator does not import JAX, and must not hold
    memory of a device. If a driver fails, the CPU is used, as JAX itself does.
    """
    if not may_have_accelerators():
        return None
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        done = subprocess.run(  # noqa: S603  # this interpreter, and a program written above
            [sys.executable, "-c", PROBE],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=True,
        )
        found = Accelerators(**json.loads(done.stdout.strip().splitlines()[-1]))
    except (subprocess.SubprocessError, IndexError, TypeError, json.JSONDecodeError):
        return None
    return None if found.platform == CPU else found
