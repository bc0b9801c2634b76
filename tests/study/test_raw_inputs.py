"""Raw columns: which tables have them, and what is said about models that see them as they are."""

from __future__ import annotations

import numpy as np
import pytest

from justright.data.read import read_table
from justright.study.raw_inputs import has_raw_columns, needs_standardising, raw_input_warning


def split_of(factor, *, is_numeric=False):
    """A table with one column of another size."""
    x = np.random.default_rng(0).normal(size=(100, 3)) * (1, factor, 1)
    y = x[:, 0] if is_numeric else (np.arange(100) % 2).astype(float)
    return read_table((x, y)).split(validation=20, train=60)


@pytest.mark.parametrize(("factor", "is_raw"), [(1, False), (9, False), (1_900, True), (1e-6, False)])
def test_a_column_is_raw_if_its_size_is_above_ten(factor, is_raw):
    """Of the training rows; tiny ones are no trouble. A numeric target always has its inputs standardised."""
    assert has_raw_columns(split_of(factor)) == needs_standardising(split_of(factor)) == is_raw
    assert needs_standardising(split_of(factor, is_numeric=True))


def test_only_training_rows_decide():
    """What validation and test rows hold is not known yet."""
    x = np.random.default_rng(0).normal(size=(100, 1))
    x[:20], x[80:] = 1e6, -1e6
    table = read_table((x, (np.arange(100) % 2).astype(float)))
    assert not has_raw_columns(table.split(validation=20, train=60, order="head"))


def test_models_that_see_raw_columns_are_named_in_one_sentence():
    """Those with a layer that normalises are not; where nothing is raw, nothing is said."""
    models = [("a", ["Dense"]), ("b", ["Normalization", "Dense"]), ("c", ["Rescaling", "Dense"])]
    assert raw_input_warning(split_of(1_900), models) == (
        "Some columns have a mean or spread above 10, and 'a', 'c' take them as they are, which slows learning or prevents "
        "it. Begin with keras.layers.Normalization(): it is adapted to the training rows by itself."
    )
    assert raw_input_warning(split_of(1), models) is None
    assert raw_input_warning(split_of(1_900), models[1:2]) is None
