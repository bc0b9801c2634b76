"""Which columns are target, group, time and weights, which rows are drawn, and which classes are kept."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from justright.data.read import read_table
from justright.errors import InputError

ROWS = 40


def frame(**columns) -> pl.DataFrame:
    """Return a table of `ROWS` rows: a number, a binary target, and the columns given."""
    index = np.arange(ROWS)
    return pl.DataFrame({"x": index * 7 % 11 / 4, **columns, "y": index % 2})


def refusal(source, **options) -> str:
    """Return the message of reading."""
    with pytest.raises(InputError) as caught:
        read_table(source, target="y", **options)
    return str(caught.value)


def test_rows_are_drawn_at_random_in_the_order_of_the_file():
    """A sorted file's first rows are not a sample of it."""
    table = read_table(frame(n=np.arange(ROWS) / 2), target="y", rows=10, keep=["n"])
    drawn = table.features[:, table.feature_names.index("n")]
    assert (len(drawn), sorted(drawn.tolist())) == (10, drawn.tolist())
    assert drawn[-1] > 10
    again = read_table(frame(n=np.arange(ROWS) / 2), target="y", rows=10, keep=["n"])
    np.testing.assert_array_equal(table.features, again.features)


def test_head_takes_the_first_rows():
    """As the tutorial does."""
    table = read_table(frame(n=np.arange(ROWS) / 2), target="y", rows=10, head=True, keep=["n"])
    assert table.features[:, 1].tolist() == (np.arange(10) / 2).tolist()
    assert (table.source.rows, table.source.head) == (10, True)


def test_groups_times_and_weights_are_read():
    """Groups and weights are no features; a time is one still."""
    index = np.arange(ROWS)
    days = [f"2021-{1 + i % 12:02d}-03" for i in index]
    table = read_table(
        frame(who=[f"p{i // 4}" for i in index], day=days, w=index / 10 + 1),
        target="y", group="who", time="day", weights="w",
    )  # fmt: skip
    assert table.feature_names[0] == "x"
    assert all(name.startswith("day ") for name in table.feature_names[1:])
    assert table.groups.tolist() == sorted(table.groups.tolist())
    assert len(set(table.groups.tolist())) == ROWS // 4
    assert np.argsort(table.times, kind="stable").tolist() == np.argsort(days, kind="stable").tolist()
    np.testing.assert_allclose(table.weights, index / 10 + 1, rtol=1e-6)
    assert {column.name: column.what for column in table.plan.left_out} == {"who": "group", "w": "weights"}


def test_a_row_without_a_group_is_a_group_of_its_own():
    """Rows whose patient nobody knows are not all one patient."""
    table = read_table(frame(who=["a", None] * (ROWS // 2)), target="y", group="who")
    assert len(set(table.groups.tolist())) == 1 + ROWS // 2


def test_times_and_weights_that_are_none_are_refused():
    """Each names its column and how many rows are wrong."""
    words = frame(t=["now", "then"] * (ROWS // 2), w=[-1.0, 1.0] * (ROWS // 2))
    assert refusal(words, time="t") == (
        "The Polars frame: `time` must name a column with a date or a number in every row; 40 of 40 rows of 't' have none. "
        "Fill them in, remove those rows, or name another column."
    )
    assert refusal(words, weights="w") == (
        "The Polars frame: `weights` must name a column of numbers of at least 0, not all 0; 20 rows of 'w' hold something "
        "else. Correct them."
    )


def test_rare_classes_are_merged_on_request():
    """They are kept otherwise, and a second table's rare classes are `other`, too."""
    classes = ["a"] * 20 + ["b"] * 17 + ["c"] * 2 + ["d"]
    table = read_table(frame().with_columns(y=pl.Series(classes)), target="y")
    assert table.class_names == ("a", "b", "c", "d")
    merged = read_table(frame().with_columns(y=pl.Series(classes)), target="y", min_class_rows=5)
    assert (merged.class_names, merged.task) == (("a", "b", "other"), "multiclass")
    assert np.bincount(merged.target).tolist() == [20, 17, 3]
    assert merged.task_reason == "3 classes, 2 rare ones merged into 'other'"
    second = read_table(
        frame().with_columns(y=pl.Series(["e", "a"] * 20)), target="y", like=merged, min_class_rows=5
    )
    assert second.target[:2].tolist() == [2, 0]


def test_a_second_table_has_the_target_of_the_first():
    """Its task and classes are those of the training table, whatever it holds itself; what does not fit is refused."""
    like = read_table(frame(), target="y")
    one_class = frame().with_columns(y=pl.lit(1))
    assert read_table(one_class, target="y", like=like).target.tolist() == [1.0] * ROWS
    with pytest.raises(InputError) as caught:
        read_table(frame().with_columns(y=pl.lit("maybe")), target="y", like=like)
    assert str(caught.value) == (
        "The target of The Polars frame must hold the classes of the training table, '0', '1'; it also holds 'maybe'. "
        "Remove those rows, or name the right target column."
    )


def test_a_second_table_is_read_by_the_plan_of_the_first():
    """Its own levels and ranges decide nothing."""
    like = read_table(frame(c=["u", "v"] * (ROWS // 2)), target="y")
    second = read_table(frame(c=["w", "v"] * (ROWS // 2)), target="y", like=like)
    assert second.feature_names == like.feature_names
    split = like.split(validation=10, test_table=second)
    assert split.test_table.plan == split.table.plan
    assert split.arrays("test")[0][:2, 1].tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["00501", "02139", "94103"] * 14, "category"),
        ([f"{i * 37 % 100:05d}" for i in range(42)], "left out"),
        (["0930", "1015", "2345"] * 14, "number"),
        (["7", "08", "100"] * 14, "number"),
    ],
)
def test_codes_keep_their_zeros(tmp_path, values, kind):
    """Postal codes are categories, unique ones identifiers; times of day and padded numbers are numbers."""
    path = tmp_path / "t.csv"
    path.write_text("code,x,y\n" + "".join(f"{code},{i * 3 % 7},{i % 2}\n" for i, code in enumerate(values)))
    plan = read_table(path, target="y").plan
    assert plan.columns[0].label == kind


def test_a_table_without_a_known_target_is_described(capsys, tmp_path):
    """Before anybody has said what is to be predicted, `data` says what the columns are."""
    from typer.testing import CliRunner

    from justright.cli.main import command_line

    path = tmp_path / "t.csv"
    frame(city=["Rome", "Oslo"] * (ROWS // 2)).rename({"y": "sold"}).write_csv(path)
    done = CliRunner().invoke(command_line(), ["data", str(path)], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"{path}: 40 rows, 3 columns"
    assert done.stdout.splitlines()[-1] == "Name the column to predict with --target to see it with its task."


@pytest.mark.parametrize(
    ("values", "first"),
    [
        ([f"2021-{1 + i % 12:02d}-03" for i in range(ROWS)], "2021-01-03"),
        ([f"{1 + i % 4}/{1 + i % 28}/2021" for i in range(ROWS)], "1/1/2021"),
        ([date(2021, 1 + i % 12, 3) for i in range(ROWS)], "2021-01-03"),
        ([20210103 + 100 * (i % 12) for i in range(ROWS)], "20210103"),
        ([f"{2000 + i // 4} Q{1 + i % 4}" for i in range(ROWS)], "2000 Q1"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_dates_are_no_target(values, first):
    """As they stand they are neither amounts nor classes, unless that is asked for."""
    table = frame(when=values).drop("y")
    with pytest.raises(InputError) as caught:
        read_table(table, target="when")
    assert str(caught.value) == (
        f"The Polars frame: the target 'when' must hold numbers or classes; it holds dates (first: {first!r}). Name another column, "
        "write a number such as the days since a start in it, or pass task='multiclass' to take each for a class."
    )
    assert read_table(table, target="when", task="multiclass").task == "multiclass"


@pytest.mark.parametrize("form", ["{}:{:02d}:05", "{}:{:02d}", "0{}:{:02d}", "1 days 0{}:{:02d}:00"])
def test_lengths_of_time_are_an_amount(form):
    """Finishing times, and what pandas writes for a timedelta."""
    table = read_table(
        frame(took=[form.format(2 + i % 7, i % 60) for i in range(ROWS)]).drop("y"), target="took"
    )
    assert (table.task, table.task_reason) == ("regression", "times, in seconds")
    parts = [[2 + i % 7, i % 60] for i in range(ROWS)]
    seconds = {
        "{}:{:02d}:05": [3600 * a + 60 * b + 5 for a, b in parts],
        "0{}:{:02d}": [3600 * a + 60 * b for a, b in parts],  # of the day, by the 0
        "{}:{:02d}": [60 * a + b for a, b in parts],
        "1 days 0{}:{:02d}:00": [86_400 + 3600 * a + 60 * b for a, b in parts],
    }
    assert table.target.tolist() == seconds[form]


def test_a_small_table_whose_texts_do_not_repeat_has_no_classes():
    """Forty names of states are no classes of forty rows; a dozen that come again are."""
    names = [f"state {i}" for i in range(ROWS)]
    with pytest.raises(InputError) as caught:
        read_table(frame(state=names).drop("y"), target="state")
    assert str(caught.value) == (
        "The Polars frame: the target 'state' must be numbers, or texts that repeat; it has 40 different texts in 40 rows "
        "(first: 'state 0'). Name another column, or pass task='multiclass'."
    )
    assert (
        read_table(frame(state=[f"state {i % 12}" for i in range(ROWS)]).drop("y"), target="state").task
        == "multiclass"
    )


def test_a_class_that_is_no_number_is_a_class_still():
    """Races 1 to 6 and 7+: no row of the last is left out."""
    values = ["7+" if i % 20 == 0 else str(1 + i % 6) for i in range(ROWS * 3)]
    table = read_table({"race": values, "x": np.arange(ROWS * 3) * 7 % 11 / 4}, target="race")
    assert (table.task, table.rows) == ("multiclass", ROWS * 3)
    assert table.class_names == ("1", "2", "3", "4", "5", "6", "7+")


def test_what_is_no_number_in_a_regression_is_said():
    """Its row is left out, as one without a target is."""
    values = ["trace" if i % 20 == 0 else f"{i * 7 % 50 / 4}" for i in range(ROWS)]
    table = read_table(frame(rain=values).drop("y"), target="rain")
    assert (table.task, table.rows) == ("regression", ROWS - 2)
    assert (
        table.task_reason
        == "numbers with decimals; without 2 rows whose value is no number (such as 'trace')"
    )


def test_codes_are_classes_with_their_zeros():
    """Postal codes and the like."""
    table = read_table(frame(zip=[f"0{1000 + i % 7}" for i in range(ROWS)]).drop("y"), target="zip")
    assert (table.task, table.class_names[:2]) == ("multiclass", ("01000", "01001"))


@pytest.mark.parametrize(
    "form",
    [lambda i: f"{i // 9} days 00:{i % 9:02d}:30", lambda i: f"{1990 + i // 4} Q{1 + i % 4}"],
    ids=["since", "quarter"],
)
def test_lengths_of_time_and_quarters_may_order_the_rows(form):
    """As pandas and R write them."""
    table = read_table(frame(when=[form(i) for i in range(ROWS)][::-1]), target="y", time="when")
    assert np.argsort(table.times).tolist() == list(range(ROWS))[::-1]
