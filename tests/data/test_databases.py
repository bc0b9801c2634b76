"""Databases answer with a table or one sentence: files whoever made them, servers without their password in any text."""

from __future__ import annotations

import importlib.util
import sqlite3
from contextlib import closing, suppress

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.cli.run import default_folder
from justright.data.read import read_file, read_table
from justright.data.read_options import READ_ALL, ReadOptions
from justright.data.readers.databases import guarded_connection, server, sqlite_file
from justright.data.readers.databases.server import read_server
from justright.data.sources import without_password
from justright.errors import InputError
from justright.session.trust import followed


def write_database(path, *statements):
    """Write a database with a table `t`, and what the statements make."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x INTEGER, kind TEXT, mixed, label REAL)")
        rows = [(row, f"k{row % 3}", "word" if row == 1 else row, row % 2) for row in range(2_500)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def read(path, **options):
    """Return the table read from a file."""
    return read_file(path, "'t'", ReadOptions(**options))


@pytest.mark.parametrize("name", ["t.db", "t.bin"])
def test_the_only_table_of_a_file_is_read(tmp_path, name):
    """By any name, over several blocks, and each value as what it is."""
    raw = read(write_database(tmp_path / name))
    assert raw.frame.schema == {"x": pl.Int64, "kind": pl.String, "mixed": pl.String, "label": pl.Float64}
    assert raw.frame.height == 2_500
    assert raw.frame.row(1) == (1, "k1", "word", 1.0)
    assert read(tmp_path / name, rows=3, head=True).frame.height == 3


def test_one_of_several_tables_is_named(tmp_path):
    """Views, too, and any name."""
    path = write_database(
        tmp_path / "t.db",
        'CREATE TABLE "a ""b" (z)',
        "CREATE VIEW v AS SELECT x + 1 AS y FROM t",
        'INSERT INTO "a ""b" VALUES (7)',
    )
    assert read(path, sheet="v").frame["y"].to_list()[:2] == [1, 2]
    assert read(path, sheet='a "b').frame.to_dicts() == [{"z": 7}]
    tables = "Tables: 'a \"b', 't', 'v'."
    assert (
        refusal(read, path)
        == f"'t': `sheet` must name the table of the database that is meant; there are several. {tables}"
    )
    assert refusal(read, path, sheet="tt") == (
        f"'t': `sheet` must name the table of the database that is meant; got 'tt'. Did you mean 't'? {tables}"
    )


def test_a_query_is_answered(tmp_path):
    """Also with no rows."""
    path = write_database(tmp_path / "t.db")
    assert read(path, query="SELECT kind, count(*) AS n FROM t GROUP BY kind").frame.rows() == [
        ("k0", 834),
        ("k1", 833),
        ("k2", 833),
    ]
    assert read(path, query="SELECT x, kind FROM t WHERE 0").frame.shape == (0, 2)


@pytest.mark.parametrize(
    "query",
    [
        "ATTACH 'other.db' AS other",
        "DELETE FROM t RETURNING x",
        "PRAGMA user_version",
        "CREATE TABLE u (x)",
        "SELECT load_extension('x')",
        "VACUUM INTO 'copy.db'",
    ],
)
def test_nothing_but_a_question_is_asked(tmp_path, monkeypatch, query):
    """Whatever the query says: the file is only read, and no other is opened."""
    monkeypatch.chdir(tmp_path)
    path = write_database(tmp_path / "t.db")
    before = path.read_bytes()
    assert refusal(read, path, query=query).startswith(
        "'t': the database must answer with a table; it does not: "
    )
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["t.db"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELEC", 'near "SELEC": syntax error'),
        ("SELECT 1; SELECT 2", "You can only execute one statement at a time"),
        ("SELECT zeroblob(2000000) AS b, 1 AS x", "string or blob too big"),
    ],
)
def test_what_cannot_be_answered_is_said_in_the_words_of_sqlite(tmp_path, query, reason):
    """Ended like any sentence."""
    assert refusal(read, write_database(tmp_path / "t.db"), query=query) == (
        f"'t': the database must answer with a table; it does not: {reason}. "
        "Copy the database with its own program, or correct `query`."
    )


def test_two_columns_of_one_name_are_refused(tmp_path):
    """As a join may answer."""
    assert refusal(read, write_database(tmp_path / "t.db"), query="SELECT x, x FROM t") == (
        "'t': Every column name must be unique; 'x' is number 0 and 1 (from 0). Rename one of them."
    )


def test_a_name_that_is_not_text_is_refused(tmp_path):
    """Found by `benchmarks.fuzz`: SQLite's own messages hold such a name, too."""
    path = write_database(tmp_path / "t.db")
    path.write_bytes(path.read_bytes().replace(b"label REAL", b"labe\x80 REAL"))
    assert refusal(read, path) == (
        "'t': the database must answer with a table; it does not: its names are damaged. "
        "Copy the database with its own program, or correct `query`."
    )


ENDLESS = (
    "CREATE VIEW e AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n, n AS m FROM r"
)


def test_a_view_without_an_end_stops(tmp_path, monkeypatch):
    """By time, or by memory."""
    path = write_database(tmp_path / "t.db", ENDLESS)
    monkeypatch.setattr(sqlite_file, "MAX_TABLE_BYTES", 100_000)
    assert refusal(read, path, sheet="e") == (
        "'t': a table must take at most 100,000 bytes in memory; it takes more. Ask for fewer rows in `query`."
    )
    monkeypatch.setattr(guarded_connection, "BASE_SECONDS", 0.05)
    assert refusal(read, path, query="SELECT max(n), 1 AS x FROM e") == (
        "'t': the database must answer with a table; it does not: it takes too long. Export the table as CSV or Parquet."
    )


def test_rows_in_the_log_of_another_program_are_mentioned(tmp_path):
    """An open database in WAL mode: what is not in the file yet cannot be read without writing to its folder."""
    path = write_database(tmp_path / "t.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("INSERT INTO t VALUES (9, 'k', 1, 1)")
        connection.commit()
        raw = read(path)
    assert raw.frame.height == 2_500
    assert raw.notes == (
        "Rows that its programs have not written to the file itself yet, but to its -wal file, are not read.",
    )


GOOD = {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.floats(0, 1), value=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_database_is_a_table_or_one_sentence(tmp_path, place, value, cut):
    """One byte changed, or the end cut off, anywhere in a good file."""
    path = tmp_path / "t.db"
    if not GOOD:
        GOOD["bytes"] = write_database(tmp_path / "good.db").read_bytes()[: 3 * 4096]
    content = bytearray(GOOD["bytes"])
    index = min(int(place * len(content)), len(content) - 1)
    content[index] = value
    path.write_bytes(content[:index] if cut else content)
    with suppress(InputError):
        read_file(path, "'t'", READ_ALL)


SECRET = "postgresql://me:se:cr@et@localhost/db?sslmode=disable&sslpassword=se:cr@et"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (SECRET, "postgresql://me@localhost/db?sslmode=disable"),
        ("mysql://me@h/db", "mysql://me@h/db"),
        ("mysql://h/db?password=x", "mysql://h/db"),
        ("data/a:b@c.csv", "data/a:b@c.csv"),
        ("https://me:se@h/a.csv", "https://me:se@h/a.csv"),
        ("ftp://me:se@h/a.csv", "ftp://me@h/a.csv"),
    ],
)
def test_passwords_are_taken_out_of_addresses(address, shown):
    """Wherever they stand; of the web, an address is read again as it is."""
    assert without_password(address) == shown


def test_a_server_is_asked_and_its_password_is_kept_nowhere(monkeypatch):
    """Neither in the table's source nor in a message; the environment may bring it again."""
    asked = []

    def answer(query, address, *, engine):
        asked.append((query, address, engine))
        if "fail" in query:
            raise RuntimeError(f"no way to {address}.\nmore")
        return pl.DataFrame({"x": [1.0, 2.0, 3.0], "label": [0, 1, 0]})

    monkeypatch.setattr(pl, "read_database_uri", answer)
    table = read_table(SECRET, query="SELECT 1")
    assert (table.rows, table.source.source) == (3, "postgresql://me@localhost/db?sslmode=disable")
    monkeypatch.setenv(server.PASSWORD_VARIABLE, "p@ss")
    assert refusal(read_table, table.source.source, query="fail") == (
        "'postgresql://me@localhost/db?sslmode=disable': the database must answer with a table; it does not: no way to "
        "postgresql://me@localhost/db?sslmode=disable. Check address, password ($JUSTRIGHT_DATABASE_PASSWORD if the address has "
        "none) and `query`."
    )
    assert asked == [
        ("SELECT 1", SECRET, "connectorx"),
        ("fail", "postgresql://me:p%40ss@localhost/db?sslmode=disable", "connectorx"),
    ]
    assert default_folder("mysql://h/db?password=secret", None).as_posix() == "runs/db-quick"


def test_the_real_driver_reads_a_database(tmp_path):
    """connectorx, by the one kind of database that needs no server."""
    pytest.importorskip("connectorx")
    path = write_database(tmp_path / "t.db")
    raw = read_server(f"sqlite://{path}", ReadOptions(query="SELECT x, kind FROM t", rows=2, head=True))
    assert raw.frame.rows() == [(0, "k0"), (1, "k1")]
    with pytest.raises(InputError, match=r"it does not: .*no such table: absent"):
        read_server(f"sqlite://{path}", ReadOptions(query="SELECT * FROM absent"))


def test_a_server_needs_a_query_and_two_packages(monkeypatch):
    """Said before anything is asked."""
    assert refusal(read_table, "mysql://me:secret@h/db") == (
        "'mysql://me@h/db': `query` must ask the database for a table; got none. Pass it as SQL that selects what is needed."
    )
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert refusal(read_table, "mysql://me:secret@h/db", query="SELECT 1") == (
        "'mysql://me@h/db': databases are read by the packages connectorx and pyarrow; connectorx and pyarrow cannot be found. "
        "Run `pip install 'justright[database]'`, or export the table as Parquet."
    )


def test_databases_that_are_files_are_named_by_their_path():
    """As SQLite's are, without an address."""
    assert refusal(read_table, "duckdb:///a.db") == (
        "A database that is one file must be named by its path; got 'duckdb:///a.db'. Give an SQLite file as it is; write tables "
        "of DuckDB as Parquet, by its command COPY."
    )


def test_a_folder_names_address_and_query_for_trust():
    """A query may change what is in a database, so that trusting an address alone would say too little."""
    study = {"table": {"source": "postgresql://h/db", "query": "DELETE FROM t", "test": {"source": "/b.csv"}}}
    assert followed(study) == ["postgresql://h/db asked 'DELETE FROM t'", "/b.csv"]
