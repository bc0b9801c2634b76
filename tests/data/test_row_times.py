"""In a split by time, what is learned comes before what is measured."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.data.split import PARTS, SplitSpec, split_rows


@given(rows=st.integers(20, 200), days=st.integers(8, 60), seed=st.integers(0, 1_000))
def test_parts_follow_each_other_and_share_no_time(rows, days, seed):
    """The latest training row is earlier than the first validation row, and that part than the test rows."""
    times = np.random.default_rng(seed).integers(0, days, rows).astype(np.float64)
    if len(np.unique(times)) < 3:
        return
    parts = split_rows(SplitSpec(seed=seed), rows, None, times=times)
    assert times[parts["train"]].max() < times[parts["validation"]].min()
    assert times[parts["validation"]].max() < times[parts["test"]].min()
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(rows))


def test_sizes_are_exact_where_all_times_differ_and_leave_out_the_latest_rows():
    """100 rows in mixed order, of which 60 are asked for: the first 60."""
    times = np.random.default_rng(0).permutation(100).astype(np.float64)
    parts = split_rows(SplitSpec(20, train=30, test=10), 100, None, times=times)
    assert sorted(times[parts["train"]]) == list(range(30))
    assert sorted(times[parts["validation"]]) == list(range(30, 50))
    assert sorted(times[parts["test"]]) == list(range(50, 60))


def test_training_rows_are_shuffled():
    """So that fewer of them are a sample of the whole period."""
    times = np.arange(1_000.0)
    parts = split_rows(SplitSpec(), 1_000, None, times=times)
    assert abs(times[parts["train"][:100]].mean() - 300) < 60
    assert parts["test"].tolist() == list(range(800, 1_000))


def test_a_part_that_another_table_stands_in_for_takes_no_time():
    """Validation rows from elsewhere: training rows, then test rows."""
    parts = split_rows(SplitSpec(0, test=0.25), 8, None, has_validation_table=True, times=np.arange(8.0))
    assert [len(parts[part]) for part in PARTS] == [0, 6, 2]


def test_times_that_cannot_be_split_say_why():
    """Missing ones, and too few different ones."""
    assert refusal(split_rows, SplitSpec(), 4, None, times=np.array([1.0, np.nan, 2.0, 3.0])) == (
        "order='time' needs a time for each row; 1 of 4 rows have none. Leave those rows out, or use another order."
    )
    assert refusal(split_rows, SplitSpec(), 40, None, times=np.arange(40) % 2.0) == (
        "order='time' needs a different time for every part; there are 2 in all. "
        "Ask for fewer parts, or use another order."
    )
    assert refusal(split_rows, SplitSpec(), 40, None, times=np.arange(40.0), groups=np.arange(40) // 4) == (
        "Rows can be kept together by group, or validate and test later than they train; both were asked for. Give `group` or "
        "`time`, not both."
    )
