"""What may spoil a verdict is said with its number, and a healthy table is passed in silence."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import justright as jr
from justright.data.guards.registry import find_warnings
from justright.data.read import read_table


def only_text(split) -> str:
    """Return the text of a split's only warning."""
    (warning,) = find_warnings(split)
    return warning.text


def test_healthy_tables_are_passed_in_silence(make_table, healthy):
    """Two classes, four, and numbers; a strong feature is none that determines the target."""
    features, chances = healthy
    rng = np.random.default_rng(1)
    assert find_warnings(make_table(features, (rng.random(1_000) < chances).astype(int)).split()) == ()
    four = np.searchsorted([-0.7, 0, 0.7], features[:, 0] + 0.5 * rng.standard_normal(1_000))
    assert find_warnings(make_table(features, four).split()) == ()
    assert find_warnings(make_table(features, features[:, 0] + 0.3 * features[:, 1]).split()) == ()
    world = jr.tables.teacher(8, seed=1)
    assert find_warnings(world.table(2_000).split(test_table=world.table(500, seed=1))) == ()


@pytest.mark.parametrize("form", ["the same", "backwards", "a curve", "another unit with noise"])
def test_another_form_of_a_numeric_target_is_a_leak(make_table, healthy, form):
    """Whatever the form."""
    features, _ = healthy
    target = features[:, 0] + features[:, 1]
    noise = 0.05 * np.random.default_rng(2).standard_normal(1_000)
    copies = {
        "the same": target,
        "backwards": -target,
        "a curve": np.exp(target),
        "another unit with noise": 32 + 1.8 * (target + noise),
    }
    table = make_table(np.column_stack([features, copies[form]]), target, names=("a", "b", "c", "d", "copy"))
    (warning,) = find_warnings(table.split())
    assert (warning.kind, warning.columns) == ("leak", ("copy",))
    assert warning.text == (
        f"'copy' by itself nearly determines the target 'y' ({100 * warning.number:.1f} % of what can be told). "
        "Leave out what is not known when the prediction is made: --drop COLUMN."
    )


def test_another_form_of_a_class_is_a_leak(make_table, healthy):
    """As a number, as levels of a category with a few exceptions, and where one class is rare."""
    features, _ = healthy
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 3, 1_000)
    said = np.where(rng.random(1_000) < 0.005, rng.integers(0, 3, 1_000), codes)
    columns = np.column_stack([features, np.array([5.0, 1.0, 9.0])[codes], np.eye(3)[said]])
    names = ("a", "b", "c", "d", "code", "word=x", "word=y", "word=z")
    (warning,) = find_warnings(make_table(columns, codes, names=names).split())
    assert warning.columns == ("code", "word")
    assert warning.text == (
        "'code', 'word' by themselves nearly determine the target 'y' (100.0 % of what can be told). "
        "Leave out what is not known when the prediction is made: --drop COLUMN."
    )
    rare = (np.arange(1_000) % 25 == 0).astype(int)
    columns = np.column_stack([features, rare + 0.4 * rng.random(1_000)])
    assert find_warnings(make_table(columns, rare).split())[0].columns == ("x4",)


def test_a_leak_with_missing_values_is_one_where_it_has_values(healthy):
    """As a file has it: a third of a copy in another unit is missing, and levels of a category."""
    features, _ = healthy
    rng = np.random.default_rng(13)
    target = features[:, 0] + features[:, 1]
    copy = [
        None if gone else 1.8 * value + 32
        for gone, value in zip(rng.random(1_000) < 1 / 3, target, strict=True)
    ]
    band = np.array(["low", "middle", "high"])[np.digitize(target, [-1, 1])]
    frame = pl.DataFrame({"a": features[:, 0], "b": features[:, 1], "copy": copy, "band": band, "y": target})
    (warning,) = find_warnings(read_table(frame, target="y").split())
    assert (warning.kind, warning.columns) == ("leak", ("copy",))
    found = find_warnings(read_table(frame.drop("y"), target="band").split())
    assert [(warning.kind, warning.columns) for warning in found] == [("leak", ("copy",))]


def test_a_product_of_two_columns_is_no_leak(make_table):
    """A price per unit times a quantity is what a network may learn."""
    features = np.random.default_rng(4).uniform(1, 10, (1_000, 2))
    assert find_warnings(make_table(features, features.prod(axis=1)).split()) == ()


def test_features_of_other_rows_are_not_looked_at(make_table, healthy):
    """A column that tells the target on validation and test rows only."""
    features, chances = healthy
    codes = (np.random.default_rng(1).random(1_000) < chances).astype(int)
    split = make_table(features, codes).split()
    poisoned = features.copy()
    for rows in (split.validation, split.test):
        poisoned[rows, 1] = codes[rows]
    table = make_table(poisoned, codes)
    assert find_warnings(replace(split, table=table)) == ()


def test_copies_are_counted(make_table, healthy):
    """250 of 1,250 rows; where rows repeat because there are few values, that is said instead."""
    features, chances = healthy
    codes = (np.random.default_rng(1).random(1_000) < chances).astype(int)
    order = np.random.default_rng(5).permutation(1_250) % 1_000
    assert only_text(make_table(features[order], codes[order]).split()) == (
        "250 of 1,250 rows (20.0 %) equal an earlier row in every column that is used. Copies are kept in one part of the split, so that no "
        "row is learned and then measured. Remove them if they were made by mistake."
    )
    assert only_text(make_table(np.sign(features), codes).split()) == (
        "968 of 1,000 rows (96.8 %) equal an earlier row in every column that is used. The columns have so few different values that this "
        "need not mean copies, so they are not kept in one part of the split: what is learned by heart helps on test rows, too."
    )


def test_copies_of_rare_rows_are_no_leak(make_table, healthy):
    """A rare class that was copied until it was no longer rare: any column sorts the copies beside each other."""
    features, _ = healthy
    codes = (np.arange(1_000) % 100 == 0).astype(int)
    order = np.concatenate([np.arange(1_000), np.repeat(np.flatnonzero(codes), 98)])
    order = order[np.random.default_rng(11).permutation(len(order))]
    found = find_warnings(make_table(features[order], codes[order]).split())
    assert [warning.kind for warning in found] == ["duplicated rows"]


def test_what_rows_of_a_group_share_is_no_leak(make_table):
    """100 rows of each of 60 patients: height and outcome are the patient's."""
    rng = np.random.default_rng(12)
    patient = np.repeat(np.arange(60), 100)
    height, outcome = rng.standard_normal(60)[patient], rng.integers(0, 2, 60)[patient]
    table = make_table(np.column_stack([height, rng.standard_normal(6_000)]), outcome)
    assert {warning.kind for warning in find_warnings(table.split())} == {"leak", "order effect"}
    assert find_warnings(replace(table, groups=patient).split()) == ()


def test_a_class_of_a_few_rows_at_one_end_of_a_column_is_luck(make_table, healthy):
    """Every column has a lowest row: in one of many it is the only one of its class."""
    features, _ = healthy
    for few in (1, 3, 9):
        codes = np.zeros(1_000, int)
        codes[np.argsort(features[:, 2])[:few]] = 1
        kinds = [warning.kind for warning in find_warnings(make_table(features, codes).split())]
        assert "leak" not in kinds
        assert "order effect" not in kinds


def test_training_rows_in_a_test_table_are_counted(make_table, healthy):
    """A test file of 200 rows, 50 of which were learned."""
    features, chances = healthy
    codes = (np.random.default_rng(1).random(1_000) < chances).astype(int)
    table = make_table(features, codes)
    split = table.split()
    fresh = np.random.default_rng(6).standard_normal((150, 4))
    rows = split.train[:50]
    other = make_table(
        np.concatenate([features[rows], fresh]), np.concatenate([codes[rows], fresh[:, 0] > 0])
    )
    assert only_text(split.with_test_table(other)) == (
        "50 of 200 test rows (25.0 %) are training rows as well: what is learned by heart looks like knowledge there. "
        "Remove them from one of the two files."
    )


def test_neighbouring_rows_that_are_alike_are_noticed(make_table, healthy):
    """A random walk; not where the split follows time or groups."""
    features, _ = healthy
    walk = np.cumsum(np.random.default_rng(7).standard_normal(1_000))
    table = make_table(features, walk)
    assert only_text(table.split()) == (
        "Rows that stand beside each other differ 94 % less in 'y' than rows drawn at random. If neighbours belong together in "
        "time or by person or place, a shuffled split flatters: use --time COLUMN or --group COLUMN."
    )
    assert find_warnings(replace(table, times=np.arange(1_000.0)).split()) == ()
    assert find_warnings(replace(table, groups=np.arange(1_000) // 20).split()) == ()


def test_a_table_sorted_by_its_target_is_noticed(make_table, healthy):
    """Harmless when shuffled, not when the first rows are taken."""
    features, _ = healthy
    table = make_table(features, np.sort(features[:, 0] + 0.5 * features[:, 1])[::-1].copy())
    assert only_text(table.split()) == (
        "The rows are sorted by the target 'y' (neighbours differ 99 % less than by chance); the split shuffles them. "
        "Do not take the first rows of this table (--head)."
    )
    assert only_text(table.split(order="head")) == (
        "The rows are sorted by the target 'y' (neighbours differ 99 % less than by chance), and the split takes them in that "
        "order. Use order='stratified' or 'random'."
    )


def test_rows_that_are_lost_or_too_few_are_counted(make_table, healthy):
    """Without a target; too few to measure; fewer than features."""
    features, chances = healthy
    codes = (np.random.default_rng(1).random(1_000) < chances).astype(int)
    table = make_table(features, codes)
    assert only_text(replace(table, rows_left_out=250).split()) == (
        "250 of 1,250 rows (20.0 %) were left out, for they lack the target or a value. If they differ from the others, all that "
        "follows is about the others only. Fill in what is missing if you can."
    )
    assert only_text(table.split(0.2, test=49)) == (
        "Only 49 test rows measure: a share of right answers is known to about ±14 percentage points, and most verdicts will "
        "stay open. Use more rows, or test on another file (--test FILE)."
    )
    numbers = make_table(features[:, :2], features[:, 0] ** 2 + features[:, 1] + chances)
    assert only_text(numbers.split(49, test=0)) == (
        "Only 49 validation rows measure: a loss is known to about ±40 % of itself, and most verdicts will stay open. "
        "Use more rows, or test on another file (--test FILE)."
    )
    wide = np.random.default_rng(8).standard_normal((400, 300))
    assert only_text(make_table(wide, codes[:400]).split(100, test=100)) == (
        "Only 200 training rows for 300 features: any network can learn these rows by heart. Leave out columns "
        "(--drop COLUMN), or use more rows."
    )


def test_rare_and_absent_classes_are_named(make_table, healthy):
    """One of two rows, in a table where nearly all rows are of one class."""
    features, _ = healthy
    codes = np.zeros(1_000, int)
    codes[np.random.default_rng(9).permutation(1_000)[:42]] = np.repeat([1, 2], [40, 2])
    texts = {warning.kind: warning.text for warning in find_warnings(make_table(features, codes).split())}
    assert texts == {
        "class absent": "Class 'c' of 'y' cannot help to choose the epoch: there are no such validation rows. Use more rows, or "
        "make rare classes one (--min-class-rows).",
        "rare class": "'c' of 'y' has fewer than 10 training rows (the fewest: 1): little can be learned about it. Use more rows, "
        "or make rare classes one (--min-class-rows).",
        "imbalance": "95.8 % of the training rows are of class 'a': to always answer it is right as often. Judge by the loss, by "
        "ROC AUC or by balanced accuracy, not by the share of right answers.",
    }


def test_a_test_table_in_other_units_is_noticed(make_table, healthy):
    """Degrees Fahrenheit instead of Celsius."""
    features, chances = healthy
    codes = (np.random.default_rng(1).random(1_000) < chances).astype(int)
    other = np.random.default_rng(10).standard_normal((300, 4))
    other[:, 2] = 32 + 1.8 * other[:, 2]
    split = make_table(features, codes).split(test_table=make_table(other, codes[:300]))
    (warning,) = find_warnings(split)
    assert (warning.kind, warning.columns) == ("other test table", ("x2",))
    assert warning.text == (
        f"In the test table, the mean of 'x2' lies {warning.number:.1f} standard deviations from that of the training rows. "
        "Check that both tables have the same units and the same kind of rows."
    )


def test_warnings_are_plain_data(make_table, healthy):
    """As JSON holds them; and huge or constant columns, which have no spread or too much, cause no error."""
    features, _ = healthy
    columns = np.column_stack([features, np.full(1_000, 3.0), np.where(features[:, 0] > 0, 3e38, -3e38)])
    codes = (features[:, 0] > 0).astype(int)
    (warning,) = find_warnings(make_table(columns, codes).split())
    assert json.loads(json.dumps(warning.to_dict())) == {
        "kind": "leak",
        "columns": ["x0", "x5"],
        "number": 1.0,
        "text": warning.text,
    }
    find_warnings(make_table(columns, columns[:, 5] / 3 + features[:, 1]).split())


def test_few_rows_of_anything_cause_no_error():
    """A handful of rows, as in the first try of a tutorial."""
    table = read_table((np.arange(6.0)[:, None], [0, 1, 0, 1, 0, 1]))
    assert [warning.kind for warning in find_warnings(table.split())] == [
        *("few rows", "class absent", "class absent", "rare class")
    ]


def test_a_target_that_numbers_the_rows_is_said(make_table, healthy):
    """An index that was written with the table, or an identifier by its name; a series of years is none."""
    features, _ = healthy
    rows = np.arange(len(features), dtype=np.float32)
    names = ("a", "b", "c", "d")
    first = find_warnings(make_table(features[:, :4], rows, names=names[: features.shape[1]]).split())[0]
    assert first.kind == "identifier as target"
    assert first.text == (
        "The target 'y' looks like an identifier: it only numbers the rows. What is learned about it says little about new rows. "
        "Name another column: --target COLUMN."
    )


def test_classes_under_another_number_are_a_leak_in_a_small_table(make_table, healthy):
    """Six classes in 60 rows, whose few rows each do not come by luck in the order of a column with their numbers."""
    features = healthy[0][:60]
    target = np.arange(60) * 7 % 6
    numbers = np.array([4, 1, 5, 0, 3, 2])[target]
    table = make_table(np.column_stack([features, numbers]), target, names=("a", "b", "c", "d", "code"))
    assert [one.columns for one in find_warnings(table.split()) if one.kind == "leak"] == [("code",)]
