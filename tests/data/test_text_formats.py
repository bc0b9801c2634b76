"""JSON, ARFF and LIBSVM files are read as what wrote them meant, and refused with the line that is wrong."""

from __future__ import annotations

import gzip
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import dump_svmlight_file
from tests.refusals import refusal

from justright.data.read import read_file, read_table
from justright.data.read_options import READ_ALL
from justright.data.readers import inflate, json_rows, libsvm

FRAME = pd.DataFrame({"x": [1.5, 2.0, -3.0, 4.0], "n": [1, 2, 3, 4], "label": [0, 1, 1, 0]})
VALUES = FRAME[["x", "n"]].to_numpy(np.float32)
WRITTEN = {
    "records": FRAME.to_json(orient="records"),
    "lines": FRAME.to_json(orient="records", lines=True),
    "columns": FRAME.to_json(orient="columns"),
    "index": FRAME.to_json(orient="index"),
    "split": FRAME.to_json(orient="split"),
    "table": FRAME.to_json(orient="table", index=False),
    "lists": json.dumps(FRAME.to_dict("list")),
    "rows": json.dumps([["x", "n", "label"], *FRAME.to_numpy().tolist()]),
    "inside": json.dumps({"source": "sensor", "rows": FRAME.to_dict("records")}),
    "indented": FRAME.to_json(orient="records", indent=2),
}
ARFF = """% A comment, and blank lines.

@RELATION 'two words'
@attribute x numeric
@ATTRIBUTE "a colour" {red, 'dark \\'n blue', "green"}
@attribute label {no,yes}

@DATA
1.5, red, no
% between rows
2, 'dark \\'n blue', yes
-3e0,green,yes
4,red,no
"""
SPARSE = """@relation s
@attribute x real
@attribute n integer
@attribute label {0, 1}
@data
{0 1.5, 1 1}
{0 2, 1 2, 2 1}
{0 -3, 1 3, 2 1}
{ 0 4 , 1 4 }
"""


def columns(path):
    """Return the columns of a file as Python's values."""
    return read_file(Path(path), "'t'", READ_ALL).frame.to_dict(as_series=False)


@pytest.mark.parametrize("layout", WRITTEN)
@pytest.mark.parametrize("name", ["t.json", "t.txt"])
def test_every_layout_of_json_is_the_same_table(write, layout, name):
    """What pandas and people write, under a name that tells or one that does not."""
    table = read_table(write(name, WRITTEN[layout]), target="label")
    assert np.array_equal(table.features[:, [table.feature_names.index(one) for one in "xn"]], VALUES)
    assert table.target.tolist() == [0, 1, 1, 0]


def test_json_lines_may_be_compressed(write):
    """The ending before .gz tells what is in the file."""
    path = write("t.jsonl.gz", gzip.compress(WRITTEN["lines"].encode()))
    assert np.array_equal(read_table(path).features, VALUES)


def test_objects_within_records_become_columns(write):
    """One level and two; what a record lacks is missing."""
    records = [{"a": {"b": row, "c": {"d": -row}}, "y": row % 2} for row in range(2)] + [{"y": 1}]
    assert columns(write("t.json", json.dumps(records))) == {
        "a.b": [0, 1, None],
        "a.c.d": [0, -1, None],
        "y": [0, 1, 1],
    }


def test_huge_numbers_are_infinite(write):
    """Of 5,000 digits, without a traceback."""
    path = write("t.json", '[{"x": %s, "y": 0}, {"x": 1, "y": 1}]' % ("9" * 5000))
    assert columns(path) == {"x": [math.inf, 1], "y": [0, 1]}


SHAPES = "a record per line, a list of records, or an object of columns was expected as JSON"
BAD_JSON = {
    '{"x": 1': f"{SHAPES}; Expecting ',' delimiter.",
    '{"x": 1}\n\n{"x": }\n': "every line must be a JSON record; line 3 is not (Expecting value). Correct that line.",
    '[1, {"x": 2}]': f"{SHAPES}; it holds something else. Save the records alone.",
    '{"x": [1, 2], "y": [1]}': "every column must have as many values; they have 1 to 2. Save it again.",
    '[{"x":' + "[" * 100_000: "JSON must hold records of values; it is nested too deeply.",
}


@pytest.mark.parametrize("text", BAD_JSON, ids=range(len(BAD_JSON)))
def test_what_is_no_table_in_json_is_refused(write, text):
    """With the line, or the columns."""
    path = write("t.json", text)
    assert refusal(read_table, path, target="y") == f"{path!r}: {BAD_JSON[text]}"


def test_lists_and_empty_objects_in_json_are_left_out(write):
    """And said."""
    path = Path(write("t.json", '[{"x": [1], "z": {}, "w": 1}, {"x": [], "z": {}, "w": 2}]'))
    raw = read_file(path, "'t'", READ_ALL)
    assert raw.frame.to_dict(as_series=False) == {"w": [1.0, 2.0]}
    assert raw.notes == ("2 columns hold lists or objects and are left out: 'x', 'z'.",)


def test_json_beyond_the_limit_is_refused(write, monkeypatch):
    """As it is, and compressed."""
    monkeypatch.setattr(json_rows, "MAX_JSON_BYTES", 50)
    for path in (
        write("t.json", WRITTEN["records"]),
        write("t.json.gz", gzip.compress(b"[" + b" " * 999 + b"]")),
    ):
        assert refusal(read_table, path) == (
            f"{path!r}: JSON must take at most 50 bytes; it takes more. Save it as Parquet or CSV."
        )


def test_arff_has_names_levels_quotes_and_comments(write):
    """As Weka documents them; a level keeps its quote."""
    assert columns(write("t.arff", ARFF)) == {
        "x": [1.5, 2, -3, 4],
        "a colour": ["red", "dark 'n blue", "green", "red"],
        "label": ["no", "yes", "yes", "no"],
    }


@pytest.mark.parametrize("name", ["t.arff", "t.data"])
def test_sparse_arff_fills_in_zeros_and_first_levels(write, name):
    """What a row leaves out is 0, or the first level."""
    table = read_table(write(name, SPARSE), target="label")
    assert np.array_equal(table.features, VALUES)
    assert table.target.tolist() == [0, 1, 1, 0]


def test_a_question_mark_is_missing_in_arff(write):
    """As an empty cell is."""
    assert columns(write("t.arff", ARFF.replace("-3e0", "?")))["x"] == [1.5, 2, None, 4]


def test_scipy_reads_the_same_arff(tmp_path):
    """An independent reader, where it reads them: no text, no sparse rows."""
    from scipy.io import arff

    path = tmp_path / "t.arff"
    path.write_text("@relation r\n@attribute x real\n@attribute 'y y' numeric\n@data\n1,2\n3.5,-1e3\n")
    records, _ = arff.loadarff(path)
    table = read_table(path, target="y y", task="regression")
    assert table.features[:, 0].tolist() == records["x"].tolist()
    assert table.target.tolist() == records["y y"].tolist()


BAD_ARFF = {
    ARFF.replace("2, 'dark", "2, dark"): (11, "its quotes do not match at character 3"),
    ARFF.replace("4,red,no", "4,red"): (13, "3 values were expected, 2 found"),
    ARFF.replace("4,red", "four,red"): (13, "'x' must be a number, got 'four'"),
    ARFF.replace("@ATTRIBUTE", "ATTRIBUTE"): (5, "@relation, @attribute or @data was expected"),
    SPARSE.replace("1 4 }", "9 4}"): (9, "there is no attribute number 9"),
    SPARSE.replace("2, 2 1}", "2, 2 1"): (7, "'}' was expected at its end"),
}


@pytest.mark.parametrize("text", BAD_ARFF, ids=range(len(BAD_ARFF)))
def test_a_line_that_is_no_arff_is_named(write, text):
    """With its number in the file, comments counted."""
    path, (line, what) = write("t.arff", text), BAD_ARFF[text]
    assert refusal(read_table, path, target="label") == (
        f"{path!r}: every line of an ARFF file must follow the format; line {line} does not: {what}."
    )


@pytest.mark.parametrize("start", ["{0 1,1 ", "1,"])
def test_a_line_of_blanks_that_is_no_arff_is_refused_at_once(write, start):
    """No blank is tried in two places: of a hundred thousand that would take days."""
    path = write("t.arff", SPARSE.replace("{0 2, 1 2, 2 1}", start + " " * 100_000 + "'}"))
    assert "line 7 does not: its quotes do not match at character" in refusal(
        read_table, path, target="label"
    )


@pytest.mark.parametrize("name", ["t.arff", "t.libsvm"])
def test_a_text_file_beyond_the_limit_is_refused_unread(write, monkeypatch, name):
    """As a CSV file is."""
    monkeypatch.setattr(inflate, "MAX_TABLE_BYTES", 10)
    path = write(name, ARFF)
    assert refusal(read_table, path) == (
        f"{path!r}: a text table must take at most 10 bytes; it takes {len(ARFF)}. "
        "Split it, or save it as Parquet and ask for fewer `rows`."
    )


def test_an_arff_file_without_attributes_is_refused(write):
    """A header alone says nothing."""
    path = write("t.arff", "@relation r\n@data\n1,2\n")
    assert refusal(read_table, path) == (
        f"{path!r}: an ARFF file must declare its columns with @attribute; it declares none."
    )


@pytest.mark.parametrize("name", ["t.libsvm", "heart_scale"])
def test_libsvm_is_read_as_scikit_learn_wrote_it(tmp_path, name):
    """Zeros come back, the target is found; also without a name that tells."""
    features = np.where(np.arange(60).reshape(20, 3) % 4, np.linspace(-1, 1, 60).reshape(20, 3), 0)
    target = np.arange(20) % 2
    dump_svmlight_file(features, target, str(tmp_path / name), zero_based=False)
    table = read_table(tmp_path / name)
    assert np.allclose(table.features, features.astype(np.float32), rtol=1e-6)
    assert table.target.tolist() == target.tolist()


def test_libsvm_with_a_feature_far_out_is_refused_before_zeros_are_written(write, monkeypatch):
    """One huge number must not take gigabytes."""
    monkeypatch.setattr(libsvm, "MAX_TABLE_BYTES", 1 << 20)
    path = write("t.svm", "1 1:1\n0 999999:1\n")
    assert refusal(read_table, path) == (
        f"{path!r}: a table must take at most 1,048,576 bytes in memory; 2 rows of 999,999 features take 15,999,984 "
        "with their zeros. Ask for fewer `rows`, or remove features."
    )


def test_a_bad_line_of_libsvm_is_refused(write):
    """In scikit-learn's words."""
    path = write("t.svm", "1 1:1\n0 x:1\n")
    assert re.fullmatch(
        rf"{re.escape(repr(path))}: every line must be a target and NUMBER:VALUE pairs; scikit-learn says: "
        r".+\. Correct the file\.",
        refusal(read_table, path),
    )
