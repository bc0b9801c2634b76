"""A model's architecture as Keras describes it, and whether two descriptions are of one network."""

from __future__ import annotations

import json
from typing import Any

from justright.study.keras_descriptions import described_objects

POLICY = "DTypePolicy"  # its name says how numbers are stored
SEED = "seed"


def architecture_of(model: Any) -> str:
    """Return Keras' description of a model, `keras.Model.to_json()`, without how it was compiled.

    Raises:
        NotImplementedError, TypeError, ValueError: Keras cannot describe it.
    """
    described = json.loads(model.to_json())
    described.pop("compile_config", None)
    return json.dumps(described)


def is_same_network(one: str, other: str) -> bool:
    """Return whether two descriptions are of the same network: names that Keras numbers, and seeds, make no difference.

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
