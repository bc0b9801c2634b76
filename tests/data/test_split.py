"""Parts are disjoint, exactly as large as asked, fixed by the seed; what cannot be split is refused."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from justright.data.read import read_table
from justright.data.split import ORDERS, PARTS, SplitSpec, shuffled_rows
from justright.data.stratify import allocate_rows
from justright.data.table import Table
from justright.errors import InputError


def make_table(rows: int, classes: int = 2, seed: int = 0) -> Table:
    """Return a table whose first feature is the row number; every class appears among the first rows."""
    random = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(classes), random.integers(0, classes, rows - classes)])
    features = np.arange(rows, dtype=np.float32)[:, None]
    return Table(
        features=features,
        target=codes.astype(np.float32 if classes == 2 else np.int32),
        feature_names=("row",),
        target_name="y",
        task="binary" if classes == 2 else "multiclass",
        class_names=tuple(str(index) for index in range(classes)),
    )


def refusal(table: Table, *sizes: float, **options: object) -> str:
    """Return the error message of a split."""
    with pytest.raises(InputError) as caught:
        table.split(*sizes, **options)
    return str(caught.value)


def test_a_part_is_copied_once_and_read_only():
    """Training, validation and the study's description all ask for the same rows of what may be gigabytes."""
    split = read_table((np.zeros((50, 2), np.float32), np.arange(50.0, dtype=np.float32))).split(
        order="random"
    )
    for part in PARTS:
        for first, again in zip(split.arrays(part), split.arrays(part), strict=True):
            assert first is again
            assert not first.flags.writeable


def test_head_takes_validation_then_train_then_test():
    """The tutorial's order: the first rows validate, the next train, the rest test."""
    split = make_table(100).split(10, train=50, order="head")
    assert split.validation.tolist() == list(range(10))
    assert split.train.tolist() == list(range(10, 60))
    assert split.test.tolist() == list(range(60, 100))
    assert split.sizes == {"train": 50, "validation": 10, "test": 40}
    assert make_table(100).split(10, train=50, test=0).sizes["test"] == 0
    assert make_table(100).split(10, train=50, test=0.0).sizes["test"] == 0


def test_defaults_are_a_fifth_for_validation_and_a_fifth_for_test():
    """With neither train nor test given, train takes what remains."""
    assert make_table(100).split().sizes == {"train": 60, "validation": 20, "test": 20}
    assert SplitSpec() == SplitSpec(0.2, train=None, test=0.2)


def test_fractions_that_add_up_to_one_use_every_row():
    """Cumulative rounding: 7 rows in thirds are 2, 3 and 2."""
    table = read_table((np.zeros((7, 1)), np.arange(7) / 3))
    assert table.split(0.33, train=0.34, test=0.33).sizes == {"train": 3, "validation": 2, "test": 2}


def test_arrays_are_the_rows_of_the_part():
    """Features and target of a part are those of its row numbers, in their order."""
    table = make_table(60)
    for order in ORDERS:
        split = replace(table, times=np.arange(60.0) % 13).split(10, train=30, order=order)
        for part in PARTS:
            features, target = split.arrays(part)
            np.testing.assert_array_equal(features[:, 0], getattr(split, part))
            np.testing.assert_array_equal(target, table.target[getattr(split, part)])
            assert features.flags.c_contiguous


def test_tables_of_their_own_stand_in_for_parts():
    """A test or validation file takes no rows from the table."""
    table, other = make_table(50), make_table(30, seed=1)
    split = table.split(10, test_table=other)
    assert split.sizes == {"train": 40, "validation": 10, "test": 30}
    np.testing.assert_array_equal(split.arrays("test")[1], other.target)
    both = table.split(test_table=other, validation_table=make_table(20, seed=2))
    assert both.sizes == {"train": 50, "validation": 20, "test": 30}
    assert (both.spec.test, both.spec.validation) == (0, 0)


def test_digests_change_with_the_rows():
    """Another seed or size is another split; the same is the same."""
    table = make_table(60)
    splits = [table.split(10, train=30, order="random", seed=seed) for seed in (0, 1, 0)]
    splits += [table.split(size, train=30, order="head") for size in (10, 11)]
    assert len({split.digest("train", "validation") for split in splits}) == 4


def test_shuffles_are_the_same_everywhere():
    """Written down once: a platform or NumPy that disagrees would change every split."""
    assert shuffled_rows(8, 1).tolist() == [2, 0, 1, 4, 5, 6, 7, 3]


def test_splits_that_cannot_be_made_say_why():
    """Each rule has its sentence."""
    table = make_table(100)
    fits = "Read more rows or ask for fewer."
    assert refusal(table, 60, train=50) == (
        f"The split must fit into the table's 100 rows; got validation 60, train 50, test 0 = 110. {fits}"
    )
    assert refusal(table, 100) == (
        "The split must fit into the table's 100 rows; got validation 100, train 0, test 20 = 120. " + fits
    )
    assert refusal(table, 50, test=50) == (
        "A split must have at least 1 training and 1 validation row; of 100 rows got validation 50, train 0, test 50. "
        + fits
    )
    assert refusal(table, 0, train=50) == (
        "A split must have at least 1 training and 1 validation row; of 100 rows got validation 0, train 50, test 50. "
        + fits
    )
    rule = "must be a whole number of rows, or a float from 0.0 to 1.0 as a fraction of them; got"
    assert refusal(table, -1) == f"`validation` {rule} -1."
    assert refusal(table, 0.1, train=1.5) == f"`train` {rule} 1.5."
    assert refusal(table, 0.1, test=True) == f"`test` {rule} True."
    assert refusal(table, None) == f"`validation` {rule} None."
    assert (
        refusal(table, order="tail")
        == "`order` must be one of 'head', 'random', 'stratified', 'time'; got 'tail'."
    )
    assert refusal(table, seed=-1) == "`seed` must be a whole number of 0 or more; got -1."
    with pytest.raises(InputError) as caught:
        table.split().arrays("testing")
    assert (
        str(caught.value)
        == "`part` must be one of 'validation', 'train', 'test'; got 'testing'. Did you mean 'test'?"
    )


def test_orders_that_a_table_cannot_have_are_refused():
    """Each says which to use."""
    features = np.arange(20.0)[:, None]
    table = read_table((features, [0] * 5 + [1] * 15))
    assert refusal(table, 5, train=10, order="head") == (
        "Training rows must hold every class; none of the 10 rows chosen by order='head' is of class '0'. "
        "Use order='stratified', or more training rows."
    )
    assert refusal(table, order="time") == (
        "order='time' needs a time for each row; the table has none. Name its column with `time` when reading it."
    )
    assert refusal(table, 5, train=1) == (
        "Training rows must hold every class; none of the 1 rows chosen by order='stratified' is of class '0'. "
        "Use more training rows."
    )
    grouped = replace(table, groups=np.arange(20) // 2)
    assert refusal(grouped, order="head") == (
        "Rows of one group can be kept together in order='random' or 'stratified'; got order='head'. "
        "Choose one of those, or read the table without `group`."
    )
    assert refusal(replace(table, groups=np.arange(20) // 10)) == (
        "Every part must have a group of rows; there are too few, or too large, groups for `test` to have one. "
        "Ask for fewer parts, or read the table without `group`."
    )
    numbers = read_table((features, features[:, 0] / 3))
    assert refusal(numbers, order="stratified") == (
        "order='stratified' needs classes; the target is numeric (regression). Use order='random'."
    )


@given(
    rows=st.integers(30, 300),
    classes=st.integers(2, 4),
    fractions=st.tuples(st.floats(0.2, 0.4), st.floats(0.2, 0.4)),
    order=st.sampled_from(("head", "random", "stratified")),
    seed=st.integers(0, 2**32),
)
def test_any_split_is_disjoint_exact_and_repeatable(rows, classes, fractions, order, seed):
    """For any sizes, order and seed that are accepted."""
    table = make_table(rows, classes)
    wanted = {"validation": int(fractions[0] * rows), "train": int(fractions[1] * rows)}
    split = None
    with contextlib.suppress(InputError):  # a class too rare for the order; tested above
        split = table.split(wanted["validation"], train=wanted["train"], order=order, seed=seed)
    assume(split is not None)
    every = np.concatenate([split.train, split.validation, split.test])
    assert sorted(every.tolist()) == list(range(rows))
    assert split.sizes == {**wanted, "test": rows - sum(wanted.values())}
    again = table.split(wanted["validation"], train=wanted["train"], order=order, seed=seed)
    assert again.digest(*PARTS) == split.digest(*PARTS)
    if order == "stratified":
        counts = np.bincount(table.target.astype(int), minlength=classes)
        for part in PARTS:
            held = np.bincount(split.arrays(part)[1].astype(int), minlength=classes)
            assert held.min() >= 1
            # Two roundings at most (this part's and an earlier one's), and the least of one row.
            assert (np.abs(held - counts * split.sizes[part] / rows) <= 2 + classes).all()


@given(weights=st.lists(st.integers(1, 1_000), min_size=2, max_size=6), share=st.floats(0.05, 1.0))
def test_allocation_is_hamiltons_within_its_bounds(weights, share):
    """Sums to the size, stays within bounds, and differs from the exact share by less than one where unbounded."""
    counts = np.array(weights)
    size = max(len(weights), int(share * counts.sum()))
    held = allocate_rows(size, counts, least=0, most=counts)
    assert held.sum() == size
    assert (held <= counts).all()
    assert (np.abs(held - size * counts / counts.sum()) < 1 + 1e-9).all()


def test_blocks_are_the_parts_rows_in_their_order(monkeypatch) -> None:
    """However many rows a block holds, of this table or of one that stands in."""
    monkeypatch.setattr("justright.data.arrays.BLOCK_VALUES", 7)
    x = np.arange(60, dtype=np.float32).reshape(20, 3)
    table = read_table((x, np.arange(20) % 2))
    for split in (table.split(order="random"), table.split(order="head"), table.split(test_table=table)):
        for part in PARTS:
            np.testing.assert_array_equal(np.concatenate(list(split.blocks(part))), split.arrays(part)[0])


def test_the_default_order_is_the_safest_that_the_table_allows():
    """By time where there are times, else stratified, else shuffled; what was chosen is recorded."""
    table = make_table(60)
    numbers = read_table((table.features, np.arange(60) / 7))
    assert table.split().spec.order == "stratified"
    assert numbers.split().spec.order == "random"
    assert replace(table, times=np.arange(60.0)).split().spec.order == "time"


@given(
    counts=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    common=st.integers(30, 80),
    order=st.sampled_from(("random", "stratified")),
    seed=st.integers(0, 1_000),
)
def test_rare_classes_are_learned_first_and_never_an_error(counts, common, order, seed):
    """However rare: each is in training; stratified, one with two rows in test, one with three in every part."""
    codes = np.repeat(np.arange(len(counts) + 1), [common, *counts]).astype(np.int32)
    table = Table(
        features=np.arange(len(codes), dtype=np.float32)[:, None],
        target=codes,
        feature_names=("row",),
        target_name="y",
        task="multiclass",
        class_names=tuple("abcde"[: len(counts) + 1]),
    )
    split = table.split(order=order, seed=seed)
    assert split.sizes == table.split(order="random", seed=seed + 1).sizes
    held = {part: np.bincount(split.arrays(part)[1], minlength=len(counts) + 1) for part in PARTS}
    assert held["train"].min() >= 1
    if order == "stratified":
        for number, count in enumerate(counts, start=1):
            assert held["test"][number] >= min(1, count - 1)
            assert held["validation"][number] >= (1 if count > 2 else 0)
    every = np.concatenate([split.train, split.validation, split.test])
    assert sorted(every.tolist()) == list(range(len(codes)))


def test_rows_of_a_table_without_copies_are_split_as_before():
    """Written down once: groups, copies and rare classes change nothing where there are none."""
    table = make_table(12)
    expected = {
        "stratified": ([0, 3], [8, 9, 7, 5, 1, 11, 2, 10], [6, 4]),
        "random": ([0, 8], [9, 3, 7, 5, 1, 11, 2, 10], [6, 4]),
    }
    for order, (validation, train, test) in expected.items():
        split = replace(table, groups=np.arange(12) * 5).split(2, test=2, order=order)
        assert (split.validation.tolist(), split.train.tolist(), split.test.tolist()) == (
            validation,
            train,
            test,
        ), order


@given(seed=st.integers(0, 500), order=st.sampled_from(("random", "stratified", "time")))
def test_a_split_with_another_test_table_can_be_made_again_from_its_own_description(seed, order):
    """What a study file keeps: sizes, order and seed lead to the same training and validation rows."""
    rng = np.random.default_rng(seed)
    table = make_table(80)
    if order == "time":
        table = replace(table, times=rng.integers(0, 30, 80).astype(np.float64))
    if order == "random":
        table = replace(table, groups=rng.integers(0, 25, 80))
    split = table.split(order=order, seed=seed).with_test_table(make_table(30))
    spec = split.spec
    again = table.split(
        spec.validation, train=spec.train, test=spec.test, order=spec.order, seed=spec.seed, test_table=table
    )
    assert again.train.tolist() == split.train.tolist()
    assert again.validation.tolist() == split.validation.tolist()
