"""Changed descriptions of Keras models: Keras itself says whether they can be built, and how many parameters they have."""

from __future__ import annotations

import json

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from justright.study.keras_edits import has_dropout, is_plain, scaled, with_dropout, with_l2

FEATURES = 4


@pytest.fixture(scope="module", autouse=True)
def _without_weights():
    """Let Keras check layers and shapes, and make no weights: drawing them takes nearly all the time."""
    with keras.StatelessScope(initialize_variables=False):
        yield


def sequential(*members):
    """A sequential model of a table's rows."""
    return keras.Sequential([keras.Input((FEATURES,)), *members])


def functional(make):
    """A functional model of a table's rows."""
    inputs = keras.Input((FEATURES,))
    return keras.Model(inputs, make(inputs))


def residual(x):
    """A skip around a normalised layer, one through an operation, and one output."""
    h = layers.Dense(8, activation="relu")(x)
    r = layers.BatchNormalization()(layers.Dense(8)(h))
    x = layers.Add()([h, r]) + keras.ops.relu(h)
    return layers.Dense(1)(x)


def around_inputs(x):
    """A sum with the inputs, whose width is the table's."""
    h = layers.Dense(4)(layers.Dense(16, activation="relu")(x))
    return layers.Dense(1)(layers.Dense(6)(layers.Add()([x, h])))


def gated(x):
    """One value that is spread over all others."""
    h = layers.Dense(8)(x)
    return layers.Dense(1)(layers.Multiply()([h, layers.Dense(1, activation="sigmoid")(h)]))


def shared(x):
    """A layer that is called twice, and inputs beside what it gives."""
    twice = layers.Dense(8, activation="relu")
    h = twice(twice(layers.Dense(8)(x)))
    return layers.Dense(1)(layers.Concatenate()([h, x]))


def two_ends(x):
    """A sum of two output layers."""
    return layers.Add()([layers.Dense(1)(layers.Dense(8)(x)), layers.Dense(1)(x)])


def nested(x):
    """A model among the layers, which gives as many values as before, whatever changes in it."""
    inner = sequential(layers.Dense(8), layers.Dense(6))
    return layers.Dense(1)(layers.Dense(8)(inner(x)))


def reshaped(x):
    """A layer that takes one width only."""
    h = layers.Conv1D(5, 2)(layers.Reshape((3, 4))(layers.Dense(12)(x)))
    return layers.Dense(1)(layers.Dense(7)(layers.Flatten()(h)))


def built(text):
    """The model of a description; it gives one value per row."""
    model = keras.models.model_from_json(text)
    assert (model.input_shape, model.output_shape) == ((None, FEATURES), (None, 1))
    return model


def widths(model):
    """The units of each layer that has any."""
    return [layer.units for layer in model.layers if hasattr(layer, "units")]


def best(model, factor):
    """The first way to change widths that Keras builds."""
    for text in scaled(model.to_json(), factor):
        try:
            return built(text)
        except ValueError:
            continue
    return None


@pytest.mark.parametrize(
    ("model", "wider", "narrower"),
    [
        (lambda: sequential(layers.Dense(8), layers.LeakyReLU(), layers.Dense(1)), [16, 1], [4, 1]),
        (
            lambda: sequential(layers.Dense(3), layers.Dense(1), layers.Dense(1), layers.Rescaling(2.0)),
            *([6, 2, 1], [2, 1, 1]),
        ),
        (lambda: sequential(layers.Reshape((2, 2)), layers.LSTM(5), layers.Dense(1)), [10, 1], [2, 1]),
        (lambda: functional(residual), [16, 16, 1], [4, 4, 1]),
        (lambda: functional(around_inputs), [32, 4, 12, 1], [8, 4, 3, 1]),
        (lambda: functional(gated), [16, 1, 1], [4, 1, 1]),
        (lambda: functional(shared), [16, 16, 1], [4, 4, 1]),
        (lambda: functional(two_ends), [16, 1, 1], [4, 1, 1]),
        (lambda: functional(nested), [16, 1], [4, 1]),
        (lambda: functional(reshaped), [12, 14, 1], [12, 4, 1]),
    ],
)
def test_hidden_layers_change_together_and_no_other(model, wider, narrower):
    """Whatever ties their widths: output layers, sums with inputs, gates and layers of one width keep theirs."""
    own = model()
    more, fewer = best(own, 2), best(own, 0.5)
    assert (widths(more), widths(fewer)) == (wider, narrower)
    assert fewer.count_params() < own.count_params() < more.count_params()


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"config": {"layers": [{}]}}', '{"config": {"units": 3}}', "null"]
)
def test_what_keras_did_not_write_so_has_no_neighbours(text):
    """A subclassed model has no layers in its description, or no description."""
    assert scaled(text, 2) == ()
    assert with_dropout(text, 0.3) is with_l2(text, 0.1) is None
    assert not has_dropout(text)


def test_a_linear_model_has_no_width_but_a_penalty():
    """Nothing to widen or to drop; its only kernel is penalised."""
    text = sequential(layers.Normalization(name="standardization"), layers.Dense(1)).to_json()
    assert scaled(text, 2) == ()
    assert with_dropout(text, 0.3) is None
    model = built(with_l2(text, 0.25))
    assert model.layers[0].name == "standardization"
    assert model.layers[-1].kernel_regularizer.l2 == pytest.approx(0.25)


def dropouts(model):
    """(class, rate) of each layer, for those that have a rate."""
    return [(type(layer).__name__, getattr(layer, "rate", None)) for layer in model.layers]


def test_dropout_follows_each_hidden_layer_with_its_normalisation_and_activation():
    """Dropout that is there drops more; what follows the inputs or the output layer is no hidden layer's."""
    own = sequential(
        layers.Dropout(0.1),
        *(layers.Dense(8, activation="relu"), layers.Dropout(0.5)),
        *(layers.Dense(8), layers.BatchNormalization(), layers.Activation("relu")),
        layers.Dense(1),
    )
    model = built(with_dropout(own.to_json(), 0.3))
    assert dropouts(model) == [
        ("Dropout", 0.1),
        *(("Dense", None), ("Dropout", 0.65)),
        *(("Dense", None), ("BatchNormalization", None), ("Activation", None), ("Dropout", 0.3)),
        ("Dense", None),
    ]
    assert model.count_params() == own.count_params()
    assert [has_dropout(one.to_json()) for one in (own, sequential(layers.Dense(1)))] == [True, False]


def test_dropout_in_a_graph_stands_before_all_that_take_the_layer():
    """The skip as well as the next layer; a gate of one unit is not dropped."""
    text = with_dropout(functional(residual).to_json(), 0.3)
    described = json.loads(text)["config"]["layers"]
    first = next(layer["name"] for layer in described if layer["class_name"] == "Dense")
    takers = [
        layer["class_name"]
        for layer in described
        if f'["{first}", 0, 0]' in json.dumps(layer["inbound_nodes"])
    ]
    assert takers == ["Dropout"]
    assert [kind for kind, rate in dropouts(built(text)) if rate] == ["Dropout"] * 2
    assert [
        kind for kind, rate in dropouts(built(with_dropout(functional(gated).to_json(), 0.3))) if rate
    ] == ["Dropout"]
    assert (
        built(with_dropout(functional(shared).to_json(), 0.3)).count_params()
        == functional(shared).count_params()
    )


def test_classes_of_a_user_are_told_from_those_of_keras():
    """Only a process that knows them can build them; Keras' operations are its own."""

    @keras.saving.register_keras_serializable("tests")
    class Own(layers.Layer):
        """A layer."""

        def call(self, inputs):
            """Return the inputs."""
            return inputs

    assert is_plain(functional(residual).to_json())
    assert not is_plain(sequential(Own(), layers.Dense(1)).to_json())
    assert not is_plain(
        sequential(layers.Dense(1, activation=keras.saving.register_keras_serializable()(residual))).to_json()
    )


# Even, since halves of odd widths that are joined need not add up to half of their sum; such a network has others beside it.
UNITS = st.integers(1, 5).map(lambda half: 2 * half)
STEPS = st.lists(
    st.tuples(st.sampled_from(["dense", "block", "normalised", "dropout", "concatenate", "gate"]), UNITS),
    min_size=1,
    max_size=5,
)


def model_of(steps):
    """A model of random steps; the first is a dense layer, so that there is one to change."""

    def make(x):
        inputs, x = x, layers.Dense(4, activation="relu")(x)
        for kind, units in steps:
            if kind == "dense":
                x = layers.Dense(units, activation="elu")(x)
            elif kind == "block":
                x = layers.Add()([x, layers.Dense(x.shape[-1])(layers.Dense(units, activation="relu")(x))])
            elif kind == "normalised":
                x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(units)(x)))
            elif kind == "dropout":
                x = layers.Dropout(units / 20)(x)
            elif kind == "concatenate":
                x = layers.Concatenate()([x, layers.Dense(units)(inputs)])
            else:
                x = layers.Multiply()([x, layers.Dense(1, activation="sigmoid")(x)])
        return layers.Dense(1)(x)

    return functional(make)


@settings(max_examples=50, deadline=None, database=None)
@given(STEPS)
def test_any_model_of_such_parts_can_be_changed(steps):
    """The first way is built, by its parameters wider and narrower; with dropout it has as many as before."""
    own = model_of(steps)
    text = own.to_json()
    assert built(scaled(text, 2)[0]).count_params() > own.count_params()
    assert built(scaled(text, 0.5)[0]).count_params() < own.count_params()
    assert built(with_dropout(text, 0.3)).count_params() == own.count_params()
