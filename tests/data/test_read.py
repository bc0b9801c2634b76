"""Every format and dtype gives the values that pandas, Polars or NumPy put in."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma

import numpy as np
import pandas as pd
import polars as pl
import pytest
import zstandard

from justright.data.read import read_table
from justright.data.readers.frames.in_memory import read_memory
from justright.data.table import TableSource

ROWS = 40
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 3)).astype(np.float32)
Y = np.arange(ROWS) % 2
NAMES = ("a", "b b", "ç")
FRAME = pl.DataFrame({**{name: X[:, index] for index, name in enumerate(NAMES)}, "label": Y})


def check(table, *, names=NAMES, target_name="label"):
    """Assert that a table holds X and Y."""
    np.testing.assert_array_equal(table.features, X)
    np.testing.assert_array_equal(table.target, Y.astype(np.float32))
    assert (table.features.dtype, table.target.dtype) == (np.float32, np.float32)
    assert (table.feature_names, table.target_name) == (names, target_name)
    assert (table.task, table.class_names) == ("binary", ("0", "1"))
    assert table.features.flags.c_contiguous
    assert not table.features.flags.writeable


def csv_text(separator=",", *, header=True, newline="\n"):
    """Return the frame as delimited text; repr of a float32 reads back exactly."""
    lines = [separator.join((*NAMES, "label"))] if header else []
    lines += [
        separator.join([*(repr(float(v)) for v in row), str(y)]) for row, y in zip(X, Y.tolist(), strict=True)
    ]
    return newline.join(lines) + newline


@pytest.mark.parametrize("separator", [",", "\t", ";", "|", "::", " "])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimited_text_with_a_header(write, separator, newline):
    """Any of six delimiters and three line ends is found."""
    check(
        read_table(
            write("t.txt", csv_text(separator, newline=newline).replace("b b", names_in_quotes(separator)))
        )
    )


def names_in_quotes(separator):
    """Return the name with a blank in it as a table that is separated by blanks writes it."""
    return '"b b"' if separator == " " else "b b"


def test_delimited_text_without_a_header(write):
    """Columns are numbered from 0, and the target may be given by number, text or not at all when it is first."""
    path = write("t.csv", csv_text(header=False))
    names = ("column_0", "column_1", "column_2")
    for target in (3, "3", -1, "column_3"):
        check(read_table(path, target=target), names=names, target_name="column_3")
    first = write("f.csv", "\n".join(f"{y},{x}" for x, y in zip(X[:, 0].tolist(), Y.tolist(), strict=True)))
    table = read_table(first)
    assert (table.target_name, table.feature_names) == ("column_0", ("column_1",))
    np.testing.assert_array_equal(table.features[:, 0], X[:, 0])


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("t.csv.gz", gzip.compress),
        ("t.csv.zst", zstandard.ZstdCompressor().compress),
        ("two.csv.gz", lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:])),
        (
            "two.csv.zst",
            lambda data: b"".join(map(zstandard.ZstdCompressor().compress, (data[:99], data[99:]))),
        ),
        ("padded.csv.gz", lambda data: gzip.compress(data) + bytes(512)),
        ("t.csv.bz2", bz2.compress),
        ("t.csv.xz", lzma.compress),
        ("two.csv.bz2", lambda data: bz2.compress(data[:100]) + bz2.compress(data[100:])),
        ("two.csv.xz", lambda data: lzma.compress(data[:100]) + lzma.compress(data[100:]) + bytes(8)),
        ("large.csv.xz", lambda data: lzma.compress(data + b"\n" * (1 << 22))),
        ("large.csv.bz2", lambda data: bz2.compress(data + b"\n" * (1 << 22))),
        ("bom.csv", lambda data: b"\xef\xbb\xbf" + data),
        ("blank.csv", lambda data: b"\n\n" + data.replace(b"\n", b"\n  \n") + b"\n\n"),
        ("spaces.csv", lambda data: data.replace(b",", b" , ")),
        ("quotes.csv", lambda data: data.replace(b"b b", b'"b b"').replace(b"label", b'"label"')),
    ],
)
def test_delimited_text_packed_or_padded(write, name, pack):
    """Compression (several members too), a byte-order mark, blank lines, spaces and quotes change nothing."""
    check(read_table(write(name, pack(csv_text().encode()))))


def test_columnar_files_by_any_name(tmp_path):
    """Parquet and Arrow files are known by their content; a name with wildcards is only a name."""
    for name in ("t.parquet", "[a]*?.data"):
        FRAME.write_parquet(tmp_path / name)
        check(read_table(tmp_path / name))
    for name, compression in (("t.arrow", "uncompressed"), ("t.feather", "lz4"), ("t2.feather", "zstd")):
        FRAME.write_ipc(tmp_path / name, compression=compression)
        check(read_table(str(tmp_path / name)))
    FRAME.to_pandas().to_parquet(tmp_path / "pandas.parquet")
    check(read_table(tmp_path / "pandas.parquet"))
    FRAME.to_pandas().to_feather(tmp_path / "pandas.feather")
    check(read_table(tmp_path / "pandas.feather"))


@pytest.mark.parametrize("names", [("X", "y"), ("x", "y"), ("features", "target")])
def test_npz_archives(tmp_path, names):
    """Both arrays under each of the usual names, packed or not."""
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "t.npz", **dict(zip(names, (X, Y), strict=True)))
        check(
            read_table(tmp_path / "t.npz"),
            names=("column_0", "column_1", "column_2"),
            target_name="target",
        )


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "g", "i1", "i8", "u2", "u8", "?", ">i4"])
def test_arrays_of_every_dtype(dtype):
    """Features of each NumPy number type arrive as the nearest float32."""
    features = (X * 3).astype(dtype)
    if dtype in ("u2", "u8"):
        features = np.abs(X * 3).astype(dtype)
    table = read_table((features, Y))
    np.testing.assert_array_equal(table.features, features.astype(np.float32))


def test_arrays_and_pairs():
    """(X, y), target=array, target=column number and a column vector are the same table."""
    names = ("column_0", "column_1", "column_2")
    together = np.column_stack([X, Y])
    for table in (
        read_table((X, Y)),
        read_table(X, target=Y),
        read_table(X, target=Y[:, None]),
        read_table(X, target=Y.tolist()),
        read_table((X.tolist(), Y.tolist())),
        read_table(np.asfortranarray(X), target=pl.Series(Y)),
        read_table(X, target=pd.Series(Y)),
    ):
        check(table, names=names, target_name="target")
        assert table.source == TableSource("<memory>", target="target")
    check(read_table(together, target=3), names=names, target_name="column_3")
    check(read_table(together, target=np.int64(-1)), names=names, target_name="column_3")


def test_a_table_keeps_its_values_when_the_array_changes():
    """The array is copied, so that a fingerprint stays true."""
    features = X.copy()
    table = read_table((features, Y))
    features[:] = 0
    np.testing.assert_array_equal(table.features, X)


def test_frames():
    """Polars (lazy too) and pandas frames, with a target in the frame or apart from it."""
    for frame in (FRAME, FRAME.lazy(), FRAME.to_pandas()):
        check(read_table(frame))
        check(read_table(frame, target="label"))
    for frame in (FRAME.drop("label"), FRAME.drop("label").to_pandas()):
        check(read_table(frame, target=Y), target_name="target")
        check(read_table((frame, FRAME["label"])))


def test_pandas_columns_of_every_kind():
    """NumPy, nullable, boolean, categorical and text columns."""
    frame = pd.DataFrame(
        {
            "int": pd.array(range(ROWS), dtype="Int64"),
            "float": pd.array(X[:, 0], dtype="Float32"),
            "bool": pd.array(Y == 1, dtype="boolean"),
            "text": [str(value) for value in range(ROWS)],
            "category": pd.Categorical([("u", "v")[y] for y in Y]),
            "y": [("no", "yes")[y] for y in Y],
        }
    )
    expected = {"int": [*range(ROWS)], "float": X[:, 0].tolist(), "bool": (Y == 1).tolist()}
    for name in ("text", "category", "y"):
        expected[name] = frame[name].tolist()
    assert read_memory(frame, None).frame.to_dict(as_series=False) == expected


def test_pandas_without_pyarrow_gives_the_same(monkeypatch):
    """PyArrow is a test dependency only: nothing of it is imported."""
    import builtins

    original = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.split(".")[0] == "pyarrow":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    frame = FRAME.to_pandas()
    monkeypatch.setattr(builtins, "__import__", refuse)
    check(read_table(frame))


def test_a_pandas_frame_without_names_has_numbers():
    """Integer column labels become column_N, as for arrays."""
    table = read_table(pd.DataFrame(np.column_stack([X, Y])), target=3)
    check(table, names=("column_0", "column_1", "column_2"), target_name="column_3")


def test_urls(server, tmp_path):
    """Each format from an http address, through a dropped connection as well."""
    FRAME.write_parquet(tmp_path / "t.parquet")
    archive = io.BytesIO()
    np.savez(archive, X=X, y=Y)
    server.files = {
        "/t.parquet": (tmp_path / "t.parquet").read_bytes(),
        "/t.csv.gz?x=1": gzip.compress(csv_text().encode()),
        "/t.npz": archive.getvalue(),
    }
    server.drop_after = [300]
    seen = []
    check(read_table(server.address + "/t.parquet", progress=seen.append))
    assert seen[-1].bytes == len(server.files["/t.parquet"])
    assert (seen[-1].rows, seen[-1].total_rows, seen[-1].address) == (0, None, server.address + "/t.parquet")
    check(read_table(server.address + "/t.csv.gz?x=1"))
    assert read_table(server.address + "/t.npz").rows == ROWS


def test_a_server_that_says_no_length_is_read_to_its_end(server):
    """Without Content-Length the end of the connection is the end of the file."""
    server.files["/t.csv"] = csv_text().encode()
    server.says_length = False
    check(read_table(server.address + "/t.csv"))


def test_rows_takes_the_first(tmp_path, write):
    """`rows` with `head` keeps the first rows of every format, and later rows are not even looked at."""
    FRAME.write_parquet(tmp_path / "t.parquet")
    FRAME.write_ipc(tmp_path / "t.arrow")
    np.savez(tmp_path / "t.npz", X=X, y=Y)
    bad_later = write("t.csv", csv_text() + "word,1\n")
    for source in (
        tmp_path / "t.parquet",
        tmp_path / "t.arrow",
        tmp_path / "t.npz",
        bad_later,
        FRAME,
        (X, Y),
    ):
        table = read_table(source, rows=10, head=True)
        np.testing.assert_array_equal(table.features, X[:10])
        assert table.source.rows == 10


def test_missing_tokens_are_filled(write):
    """The user's own tokens and the usual ones, in text and in numbers: the median, or a level of their own."""
    text = "x,z,label\n1,a,0\nn/a,a,1\n3,b,0\n4,,1\n-999,b,1\n6,a,1\n"
    table = read_table(write("t.csv", text), missing=["-999"], categorical=["z"])
    assert table.feature_names == ("x", "x missing", "z=a", "z=b", "z missing")
    filled = [
        [1, 0, 1, 0, 0],
        [3.5, 1, 1, 0, 0],
        [3, 0, 0, 1, 0],
        [4, 0, 0, 0, 1],
        [3.5, 1, 0, 1, 0],
        [6, 0, 1, 0, 0],
    ]
    np.testing.assert_array_equal(table.features, np.array(filled, np.float32))
    assert (table.rows, table.rows_left_out, table.source.missing) == (6, 0, ("-999",))
    numbers = read_table((np.array([[1.0], [np.nan], [3.0]]), [0, 1, 1]))
    assert numbers.features.tolist() == [[1, 0], [2, 1], [3, 0]]


def test_rows_without_a_target_are_left_out_and_counted(write):
    """They can neither teach nor test."""
    table = read_table(write("t.csv", "x,label\n1,0\n2,\n3,1\n4,NA\n5,0\n"))
    assert (table.features.ravel().tolist(), table.target.tolist(), table.rows_left_out) == (
        [1, 3, 5],
        [0, 1, 0],
        2,
    )


@pytest.mark.parametrize(
    ("target", "task", "classes", "encoded"),
    [
        ([0, 1, 1, 0, 1, 0], "binary", ("0", "1"), [0, 1, 1, 0, 1, 0]),
        ([-1.0, 1.0, 1, -1, 1, 1], "binary", ("-1", "1"), [0, 1, 1, 0, 1, 1]),
        ([True, False, True, True, False, False], "binary", ("false", "true"), [1, 0, 1, 1, 0, 0]),
        (["s", "b", "s", "b", "b", "b"], "binary", ("b", "s"), [1, 0, 1, 0, 0, 0]),
        ([0.5, 2.5, 0.5, 2.5, 2.5, 2.5], "binary", ("0.5", "2.5"), [0, 1, 0, 1, 1, 1]),
        ([3, 1, 2, 1, 2, 3] * 3, "multiclass", ("1", "2", "3"), [2, 0, 1, 0, 1, 2] * 3),
        ([3, 1, 2, 1, 2, 3], "regression", (), [3, 1, 2, 1, 2, 3]),
        (["c", "a", "b", "a", "b", "c"], "multiclass", ("a", "b", "c"), [2, 0, 1, 0, 1, 2]),
        ([10, 9, 2, 10, 9, 2] * 3, "multiclass", ("2", "9", "10"), [2, 1, 0, 2, 1, 0] * 3),
        (list(range(11)) * 6, "regression", (), list(range(11)) * 6),
        ([1, 2, 3, 4, 5, 6], "regression", (), [1, 2, 3, 4, 5, 6]),
        ([0.1, 0.2, 0.3, 0.1, 0.2, 0.3], "regression", (), [0.1, 0.2, 0.3, 0.1, 0.2, 0.3]),
    ],
)
def test_the_task_is_found_from_the_target(target, task, classes, encoded):
    """Two values, a few repeating classes, or numbers."""
    table = read_table((np.arange(float(len(target)))[:, None], np.array(target)))
    assert (table.task, table.class_names) == (task, classes)
    dtype = np.int32 if task == "multiclass" else np.float32
    assert table.target.dtype == dtype
    np.testing.assert_array_equal(table.target, np.array(encoded, dtype))


def test_the_task_can_be_asked_for():
    """0/1 as regression, two classes as multiclass, many whole numbers as classes."""
    features = np.arange(120.0)[:, None]
    assert read_table((features, np.arange(120) % 2), task="regression").class_names == ()
    two = read_table((features, np.arange(120) % 2), task="multiclass")
    assert (two.task, two.target.dtype) == ("multiclass", np.int32)
    assert len(read_table((features, np.arange(120) // 2), task="multiclass").class_names) == 60
    assert read_table((features, np.arange(120) // 2)).task == "regression"


def test_the_packaged_table_is_24_000_rows_of_28_features():
    """The offline default has HIGGS' columns and both classes."""
    table = read_table("higgs-sim")
    assert (table.rows, table.n_features, table.task) == (24_000, 28, "binary")
    assert table.feature_names[0] == "lepton_pT"
    assert table.target.mean() == pytest.approx(0.53, abs=1e-6)
