"""A small file that would fill the memory stops at the stated limit, however it is packed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tracemalloc
import zipfile

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import zstandard
from tests.refusals import refusal

from justright.data import fetch
from justright.data.read import read_table
from justright.data.readers import arrow, columnar, inflate, npz, parquet, sniff

LIMIT = 100_000
PACKS = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
TEXT = b"x,label\n" + b"1,0\n2,1\n" * 100_000


@pytest.fixture
def limited(monkeypatch):
    """Every reader stops at LIMIT bytes."""
    for module in (inflate, columnar, npz, sniff):
        monkeypatch.setattr(module, "MAX_TABLE_BYTES", LIMIT)


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_compressed_text_stops_at_the_limit(write, limited, pack):
    """800 kB from a file of some kB, refused by the file's own name."""
    path = write("t.csv", pack(TEXT))
    assert refusal(read_table, path) == (
        f"{path!r}: a table must take at most 100,000 bytes once decompressed; it takes more. "
        "Split it, or save it as Parquet and ask for fewer `rows`."
    )


@pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)
def test_a_bomb_takes_no_more_memory_than_the_limit_and_a_piece(write, limited, monkeypatch, pack):
    """128 MiB of zeros is stopped before it is there: what is held stays near the limit."""
    monkeypatch.setattr(inflate, "MAX_TABLE_BYTES", 1 << 20)
    path = write("t.csv", pack(bytes(1 << 27)))
    tracemalloc.start()
    try:
        refusal(read_table, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 26


def test_an_xz_file_that_asks_for_too_much_memory_is_refused(write, monkeypatch):
    """Its dictionary may have gigabytes, whatever it holds."""
    monkeypatch.setattr(inflate, "XZ_MEMORY_BYTES", 1 << 20)
    path = write("t.csv.xz", lzma.compress(TEXT))
    assert refusal(read_table, path) == (
        f"{path!r}: a readable compressed file was expected; xz data are damaged: Memory usage limit exceeded. "
        "Download it again."
    )


def test_text_that_is_longer_as_utf_8_stops_at_the_limit(write, limited):
    """A byte of Latin-1 may take three."""
    path = write("t.csv", "x,label\n€,0\n".encode("cp1252") + b"\x80" * 50_000)
    assert refusal(read_table, path) == (
        f"{path!r}: a text table must take at most 100,000 bytes as UTF-8; it takes more. "
        "Split it, or save it as Parquet and ask for fewer `rows`."
    )


def test_a_download_of_a_bomb_stops_too(server, limited):
    """The limit of what is received does not replace the limit of what it unpacks to."""
    server.files["/t.csv.gz"] = gzip.compress(TEXT)
    address = server.address + "/t.csv.gz"
    assert refusal(read_table, address) == (
        f"{address!r}: a table must take at most 100,000 bytes once decompressed; it takes more. "
        "Split it, or save it as Parquet and ask for fewer `rows`."
    )


def test_an_npz_archive_stops_at_the_limit_by_what_it_declares(tmp_path, limited):
    """Compressed zeros: the header is read, the array is not."""
    path = tmp_path / "t.npz"
    np.savez_compressed(path, X=np.zeros((100_000, 2)), y=np.zeros(100_000))
    assert refusal(read_table, path) == (
        f"{str(path)!r}: array 'X' must take at most 100,000 bytes; it declares 1,600,000. Save fewer rows."
    )


def test_an_npz_header_that_declares_gigabytes_is_not_read(tmp_path):
    """At most 16 kB of a header are read, whatever length it states."""
    path = tmp_path / "t.npz"
    header = b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 26) + b" " * (1 << 26)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", header)
        archive.writestr("y.npy", header)
    del header
    tracemalloc.start()
    try:
        said = refusal(read_table, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said.startswith(f"{str(path)!r}: a readable NPZ file was expected; 'EOF: reading array header")
    assert peak < 1 << 22


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_an_npz_archive_in_another_compression_is_refused(tmp_path, method):
    """NumPy never writes these; both unpack a kilobyte to gigabytes."""
    path = tmp_path / "t.npz"
    array = io.BytesIO()
    np.save(array, np.ones((4, 1)))
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("X.npy", array.getvalue())
        archive.writestr("y.npy", array.getvalue())
    assert refusal(read_table, path) == (
        f"{str(path)!r}: array 'X' must be stored or deflated; it is compressed in another way. "
        "Save it with numpy.savez or numpy.savez_compressed."
    )


@pytest.mark.parametrize("codec", ["zstd", "gzip", "snappy", "brotli", "lz4"])
def test_a_parquet_file_stops_at_the_limit_by_its_pages(tmp_path, limited, codec):
    """Two rows, one of them a text of a megabyte that packs to next to nothing."""
    path = tmp_path / "t.parquet"
    table = pa.table({"x": ["a" * 1_000_000, "b"], "label": [0, 1]})
    pq.write_table(table, path, compression=codec, use_dictionary=False, write_statistics=False)
    assert path.stat().st_size < LIMIT
    unpacked = parquet.unpacked_parquet_bytes(path)
    assert 1_000_000 < unpacked < 1_001_000
    assert refusal(read_table, path) == (
        f"{str(path)!r}: a table must take at most 100,000 bytes in memory; its pages unpack to {unpacked:,}. "
        "Ask for fewer `rows`."
    )


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_an_arrow_file_stops_at_the_limit_by_its_buffers(tmp_path, limited, codec):
    """The same two rows, and a dictionary of categories that is as large."""
    path = tmp_path / "t.arrow"
    text = pa.array(["a" * 1_000_000, "b"])
    table = pa.table({"x": text, "c": text.dictionary_encode(), "label": [0, 1]})
    feather.write_feather(table, path, compression=codec)
    assert path.stat().st_size < LIMIT
    unpacked = arrow.unpacked_arrow_bytes(path)
    assert 2_000_000 < unpacked < 2_001_000
    assert refusal(read_table, path) == (
        f"{str(path)!r}: a table must take at most 100,000 bytes in memory; its buffers unpack to {unpacked:,}. "
        "Ask for fewer `rows`."
    )


@pytest.mark.parametrize(
    ("size", "said"), [(1 << 62, "its buffers unpack to"), (-7, "a buffer of a negative size")]
)
def test_an_arrow_buffer_of_an_impossible_size_does_not_end_the_process(tmp_path, size, said):
    """Polars allocates what a buffer says, and the process aborts: found by `benchmarks.faults`."""
    path = tmp_path / "t.arrow"
    feather.write_feather(pa.table({"x": [1.5] * 1_000, "label": [0, 1] * 500}), path, compression="lz4")
    content = path.read_bytes()
    told = (8_000).to_bytes(8, "little")  # of both columns: 1,000 numbers of eight bytes
    assert told in content
    path.write_bytes(content.replace(told, size.to_bytes(8, "little", signed=True)))
    assert said in refusal(read_table, path)


def test_only_the_record_batches_that_are_asked_for_count(tmp_path):
    """Of a file that is too large, the first rows can still be read."""
    path = tmp_path / "t.arrow"
    table = pa.table({"x": [1.5] * 1_000})
    feather.write_feather(table, path, compression="zstd", chunksize=100)
    assert arrow.unpacked_arrow_bytes(path) == 8_000
    assert arrow.unpacked_arrow_bytes(path, rows=150) == 1_600


def test_only_the_row_groups_that_are_asked_for_count(tmp_path, limited):
    """The advice of the message works."""
    path = tmp_path / "t.parquet"
    values = np.random.default_rng(0).normal(size=20_000)
    table = pa.table({"x": values, "label": np.arange(20_000) % 2})
    pq.write_table(table, path, row_group_size=1_000)
    assert "Ask for fewer `rows`." in refusal(read_table, path)
    assert read_table(path, rows=1_500, head=True).rows == 1_500


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"data_page_version": "2.0"},
        {"use_dictionary": False, "compression": "none"},
        {"row_group_size": 100, "write_page_index": True, "compression": "gzip"},
        {"data_page_size": 500, "compression": "zstd"},
    ],
    ids=str,
)
def test_pages_add_up_to_what_the_footer_says(tmp_path, options):
    """PyArrow's footer as oracle: its totals are our sum of pages and their headers, of some ten bytes each."""
    path = tmp_path / "t.parquet"
    random = np.random.default_rng(0)
    table = pa.table({"x": random.normal(size=2_000), "s": ["abc", "d"] * 1_000, "b": [True, None] * 1_000})
    pq.write_table(table, path, **options)
    meta = pq.read_metadata(path)
    groups = [meta.row_group(index) for index in range(meta.num_row_groups)]
    stated = sum(
        group.column(column).total_uncompressed_size for group in groups for column in range(meta.num_columns)
    )
    assert 0.8 * stated < parquet.unpacked_parquet_bytes(path) <= stated


@pytest.mark.parametrize("compression", ["uncompressed", "snappy", "zstd", "gzip", "lz4", "brotli"])
def test_what_polars_writes_is_understood(tmp_path, compression):
    """Our footer reader never refuses a good file."""
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"x": np.arange(3_000.0), "z": [None, *range(2_999)], "label": np.arange(3_000) % 2})
    frame.write_parquet(path, compression=compression, row_group_size=1_000)
    assert parquet.unpacked_parquet_bytes(path) > 0
    assert parquet.unpacked_parquet_bytes(path, rows=1_000) * 2 < parquet.unpacked_parquet_bytes(path)
    assert read_table(path).rows == 3_000


def test_a_footer_that_nests_without_end_is_refused(tmp_path):
    """A struct in a struct in a struct: no recursion without a limit."""
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1" + b"\x1c" * 5_000 + struct.pack("<I", 5_000) + b"PAR1")
    assert refusal(read_table, path) == (
        f"{str(path)!r}: a readable Parquet file was expected; 'its footer is nested too deep'. "
        "Write or download it again."
    )


def test_a_footer_whose_pages_stand_nowhere_is_refused(tmp_path):
    """One column chunk whose data page has the offset 0 (found by fuzzing)."""
    path = tmp_path / "t.parquet"
    chunk = b"\x3c" + b"\x76\x00" + b"\x26\x00" + b"\x00" + b"\x00"  # field 3: {7: 0 bytes, 9: offset 0}
    group = b"\x19\x1c" + chunk + b"\x26\x02" + b"\x00"  # field 1: [chunk], field 3: 1 row
    content = b"\x49\x1c" + group + b"\x00"  # field 4: [group]
    path.write_bytes(b"PAR1" + content + struct.pack("<I", len(content)) + b"PAR1")
    assert refusal(read_table, path) == (
        f"{str(path)!r}: a readable Parquet file was expected; 'its footer is damaged (ValueError)'. "
        "Write or download it again."
    )


def test_a_long_text_is_no_class_and_does_not_fill_the_screen(write):
    """NumPy would give every row the room of the longest text; a message would print all of it."""
    path = write("t.csv", f"x,label\n1,{'a' * 5_000}\n2,b\n")
    assert refusal(read_table, path) == (
        f"{path!r}: the target 'label' must have classes of at most 200 characters; one has 5,000. Shorten it, or name another "
        "column."
    )


def test_addresses_are_of_the_web_only(server):
    """Neither files nor FTP, directly or by a redirect; the opener itself has no handler for them."""
    for source in (
        "file:///etc/hostname",
        "ftp://127.0.0.1/t.csv",
        "FILE://localhost/etc/hostname",
        "jar://x",
    ):
        assert refusal(read_table, source) == (
            f"An address must start with http://, https:// or a database's name, such as postgresql://; got {source!r}. "
            "Download the file first."
        )
    address = server.address + "/t.csv"
    server.redirects["/t.csv"] = "file:///etc/hostname"
    assert refusal(read_table, address) == (
        f"Cannot read {address!r}: the server answers 302 Found - Redirection to url 'file:///etc/hostname' is not "
        "allowed. Check the address."
    )
    server.redirects["/t.csv"] = "ftp://127.0.0.1/t.csv"
    assert refusal(read_table, address) == (
        f"Cannot read {address!r}: it redirects to 'ftp://127.0.0.1/t.csv', which is not http(s). Check the address."
    )
    protocols = {
        name.removesuffix("_open")
        for handler in fetch.HANDLERS
        for name in dir(handler)
        if name.endswith("_open") and not name.startswith(("_", "do"))
    }
    assert protocols <= {"http", "https", "proxy", "unknown"}  # a proxy is asked for web addresses only


def test_a_redirect_that_never_ends_is_refused(server):
    """The standard library's limit holds for our opener, too."""
    server.redirects["/t.csv"] = "/t.csv"
    address = server.address + "/t.csv"
    assert refusal(read_table, address).startswith(
        f"Cannot read {address!r}: the server answers 302 The HTTP server returned"
    )
    assert len(server.requests) < 30
