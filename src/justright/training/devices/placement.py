"""Where a stack's values are: on one device, or sharded over several that compute its program together.

Over several devices every large weight is cut along one axis, and with it all that has its shape: the optimizer's moments,
the best weights and the averages. Everything else, the rows included, is on each of them. The program is written for one
device: XLA's partitioner finds out what each device computes and what they send each other. It takes the sums of cut products
in another order, so curves agree with those of one device as float32 does, not bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from justright.runs.place import CPU
from justright.runs.shards import shard_axis

AXIS = "devices"

Tree = TypeVar("Tree")


class Placement:
    """Where the values of one stack are.

    Args:
        devices: how many train it together: the first of those that JAX sees.
    """

    def __init__(self, devices: int = 1) -> None:
        self._mesh: Mesh | None = None
        if devices > 1:
            seen = jax.devices()
            if len(seen) < devices:
                raise RuntimeError(f"a stack needs {devices} devices; JAX sees {len(seen)}")
            self._mesh = Mesh(np.array(seen[:devices]), (AXIS,), axis_types=(AxisType.Auto,))

    @property
    def is_single(self) -> bool:
        """Whether they are on one device."""
        return self._mesh is None

    def shard(self, tree: Tree, *, outer: int = 0) -> Tree:
        """Return values on the devices, the large ones sharded; `outer` axes, those of lanes, come first and are not cut."""
        return (
            jax.device_put(tree, _shardings(self._mesh, tree, outer)) if self._mesh else jax.device_put(tree)
        )

    def keep(self, tree: Tree, *, outer: int = 0) -> Tree:
        """Return the same values inside of a program, which must leave them as `shard` put them."""
        if not self._mesh:
            return tree
        return jax.lax.with_sharding_constraint(tree, _shardings(self._mesh, tree, outer))

    def copy_to_all(self, tree: Tree) -> Tree:
        """Return values that every device has."""
        return jax.device_put(tree, NamedSharding(self._mesh, PartitionSpec())) if self._mesh else tree

    def sharding(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` of weights, other values and rows, with the first two sharded before it is called."""
        if not self._mesh:
            return function
        return lambda weights, others, rows: function(*self.shard((weights, others)), rows)


def _shardings(mesh: Mesh, tree: Any, outer: int) -> Any:
    """Return how each value of a tree lies on the devices."""

    def sharding_of(value: Any) -> NamedSharding:
        axis = shard_axis(np.shape(value)[outer:], mesh.size)
        names = () if axis is None else (*[None] * (outer + axis), AXIS)
        return NamedSharding(mesh, PartitionSpec(*names))

    return jax.tree.map(sharding_of, tree)


def built_on_host(devices: int) -> AbstractContextManager[Any]:
    """Return a context in which JAX makes the values of a stack over several devices in the host's memory.

    A network that needs several devices fits on none of them. For one device nothing changes.
    """
    return on_host() if devices > 1 else nullcontext()


def on_host() -> AbstractContextManager[Any]:
    """Return a context in which JAX makes new values in the host's memory, if it was not told to leave processors alone."""
    try:
        return jax.default_device(jax.local_devices(backend=CPU)[0])
    except RuntimeError:  # $JAX_PLATFORMS names accelerators only
        return nullcontext()


def beside_devices() -> AbstractContextManager[Any]:
    """Return a context in which JAX makes new values in the host's memory, also where it would take an accelerator's."""
    return nullcontext() if jax.default_backend() == CPU else on_host()
