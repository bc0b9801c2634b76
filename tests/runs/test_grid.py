"""The grid of measured epochs: dense at first, then log-spaced, independent of the chunk."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from justright.runs.grid import DENSE_EPOCHS, RATIO, measured_epochs


@given(first=st.integers(0, 3_000), epochs=st.integers(1, 400))
def test_the_grid_does_not_depend_on_where_a_chunk_begins(first, epochs):
    """A chunk's part of the grid is that part of the whole grid."""
    np.testing.assert_array_equal(measured_epochs(first, epochs), measured_epochs(0, first + epochs)[first:])


def test_every_early_epoch_and_then_one_in_ten_percent():
    """Neighbours on the grid are at most RATIO apart (and one epoch, for rounding)."""
    grid = np.flatnonzero(measured_epochs(0, 10_000))
    assert grid[:DENSE_EPOCHS].tolist() == list(range(DENSE_EPOCHS))
    late = grid[DENSE_EPOCHS - 1 :]
    assert (late[1:] <= late[:-1] * RATIO + 2).all()
    assert len(grid) < 100  # a few validation rows' losses per epoch would fill the database otherwise
