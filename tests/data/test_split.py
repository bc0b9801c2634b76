"""Parts are disjoint, exactly as large as asked, fixed by the seed; what cannot be split is refused."""

from __future__ import annotations

import contextlib

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
    split = make_table(100).split(10, train=50)
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
        split = table.split(10, train=30, order=order)
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
    splits += [table.split(10, train=30), table.split(11, train=30)]
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
        refusal(table, order="tail") == "`order` must be one of 'head', 'random', 'stratified'; got 'tail'."
    )
    assert refusal(table, seed=-1) == "`seed` must be a whole number of 0 or more; got -1."
    with pytest.raises(InputError) as caught:
        table.split().arrays("testing")
    assert (
        str(caught.value)
        == "`part` must be one of 'validation', 'train', 'test'; got 'testing'. Did you mean 'test'?"
    )


def test_classes_that_cannot_be_learned_or_stratified_say_so():
    """A class without training rows, or with fewer rows than parts, is named."""
    features = np.arange(20.0)[:, None]
    table = read_table((features, [0] * 5 + [1] * 15))
    assert refusal(table, 5, train=10) == (
        "Training rows must hold every class; none of the 10 rows chosen by order='head' is of class '0'. "
        "Use order='stratified', or more training rows."
    )
    rare = read_table((features, [0] * 18 + [1] * 2))
    assert refusal(rare, order="stratified") == (
        "'<memory>': order='stratified' needs a row of every class in each of 3 parts; of 'target' class '1' has 2 rows "
        "(first: row 19). Correct or remove such values, read more rows, or use order='random'."
    )
    assert refusal(table, 1, order="stratified") == (
        "order='stratified' needs a row of each of 2 classes in every part; `validation` has 1 rows. Ask for more."
    )
    numbers = read_table((features, features[:, 0] / 3))
    assert refusal(numbers, order="stratified") == (
        "order='stratified' needs classes; the target is numeric (regression). Use order='random'."
    )


@given(
    rows=st.integers(30, 300),
    classes=st.integers(2, 4),
    fractions=st.tuples(st.floats(0.2, 0.4), st.floats(0.2, 0.4)),
    order=st.sampled_from(ORDERS),
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
    for split in (table.split(order="random"), table.split(), table.split(test_table=table)):
        for part in PARTS:
            np.testing.assert_array_equal(np.concatenate(list(split.blocks(part))), split.arrays(part)[0])
