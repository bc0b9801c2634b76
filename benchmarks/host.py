"""The machine that a benchmark runs on, and what makes its process like a worker of the engine."""

from __future__ import annotations

import os
from pathlib import Path


def describe_machine() -> dict[str, object]:
    """Return the processor's name, how many of them this process may use, and how busy they are."""
    from justright.runs.place import available_cores
    from justright.workers.machine import processor_name

    return {"processor": processor_name(), "cores": len(available_cores()), "load_before": os.getloadavg()[0]}


def use_one_thread(compiled: Path | None = None) -> None:
    """Make this process what the engine's workers are: JAX below Keras, one thread, the same compiler flags.

    What XLA compiles is kept in folder `compiled` for the next process.
    """
    from justright.workers.processes import worker_variables

    os.environ.update(worker_variables(1))
    if compiled:
        os.environ.update(cache_variables(compiled))


def cache_variables(folder: Path) -> dict[str, str]:
    """Return the environment in which JAX keeps every compiled program in a folder."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
