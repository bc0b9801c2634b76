"""A plan is decided on training rows alone, survives JSON, and turns any other rows into the same features."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.data.plan.table_plan import Plan
from justright.data.read import read_table
from justright.errors import InputError

ROWS = 60
RNG = np.random.default_rng(0)


def mixed(rows: int = ROWS) -> pl.DataFrame:
    """Return a table with a column of each kind, as a CSV reader would give it: text stays text."""
    index = range(rows)
    return pl.DataFrame(
        {
            "number": [None if i % 10 == 3 else float(i * 7 % 50) / 4 for i in index],
            "money": [f"${1000 + 37 * (i * 7 % 50):,}" for i in index],
            "sex": [("male", "female")[i % 3 == 0] for i in index],
            "smoker": [("yes", "no", "NA")[i % 7 % 3] for i in index],
            "port": [("S", "C", "Q")[i % 5 % 3] for i in index],
            "band": [("<20", "20-39", "40+")[i * 3 % 7 % 3] for i in index],
            "month": [("Jan", "Feb", "Mar", "Apr")[i % 4] for i in index],
            "day": [f"2020-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in index],
            "city": [f"city {i * i % 40}" for i in index],
            "note": [f"a long remark about customer number {i} and more" for i in index],
            "ticket": [f"T{i:05d}" for i in index],
            "row": [str(i) for i in index],
            "same": ["x"] * rows,
            "empty": [None] * rows,
            "y": [float(i * 7 % 50) + 0.5 for i in index],
        },
        schema_overrides={"empty": pl.String},
    )


def test_every_kind_is_found():
    """Each column is taken for what a careful reader takes it for."""
    plan = read_table(mixed(), target="y").plan
    assert plan is not None
    kinds = {column.name: getattr(column, "what", column.label) for column in plan.columns}
    assert kinds == {
        "number": "number",
        "money": "number",
        "sex": "category",
        "smoker": "yes/no",
        "port": "category",
        "band": "ordered text",
        "month": "ordered text",
        "day": "date/time",
        "city": "category",
        "note": "free text",
        "ticket": "identifier",
        "row": "identifier",
        "same": "constant",
        "empty": "empty",
    }


def test_rows_that_do_not_train_change_nothing():
    """Whatever stands in validation and test rows, plan and training features stay the same."""
    frame = mixed()
    split = read_table(frame, target="y").split(validation=12, train=30, order="random")
    others = np.setdiff1d(np.arange(ROWS), split.train)
    poison = {
        "number": "abc",
        "money": "1.234,5",
        "sex": "unheard of",
        "smoker": "7",
        "port": "Z" * 300,
        "band": "not a band",
        "month": "Smarch",
        "day": "31/12/1999",
        "city": "",
        "note": "1",
        "ticket": "T00000",
        "row": "1e300",
        "same": "y",
        "empty": "full",
    }
    wrong = {
        name: frame[name].cast(pl.String).scatter(others.tolist(), value) for name, value in poison.items()
    }
    # Rows that all differ: copies of each other would stay in one part.
    wrong["money"] = (
        frame["money"].cast(pl.String).scatter(others.tolist(), [f"{row}.234,5" for row in others])
    )
    poisoned = read_table(frame.with_columns(**wrong), target="y")
    again = poisoned.split(validation=12, train=30, order="random")
    np.testing.assert_array_equal(again.train, split.train)
    assert again.table.plan.to_dict() == split.table.plan.to_dict()
    np.testing.assert_array_equal(again.arrays("train")[0], split.arrays("train")[0])
    assert np.isfinite(again.table.features).all()


def test_poison_in_a_table_of_numbers_changes_nothing():
    """The same for a table that needs no plan until a test row holds a word."""
    values = RNG.normal(size=(ROWS, 3)).astype(np.float32)
    frame = pl.DataFrame({f"x{index}": values[:, index] for index in range(3)}).with_columns(
        y=pl.lit(0.5) + values[:, 0]
    )
    split = read_table(frame, target="y").split(validation=12, train=30, order="random")
    test_row = int(split.test[0])
    wrong = frame.with_columns(x1=frame["x1"].cast(pl.String).scatter(test_row, "n.d."))
    again = read_table(wrong, target="y").split(validation=12, train=30, order="random")
    assert again.table.plan.to_dict() == split.table.plan.to_dict()
    np.testing.assert_array_equal(again.arrays("train")[0], split.arrays("train")[0])


def test_a_table_of_numbers_stays_as_it_is():
    """Complete numbers are features, bit for bit, and no second copy of them is made by splitting."""
    values = RNG.normal(size=(ROWS, 3)).astype(np.float32)
    frame = pl.DataFrame({f"x{index}": values[:, index] for index in range(3)}).with_columns(
        y=values[:, 0] > 0
    )
    table = read_table(frame, target="y")
    np.testing.assert_array_equal(table.features, values)
    assert np.shares_memory(table.split().table.features, table.features)


def test_a_plan_survives_json():
    """What is written into a folder prepares rows as the plan did."""
    table = read_table(mixed(), target="y").split().table
    plan = table.plan
    again = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again == plan
    frame = mixed(200)
    np.testing.assert_array_equal(
        again.prepare(frame, label="'t'").features, plan.prepare(frame, label="'t'").features
    )


def test_features_are_those_of_the_rows_it_was_fitted_on():
    """Preparing the training table's own columns gives the training features."""
    table = read_table(mixed(), target="y")
    fitted = table.split().table
    np.testing.assert_array_equal(fitted.plan.prepare(mixed(), label="'t'").features, fitted.features)


def test_other_rows_may_lack_columns_and_have_more():
    """Reordered, missing and further columns, unseen levels: each is said, none is an error."""
    plan = read_table(mixed(), target="y").plan
    frame = mixed().select("y", "band", "sex", "number", pl.lit(1).alias("more"))
    frame = frame.with_columns(sex=frame["sex"].scatter(0, "other"))
    prepared = plan.prepare(frame, label="'new.csv'")
    assert prepared.features.shape == (ROWS, len(plan.feature_names))
    assert prepared.notes == (
        "'money', 'smoker', 'port', 'month', 'day' and 1 more: not there, taken as missing",
        "'sex': 1 values that training rows lack (such as 'other')",
    )
    with pytest.raises(InputError, match="must have the columns of the training table") as caught:
        plan.prepare(frame.select("more"), label="'new.csv'")
    assert str(caught.value).startswith(
        "'new.csv' must have the columns of the training table; it lacks 'number', 'money'"
    )


def test_columns_without_names_are_found_by_place():
    """With or without the target, a table without a header is that of the one with it."""
    frame = pl.DataFrame({"a": [1.5, 2, 3.5, 4], "b": ["u", "v", "u", "v"], "y": [0.5, 1, 1.5, 2]})
    plan = read_table(frame, target="y").plan
    expected = plan.prepare(frame, label="'t'").features
    bare = frame.rename({"a": "column_0", "b": "column_1", "y": "column_2"})
    for columns in (bare, bare.drop("column_2")):
        np.testing.assert_array_equal(plan.prepare(columns, label="'t'", has_header=False).features, expected)


def test_dates_of_a_parquet_file_are_those_of_a_csv_file():
    """A plan fitted on dates reads new rows that write them as text."""
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 2, 29), eager=True).alias("day")
    frame = pl.DataFrame([days, pl.Series("y", np.arange(60) / 7)])
    plan = read_table(frame, target="y").plan
    expected = plan.prepare(frame, label="'t'").features
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        text = frame.with_columns(day=frame["day"].dt.strftime(form))
        prepared = plan.prepare(text, label="'t'")
        np.testing.assert_array_equal(prepared.features, expected)
        assert prepared.notes == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "A table's plan must have a schema_version up to 1; got None. Install a newer justright."),
        (
            {"schema_version": 9},
            "A table's plan must have a schema_version up to 1; got 9. Install a newer justright.",
        ),
        (
            {"schema_version": 1, "columns": [{"kind": "spell"}]},
            "A table's plan must be as justright wrote it; KeyError('spell').",
        ),
    ],
)
def test_what_is_no_plan_is_refused(values, message):
    """A stranger's file is one sentence."""
    assert refusal(Plan.from_dict, values) == message


CELLS = st.one_of(
    st.none(), st.text(max_size=8), st.integers(-(10**20), 10**20).map(str), st.floats(width=64).map(str),
    st.dates().map(str), st.sampled_from(["NA", "?", "yes", "no", "1,5", "$3", "Jan", "1e400", "  ", "12:30"]),
)  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(CELLS, CELLS, st.floats(0, 1)), min_size=4, max_size=40), st.data())
def test_any_columns_make_finite_features_or_one_sentence(rows, data):
    """No cell can break a plan, and a plan fitted on any rows prepares all others."""
    frame = pl.DataFrame(
        {"a": [row[0] for row in rows], "b": [row[1] for row in rows], "y": [row[2] for row in rows]},
        schema={"a": pl.String, "b": pl.String, "y": pl.Float64},
    )
    train = np.array(sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1))))
    try:
        table = read_table(frame, target="y", task="regression")
        fitted = table.fitted(train)
    except InputError:
        return
    assert np.isfinite(fitted.features).all()
    assert fitted.plan == Plan.from_dict(json.loads(json.dumps(fitted.plan.to_dict())))


def left_out(**columns):
    """Return name -> why it is left out, of the columns of a table without gaps that are no features."""
    rows = len(next(iter(columns.values())))
    frame = pl.DataFrame({**columns, "z": np.arange(rows) * 7 % 11 / 4, "y": np.arange(rows) * 3 % 13 / 4})
    return {column.name: column.reason for column in read_table(frame, target="y").plan.left_out}


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("n", range(ROWS), "it only numbers the rows"),
        ("n", range(ROWS, 0, -1), "it only numbers the rows"),
        ("subject", range(101, 101 + ROWS), "it only numbers the rows"),
        ("uid", [i * i for i in range(ROWS)], "by its name, and every value is unique"),
        (
            "uid",
            [5, *(i * i for i in range(1, ROWS - 1)), 9],
            "by its name, and nearly every value is unique",
        ),
        (
            "user_id",
            [1_300_000_000 + i // 3 * 997 for i in range(ROWS)],
            "by its name, and its numbers are long",
        ),
    ],
)
def test_identifiers_are_left_out(name, values, why):
    """Row numbers, and numbers that name a row or somebody."""
    assert left_out(**{name: list(values)}) == {name: why}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("temperature", range(13, 13 + ROWS)),  # one row per degree
        ("age", range(ROWS)),
        ("week", range(1, 1 + ROWS)),
        ("subject", [i // 4 for i in range(ROWS)]),
        ("volume", [1_300_000_000 + i * i for i in range(ROWS)]),
    ],
)
def test_quantities_that_look_like_identifiers_are_kept(name, values):
    """What counts up from another number than 0 or 1, ages and weeks, and long numbers whose name does not say identifier."""
    assert left_out(**{name: list(values)}) == {}


def test_days_written_as_numbers_are_dates():
    """As numbers in a file without gaps, with gaps, and as text; a number that is no day of the calendar says otherwise."""
    days = [20190100 + 1 + i % 28 + 100 * (i % 12) for i in range(ROWS)]
    table = {"day": days, "x": np.arange(ROWS) * 7 % 11 / 4, "y": np.arange(ROWS) * 3 % 13 / 4}
    whole = read_table(pl.DataFrame(table), target="y")
    gap = read_table(pl.DataFrame(table | {"day": [None, *map(float, days[1:])]}), target="y")
    text = read_table(pl.DataFrame(table | {"day": list(map(str, days))}), target="y")
    iso = [f"{day}"[:4] + "-" + f"{day}"[4:6] + "-" + f"{day}"[6:] for day in days]
    dates = read_table(pl.DataFrame(table | {"day": iso}), target="y")
    np.testing.assert_array_equal(whole.features, dates.features)
    np.testing.assert_array_equal(text.features, dates.features)
    np.testing.assert_allclose(gap.features[1:, : dates.n_features - 1], dates.features[1:, :-1], atol=0.1)
    assert whole.plan.columns[0].label == gap.plan.columns[0].label == "date/time"
    wrong = read_table(pl.DataFrame(table | {"day": [20190230, *days[1:]]}), target="y")
    assert wrong.plan.columns[0].label == "number"


def test_lengths_of_time_are_numbers():
    """Beyond a day, or as pandas writes them; times of day stay times of day."""
    clock = [f"{20 + i % 30}:{i % 60:02d}:00" for i in range(ROWS)]
    since = [f"{i % 3} days 00:{i % 60:02d}:30" for i in range(ROWS)]
    frame = pl.DataFrame({"clock": clock, "since": since, "y": np.arange(ROWS) * 3 % 13 / 4})
    table = read_table(frame, target="y")
    assert table.feature_names == ("clock", "since")
    assert table.plan.columns[0].reason == "lengths of time, in seconds"
    expected = [
        [3600 * (20 + i % 30) + 60 * (i % 60), 86_400 * (i % 3) + 60 * (i % 60) + 30] for i in range(ROWS)
    ]
    np.testing.assert_array_equal(table.features, np.array(expected, np.float32))
    times = read_table(
        frame.with_columns(clock=pl.Series([f"{i % 24}:{i % 60:02d}" for i in range(ROWS)])), target="y"
    )
    assert times.plan.columns[0].label == "date/time"
    assert Plan.from_dict(json.loads(json.dumps(table.plan.to_dict()))).to_dict() == table.plan.to_dict()


def test_the_weekday_of_a_quarter_is_no_feature():
    """Its first day falls on any."""
    quarters = [f"{1990 + i // 4} Q{1 + i % 4}" for i in range(ROWS)]
    table = read_table(pl.DataFrame({"quarter": quarters, "y": np.arange(ROWS) * 3 % 13 / 4}), target="y")
    assert table.feature_names == ("quarter time in years", "quarter month sin", "quarter month cos")
    assert table.plan.columns[0].reason == "1990-01-01 to 2004-10-01"


def test_bounds_among_numbers_are_their_numbers():
    """Below the limit of detection, or the open end of a scale; ranges with an order stay ordered text."""
    found = ["<0.5" if i % 3 == 0 else f"{i * 7 % 50 / 4 + 0.5}" for i in range(ROWS)]
    kilograms = ["90+" if i % 15 == 0 else str(40 + i * 7 % 50) for i in range(ROWS)]
    children = [("0", "1", "2", "3+")[i * 3 % 7 % 4] for i in range(ROWS)]
    columns = {"lead": found, "kg": kilograms, "children": children}
    table = read_table(pl.DataFrame({**columns, "y": np.arange(ROWS) * 3 % 13 / 4}), target="y")
    assert [column.label for column in table.plan.columns] == ["number", "number", "ordered text"]
    assert table.plan.columns[0].reason == "bounds such as <5 or 90+ taken for their numbers"
    expected = [[float(a.strip("<")), float(b.strip("+"))] for a, b in zip(found, kilograms, strict=True)]
    np.testing.assert_array_equal(table.features[:, :2], np.array(expected, np.float32))
    assert Plan.from_dict(json.loads(json.dumps(table.plan.to_dict()))) is not None
