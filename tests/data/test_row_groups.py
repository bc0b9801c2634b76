"""Groups of rows stay in one part, whose sizes and classes come as near to those wanted as the groups allow."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from justright.data.row_groups import join_groups
from justright.data.split import PARTS, Classes, SplitSpec, split_rows
from justright.errors import InputError


def make_classes(codes: np.ndarray) -> Classes:
    """Return classes of rows."""
    return Classes(codes.astype(np.int64), tuple("abcd"[: codes.max() + 1]))


@settings(max_examples=60)
@given(
    rows=st.integers(40, 300),
    groups=st.integers(12, 200),
    classes=st.integers(0, 3),
    order=st.sampled_from((None, "random")),
    seed=st.integers(0, 2**32),
)
def test_no_group_is_ever_in_two_parts(rows, groups, classes, order, seed):
    """Whatever groups there are: every row once, no group split, every class learned, the same again."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, groups, rows) * 7 - 3
    target = None
    if classes > 1:
        target = make_classes(np.concatenate([np.arange(classes), rng.integers(0, classes, rows - classes)]))
    spec = SplitSpec(order=order, seed=seed)
    parts = split_rows(spec, rows, target, groups=codes)
    every = np.concatenate(list(parts.values()))
    assert sorted(every.tolist()) == list(range(rows))
    held = [set(codes[parts[part]].tolist()) for part in PARTS]
    assert [left & right for left, right in combinations(held, 2)] == [set(), set(), set()]
    if target is not None:
        assert len(np.unique(target.codes[parts["train"]])) == classes
    again = split_rows(spec, rows, target, groups=codes)
    assert all(np.array_equal(parts[part], again[part]) for part in PARTS)


def test_sizes_and_classes_come_near_to_those_asked_for():
    """400 groups of 1 to 9 rows, each nearly of one class: sizes to a few rows, classes to a percentage point or two."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(400), rng.integers(1, 10, 400))
    target = (rng.random(400) < 0.3)[codes] ^ (rng.random(len(codes)) < 0.05)
    parts = split_rows(SplitSpec(), len(codes), make_classes(target.astype(np.int64)), groups=codes)
    for part, share in (("train", 0.6), ("validation", 0.2), ("test", 0.2)):
        assert abs(len(parts[part]) - share * len(codes)) <= 2
        assert abs(target[parts[part]].mean() - target.mean()) < 0.02


def test_single_rows_make_up_for_the_sizes_of_groups():
    """A few groups among single rows: exactly the sizes asked for, and rows that no part asked for stay out of all."""
    codes = np.concatenate([np.repeat([0, 1, 2], 7), np.arange(3, 82)])
    parts = split_rows(SplitSpec(20, train=50, test=10), 100, None, groups=codes)
    assert {part: len(rows) for part, rows in parts.items()} == {"validation": 20, "train": 50, "test": 10}


def test_three_large_groups_make_three_parts():
    """No part stays empty while there is a group for it."""
    parts = split_rows(SplitSpec(), 30, None, groups=np.arange(30) // 10)
    assert {part: len(rows) for part, rows in parts.items()} == {"validation": 10, "train": 10, "test": 10}
    with pytest.raises(InputError, match="Every part must have a group of rows"):
        split_rows(SplitSpec(), 30, None, groups=np.arange(30) // 15)


def test_joined_groups_are_the_connected_ones():
    """Against a search through the graph of rows, edge by edge."""
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 30, 60), rng.integers(0, 40, 60)
    joined = join_groups(first, second)
    together = (first[:, None] == first) | (second[:, None] == second)
    reached = together
    for _ in range(6):
        reached = (reached.astype(np.float64) @ reached) > 0  # twice as many edges at most
    np.testing.assert_array_equal(joined[:, None] == joined, reached)
    assert join_groups(None, first) is first
    assert join_groups(first, None) is first
    assert join_groups(None, None) is None
