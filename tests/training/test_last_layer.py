"""What the end of a model says about its outputs, and that bringing them to a target's units changes nothing else."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from justright.runs.tasks import TargetUnits
from justright.training.last_layer import ends_in_logits, in_units, predicts_any_number

layers = keras.layers
UNITS = TargetUnits(scale=50.0, offset=1_000.0)


class Own(keras.Model):
    """A model with a call of its own."""

    def __init__(self, activation=None):
        super().__init__()
        self.hidden = layers.Dense(4, activation="relu")
        self.last = layers.Dense(1, activation=activation)

    def call(self, inputs):
        """Return the outputs."""
        return self.last(self.hidden(inputs))


def sequential(*last):
    """A sequential model that ends in these layers."""
    return keras.Sequential([keras.Input((3,)), layers.Dense(4, activation="relu"), *last])


def functional(end):
    """A functional model; `end` makes the output from the hidden layer."""
    rows = keras.Input((3,))
    return keras.Model(rows, end(layers.Dense(4, activation="relu")(rows)))


def two_heads(hidden):
    """The layer that was made last is not the one that gives the output."""
    chances = layers.Dense(1, activation="sigmoid")(hidden)
    layers.Dense(1)(hidden)
    return chances


# name -> (model, whether it ends in logits, whether it predicts any number)
MODELS = {
    "dense": (lambda: sequential(layers.Dense(1)), True, True),
    "tanh": (lambda: sequential(layers.Dense(1, activation="tanh")), True, False),
    "softplus": (lambda: sequential(layers.Dense(1), layers.Activation("softplus")), True, False),
    "relu layer": (lambda: sequential(layers.Dense(1), layers.ReLU()), True, False),
    "rescaled": (lambda: sequential(layers.Dense(1), layers.Rescaling(3.0)), True, False),
    "sigmoid": (lambda: sequential(layers.Dense(1, activation="sigmoid")), False, False),
    "sigmoid function": (lambda: sequential(layers.Dense(1, keras.activations.sigmoid)), False, False),
    "softmax layer": (lambda: sequential(layers.Dense(3), layers.Softmax()), False, False),
    "sigmoid, then dropout": (
        lambda: sequential(layers.Dense(1, activation="sigmoid"), layers.Dropout(0.1)),
        *(False, False),
    ),
    "linear, then reshaped": (lambda: sequential(layers.Dense(1), layers.Reshape((1,))), True, True),
    "nested": (
        lambda: sequential(keras.Sequential([keras.Input((4,)), layers.Dense(1, activation="sigmoid")])),
        *(False, False),
    ),
    "nested linear": (lambda: sequential(keras.Sequential([layers.Dense(1)])), True, True),
    "function": (lambda: functional(lambda h: keras.ops.sigmoid(layers.Dense(1)(h))), False, False),
    "other head": (lambda: functional(two_heads), False, False),
    "sum of branches": (lambda: functional(lambda h: layers.Dense(1)(h) + layers.Dense(1)(h)), True, True),
    "own units": (lambda: functional(lambda h: layers.Dense(1)(h) * 50.0 + 1_000.0), True, False),
    "subclass": (lambda: Own(), True, True),
    "subclass with sigmoid": (lambda: Own("sigmoid"), False, False),
}


def built(make):
    """Return a model that has seen rows."""
    model = make()
    model(np.zeros((1, 3), np.float32))
    return model


@pytest.mark.parametrize("name", MODELS)
def test_the_last_operation_is_found_in_models_of_every_kind(name):
    """Sequential, functional, nested and subclassed; layers that change no value are looked through."""
    make, are_logits, is_free = MODELS[name]
    model = built(make)
    assert (ends_in_logits(model), predicts_any_number(model)) == (are_logits, is_free)


@pytest.mark.parametrize("name", ["dense", "nested linear", "sum of branches", "subclass"])
def test_outputs_are_brought_to_the_target_s_units_and_nothing_else_changes(name):
    """The same variables in the same order; the model that was given is left as it was, and can be brought there again."""
    model = built(MODELS[name][0])
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    own = np.asarray(model(x))
    for _ in range(2):
        scaled = in_units(model, UNITS, 3)
        np.testing.assert_allclose(np.asarray(scaled(x)), own * 50 + 1_000, rtol=1e-6)
        assert all(one is other for one, other in zip(scaled.variables, model.variables, strict=True))
    np.testing.assert_array_equal(np.asarray(model(x)), own)
    assert not predicts_any_number(scaled)
