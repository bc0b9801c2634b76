"""Dropout's hashed masks: exact rates, independence along every axis, and a Keras that is left as it was."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from scipy import stats

from justright.training.masks import dropout, hashed_dropout, mask_below, threshold_of

SHAPE = (500, 512)  # a batch of the tutorial's widest layer
STEPS = 60
# Five standard errors: with about fifty statistics in this file, a sound generator fails once in 30,000 runs of it,
# and the masks are a fixed function of the keys, so what passed once always passes.
LIMIT = 5.0
KEYS = [(seed, step * 1024) for seed in (0, 7, 2**31 + 5) for step in range(STEPS // 3)]


def keep_mask(key, shape, keep):
    """Return booleans that are True with probability `keep`."""
    return mask_below(key, shape, np.uint32(threshold_of(keep)))


masks_of = jax.jit(keep_mask, static_argnums=(1, 2))


def mask(seed, draw, *, keep=0.5, shape=SHAPE):
    """Return one mask as booleans."""
    return np.asarray(masks_of(jnp.array([seed, draw], jnp.uint32), shape, keep))


@pytest.fixture(scope="module")
def masks():
    """(steps, rows, units) masks of three seeds at keep probability 0.5."""
    return np.stack([mask(*key) for key in KEYS])


def correlation_score(first, second):
    """Return the correlation of two masks in standard errors; 0 for independent ones."""
    return np.corrcoef(first.ravel(), second.ravel())[0, 1] * np.sqrt(first.size)


@pytest.mark.parametrize("keep", [0.01, 0.25, 0.5, 0.8, 0.9, 0.999])
def test_the_keep_rate_is_exact(keep):
    """Within binomial error, over 4 million units and several keys."""
    kept = sum(int(mask(3, draw, keep=keep).sum()) for draw in range(16))
    units = 16 * SHAPE[0] * SHAPE[1]
    assert abs(kept - units * keep) < LIMIT * np.sqrt(units * keep * (1 - keep))


@pytest.mark.parametrize(("axis", "name"), [(1, "row"), (2, "unit")])
def test_sums_along_an_axis_scatter_as_binomial_ones(masks, axis, name):
    """Pearson's chi-square of row sums and of column sums: neither over- nor underdispersed."""
    count = masks.shape[3 - axis]
    sums = masks.sum(3 - axis)
    chi_square = ((sums - count / 2) ** 2 / (count / 4)).sum()
    score = (chi_square - sums.size) / np.sqrt(2 * sums.size)
    assert abs(score) < LIMIT, name


@pytest.mark.parametrize("lag", [(0, 1), (0, 2), (0, 64), (0, 256), (1, 0), (1, 1), (2, 0), (250, 0)])
def test_neighbouring_units_and_rows_are_uncorrelated(masks, lag):
    """A unit says nothing about the one next to it, a power of two away, or in the next row."""
    rows, units = lag
    first = masks[:, : SHAPE[0] - rows, : SHAPE[1] - units]
    assert abs(correlation_score(first, masks[:, rows:, units:])) < LIMIT


def test_successive_steps_are_uncorrelated(masks):
    """A unit says nothing about itself one step later."""
    assert abs(correlation_score(masks[:-1], masks[1:])) < LIMIT


@pytest.mark.parametrize("other", [(1, 0), (0, 1), (0, 1024), (2**31, 0), (0, 2**31), (1, 1)])
def test_other_keys_give_independent_masks(other):
    """Another layer's seed, another draw of a step, another step: a different, uncorrelated mask."""
    first, second = mask(0, 0), mask(*other)
    assert abs(correlation_score(first, second)) < LIMIT
    shifted = [np.roll(second, shift, axis=1) for shift in (1, -1, 2)]
    assert max(abs(correlation_score(first, values)) for values in shifted) < LIMIT


def test_units_of_a_row_are_jointly_uniform(masks):
    """The 256 patterns of eight neighbouring units are equally frequent."""
    bits = masks.reshape(-1, 8) @ (1 << np.arange(8))
    counts = np.bincount(bits, minlength=256)
    assert stats.chisquare(counts).pvalue > 1e-6


def test_the_same_key_gives_the_same_mask_in_any_program():
    """Masks are a function of the key: alone, under vmap, and inside a loop."""
    keys = jnp.array([[5, 0], [5, 1024], [9, 0]], jnp.uint32)
    alone = np.stack([np.asarray(keep_mask(key, (8, 16), 0.3)) for key in keys])
    np.testing.assert_array_equal(jax.vmap(lambda key: keep_mask(key, (8, 16), 0.3))(keys), alone)
    np.testing.assert_array_equal(jax.lax.map(lambda key: keep_mask(key, (8, 16), 0.3), keys), alone)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.75])
def test_kept_units_are_scaled_so_that_the_mean_stays(rate):
    """Inverted dropout: zeros, and everything else divided by the keep probability."""
    x = jnp.full((200, 300), 3.0)
    y = np.asarray(dropout(x, rate, seed=keras.random.SeedGenerator(1)))
    assert set(np.unique(y)) == {np.float32(0), np.float32(3) * np.float32(1 / (1 - rate))}
    error = 3 * np.sqrt(rate / (1 - rate) / y.size)
    assert abs(y.mean() - 3) < LIMIT * error


def test_rates_of_nothing_and_everything():
    """Rate 0 changes nothing; rate 1 leaves zeros, without dividing by zero."""
    x = jnp.arange(6.0).reshape(2, 3)
    seed = keras.random.SeedGenerator(1)
    np.testing.assert_array_equal(dropout(x, 0.0, seed=seed), x)
    np.testing.assert_array_equal(dropout(x, 1.0, seed=seed), jnp.zeros_like(x))


@pytest.mark.parametrize("noise_shape", [(40, 1, 6), (None, 1, None), (1, 5, 6)])
def test_noise_shape_shares_a_mask_along_its_ones(noise_shape):
    """As Keras documents it: axes of size 1 are kept or dropped as a whole, None takes the input's size."""
    y = np.asarray(dropout(jnp.ones((40, 5, 6)), 0.5, noise_shape, keras.random.SeedGenerator(2))) > 0
    for axis, size in enumerate(noise_shape):
        if size == 1:
            assert (y == y.take([0], axis=axis)).all()
        else:
            assert not (y == y.take([0], axis=axis)).all()


def test_half_precision_inputs_stay_half_precision():
    """The result has its input's type, so that a mixed-precision model stays one."""
    y = dropout(jnp.ones((4, 4), jnp.bfloat16), 0.5, seed=keras.random.SeedGenerator(3))
    assert y.dtype == jnp.bfloat16


def test_keras_is_unchanged_outside_the_block():
    """Also when the block raises: the user's process keeps Keras' own dropout."""
    from keras.src.backend.jax import random

    def draw():
        return np.asarray(keras.random.dropout(jnp.ones((8, 8)), 0.5, seed=11))

    original, before = random.dropout, draw()
    with pytest.raises(ZeroDivisionError), hashed_dropout():  # noqa: PT012  # the block is what is tested
        assert random.dropout is dropout
        assert not np.array_equal(draw(), before)
        raise ZeroDivisionError
    assert random.dropout is original
    np.testing.assert_array_equal(draw(), before)
