"""The cache of rows serves what it holds and survives what it cannot write."""

from __future__ import annotations

import numpy as np

from justright.higgs.rows_cache import CachedRows, load_rows, store_rows

VALUES = np.arange(12, dtype=np.float32).reshape(6, 2)


def test_sources_do_not_mix(tmp_path):
    """Two addresses have two caches, and columns must agree."""
    store_rows(tmp_path, "one", CachedRows(VALUES, is_all=False))
    assert load_rows(tmp_path, "two", 3, columns=2) is None
    assert load_rows(tmp_path, "one", 3, columns=3) is None
    assert load_rows(tmp_path, "one", 7, columns=2) is None
    found = load_rows(tmp_path, "one", 6, columns=2)
    assert found is not None
    np.testing.assert_array_equal(found.values, VALUES)


def test_all_rows_serve_any_number(tmp_path):
    """A source known to be shorter than asked for needs no second look."""
    store_rows(tmp_path, "one", CachedRows(VALUES, is_all=True))
    found = load_rows(tmp_path, "one", 100, columns=2)
    assert found is not None
    assert found.is_all


def test_nothing_is_left_aside(tmp_path):
    """A longer cache replaces a shorter one; no half-written file stays."""
    store_rows(tmp_path, "one", CachedRows(VALUES[:3], is_all=False))
    store_rows(tmp_path, "one", CachedRows(VALUES, is_all=False))
    (path,) = tmp_path.iterdir()
    assert path.name.split("-")[2:4] == ["6", "head"]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    """A file stands where the folder should be: the rows are simply not kept."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    store_rows(blocked, "one", CachedRows(VALUES, is_all=False))
    assert load_rows(blocked, "one", 1, columns=2) is None


def test_a_pickle_in_the_cache_is_not_loaded(tmp_path):
    """A file with a right name whose content is not an array counts as absent."""
    store_rows(tmp_path, "one", CachedRows(VALUES, is_all=False))
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"\x80\x04N.")
    assert load_rows(tmp_path, "one", 1, columns=2) is None
