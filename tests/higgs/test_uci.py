"""HIGGS from a real server that behaves well and badly: the rows are right, or one sentence says why not."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from tests.refusals import refusal

from justright.data import fetch
from justright.data.read import read_table
from justright.data.sources import ReadProgress
from justright.higgs import uci
from justright.higgs.columns import HIGGS_FEATURES

NAME = "/HIGGS.csv.gz"
ADVICE = " Name a copy by `location` (--from), or use 'higgs-sim'."


def test_rows_are_those_of_the_file_in_order(server, higgs_rows, higgs_gz, tmp_path):
    """Features, target and names equal the file's first rows."""
    server.files[NAME] = higgs_gz
    table = read_table("higgs", rows=700, location=server.address + NAME, cache_dir=tmp_path)
    np.testing.assert_array_equal(table.features, higgs_rows[:700, 1:])
    np.testing.assert_array_equal(table.target, higgs_rows[:700, 0])
    assert (table.feature_names, table.target_name, table.task) == (HIGGS_FEATURES, "label", "binary")
    assert (table.source.source, table.source.rows, table.source.location) == (
        "higgs",
        700,
        server.address + NAME,
    )


def test_a_longer_cache_serves_fewer_rows_without_a_request(server, higgs_rows, higgs_gz, tmp_path):
    """500 rows after 700 come from the cache; 900 are read again and replace it."""
    server.files[NAME] = higgs_gz
    options = {"location": server.address + NAME, "cache_dir": tmp_path}
    read_table("higgs", rows=700, **options)
    table = read_table("higgs", rows=500, **options)
    np.testing.assert_array_equal(table.features, higgs_rows[:500, 1:])
    assert len(server.requests) == 1
    assert read_table("higgs", rows=900, **options).rows == 900
    assert len(server.requests) == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_cache_is_read_again(server, higgs_rows, higgs_gz, tmp_path):
    """One flipped bit in the cached file is noticed, and the file replaced."""
    server.files[NAME] = higgs_gz
    options = {"rows": 300, "location": server.address + NAME, "cache_dir": tmp_path}
    read_table("higgs", **options)
    (cached,) = tmp_path.iterdir()
    content = bytearray(cached.read_bytes())
    content[-5] ^= 1
    cached.write_bytes(content)
    np.testing.assert_array_equal(read_table("higgs", **options).features, higgs_rows[:300, 1:])
    assert len(server.requests) == 2
    read_table("higgs", **options)
    assert len(server.requests) == 2


def test_a_dropped_connection_is_resumed_where_it_ended(server, higgs_rows, higgs_gz, tmp_path):
    """After two cuts the third request asks for the rest only."""
    server.files[NAME] = higgs_gz
    server.drop_after = [100_000, 50_000]
    table = read_table("higgs", rows=3_000, location=server.address + NAME, cache_dir=tmp_path)
    np.testing.assert_array_equal(table.features, higgs_rows[:, 1:])
    assert [wanted for _, wanted in server.requests] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_server_without_ranges_is_read_again_from_the_start(server, higgs_rows, higgs_gz, tmp_path):
    """What was received is skipped, so the rows are the same."""
    server.files[NAME] = higgs_gz
    server.has_ranges = False
    server.drop_after = [100_000, 250_000]
    table = read_table("higgs", rows=3_000, location=server.address + NAME, cache_dir=tmp_path)
    np.testing.assert_array_equal(table.features, higgs_rows[:, 1:])


def test_a_silent_connection_is_resumed_after_the_time_limit(
    server, higgs_rows, higgs_gz, tmp_path, monkeypatch
):
    """A server that stops sending without closing counts as dropped; one that stays silent is given up."""
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.2)
    address = server.address + NAME
    server.files[NAME] = higgs_gz
    server.stalls, server.drop_after = True, [100_000]
    table = read_table("higgs", rows=3_000, location=address, cache_dir=tmp_path / "a")
    np.testing.assert_array_equal(table.features, higgs_rows[:, 1:])
    assert server.requests[1:] == [(NAME, "bytes=100000-")]
    server.drop_after = [0, 0, 0]
    assert refusal(read_table, "higgs", rows=3_000, location=address, cache_dir=tmp_path / "b") == (
        f"Cannot read {address!r}: no byte for 0.2 s (after 0 bytes). Try again later." + ADVICE
    )


def test_a_truncated_file_is_refused(server, higgs_gz, tmp_path):
    """A file that ends before the rows wanted is said to end too early, with its address."""
    address = server.address + NAME
    server.files[NAME] = higgs_gz[: len(higgs_gz) // 2]
    assert refusal(read_table, "higgs", rows=3_000, location=address, cache_dir=tmp_path) == (
        f"Cannot read {address!r}: gzip data end too early." + ADVICE
    )
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_always_ends_early_is_given_up(server, higgs_gz, tmp_path):
    """Attempts without a new byte are counted, and the last reason told."""
    address = server.address + NAME
    server.files[NAME] = higgs_gz
    server.drop_after = [100_000, 0, 0, 0, 0]
    assert refusal(read_table, "higgs", rows=3_000, location=address, cache_dir=tmp_path) == (
        f"Cannot read {address!r}: the connection ended early (after 100,000 bytes). Try again later."
        + ADVICE
    )
    assert len(server.requests) == 4


def test_a_damaged_file_is_refused(server, higgs_gz, tmp_path):
    """A wrong checksum at the end of the file is noticed once the whole file is read."""
    address = server.address + NAME
    server.files[NAME] = higgs_gz[:-8] + bytes(4) + higgs_gz[-4:]
    assert refusal(read_table, "higgs", location=address, cache_dir=tmp_path) == (
        f"Cannot read {address!r}: gzip data are damaged: Error -3 while decompressing data: incorrect data check."
        + ADVICE
    )


def test_a_missing_file_and_a_page_are_told_apart(server, tmp_path):
    """404 and an HTML page each have their own sentence."""
    address = server.address + NAME
    assert refusal(read_table, "higgs", rows=10, location=address, cache_dir=tmp_path) == (
        f"Cannot read {address!r}: the server answers 404 Not Found. Check the address." + ADVICE
    )
    server.files[NAME] = b"<!DOCTYPE html><html><body>Log in</body></html>"
    assert refusal(read_table, "higgs", rows=10, location=address, cache_dir=tmp_path) == (
        f"Cannot read {address!r}: it is an HTML page, not HIGGS.csv.gz." + ADVICE
    )


def test_a_redirect_to_a_local_file_is_refused(server, tmp_path):
    """file: and ftp: are never followed."""
    address = server.address + NAME
    server.redirects[NAME] = "file:///etc/hostname"
    assert refusal(read_table, "higgs", rows=10, location=address, cache_dir=tmp_path) == (
        f"Cannot read {address!r}: the server answers 302 Found - Redirection to url 'file:///etc/hostname' is not "
        "allowed. Check the address." + ADVICE
    )
    server.redirects[NAME] = "ftp://127.0.0.1/x"
    assert refusal(read_table, "higgs", rows=10, location=address, cache_dir=tmp_path) == (
        f"Cannot read {address!r}: it redirects to 'ftp://127.0.0.1/x', which is not http(s). Check the address."
        + ADVICE
    )


def test_a_redirect_to_another_path_is_followed(server, higgs_rows, higgs_gz, tmp_path):
    """An ordinary redirect leads to the file."""
    server.files["/moved.gz"] = higgs_gz
    server.redirects[NAME] = server.address + "/moved.gz"
    table = read_table("higgs", rows=20, location=server.address + NAME, cache_dir=tmp_path)
    np.testing.assert_array_equal(table.features, higgs_rows[:20, 1:])


def test_the_next_address_is_tried_when_one_fails(server, higgs_rows, higgs_gz, tmp_path, monkeypatch):
    """UCI's first address answers 404, the second has the file; progress names the second."""
    server.files["/second.gz"] = higgs_gz
    addresses = (server.address + "/first.gz", server.address + "/second.gz")
    monkeypatch.setattr(uci, "UCI_ADDRESSES", addresses)
    seen: list[ReadProgress] = []
    table = read_table("higgs", rows=1_000, progress=seen.append, cache_dir=tmp_path)
    np.testing.assert_array_equal(table.features, higgs_rows[:1_000, 1:])
    assert [path for path, _ in server.requests] == ["/first.gz", "/second.gz"]
    assert {report.address for report in seen} == {addresses[1]}
    assert [report.rows for report in seen] == sorted(report.rows for report in seen)
    assert (seen[-1].rows, seen[-1].total_rows) == (1_000, 1_000)
    assert 0 < seen[-1].bytes <= len(higgs_gz)


def test_the_whole_file_of_uci_has_its_checksum(server, higgs_gz, tmp_path, monkeypatch):
    """All rows asked for: the SHA-256 decides, and a wrong one is shown."""
    server.files[NAME] = higgs_gz
    address = server.address + NAME
    monkeypatch.setattr(uci, "UCI_ADDRESSES", (address,))
    monkeypatch.setattr(uci, "UCI_ROWS", 3_000)
    digest = hashlib.sha256(higgs_gz).hexdigest()
    assert refusal(read_table, "higgs", rows=3_000, cache_dir=tmp_path) == (
        f"Cannot read {address!r}: its SHA-256 is {digest}, not {uci.UCI_SHA256}." + ADVICE
    )
    monkeypatch.setattr(uci, "UCI_SHA256", digest)
    assert read_table("higgs", rows=3_000, cache_dir=tmp_path).rows == 3_000


def test_without_rows_a_short_copy_is_read_whole_and_cached_whole(server, higgs_gz, tmp_path):
    """A copy shorter than the default gives all it has, the second time from the cache."""
    server.files[NAME] = higgs_gz
    for _ in range(2):
        assert read_table("higgs", location=server.address + NAME, cache_dir=tmp_path).rows == 3_000
    assert len(server.requests) == 1


def test_more_rows_than_there_are_is_refused(server, higgs_gz, tmp_path):
    """The message says how many there are."""
    server.files[NAME] = higgs_gz
    address = server.address + NAME
    expected = f"{address!r}: `rows` must be at most its 3,000 rows; got 3,001."
    assert refusal(read_table, "higgs", rows=3_001, location=address, cache_dir=tmp_path) == expected
    assert (
        refusal(read_table, "higgs", rows=11_000_001)
        == "`rows` must be at most 11,000,000, all of HIGGS; got 11,000,001."
    )


def test_a_file_that_changes_between_connections_is_refused(server, higgs_gz, tmp_path):
    """Another ETag after the cut means another file; the two are not mixed."""
    server.files[NAME] = higgs_gz
    server.drop_after, server.tags = [100_000], ['"one"', '"two"']
    address = server.address + NAME
    assert refusal(read_table, "higgs", rows=3_000, location=address, cache_dir=tmp_path) == (
        f"Cannot read {address!r}: the file changed while it was read. Try again." + ADVICE
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1,2,3", "line 3 has 3 fields, not 29"),
        (b"1" + b",0" * 27 + b",x", "line 3 holds 'x' as m_wwbb, which is not a finite float32"),
        (b"1" + b",0" * 27 + b",nan", "line 3 holds 'nan' as m_wwbb, which is not a finite float32"),
        (b"1" + b",0" * 27 + b",1e39", "line 3 holds '1e39' as m_wwbb, which is not a finite float32"),
        (b"2" + b",0" * 28, "line 3 holds '2' as label, which is neither 0 nor 1"),
        (b"1" * 20_000, "a line is longer than 16,384 bytes, so it is not HIGGS"),
    ],
)
def test_a_line_that_is_no_row_is_named(higgs_rows, write, line, reason):
    """The line and the cell are in the message, plain text or gzip alike."""
    good = b"".join(
        b",".join(str(value).encode() for value in row) + b"\n" for row in higgs_rows[:2].tolist()
    )
    for content in (good + line, gzip.compress(good + line)):
        path = write("rows.csv", content)
        assert refusal(read_table, "higgs", location=path) == (
            f"{path!r}: a readable HIGGS file was expected; {reason}. Download it again."
        )


def test_local_copies_that_cannot_be_read_are_named(tmp_path, write):
    """Missing, empty and one-class copies each have their own sentence."""
    missing = str(tmp_path / "none.gz")
    assert refusal(read_table, "higgs", location=missing) == (
        f"`location` must be an existing file or an http(s) address; there is no {missing!r}."
    )
    empty = write("empty.csv", b"")
    assert refusal(read_table, "higgs", location=empty) == (
        f"{empty!r}: a readable HIGGS file was expected; it is empty. Download it again."
    )
    single = write("one.csv", b"1" + b",0" * 28 + b"\n")
    assert refusal(read_table, "higgs", location=single) == (
        f"{single!r}: the first 1 rows of HIGGS must hold both classes; all are of class 1. Read more rows."
    )
    assert refusal(read_table, "higgs", location="ftp://example.org/HIGGS.csv.gz") == (
        "An address must start with http://, https:// or a database's name, such as postgresql://; got 'ftp://example.org/HIGGS.csv.gz'. "
        "Download the file first."
    )


def test_options_that_higgs_fixes_are_refused():
    """A target or task of one's own cannot be honoured."""
    advice = "must be left out for 'higgs', whose columns are known; read a copy by its path."
    assert refusal(read_table, "higgs", target="m_bb") == f"`target` {advice}"
    assert refusal(read_table, "higgs", task="regression") == f"`task` {advice}"
    assert refusal(read_table, "higgs", missing=["?"]) == f"`missing` {advice}"
    assert refusal(read_table, "higgs", categorical=["m_bb"]) == f"`categorical` {advice}"


def test_real_rows_come_in_order_and_cost_what_they_take(server, shared: Path, tmp_path):
    """The tutorial's 11,000 rows; for 1,000 of them little more than 256 bytes each leave the server."""
    server.files[NAME] = (shared / "higgs/HIGGS-prefix.csv.gz").read_bytes()
    location = server.address + NAME
    seen: list[ReadProgress] = []
    first = read_table("higgs", rows=1_000, location=location, cache_dir=tmp_path / "a", progress=seen.append)
    # A piece is 64 kB, so at most that much is read too much.
    assert seen[-1].bytes <= 256 * 1_000 + (1 << 16)
    table = read_table("higgs", location=location, cache_dir=tmp_path / "b")
    assert table.rows == 11_000
    validation = table.split(validation=1_000, train=10_000, test=0.0, order="head").arrays("validation")
    np.testing.assert_array_equal(validation[0], first.features)
    lines = gzip.decompress(server.files[NAME]).splitlines()
    expected = np.array([line.split(b",") for line in lines], dtype=np.float64).astype(np.float32)
    np.testing.assert_array_equal(np.column_stack([table.target, table.features]), expected)
    assert read_table(str(shared / "higgs/HIGGS-prefix.csv.gz")).fingerprint == table.fingerprint


def test_a_named_file_tests_a_header_less_one(shared: Path):
    """The prefix has no header, the held-out rows have; they match by name."""
    table = read_table("higgs", location=shared / "higgs/HIGGS-prefix.csv.gz")
    held_out = read_table(shared / "higgs/heldout.parquet")
    split = table.split(validation=1_000, train=10_000, test_table=held_out)
    assert split.sizes == {"train": 10_000, "validation": 1_000, "test": 29_075}
    assert split.test_table is not None
    assert split.test_table.feature_names == table.feature_names
