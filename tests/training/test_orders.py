"""Batch orders, of the host and of the device: permutations that depend on seed and epoch, and on nothing else."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from justright.training import orders
from justright.training.orders import (
    batch_order,
    chunk_mixes,
    chunk_orders,
    drawn_mixes,
    drawn_order,
    seed_keys,
)


@given(seed=st.integers(0, 2**31 - 1), epoch=st.integers(0, 10**6), rows=st.integers(1, 300))
def test_every_order_visits_every_row_once(seed, epoch, rows):
    """A permutation, and the same one whenever it is asked for."""
    order = batch_order(seed, epoch, rows)
    np.testing.assert_array_equal(np.sort(order), np.arange(rows))
    np.testing.assert_array_equal(order, batch_order(seed, epoch, rows))


def order_by_keys(seed, epoch, rows):
    """The order as it is defined: rows sorted by random keys, equal ones by number."""
    generator = np.random.Generator(np.random.SFC64((seed, epoch)))
    if rows <= orders.SHORT_KEY_ROWS:
        keys = generator.integers(0, 2**16, rows, dtype=np.uint16)
    else:
        keys = generator.integers(0, 2**64, rows, dtype=np.uint64) >> np.uint64((rows - 1).bit_length())
    return sorted(range(rows), key=keys.tolist().__getitem__)


@pytest.mark.parametrize("rows", [1, 2, 500, 10_000, orders.SHORT_KEY_ROWS, orders.SHORT_KEY_ROWS + 1])
def test_rows_come_in_the_order_of_their_keys(rows):
    """Short keys and long ones, where some are equal too: of 10,000 rows one in seven has another's key."""
    for epoch in range(20):
        np.testing.assert_array_equal(batch_order(7, epoch, rows), order_by_keys(7, epoch, rows))


@pytest.mark.parametrize("rows", [2, 10_000, orders.SHORT_KEY_ROWS, orders.SHORT_KEY_ROWS + 1])
def test_of_two_rows_either_comes_first_equally_often(rows):
    """Neighbours in the file, and rows half a file apart: keys of 16 bits are seldom enough equal not to be noticed."""
    epochs = max(4, 8_000 // rows)
    for distance in (1, rows // 2):
        first = np.zeros(2)
        for epoch in range(epochs):
            place = np.argsort(batch_order(3, epoch, rows))
            pairs = np.arange(rows - distance)
            pairs = pairs[pairs // distance % 2 == 0]  # each row in one pair
            first += (place[pairs] < place[pairs + distance]).sum(), len(pairs)
        assert stats.binomtest(int(first[0]), int(first[1])).pvalue > 1e-6


@pytest.mark.parametrize("rows", [10_000, orders.SHORT_KEY_ROWS])
def test_orders_are_as_uncorrelated_as_shuffles(rows):
    """With the file, and one epoch's with the next: rank correlations are standard normal over sqrt(rows - 1)."""
    every = np.array([batch_order(5, epoch, rows) for epoch in range(100)], np.float64)
    every -= every.mean(axis=1, keepdims=True)
    file = np.arange(rows) - (rows - 1) / 2
    scale = np.sqrt(rows - 1) / (file**2).sum()
    for found in (every @ file, (every[1:] * every[:-1]).sum(axis=1)):
        assert stats.kstest(found * scale, stats.norm.cdf).pvalue > 1e-6


def test_orders_differ_by_seed_and_by_epoch():
    """Also (1, 0) from (0, 1): the key is a pair, not a sum."""
    different = {batch_order(seed, epoch, 50).tobytes() for seed in range(20) for epoch in range(20)}
    assert len(different) == 400


@given(first=st.integers(0, 50), epochs=st.integers(1, 6), spare=st.integers(0, 3))
def test_chunks_of_any_length_hold_the_same_orders(first, epochs, spare):
    """Where a chunk begins and how much of it is used cannot change an order; the rest is zeros."""
    seeds = (3, 0, 9)
    chunk = chunk_orders(seeds, first, epochs, 7, length=epochs + spare)
    assert chunk.shape == (epochs + spare, 3, 7)
    for offset in range(epochs):
        for lane, seed in enumerate(seeds):
            np.testing.assert_array_equal(chunk[offset, lane], batch_order(seed, first + offset, 7))
    assert not chunk[epochs:].any()


def test_every_row_comes_at_every_place_equally_often():
    """A chi-square test of (row, place) counts over 20,000 epochs of ten rows."""
    counts = np.zeros((10, 10))
    for epoch in range(20_000):
        counts[batch_order(0, epoch, 10), np.arange(10)] += 1
    statistic = ((counts - 2_000) ** 2 / 2_000).sum()
    assert 1e-6 < stats.chi2(81).sf(statistic) < 1 - 1e-6


@given(first=st.integers(0, 50), epochs=st.integers(1, 6), spare=st.integers(0, 3))
def test_chunks_of_any_length_hold_the_same_mixtures(first, epochs, spare):
    """Each epoch's weights depend on seed and epoch alone, and differ from one to the next; the rest is ones."""
    seeds = (3, 0)
    mixes = chunk_mixes(seeds, first, epochs, 5, alpha=0.4, length=epochs + spare)
    assert mixes.shape == (epochs + spare, 2, 5)
    for offset in range(epochs):
        for lane, seed in enumerate(seeds):
            alone = chunk_mixes((seed,), first + offset, 1, 5, alpha=0.4, length=1)[0, 0]
            np.testing.assert_array_equal(mixes[offset, lane], alone)
    assert len(np.unique(mixes[:epochs].reshape(-1, 5), axis=0)) == 2 * epochs
    assert (mixes[epochs:] == 1).all()


@pytest.mark.parametrize("alpha", [0.4, 1.0, 4.0])
def test_mixtures_follow_their_distribution(alpha):
    """A Kolmogorov-Smirnov test against Beta(alpha, alpha) over 2,000 epochs of five steps."""
    drawn = np.concatenate(
        [chunk_mixes((0,), epoch, 1, 5, alpha=alpha, length=1).ravel() for epoch in range(2_000)]
    )
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert stats.kstest(drawn, stats.beta(alpha, alpha).cdf).pvalue > 1e-6


@pytest.fixture(scope="module")
def drawn():
    """(epochs, lanes, rows) orders that the device draws for seeds and the first epochs, compiled once for each shape."""

    @partial(jax.jit, static_argnums=(1, 2))
    def orders_of(keys, epochs, rows):
        one = jax.vmap(lambda words, epoch: drawn_order(words, epoch, rows), (0, None))
        return jax.lax.map(lambda epoch: one(keys, epoch), jax.numpy.arange(epochs))

    return lambda seeds, epochs, rows: np.asarray(orders_of(seed_keys(seeds), epochs, rows))


def test_drawn_orders_visit_every_row_once(drawn):
    """Permutations, different for each seed and epoch."""
    every = drawn((0, 1, 2**31 - 1), 50, 60)
    np.testing.assert_array_equal(np.sort(every, axis=-1), np.broadcast_to(np.arange(60), every.shape))
    assert len({order.tobytes() for order in every.reshape(-1, 60)}) == 150


def test_a_drawn_order_depends_on_seed_and_epoch_alone(drawn):
    """On neither the lanes beside it nor the epochs before it: the same drawn alone."""
    every = drawn((3, 8, 5), 6, 100)
    np.testing.assert_array_equal(drawn((8,), 6, 100)[:, 0], every[:, 1])
    (words,) = seed_keys((5,))
    np.testing.assert_array_equal(drawn_order(words, 4, 100), every[4, 2])


def test_every_row_comes_at_every_place_equally_often_on_the_device(drawn):
    """A chi-square test of (row, place) counts over 20,000 epochs of ten rows."""
    counts = np.zeros((10, 10))
    for order in drawn((0, 7), 10_000, 10).reshape(-1, 10):
        counts[order, np.arange(10)] += 1
    statistic = ((counts - 2_000) ** 2 / 2_000).sum()
    assert 1e-6 < stats.chi2(81).sf(statistic) < 1 - 1e-6


def test_drawn_orders_are_as_uncorrelated_as_shuffles(drawn):
    """With the file, one epoch's with the next, and one seed's with another's."""
    rows = 10_000
    every = drawn((5, 6), 100, rows).astype(np.float64)
    every -= every.mean(axis=-1, keepdims=True)
    file = np.arange(rows) - (rows - 1) / 2
    scale = np.sqrt(rows - 1) / (file**2).sum()
    products = (
        every[:, 0] @ file,
        (every[1:] * every[:-1]).sum(axis=-1).ravel(),
        (every[:, 0] * every[:, 1]).sum(axis=-1),
    )
    for found in products:
        assert stats.kstest(found * scale, stats.norm.cdf).pvalue > 1e-6


@pytest.mark.parametrize("alpha", [0.4, 1.0, 4.0])
def test_drawn_mixtures_follow_their_distribution(alpha):
    """A Kolmogorov-Smirnov test against Beta(alpha, alpha) over 2,000 epochs of five steps, each epoch's its own."""
    (words,) = seed_keys((0,))
    draw = jax.jit(jax.vmap(lambda epoch: drawn_mixes(words, epoch, 5, alpha)))
    drawn = np.asarray(draw(np.arange(2_000)), np.float64)
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert len(np.unique(drawn[:, 0])) > 1_990
    assert stats.kstest(drawn.ravel(), stats.beta(alpha, alpha).cdf).pvalue > 1e-6
