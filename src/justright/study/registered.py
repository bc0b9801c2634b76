"""Classes and functions that a notebook's cell or a script registered with Keras: workers do not run it, so they are sent along."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

MAIN = "__main__"  # the module of cells and scripts, which no other process can import


def registered_objects() -> dict[str, Any]:
    """Return what `__main__` registered with Keras in this process, by registered name; empty where Keras was not imported.

    What cannot be sent is left out: a study may not need it, and one that does says so when it is sent.
    """
    keras = sys.modules.get("keras")
    if keras is None:
        return {}
    known: dict[str, Any] = keras.saving.get_custom_objects()
    return {
        name: value
        for name, value in known.items()
        if getattr(value, "__module__", None) == MAIN and _can_be_sent(value)
    }


def register_objects(objects: Mapping[str, Any]) -> None:
    """Register them with the Keras of this process under the same names, so that models are saved and read with these."""
    if not objects:
        return
    import keras

    for registered_name, value in objects.items():
        package, mark, name = registered_name.rpartition(">")
        if mark:
            keras.saving.register_keras_serializable(package, name)(value)
        else:  # set in Keras' dictionary by hand
            keras.saving.get_custom_objects()[name] = value


def _can_be_sent(value: object) -> bool:
    import cloudpickle

    try:
        cloudpickle.dumps(value)
    except Exception:  # noqa: BLE001  # whatever a user's class refers to may raise anything
        return False
    return True
