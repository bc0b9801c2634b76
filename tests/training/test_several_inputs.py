"""Models of several inputs in the engine: each gets its features, and all else is as for one input."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from tests.refusals import refusal

from justright.runs.describe_model import describe_model
from justright.runs.tasks import TargetUnits
from justright.study.recipe import Recipe
from justright.study.variant import KerasConfig
from justright.training.network import build_network

FEATURES = ("age", "color=red", "pay", "color=blue", "kind")
ROWS = np.abs(np.random.default_rng(0).normal(size=(7, 5))).astype(np.float32)
ROWS[:, 4] = [0, 1, 2, 3, 0, 1, 2]


def network(builder, *, task="binary", names=FEATURES, features=5, **given):
    """Return a built network."""
    recipe = Recipe().resolve(task, 10)
    shape = {"seed": 3, "features": features, "outputs": 1, "task": task, "feature_names": names}
    return build_network("Mine", builder, recipe, **shape, **given)


def named():
    """A network with a dictionary of inputs: a column of two features, a scalar, a whole number, and a normalised one."""
    layers = keras.layers
    inputs = {
        "color": keras.Input((2,), name="color"),
        "pay": keras.Input((), name="pay"),
        "kind": keras.Input((1,), name="kind", dtype="int32"),
        "age": keras.Input((1,), name="age"),
    }
    pay = layers.Reshape((1,))(inputs["pay"])
    kind = layers.Flatten()(layers.Embedding(4, 3)(inputs["kind"]))
    age = layers.Normalization()(inputs["age"])
    joined = layers.Concatenate()([layers.Dense(4, "tanh")(inputs["color"]), pay, kind, age])
    return keras.Model(inputs, layers.Dense(1)(joined))


def dealt(x):
    """Return the inputs that the network above is to get."""
    return {"color": x[:, [1, 3]], "pay": x[:, 2], "kind": x[:, 4:].astype("int32"), "age": x[:, :1]}


@pytest.mark.parametrize("as_config", [False, True])
def test_each_input_gets_the_features_it_is_named_after(as_config):
    """The same weights as plain Keras gives it, and the same outputs for each row."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    plain = named()
    build = KerasConfig(plain.to_json()) if as_config else named
    made = network(build).model
    assert made.input_shape == (None, 5)
    for ours, theirs in zip(made.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(made(ROWS), plain(dealt(ROWS)))


def test_layers_are_found_as_in_any_other_model():
    """Normalization is adapted to its own column, and the layers are listed by their classes."""
    made = network(named, train_x=lambda: ROWS).model
    [layer] = [layer for layer in made.layers if isinstance(layer, keras.layers.Normalization)]
    assert float(layer.mean[0, 0]) == pytest.approx(ROWS[:, 0].mean(), rel=1e-6)
    kinds = [kind for _, kind, *_ in describe_model("Mine", made).layers]
    assert {"Embedding", "Dense", "Normalization"} <= set(kinds)


def test_plain_keras_loads_what_is_saved(tmp_path):
    """A file that takes rows of features, without this package."""
    made = network(named).model
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(ROWS), made(ROWS))


def test_a_numeric_target_has_its_units():
    """What is put behind the last layer does not ask for the inputs."""
    made = network(named, task="regression", units=TargetUnits(10.0, 100.0))
    np.testing.assert_allclose(made.model(ROWS), made.built(ROWS) * 10 + 100, rtol=1e-6)


def in_order():
    """A network with a list of inputs whose names say nothing."""
    inputs = [keras.Input((2,)), keras.Input((3,))]
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()(inputs)))


@pytest.mark.parametrize("names", [FEATURES, ()])
def test_inputs_without_such_names_take_the_features_in_order(names):
    """As a list of arrays would be given to `fit`."""
    made = network(in_order, names=names).model
    weights = made.get_weights()
    np.testing.assert_allclose(made(ROWS), ROWS @ weights[0] + weights[1], rtol=1e-5)


def widths(*shapes, names=None, **options):
    """Return a builder of a model with inputs of these shapes and names."""

    def build():
        inputs = [
            keras.Input(shape, name=name, **options)
            for shape, name in zip(shapes, names or [None] * len(shapes), strict=True)
        ]
        flat = [keras.layers.Flatten()(one) for one in inputs]
        return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()(flat)))

    return build


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (
            widths((2,), (2,), names=("a", "b")),
            (
                "The inputs of variant 'Mine' must take the table's 5 features in order, or be named after them ('age', "
                "'color=red', 'pay', 'color=blue', 'kind'); 'a', 'b' take 2 + 2 = 4."
            ),
        ),
        (
            widths((1,), (3,), (1,), names=("age", "color", "kin")),
            (
                "Each input of variant 'Mine' must be named after a feature, or after the column or group of several features, "
                "and take as many numbers; no feature is named after 'kin'; 'color' takes 3, and 2 are named after it. The "
                "features are 'age', 'color=red', 'pay', 'color=blue', 'kind'. Did you mean 'kind'?"
            ),
        ),
        (
            widths((2, 2), (1,), names=("a", "age")),
            (
                "Each input of variant 'Mine' must take numbers, shape (width,) or (); 'a' does not. Tables give a row of "
                "numbers for each example."
            ),
        ),
        (
            lambda: keras.Model(
                row := keras.Input((5,)), [keras.layers.Dense(1)(row), keras.layers.Dense(1)(row)]
            ),
            (
                "Variant 'Mine' must give one output; it gives 2. Let it give the one that is to be judged: "
                "keras.Model(inputs, output)."
            ),
        ),
    ],
)
def test_what_does_not_fit_is_said(builder, message):
    """Widths, names, shapes and outputs, each with what would fit."""
    assert refusal(network, builder) == message


def test_a_model_of_one_input_is_left_as_it_is():
    """Also where Keras was given a list of one."""
    row = keras.Input((5,))
    model = keras.Model([row], keras.layers.Dense(1)(row))
    assert network(lambda: model).built is model


class Own(keras.Model):
    """A model with a `call` of its own, not built by its maker."""

    def __init__(self):
        super().__init__()
        self.layer = keras.layers.Dense(1)

    def call(self, x):
        """Return a row's logit."""
        return self.layer(x)


class Keyed(Own):
    """One whose `call` wants a dictionary."""

    def call(self, x):
        """Return a row's logit."""
        return self.layer(x["age"])


def test_a_call_that_wants_a_dictionary_is_told_what_it_gets():
    """Keras cannot say which inputs it has."""
    assert refusal(network, Keyed) == (
        "Variant 'Mine' cannot be called on rows of 5 features: JAX does not support string indexing; got idx='age'. Its `call` "
        "is given one array (rows, features); a model of several inputs must be a functional one, keras.Model(inputs, output)."
    )


def test_a_model_that_nobody_built_is_built_from_the_table():
    """As `fit` would by its first batch."""
    made = network(Own)
    assert [value.shape for value in made.model.get_weights()] == [(5, 1), (1,)]
