"""Strengths of regularization as inputs: one program for all of them, and not a bit of difference to constants."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training import program
from justright.training.lanes import Data, Rows, first_lane, stack_lanes
from justright.training.network import build_network
from justright.training.program import Program
from justright.training.strengths import Strengths, find_strengths


def decayed(strength):
    """Return AdamW with a weight decay and a rate of its own."""
    return keras.optimizers.AdamW(strength, weight_decay=strength)


def program_text(build, optimizer=None, lengths=(2,)):
    """Return what XLA is given to compile for a network of three features, for the last of some lengths of chunks."""
    recipe = Recipe(10, optimizer=optimizer).resolve("binary", 20)
    network = build_network("v", build, recipe, seed=0, features=3, outputs=1, task="binary")
    rows = Rows(np.zeros((20, 3), np.float32), np.zeros(20, np.float32))
    lanes = stack_lanes([first_lane(network)])
    run = Program(network, recipe).run_chunk
    for length in lengths:
        chunk = (np.zeros((length, 1, 20), np.int32), np.zeros(length, bool), np.int32(0), np.int32(length))
        text = run.func.lower(*run.args, lanes, *chunk, Data(rows, rows, rows)).as_text()
    return text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((mlp(4, l1=0.1, l2=0.2, dropout=0.3),), (mlp(4, l1=1e-5, l2=0.7, dropout=0.9),)),
        ((mlp(4), decayed(0.1)), (mlp(4), decayed(0.2))),
    ],
)
def test_all_strengths_of_a_network_are_one_program(one, other):
    """XLA is given the same text, so that what it compiled for one strength is found for the next."""
    assert program_text(*one) == program_text(*other)


def test_a_program_can_be_traced_again():
    """For chunks of another length, as if it had been the first: nothing of the trace before is kept."""
    build = mlp(4, l2=0.1, dropout=0.3)
    assert program_text(build, lengths=(3, 2)) == program_text(build)


def test_a_strength_of_zero_is_another_program():
    """What is not there costs nothing: no product with zero is compiled."""
    assert program_text(mlp(4, l2=0.1)) != program_text(mlp(4))


def mixed():
    """Every kind of strength, some shared by layers, on kernels, biases and activations."""
    layers, of = keras.layers, keras.regularizers
    shared = of.L2(0.003)
    return keras.Sequential(
        [
            keras.Input((28,)),
            layers.Dense(6, "relu", kernel_regularizer=shared, bias_regularizer=of.L1(0.01)),
            layers.Dropout(0.2),
            keras.Sequential(
                [keras.Input((6,)), layers.Dense(5, "elu", kernel_regularizer=shared), layers.Dropout(0.4)]
            ),
            layers.Dense(4, "tanh", activity_regularizer=of.L1L2(0.001, 0.002)),
            layers.Dense(1),
        ]
    )


def test_strengths_are_found_wherever_they_are():
    """In nested models too, each once; a value of zero is none."""
    model = mixed()
    strengths = find_strengths(model, decayed(0.5))
    factors, thresholds, scales = strengths.values()
    np.testing.assert_array_equal(np.sort(factors), np.float32([0.001, 0.002, 0.003, 0.01, 0.5]))
    np.testing.assert_array_equal(thresholds, np.uint32([round(0.8 * 2**32), round(0.6 * 2**32)]))
    np.testing.assert_array_equal(scales, np.float32([1 / 0.8, 1 / 0.6]))
    assert find_strengths(mlp(4)(3, 1), keras.optimizers.Adam()) == Strengths((), ())


def test_inputs_and_constants_give_the_same_numbers(few_rows, train, monkeypatch):
    """Curves of a network with penalties, dropout and weight decay, bit for bit."""
    build, recipe = mlp(4, l1=0.003, l2=0.0007, dropout=0.35), Recipe(100, 4, None, optimizer=decayed(0.01))
    ours = train(build, few_rows, recipe).curves[0]
    monkeypatch.setattr(program, "find_strengths", lambda model, optimizer: Strengths((), ()))
    constant = train(build, few_rows, recipe).curves[0]
    for metric, values in constant.items():
        np.testing.assert_array_equal(ours[metric], values, err_msg=metric)


def test_keras_is_as_it_was_after_tracing():
    """Factors, rates and the classes' own functions."""
    model, optimizer = mixed(), decayed(0.5)
    before = (model.to_json(), optimizer.get_config(), keras.regularizers.L1L2.__call__)
    strengths = find_strengths(model, optimizer)
    with strengths.replaced(strengths.values()):
        assert keras.regularizers.L1L2.__call__ is not before[2]
    assert (model.to_json(), optimizer.get_config(), keras.regularizers.L1L2.__call__) == before
