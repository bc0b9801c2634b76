"""`benchmarks.categories` encodes as it says, and tells a column that matters from one that does not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from benchmarks import categories
from benchmarks.categories import ENCODINGS, Case, compare, encode_plain, hashed, level_codes, standardised

WORDS = np.array(["a", "b", "a", "c", "a", "b", "new"])
TRAIN = np.arange(6)


def test_frequent_levels_have_a_feature_of_their_own():
    """And all others, new ones among them, share the last."""
    assert categories.top(2)(WORDS, TRAIN).argmax(axis=1).tolist() == [0, 1, 0, 2, 0, 1, 2]
    assert categories.top(9, least=3)(WORDS, TRAIN).argmax(axis=1).tolist() == [0, 1, 0, 1, 0, 1, 1]


def test_a_new_level_is_as_frequent_as_one_that_came_once():
    """Logarithms of 3, 2, 1, and of 1 for the new one."""
    found = categories.frequency(WORDS, TRAIN)
    np.testing.assert_allclose(np.exp(found[:, 0]), [3, 2, 3, 1, 3, 2, 1])


def test_a_hash_chooses_one_feature_for_each_level():
    """Rows of the same level agree; signs are as many as asked."""
    plain, signed = (hashed(8, is_signed=sign)(WORDS, TRAIN) for sign in (False, True))
    assert (plain.sum(axis=1) == 1).all()
    assert (abs(signed) == plain).all()
    assert (signed[0] == signed[2]).all()
    assert not (
        hashed(64, is_signed=False)(WORDS, TRAIN)[0] == hashed(64, is_signed=False)(WORDS, TRAIN)[1]
    ).all()


def test_levels_are_numbered_from_one():
    """0 is for those that training rows do not hold."""
    assert level_codes(WORDS, TRAIN).tolist() == [1, 2, 1, 3, 1, 2, 0]


def test_flags_are_only_centred_unless_asked():
    """A column of 0 and 1 with one 1 in four rows."""
    values = np.array([[0.0], [0.0], [0.0], [1.0]])
    assert standardised(values, np.arange(4), scale_flags=False)[3, 0] == 0.75
    assert standardised(values, np.arange(4), scale_flags=True)[3, 0] == pytest.approx(np.sqrt(3))


def test_missing_numbers_are_the_median_of_training_rows():
    """With a flag beside."""
    frame = pl.DataFrame({"x": [1.0, None, 3.0, 99.0], "w": ["u", None, "u", "v"]})
    found = encode_plain(frame, np.arange(3))
    assert found.tolist() == [[1, 0, 0, 1], [2, 1, 1, 0], [3, 0, 0, 1], [99, 0, 0, 0]]


def test_a_column_that_determines_the_target_is_found_useful(monkeypatch):
    """Twelve levels with a mean each: an embedding finds them. Losses are shares of the target's variance."""
    monkeypatch.setattr(categories, "SPLITS", 2)
    monkeypatch.setattr(categories, "EPOCHS", 30)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 12, 600)
    effects = rng.normal(size=12)
    frame = pl.DataFrame(
        {"x": rng.normal(size=600), "level": [f"L{code}" for code in codes], "y": effects[codes]}
    )
    case = Case(frame, "y", ("level",))
    found = compare(case, [categories.EMBEDDING])
    assert found[categories.EMBEDDING].mean() < 0.5
    assert set(found) <= set(ENCODINGS)
