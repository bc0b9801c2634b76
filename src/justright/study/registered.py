"""Classes and functions of a notebook's cells or a script that Keras must know: workers do not run it, so they are sent along."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any

MAIN = "__main__"  # the module of cells and scripts, which no other process can import


def registered_objects() -> dict[str, Any]:
    """Return what Keras must know of `__main__` by registered name; empty where Keras was not imported.

    Classes that were not registered go by their own names, as Keras saves them. What cannot be sent is left out: a study may not need it, and one that does says so when it is sent.
    """
    keras = sys.modules.get("keras")
    if keras is None:
        return {}
    known: dict[str, Any] = keras.saving.get_custom_objects()
    registered = {name: value for name, value in known.items() if getattr(value, "__module__", None) == MAIN}
    return {
        name: value for name, value in (unregistered_classes() | registered).items() if _can_be_sent(value)
    }


def unregistered_classes() -> dict[str, type]:
    """Return the layers, losses and so on that `__main__` defines and did not register with Keras, by their names.

    Keras itself would import them by the name of their module; to us a file's word is no reason to import anything, and no
    other process has this `__main__`.
    """
    keras = sys.modules.get("keras")
    if keras is None:
        return {}
    kinds = (
        keras.Layer,
        keras.losses.Loss,
        keras.metrics.Metric,
        keras.regularizers.Regularizer,
        keras.initializers.Initializer,
        keras.constraints.Constraint,
    )
    registered = {id(value) for value in keras.saving.get_custom_objects().values()}
    return {
        name: value
        for name, value in vars(sys.modules[MAIN]).items()
        if isinstance(value, type)
        and issubclass(value, kinds)
        and (value.__module__, value.__name__) == (MAIN, name)
        and id(value) not in registered
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


def revival_fault(error: Exception) -> str:
    """Return what Keras says where the class of a model does not take what Keras noted about it; empty for other errors."""
    found = re.search(r"Error encountered during deserialization: (.+)", str(error))
    return found[1] if found else ""


def _can_be_sent(value: object) -> bool:
    import cloudpickle

    try:
        cloudpickle.dumps(value)
    except Exception:  # noqa: BLE001  # whatever a user's class refers to may raise anything
        return False
    return True
