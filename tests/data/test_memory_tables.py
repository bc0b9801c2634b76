"""What is in memory - frames, records, mappings, data sets of other packages - becomes the columns that it holds."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_iris
from sklearn.utils import Bunch
from tests.refusals import refusal

from justright.data.read import read_table
from justright.data.readers.frames import in_memory
from justright.data.readers.frames.in_memory import read_memory
from justright.data.readers.plain_values import values_column
from justright.data.readers.tidy_columns import tidy_columns

CLOCK = dt.datetime.fromisoformat
DAYS = [dt.date(2020, 1, 1), None, dt.date(2020, 1, 3)]
TIMES = [CLOCK("2020-01-01 12:00"), None, CLOCK("2020-01-03")]


def columns(source, target=None):
    """Return the columns of a source as Python's values."""
    return read_memory(source, target).frame.to_dict(as_series=False)


def message(source, target=None):
    """Return the error message of reading a source."""
    return refusal(read_memory, source, target)


RECORDS = [{"a": 1, "b": {"c": "x"}}, {"a": None, "b": {"c": "y"}, "d": 2.5}]
RECORD_COLUMNS = {"a": [1, None], "b.c": ["x", "y"], "d": [None, 2.5]}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"a": [1, 2], "b": np.array([0.5, 1.5]), "c": pd.Series(["u", None])},
            {"a": [1, 2], "b": [0.5, 1.5], "c": ["u", None]},
        ),
        ({"a": pl.Series([1, 2]), "b": range(2), "c": ("x", 3)}, {"a": [1, 2], "b": [0, 1], "c": ["x", "3"]}),
        (RECORDS, RECORD_COLUMNS),
        ([[1, "x"], [2.5, None]], {"column_0": [1.0, 2.5], "column_1": ["x", None]}),
        ([[1, 2], [3, 4]], {"column_0": [1, 3], "column_1": [2, 4]}),
        (pa.table({"a": [1, 2], "d": DAYS[::2]}), {"a": [1, 2], "d": DAYS[::2]}),
        (pa.record_batch({"a": [1.5, None]}), {"a": [1.5, None]}),
        (scipy.sparse.csr_matrix([[0, 1.5], [2, 0]]), {"column_0": [0, 2], "column_1": [1.5, 0]}),
        (scipy.sparse.coo_array([[0, 1], [2, 0]]), {"column_0": [0, 2], "column_1": [1, 0]}),
        (np.array([(1, 2.5), (3, 4.5)], [("a", "i4"), ("b", "f8")]), {"a": [1, 3], "b": [2.5, 4.5]}),
        (
            np.array([[1, "x"], [None, dt.date(2020, 1, 1)]], object),
            {"column_0": [1, None], "column_1": ["x", "2020-01-01"]},
        ),
        (
            np.ma.masked_greater(np.array([[1, 9], [2, 3]]), 8),
            {"column_0": [1, 2], "column_1": [pytest.approx(np.nan, nan_ok=True), 3]},
        ),
        (np.array([["2020-01-01", "NaT"]], "M8[D]").T, {"column_0": [CLOCK("2020-01-01"), None]}),
    ],
    ids=range(13),
)
def test_every_shape_in_memory_is_its_columns(source, expected):
    """Mappings, records, rows, Arrow, sparse, structured, masked and mixed arrays, and arrays of dates."""
    assert columns(source) == expected


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.times(),
    st.timedeltas(),
    st.decimals(),
    st.fractions(),
    st.complex_numbers(),
    st.lists(st.integers(), max_size=2),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.just(np.float32(1.5)),
    st.just(np.datetime64("2020-01-01")),
    st.just(np.timedelta64(1, "D")),
)


@given(
    values=st.lists(ANYTHING, max_size=4)
    | st.sampled_from([st.times(), st.timedeltas(), st.datetimes()]).flatmap(st.lists)
)
def test_any_values_are_a_column(values):
    """Of as many rows, whatever they are."""
    assert len(values_column("x", values)) == len(values)
    assert tidy_columns(read_memory({"x": values}, None)).frame.height in (0, len(values))


def test_arrays_of_other_packages_are_read_through_their_array_protocol():
    """As torch and JAX tensors are."""

    class Tensor:
        def __array__(self, dtype=None, copy=None):
            return np.array([[1.0, 2.0]], dtype)

    assert columns(Tensor()) == {"column_0": [1.0], "column_1": [2.0]}
    assert columns((Tensor(), [7])) == {"column_0": [1.0], "column_1": [2.0], "target": [7]}


@pytest.mark.torch
def test_torch_tensors_are_read_even_with_gradients():
    """On any device, and detached."""
    torch = pytest.importorskip("torch")
    features = torch.tensor([[1.0], [2.0]], requires_grad=True)
    assert columns((features, torch.tensor([0, 1]))) == {"column_0": [1.0, 2.0], "target": [0, 1]}


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (pd.Series([7, 8], name="price"), "price"),
        (pl.DataFrame({"price": [7, 8]}), "price"),
        (pd.Series([7, 8], name="a"), "target"),  # a feature has that name
        (pd.Series([7, 8]), "target"),
        (pd.Series([7, 8], name=3), "target"),
    ],
    ids=range(5),
)
def test_a_target_of_its_own_keeps_its_name(target, name):
    """Reports and plans say what is predicted, as they do for a column of the table."""
    assert columns(pl.DataFrame({"a": [1, 2]}), target) == {"a": [1, 2], name: [7, 8]}


def test_a_list_of_names_is_no_target():
    """One row's values are a target; a column's name in brackets, as a selection of pandas has it, is not."""
    assert message(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), ["b"]) == (
        "The pandas frame: `target` must be the name of one column; got the list ['b']. Write target='b'."
    )


def test_pandas_columns_of_every_type_keep_their_meaning():
    """Dates are dates, missing is missing, and what is mixed is text."""
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(DAYS),
            "zone": pd.to_datetime(TIMES).tz_localize("Europe/Berlin"),
            "wait": pd.to_timedelta([1.5, None, 3], unit="s"),
            "month": pd.period_range("2020-01", periods=3, freq="M"),
            "level": pd.Categorical(["b", None, "a"]),
            "mixed": [1, "x", None],
            "dates": DAYS,
            "money": [Decimal("1.5"), None, Decimal(2)],
            "flag": pd.array([True, None, False], "boolean"),
            "count": pd.array([1, None, 3], "Int64"),
            "whole": [10**30, 1, 2],
            "list": [[1], [2], [3]],
        }
    )
    raw = read_memory(frame, "count")
    assert raw.frame.to_dict(as_series=False) == {
        "day": [CLOCK("2020-01-01"), None, CLOCK("2020-01-03")],
        "zone": [CLOCK("2020-01-01 12:00"), None, CLOCK("2020-01-03")],
        "wait": [1.5, None, 3.0],
        "month": ["2020-01", "2020-02", "2020-03"],
        "level": ["b", None, "a"],
        "mixed": ["1", "x", None],
        "dates": DAYS,
        "money": [1.5, None, 2.0],
        "flag": [1.0, None, 0.0],
        "count": [1.0, None, 3.0],
        "whole": [1e30, 1.0, 2.0],
    }
    assert raw.notes == (
        "Column 'list' holds lists or objects and is left out.",
        "Durations are taken in seconds: 'wait'.",
    )


@pytest.mark.parametrize(
    ("index", "kept"),
    [
        (None, {}),
        ([5, 3], {}),
        (pd.Index([5, 3], name="house"), {"house": [5, 3]}),
        (["x", "y"], {"index": ["x", "y"]}),
        (
            pd.to_datetime(["2020-01-01", "2020-01-02"]),
            {"index": [CLOCK("2020-01-01"), CLOCK("2020-01-02")]},
        ),
        (
            pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", None]),
            {"k": ["x", "y"], "index_1": [1, 2]},
        ),
        (pd.Index([5, 3], name="a"), {}),
    ],
    ids=["rows", "gaps", "named", "text", "times", "levels", "a column's name"],
)
def test_an_index_that_says_something_becomes_columns(index, kept):
    """After the others, so that their numbers stay; row numbers say nothing."""
    frame = pd.DataFrame({"a": [1, 2], "y": [0, 1]}, index=index)
    raw = read_memory(frame, -1)
    assert raw.frame.to_dict(as_series=False) == {"a": [1, 2], "y": [0, 1]} | kept
    assert raw.target == 1
    assert bool(raw.notes) == bool(kept)


def test_polars_structures_are_taken_apart_and_lists_left_out():
    """One level; what is deeper, and what is no single value, is said."""
    frame = pl.DataFrame(
        {
            "a": [{"b": 1, "c": {"d": 2}}, None],
            "l": [[1], [2]],
            "m": [[1], [2]],
            "raw": [b"x", b"\0\1"],
            "none": [None, None],
            "t": [dt.time(13, 8), None],
        }
    )
    raw = read_memory(frame, None)
    assert raw.frame.to_dict(as_series=False) == {
        "a.b": [1, None],
        "none": [None, None],
        "t": [dt.time(13, 8), None],
    }
    assert raw.notes == (
        "Column 'a.c' holds structures and is left out.",
        "2 columns hold lists and are left out: 'l', 'm'.",
        "Column 'raw' holds bytes and is left out.",
    )


def test_two_columns_of_one_name_after_taking_a_structure_apart_are_refused():
    """Rather than one of them lost."""
    frame = pl.DataFrame({"a.b": [1], "a": [{"b": 1}]})
    assert message(frame) == (
        "The Polars frame: Every column name must be unique; 'a.b' is number 0 and 1 (from 0). Rename one of them."
    )


def test_a_bunch_has_the_names_of_its_features_and_classes():
    """With arrays, with frames, and of numbers."""
    iris = read_table(load_iris())
    assert iris.feature_names[0] == "sepal length (cm)"
    assert (iris.class_names, iris.task) == (("setosa", "versicolor", "virginica"), "multiclass")
    assert columns(load_iris(as_frame=True)) == columns(load_iris())
    diabetes = load_diabetes()
    assert columns(diabetes)["target"] == diabetes.target.tolist()
    assert read_memory(diabetes, None).target == "target"
    assert (
        message(Bunch(data=[[1]]))
        == "The Bunch: it must hold 'data' and 'target'; it holds 'data'. Pass (X, y)."
    )


class ClassLabel:
    """Stands for that of the package `datasets`, which is no dependency, as the three classes below do."""

    names = ("cat", "dog")


class Dataset:
    """Rows of numbers and labels."""

    num_rows = 3

    def __init__(self):
        """Make it."""
        self.features = {"x": object(), "label": ClassLabel()}

    def with_format(self, kind):
        """Return itself: its rows are PyArrow's anyway."""
        assert kind == "arrow"
        return self

    def __getitem__(self, rows):
        assert rows == slice(None)
        return pa.table({"x": [1.0, 2.0, 3.0], "label": [0, 1, -1]})


class DatasetDict(dict):
    """Parts by name."""


class IterableDataset:
    """Rows without a number."""


for kind in (Dataset, DatasetDict, IterableDataset):
    kind.__module__ = "datasets.made_up"


def test_a_data_set_has_the_names_of_its_classes():
    """-1 marks a label that is missing."""
    assert columns(Dataset()) == {"x": [1.0, 2.0, 3.0], "label": ["cat", "dog", None]}


def test_what_is_no_one_data_set_is_refused():
    """Several parts, or rows without an end."""
    assert message(DatasetDict(train=1, test=2)) == (
        "The DatasetDict: one part must be given; it has 'train', 'test'. Pass dataset['train']."
    )
    assert message(IterableDataset()) == (
        "The IterableDataset: a data set whose rows can be counted must be given. "
        "Pass datasets.Dataset.from_list(list(dataset.take(10_000)))."
    )


def test_what_holds_no_table_is_refused(monkeypatch):
    """With what it is instead."""
    assert message({"a": [1], "b": "text", "c": 3}) == (
        "The dict: a mapping must hold columns, a sequence of values each; 'b', 'c' hold something else. "
        "Pass columns, or a frame."
    )
    assert message({}) == (
        "The dict: a mapping must hold columns, a sequence of values each; it is empty. Pass columns, or a frame."
    )
    assert (
        message({"a": [1], "b": [1, 2]})
        == "The dict: every column must have as many values; they have 1 to 2."
    )
    for rows in ([], [1, 2], [[1], [1, 2]]):
        assert message(rows) == (
            "The list: a list must hold records, or rows of one length. Pass a list of dictionaries, or a pair (X, y)."
        )
    assert (
        message({"a": np.ones((2, 2))})
        == "The dict: column 'a' must have one axis, (rows,); got shape (2, 2)."
    )
    monkeypatch.setattr(in_memory, "MAX_TABLE_BYTES", 1_000)
    assert message(scipy.sparse.csr_matrix((100, 100))) == (
        "The sparse matrix: a table must take at most 1,000 bytes in memory; its shape (100, 100) takes 80,000 with its zeros. "
        "Give fewer rows or columns."
    )
