"""Which devices JAX computes on here, and whether they can do what training needs.

A worker asks it while it starts; where none has, the file is a program of its own, which prints its answer as JSON.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

TRIAL_SUM = 32.0


def describe_devices() -> dict[str, Any]:
    """Return what `Accelerators` takes: platform, count, memory_bytes, name and capability.

    The driver is woken, and one program is compiled and run, with what training needs: products and their gradients in a
    loop, random bits, and pairs sorted by them.

    Raises:
        RuntimeError: a device gives wrong results; others of JAX's own where an operation is not known there.
    """
    devices = jax.local_devices()
    first = devices[0]
    limits: list[Any] = [(device.memory_stats() or {}).get("bytes_limit") for device in devices]
    version = str(getattr(first.client, "platform_version", "")).lower()
    platform = first.platform.lower()
    if platform == "gpu":
        platform = "rocm" if "rocm" in version else "cuda"
    total, keys, places = jax.device_get(jax.jit(_trial)(np.full((8, 8), 2.0, np.float32)))
    if float(total) != TRIAL_SUM:
        raise RuntimeError(f"a matrix product is wrong: {float(total)} instead of {TRIAL_SUM}")
    if keys.tolist() != sorted(keys.tolist()) or sorted(places.tolist()) != list(range(64)):
        raise RuntimeError("it sorts wrongly")
    # A process takes whole chips of a TPU; the older ones have two devices each.
    chips = len({tuple(device.coords) for device in devices}) if platform == "tpu" else len(devices)
    return {
        "platform": platform,
        "count": chips,
        "memory_bytes": min(limits) if all(limits) else None,
        "name": str(first.device_kind),
        "capability": str(getattr(first, "compute_capability", "") or ""),
    }


def _trial(x: Any) -> Any:
    def step(x: Any, _: Any) -> Any:
        return x - 0.25 * jax.grad(lambda x: ((x @ jnp.eye(8)) ** 2).sum())(x), None

    bits = jax.random.bits(jax.random.key(0), (64,), jnp.uint32)
    keys, places = lax.sort((bits, lax.iota(jnp.int32, 64)), num_keys=1, is_stable=True)
    return lax.scan(step, x, None, length=2)[0].sum(), keys, places


if __name__ == "__main__":
    import json
    import sys

    sys.stdout.write(json.dumps(describe_devices()))
