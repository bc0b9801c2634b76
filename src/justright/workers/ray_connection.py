"""Joining a Ray cluster, or starting one on this machine, without output or side effects on this process."""

from __future__ import annotations

import logging
import os
import signal
from typing import Any

from justright.errors import InputError
from justright.workers.interrupts import kept_handlers
from justright.workers.memory import FreeMemory

# Read by Ray when it is started: nothing is sent anywhere, and no warning about a change of how it hides GPUs.
RAY_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}

# Ray gives its own agent a fixed 15 seconds to start, and raises a bare Exception if that is too short (ray issue 65983);
# at the next attempt its files are in memory.
START_TRIES = 3


def import_ray() -> Any:
    """Return the package ray, imported now.

    Raises:
        InputError: it is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "`engine` 'ray' needs the package ray; it is not installed. "
            "Install it with pip install 'justright[ray]', or take engine 'local'."
        ) from error
    return ray


def connect(ray: Any, address: str | None, *, cores: int) -> None:
    """Join the cluster whose head is at `address`; without an address, start Ray here with `cores` processors to offer.

    Raises:
        InputError: nothing answers at the address, or Ray does not start here.
    """
    os.environ.update(RAY_SETTINGS)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    with kept_handlers(signal.SIGTERM):  # `ray.init` puts its own in place
        if address is None:
            _start_here(ray, num_cpus=cores, include_dashboard=False, **quiet)
            return
        if "://" in address:  # Ray's client protocol cannot stream what actors say
            raise InputError(
                f"`ray_address` must be 'auto' or HOST:PORT of a Ray cluster; got {address!r}. "
                "Run this on a node of the cluster, or send it there with `ray job submit`."
            )
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(
                f"`ray_address` must be that of a running Ray cluster; nothing answers at {address!r}. "
                "Start one with `ray start --head`, or leave the address out to start Ray on this machine."
            ) from error


def free_memory(ray: Any) -> FreeMemory | None:
    """Return the memory that Ray has available on each node of the cluster; None if its nodes offer none.

    Ray counts the memory that actors requested, not what they use. Unless its owner said otherwise, other programs keep
    what they used when a node was started.
    """
    # Ray's own call for developers; the public ones give sums over all nodes, but an actor runs on one.
    nodes = ray._private.state.available_resources_per_node()
    machines = tuple(int(node["memory"]) for node in nodes.values() if node.get("memory", 0) >= 1)
    return FreeMemory(machines, is_reserved=True) if machines else None


def _start_here(ray: Any, **options: Any) -> None:
    """Start Ray on this machine; on a busy one this may take several attempts."""
    for tries_left in reversed(range(START_TRIES)):
        try:
            ray.init(address="local", **options)
            return
        except Exception as error:
            ray.shutdown()
            if not tries_left:
                raise InputError(
                    f"Ray must start on this machine for `engine` 'ray'; it did not ({error}). "
                    "Try again when the machine is less busy, or take engine 'local'."
                ) from error
