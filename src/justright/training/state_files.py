"""A stack's device state as named arrays, and back."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from justright.training.lanes import Lane
from justright.training.settled_memory import TENSORS as SETTLING_TENSORS

LISTS = (
    "weights",
    "others",
    "optimizer",
    "best_weights",
    "best_others",
    "average_weights",
    "average_others",
)  # fields of Lane that hold many arrays

# What the host keeps beside the lanes.
HOST_TENSORS = ("best_metrics", "last_metrics", "train_seconds", *SETTLING_TENSORS)


def flatten_lanes(lanes: Lane) -> dict[str, npt.NDArray[Any]]:
    """Return the state as named arrays; lists become name/0000, name/0001, ..."""
    tensors: dict[str, npt.NDArray[Any]] = {}
    for name, value in lanes._asdict().items():
        parts = (
            {f"{name}/{index:04d}": item for index, item in enumerate(value)}
            if name in LISTS
            else {name: value}
        )
        tensors |= {key: np.asarray(item) for key, item in parts.items()}
    return tensors


def without_optimizer(tensors: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return named arrays without the optimizer's: all that runs that train no more need, in half the space."""
    return {name: values for name, values in tensors.items() if not name.startswith("optimizer/")}


def unflatten_lanes(tensors: dict[str, npt.NDArray[Any]]) -> Lane:
    """Return the state that `flatten_lanes` named."""
    values: dict[str, Any] = {name: [] for name in LISTS}
    for key in sorted(tensors):
        name, _, index = key.partition("/")
        if index:
            values[name].append(jnp.asarray(tensors[key]))
        else:
            values[name] = jnp.asarray(tensors[key])
    return Lane(**values)
