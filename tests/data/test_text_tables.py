"""Text tables as R, pandas, Excel, databases, gnuplot and people write them are read at the first try, and it is said how."""

from __future__ import annotations

import csv
import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.data.read_options import ReadOptions
from justright.data.readers import delimited
from justright.data.readers.delimited import read_delimited
from justright.data.readers.delimited_text import lines

INDEX = "The first column has no name; it is called 'index'."
COMMENTED = "The names of the columns stand in a comment."
WESTERN = (
    "The text is not UTF-8 (line {} has the first letter beyond ASCII); it was read as Windows-1252. "
    "Name another `encoding` if letters look wrong."
)


def skipped(count, where, first):
    """Return the note on lines that are no rows."""
    what = "1 line {} was" if count == 1 else f"{count} lines {{}} were"
    return f"{what.format(where)} skipped (first: line {first})."


def columns(text, **options):
    """Return the columns of a text, and the notes on it."""
    raw = read_delimited(text if isinstance(text, bytes) else text.encode(), "'t'", ReadOptions(**options))
    return raw.frame.to_dict(as_series=False), list(raw.notes)


UNUSUAL = {
    "R's write.table, with row names": (
        '"x" "g"\n"1" 1.5 "a b"\n"2" NA "c"\n',
        {"index": [1, 2], "x": ["1.5", "NA"], "g": ["a b", "c"]},
        [INDEX],
    ),
    "R's write.csv2": (
        '"";"mpg";"g"\n"Fiat X";21,5;"a"\n"Ford";22,8;"b"\n',
        {"index": ["Fiat X", "Ford"], "mpg": ["21,5", "22,8"], "g": ["a", "b"]},
        [INDEX],
    ),
    "an index of pandas": (",a,b\n0,1.5,x\n1,2.5,y\n", {"index": [0, 1], "a": [1.5, 2.5], "b": ["x", "y"]}, [INDEX]),
    "the same, read and written again": ("Unnamed: 0,a\n0,1.5\n1,2.5\n", {"index": [0, 1], "a": [1.5, 2.5]}, [INDEX]),
    "columns that pandas numbers": (
        ",0,1,2,3\n0,0.5,2,3,1\n1,1.5,2,3,0\n",
        {"index": [0, 1], "0": [0.5, 1.5], "1": [2, 2], "2": [3, 3], "3": [1, 0]},
        [INDEX],
    ),
    "NumPy's savetxt with a header": ("# a,b\n1.0 2.0\n2.0 3.0\n", {"a": [1, 2], "b": [2, 3]}, [COMMENTED]),
    "gnuplot": (
        "# Run 7 of May\n# t V\n0.0 1.5\n0.1\t1.6\n\n\n 0.2  1.7 \n",
        {"t": [0, 0.1, 0.2], "V": [1.5, 1.6, 1.7]},
        [COMMENTED],
    ),
    "names behind a mark": ("#id,v\na,0.5\nb,0.6\n", {"id": ["a", "b"], "v": [0.5, 0.6]}, [COMMENTED]),
    "comments above and between": (
        "% seen\n1,2\n% more\n4,5\n",
        {"column_0": [1, 4], "column_1": [2, 5]},
        ["Left out between the rows: 1 comment."],
    ),
    "comments between alone": (
        "x,y,z\n1,2,3\n// later\n4,5,6\n",
        {"x": [1, 4], "y": [2, 5], "z": [3, 6]},
        [skipped(1, "between the rows", 3)],
    ),
    "a mark within values": ("tag,y\n#a,1\n#b,0\nc,0\n", {"tag": ["#a", "#b", "c"], "y": [1, 0, 0]}, []),
    "a mark before the first value": (
        "#a,1\nb,0\n#c,1\nd,1\n#e,0\n",
        {"column_0": ["#a", "b", "#c", "d", "#e"], "column_1": [1, 0, 1, 1, 0]},
        [],
    ),
    "a title above and a source below": (
        "Sales of 2019\nprinted today\n\nregion,n,price\nNorth,5,1.5\nTotal,6,2.5\n\nSource: the office, 2020\n",
        {"region": ["North", "Total"], "n": [5, 6], "price": [1.5, 2.5]},
        [skipped(2, "above the table", 1), skipped(1, "below the table", 8)],
    ),
    "Excel's title of one cell": (
        "Sales,,\n,,\nregion,n,price\nNorth,5,1.5\nSouth,6,2.5\n,,\n",
        {"region": ["North", "South"], "n": [5, 6], "price": [1.5, 2.5]},
        [skipped(1, "above the table", 1)],
    ),
    "the World Bank": (
        '"Data Source","Indicators",\n\n\n"Country","1960","1961",\n"Aruba","54211","",\n"Angola","5454933","5531472",\n',
        {"Country": ["Aruba", "Angola"], "1960": [54211, 5454933], "1961": [None, 5531472]},
        [skipped(1, "above the table", 1)],
    ),
    "remarks of one cell and empty ones": (
        "Country,1960,1961\nA,..,5\nB,4,..\n,,\n\nData from: WDI,,\nLast updated: 2020,,\n",
        {"Country": ["A", "B"], "1960": ["..", "4"], "1961": ["5", ".."]},
        [skipped(2, "below the table", 6)],
    ),
    "a row of one cell without a blank line above": (
        "a,b,c\nx y,1,2\nx y,,\n",
        {"a": ["x y", "x y"], "b": [1, None], "c": [2, None]},
        [],
    ),
    "a series matrix of GEO": (
        '!Series\t"x"\n!Type\t"y"\nID\tG1\tG2\n1007\t5.5\t6.5\n1053\t4.5\t3.5\n',
        {"ID": [1007, 1053], "G1": [5.5, 4.5], "G2": [6.5, 3.5]},
        [skipped(2, "above the table", 1)],
    ),
    "a database's count of rows": (
        "a,b\n1,x\n2,y\n(2 rows affected)\n",
        {"a": [1, 2], "b": ["x", "y"]},
        [skipped(1, "below the table", 4)],
    ),
    "a line of units": (
        "t,V,state\n[s],[V],\n0.1,1.5,on\n0.2,1.6,off\n",
        {"t": [0.1, 0.2], "V": [1.5, 1.6], "state": ["on", "off"]},
        ["Line 2 was skipped: it holds units, no values."],
    ),
    "two files after one another": (
        "x,g\n1,a\n2,b\nx,g\n3,c\n",
        {"x": [1, 2, 3], "g": ["a", "b", "c"]},
        ["Left out between the rows: 1 line like the header."],
    ),
    "Excel's line on the separator": ("sep=;\na;b\n1;2\n3;4\n", {"a": [1, 3], "b": [2, 4]}, []),
    "separators at the ends of all lines": ("a,b,\n1,2,\n4,5,\n", {"a": [1, 4], "b": [2, 5]}, []),
    "at the ends of rows": ("a,b,c\n1,2,3,\n4,5,6,\n", {"a": [1, 4], "b": [2, 5], "c": [3, 6]}, []),
    "at the end of the header": ("a,b,\n1,2\n4,5\n", {"a": [1, 4], "b": [2, 5]}, []),
    "at the ends of rows without names": ("1.5,2,\n3,4,\n", {"column_0": [1.5, 3], "column_1": [2, 4]}, []),
    "Excel's empty columns and rows": ("a,b,,,\n1,2,,,\n3,4,,,\n,,,,\n", {"a": [1, 3], "b": [2, 4]}, []),
    "empty cells left out at the ends of rows": (
        "a,b,c\n1,2\n1,2,3\n5\n5,6,7\n",
        {"a": [1, 1, 5, 5], "b": [2, 2, None, 6], "c": [None, 3, None, 7]},
        ["2 rows with fewer fields than columns (first: line 2) were filled with missing values at the end."],
    ),
    "a nameless column": (
        "a,,b\n1,x,2\n3,y,4\n",
        {"a": [1, 3], "column_1": ["x", "y"], "b": [2, 4]},
        ["Columns without a name are called 'column_1'."],
    ),
    "names twice": (
        "x,x,x_2\n1,2,3\n4,5,6\n",
        {"x": [1, 4], "x_3": [2, 5], "x_2": [3, 6]},
        ["Columns with the name of another were renamed 'x_3'."],
    ),
    "a name of two lines": ('"the\nname",y\n1,0\n2,1\n', {"the name": [1, 2], "y": [0, 1]}, []),
    "Markdown": ("| a | b |\n|---|---|\n| 1 | x |\n| 2 | y |\n", {"a": [1, 2], "b": ["x", "y"]}, []),
    "psql": (
        " a | b \n---+---\n 1 | x\n 2 | y\n(2 rows)\n",
        {"a": [1, 2], "b": ["x", "y"]},
        [skipped(1, "below the table", 5)],
    ),
    "mysql": (
        "+---+---+\n| a | b |\n+---+---+\n| 1 | x |\n| 2 | y |\n+---+---+\n2 rows in set (0.00 sec)\n",
        {"a": [1, 2], "b": ["x", "y"]},
        [skipped(1, "below the table", 7)],
    ),
    "mysqldump's backslashes": ('a,b\n"say \\"hi\\", you",1\n"x",2\n', {"a": ['say "hi", you', "x"], "b": [1, 2]}, []),
    "columns of blanks with names of two words": (
        "Name  Score\nJohn Smith  5.5\nMary Jones  6.5\n",
        {"Name": ["John Smith", "Mary Jones"], "Score": [5.5, 6.5]},
        [],
    ),
    "two colons": ("1::1193::5\n1::661::3\n", {"column_0": [1, 1], "column_1": [1193, 661], "column_2": [5, 3]}, []),
    "tabs and decimal commas": ("a\tb\n1,5\t2,5\n2,5\t3,5\n", {"a": ["1,5", "2,5"], "b": ["2,5", "3,5"]}, []),
    "decimal commas without names": (
        "1,5;2,5;3\n1,6;2,6;4\n",
        {"column_0": ["1,5", "1,6"], "column_1": ["2,5", "2,6"], "column_2": [3, 4]},
        [],
    ),
    "blanks and decimal commas": ("a b\n1,5 2,5\n2,5 3,5\n", {"a": ["1,5", "2,5"], "b": ["2,5", "3,5"]}, []),
    "blanks, a tab and a quoted name": (
        'mpg cyl\tname\n18.0   8\t"chevrolet  malibu"\n15.0   ?\t"buick"\n',
        {"mpg": [18, 15], "cyl": ["8", "?"], "name": ["chevrolet  malibu", "buick"]},
        [],
    ),
    "numbers written otherwise": (
        "a;b;c;d;e\n$5;12 %;3,995.383;NA;02208\n$6;13 %;1.5;?;00000\n",
        {"a": ["$5", "$6"], "b": ["12 %", "13 %"], "c": ["3,995.383", "1.5"], "d": ["NA", "?"], "e": ["02208", "00000"]},
        [],
    ),
    "tabs that come in runs": (
        "1.5\t2.5\t1\n1.6\t\t2.6\t2\n" * 10,
        {"column_0": [1.5, 1.6] * 10, "column_1": [2.5, 2.6] * 10, "column_2": [1, 2] * 10},
        [],
    ),
    "blanks around quotes": ('1, "a, b"\n2, "c"\n', {"column_0": [1, 2], "column_1": ["a, b", "c"]}, []),
    "single quotes": (
        "'40-49','3'\n'50-59','1'\n'40-49','1'\n",
        {"column_0": ["40-49", "50-59", "40-49"], "column_1": [3, 1, 1]},
        [],
    ),
    "single quotes around separators": (
        "'a,b',1,it's\n'c',2,so\n'a,b',3,no\n",
        {"column_0": ["a,b", "c", "a,b"], "column_1": [1, 2, 3], "column_2": ["it's", "so", "no"]},
        [],
    ),
    "quoted twice": (
        "\"'g'\",\"'n'\"\n\"'a'\",\"1\"\n\"'b'\",\"2\"\n",
        {"g": ["a", "b"], "n": [1, 2]},
        [],
    ),
    "inches": ('size,y\n5" pipe,1\n6" x 3" board,0\n', {"size": ['5" pipe', '6" x 3" board'], "y": [1, 0]}, []),
    "a quote that begins a text of several": (
        'a\tb\n"Foo" bar\t1\nBaz "\t2\n',
        {"a": ['"Foo" bar', 'Baz "'], "b": [1, 2]},
        [],
    ),
    "cells of several lines": (
        'id,text,y\n1,"two\nlines, yes",0\n\n2,"a\n\nb ""q""",1\n',
        {"id": [1, 2], "text": ["two\nlines, yes", 'a\n\nb "q"'], "y": [0, 1]},
        [],
    ),
    "carriage returns alone": ("a,b\r1,x\r3,y\r", {"a": [1, 3], "b": ["x", "y"]}, []),
    "two carriage returns": ("a,b\r\r\n1,2\r\r\n3,4\r\r\n", {"a": [1, 3], "b": [2, 4]}, []),
    "Latin-1": ("stadt;n\nKöln;1\nBonn;2\n".encode("latin-1"), {"stadt": ["Köln", "Bonn"], "n": [1, 2]}, [WESTERN.format(2)]),
    "Windows' own letters": ("a;n\n5 €;1\n".encode("cp1252"), {"a": ["5 €"], "n": [1]}, [WESTERN.format(2)]),
    "UTF-16 with a mark": ("a\tb\n1\té\n".encode("utf-16"), {"a": [1], "b": ["é"]}, ["The text is UTF-16."]),
    "UTF-16 without": ("a,b\n1,é\n".encode("utf-16-le"), {"a": [1], "b": ["é"]}, ["The text is UTF-16."]),
    "UTF-16, the other way round": ("a,b\n1,x\n".encode("utf-16-be"), {"a": [1], "b": ["x"]}, ["The text is UTF-16."]),
    "UTF-32": ("a,b\n1,x\n".encode("utf-32"), {"a": [1], "b": ["x"]}, ["The text is UTF-32."]),
    "a name that begins as compressed bytes do": ("x^2,y\nx^1,2\n", {"x^2": ["x^1"], "y": [2]}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_text_is_understood_and_it_is_said_how(name):
    """Every value, every name, and every note."""
    text, expected, notes = UNUSUAL[name]
    assert columns(text) == (expected, notes)


HEADERS = {
    "words above numbers": ("age,sex\n33,f\n", True),
    "words above numbers of another country": ("age;pay\nold;1.234,5\nnew;$3\n", True),
    "words above texts": ("mood,text\ngood,I like it\nbad,not I\ngood,yes\n", True),
    "years": ("Country,1990,1991\nFrance,5.1,5.2\nSpain,4.1,4.2\n", True),
    "a year above numbers with thousands": ("Country\tNotes\t2015\nA\tx\t3,995.383\nB\tx\t599.994\n", True),
    "one word that is a value, too": ("type,name\ntype,a\nb,c\nd,e\nf,g\nh,i\nj,k\n", True),
    "numbers": ("1,2\n3,4\n", False),
    "numbers from 0 above numbers that go on": ("0,1,2,3\n4,5,6,7\n", False),
    "texts and numbers": ("M,0.455,15\nF,0.53,7\n", False),
    "whole numbers beside texts": ("A11,6,A34,1169\nA12,48,A32,5951\nA14,12,A34,2096\n", False),
    "classes": ("p,x,s\ne,x,s\ne,b,s\np,x,y\n", False),
    "votes with gaps": ("rep,n,y,?\nrep,n,?,y\ndem,?,y,y\n", False),
    "a class and a text": ("ham\tGo until\nham\tOk lar\nspam\tFree entry\n", False),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_told_from_data(name):
    """By what stands below it."""
    text, expected = HEADERS[name]
    assert read_delimited(text.encode(), "'t'").has_header is expected


@pytest.mark.parametrize("sep", [";", "\t", "|"])
def test_a_decimal_comma_is_no_separator_where_the_names_have_none(sep):
    """Words and one number with a decimal comma: commas cut every row in two, but not the line of the names."""
    rows = [("symbol", "day", "price"), ("MSFT", "2000-01-01", "39,81"), ("AMZN", "2000-02-01", "7,3")]
    found, _ = columns("".join(sep.join(row) + "\n" for row in rows))
    assert found == {
        "symbol": ["MSFT", "AMZN"],
        "day": ["2000-01-01", "2000-02-01"],
        "price": ["39,81", "7,3"],
    }


def test_options_decide_what_would_be_found():
    """The separator, the encoding and whether there is a header."""
    assert columns("a;b,c\n1;2,3\n", sep=",")[0] == {"a;b": ["1;2"], "c": [3]}
    assert columns("a\tb,c\n1\t2,3\n", sep="\\t")[0] == {"a": [1], "b,c": ["2,3"]}
    assert columns("a<>b\n1<>2\n", sep="<>")[0] == {"a": [1], "b": [2]}
    assert columns("a  b,c\n1 2,3\n", sep="whitespace")[0] == {"a": [1], "b,c": ["2,3"]}
    assert columns("имя;n\nАнна;5\n".encode("cp1251"), encoding="cp1251") == ({"имя": ["Анна"], "n": [5]}, [])
    assert columns("﻿a,b\n1,2\n", encoding="utf-8")[0] == {"a": [1], "b": [2]}
    assert columns("1,2\n3,4\n", header=True)[0] == {"1": [3], "2": [4]}
    assert columns("a,b\n1,c\n", header=False)[0] == {"column_0": ["a", "1"], "column_1": ["b", "c"]}


def test_options_that_cannot_be_used_are_refused():
    """With what they may be."""
    for sep in ("", "\n", '"'):
        assert refusal(columns, "a,b\n", sep=sep) == (
            f"`sep` must be what stands between two fields, without quotes and line ends, or 'whitespace'; got {sep!r}."
        )
    for encoding in ("latin-99", "base64", "punycode", "a\0b", ""):
        assert refusal(columns, "a,b\n", encoding=encoding) == (
            "`encoding` must be an encoding of text that Python knows, such as 'utf-8', 'cp1252', 'latin-1' or 'utf-16'; "
            f"got {encoding!r}."
        )
    assert refusal(columns, "a,é\n", encoding="ascii") == (
        "'t': text must be in the `encoding` that was named, 'ascii'; it is not: 'ascii' codec can't decode byte 0xc3 in "
        "position 2: ordinal not in range(128). Name another, or none."
    )


RAGGED = {
    "a,b\n1,2\n4,5,6\n4,5\n": "every line must have 2 fields as line 1 has; line 3 has 3. Correct that line.",
    "a,b,c\n1,2,3\n4,5,6,7\n4,5\n5,5,5\n5,5,5,\n8\n": (
        "every line must have 3 fields as line 1 has; 4 lines do not: line 3 has 4, line 4 has 2, line 6 has 4 and 1 more. "
        "Correct those lines, or name `sep`."
    ),
    "a,b\n1,2,3,4\n5,6,7,8\n": "every line must have 4 fields as line 2 has; line 1 has 2. Correct that line.",
    '"a",b\n1,2\n"a\nb",2,3\n': "every line must have 2 fields as line 1 has; line 4 has 3. Correct that line.",
    '# x\na,b\n1,2\n"3,4\n5,6\n': (
        "every line must be readable as delimited text; line 5 is not (unexpected end of data). Correct its quotes."
    ),
    "\ufeff\n,,\n": "a table must have at least one row; it holds blank lines only.",
}


@pytest.mark.parametrize("text", RAGGED, ids=range(len(RAGGED)))
def test_lines_that_are_no_rows_are_named(text):
    """The first few, and how many there are."""
    assert refusal(columns, text) == f"'t': {RAGGED[text]}"


def test_a_header_that_names_too_few_columns_is_refused():
    """Where it is said to be one."""
    assert refusal(columns, "a,b\n1,2,3,4\n5,6,7,8\n", header=True) == (
        "'t': the header must name 4 columns, as many as most lines have; line 1 names 2. Correct that line."
    )


def test_a_binary_file_is_no_western_text():
    """Control characters tell."""
    assert refusal(columns, b"a,b\n\xff\x01,2\n") == (
        "'t': text must not hold control characters; byte 5 is 0x01, so it is probably a binary file."
    )


def test_a_separator_that_the_name_does_not_promise_is_said():
    """A file called .csv may hold tabs."""
    for name, notes in (("t.csv.gz", ("Fields are separated by tabs.",)), ("t.TSV", ()), ("t.txt", ())):
        assert read_delimited(b"a\tb\n1\t2\n", "'t'", name=name).notes == notes


def test_a_row_is_found_on_its_line():
    """Blank lines, comments, quotes and titles count."""
    for text in ("x\n\na,b\n1,2\n\n3,4\n", "# x\n\na,b\n1,u\n\n3,v\n", '"a\nb",c\n1,"u\nv"\n3,v\n'):
        raw = read_delimited(text.encode(), "'t'")
        assert raw.locate(1) in ("row 2, line 6", "row 2, line 5")


def test_a_table_wider_than_the_first_megabyte_is_understood(monkeypatch):
    """More is looked at where there are only a few lines in it."""
    monkeypatch.setattr(delimited, "SNIFFED_BYTES", 100)
    wide = ",".join(f"gene{index}" for index in range(300))
    row = ",".join(["0.5"] * 300)
    assert read_delimited(f"{wide}\n{row}\n{row}\n".encode(), "'t'").frame.shape == (2, 300)


def test_long_and_many_equal_names_are_made_unique():
    """A survey's questions as names; and no time that grows with the square of their number."""
    text = ",".join(["q" * 300] * 20_000) + "\n" + ",".join(["1"] * 20_000) + "\n"
    raw = read_delimited(text.encode(), "'t'")
    assert max(map(len, raw.frame.columns)) <= 200
    assert (
        raw.notes[0] == "Names longer than 200 characters were cut: columns 0, 1, 2, 3, 4 and more (from 0)."
    )


CELL = st.text(st.sampled_from('ab1.,;" \t\n|é'), max_size=6)


@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=30),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    block=st.integers(1, 40),
)
def test_what_the_csv_module_writes_is_read_back(rows, delimiter, quoting, block):
    """The standard library as oracle, for any text: quotes, separators and line ends in cells, in blocks of any length."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerows([["k"] * 3, *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_BYTES", block)
        raw = read_delimited(out.getvalue().encode(), "'t'", ReadOptions(sep=delimiter, header=False))
    stripped = [tuple(cell.strip() or None for cell in row) for row in rows]
    assert raw.frame.rows() == [("k",) * 3, *(row for row in stripped if any(row))]


@given(
    values=st.lists(
        st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32)), min_size=2
    )
)
def test_missing_numbers_stay_missing(values):
    """Empty cells of a table of numbers are nulls, and no number changes."""
    text = "x,y\n" + "".join(f"{'' if one is None else one!r},{index}\n" for index, one in enumerate(values))
    frame = read_delimited(text.encode(), "'t'").frame
    assert frame["x"].to_list() == values
    assert frame["x"].dtype == pl.Float64
    np.testing.assert_array_equal(frame["y"].to_numpy(), np.arange(len(values)))
