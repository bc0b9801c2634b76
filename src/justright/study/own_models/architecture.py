"""Whether two of Keras' descriptions are of one network: names that Keras numbers, and seeds, make no difference."""

from __future__ import annotations

import json
from typing import Any

from justright.study.keras_descriptions import described_objects

POLICY = "DTypePolicy"  # its name says how numbers are stored
SEED = "seed"


def is_same_network(one: str, other: str) -> bool:
    """Return whether two `keras.Model.to_json()` texts describe the same network.

    A second model that is built in a process has layers `dense_2`, `dense_3` where the first has `dense`, `dense_1`.

    Example:
        >>> first, second = (
        ...     json.dumps({"class_name": "Dense", "config": {"name": name, "units": 4}})
        ...     for name in ("dense", "dense_1")
        ... )
        >>> is_same_network(first, second), is_same_network(first, second.replace("4", "8"))
        (True, False)
    """
    return one == other or _plain(one) == _plain(other)


def _plain(text: str) -> Any:
    """Return a description in which layers are numbered in their order; the text itself if it is none."""
    try:
        described = json.loads(text)
    except ValueError:
        return text
    names: dict[str, str] = {}
    for one in described_objects(described):
        config = one.get("config")
        name = config.get("name") if isinstance(config, dict) and one["class_name"] != POLICY else None
        if isinstance(name, str):
            names.setdefault(name, f"layer {len(names)}")
    return _renamed(described, names)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(item, names) for key, item in value.items() if key != SEED}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value
