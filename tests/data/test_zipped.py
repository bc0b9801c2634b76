"""A table in a zip archive is read as it would be without; which one, how it is packed and how large it is are checked."""

from __future__ import annotations

import gzip
import zipfile

import pytest
from tests.refusals import refusal

from justright.data.read_options import ReadOptions
from justright.data.readers import inflate
from justright.data.readers.zipped import looks_like_zip, read_zip

TABLE = b"x;y\n1,5;0\n2,5;1\n"
COLUMNS = {"x": ["1,5", "2,5"], "y": [0, 1]}


@pytest.fixture
def zipped(tmp_path):
    """Return the path of an archive of files that are given by name and content."""

    def make(files, method=zipfile.ZIP_DEFLATED):
        path = tmp_path / "t.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return make


def message(path, **options):
    """Return the error message of reading an archive."""
    return refusal(read_zip, path, "'t.zip'", ReadOptions(**options))


ARCHIVES = {
    "a table alone": ({"t.csv": TABLE}, "t.csv"),
    "of any name": ({"t": TABLE}, "t"),
    "in a folder": ({"a/": b"", "a/t.data": TABLE}, "a/t.data"),
    "beside what is no table": ({"Index": b"1", "t.data": TABLE, "t.names": b"2", "readme.txt": b"3"}, "t.data"),
    "beside what a Mac adds": ({"t.csv": TABLE, "__MACOSX/._t.csv": b"\0\5", ".DS_Store": b"\0"}, "t.csv"),
    "as text": ({"t.txt": TABLE, "licence": b"1"}, "t.txt"),
    "packed again": ({"t.csv.gz": gzip.compress(TABLE)}, "t.csv.gz"),
    "as JSON": ({"t.json": b'[{"x": "1,5", "y": 0}, {"x": "2,5", "y": 1}]'}, "t.json"),
    "as ARFF": ({"t.arff": b"@relation r\n@attribute x string\n@attribute y real\n@data\n'1,5',0\n'2,5',1\n"}, "t.arff"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARCHIVES)
def test_the_table_in_an_archive_is_read(zipped, name):
    """And it is said which file that is."""
    files, member = ARCHIVES[name]
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raw = read_zip(zipped(files, method), "'t.zip'", ReadOptions())
        assert raw.frame.to_dict(as_series=False) == COLUMNS
        assert raw.notes[0] == f"The table is {member!r} in a zip archive."


def test_one_of_several_tables_is_chosen_by_its_name(zipped):
    """In full or without its folder."""
    path = zipped({"a/red.csv": b"x,y\n1,2\n", "a/white.csv": TABLE})
    assert message(path) == (
        "'t.zip': a zip archive must hold one table; it holds 'a/red.csv', 'a/white.csv'. "
        "Choose one with `sheet` (--sheet NAME), or unpack it."
    )
    for sheet in ("white.csv", "a/white.csv"):
        raw = read_zip(path, "'t.zip'", ReadOptions(sheet=sheet))
        assert raw.frame.to_dict(as_series=False) == COLUMNS
    assert message(path, sheet="a/whit.csv") == (
        "'t.zip': `sheet` must name a file in the archive; got 'a/whit.csv'. Did you mean 'a/white.csv'? "
        "Files: 'a/red.csv', 'a/white.csv'."
    )


def test_a_table_in_an_archive_that_cannot_be_read_is_named(zipped):
    """With archive and file."""
    assert message(zipped({"t.csv": b"a,b\n1,2\n3\n"})) == (
        "'t.zip', 't.csv': every line must have 2 fields as line 1 has; line 3 has 1. Correct that line."
    )
    assert message(zipped({})) == (
        "'t.zip': a zip archive must hold one table; it holds no file. Choose one with `sheet` (--sheet NAME), or unpack it."
    )


def test_an_archive_stops_at_the_limit(zipped, monkeypatch):
    """Whatever it declares."""
    monkeypatch.setattr(inflate, "MAX_TABLE_BYTES", 10_000)
    assert message(zipped({"t.csv": b"1,2\n" * 100_000})) == (
        "'t.zip': a table must take at most 10,000 bytes once decompressed; it takes more. "
        "Split it, or save it as Parquet and ask for fewer `rows`."
    )


def test_an_archive_that_cannot_be_unpacked_is_refused(zipped):
    """Another compression, a password, damage."""
    assert message(zipped({"t.csv": TABLE}, zipfile.ZIP_LZMA)) == (
        "'t.zip': 't.csv' must be stored or deflated; it is compressed in another way. Unpack it first."
    )
    path = zipped({"t.csv": TABLE})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    assert message(path) == "'t.zip': a zip archive must not be encrypted; 't.csv' is. Unpack it first."
    path = zipped({"t.csv": TABLE}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"2,5", b"2,6"))
    assert message(path) == (
        "'t.zip': a readable zip archive was expected; \"Bad CRC-32 for file 't.csv'\". Write or download it again."
    )


def test_arrays_and_workbooks_are_no_archives_of_tables(zipped):
    """They begin as one."""
    for name, expected in (
        ("X.npy", False),
        ("[Content_Types].xml", False),
        ("_rels/.rels", False),
        ("t.csv", True),
    ):
        assert looks_like_zip(zipped({name: b"1"}).read_bytes()) is expected
