"""The database's version: old ones are migrated, newer and foreign ones refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.refusals import refusal

from justright.errors import FolderError
from justright.records import schema
from justright.records.folder import StudyFolder
from justright.records.reader import CheckpointRecord, StoreReader
from justright.records.schema import MIGRATIONS, TABLES, open_for_reading, open_for_writing
from justright.records.store import Store
from justright.runs.events import RunKey

VERSION_1 = Path(__file__).parent / "fixtures" / "version-1.sql"


@pytest.fixture
def version_1(tmp_path) -> Path:
    """A study folder as the first released version wrote it, from the text kept in the repository."""
    path = tmp_path / "study"
    path.mkdir()
    with closing(sqlite3.connect(path / "study.db")) as connection:
        connection.executescript(VERSION_1.read_text())
    return path


def contents(path: Path) -> None:
    """Check everything the fixture holds through the reading interface."""
    with StudyFolder.open(path) as folder, StoreReader(folder) as reader:
        first, second = reader.runs()
        assert (first.run, first.outcome, first.best) == (
            RunKey("Tiny", 0, 10),
            "stopped early",
            {"loss": 0.5},
        )
        assert (second.run, second.outcome, second.epochs) == (RunKey("Tiny", 1, 10), None, 2)
        assert reader.curves(seed=1).select("epoch", "loss", "val_loss").rows() == [
            (0, 0.75, 0.875),
            (1, 0.5, 0.75),
        ]
        assert reader.curves(seed=0)["val_loss"].is_nan().to_list() == [False, True, False]
        np.testing.assert_array_equal(reader.row_losses(first.run, "test")[1], np.float32([0.25, 2.0]))
        assert reader.checkpoints() == [
            CheckpointRecord("stack-0", "checkpoints/a", 2, (RunKey("Tiny", 1, 10),))
        ]
        assert reader.get_meta("versions") == {"jax": "0.10.2"}
        assert [built.layers for built in reader.variants()] == [(("dense", "Dense", "(None, 1)", 29),)]
        np.testing.assert_equal(reader.reference(), {"boosted trees": {"test": np.float32([0.5, 1.0])}})
        assert [note.kind for note in reader.notes()] == ["run started"]


def test_a_folder_of_the_first_version_opens(version_1) -> None:
    """Read as it is, then owned and written to; nothing it holds is lost on the way."""
    contents(version_1)
    (version_1 / "checkpoints").mkdir()
    (version_1 / "checkpoints" / "a").write_bytes(b"")
    with StudyFolder.open(version_1, "resume") as folder, Store(folder) as store:
        store.set_meta("opened", [1])
    contents(version_1)


def test_the_fixture_is_what_the_first_version_wrote(tmp_path, version_1) -> None:
    """A migration once released is never edited: its tables are those in the fixture."""
    path = tmp_path / "new.db"
    with closing(open_for_writing(path)) as new, closing(sqlite3.connect(version_1 / "study.db")) as old:
        tables = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        made, kept = dict(new.execute(tables)), dict(old.execute(tables))
    assert set(made) == set(kept) == set(TABLES)
    same = set(TABLES) - {"epochs"}  # which has a column for each metric
    assert {name: made[name] for name in same} == {name: kept[name] for name in same}


def test_an_older_version_is_migrated_when_written_and_read_without_changing_it(
    version_1, monkeypatch
) -> None:
    """With a second version invented here: reading migrates a copy in memory, writing the file."""
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE extra (x); INSERT INTO extra VALUES (';');")
    )
    database = version_1 / "study.db"
    before = database.read_bytes()
    with closing(open_for_reading(database)) as reading:
        assert reading.execute("SELECT * FROM extra").fetchall() == [(";",)]
    assert database.read_bytes() == before
    contents(version_1)
    with closing(open_for_writing(database)) as writing:
        assert writing.execute("SELECT * FROM extra").fetchall() == [(";",)]
        assert writing.execute("PRAGMA user_version").fetchone() == (2,)
    contents(version_1)


def test_a_migration_that_fails_changes_nothing(version_1, monkeypatch) -> None:
    """All steps or none: the folder still opens with the version that wrote it."""
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE extra (x); CREATE TABLE extra (x);")
    )
    with pytest.raises(FolderError, match="table extra already exists"):
        open_for_writing(version_1 / "study.db")
    monkeypatch.undo()
    contents(version_1)


@pytest.mark.parametrize("open_database", [open_for_reading, open_for_writing])
def test_a_newer_version_is_refused(version_1, open_database) -> None:
    """With both versions and what to do."""
    database = version_1 / "study.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 7")
    assert refusal(open_database, database, error=FolderError) == (
        f"The database {str(database)!r} has schema version 7; this justright knows versions up to 1. "
        "Install a newer justright, or choose another folder."
    )


@pytest.mark.parametrize("open_database", [open_for_reading, open_for_writing])
def test_somebody_elses_database_is_refused(tmp_path, open_database) -> None:
    """A file called study.db need not be ours."""
    database = tmp_path / "study.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE students (name)")
    assert refusal(open_database, database, error=FolderError) == (
        f"The database {str(database)!r} was not written by justright. Choose another folder, or move the file away."
    )


def test_every_commit_is_flushed(tmp_path) -> None:
    """A write-ahead log with synchronous = FULL (2); NORMAL could lose recorded checkpoints in a power cut."""
    with closing(open_for_writing(tmp_path / "study.db")) as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "application_id", "user_version")
        values = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
    assert values == ["wal", 2, 1, 0x4A525354, len(MIGRATIONS)]
