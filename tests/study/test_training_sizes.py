"""Training sizes for a learning curve."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.refusals import refusal

from justright.data import tables
from justright.study.studies import named_study
from justright.study.study import learning_sizes


@pytest.mark.parametrize(("rows", "count"), [(32, 5), (10_000, 5), (9_999, 7), (2, 1)])
def test_sizes_double_and_end_at_all_rows(rows, count):
    """Each size is twice the one before, to rounding; the largest is everything."""
    sizes = learning_sizes(rows, count)
    assert len(sizes) == count
    assert sizes[-1] == rows
    assert all(abs(large - 2 * small) <= 2 for small, large in pairwise(sizes))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (31,),
            (
                "`rows` must be a whole number of at least 32 for 5 sizes, each twice the one before and the smallest "
                "2; got 31. Train on more rows, or on fewer sizes."
            ),
        ),
        ((1_000, 0), "`count` must be a whole number of at least 1; got 0."),
    ],
)
def test_too_few_rows_are_refused(arguments, message):
    """Whole messages."""
    assert refusal(learning_sizes, *arguments) == message


def test_the_data_study_trains_three_seeds_on_five_sizes():
    """What `--study data` means, on a table of any size."""
    split = tables.teacher(2).table(400).split(validation=40, train=320, order="head")
    study = named_study("data").on(split)
    assert study.seeds == (1, 2, 3)
    assert study.train_sizes == (20, 40, 80, 160, 320)
    assert named_study("data").on(split, seeds=2).seeds == (1, 2)
