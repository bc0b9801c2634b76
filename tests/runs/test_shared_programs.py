"""Which variants may be lanes of one stack: those whose layers and recipe are the same, strengths aside."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.stacks import adam

from justright.runs.shared_programs import companions, shared_form
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.variant import KerasConfig

RECIPE = Recipe(optimizer=adam(0.01))
NETWORK = mlp(16, 8, l1=0.1, l2=0.1, dropout=0.2)


def decayed(value):
    """Return a recipe with AdamW."""
    config = {"learning_rate": 0.01, "weight_decay": value}
    return Recipe(optimizer={"module": "keras.optimizers", "class_name": "AdamW", "config": config})


def key(build, recipe=RECIPE, name="v"):
    """Return the key of a variant."""
    return companions(name, build, recipe)


@pytest.mark.parametrize(
    "other",
    [
        (replace(NETWORK, l2=0.3), RECIPE),
        (replace(NETWORK, l1=0.3), RECIPE),
        (replace(NETWORK, dropout=0.9), RECIPE),
        (replace(NETWORK, l2=0.0), RECIPE),
        (NETWORK, Recipe(optimizer=adam(0.5))),
    ],
)
def test_strengths_and_a_constant_learning_rate_make_no_difference(other):
    """A penalty of zero neither."""
    assert key(*other) == key(NETWORK)


def test_weight_decay_makes_no_difference_as_long_as_there_is_some():
    """Its factor is an input of the program."""
    assert key(NETWORK, decayed(0.1)) == key(NETWORK, decayed(0.2))
    assert key(NETWORK, decayed(0.1)) != key(NETWORK, decayed(0.0))


@pytest.mark.parametrize(
    "other",
    [
        (replace(NETWORK, dropout=0.0), RECIPE),  # no layer, and other random numbers
        (replace(NETWORK, l1=0.0), RECIPE),  # a network that may be padded
        (replace(NETWORK, units=(16, 9)), RECIPE),
        (replace(NETWORK, activation="relu"), RECIPE),
        (replace(NETWORK, input_noise=0.1), RECIPE),
        (NETWORK, replace(RECIPE, max_epochs=7)),
        (NETWORK, replace(RECIPE, patience=7)),
        (NETWORK, Recipe(optimizer=adam(0.01) | {"class_name": "SGD"})),
        (NETWORK, Recipe()),  # a schedule
    ],
)
def test_everything_else_makes_another_program(other):
    """Layers, other numbers in them, and how a network is trained."""
    assert key(*other) != key(NETWORK)


def some_loss(y_true, y_pred):
    """A function that no plain values describe."""
    return (y_true - y_pred) ** 2


@pytest.mark.parametrize(
    ("build", "recipe"),
    [(dict, RECIPE), (KerasConfig("{}"), RECIPE), (NETWORK, replace(RECIPE, loss=some_loss))],
)
def test_what_only_keras_knows_is_left_alone(build, recipe):
    """Its variant has no companions."""
    assert key(build, recipe, "one") == "one"
    assert shared_form(build, recipe) is None
