"""A folder or a pattern of files is one table, its rows in the order of their names."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from tests.refusals import refusal

from justright.data.read import read_table
from justright.data.readers import parts
from justright.data.readers.stacked_frames import stack_frames


@pytest.fixture
def folder(tmp_path):
    """A table as Spark and Hive write it: four parts in two folders, with what is no part beside them."""
    count = 0
    for year in ("2020", "2021", "__HIVE_DEFAULT_PARTITION__"):
        for kind in ("a%20b", "c"):
            place = tmp_path / "table" / f"year={year}" / f"kind={kind}"
            place.mkdir(parents=True)
            frame = pl.DataFrame({"x": [count, count + 1], "label": [0, 1]})
            frame.write_parquet(place / "part-0000.parquet")
            count += 2
    root = tmp_path / "table"
    for name in ("_SUCCESS", ".part.crc", "README.md", "_temporary.parquet"):
        (root / name).write_bytes(b"PAR1 not a part")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "part.parquet").write_bytes(b"not a part")
    return root


def read(source, **options):
    """Return the columns of a table in parts, by the path that `read_table` takes."""
    seen = {}

    def keep(raw, request, **rest):
        seen["raw"] = raw

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("justright.data.read.build_table", keep)
        read_table(source, **options)
    return seen["raw"]


@pytest.mark.parametrize("pattern", ["", "/*/*/*.parquet", "/**/part*.parquet"])
def test_the_parts_of_a_folder_are_one_table(folder, pattern):
    """In sorted order, with what the folders' names say, and each row traceable to its part."""
    raw = read(str(folder) + pattern)
    assert raw.frame.to_dict(as_series=False) == {
        "x": list(range(12)),
        "label": [0, 1] * 6,
        "year": [2020.0] * 4 + [2021.0] * 4 + [None] * 4,
        "kind": ["a b", "a b", "c", "c"] * 3,
    }
    third = folder / "year=2021" / "kind=a%20b" / "part-0000.parquet"
    assert raw.locate(5) == f"row 2 of {str(third)!r}"


def test_a_table_of_parts_is_trained_on(tmp_path):
    """End to end: numbers in two CSV files."""
    for number in (2, 1):
        (tmp_path / f"part-{number}.csv").write_text(f"x,label\n{number},0\n{number}.5,1\n")
    table = read_table(tmp_path)
    assert table.features.ravel().tolist() == [1.0, 1.5, 2.0, 2.5]
    assert table.source.source == str(tmp_path)


def test_no_more_parts_are_read_than_rows_are_wanted(tmp_path):
    """The second part is damaged."""
    (tmp_path / "a.csv").write_text("x,label\n1,0\n2,1\n")
    (tmp_path / "b.csv").write_text("x,label\n1,0,7\n")
    assert read(tmp_path, rows=2, head=True).frame.height == 2
    assert refusal(read_table, tmp_path).startswith(repr(str(tmp_path / "b.csv")))


def test_columns_may_stand_in_another_order_and_hold_text_later(tmp_path):
    """By name, and as text where one part has text."""
    (tmp_path / "a.csv").write_text("x,label\n1,0\n2,1\n")
    (tmp_path / "b.csv").write_text("label,x\n0,word\n1,\n")
    assert read(tmp_path).frame.to_dict(as_series=False) == {
        "x": ["1.0", "2.0", "word", None],
        "label": [0, 1, 0, 1],
    }


def test_types_of_parts_are_reconciled():
    """Whole and other numbers, dates and times; an empty part says nothing."""
    empty = pl.DataFrame({"x": [None], "d": [None]})
    first = pl.DataFrame({"x": [2**60], "d": [None]}, schema={"x": pl.Int64, "d": pl.Date})
    assert stack_frames([empty, first])["x"].to_list() == [None, 2**60]
    assert stack_frames([first, pl.DataFrame({"x": [True], "d": [None]})])["x"].dtype == pl.Int64
    assert stack_frames([first, pl.DataFrame({"x": [0.5], "d": [None]})])["x"].dtype == pl.Float64
    days = [pl.DataFrame({"d": [date(2020, 1, 1)]}).cast(kind) for kind in (pl.Date, pl.Datetime("ns"))]
    assert stack_frames(days)["d"].dtype == pl.Datetime("us")


def test_parts_with_other_columns_are_named_together(folder):
    """All of them, and what the first of them has and lacks."""
    odd = folder / "year=2021" / "kind=c"
    for name in ("x.parquet", "y.parquet"):
        pl.DataFrame({"x": [1], "extra": [1]}).write_parquet(odd / name)
    first = folder / "year=2020" / "kind=a%20b" / "part-0000.parquet"
    assert refusal(read_table, folder) == (
        f"{str(folder)!r}: all parts must have the columns of the first, {str(first)!r}; 2 parts differ, "
        f"{str(odd / 'x.parquet')!r}, {str(odd / 'y.parquet')!r}; the first of these has 'extra' and lacks 'label'. "
        "Name one file, or a pattern that only the parts match."
    )


def test_a_folder_that_is_no_table_is_refused(tmp_path, monkeypatch):
    """Empty, of several formats, or too large."""
    place = repr(str(tmp_path))
    assert refusal(read_table, tmp_path) == (
        f"{place}: 1 to 10,000 files with the parts of a table were expected; there is none. Name a file."
    )
    (tmp_path / "a.csv").write_text("x,label\n1,0\n2,1\n")
    (tmp_path / "b.json").write_text('[{"x": 1, "label": 0}]')
    assert refusal(read_table, tmp_path) == (
        f"{place}: the files of a table must be of one format; those in this folder end with '.csv', '.json'. "
        f"Name one file, or a pattern such as {str(tmp_path / '*.csv')!r}."
    )
    (tmp_path / "b.json").rename(tmp_path / "b.csv")
    monkeypatch.setattr(parts, "MAX_PARTS", 1)
    assert refusal(read_table, tmp_path) == (
        f"{place}: 1 to 1 files with the parts of a table were expected; there are 2. Name a file."
    )
    monkeypatch.undo()
    (tmp_path / "b.csv").write_text("x,label\n1,0\n")
    monkeypatch.setattr(parts, "MAX_TABLE_BYTES", 20)
    advice = "Name fewer files, or ask for the first `rows`."
    assert (
        refusal(read_table, tmp_path)
        == f"{place}: a table must take at most 20 bytes; its files take 28. {advice}"
    )
    monkeypatch.setattr(parts, "MAX_TABLE_BYTES", 40)
    assert (
        refusal(read_table, tmp_path)
        == f"{place}: a table must take at most 40 bytes; they take more. {advice}"
    )
    monkeypatch.setattr(parts, "MAX_ENTRIES", 1)
    assert (
        refusal(read_table, tmp_path)
        == f"{place}: a folder must hold at most 1 files; it holds more. Name a folder in it."
    )


def test_links_to_folders_are_not_followed(tmp_path):
    """A folder that links to itself ends."""
    (tmp_path / "a.csv").write_text("x,label\n1,0\n2,1\n")
    (tmp_path / "again").symlink_to(tmp_path)
    assert read(tmp_path).frame.height == 2


def test_a_file_with_a_wildcard_in_its_name_is_a_file(tmp_path):
    """If it is there, its name is only a name."""
    (tmp_path / "a[1].csv").write_text("x,label\n1,0\n2,1\n")
    assert read_table(tmp_path / "a[1].csv").rows == 2


def test_large_parts_are_read_whole(tmp_path, monkeypatch):
    """A part that would be read in pieces gives all its rows."""
    monkeypatch.setattr("justright.data.readers.columnar.PIECES_FROM_BYTES", 1)
    for name in ("a", "b"):
        pl.DataFrame({"x": [1.0, 2.0, 3.0], "label": [0, 1, 0]}).write_parquet(tmp_path / f"{name}.parquet")
    monkeypatch.setattr("justright.data.readers.columnar.PIECE_BYTES", 16)
    assert read(tmp_path).frame["x"].to_list() == [1.0, 2.0, 3.0] * 2


def test_a_note_that_all_parts_give_is_said_once(tmp_path):
    """What is left out of each part is said once."""
    for name in ("a", "b"):
        pl.DataFrame({"x": [1.0], "l": [[1]], "label": [0]}).write_parquet(tmp_path / f"{name}.parquet")
    assert read(tmp_path).notes == ("Column 'l' holds lists and is left out.",)
