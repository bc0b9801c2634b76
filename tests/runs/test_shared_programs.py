"""Which variants may be lanes of one stack: those whose layers and recipe are the same, strengths aside."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.stacks import adam

from justright.runs.events import StepTraced
from justright.runs.shared_programs import companions, shared_form
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.variant import KerasConfig

RECIPE = Recipe(optimizer=adam(0.01))
NETWORK = mlp(16, 8, l1=0.1, l2=0.1, dropout=0.2, input_noise=0.1)


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
        (replace(NETWORK, input_noise=0.2), RECIPE),
        (NETWORK, Recipe(optimizer=adam(0.5))),
    ],
)
def test_strengths_and_a_constant_learning_rate_make_no_difference(other):
    """Of whatever kind."""
    assert key(*other) == key(NETWORK)


def test_an_only_penalty_of_zero_makes_no_difference():
    """It adds nothing but zeros; beside another penalty these decide the last bit of a sum."""
    assert key(replace(NETWORK, l1=0.0)) == key(replace(NETWORK, l1=0.0, l2=0.0))
    assert key(NETWORK) != key(replace(NETWORK, l2=0.0))


@pytest.mark.parametrize(
    "changed",
    [
        {"config": {"learning_rate": 0.1, "clipnorm": 0.1}},
        {"config": {"learning_rate": 0.1, "global_clipnorm": 0.1}},
        {"class_name": "Lamb"},
        {"module": "mine"},
    ],
)
def test_a_penalty_of_zero_is_apart_where_a_norm_of_the_gradient_is_taken(changed):
    """Its sum comes out in another order, which changes the last bit."""
    recipe = Recipe(optimizer=adam(0.01) | changed)
    assert key(mlp(16), recipe) != key(mlp(16, l2=0.1), recipe)
    assert key(mlp(16, l2=0.2), recipe) == key(mlp(16, l2=0.1), recipe)


def scheduled(name, module="keras.optimizers.schedules", **numbers):
    """Return a recipe with a schedule."""
    schedule = {"module": module, "class_name": name, "config": {"staircase": False, **numbers}}
    return Recipe(optimizer=adam(schedule))


def test_numbers_of_a_schedule_make_no_difference():
    """Those that are inputs of a program, of Keras' own classes."""
    one, other = ({"decay_steps": 10, "decay_rate": rate} for rate in (0.5, 0.25))
    first = key(NETWORK, scheduled("ExponentialDecay", **one))
    assert key(NETWORK, scheduled("ExponentialDecay", **other)) == first
    assert key(NETWORK, scheduled("ExponentialDecay", **other | {"staircase": True})) != first
    assert key(NETWORK, scheduled("InverseTimeDecay", **one)) != first
    mine, yours = (key(NETWORK, scheduled("ExponentialDecay", "mine", **numbers)) for numbers in (one, other))
    assert mine != yours
    values = [
        key(NETWORK, scheduled("PiecewiseConstantDecay", values=given)) for given in ([1, 2], [3, 4], [5])
    ]
    assert values[0] == values[1] != values[2]


def test_momentum_and_the_clipped_norm_make_no_difference_as_long_as_there_are_some():
    """Of Keras' own classes."""

    def momentum(value, norm=0.1, module="keras.optimizers"):
        config = {"learning_rate": 0.1, "momentum": value, "clipnorm": norm}
        return key(NETWORK, Recipe(optimizer={"module": module, "class_name": "SGD", "config": config}))

    assert momentum(0.5) == momentum(0.9) == momentum(0.9, 0.2)
    assert len({momentum(0.5), momentum(0.0), momentum(0.5, 0.0)}) == 3
    assert momentum(0.5, module="mine") != momentum(0.9, module="mine")


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
        (replace(NETWORK, input_noise=0.0), RECIPE),
        (replace(NETWORK, l2=0.0), RECIPE),
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
    """Its variant has no companions, unless its step was traced."""
    assert key(build, recipe, "one") == "one"
    assert shared_form(build, recipe) is None


def test_variants_whose_steps_are_the_same_are_companions():
    """Of models that are no family's, and with recipes that are the same but for the optimizer, which the step has in it."""
    one, other = (
        companions(name, KerasConfig(name), recipe, StepTraced(name, "form"))
        for name, recipe in (("a", RECIPE), ("b", decayed(0.1)))
    )
    assert one == other
    assert companions("c", dict, replace(RECIPE, max_epochs=7), StepTraced("c", "form")) != one
    assert companions("c", dict, RECIPE, StepTraced("c", "another")) != one
