"""Lets JAX in a worker take as long as on a GPU: Python imports this by its name where the folder is on its path.

PLAYED_COSTS is the seconds that waking the driver takes, a comma, and the least that compiling a training program takes.
Small programs take a twentieth of that, those that measure a fifth; sixteen compile at a time. The device is described as an H100.
"""

from __future__ import annotations

import os
import sys
import time
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from threading import Lock

COSTS = [float(one) for one in os.environ.get("PLAYED_COSTS", "0,0").split(",")]
SHARES = {"chunk": 1.0, "measure": 0.2}
OTHERS = 0.05
PROCESSORS = 16


def slow_driver(module):
    inner, lock, awake = module.backends, Lock(), []

    def backends():
        with lock:
            if not awake and os.environ.get("JAX_PLATFORMS") != "cpu":
                time.sleep(COSTS[0])
            awake.append(True)
        return inner()

    module.backends = backends


def slow_compiler(module):
    inner = module.backend_compile_and_load

    def compile_and_load(backend, program, *given, **options):
        import jax

        began = time.monotonic()
        made = inner(backend, program, *given, **options)
        is_on_host = jax.config.jax_default_device is not None or os.environ.get("JAX_PLATFORMS") == "cpu"
        name = str(program.operation.attributes["sym_name"])
        share = next((share for word, share in SHARES.items() if word in name), OTHERS)
        if not is_on_host:
            time.sleep(max(0.0, share * COSTS[1] - (time.monotonic() - began)))
        return made

    module.backend_compile_and_load = compile_and_load


def played_device(module):
    inner = module.describe_devices
    played = {"platform": "cuda", "name": "NVIDIA H100 80GB HBM3", "capability": "9.0"}
    module.describe_devices = lambda: inner() | played


def sixteen_processors(module):
    module.available_cores = lambda: range(PROCESSORS)  # for the threads that compile


CHANGES = {
    "justright.training.ahead.preparation": sixteen_processors,
    "jax._src.xla_bridge": slow_driver,
    "jax._src.compiler": slow_compiler,
    "justright.training.devices.device_trial": played_device,
}


class Finder(MetaPathFinder):
    """Changes modules when they have been imported."""

    def find_spec(self, name, path, target=None):
        change = CHANGES.get(name)
        if change is None:
            return None
        del CHANGES[name]
        spec = find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_change(module):
            execute(module)
            change(module)

        spec.loader.exec_module = execute_and_change
        return spec


if any(COSTS):
    sys.meta_path.insert(0, Finder())
