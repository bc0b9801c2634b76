"""A file that is no table is refused in a sentence that says what it is and what converts it; nothing in it is run."""

from __future__ import annotations

import pickle
import zlib
from pathlib import Path

import numpy as np
import pytest
from tests.refusals import refusal

from justright.data.read import read_file
from justright.data.read_options import READ_ALL
from justright.data.readers.no_tables import NO_TABLES
from justright.data.readers.registry import FORMATS, find_format
from justright.errors import InputError


def message(path):
    """Return the error message of reading a file."""
    return refusal(read_file, Path(path), "'t'", READ_ALL)


class Bomb:
    """What unpickles it, notices."""

    def __reduce__(self):
        return (pytest.fail, ("it was unpickled",))


PICKLE = "'t': a table was expected; it is a pickle, which can run code and is never loaded. Save the table with to_parquet or to_csv instead."


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "value", [Bomb(), {"a": 1}, [1, 2], np.ones(3)], ids=["bomb", "dict", "list", "array"]
)
def test_a_pickle_is_known_by_its_first_bytes_and_never_loaded(write, protocol, value):
    """Whatever its name."""
    assert message(write("t.csv", pickle.dumps(value, protocol))) == PICKLE


@pytest.mark.parametrize("name", ["t.pkl", "t.joblib", "t.pickle.gz"])
def test_a_pickle_is_known_by_its_name(write, name):
    """Compressed as joblib does, or in text."""
    assert message(write(name, zlib.compress(b"x"))) == PICKLE


STARTS = {
    b"%PDF-1.7\n": "it is a PDF document.",
    b"\x89PNG\r\n\x1a\n": "it is an image.",
    b"\x89HDF\r\n\x1a\n": "it is an HDF5 file.",
    b"$FL2@(#) SPSS": "it is a file of SPSS.",
    b"<stata_dta>": "it is a file of Stata.",
    b"<?xml version": "it is an XML document.",
    b"Obj\x01": "it is an Avro file.",
    b"Rar!\x1a\x07\0": "it is an archive.",
}


@pytest.mark.parametrize("start", STARTS)
def test_what_is_no_table_is_known_by_its_first_bytes(write, start):
    """Under the name of a table."""
    assert message(write("t.csv", start + bytes(100))).startswith(
        f"'t': a table was expected; {STARTS[start]} "
    )


ENDINGS = {
    "t.dta": "it is a file of Stata. pandas.read_stata(path).to_csv('table.csv', index=False) converts it.",
    "t.sas7bdat": (
        "it is a file of SAS. pandas.read_sas(path, encoding='infer').to_csv('table.csv', index=False) converts it."
    ),
    "t.rds": "it is a file of R. arrow::write_parquet in R, or the package pyreadr in Python, converts its data frame.",
    "t.duckdb": "it is a database of DuckDB. Its command COPY houses TO 'table.parquet' writes a table of it.",
    "t.tar.gz": "it is an archive. Unpack it first.",
    "t.html": "it is a web page. pandas.read_html(path)[0].to_csv('table.csv') writes its table.",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_what_is_no_table_is_known_by_its_name(write, name):
    """Where its first bytes say too little."""
    assert message(write(name, b"\x71\x02\0\0")) == f"'t': a table was expected; {ENDINGS[name]}"


def test_a_document_is_no_workbook(write):
    """Both are archives."""
    assert message(write("t.docx", b"PK\x03\x04")) == (
        "'t': a table was expected; it is a text document or a presentation. Copy its table into a workbook or a CSV file."
    )


@pytest.mark.parametrize("text", ["RDX,x\n", "HEADER,x\n", "ORC_ID,x\n", "Obj,x\n", "(x,y\n", "]x,y\n"])
def test_text_is_not_taken_for_anything_else(text):
    """No first bytes of a refused file begin a table of text."""
    assert find_format(text.encode(), ".csv") is FORMATS[0]


def test_every_refusal_is_a_sentence_with_advice(write):
    """And none of them is listed among the formats that can be read."""
    for one in NO_TABLES:
        with pytest.raises(InputError, match=r"^'t': a table was expected; it is an? [^.]+\. [A-Za-z].+\.$"):
            one.read(Path("t"), "'t'", READ_ALL)
        assert one.name == ""
