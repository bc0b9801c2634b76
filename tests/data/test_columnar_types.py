"""Columns of every type in Parquet and Arrow files arrive as what they are; what is no feature is left out and said."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from justright.data.read import read_file
from justright.data.read_options import READ_ALL, ReadOptions

MOMENT = dt.datetime.fromisoformat("2020-01-01 12:00")
TABLE = pa.table(
    {
        "day": pa.array([dt.date(2020, 1, 1), None]),
        "moment": pa.array([MOMENT, None], pa.timestamp("ms")),
        "zone": pa.array([MOMENT, None], pa.timestamp("us", "UTC")).cast(pa.timestamp("us", "Europe/Berlin")),
        "clock": pa.array([dt.time(13, 8), None]),
        "wait": pa.array([dt.timedelta(seconds=90), None]),
        "flag": pa.array([True, None]),
        "kind": pa.array(["a", None]).dictionary_encode(),
        "money": pa.array([Decimal("1.25"), None]),
        "half": pa.array([1.5, None], pa.float16()),
        "nested": pa.array([{"x": 1, "y": {"z": 2}}, None]),
        "list": pa.array([[1], None]),
        "fixed": pa.array([[1, 2], [3, 4]], pa.list_(pa.int32(), 2)),
        "bytes": pa.array([b"x\1", None]),
        "text": pa.array([b"K\xf6ln  ", None]),
        "nothing": pa.nulls(2),
    }
)
VALUES = {
    "day": [dt.date(2020, 1, 1), None],
    "moment": [MOMENT, None],
    "zone": [MOMENT + dt.timedelta(hours=1), None],
    "clock": [dt.time(13, 8), None],
    "wait": [90.0, None],
    "flag": [True, None],
    "kind": ["a", None],
    "money": [1.25, None],
    "half": [1.5, None],
    "nested.x": [1, None],
    "nothing": [None, None],
    "text": ["Köln", None],
}


@pytest.mark.parametrize("write", [pq.write_table, feather.write_feather], ids=["parquet", "arrow"])
def test_columns_of_every_type(tmp_path, write):
    """A time with a zone is the one that clocks there show."""
    write(TABLE, tmp_path / "t")
    raw = read_file(tmp_path / "t", "'t'", READ_ALL)
    assert raw.frame.to_dict(as_series=False) == VALUES
    assert raw.notes == (
        "Column 'nested.y' holds structures and is left out.",
        "2 columns hold lists and are left out: 'list', 'fixed'.",
        "Column 'bytes' holds bytes and is left out.",
        "Durations are taken in seconds: 'wait'.",
    )


def test_options_for_other_formats_are_mentioned(write):
    """A text has no sheet, and answers no query."""
    path = Path(write("t.csv", "x,label\n1,0\n"))
    assert read_file(path, "'t'", ReadOptions(sheet="s", query="SELECT 1")).notes == (
        "`sheet` is for workbooks, zip archives and SQLite files and is not used.",
        "`query` is for databases and is not used.",
    )
