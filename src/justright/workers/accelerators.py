"""This machine's accelerators: found by a separate process, and dealt out to workers, one device each or several."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from justright.runs.place import CPU, DEVICE_VARIABLE
from justright.study.recipe import DeviceKind

# What JAX itself looks for: without a plugin it can only use the CPU, and no process needs to be asked.
PLUGINS = "jax_plugins"
TPU_LIBRARY = "libtpu"  # JAX finds it by its name, not as a plugin
# The beginnings of the variables that decide which devices JAX sees.
DECISIVE = ("JAX_", "CUDA_", "ROCR_", "HIP_", "TPU_", "XLA_FLAGS")
# The program of the separate process: the file itself, since importing its package may need what this process was told.
PROBE = Path(__file__).parents[1] / "training" / "devices" / "device_trial.py"
ALL = "all"  # JAX's default for the variables that say which devices it sees
TENSORFLOAT32_MAJOR = 8  # Ampere
# What a user sets to leave memory of a device to other programs.
FRACTIONS = ("XLA_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_MEM_FRACTION")
# Of a device's memory, what JAX takes for the first process, and what each further one may take, of which there are two at most.
# The rest is for what the driver keeps for each process.
FIRST_FRACTION, SHARING_FRACTION = 0.75, 0.1
PROBE_SECONDS = 120.0  # as for a worker's start: importing JAX and waking a driver takes 5 to 20 s
END_SECONDS = 5.0  # a process that waits for a broken driver may not even end when it is killed

# What decides which devices JAX sees: variables and their values.
Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Platform:
    """How processes share the devices of one platform.

    Args:
        variable: the environment variable that says which devices a process may see.
        is_shared: whether several processes may use one device.
        groups: how many devices a process may take; empty for any number.
    """

    variable: str
    is_shared: bool = True
    groups: tuple[int, ...] = ()


# Of a platform that is not here, such as Apple's, only the first device is used.
PLATFORMS = {
    "cuda": Platform(DEVICE_VARIABLE),
    "rocm": Platform("JAX_ROCM_VISIBLE_DEVICES"),
    # A TPU's chip belongs to one process, and a process's chips form a rectangle.
    "tpu": Platform("TPU_VISIBLE_CHIPS", is_shared=False, groups=(1, 2, 4, 8)),
}
TPU_BOUNDS = {1: "1,1,1", 2: "1,2,1", 4: "2,2,1", 8: "2,4,1"}


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

    @property
    def groups(self) -> tuple[int, ...]:
        """How many devices may train one stack together, rising."""
        if self.platform not in PLATFORMS:
            return (1,)
        allowed = PLATFORMS[self.platform].groups or range(1, self.count + 1)
        return tuple(size for size in allowed if size <= self.count)

    def most_workers(self, devices: int) -> int | None:
        """Return how many workers may train at once, each on so many devices; None for any number."""
        is_shared = self.platform not in PLATFORMS or PLATFORMS[self.platform].is_shared
        return None if is_shared and devices == 1 else self.count // devices

    def layouts(self, workers: int, per_run: int | None = None) -> dict[int, int]:
        """Return devices of a stack -> the most of `workers` that have so many, in the order in which plans try them.

        Args:
            workers: how many at most.
            per_run: how many devices a stack is to have; None for one, or as many as the largest network needs.

        Example:
            >>> Accelerators("cuda", 4, None).layouts(4), Accelerators("cuda", 4, None).layouts(4, per_run=2)
            ({1: 4, 2: 2, 4: 1}, {2: 2})
        """
        sizes = [size for size in self.groups if size.bit_count() == 1]  # 1, 2, 4, ...
        return {
            size: min(workers, self.most_workers(size) or workers)
            for size in ([per_run] if per_run else sizes)
        }

    def variables(self, number: int, workers: int, devices: int = 1) -> dict[str, str]:
        """Return the environment variables that let worker `number` of `workers` see its devices, shared if there are few."""
        platform = PLATFORMS.get(self.platform)
        if platform is None:
            return {}
        own = os.environ.get(platform.variable, ALL)
        seen = [str(one) for one in range(self.count)] if own == ALL else own.split(",")
        first = number * devices % self.count
        chosen = ",".join(seen[first : first + devices])
        # The first says where a run trained, whatever the platform.
        variables = {DEVICE_VARIABLE: chosen, platform.variable: chosen}
        if self.platform == "tpu":
            variables |= {"TPU_PROCESS_BOUNDS": "1,1,1", "TPU_CHIPS_PER_PROCESS_BOUNDS": TPU_BOUNDS[devices]}
        if workers * devices > self.count:
            # Otherwise the first process would take three quarters of the device's memory at once.
            variables["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
        return variables

    @property
    def sharing_bytes(self) -> int | None:
        """How much of the device's memory a further process may take, where one has been started as if it were the only one.

        None if it may take none: the device belongs to one process, nobody knows how much there is, or the user has said what may be
        taken.
        """
        is_free = self.memory_bytes is not None and not any(os.environ.get(name) for name in FRACTIONS)
        if self.memory_bytes is None or not is_free or self.most_workers(1) is not None:
            return None
        return int(SHARING_FRACTION * self.memory_bytes)

    def sharing_variables(self) -> dict[str, str]:
        """Return the environment variables of such a process: it takes memory as it needs it, and no more than that."""
        return {FRACTIONS[0]: str(SHARING_FRACTION), "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}

    def memory_share(self, workers: int, devices: int = 1) -> int | None:
        """Return how much of the memory of each of its devices every one of `workers` may take."""
        if self.memory_bytes is None:
            return None
        return self.memory_bytes // -(-workers * devices // self.count)


def may_have_accelerators() -> bool:
    """Return whether a plugin for JAX is installed; without one it computes on the CPU."""
    return bool(entry_points(group=PLUGINS) or find_spec(PLUGINS) or find_spec(TPU_LIBRARY))


def find_accelerators() -> Accelerators | None:
    """Return the accelerators that JAX would use here; None where it would use the CPU.

    If a plugin for JAX is installed, it is asked once, by a worker that starts early or by a separate process: the coordinator
    does not import JAX, and must not hold memory of a device. If a driver fails, or JAX lacks there what training needs, the CPU is used; `accelerator_fault` says why.
    """
    found = _answer() if may_have_accelerators() else None
    if not isinstance(found, Accelerators) or found.platform == CPU:
        return None
    return found if found.platform in PLATFORMS else replace(found, count=1)


def without_accelerators() -> dict[str, str]:
    """Return the environment variables of a worker that is to train on the CPU: its JAX must not wake a driver that fails."""
    return {"JAX_PLATFORMS": CPU} if may_have_accelerators() else {}


def accelerator_fault() -> str | None:
    """Return why no accelerator is used although a plugin for one is installed.

    None if one is used, there is no plugin, or the user told JAX to take the CPU.
    """
    if not may_have_accelerators() or os.environ.get("JAX_PLATFORMS") == CPU:
        return None
    found = _answer()
    if isinstance(found, str):
        return found
    return "JAX found no device for its plugin, and takes the CPU" if found.platform == CPU else None


def ask_ahead() -> None:
    """Let the process that asks start now, if there is anything to ask, so that its answer is there when it is needed."""
    if may_have_accelerators():
        _asked(_key())


def expect_answer(hear: Callable[[], Accelerators | str | None]) -> None:
    """Let `hear` be asked for the devices first: a worker that has woken them. None leaves it to a separate process."""
    _expected[_key()] = hear


def no_answer() -> str:
    """Return the sentence about devices that nobody hears of."""
    return f"JAX did not answer within {PROBE_SECONDS:.0f} seconds when it was asked for its devices"


def _answer() -> Accelerators | str:
    """Return what the devices are, or one sentence on why nobody knows."""
    return _heard(_key())


def _key() -> Key:
    """Return the variables that decide which devices JAX sees."""
    return tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith(DECISIVE)))


_expected: dict[Key, Callable[[], Accelerators | str | None]] = {}


@cache
def _asked(key: Key) -> subprocess.Popen[str]:
    """Return the process that was started to answer in the environment that has this key."""
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "2"}
    return subprocess.Popen(  # noqa: S603  # this interpreter, and a file of ours
        [sys.executable, "-P", str(PROBE)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@cache
def _heard(key: Key) -> Accelerators | str:
    """Return what the worker or the process answered, or one sentence on why it did not."""
    hear = _expected.pop(key, None)
    if hear is not None and (answer := hear()) is not None:
        return answer
    process = _asked(key)
    try:
        said, complaints = process.communicate(timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=END_SECONDS)
        return no_answer()
    try:
        return Accelerators(**json.loads(said.strip().splitlines()[-1]))
    except (IndexError, TypeError, json.JSONDecodeError):
        last = complaints.strip().splitlines()[-1:] or [f"its process ended with code {process.returncode}"]
        return f"JAX cannot use its devices: {last[0]}"
