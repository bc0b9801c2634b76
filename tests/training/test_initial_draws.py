"""Initial values drawn from few programs are those of Keras, bit for bit."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from justright.training.initial_draws import LEAST_LENGTH, MOST_LENGTH, shared_draws

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
