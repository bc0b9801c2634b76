"""Layers and functions that a notebook's cell registers with Keras: trained, saved under their names, and loaded again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from tests.keras_objects import own_keras_objects
from tests.refusals import refusal

import justright as jr

# What a cell or a script runs: its classes belong to `__main__`, which no other process can import.
CELL = '''
import keras


@keras.saving.register_keras_serializable("nb")
class Gate(keras.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        return x * keras.ops.sigmoid(self.scale)


@keras.saving.register_keras_serializable("nb")
def bent(x):
    return keras.ops.tanh(x) / 2


class Doubled(keras.layers.Layer):
    """Not registered."""

    def call(self, x):
        return 2 * x


def gated():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, bent), Gate(), keras.layers.Dense(1)])


class Network:
    def __new__(cls):
        return gated()


variants = {
    "class": Network,
    "model": gated(),
    "unregistered": lambda: keras.Sequential([keras.Input((3,)), Doubled(), keras.layers.Dense(1)]),
}
'''


@dataclass
class Notebook:
    """A notebook after its study: what its cells defined, the study's result, and its features."""

    names: dict[str, Any]
    result: jr.Result
    features: np.ndarray


@pytest.fixture(scope="module")
def notebook(tmp_path_factory) -> Iterator[Notebook]:
    """Two epochs of each kind of builder."""
    names: dict[str, Any] = {"__name__": "__main__"}
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3)).astype(np.float32)
    split = jr.read_table((x, (x[:, 0] > 0).astype(np.float32))).split(validation=40, train=100, test=60)
    recipe = jr.Recipe(batch_size=50, max_epochs=2, patience=None)
    with own_keras_objects():
        exec(CELL, names)  # as a notebook runs its cells
        study = jr.Study(split, names["variants"], recipe=recipe, reference=False)
        yield Notebook(names, study.run(tmp_path_factory.mktemp("notebook") / "study", workers=1), x)


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """Another process, in which the notebook's cells have not run."""
    known = keras.saving.get_custom_objects()
    before = dict(known)
    for name in ("nb>Gate", "nb>bent"):
        del known[name]
    yield
    known.update(before)


def saved_model(notebook, variant) -> Any:
    """Return the saved model of a variant."""
    return next(model for model in notebook.result.models if model.variant == variant)


@pytest.mark.parametrize("variant", ["class", "model"])
def test_registered_layers_of_a_cell_load_again(notebook, variant) -> None:
    """Whatever built the network: Keras reads the file with the notebook's own classes."""
    saved = saved_model(notebook, variant)
    kinds = [type(layer) for layer in saved.load().layers]
    assert notebook.names["Gate"] in kinds
    with zipfile.ZipFile(saved.path) as archive:
        text = json.dumps(json.loads(archive.read("config.json")))
    assert '"registered_name": "nb>Gate"' in text
    assert saved.predict(notebook.features).height == 200


def test_a_registered_function_keeps_its_name(notebook) -> None:
    """The activation is the cell's own function."""
    dense = saved_model(notebook, "class").load().layers[0]
    assert dense.activation is notebook.names["bent"]


def test_a_layer_that_is_not_registered_loads_with_custom_objects(notebook) -> None:
    """By its class's name, in every call that loads a model."""
    saved, own = saved_model(notebook, "unregistered"), {"Doubled": notebook.names["Doubled"]}
    assert isinstance(saved.load(custom_objects=own).layers[0], notebook.names["Doubled"])
    expected = saved.predict(notebook.features, custom_objects=own)
    assert expected.height == 200
    result = jr.open_result(notebook.result.folder)
    assert result.predict(notebook.features, variant="unregistered", custom_objects=own).equals(expected)
    assert jr.load_predictor(saved.path, custom_objects=own).predict(notebook.features).equals(expected)


@pytest.mark.usefixtures("elsewhere")
def test_another_process_loads_registered_layers_with_custom_objects(notebook) -> None:
    """Under the names they were registered by."""
    own = {f"nb>{name}": notebook.names[name] for name in ("Gate", "bent")}
    result = jr.open_result(notebook.result.folder)
    saved = next(model for model in result.models if model.variant == "class")
    assert [type(layer) for layer in saved.load(custom_objects=own).layers][1] is own["nb>Gate"]


@pytest.mark.usefixtures("elsewhere")
def test_a_class_that_is_not_known_is_refused_in_a_sentence(notebook) -> None:
    """It says what to do."""
    saved = saved_model(notebook, "unregistered")
    assert refusal(saved.load) == (
        f"A model must be made of classes that Keras knows; {str(saved.path)!r} cannot be rebuilt (Could not locate class "
        "'Doubled'). Import the package, or run the cell, that defines its layers first, or pass them as "
        "custom_objects={'NAME': CLASS}."
    )
