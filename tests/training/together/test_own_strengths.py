"""Strengths of any model are inputs of its program: which steps are the same, and that a lane is what it would be alone."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import cache, partial

import jax
import keras
import numpy as np
import pytest
from tests.stacks import adam
from tests.training.together.mixed_stacks import RECIPE, TOLERANCE, assert_same_runs
from tests.training.together.own_models import config, decaying, everything, some, task_of, traced

from justright.study.families import mlp
from justright.study.keras_descriptions import check_keras_optimizer
from justright.training.lanes import Rows, first_lane
from justright.training.network import build_network
from justright.training.step import TrainStep, Values
from justright.training.together.lane_strengths import find_lane_strengths
from justright.training.together.traced_steps import StepTracer

layers, of, constraints = keras.layers, keras.regularizers, keras.constraints
TWO = {
    "a": (config(some(0.01, 0.0)), decaying(0.02, 40, 0.1)),
    "b": (lambda: some(0.2, 0.1), decaying(0.05, 15, 0.3)),
}
PLAIN = replace(RECIPE, optimizer=adam(0.01))


@cache
def both(stacks):
    """Return one run of each variant, in one stack, trained in chunks that are short for all tests here."""
    return stacks.train(task_of(stacks, TWO, (1,)))


@pytest.mark.parametrize("name", TWO)
def test_a_lane_among_others_is_the_lane_among_its_own(name, stacks):
    """With as many lanes, bit by bit: a factor of 0 or not, noise and a schedule of its own. Strengths matter."""
    together, alone = both(stacks), stacks.train(task_of(stacks, {name: TWO[name]}, (1, 2)))
    assert_same_runs(together, alone, [run for run in together.curves if run.variant == name])
    assert len({curves["loss"][-1] for curves in together.curves.values()}) == 2


def test_cut_off_and_gone_on_it_ends_the_same(stacks):
    """After each chunk, in a new session."""
    task = task_of(stacks, TWO, (1,))
    found, _ = stacks.train_cut_off(task)
    assert len(found.checkpoints) > 1
    assert_same_runs(found, both(stacks), task.runs)


def network_of(build, recipe, rows):
    """Return the network of a variant."""
    known = recipe.resolve("binary", len(rows.train[0]))
    return build_network("v", build, known, seed=0, features=rows.features, outputs=1, task="binary")


def step_of(network, rows, strengths=None):
    """Return a function (values, strengths or None) -> what the 31st step makes of them, and what it loses."""
    step, batch = TrainStep(network, RECIPE), Rows(rows.train[0][:100], rows.train[1][:100])

    @partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})  # quicker to compile
    def stepped(before, given):
        with strengths.replaced(given) if strengths else nullcontext():
            return step(before, np.int32(30), batch, None)

    return stepped


def test_each_number_reaches_its_place(few_rows):
    """All kinds at once: a model that is given the strengths of another does what Keras makes of the other's constants."""
    one = network_of(config(everything(0.01)), decaying(0.02, 40, 0.1), few_rows)
    other = network_of(partial(everything, 0.3), decaying(0.05, 35, 0.3), few_rows)
    strengths, lane = find_lane_strengths(one.model, one.optimizer), first_lane(other)
    counts = [
        np.int64(30).astype(value.dtype) if value.dtype.kind == "i" else value for value in lane.optimizer
    ]
    before = Values(lane.weights, lane.others, counts, [], [])
    step = step_of(one, few_rows, strengths)
    given = step(before, strengths.values_of(other.model, other.optimizer))
    theirs = step_of(other, few_rows)(before, None)
    for ours, expected in zip(*map(jax.tree.leaves, (given, theirs)), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=TOLERANCE, atol=1e-7)
    own = step(before, strengths.values())
    assert abs(float(own[1][0] - given[1][0])) > 0.01


class Doubled(layers.Layer):
    """A layer whose number its description does not tell."""

    def __init__(self, factor=2.0, **options):
        """Take the number."""
        super().__init__(**options)
        self.factor = factor

    def call(self, inputs):
        """Multiply by it."""
        return inputs * self.factor


class Own(of.L2):
    """A regularizer that computes something else than Keras'."""

    def __call__(self, x):
        """Return the square of the sum."""
        return self.l2 * keras.ops.sum(x) ** 2


class Model(keras.Model):
    """A model with a `call` of its own."""

    def __init__(self, factor, l2):
        """Make the layers."""
        super().__init__()
        self.last, self.factor = layers.Dense(1, kernel_regularizer=of.L2(l2)), factor

    def call(self, inputs):
        """Return the outputs."""
        return self.last(inputs * self.factor)

    def get_config(self):
        """Return nothing of what it is made of."""
        return {}


class Always(layers.Layer):
    """Drops units when they are measured, too."""

    def __init__(self, rate, **options):
        """Take the rate."""
        super().__init__(**options)
        self.dropout = layers.Dropout(rate)

    def call(self, inputs):
        """Drop them."""
        return self.dropout(inputs, training=True)


def chain(*parts, first=None):
    """Return a function that makes a sequential model of new layers."""
    return lambda: keras.Sequential([keras.Input((28,)), *(part() for part in parts), (first or last)()])


def last(**options):
    """Return a last layer."""
    return layers.Dense(1, **options)


def dense(units=4, **options):
    """Return a function that makes a dense layer."""
    return lambda: layers.Dense(units, "relu", **options)


def with_schedule(kind, *numbers, **options):
    """Return a recipe with a schedule of Keras."""
    schedule = getattr(keras.optimizers.schedules, kind)(*numbers, **options)
    return replace(RECIPE, optimizer=check_keras_optimizer(keras.optimizers.SGD(schedule)))


def form(build, recipe, rows):
    """Return what a step has in common with others."""
    return traced("v", build, recipe, rows).form


def shared_penalty(*, is_one):
    """Return a model whose layers have one activity regularizer, or one each."""
    one = of.L2(0.1)
    return chain(*(dense(activity_regularizer=one if is_one else of.L2(0.1)) for _ in range(2)))()


SAME = {
    "numbers of all kinds": (partial(everything, 0.1), partial(everything, 0.2)),
    "a description": (partial(everything, 0.1), config(everything(0.2))),
    "names": (chain(dense(name="x")), chain(dense(name="y"))),
    "a factor of 0": (
        chain(dense(kernel_regularizer=of.L2(0.0))),
        chain(dense(kernel_regularizer=of.L2(0.1))),
    ),
    "the same penalty": (
        chain(dense(kernel_regularizer=of.L2(0.1), activity_regularizer=of.L1(0.1))),
        chain(dense(kernel_regularizer=of.L1L2(0.0, 0.2), activity_regularizer=of.L1L2(0.2))),
    ),
    "a layer that does nothing": (chain(dense()), chain(dense(), lambda: layers.Dropout(0.0))),
    "penalties of a model of its own": (partial(Model, 2.0, 0.1), partial(Model, 2.0, 0.3)),
}
OTHERS = {
    "units": (chain(dense(4)), chain(dense(5))),
    "a penalty or none": (chain(dense()), chain(dense(kernel_regularizer=of.L2(0.1)))),
    "another penalty": (
        chain(dense(kernel_regularizer=of.L1(0.1))),
        chain(dense(kernel_regularizer=of.L1L2(0.1, 0.2))),
    ),
    "a shared penalty": (partial(shared_penalty, is_one=True), partial(shared_penalty, is_one=False)),
    "dropout or none": (chain(dense()), chain(dense(), lambda: layers.Dropout(0.1))),
    "all that is dropped": (chain(lambda: layers.Dropout(0.5)), chain(lambda: layers.Dropout(1.0))),
    "dropout when measured": (chain(lambda: Always(0.1)), chain(lambda: Always(0.2))),
    "places of dropout": (
        chain(lambda: layers.Dropout(0.1), dense(28)),
        chain(dense(28), lambda: layers.Dropout(0.1)),
    ),
    "a number of a layer": (chain(lambda: layers.LeakyReLU(0.1)), chain(lambda: layers.LeakyReLU(0.2))),
    "a number that a description does not tell": (chain(lambda: Doubled(2.0)), chain(lambda: Doubled(3.0))),
    "a constant of a function": (
        chain(lambda: layers.Lambda(lambda x: x * 2.0)),
        chain(lambda: layers.Lambda(lambda x: x * 3.0)),
    ),
    "an array of a function": (
        chain(lambda: layers.Lambda(lambda x: x * np.arange(28, dtype=np.float32))),
        chain(lambda: layers.Lambda(lambda x: x * np.ones(28, np.float32))),
    ),
    "a number of a model of its own": (partial(Model, 2.0, 0.1), partial(Model, 3.0, 0.1)),
    "a number of a regularizer of its own": (
        chain(first=partial(last, kernel_regularizer=Own(0.1))),
        chain(first=partial(last, kernel_regularizer=Own(0.2))),
    ),
    "a constraint or none": (chain(dense()), chain(dense(kernel_constraint=constraints.MaxNorm(1.0)))),
    "penalties of a layer": (chain(dense()), chain(dense(activity_regularizer=of.L2(0.1)))),
}


@pytest.mark.parametrize("pair", SAME.values(), ids=SAME)
def test_steps_that_differ_in_strengths_alone_are_the_same(pair, few_rows):
    """Whatever layers are called."""
    assert len({form(build, PLAIN, few_rows) for build in pair}) == 1


@pytest.mark.parametrize("pair", OTHERS.values(), ids=OTHERS)
def test_steps_that_compute_something_else_are_not(pair, few_rows):
    """Numbers that a program does not take as inputs are part of what it computes, wherever they come from."""
    assert len({form(build, PLAIN, few_rows) for build in pair}) == 2
    assert form(pair[0], PLAIN, few_rows) == form(pair[0], PLAIN, few_rows)


def test_losses_and_metrics_of_ones_own_are_part_of_a_step(few_rows):
    """By what they compute: plain values only name them. So networks of ours are traced, too, where there are some."""

    def own(factor):
        def loss(y_true, y_pred):
            return factor * keras.ops.mean((y_true - y_pred) ** 2, axis=-1)

        return loss

    build = mlp(4, l2=0.1)
    for option in ("loss", "metrics"):
        one, same, other = (
            replace(PLAIN, **{option: own(factor) if option == "loss" else (own(factor),)})
            for factor in (2.0, 2.0, 3.0)
        )
        forms = [form(build, recipe, few_rows) for recipe in (one, same, other)]
        assert forms[0] == forms[1] != forms[2]
        assert form(mlp(4, l2=0.3), one, few_rows) == forms[0]
        tracer = StepTracer(few_rows, lambda name, build, recipe: network_of(build, recipe, few_rows))
        found = [tracer.take(name, build, one, network_of(build, one, few_rows)) for name in ("a", "b")]
        assert [step.variant for steps in found for step in steps] == ["a", "b"]


SCHEDULES = {
    "CosineDecay": [((0.1, 40), {"alpha": 0.1}), ((0.2, 30), {})],
    "CosineDecay from below": [
        ((0.0, 40), {"warmup_target": 0.1, "warmup_steps": 9}),
        ((0.1, 30), {"warmup_target": 0.3, "warmup_steps": 5}),
    ],
    "CosineDecayRestarts": [((0.1, 40), {}), ((0.2, 30), {"alpha": 0.1})],
    "ExponentialDecay": [((0.1, 40, 0.5), {}), ((0.2, 30, 0.9), {})],
    "InverseTimeDecay": [((0.1, 40, 0.5), {}), ((0.2, 30, 0.9), {})],
    "PiecewiseConstantDecay": [(([20, 40], [0.1, 0.2, 0.3]), {}), (([20, 40], [0.3, 0.2, 0.1]), {})],
    "PolynomialDecay": [((0.1, 40), {"end_learning_rate": 0.01}), ((0.2, 30), {})],
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_numbers_of_a_schedule_are_inputs(name, few_rows):
    """Of each class of Keras, and its rate is what Keras' own gives."""
    one, other = (with_schedule(name.split()[0], *numbers, **options) for numbers, options in SCHEDULES[name])
    build = chain(dense())
    assert form(build, one, few_rows) == form(build, other, few_rows)
    assert form(build, one, few_rows) != form(
        build, with_schedule("ExponentialDecay", 0.1, 40, 0.5, staircase=True), few_rows
    )
    first, second = (network_of(build, recipe, few_rows).optimizer for recipe in (one, other))
    model = build()
    strengths = find_lane_strengths(model, first)
    with strengths.replaced(jax.tree.map(jax.numpy.asarray, strengths.values_of(model, second))):
        rates = [float(first._learning_rate(jax.numpy.int32(step))) for step in (0, 7, 25, 90)]
    expected = [float(second._learning_rate(step)) for step in (0, 7, 25, 90)]
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


OPTIMIZERS = {
    "SGD": [{"momentum": 0.9, "nesterov": True}, {"momentum": 0.5, "nesterov": True}],
    "RMSprop": [{"momentum": 0.9, "clipnorm": 0.1}, {"momentum": 0.5, "clipnorm": 0.01}],
    "Adam": [{"clipnorm": 0.1}, {"clipnorm": 0.001}],
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_momentum_and_the_clipped_norm_are_inputs(name, few_rows):
    """And the step is the one of Keras' constants; other numbers of optimizers make another program."""
    kind, build = getattr(keras.optimizers, name), chain(dense())
    one, other, else_ = (
        replace(RECIPE, optimizer=check_keras_optimizer(kind(0.1, **options)))
        for options in (*OPTIMIZERS[name], OPTIMIZERS[name][0] | {"weight_decay": 0.1})
    )
    forms = [form(build, recipe, few_rows) for recipe in (one, other, else_)]
    assert forms[0] == forms[1] != forms[2]
    first, second = (network_of(build, recipe, few_rows) for recipe in (one, other))
    strengths, lane = find_lane_strengths(first.model, first.optimizer), first_lane(second)
    before = Values(
        lane.weights, lane.others, [value + value.dtype.type(1) for value in lane.optimizer], [], []
    )
    step = step_of(first, few_rows, strengths)
    given = step(before, strengths.values_of(second.model, second.optimizer))
    theirs = step_of(second, few_rows)(before, None)
    for ours, expected in zip(*map(jax.tree.leaves, (given, theirs)), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=TOLERANCE, atol=1e-7)
    own = step(before, strengths.values())
    assert np.abs(np.asarray(own[0].weights[0]) - np.asarray(given[0].weights[0])).max() > 1e-4


def test_keras_is_as_it_was_after_tracing():
    """Numbers, objects and the classes' own functions."""
    model, optimizer = everything(0.1), keras.optimizers.deserialize(decaying(0.1, 9, 0.1).optimizer)

    def state():
        kinds = (of.L2, layers.GaussianNoise, layers.GaussianDropout, layers.AlphaDropout)
        return (
            *(
                model.to_json(),
                optimizer.get_config(),
                [one.regularizer for one in model.trainable_variables],
            ),
            [(vars(kind).get("__call__"), vars(kind).get("call")) for kind in kinds],
        )

    before, strengths = state(), find_lane_strengths(model, optimizer)
    with strengths.replaced(jax.tree.map(jax.numpy.asarray, strengths.values())):
        assert of.L2.__call__ is not before[-1][0][0]
    assert state() == before


def test_equal_steps_have_equal_places_for_strengths(few_rows):
    """Whatever classes they are of: each of these pairs is a lane of the other's program."""
    for pair in SAME.values():
        one, other = (network_of(build, PLAIN, few_rows) for build in pair)
        strengths = find_lane_strengths(one.model, one.optimizer)
        values = strengths.values_of(other.model, other.optimizer)
        assert [value.shape for value in values] == [value.shape for value in strengths.values()]


def test_strengths_of_another_network_come_in_the_same_order():
    """Of a penalty that it lacks the factor is 0; one that the program's lacks is no strength of it."""

    def strengths_of(build, optimizer=None):
        return build(3, 1), keras.optimizers.AdamW(0.1, weight_decay=0.5) if optimizer is None else optimizer

    there = find_lane_strengths(*strengths_of(mlp(4, 4, l2=0.2, dropout=0.3, input_noise=0.1)))
    values = there.values_of(*strengths_of(mlp(4, 4, dropout=0.6, input_noise=0.7)))
    np.testing.assert_array_equal(values.factors, np.float32([0, 0, 0.5, 0.7]))
    np.testing.assert_array_equal(values.thresholds, np.uint32([round((1.0 - 0.6) * 2**32)] * 2))
    np.testing.assert_array_equal(there.values().factors, np.float32([0.2, 0.2, 0.5, 0.1]))
    for build, optimizer in (
        (mlp(4, 4, l1=0.1, dropout=0.3, input_noise=0.1), None),
        (mlp(4, 4, dropout=0.3, input_noise=0.1), keras.optimizers.Adam()),
        (mlp(4, 4, dropout=0.3), None),
        (mlp(4, 4, input_noise=0.1), None),
    ):
        with pytest.raises(ValueError, match=r"^the model has strengths that the program's does not have$"):
            there.values_of(*strengths_of(build, optimizer))


def test_only_what_may_have_companions_is_traced(few_rows):
    """Variants whose weights and recipes are those of another; what cannot be traced has none."""

    def back(x):
        return jax.pure_callback(np.asarray, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    made = []

    def make(name, build, recipe):
        made.append(name)
        return network_of(build, recipe, few_rows)

    tracer = StepTracer(few_rows, make)
    builds = {
        "alone": chain(dense(7)),
        "first": chain(dense()),
        "called back": chain(dense(), lambda: layers.Lambda(back)),
        "second": chain(lambda: layers.Dense(4, "tanh")),
    }
    found = {
        name: list(tracer.take(name, build, PLAIN, network_of(build, PLAIN, few_rows)))
        for name, build in builds.items()
    }
    assert made == ["first"]
    assert {name: [one.variant for one in steps] for name, steps in found.items()} == {
        "alone": [],
        "first": [],
        "called back": ["first"],
        "second": ["second"],
    }
