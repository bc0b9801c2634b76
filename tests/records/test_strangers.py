"""Study folders from somebody else: whatever lies in them, each command ends in one sentence and touches nothing outside.

Each folder is a healthy one with one thing changed. An alarm is the failing condition of what would never end.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import justright as jr
from justright.cli.main import main
from justright.data.read import read_table
from justright.data.readers.databases import guarded_connection as connection
from justright.errors import FolderError, InputError, JustrightError
from justright.records import reader
from justright.records.entries import open_regular
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.records.rebuild import open_store
from justright.records.store import Store
from justright.study.spec import read_spec, split_from_spec, study_from_dict

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links and pipes as POSIX has them")

VERSION_1 = Path(__file__).parents[1] / "fixtures" / "study-version-1"
SECONDS = 20  # for what takes a tenth of one
EVENTS = "tensorboard/Tiny/seed-0/train/events.out.tfevents.0000000000.justright.v2"
FILES = (
    "study.toml",
    "plan.json",
    "lock",
    "result.json",
    "report.html",
    "checkpoints/a",
    EVENTS,
    "models/Tiny/seed-0.keras",
)
SECRET = "mine\n"

Change = Callable[[Path, Path], None]


@pytest.fixture(autouse=True)
def _alarm() -> Iterator[None]:
    """Fail what does not end."""

    def ring(*_: object) -> None:
        pytest.fail(f"It did not end within {SECONDS} s.")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def study() -> jr.Study:
    """The healthy folder's study."""
    values = read_spec(VERSION_1 / "study.toml")
    return study_from_dict(values, split_from_spec(read_table(VERSION_1 / "table.csv"), values))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A healthy folder."""
    path = tmp_path / "study"
    for name in FILES:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    shutil.copy(VERSION_1 / "study.toml", path)
    with closing(sqlite3.connect(path / "study.db")) as database:
        database.executescript((VERSION_1 / "study.sql").read_text())
    return path


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder outside, with one file."""
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text(SECRET)
    return tmp_path / "victim"


def link(name: str, to: str = "file") -> Change:
    """A link in the place of an entry."""

    def change(folder: Path, victim: Path) -> None:
        place = folder / name
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        place.symlink_to(victim / to)

    return change


def pipe(name: str) -> Change:
    """A pipe in the place of a file."""

    def change(folder: Path, victim: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return change


def hard_link(name: str) -> Change:
    """A second name of a file outside."""

    def change(folder: Path, victim: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).hardlink_to(victim / "file")

    return change


def journal(folder: Path, victim: Path) -> None:
    """A rollback journal that names a file: SQLite deletes that once it has rolled back (pager.c, pager_delsuper)."""
    magic, sector, page = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 512, 4096
    pages = (folder / "study.db").stat().st_size // page
    start = magic + struct.pack(">5I", 0, 0, pages, sector, page)
    name = str(victim / "file").encode()
    end = struct.pack(">I", 2**30 // page + 1) + name + struct.pack(">2I", len(name), sum(name)) + magic
    (folder / "study.db-journal").write_bytes(start.ljust(sector, b"\0") + end)


def sql(script: str) -> Change:
    """Statements that change the database."""

    def change(folder: Path, victim: Path) -> None:
        with closing(sqlite3.connect(folder / "study.db")) as database:
            database.executescript(script)

    return change


def rewritten(table: str, old: str, new: str) -> str:
    """The statements that edit the SQL text of a table in the schema itself."""
    return (
        "PRAGMA writable_schema = ON;"
        f"UPDATE sqlite_schema SET sql = replace(sql, '{old}', '{new}') WHERE name = '{table}';"
    )


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, x, x, x FROM n"
# name -> (what is changed, what the sentence says, how the file in it is named). First what the file system holds.
ENTRIES: dict[str, tuple[Change, str]] = {
    **{f"{name} is a link": (link(name), f"{name!r} in {{folder!r}} is a link") for name in FILES},
    **{f"{name} is a pipe": (pipe(name), f"{name!r} in {{folder!r}} is neither") for name in FILES},
    **{
        f"{name} leads out": (link(name, "."), f"{name!r} in {{folder!r}} is a link")
        for name in ("checkpoints", "tensorboard", "models", "tensorboard/Tiny", "models/Tiny")
    },
    **{
        f"{name} leads nowhere": (link(name, "gone"), f"{name!r} in {{folder!r}} is a link")
        for name in ("lock", "study.db-wal", "study.db.damaged-1", "checkpoints/b", "owner.json", "models")
    },
    **{
        f"{name} is a pipe": (pipe(name), f"{name!r} in {{folder!r}} is neither")
        for name in ("study.db", "study.db-wal", "study.db-shm", "study.db-journal", "owner.json")
    },
    "the database is a link": (link("study.db"), "'study.db' in {folder!r} is a link"),
    "readers change a hard link": (
        hard_link("study.db-shm"),
        "'study.db-shm' in {folder!r} has 2 (hard links)",
    ),
    "a journal": (journal, "'study.db-journal' in {folder!r} names another file"),
}
# And what its database holds.
SCHEMAS: dict[str, tuple[Change, str]] = {
    "a view": (sql("CREATE VIEW v AS SELECT 1"), "its view 'v' is different"),
    "an endless view as a table": (
        sql(f"DROP TABLE events; CREATE VIEW events (id, time, kind, text) AS {ENDLESS}"),
        "its view 'events' is different",
    ),
    "a trigger": (
        sql("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM runs; END"),
        "its trigger 't' is different",
    ),
    "an endless trigger": (
        sql(f"CREATE TRIGGER t AFTER INSERT ON events BEGIN INSERT INTO events {ENDLESS}; END"),
        "its trigger 't' is different",
    ),
    "another table": (sql("CREATE TABLE extra (x)"), "its table 'extra' is different"),
    "another index": (sql("CREATE INDEX i ON runs (abs(seed))"), "its index 'i' is different"),
    "statistics": (sql("ANALYZE"), "its table 'sqlite_stat1' is different"),
    "a virtual table": (
        sql("DROP TABLE events; CREATE VIRTUAL TABLE events USING fts4 (time, kind, text)"),
        "its table 'events' is different",
    ),
    "a computed column": (
        sql("ALTER TABLE epochs ADD COLUMN bomb REAL AS (hex(zeroblob(1e9)))"),
        "its table 'epochs' is different",
    ),
    "a computed default": (
        sql(rewritten("events", "kind TEXT NOT NULL", "kind TEXT NOT NULL DEFAULT (hex(zeroblob(1e9)))")),
        "its table 'events' is different",
    ),
    "a computed check": (
        sql(rewritten("meta", "value TEXT NOT NULL", "value TEXT NOT NULL CHECK (hex(zeroblob(1e9)))")),
        "its table 'meta' is different",
    ),
    "another text": (
        sql(rewritten("runs", "seed INTEGER", "seed BLOB")),
        "its table 'runs' is different",
    ),
}
STRANGE = ENTRIES | SCHEMAS


def contents(folder: Path) -> dict[str, object]:
    """Everything in a folder: the bytes of files, where links lead."""
    return {
        str(path.relative_to(folder)): os.readlink(path)  # noqa: PTH115
        if path.is_symlink()
        else (path.read_bytes() if path.is_file() else path.stat().st_mode)
        for path in folder.rglob("*")
    }


def said_by(action: Callable[[], object]) -> str:
    """The message of the package's own error that an action ends in."""
    with pytest.raises(JustrightError) as caught:
        action()
    return str(caught.value)


def said_by_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command that exits with 2 says: one line."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    return said.err


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_folder_is_refused_in_a_sentence_and_nothing_is_touched(
    name: str, folder: Path, victim: Path, study: jr.Study, capsys: pytest.CaptureFixture[str]
) -> None:
    """By `show`, `report`, `run`, and the library behind them."""
    change, sentence = STRANGE[name]
    change(folder, victim)
    before, outside = contents(folder), (victim / "file").stat().st_mtime_ns
    expected = sentence.format(folder=str(folder))
    for message in (
        said_by(lambda: jr.open_result(folder)),
        said_by(lambda: jr.run_study(study, folder)),
        said_by_command(["show", str(folder)], capsys),
        said_by_command(["report", str(folder)], capsys),
        said_by_command(["compare", str(folder), str(victim)], capsys),
        said_by_command(["run", "--out", str(folder), "--trust", "--quiet"], capsys)
        if name in ENTRIES
        # else its table is read first
        else expected,
    ):
        assert expected in message
    assert contents(folder) == before
    assert contents(victim) == {"file": SECRET.encode()}
    assert (victim / "file").stat().st_mtime_ns == outside


def test_the_healthy_folder_opens(folder: Path) -> None:
    """So that each refusal above is due to its one change."""
    assert jr.open_result(folder).curves.height == 8
    with StudyFolder.open(folder, "resume") as place:
        store, rebuilt = open_store(place)
        with store:
            assert (len(store.runs()), rebuilt) == (4, None)


@pytest.mark.parametrize("name", ["lock", "study.db"])
def test_a_hard_link_is_read_but_not_written(
    name: str, folder: Path, tmp_path: Path, study: jr.Study
) -> None:
    """A snapshot made of hard links is shown; running in it would change the original."""
    (tmp_path / "other").hardlink_to(folder / name)
    jr.open_result(folder)
    assert said_by(lambda: jr.run_study(study, folder)) == (
        f"A file that a study changes in place must have one name; {name!r} in {str(folder)!r} has 2 (hard links). "
        "Put a copy of it in its place."
    )


def test_the_folder_itself_may_be_a_link_and_hold_hidden_ones(folder: Path, tmp_path: Path) -> None:
    """The path to it is the user's own, and an editor's hidden files are nobody's."""
    (tmp_path / "here").symlink_to(folder)
    (folder / ".#study.toml").symlink_to("somebody@host.123")
    assert jr.open_result(tmp_path / "here").curves.height == 8


def test_the_sentence_about_a_link_says_what_to_do(folder: Path, victim: Path) -> None:
    """For somebody who put the checkpoints on another disk."""
    link("checkpoints", ".")(folder, victim)
    assert said_by(lambda: jr.open_result(folder)) == (
        f"A study folder must hold files and folders only; 'checkpoints' in {str(folder)!r} is a link. "
        "Put a copy of what it leads to in its place; the folder as a whole may be a link."
    )


def test_a_table_that_is_gone_is_damage_and_is_made_again(folder: Path) -> None:
    """Unlike one that was added: what is left can be recovered."""
    sql("DROP TABLE events")(folder, folder)
    assert said_by(lambda: jr.open_result(folder)) == (
        f"The database {str(folder / 'study.db')!r} is damaged (table 'events' is gone). "
        "Run the study again: what can be read is recovered."
    )
    with StudyFolder.open(folder, "resume") as place:
        open_store(place)[0].close()
    assert jr.open_result(folder).curves.height == 8


LIMITED = {
    "curves of more than 100 numbers": (
        "INSERT INTO epochs (run, epoch) WITH RECURSIVE n(x) AS (SELECT 9 UNION ALL SELECT x + 1 FROM n LIMIT 200)"
        " SELECT 1, x FROM n"
    ),
    "an answer of more than 50,000 bytes": (
        "INSERT INTO runs (variant, seed, train_rows) WITH RECURSIVE n(x) AS (SELECT 9 UNION ALL SELECT x + 1 FROM n"
        " LIMIT 1000) SELECT 'Tiny', x, 9 FROM n"
    ),
    "an answer of more than 60,000 bytes": "UPDATE meta SET value = '\"' || hex(zeroblob(40000)) || '\"'",
}


@pytest.mark.parametrize("what", LIMITED)
def test_more_than_fits_in_memory_is_refused(
    what: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With limits lowered, so that a small database exceeds them; the healthy one does not."""
    monkeypatch.setattr(reader, "MAX_CURVE_NUMBERS", 100)
    monkeypatch.setattr(reader, "BLOCK_ROWS", 10)
    monkeypatch.setattr(reader, "MAX_JSON_BYTES", 60_000)
    monkeypatch.setattr(reader.StoreReader._each, "__kwdefaults__", {"most_bytes": 50_000})
    monkeypatch.setattr(reader, "MAX_RESULT_BYTES", 50_000)
    sql(LIMITED[what])(folder, folder)
    assert said_by(lambda: jr.open_result(folder)) == (
        f"The database {str(folder / 'study.db')!r} must fit in memory; it holds {what}. "
        "No study writes that: take the folder from its source again."
    )


def test_row_losses_have_a_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run's losses are in memory together."""
    monkeypatch.setattr(reader, "MAX_LOSS_BYTES", 10_000)
    sql("INSERT INTO row_losses SELECT id, 'test', 99, zeroblob(20000) FROM runs")(folder, folder)
    with StoreReader(StudyFolder.open(folder)) as store:
        (run, *_) = [record.run for record in store.runs()]
        assert len(store.row_losses(run, "fixed")) > 0
        with pytest.raises(FolderError, match="an answer of more than 10,000 bytes"):
            store.row_losses(run, "test")


def test_a_value_that_is_too_large_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file can claim any length; SQLite itself refuses it."""
    monkeypatch.setitem(connection.LIMITS, sqlite3.SQLITE_LIMIT_LENGTH, 100_000)
    sql("UPDATE meta SET value = zeroblob(200000)")(folder, folder)
    assert said_by(lambda: jr.open_result(folder)) == (
        f"The database {str(folder / 'study.db')!r} holds what no study writes (one of its values is too large). "
        "Take the folder from its source again."
    )


def test_a_question_without_end_is_interrupted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All questions of a reader share one allowance; what training asks has a new one each time."""
    monkeypatch.setattr(connection, "BASE_SECONDS", 0.2)
    with StoreReader(StudyFolder.open(folder)) as store:
        assert said_by(lambda: store._rows(f"SELECT count(*) FROM ({ENDLESS})")) == (
            f"The database {str(folder / 'study.db')!r} holds what no study writes (it takes too long to read). "
            "Take the folder from its source again."
        )
        assert store._connection.execute("SELECT 1").fetchone() == (1,)


def test_what_is_opened_is_looked_at_again(tmp_path: Path) -> None:
    """Between the check and the opening somebody may change the folder."""
    (tmp_path / "file").write_text(SECRET)
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "second").hardlink_to(tmp_path / "file")
    for name, mode in (("link", "rb"), ("pipe", "rb"), ("second", "ab")):
        with pytest.raises(OSError), open(tmp_path / name, mode, opener=open_regular):  # noqa: PT011  # the system's words
            pass
    with open(tmp_path / "second", "rb", opener=open_regular) as file:
        assert file.read() == SECRET.encode()


@pytest.mark.parametrize(
    ("key", "place"), [("source", "http://127.0.0.1:9/a.csv"), ("location", "{victim}/file")]
)
def test_a_table_that_a_stranger_named_is_not_opened(
    key: str, place: str, folder: Path, victim: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither an address nor a file; what is named is said."""
    named = place.format(victim=victim)
    text = (folder / "study.toml").read_text()
    source = f'{key} = "{named}"' if key == "source" else f'source = "higgs"\nlocation = "{named}"'
    (folder / "study.toml").write_text(text.replace('source = "table.csv"', source))
    before = contents(folder)
    said = said_by_command(["run", "--out", str(folder), "--quiet"], capsys)
    assert said == (
        f"justright: A study folder may open only what you have named yourself, or trust; {str(folder)!r} would open "
        f"{named!r}. Add --trust if you know where the folder comes from, or name the table as SOURCE.\n"
    )
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("study.toml is a pipe", ["show"]),
        ("an endless view as a table", ["report"]),
        ("lock is a link", ["run", "--trust", "--quiet", "--out"]),
    ],
)
def test_the_commands_themselves_end(name: str, arguments: list[str], folder: Path, victim: Path) -> None:
    """In a process of their own, as users have them."""
    STRANGE[name][0](folder, victim)
    done = subprocess.run(
        [sys.executable, "-m", "justright", *arguments, str(folder)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert STRANGE[name][1].format(folder=str(folder)) in done.stderr
    assert (victim / "file").read_text() == SECRET


def test_a_pipe_as_a_users_own_study_file_is_not_our_business(tmp_path: Path) -> None:
    """`--study FILE.toml` is the user's word: a file that is not there is named."""
    with pytest.raises(InputError, match=r"is not: No such file or directory\. Give another path"):
        read_spec(tmp_path / "gone.toml")


def test_a_journal_that_names_no_file_is_rolled_back(folder: Path) -> None:
    """A kill while the database is made leaves such a one: the same command must go on."""
    database = folder / "study.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = DELETE")
        writer.execute("PRAGMA cache_size = 1")  # so that the file changes before the commit
        writer.execute("BEGIN")
        writer.execute("UPDATE meta SET value = 'half written'")
        writer.execute(
            "INSERT INTO events (time, kind, text) SELECT 'now', 'x', hex(zeroblob(9000)) FROM epochs"
        )
        left, half = (folder / "study.db-journal").read_bytes(), database.read_bytes()
        writer.execute("ROLLBACK")
    whole = database.read_bytes()
    database.write_bytes(half)
    (folder / "study.db-journal").write_bytes(left)
    with StudyFolder.open(folder, "resume") as opened, Store(opened) as store:
        assert not any(note.kind == "x" for note in store.notes())
        assert store.runs()
    assert half != whole


def test_the_journal_above_deletes_a_file_where_it_is_not_refused(folder: Path, victim: Path) -> None:
    """So that the refusal is known to be needed."""
    journal(folder, victim)
    with closing(sqlite3.connect(folder / "study.db")) as database:
        database.execute("SELECT count(*) FROM runs").fetchone()
    assert contents(victim) == {}
