"""Descriptions of one network, and of others, made by Keras."""

from __future__ import annotations

import keras
import pytest

from justright.study.own_models.architecture import architecture_of, is_same_network


def described(units=4, *, activation="relu", rate=0.1, dtype="float32", name=None, seed=None, between=()):
    """Return the description of a network of two branches."""
    layers = keras.layers
    row = keras.Input((3,))
    hidden = layers.Dense(units, activation, name=name, dtype=dtype)(row)
    for layer in between:
        hidden = layer(hidden)
    dropped = layers.Dropout(rate, seed=seed)(hidden)
    joined = layers.Concatenate()([row, dropped])
    return architecture_of(keras.Model(row, layers.Dense(1)(joined)))


FIRST = described()


@pytest.mark.parametrize("options", [{}, {"name": "mine"}, {"seed": 5}])
def test_names_and_seeds_make_no_other_network(options):
    """A second model of one process, a layer with a name, masks of a seed."""
    other = described(**options)
    assert other != FIRST
    assert is_same_network(FIRST, other)


@pytest.mark.parametrize(
    "options",
    [
        {"units": 5},
        {"activation": "tanh"},
        {"rate": 0.2},
        {"dtype": "mixed_bfloat16"},
        {"between": (keras.layers.Dense(4),)},
    ],
)
def test_everything_else_does(options):
    """Widths, options, types, and layers."""
    assert not is_same_network(FIRST, described(**options))


def test_models_without_a_description_are_compared_as_they_are():
    """An empty text is the same as another one."""
    assert is_same_network("", "")
    assert not is_same_network("", FIRST)
