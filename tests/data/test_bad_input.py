"""What cannot be used is refused in one sentence that names file, row and column."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.refusals import refusal

from justright.data import read
from justright.data.read import read_table
from justright.data.readers import inflate, raw

GOOD = "x,label\n1,0\n2,1\n"


BAD_TEXT = [
    (
        "x,label\n1,0\n\x1c\n",  # a separator that str.strip takes for a blank, and bytes.strip does not
        "every line must have 2 fields as line 1 has; line 3 has 1. Correct that line.",
    ),
    ("", "a table must have at least one row; the file is empty."),
    ("\n \n", "a table must have at least one row; the file is empty."),
    ("x,label\n", "a table must have at least one row; it has none."),
    ("x,label\n1,0\n2\n", "every line must have 2 fields as line 1 has; line 3 has 1. Correct that line."),
    (
        "x,label\n1,0\n\n2,1,1\n",
        "every line must have 2 fields as line 1 has; line 4 has 3. Correct that line.",
    ),
    (
        "1.5,0\nabc,1\n2.5,1\n",
        (
            "`target` must name the target column. Of the usual names (label, target, y, class), this table has none. "
            "Columns: 'column_0', 'column_1'."
        ),
    ),
    (
        "x,z,label\nNA,?,0\n,,1\n",
        (
            "at least one column must make a feature; 'x' is left out (empty: no training row has a value), 'z' is left out "
            "(empty: no training row has a value). Keep one with keep=[...], or say what it is with categorical=[...] or "
            "numeric=[...]."
        ),
    ),
    (
        "x,label\n1,1\n2,1\n",
        (
            "the target 'label' must have at least two different values; all 2 rows hold '1'. "
            "Name another column, or read more rows."
        ),
    ),
    ("x,label\n1,\n2,NA\n", "the target 'label' must have values; it has none. Name another column."),
    (
        "x\x1b[31m,label\n1,0\n",
        r"A column name must not hold control characters; got 'x\x1b[31m'. Rename it.",
    ),
    ("label\n1\n0\n", "a table must have a target and at least one feature; it has 1 column(s)."),
    (
        "x,z\n1,0\n2,1\n",
        (
            "`target` must name the target column. Of the usual names (label, target, y, class), this table has none. "
            "Columns: 'x', 'z'."
        ),
    ),
    (
        "x,y,label\n1,0,1\n2,1,0\n",
        (
            "`target` must name the target column. Of the usual names (label, target, y, class), this table has 'y', 'label'. "
            "Columns: 'x', 'y', 'label'."
        ),
    ),
    (
        "x,label\n1,0\x00\n",
        (
            "text must not hold zero bytes; byte 11 is one, so it is probably a binary file. "
            "Give a CSV, TSV, Parquet, Arrow, NPZ, Excel, ODS, SQLite, JSON, ARFF, LIBSVM or zip file."
        ),
    ),
    (
        "<html><body>no</body></html>",
        "a table was expected; it is an HTML page. Check the address or the file.",
    ),
    (
        'x,label\n1,0\n"2,1\n3,1\n',
        "every line must be readable as delimited text; line 4 is not (unexpected end of data). Correct its quotes.",
    ),
    (
        gzip.compress(GOOD.encode())[:-4],
        "a readable compressed file was expected; gzip data end too early. Download it again.",
    ),
    (
        b"\x28\xb5\x2f\xfd\x00",
        "a readable compressed file was expected; Zstandard data end too early. Download it again.",
    ),
    (
        bz2.compress(GOOD.encode())[:-4],
        "a readable compressed file was expected; bzip2 data end too early. Download it again.",
    ),
    (
        lzma.compress(GOOD.encode())[:-4],
        "a readable compressed file was expected; xz data end too early. Download it again.",
    ),
    (
        b"\xfd7zXZ\x00damaged",
        "a readable compressed file was expected; xz data are damaged: Corrupt input data. Download it again.",
    ),
    (b"PAR1", None),
    (b"ARROW1\0\0", None),
    (b"PK\x03\x04", None),
    (b"\x93NUMPY", "an .npy file holds one array only. Save both with numpy.savez(path, X=X, y=y)."),
]


@pytest.mark.parametrize(("content", "reason"), BAD_TEXT, ids=range(len(BAD_TEXT)))
def test_a_bad_file_is_refused_with_its_name_and_reason(write, content, reason):
    """Text, compressed and binary files alike."""
    path = write("bad.csv", content)
    received = refusal(read_table, path)
    assert received.startswith(f"{path!r}: ")
    if reason is not None:
        assert received == f"{path!r}: {reason}"
    else:
        assert received.endswith("Write or download it again.")


def test_sources_that_do_not_exist_or_are_no_files(tmp_path):
    """A near miss of a built-in name is suggested."""
    choices = "`source` must be 'higgs-sim', 'higgs', an http(s) address or an existing file; there is no"
    assert refusal(read_table, "higs") == f"{choices} 'higs'. Did you mean 'higgs'?"
    missing = str(tmp_path / "missing.csv")
    assert refusal(read_table, missing) == f"{choices} {missing!r}."
    folder = str(tmp_path)
    assert refusal(read_table, folder) == (
        f"{folder!r}: 1 to 10,000 files with the parts of a table were expected; there is none. Name a file."
    )
    assert refusal(read_table, "s3://bucket/t.csv") == (
        "An address must start with http://, https:// or a database's name, such as postgresql://; got "
        "'s3://bucket/t.csv'. Download the file first."
    )
    assert refusal(read_table, "file:///etc/hostname") == (
        "An address must start with http://, https:// or a database's name, such as postgresql://; got "
        "'file:///etc/hostname'. Download the file first."
    )
    assert refusal(read_table, "a\0b") == r"A path must not hold zero characters; got 'a\x00b'."
    assert refusal(read_table, 3) == (
        "`source` must be a name, path, address, array, (X, y) pair, frame, mapping of columns or list of records; got int. Convert it with numpy.asarray."
    )


def test_options_out_of_range(write):
    """Each option says what it takes and what it got."""
    path = write("t.csv", GOOD)
    assert refusal(read_table, path, rows=0) == "`rows` must be a whole number of 1 or more; got 0."
    assert refusal(read_table, path, rows=3) == f"{path!r}: `rows` must be at most the table's 2 rows; got 3."
    assert refusal(read_table, path, task="classify") == (
        "`task` must be one of 'binary', 'multiclass', 'regression'; got 'classify'."
    )
    assert (
        refusal(read_table, path, missing="n/a")
        == "`missing` must be a list of texts; got 'n/a'. Write missing=['...']."
    )
    assert refusal(read_table, path, location="x") == (
        "`location` says where to read 'higgs' from; give other files as `source`."
    )
    assert refusal(read_table, path, target="lable") == (
        f"{path!r}: `target` must be a column's name, or its number from 0 to 1; got 'lable'. "
        "Did you mean 'label'? Columns: 'x', 'label'."
    )
    assert refusal(read_table, path, target=2) == (
        f"{path!r}: `target` must be a column's name, or its number from 0 to 1; got 2. Columns: 'x', 'label'."
    )
    assert refusal(read_table, path, target=[0, 1]) == (
        "`target` must be a column's name or number when the source is a file; got list. "
        "Pass arrays as read_table((X, y))."
    )
    assert refusal(read_table, path, categorical=["color"]) == (
        f"{path!r}: options must name feature columns; categorical='color' is no column. Columns: 'x', 'label'."
    )
    assert refusal(read_table, path, categorical=["label"], drop=["z", "labl"], weights="w") == (
        f"{path!r}: options must name feature columns; drop='z' is no column; drop='labl' is no column (did you mean 'label'?); "
        "categorical='label' is the target; weights='w' is no column. Columns: 'x', 'label'."
    )
    assert refusal(read_table, path, missing=["0", "1"]) == (
        f"{path!r}: the target 'label' must have values; it has none. Name another column."
    )


def test_a_target_that_does_not_fit_the_task(write):
    """A third value names its row; text is not a number; 51 texts are not classes."""
    path = write("t.csv", "x,label\n1,0\n2,1\n3,2\n")
    assert refusal(read_table, path, task="binary") == (
        f"{path!r}: the target 'label' must have two values for task='binary'; it has 3: '0', '1', '2'. Correct them, or use "
        "task='multiclass' or 'regression'."
    )
    words = write("w.csv", "x,label\n1,a\n2,b\n")
    assert refusal(read_table, words, task="regression") == (
        f"{words!r}: the target 'label' must hold numbers for a regression; it holds String values (such as 'a'). Name "
        "another column, or another task."
    )
    many = write("m.csv", "x,label\n" + "".join(f"{i},t{i}\n" for i in range(51)))
    assert refusal(read_table, many) == (
        f"{many!r}: the target 'label' must be numbers, or texts that repeat; it has 51 different texts in 51 rows (first: "
        "'t0'). Name another column, or pass task='multiclass'."
    )
    wide = (np.arange(1_001.0)[:, None], np.arange(1_001))
    assert refusal(read_table, wide, task="multiclass") == (
        "The array: the target 'target' must have at most 1,000 classes; it has 1,001. "
        "Name another column, or merge rare classes with min_class_rows."
    )


def test_a_table_of_identifiers_says_why_no_column_is_left(write):
    """What was taken for what, and how to change it; a table that has nothing else is not refused for it."""
    rows = "".join(f"a sentence of many words, number {i};{i % 2}\n" for i in range(60))
    path = write("t.csv", "remark;label\n" + rows)
    assert refusal(read_table, path) == (
        f"{path!r}: at least one column must make a feature; 'remark' is left out (free text: 7 words on average, 60 different "
        "texts). Keep one with keep=[...], or say what it is with categorical=[...] or numeric=[...]."
    )
    assert read_table(path, keep=["remark"]).n_features == 1
    only = write("only.csv", "name,label\n" + "".join(f"id{i},{i % 2}\n" for i in range(60)))
    assert read_table(only).feature_names == ("name frequency",)


def test_arrays_and_frames_that_are_no_table():
    """Shapes, lengths and names."""
    ones = np.ones((3, 2))
    assert refusal(read_table, np.ones(3)) == (
        "The array: features must have two axes, (rows, features); got shape (3,). "
        "Reshape it: array.reshape(len(array), -1)."
    )
    assert refusal(read_table, (ones, [0, 1])) == (
        "The array: features and target must have as many rows as each other; got 3 and 2."
    )
    assert (
        refusal(read_table, (ones, np.zeros((3, 2))))
        == "The array: a target must have one axis, (rows,); got shape (3, 2)."
    )
    assert refusal(read_table, (ones, [0, 1, 0], 1)) == (
        "A tuple must be the pair (features, target), without a separate `target`; got 3 items and target=None. "
        "Pass (X, y)."
    )
    assert refusal(read_table, pd.DataFrame([[1, 2, 0]], columns=["a", "a", "y"])) == (
        "The pandas frame: every column name must be unique; 'a' is there twice. Rename one of them."
    )
    assert refusal(read_table, pl.DataFrame({"x\u202e": [1.0, 2.0], "y": [0, 1]})) == (
        r"A column name must not hold control characters; got 'x\u202e'. Rename it."
    )
    assert refusal(read_table, pl.DataFrame({"x" * 201: [1.0, 2.0], "y": [0, 1]})) == (
        "Every column name must have 1 to 200 characters; number 0 (from 0) has 201. Rename it."
    )


def test_npz_archives_that_are_unsafe_or_incomplete(tmp_path, write):
    """Objects are pickles and stay unread; a declared size beyond the limit is not allocated."""
    path = tmp_path / "t.npz"
    np.savez(path, X=np.array([[print]], dtype=object), y=np.array([0]))
    assert refusal(read_table, path) == (
        f"{str(path)!r}: array 'X' must hold numbers or text; it holds Python objects, which are pickles and never "
        "loaded. Save it with .astype(float) or .astype(str)."
    )
    np.savez(path, a=np.ones(2))
    assert refusal(read_table, path) == (
        f"{str(path)!r}: an NPZ file must hold two arrays called X and y, x and y, or features and target; "
        "got ['a']. Save it with numpy.savez(path, X=X, y=y)."
    )
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2**40)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", header.getvalue())
        archive.writestr("y.npy", header.getvalue())
    assert refusal(read_table, path) == (
        f"{str(path)!r}: array 'X' must take at most 4,294,967,296 bytes; it declares {2**83:,}. Save fewer rows."
    )


def test_a_pickle_is_never_loaded(tmp_path):
    """Under any name."""
    pd.DataFrame({"x": [1], "y": [0]}).to_pickle(tmp_path / "t.csv")
    assert "it is a pickle, which can run code and is never loaded." in refusal(
        read_table, tmp_path / "t.csv"
    )


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_decompression_bomb_stops_at_the_limit(name, monkeypatch):
    """A megabyte of zeros from a kilobyte is stopped after the limit, not after all of it."""
    import zstandard

    pack = gzip.compress if name == "gzip" else zstandard.ZstdCompressor().compress
    bomb = pack(bytes(1 << 24))
    assert len(bomb) < 1 << 15
    monkeypatch.setattr(inflate, "MAX_TABLE_BYTES", 1_000)
    assert refusal(inflate.inflate_all, bomb, "'bomb'") == (
        "'bomb': a table must take at most 1,000 bytes once decompressed; it takes more. "
        "Split it, or save it as Parquet and ask for fewer `rows`."
    )
    pieces = inflate.inflate_gzip([bomb]) if name == "gzip" else inflate.inflate_zstd([bomb])
    assert max(len(piece) for piece in pieces) <= 1 << 25


def test_a_text_file_beyond_the_limit_is_refused_unread(write, monkeypatch):
    """The size on disk is enough to refuse."""
    monkeypatch.setattr(inflate, "MAX_TABLE_BYTES", 10)
    path = write("t.csv", GOOD)
    assert refusal(read_table, path) == (
        f"{path!r}: a text table must take at most 10 bytes; it takes 16. "
        "Split it, or save it as Parquet and ask for fewer `rows`."
    )


def test_a_columnar_file_beyond_the_limit_is_refused_by_its_metadata(tmp_path):
    """Equal values take hardly any room in a file; the rows it declares are counted before they are read."""
    from justright.data.readers import columnar

    path = tmp_path / "t.parquet"
    pl.DataFrame(
        {"x": pl.repeat(1.0, 100_000, eager=True), "y": pl.repeat(0, 100_000, eager=True)}
    ).write_parquet(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columnar, "MAX_TABLE_BYTES", 1_000_000)
        assert refusal(read_table, path) == (
            f"{str(path)!r}: a table must take at most 1,000,000 bytes in memory; 100,000 rows of 2 columns take more. "
            "Ask for fewer `rows`."
        )
    assert raw.MAX_TABLE_BYTES == 4 * 2**30


def test_a_download_beyond_the_limit_stops(server):
    """An endless download is cut off."""
    server.files["/t.csv"] = bytes(300_000)
    address = server.address + "/t.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(read, "MAX_TABLE_BYTES", 100_000)
        assert refusal(read_table, address) == (
            f"{address!r}: a file must take at most 100,000 bytes; it is larger. "
            "Download it and cut it to the rows you need."
        )


def test_addresses_that_do_not_answer(server):
    """404, a closed port and a malformed address."""
    address = server.address + "/none.csv"
    assert (
        refusal(read_table, address)
        == f"Cannot read {address!r}: the server answers 404 Not Found. Check the address."
    )
    server.status = 503
    assert refusal(read_table, address) == (
        f"Cannot read {address!r}: the server answers 503 Service Unavailable (after 0 bytes). Try again later."
    )
    assert len(server.requests) == 1 + 3
    assert refusal(read_table, "http://[::1/t.csv").startswith("Cannot read 'http://[::1/t.csv': ")
    assert refusal(read_table, "http://127.0.0.1:1/t.csv") == (
        "Cannot read 'http://127.0.0.1:1/t.csv': Connection refused (after 0 bytes). Try again later."
    )


def test_messages_are_plain_text(write):
    """A hostile cell is printed escaped, so that it cannot command the terminal."""
    path = write("t.csv", "x,label\n1,0\n2,\x1b]0;pwned\x07\n3,a\n")
    assert json.dumps(refusal(read_table, path, task="regression")).isascii()
    assert "\x1b" not in refusal(read_table, path, task="regression")


@pytest.mark.parametrize("code", [0x7B7B7B09, 0x110000, 0xD800], ids=hex)
@pytest.mark.parametrize("order", ["<", ">"])
def test_an_array_of_text_that_is_none_is_refused(tmp_path, code, order):
    """NumPy reads any number as a character; Polars panics on it (found by fuzzing)."""
    codes = np.array([0x61, 0x62, code, 0x61, 0x62, 0x61], f"{order}u4")
    path = tmp_path / "t.npz"
    np.savez(path, X=np.ones((3, 1)), y=codes.view(f"{order}U2"))
    assert refusal(read_table, path) == (
        f"{str(path)!r}: column 'target' must hold text; row 2 holds a number that is not a character. "
        "Write the file again."
    )


def test_a_damaged_array_in_an_archive_is_refused(tmp_path):
    """A header without its end, and deflated bytes that are none (both found by fuzzing)."""
    path = tmp_path / "t.npz"
    for header in (b"{'descr': '<f8', 'shape': (3,\n", b"{'descr': [], 'shape': 3}\n", b"(" * 5_000):
        array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("X.npy", array)
            archive.writestr("y.npy", array)
        assert refusal(read_table, path).startswith(f"{str(path)!r}: a readable NPZ file was expected; ")
    np.savez_compressed(path, X=np.ones((300, 1)), y=np.arange(300))
    content = bytearray(path.read_bytes())
    start = content.index(b"X.npy") + 30
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    assert refusal(read_table, path).startswith(
        f"{str(path)!r}: a readable NPZ file was expected; 'Error -3 while"
    )


def test_lines_beyond_the_rows_asked_for_do_not_matter(write):
    """Polars looks further than it was asked to (found by fuzzing); the csv module's reading stands."""
    path = write("t.csv", "x,label\n1,a\n2,b\n3,a\n4,b,c,d\n5\n")
    table = read_table(path, rows=3, head=True)
    assert (table.features[:, 0].tolist(), table.target.tolist()) == ([1.0, 2.0, 3.0], [0.0, 1.0, 0.0])


def test_a_missing_file_suggests_its_neighbour(write):
    """A typing error in a file's name is the commonest of all."""
    path = write("houses.csv", GOOD)
    asked = path.replace("houses", "house")
    assert refusal(read_table, asked) == (
        "`source` must be 'higgs-sim', 'higgs', an http(s) address or an existing file; "
        f"there is no {asked!r}. Did you mean {path!r}?"
    )


@pytest.mark.parametrize(
    ("name", "kind"), [("t.parquet", "a Parquet"), ("t.arrow", "an Arrow"), ("t.npz", "an NPZ")]
)
def test_text_under_the_name_of_a_binary_format_is_refused(write, name, kind):
    """An error page that was saved as a Parquet file is not a table of one column."""
    path = write(name, "<html>\n<p>not found\n")
    assert refusal(read_table, path) == (
        f"{path!r}: {kind} file was expected; it does not begin as one. Save it again, or rename it."
    )


def test_too_many_columns_are_refused_by_the_header(monkeypatch, write):
    """Before a line is parsed; formats with a schema, after reading."""
    monkeypatch.setattr(raw, "MAX_COLUMNS", 3)
    path = write("t.csv", "a,b,c,y\n1,2\n")
    assert refusal(read_table, path) == (
        f"{path!r}: a table must have at most 3 columns; it has 4. Choose columns, or turn the table if its rows are columns."
    )
    assert read_table(write("u.csv", "a,b,y\n1,2,0\n3,4,1\n"), target="y").n_features == 2
