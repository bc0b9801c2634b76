"""Initial values drawn from few programs are those of Keras, bit for bit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training import initial_draws
from justright.training.initial_draws import LEAST_LENGTH, MOST_LENGTH, drawn_values, shared_draws
from justright.training.network import build_network

INITIALIZERS = ("glorot_uniform", "he_normal", "orthogonal", "zeros", "ones")
# Below, at and above a length of vectors, and beyond the longest.
SHAPES = ((28, 7), (LEAST_LENGTH // 32, 32), (29, 130), (MOST_LENGTH // 64 + 1, 64))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_keras_draws_the_same_values(name):
    """Whatever the shape: each initializer, in float32."""
    for shape in SHAPES:
        keras.utils.set_random_seed(3)
        plain = np.asarray(keras.initializers.get(name)(shape))
        keras.utils.set_random_seed(3)
        with shared_draws():
            shared = np.asarray(keras.initializers.get(name)(shape))
        assert (shared.dtype, shared.shape, shared.tobytes()) == (plain.dtype, plain.shape, plain.tobytes())


def test_jax_is_unchanged_afterwards():
    """Its own functions are back, also after a builder that failed."""
    before = jax.random.uniform, jax.random.normal, jax.random.truncated_normal, jnp.zeros, jnp.ones
    with pytest.raises(ZeroDivisionError), shared_draws():
        assert 1 / 0
    assert before == (jax.random.uniform, jax.random.normal, jax.random.truncated_normal, jnp.zeros, jnp.ones)


def test_what_a_builder_asks_of_jax_is_what_jax_gives():
    """Traced keys, positional shapes, bounds that are arrays, and other types."""
    key = jax.random.key(5)
    calls = (
        lambda: jax.random.uniform(key, (3, 2)),
        lambda: jax.random.uniform(key, shape=(3, 2), minval=jnp.array([0.0, 5.0]), maxval=9.0),
        lambda: jax.jit(lambda inner: jax.random.normal(inner, shape=(4,)))(key),
        lambda: jnp.zeros(3),
        lambda: jnp.zeros((2, 1), "bfloat16"),
        lambda: jnp.ones((2,), dtype="int32"),
    )
    for call in calls:
        plain = call()
        with shared_draws():
            shared = call()
        assert (shared.dtype, shared.shape) == (plain.dtype, plain.shape)
        np.testing.assert_array_equal(np.asarray(shared, np.float64), np.asarray(plain, np.float64))


def random_layers():
    """Initializers that scale what they draw, random layers with states of their own, constants."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28,)),
            layers.Dense(8, "relu", kernel_initializer="he_normal", bias_initializer="random_normal"),
            layers.Dropout(0.3),
            layers.GaussianNoise(0.1),
            layers.BatchNormalization(),
            layers.Dense(1, kernel_initializer=keras.initializers.TruncatedNormal(0.5, 0.1)),
        ]
    )


def from_numpy():
    """A kernel that the builder draws itself."""
    model = keras.Sequential([keras.Input((28,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.layers[0].kernel.assign(np.random.normal(size=(28, 3)))  # noqa: NPY002  # the one that Keras seeds
    return model


def orthogonal():
    """Values that are computed from drawn ones."""
    first = keras.layers.Dense(3, kernel_initializer="orthogonal")
    return keras.Sequential([keras.Input((28,)), first, keras.layers.Dense(1)])


def values_of(build):
    """Seed -> the initial values of its network, with the builds counted."""
    recipe, builds = Recipe().resolve("binary", 100), []

    def values(seed):
        builds.append(seed)
        options = {"seed": seed, "features": 28, "outputs": 1, "task": "binary"}
        return build_network("v", build, recipe, **options).initial_values()

    return values, builds


@pytest.mark.parametrize(
    "build", [mlp(16, 16, dropout=0.5, batch_normalization=True), mlp(300), random_layers]
)
def test_two_builds_give_the_values_of_all_seeds(build):
    """Bit for bit those of a build for each: weights, states of random layers, moving statistics, the optimizer's."""
    seeds = (5, 9, 2, 2**31 - 1, 77)
    values, builds = values_of(build)
    together = drawn_values(values, seeds)
    assert builds == [5, 9]
    for lane, seed in enumerate(seeds):
        for kind, alone in values(seed).items():
            for ours, theirs in zip(together[kind], alone, strict=True):
                assert (ours[lane].dtype, ours[lane].tobytes()) == (theirs.dtype, theirs.tobytes())


@pytest.mark.parametrize("build", [from_numpy, orthogonal])
def test_values_that_two_builds_do_not_explain_are_left_to_builds(build):
    """Nothing is guessed."""
    assert drawn_values(values_of(build)[0], (5, 9, 2, 77)) is None


def test_a_network_that_is_only_looked_at_draws_nothing(monkeypatch):
    """Its weights are zeros where others are drawn; all else is the same, and models of one's own are drawn as ever."""
    shape = {"seed": 1, "features": 3, "outputs": 1, "task": "binary", "is_blank": True}
    recipe = Recipe().resolve("binary", train_rows=100)
    drawn = build_network("a", mlp(4), recipe, **shape | {"is_blank": False}).initial_values()
    own = build_network("a", lambda: keras.Sequential([keras.layers.Dense(1)]), recipe, **shape)
    assert own.initial_values()["weights"][0].all()
    monkeypatch.setattr(initial_draws, "_prefix_of_draw", lambda *given, **options: pytest.fail("drawn"))
    blank = build_network("a", mlp(4), recipe, **shape).initial_values()
    assert {kind: [value.shape for value in values] for kind, values in blank.items()} == {
        kind: [value.shape for value in values] for kind, values in drawn.items()
    }
    assert not any(value.any() for value in blank["weights"])
