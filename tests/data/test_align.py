"""A second table comes to the columns and classes of the first, or one sentence says what differs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from justright.data.read import read_table
from justright.data.table import align_table
from justright.errors import InputError

LIKE = read_table(pl.DataFrame({"a": [1.0, 2, 3], "b": [4.0, 5, 6], "y": ["n", "p", "n"]}))


def refusal(table, like=LIKE) -> str:
    """Return the error message of aligning."""
    with pytest.raises(InputError) as caught:
        align_table(table, like=like)
    return str(caught.value)


def test_columns_are_matched_by_name():
    """Another order of columns is put right."""
    table = read_table(pl.DataFrame({"y": ["p", "n"], "b": [1.0, 2], "a": [3.0, 4]}))
    aligned = align_table(table, like=LIKE)
    assert aligned.feature_names == ("a", "b")
    assert aligned.features.tolist() == [[3, 1], [4, 2]]
    assert aligned.target.tolist() == [1, 0]


def test_columns_without_names_are_matched_by_position():
    """An array tests a named table, and a named table a header-less one."""
    array = read_table((np.array([[1.0, 2], [3, 4]]), ["n", "p"]))
    assert align_table(array, like=LIKE).feature_names == ("a", "b")
    assert align_table(LIKE, like=array).feature_names == ("column_0", "column_1")
    three = read_table((np.ones((2, 3)), ["n", "p"]))
    assert align_table(three, like=array).features.shape == (2, 2)


def test_levels_that_only_the_first_has_become_zeros():
    """A level missing from the test file is a column of zeros, and a new one is none of the known."""
    like = read_table(pl.DataFrame({"c": ["r", "g", "b"], "y": [0, 1, 0]}), categorical=["c"])
    table = read_table(pl.DataFrame({"c": ["r", "g"], "y": [0, 1]}), categorical=["c"])
    aligned = align_table(table, like=like)
    assert aligned.feature_names == ("c=b", "c=g", "c=r")
    assert aligned.features.tolist() == [[0, 0, 1], [0, 1, 0]]
    assert align_table(like, like=table).features.tolist() == [[0, 1], [1, 0], [0, 0]]


def test_classes_are_matched_by_name():
    """A test file with some of the classes keeps their codes; numbers go to a regression as numbers."""
    like = read_table((np.zeros((6, 1)), [1, 2, 3, 1, 2, 3]), task="multiclass")
    table = read_table((np.zeros((2, 1)), [3, 1]))
    aligned = align_table(table, like=like)
    assert (aligned.task, aligned.class_names, aligned.target.tolist()) == (
        "multiclass",
        ("1", "2", "3"),
        [2, 0],
    )
    assert aligned.target.dtype == np.int32
    numbers = read_table((np.zeros((3, 1)), [0.5, 1.5, 2.25]))
    back = align_table(table, like=numbers)
    assert (back.task, back.class_names, back.target.tolist()) == ("regression", (), [3, 1])


def test_what_differs_is_listed():
    """Missing or extra columns, unknown classes, numbers for classes and classes for numbers."""
    other = read_table(pl.DataFrame({"a": [1.0, 2], "z": [1.0, 2], "y": ["n", "p"]}))
    assert refusal(other) == (
        "Table '<memory>' must have the columns of the training table; it lacks 'b'. It has 'a', 'z'."
    )
    classes = "The target of Table '<memory>' must hold the classes of Table '<memory>', 'n', 'p'; "
    third = read_table(pl.DataFrame({"a": [1.0, 2], "b": [1.0, 2], "y": ["n", "q"]}))
    assert (
        refusal(third) == classes + "it also holds 'q'. Remove those rows, or name the right target column."
    )
    numbers = read_table(pl.DataFrame({"a": [1.0, 2, 3], "b": [1.0, 2, 3], "y": [0.5, 1.5, 2.5]}))
    assert refusal(numbers) == (
        classes + "its values are numbers, not classes. Name the right target column."
    )
    assert refusal(LIKE, numbers) == (
        "The target of Table '<memory>' must be numeric as in Table '<memory>'; it holds 'n', 'p'. "
        "Name the right target column."
    )
