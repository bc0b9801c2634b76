"""Copies of rows are found, and no part of a split holds a copy of another part's row."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from justright.data.duplicates import find_duplicates, hash_table
from justright.data.read import read_table


@given(rows=st.integers(1, 60), values=st.integers(1, 6), columns=st.integers(1, 3), seed=st.integers(0, 999))
def test_copies_are_those_that_numpy_finds(rows, values, columns, seed):
    """Against a comparison of whole rows."""
    x = np.random.default_rng(seed).integers(0, values, (rows, columns)).astype(np.float32)
    found = find_duplicates(x)
    _, first, own = np.unique(x, axis=0, return_index=True, return_inverse=True)
    assert found.copies == rows - len(first)
    assert found.is_natural == (bool(found.copies) and len(first) < rows / 2)
    if found.groups is not None:
        expected = first[own.reshape(-1)]
        together = found.groups == expected
        # A row that makes up more than a tenth of the table is left alone.
        common = np.bincount(own.reshape(-1))[own.reshape(-1)] > max(2, rows / 10)
        assert together[~common].all()
        assert (found.groups[common] == np.flatnonzero(common)).all()


def test_a_change_of_any_column_or_of_the_target_is_seen():
    """Neighbouring numbers, numbers in each other's columns, and the sign of zero."""
    x = np.array([[1, 2], [2, 1], [1, np.nextafter(np.float32(2), np.float32(3))], [1, 2]], np.float32)
    assert find_duplicates(x).groups.tolist() == [0, 1, 2, 0]
    assert find_duplicates(x, np.array([0, 0, 0, 1], np.float32)).groups is None
    assert find_duplicates(np.array([[0.0], [-0.0], [1.0]], np.float32)).copies == 1


def test_frames_of_text_are_compared_as_they_were_read(monkeypatch):
    """In blocks: a copy in another block is found."""
    monkeypatch.setattr("justright.data.duplicates.FRAME_BLOCK_ROWS", 2)
    frame = pl.DataFrame({"a": ["x", "y", "x", None, "z"], "b": [1.5, 2.0, 1.5, None, 1.0]})
    assert find_duplicates(frame).groups.tolist() == [0, 1, 0, 3, 4]


def test_copies_stay_in_one_part_of_a_shuffled_split():
    """A fifth of the rows twice; in the order of the file nothing is kept together."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((200, 3)).astype(np.float32)
    x = np.concatenate([x, x[:50]])
    y = (x[:, 0] > 0).astype(np.float32)
    for order in ("random", "stratified"):
        split = read_table((x, y)).split(order=order)
        held = [{row.tobytes() for row in split.arrays(part)[0]} for part in ("train", "validation", "test")]
        assert [left & right for left, right in combinations(held, 2)] == [set(), set(), set()]
        assert split.sizes == {"train": 150, "validation": 50, "test": 50}
        assert (split.duplicates.copies, split.duplicates.groups) == (50, None)
    assert read_table((x, y)).split(order="head").duplicates is None


def test_rows_that_repeat_by_nature_are_split_one_by_one():
    """Two yes/no columns: four different rows."""
    x = np.random.default_rng(0).integers(0, 2, (100, 2)).astype(np.float32)
    table = read_table((x, np.arange(100) % 2))
    split = table.split(order="random")
    assert split.duplicates.is_natural
    assert split.sizes == {"train": 60, "validation": 20, "test": 20}


def test_hashes_of_blocks_are_those_of_all_rows_at_once(monkeypatch):
    """With a target and without, and for a number of rows that blocks do not divide."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(11, 3)).astype(np.float32), rng.integers(0, 2, 11).astype(np.float32)
    at_once = hash_table(x), hash_table(x, y)
    monkeypatch.setattr("justright.data.arrays.BLOCK_VALUES", 12)
    for expected, found in zip(at_once, (hash_table(x), hash_table(x, y)), strict=True):
        assert found.tolist() == expected.tolist()
    assert hash_table(x[5:6], y[5:6]).tolist() == at_once[1][5:6].tolist()
