"""For any input that Hypothesis finds: numbers survive the round trip, and garbage ends in one sentence."""

from __future__ import annotations

import contextlib
import gzip
import io

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from justright.data.build import build_table
from justright.data.read import read_table
from justright.data.read_options import READ_ALL
from justright.data.readers.arrow import read_arrow
from justright.data.readers.delimited import read_delimited
from justright.data.readers.inflate import inflate_all
from justright.data.readers.npz import read_npz
from justright.data.readers.parquet import read_parquet
from justright.data.sources import Request
from justright.errors import InputError

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
TABLES = hnp.arrays(np.float32, st.tuples(st.integers(2, 20), st.integers(1, 6)), elements=FINITE)
HEADS = [b"", b"PAR1", b"ARROW1\0\0", b"PK\x03\x04", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"x,label\n", b'"']


@given(values=TABLES, header=st.booleans(), separator=st.sampled_from([",", "\t", ";"]))
def test_any_finite_table_survives_text(values, header, separator):
    """Repr of a float32 as float64 reads back to the same bits."""
    target = np.arange(len(values)) % 2
    names = [f"f{index}" for index in range(values.shape[1])] + ["label"]
    lines = [separator.join(names)] if header else []
    for row, code in zip(values.tolist(), target, strict=True):
        lines.append(separator.join([*map(repr, row), str(code)]))
    raw = read_delimited("\n".join(lines).encode(), "'t'")
    np.testing.assert_array_equal(raw.frame.to_numpy().astype(np.float32), np.column_stack([values, target]))
    assert raw.frame.columns == (names if header else [f"column_{index}" for index in range(len(names))])
    assert raw.has_header is header


@given(values=TABLES)
def test_arrays_frames_and_files_agree(values):
    """The same numbers give the same table, from whatever source."""
    target = np.arange(len(values)) % 2
    values[:, 0] = np.arange(len(values)) * 1.5  # a table of constants has no features
    frame = pl.DataFrame([pl.Series(f"f{i}", values[:, i]) for i in range(values.shape[1])])
    wanted = read_table((frame, target)).fingerprint
    assert read_table(frame.with_columns(target=target)).fingerprint == wanted
    assert read_table(frame.to_pandas(), target=target).fingerprint == wanted


@given(
    cells=st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=2, max_size=4),
        max_size=6,
    )
)
def test_any_text_is_a_table_or_one_sentence(cells):
    """Words, quotes, control characters, ragged rows: read or refused, never anything else."""
    text = "\n".join(",".join(row) for row in cells)
    with contextlib.suppress(InputError):
        build_table(read_delimited(text.encode(), "'t'"), Request(), source="t")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.sampled_from(HEADS), tail=st.binary(max_size=200))
def test_any_bytes_are_a_table_or_one_sentence(tmp_path, head, tail):
    """Whatever a file begins with and goes on with."""
    path = tmp_path / "t.bin"
    path.write_bytes(head + tail)
    with contextlib.suppress(InputError):
        read_table(path)


def _good_files() -> dict[str, bytes]:
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0], "z": ["a", "b", "c"], "label": [0, 1, 0]})
    parquet, arrow, archive = io.BytesIO(), io.BytesIO(), io.BytesIO()
    frame.write_parquet(parquet)
    frame.write_ipc(arrow)
    np.savez(archive, X=np.ones((3, 2)), y=np.array([0, 1, 0]))
    return {
        "parquet": parquet.getvalue(),
        "arrow": arrow.getvalue(),
        "npz": archive.getvalue(),
        "gzip": gzip.compress(frame.write_csv().encode()),
    }


GOOD_FILES = _good_files()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(GOOD_FILES)),
    place=st.floats(0, 1),
    value=st.integers(0, 255),
    cut=st.booleans(),
)
def test_a_damaged_file_is_a_table_or_one_sentence(tmp_path, capfd, kind, place, value, cut):
    """One byte changed, or the end cut off, anywhere in a good file."""
    content = bytearray(GOOD_FILES[kind])
    index = min(int(place * len(content)), len(content) - 1)
    content[index] = value
    path = tmp_path / "t"
    path.write_bytes(content[:index] if cut else content)
    readers = {
        "parquet": lambda: read_parquet(path, "'t'", READ_ALL),
        "arrow": lambda: read_arrow(path, "'t'", READ_ALL),
        "npz": lambda: read_npz(path, "'t'"),
        "gzip": lambda: inflate_all(path.read_bytes(), "'t'"),
    }
    with contextlib.suppress(InputError):
        readers[kind]()
