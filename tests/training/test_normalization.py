"""Normalization layers, wherever they sit in a model, are adapted to a run's own training rows."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from justright.runs.tasks import StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.variant import KerasConfig
from justright.training import normalization
from justright.training.network import build_network
from justright.training.normalization import adapt_normalization, normalization_from_state
from justright.training.program import stack_network

RECIPE = Recipe().resolve("binary", 100)


@pytest.fixture
def x():
    """300 rows of four features on very different scales."""
    return np.random.default_rng(0).normal([0, 5, 1e4, 0.1], [1, 2, 3, 0.01], (300, 4)).astype(np.float32)


def nested():
    """A layer for the inputs, and one inside a nested model behind weights."""
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Normalization(name="deep")], name="inner")
    inputs = keras.Input((4,))
    first = keras.layers.Normalization(name="first")(inputs)
    return keras.Model(inputs, keras.layers.Dense(1)(inner(keras.layers.Dense(3, "tanh")(first))))


def test_every_layer_is_adapted_to_its_own_inputs(x):
    """Also one inside a nested model, behind weights: what it gives has mean 0 and variance 1 on the training rows."""
    model = nested()
    adapt_normalization(model, lambda: x)
    first = model.get_layer("first")
    np.testing.assert_allclose(first.mean[0], x.mean(0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(first.variance[0], x.var(0, dtype=np.float64), rtol=1e-6)
    given = model.get_layer("inner")(model.layers[2](first(x)))
    np.testing.assert_allclose(np.mean(given, 0), 0, atol=1e-6)
    np.testing.assert_allclose(np.var(given, 0), 1, rtol=1e-5)


@pytest.mark.parametrize("piece", [1, 7, 300])
def test_pieces_of_rows_do_not_matter(piece, x, monkeypatch):
    """Moments are summed in float64: pieces of any size give the same float32 values as Keras' own float64 adapt."""
    monkeypatch.setattr(normalization, "PIECE_ROWS", piece)
    layer, other = keras.layers.Normalization(), keras.layers.Normalization()
    adapt_normalization(keras.Sequential([keras.Input((4,)), layer]), lambda: x)
    other.adapt(x.astype(np.float64))
    np.testing.assert_allclose(layer.mean, other.mean, rtol=2e-7)
    np.testing.assert_allclose(layer.variance, other.variance, rtol=2e-7)


@pytest.mark.parametrize("axis", [None, -1, 1, (1, 2)])
def test_any_axes_are_kept(axis):
    """One mean for all values, or one for each place along one axis or two."""
    values = np.random.default_rng(1).normal(3, 2, (50, 3, 2)).astype(np.float32)
    layer, other = keras.layers.Normalization(axis=axis), keras.layers.Normalization(axis=axis)
    adapt_normalization(keras.Sequential([keras.Input((3, 2)), layer]), lambda: values)
    other.adapt(values.astype(np.float64))
    np.testing.assert_allclose(layer.mean, other.mean, rtol=1e-6)
    np.testing.assert_allclose(layer.variance, other.variance, rtol=1e-6)


def test_a_constant_column_becomes_zero_and_stays_moderate_elsewhere(x):
    """Variance 1 rather than Keras' 1e-7 for its root: a row that differs there by 0.5 gives 0.5, not 5 million."""
    x[:, 3] = 0.1
    model = keras.Sequential([keras.Input((4,)), keras.layers.Normalization()])
    adapt_normalization(model, lambda: x)
    assert not np.asarray(model(x))[:, 3].any()
    x[:, 3] = 0.6
    np.testing.assert_allclose(np.asarray(model(x))[:, 3], 0.5, rtol=1e-6)


def test_layers_that_know_their_moments_are_left_alone(x):
    """Those given at construction, and those that somebody adapted; then rows are not even asked for."""
    given = keras.layers.Normalization(mean=[0.0] * 4, variance=[1.0] * 4)
    adapted = keras.layers.Normalization()
    adapted.adapt(np.array([[0, 0, 0, 0], [2, 2, 2, 2]], np.float32))
    model = keras.Sequential([keras.Input((4,)), given, adapted])

    def rows():
        raise AssertionError("not needed")

    adapt_normalization(model, rows)
    np.testing.assert_array_equal(adapted.mean, np.ones((1, 4)))


def test_a_layer_that_is_never_called_is_left_alone(x):
    """A model may own a layer it does not use for rows like these."""

    class Idle(keras.Model):
        """Owns a layer and does not call it."""

        def __init__(self):
            super().__init__()
            self.idle = keras.layers.Normalization()
            self.idle.build((None, 4))

        def call(self, inputs):
            """Return the inputs."""
            return inputs

    model = Idle()
    model(x)
    adapt_normalization(model, lambda: x)
    assert not np.asarray(model.idle.adapt_mean).any()


def test_keras_is_as_it_was_afterwards(x):
    """The class is patched while a model is asked for its layers' inputs, and no longer."""
    before = keras.layers.Normalization.call
    adapt_normalization(nested(), lambda: x)
    with normalization_from_state():
        assert keras.layers.Normalization.call is not before
    assert keras.layers.Normalization.call is before


def test_a_network_is_adapted_when_it_is_built_from_a_configuration(x):
    """Keras' JSON holds no moments: whoever goes on with a study adapts to the same rows again."""
    config = KerasConfig(mlp(3, standardize=True)(4, 1).to_json())
    shape = {"seed": 0, "features": 4, "outputs": 1, "task": "binary"}
    network = build_network("Mine", config, RECIPE, **shape, train_x=lambda: x[:100])
    np.testing.assert_allclose(network.model.layers[0].mean[0], x[:100].mean(0, dtype=np.float64), rtol=1e-6)
    plain = build_network("Mine", config, RECIPE, **shape)
    assert not np.asarray(plain.model.layers[0].mean).any()


def test_a_smaller_training_size_is_adapted_to_its_own_rows(few_rows):
    """Rows that a run does not train on do not leak into its inputs' scale."""
    recipe = Recipe().resolve("binary", 250)
    task = StackTask("v", "v", mlp(3, standardize=True), recipe, (), (), np.arange(120))
    layer = stack_network(task, few_rows, seed=0).model.layers[0]
    expected = few_rows.train[0][:120].mean(0, dtype=np.float64)
    np.testing.assert_allclose(layer.mean[0], expected, rtol=1e-5, atol=1e-6)


def test_plain_keras_opens_the_model_with_its_moments(few_rows, train):
    """The saved file alone gives the outputs that were measured."""
    ours = train(mlp(3, standardize=True, input_noise=0.1), few_rows, Recipe(100, 2, None))
    run = ours.finished[0]
    model = keras.saving.load_model(ours.folder / run.model_path)
    outputs = ours.row_losses[0, "test_output", run.best_epoch]
    np.testing.assert_allclose(np.asarray(model(few_rows.test[0]))[:, 0], outputs, rtol=1e-4, atol=1e-5)
