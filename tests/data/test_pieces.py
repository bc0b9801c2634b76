"""Large files are read in pieces, to the same table as at once; what does not suit is read at once."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from justright.data import build
from justright.data.read import read_table
from justright.data.readers import columnar, delimited
from justright.errors import InputError

ROWS = 300


@pytest.fixture
def in_pieces(monkeypatch):
    """Read everything in pieces of some ten lines; return the tables that were made of pieces."""
    made = []
    real = build._build_from_pieces

    def spy(*arguments):
        made.append(real(*arguments))
        return made[-1]

    monkeypatch.setattr(build, "_build_from_pieces", spy)
    for reader in (delimited, columnar):
        monkeypatch.setattr(reader, "PIECES_FROM_BYTES", 1)
        monkeypatch.setattr(reader, "PIECE_BYTES", 700)
    monkeypatch.setattr(delimited, "SNIFFED_BYTES", 1_000)
    return made


def frame() -> pl.DataFrame:
    """Numbers of several types, and a target of two classes."""
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 2))
    return pl.DataFrame(
        {
            "x": x[:, 0],
            "label": (x[:, 0] > 0).astype(np.int8),
            "count": random.integers(0, 9, ROWS),
            "z": x[:, 1].astype(np.float32),
        }
    )


def at_once(path, **options):
    """Read a file the other way."""
    with pytest.MonkeyPatch.context() as patch:
        for reader in (delimited, columnar):
            patch.setattr(reader, "PIECES_FROM_BYTES", 1 << 40)
        return read_table(str(path), **options)


TEXTS = {
    "plain": lambda text: text,
    "without a last line end": lambda text: text.rstrip(),
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "marked": lambda text: "\ufeff" + text,
    "semicolons": lambda text: text.replace(",", ";"),
    "blanks": lambda text: text.replace(",", "  ").replace("\n", " \n "),
    "comments above": lambda text: "# seen in May\n# by us\n" + text,
    "names in a comment": lambda text: "# " + text,
    "a title": lambda text: "Seen in May\n\n" + text,
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("rows", [None, 1, 12, 299, 300])
def test_text_in_pieces_makes_the_table_that_it_makes_at_once(in_pieces, tmp_path, name, rows) -> None:
    """Whatever ends its lines, and wherever reading stops."""
    path = tmp_path / "table.csv"
    path.write_bytes(TEXTS[name](frame().write_csv()).encode())
    if rows == 1:
        with pytest.raises(InputError, match="at least two different values"):
            read_table(str(path), rows=rows, head=True)
        assert in_pieces == [None]
        return
    table = read_table(str(path), rows=rows, head=True)
    assert in_pieces == [table]
    other = at_once(path, rows=rows, head=True)
    assert (table.fingerprint, table.rows, table.source) == (other.fingerprint, other.rows, other.source)
    np.testing.assert_array_equal(table.features, other.features)


@pytest.mark.parametrize("rows", [None, 12, 300])
def test_parquet_in_pieces_makes_the_table_that_it_makes_at_once(in_pieces, tmp_path, rows) -> None:
    """Numbers of several types."""
    path = tmp_path / "table.parquet"
    frame().write_parquet(path, row_group_size=50)
    table = read_table(str(path), rows=rows, head=True)
    assert in_pieces == [table]
    assert table.fingerprint == at_once(path, rows=rows, head=True).fingerprint


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("", {}),
        ("inf", {}),
        ("1e300", {}),
        ("low", {}),
        ('"low', {}),
        ("7,7", {}),  # a field too many
        ("7", {"rows": 301, "head": True}),
        ("7", {"target": "y"}),
        ("7", {"target": "z", "task": "binary"}),
    ],
)
def test_what_is_wrong_ends_in_the_same_table_or_words(in_pieces, tmp_path, cell, options) -> None:
    """The line and the value are named, as for a small file."""
    path = tmp_path / "table.csv"
    lines = frame().write_csv().splitlines()
    lines[250] = cell + lines[250][lines[250].index(",") :]
    path.write_text("\n".join(lines))
    assert outcome(read_table, path, options) == outcome(at_once, path, options)
    assert in_pieces == [None]


def outcome(read, path, options):
    """Return the fingerprint of a table, or why there is none."""
    try:
        return read(str(path), **options).fingerprint
    except InputError as error:
        return str(error)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["1"] * 298 + ["many", ""], {"missing": ["", "many"]}),
        (["1"] * 150 + ["many"] * 150, {"categorical": ["count"]}),
    ],
    ids=["missing", "levels"],
)
def test_texts_and_missing_values_far_down_are_read_at_once(in_pieces, tmp_path, words, options) -> None:
    """To the same table, whichever way the file began to be read."""
    path = tmp_path / "table.csv"
    frame().with_columns(pl.Series("count", words)).write_csv(path)
    assert outcome(read_table, path, options) == outcome(at_once, path, options)
    assert set(in_pieces) == {None}


def test_a_first_column_of_zeros_and_ones_is_the_target_only_if_all_of_it_is(in_pieces, tmp_path) -> None:
    """Without a header, its first rows may mislead."""
    path = tmp_path / "table.csv"
    values = np.column_stack([np.arange(ROWS) % 2, np.linspace(0.5, 1.5, ROWS)])
    np.savetxt(path, values, delimiter=",")
    assert read_table(str(path)).target_name == "column_0"
    values[-1, 0] = 2
    np.savetxt(path, values, delimiter=",")
    with pytest.raises(InputError, match="`target` must name the target column"):
        read_table(str(path))
