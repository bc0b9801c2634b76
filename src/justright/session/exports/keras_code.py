"""Python code that makes an object of Keras again from what Keras says of it."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

# The end of a name that Keras numbers: 'dense_1'.
NUMBER = re.compile(r"_\d+$")
# Layers that are found by their name once they are made.
NAMED = ("Normalization",)


def code_of(value: object) -> str:
    """Return an expression for an object of Keras, as `keras.saving.serialize_keras_object` describes it, or a plain value.

    Options at their defaults are left out.

    Example:
        >>> code_of({"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.001}})
        'keras.regularizers.L2(l2=0.001)'
        >>> code_of([1, "elu", None])
        "[1, 'elu', None]"
    """
    if isinstance(value, Mapping) and "class_name" in value:
        options = ", ".join(f"{name}={code_of(given)}" for name, given in _options(value).items())
        return f"{value['module']}.{value['class_name']}({options})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {code_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(code_of, value)) + "]"
    return repr(value)


def _options(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of an object that differ from what its class takes by default."""
    kind = getattr(importlib.import_module(described["module"]), described["class_name"])
    given: dict[str, Any] = described["config"]
    parameters = inspect.signature(kind).parameters.values()
    required = [one.name for one in parameters if one.default is one.empty and one.name in given]
    standard = kind(**{name: _object(given[name]) for name in required}).get_config()
    is_named = described["class_name"] in NAMED
    return {
        name: value
        for name, value in given.items()
        if name in required
        or (name == "name" and is_named)
        or _unnumbered(name, value) != _unnumbered(name, standard.get(name, ...))
    }


def _object(value: Any) -> Any:  # noqa: ANN401  # plain values, or an object of Keras
    """Return what an option stands for: a wrapped layer, for instance."""
    import keras

    is_described = isinstance(value, Mapping) and "class_name" in value
    return keras.saving.deserialize_keras_object(dict(value)) if is_described else value


def _unnumbered(name: str, value: object) -> object:
    """Return the value of an option; a name without the number that Keras gave it."""
    return NUMBER.sub("", value) if name == "name" and isinstance(value, str) else value
