"""A table format and a named source from one file are found wherever such things are looked for."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from tests.refusals import refusal
from typer.testing import CliRunner

from justright.cli.main import command_line
from justright.data.read import read_table
from justright.data.readers import registry
from justright.data.readers.raw import TableFormat
from justright.data.sources import default_source, sources
from justright.data.split import PARTS
from justright.errors import InputError
from justright.study.families import mlp
from justright.study.spec import study_from_dict, study_to_dict
from justright.study.studies import default_split
from justright.study.study import Study

# Columns as lines: a name, then its values.
FORMAT = """
import polars as pl

from justright.data.readers.raw import RawTable, TableFormat, row_place
from justright.errors import InputError


def read_lines(path, label, rows):
    columns = [line.split() for line in path.read_text().splitlines()]
    frame = pl.DataFrame({name: [float(value) for value in values] for name, *values in columns})
    if frame.is_empty():
        raise InputError(f"{label}: a line for each column was expected; got none. Write the file again.")
    return RawTable(frame, label, has_header=True, locate=row_place, target=frame.columns[-1])


LINES = TableFormat("Lines", "a file of lines", (), (".lines",), read_lines)
MEMBERS = {"table_formats": ("toy:LINES",)}
"""
CONTENT = "x 1 2 3 4\nz 5 6 7 9\nlabels 0 1 0 1\n"

SOURCE = """
import numpy as np

from justright.data.table import Table, TableSource
from justright.data.sources import HeadSplit, Source


def read(request):
    rows = request.rows or 40
    return Table(
        features=np.arange(2.0 * rows, dtype=np.float32).reshape(rows, 2),
        target=np.arange(rows, dtype=np.float32) % 2,
        feature_names=("up", "down"),
        target_name="odd",
        task="binary",
        class_names=("no", "yes"),
        source=TableSource("ramps", rows=request.rows, location=request.location),
    )


def recognise(frame):
    is_ramp = frame.width == 3 and frame.to_series(0)[0] == 77
    return ("down", "up", "label") if is_ramp else None


RAMPS = Source("ramps", "made up", read, HeadSplit(5, 20), is_remote=True, recognise=recognise)
MEMBERS = {"sources": ("toy:RAMPS",)}
"""


def test_a_new_format_is_read_by_its_ending(plug_in, write):
    """By path, by the command, and with the target that the format names."""
    plug_in(FORMAT)
    table = read_table(write("t.LINES", CONTENT))
    assert table.features.tolist() == [[1, 5], [2, 6], [3, 7], [4, 9]]
    assert (table.feature_names, table.target_name) == (("x", "z"), "labels")
    done = CliRunner().invoke(command_line(), ["data", write("u.lines", CONTENT)])
    assert (done.exit_code, "labels" in done.stdout) == (0, True)
    empty = write("none.lines", "")
    assert refusal(read_table, empty) == (
        f"{empty!r}: a line for each column was expected; got none. Write the file again."
    )


def test_a_new_format_is_read_from_an_address(plug_in, server):
    """The address says what the file is called."""
    plug_in(FORMAT)
    server.files["/folder/t.lines?copy=1"] = CONTENT.encode()
    assert read_table(server.address + "/folder/t.lines?copy=1").target_name == "labels"


def test_a_new_format_is_named_where_formats_are_listed(plug_in, write):
    """In the message about a file of none of them."""
    plug_in(FORMAT)
    assert refusal(read_table, write("t.csv", b"x,label\n1,0\0\n")).endswith(
        "Give a CSV, TSV, Parquet, Arrow, NPZ, Excel, ODS, SQLite, JSON, ARFF, LIBSVM, zip or Lines file."
    )


def test_an_installed_plug_in_is_named_in_help_texts(tmp_path):
    """Found by its entry point, as pip would install it, without importing NumPy."""
    (tmp_path / "toy.py").write_text(FORMAT.replace("import polars as pl\n", ""))
    info = tmp_path / "toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[justright.plugins]\ntoy = toy\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", "from justright.cli.main import main; main(['run', '--help'])"],
        env=os.environ | {"PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "CSV, TSV, Parquet, Arrow, NPZ, Excel, ODS, SQLite, JSON, ARFF, LIBSVM, zip, Lines" in " ".join(
        done.stdout.split()
    ), done.stderr


def test_formats_that_begin_alike_are_told_apart_by_their_endings(monkeypatch):
    """Many formats are ZIP archives; what is in no list of endings is one that goes on so."""
    sheet = TableFormat("Sheet", "a sheet", (b"PK\x03\x04",), (".sheet",), registry.NPZ.read)
    monkeypatch.setattr(registry, "FORMATS", (*registry.FORMATS, sheet))
    assert registry.find_format(b"PK\x03\x04...", ".sheet") is sheet
    assert registry.find_format(b"PK\x03\x04...", ".npz") is registry.NPZ
    assert registry.find_format(b"PK\x03\x04...", ".other") is registry.ZIP
    assert registry.format_promised(".sheet") is sheet


def test_a_new_source_is_read_and_split_by_its_name(plug_in, tmp_path):
    """And its study file reads it again."""
    plug_in(SOURCE)
    split = default_split(read_table("ramps", location="there"))
    assert split.table.feature_names == ("up", "down")
    assert split.sizes == {"train": 20, "validation": 5, "test": 15}
    again = study_from_dict(study_to_dict(Study(split, {"Tiny": mlp(2)})))
    assert again.split.digest(*PARTS) == split.digest(*PARTS)
    assert again.split.table.source.location == "there"


def test_a_new_source_is_named_where_sources_are_listed(plug_in, tmp_path):
    """Near misses, places to read from, and the rows that its split needs."""
    plug_in(SOURCE)
    assert refusal(read_table, "ramp") == (
        "`source` must be 'higgs-sim', 'higgs', 'ramps', an http(s) address or an existing file; there is no 'ramp'. "
        "Did you mean 'ramps'?"
    )
    assert refusal(read_table, "higgs-sim", location="x") == (
        "`location` says where to read 'higgs' or 'ramps' from; give other files as `source`."
    )
    with pytest.raises(InputError, match="The default split of 'ramps' needs 25 rows"):
        default_split(read_table("ramps", rows=24))
    assert default_source().name == "higgs-sim"
    assert [one for one in sources() if sources()[one].is_default] == ["higgs-sim"]


def test_columns_without_a_header_get_the_names_of_the_source_that_knows_them(plug_in):
    """As HIGGS' are recognised."""
    plug_in(SOURCE)
    known = read_table(np.array([[77.0, 1, 0], [2, 3, 1]]))
    assert (known.feature_names, known.target_name) == (("down", "up"), "label")
    assert read_table(np.array([[1.0, 1, 0], [2, 3, 1]]), target=2).feature_names == ("column_0", "column_1")
