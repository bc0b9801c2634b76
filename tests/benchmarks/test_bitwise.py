"""Two study folders are compared bit by bit: what is the same is said to be, and every change is found."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import bitwise

FIXTURE = Path(__file__).parents[1] / "fixtures" / "study-version-1"


def study_folder(path: Path, *statements: str) -> Path:
    """Return a folder with the database of the first version's fixture, changed by some statements."""
    path.mkdir()
    with closing(sqlite3.connect(path / "study.db")) as database, database:
        database.executescript((FIXTURE / "study.sql").read_text())
        for statement in statements:
            assert database.execute(statement).rowcount > 0
    return path


def compare(monkeypatch, capsys, *folders: Path) -> tuple[int, list[str]]:
    """Return the program's exit code and the lines it printed."""
    monkeypatch.setattr(sys, "argv", ["bitwise", *map(str, folders)])
    code = bitwise.main()
    return code, capsys.readouterr().out.splitlines()


def test_the_same_study_is_identical(tmp_path, monkeypatch, capsys) -> None:
    """Other times, workers and paths are not another result; nothing is written into either folder."""
    other = "UPDATE runs SET train_seconds = 99, worker = 'cpu:7', model_path = 'elsewhere'"
    folders = study_folder(tmp_path / "a"), study_folder(tmp_path / "b", other)
    with closing(sqlite3.connect(folders[0] / "study.db")) as database:
        runs, epochs, losses, reference = (
            database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("runs", "epochs", "row_losses", "reference")
        )
    assert min(runs, epochs, losses) > 0
    before = [path.read_bytes() for path in sorted(tmp_path.rglob("*.db"))]
    said = f"identical: {runs} runs, {epochs} epochs, {losses + reference} row losses"
    assert compare(monkeypatch, capsys, *folders) == (0, [said])
    assert [path.read_bytes() for path in sorted(tmp_path.rglob("*.*"))] == before


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE epochs SET loss = loss * (1 + 1e-15) WHERE run = 1 AND epoch = 1", "epoch 1: loss "),
        ("UPDATE epochs SET loss = NULL WHERE run = 1 AND epoch = 1", " and None"),
        ("DELETE FROM epochs WHERE run = 1 AND epoch = 1", "epoch 1: only in the first folder"),
        ("UPDATE runs SET best_epoch = best_epoch + 1 WHERE id = 1", "best_epoch "),
        ("UPDATE runs SET outcome = 'failed' WHERE id = 1", "outcome 'finished' and 'failed'"),
        ("UPDATE runs SET test = '{\"loss\": 0.25}' WHERE id = 1", "test loss "),
        (
            "UPDATE row_losses SET losses = CAST(x'00000000' || substr(losses, 5) AS BLOB) WHERE run = 1",
            "losses differ in ",
        ),
    ],
)
def test_a_change_is_found_and_named(tmp_path, monkeypatch, capsys, statement, words) -> None:
    """One bit of one metric, one missing epoch, one row: each with the run it belongs to."""
    folders = study_folder(tmp_path / "a"), study_folder(tmp_path / "b", statement)
    code, lines = compare(monkeypatch, capsys, *folders)
    assert code == 1
    assert words in lines[0]
    assert ", seed " in lines[0]
    assert lines[-1].startswith("differences: ")


def test_the_first_differences_are_shown_and_all_are_counted(tmp_path, monkeypatch, capsys) -> None:
    """A study that differs everywhere does not fill the screen."""
    folders = (
        study_folder(tmp_path / "a"),
        study_folder(tmp_path / "b", "UPDATE epochs SET loss = loss + 1, val_loss = 9"),
    )
    code, lines = compare(monkeypatch, capsys, *folders)
    with closing(sqlite3.connect(folders[0] / "study.db")) as database:
        epochs = database.execute("SELECT count(*) FROM epochs").fetchone()[0]
    assert code == 1
    assert len(lines) == bitwise.SHOWN + 2
    assert lines[-2:] == [f"... and {2 * epochs - bitwise.SHOWN} more", f"differences: {2 * epochs}"]


def test_what_sqlite_has_not_yet_merged_is_compared_too(tmp_path, monkeypatch, capsys) -> None:
    """A study that was killed leaves its last epochs in the write-ahead log."""
    first, second = study_folder(tmp_path / "a"), study_folder(tmp_path / "b")
    with closing(sqlite3.connect(second / "study.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("UPDATE epochs SET loss = loss + 1 WHERE run = 1 AND epoch = 1")
        database.commit()
        assert (second / "study.db-wal").stat().st_size > 0
        code, lines = compare(monkeypatch, capsys, first, second)
    assert (code, lines[-1]) == (1, "differences: 1")


def test_a_folder_without_a_study_is_refused(tmp_path) -> None:
    """In one sentence, with its name."""
    with pytest.raises(SystemExit, match=r"^A study folder holds study\.db; .* does not\.$"):
        bitwise.Measured.read(tmp_path)
