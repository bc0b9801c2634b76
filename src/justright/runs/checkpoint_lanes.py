"""Some lanes of a checkpoint whose lanes were computed together: all its arrays begin with the axis of lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

BY_STACK = "train_seconds"  # one sum for all lanes


def take_lanes(tensors: Mapping[str, npt.NDArray[Any]], places: Sequence[int]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of the lanes in these places.

    Example:
        >>> found = take_lanes({"wait": np.array([3, 4, 5]), "train_seconds": np.array([6.0])}, [0, 2])
        >>> found["wait"].tolist(), found["train_seconds"].tolist()
        ([3, 5], [6.0])
    """
    return {
        name: values if name == BY_STACK else np.take(values, places, axis=0)
        for name, values in tensors.items()
    }
