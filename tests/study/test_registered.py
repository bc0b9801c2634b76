"""What `__main__` registered with Keras is found, and registered again elsewhere."""

from __future__ import annotations

import sys
import threading

import keras
import pytest

from justright.study.registered import register_objects, registered_objects, unregistered_classes


def of_main(**names: object) -> type:
    """Return a layer class of a cell."""
    return type("Gate", (keras.layers.Layer,), {"__module__": "__main__", **names})


def test_only_what_main_registered_is_sent(keras_objects) -> None:
    """Classes of modules are imported where they are needed."""
    gate = of_main()
    keras.saving.register_keras_serializable("nb")(gate)
    keras_objects["of a module"] = type("Other", (keras.layers.Layer,), {"__module__": "package"})
    assert registered_objects() == {"nb>Gate": gate}


def test_classes_that_main_defines_without_registering_them_are_sent_as_well(
    keras_objects, monkeypatch
) -> None:
    """By the name under which Keras saves them; a function, a class of a module and an instance are no such thing."""
    main = sys.modules["__main__"]
    gate, penalty = of_main(), type("Penalty", (keras.regularizers.Regularizer,), {"__module__": "__main__"})
    for name, value in {
        "Gate": gate,
        "Penalty": penalty,
        "Alias": gate,
        "Dense": keras.layers.Dense,
        "Plain": type("Plain", (), {"__module__": "__main__"}),
        "layer": keras.layers.Dense(1),
    }.items():
        monkeypatch.setattr(main, name, value, raising=False)
    assert unregistered_classes() == {"Gate": gate, "Penalty": penalty}
    keras.saving.register_keras_serializable("nb")(gate)
    assert registered_objects() == {"nb>Gate": gate, "Penalty": penalty}


def test_what_cannot_be_sent_is_left_out(keras_objects) -> None:
    """A lock belongs to its process; a study that does not use the layer still trains."""
    keras_objects["nb>Gate"] = of_main(lock=threading.Lock())
    assert registered_objects() == {}


@pytest.mark.parametrize("name", ["nb>Gate", "a>b>Gate", "Gate"])
def test_objects_are_registered_under_the_names_they_had(keras_objects, name) -> None:
    """Whoever gave them: the decorator, or a hand in Keras' dictionary."""
    gate = of_main()
    register_objects({name: gate})
    assert keras_objects[name] is gate
    assert keras.saving.get_registered_name(gate) == name
