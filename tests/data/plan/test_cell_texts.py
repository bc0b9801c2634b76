"""Numbers, dates and ordered words as people write them."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from justright.data.plan.date_text import date_parts, find_date_format, parse_dates
from justright.data.plan.missing_values import MISSING_AMONG_NUMBERS, as_text, without_missing
from justright.data.plan.number_text import NumberFormat, find_number_format
from justright.data.plan.word_order import word_order

NUMBERS = [
    (["1,234", "20"], [1234, 20]),
    (["1,234.5", "20"], [1234.5, 20]),
    (["1.234,5", "20"], [1234.5, 20]),
    (["1,5", "20"], [1.5, 20]),
    (["0,125", "0,250"], [0.125, 0.25]),
    (["1.234.567", "3"], [1234567, 3]),
    (["$5", "$1,200.50"], [5, 1200.5]),
    (["1 200 €", "30 €"], [1200, 30]),
    (["12 %", "3%"], [12, 3]),
    (["3.5 kg", "12 kg"], [3.5, 12]),
    (["36 months", "60 months"], [36, 60]),
    (["146.5 m2", "80 m2"], [146.5, 80]),
    (["(5)", "6"], [-5, 6]),
    (["\u2212 4", "+3"], [-4, 3]),
    (["1e-3", "2E5"], [0.001, 200_000]),
]


@pytest.mark.parametrize(("texts", "values"), NUMBERS, ids=lambda value: str(value[0]))
def test_numbers_are_read_as_they_are_written(texts, values):
    """Separators, marks, currencies and units, found from the column itself."""
    column = pl.Series(texts)
    assert find_number_format(column).parse(column).to_list() == values


@pytest.mark.parametrize(
    "texts",
    [
        ["A11", "A12"],
        ["z95838", "z95823"],
        ["3 kg", "12 lb"],
        ["10-20", "20-30"],
        ["1/2", "x"],
        ["1, 5", "2, 12"],
    ],
)
def test_what_is_no_number_stays_text(texts):
    """Codes, mixed units, ranges."""
    column = pl.Series(texts)
    assert find_number_format(column).parse(column).null_count() == 2


def test_marks_that_are_named_are_not_guessed():
    """`--thousands .` reads 1.234 as a thousand, though nothing in the column says so."""
    column = pl.Series(["1.234", "5.678"])
    assert find_number_format(column).parse(column).to_list() == [1.234, 5.678]
    assert find_number_format(column, thousands=".").parse(column).to_list() == [1234, 5678]
    assert find_number_format(column, decimal=",") == NumberFormat(",")


@given(st.lists(st.floats(-1e12, 1e12).map(lambda value: round(value, 2)), min_size=3, max_size=20))
def test_grouped_numbers_come_back(values):
    """As Python writes them with commas, and as German does with dots."""
    english = pl.Series([f"{value:,.2f}" for value in values])
    assert find_number_format(english).parse(english).to_list() == values
    german = pl.Series([text.translate(str.maketrans(",.", ".,")) for text in english.to_list()])
    assert find_number_format(german).parse(german).to_list() == values


DATES = [
    ["2019-01-27", "2020-02-29"],
    ["1/27/2019", "2/29/2020"],
    ["27/1/2019", "29/2/2020"],
    ["27.1.2019", "29.2.2020"],
    ["27-Jan-2019", "29-Feb-2020"],
    ["Jan 27, 2019", "February 29, 2020"[:3] + " 29, 2020"],
    ["27 January 2019", "29 February 2020"],
    ["27-Jan-19", "29-Feb-20"],
    ["27JAN2019", "29FEB2020"],
    ["27jan19", "29feb20"],
    ["27 Jan 19", "29 Feb 20"],
]


@pytest.mark.parametrize("texts", DATES, ids=lambda value: value[0])
def test_dates_are_read_as_they_are_written(texts):
    """Year, month and day in any order; a day above 12 says which is which."""
    column = pl.Series(texts)
    moments = parse_dates(column, find_date_format(column))
    expected = [datetime(2019, 1, 27, tzinfo=UTC), datetime(2020, 2, 29, tzinfo=UTC)]
    assert moments.to_list() == [moment.timestamp() for moment in expected]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2019-01-27 13:08:05", datetime(2019, 1, 27, 13, 8, 5, tzinfo=UTC)),
        ("2019-01-27T13:08:05Z", datetime(2019, 1, 27, 13, 8, 5, tzinfo=UTC)),
        ("2019-01-27T13:08:05+02:00", datetime(2019, 1, 27, 11, 8, 5, tzinfo=UTC)),
        ("1/27/2019 1:08 PM", datetime(2019, 1, 27, 13, 8, tzinfo=UTC)),
        ("27JAN2019:13:08:05", datetime(2019, 1, 27, 13, 8, 5, tzinfo=UTC)),
        ("13:08", datetime(1970, 1, 1, 13, 8, tzinfo=UTC)),
        ("2019-03", datetime(2019, 3, 1, tzinfo=UTC)),
        ("Mar-2019", datetime(2019, 3, 1, tzinfo=UTC)),
        ("2019 Mar", datetime(2019, 3, 1, tzinfo=UTC)),
        ("2019-Mar", datetime(2019, 3, 1, tzinfo=UTC)),
        ("2019 Q4", datetime(2019, 10, 1, tzinfo=UTC)),
        ("2019Q1", datetime(2019, 1, 1, tzinfo=UTC)),
        ("Q2 2019", datetime(2019, 4, 1, tzinfo=UTC)),
        ("2020 W01", datetime(2019, 12, 30, tzinfo=UTC)),
        ("2019-W05", datetime(2019, 1, 28, tzinfo=UTC)),
        ("20190127T130805", datetime(2019, 1, 27, 13, 8, 5, tzinfo=UTC)),
    ],
)
def test_moments_are_read_as_they_are_written(text, moment):
    """Times of day, zones, months alone."""
    column = pl.Series([text])
    assert parse_dates(column, find_date_format(column)).to_list() == [moment.timestamp()]


@pytest.mark.parametrize(
    "text",
    [
        "1.5",
        "10-20",
        "3.10.2",
        "192.168.1.1",
        "12345",
        "2019",
        "A-1-2",
        "1:2",
        "Q1",
        "2019 Q5",
        "W05",
        "12ABC34",
        "27JAN",
    ],
)
def test_what_is_no_date_is_none(text):
    """Versions, ranges, numbers, addresses."""
    assert find_date_format(pl.Series([text, text])) is None


@given(st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - in UTC below
def test_parts_are_those_of_the_calendar(moment):
    """Against Python's own calendar: month and day, weekday, hour."""
    second = (moment - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001 - as above
    parts = {
        name: float(values[0])
        for name, values in date_parts(np.array([second]), origin=second - 86_400).items()
    }
    month = (moment.month - 1 + (moment.day - 1) / 31) / 12
    hour = timedelta(
        hours=moment.hour, minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond
    )
    turns = {"month": month, "weekday": moment.weekday() / 7, "hour": hour / timedelta(days=1)}
    for name, turn in turns.items():
        assert parts[f"{name} sin"] == pytest.approx(math.sin(2 * math.pi * turn), abs=1e-6)
        assert parts[f"{name} cos"] == pytest.approx(math.cos(2 * math.pi * turn), abs=1e-6)
    assert parts["time in years"] == pytest.approx(1 / 365.2425)
    assert date(1970, 1, 1).weekday() == 3  # the epoch was a Thursday


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (["High", "Low", "Medium"], (("Low", "Medium", "High"), False)),
        (["'0-4'", "'10-14'", "'5-9'"], (("'0-4'", "'5-9'", "'10-14'"), False)),
        (
            ["< 1 year", "10+ years", "1 year", "2 years"],
            (("< 1 year", "1 year", "2 years", "10+ years"), False),
        ),
        (["Third", "First", "Second"], (("First", "Second", "Third"), False)),
        (["Tuesday", "Monday", "Sunday"], (("Monday", "Tuesday", "Sunday"), True)),
        (["mar", "jan", "feb"], (("jan", "feb", "mar"), True)),
        (["red", "green", "blue"], None),
        (["low", "high"], None),
        (["1", "2", "3"], None),
    ],
)
def test_words_with_an_order_are_known(levels, expected):
    """Sizes, ranges, ordinals; what comes round again; and no order where there is none."""
    assert word_order(levels) == expected


@pytest.mark.parametrize("error", ["#NV", "#WERT!", "#N/D", "#VALEUR!", "#RIF!", "#WAARDE!", "#NUM!", "k.A."])
def test_excel_s_errors_are_missing_in_any_language(error):
    """However many there are, the column stays one of numbers."""
    cells = pl.Series(["1,5", error, "2,5", error.lower(), "3,5"])
    known = without_missing(as_text(cells), MISSING_AMONG_NUMBERS).drop_nulls()
    assert find_number_format(known).parse(known).to_list() == [1.5, 2.5, 3.5]
