"""A study folder that the first version wrote opens in this one, and says what differs when it is run again.

`fixtures/study-version-1` is a whole study as text, trained by version 0.1.0 on a CSV file of 60 rows: study.toml,
result.json and the database. Never edit it: a later version gets a fixture of its own beside it.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.refusals import refusal

import justright as jr
from justright.cli.main import main
from justright.data.read import read_table
from justright.errors import FolderError
from justright.session import extend
from justright.study.spec import read_spec, split_from_spec, study_from_dict

VERSION_1 = Path(__file__).parent / "fixtures" / "study-version-1"
MAX_FIXTURE_BYTES = 60_000


@pytest.fixture
def folder(tmp_path) -> Path:
    """The first version's study, as it was on a disk, with its table."""
    path = tmp_path / "study"
    path.mkdir()
    for name in ("study.toml", "result.json"):
        shutil.copy(VERSION_1 / name, path)
    with closing(sqlite3.connect(path / "study.db")) as connection:
        connection.executescript((VERSION_1 / "study.sql").read_text())
    return path


@pytest.fixture
def study():
    """The study of the fixture, from its own study.toml."""
    values = read_spec(VERSION_1 / "study.toml")
    return study_from_dict(values, split_from_spec(read_table(VERSION_1 / "table.csv"), values))


def recorded(folder):
    """Return everything the database says, as SQL."""
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        return list(connection.iterdump())


def assert_holds(new, old, where="result.json"):
    """Check that everything `old` says `new` says too; it may say more."""
    if isinstance(old, dict):
        for key, value in old.items():
            assert key in new, f"{where}: {key} is gone"
            assert_holds(new[key], value, f"{where}: {key}")
    elif isinstance(old, list):
        assert len(new) == len(old), where
        for index, (mine, theirs) in enumerate(zip(new, old, strict=True)):
            assert_holds(mine, theirs, f"{where}[{index}]")
    else:
        assert new == old, where


def test_result_opens_with_everything_it_said(folder):
    """Verdicts, curves and numbers are those that result.json held."""
    result = jr.open_result(folder)
    assert_holds(result.result, json.loads((folder / "result.json").read_text()))
    assert result.verdicts["variant"].to_list() == ["Tiny", "L2"]
    assert result.effects.rows(named=True)[0]["remedy"] == "L2"
    assert result.curves.height == 2 * 2 * 2
    assert sorted(model.path.relative_to(folder).as_posix() for model in result.models) == [
        f"models/{variant}/seed-{seed}.keras" for variant in ("L2", "Tiny") for seed in (0, 1)
    ]


def test_show_prints_it(folder, capsys):
    """The command of a user who comes back after an update."""
    with pytest.raises(SystemExit) as stop:
        main(["show", str(folder)])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert re.search(r"^Tiny +9 .*undecided$", printed, flags=re.MULTILINE)
    assert str(folder) in printed.replace("\n", "")


def test_running_it_again_with_another_recipe_names_what_differs(folder, monkeypatch):
    """The versions of that time are not today's, and the batch size was changed: each by name, nothing trained."""
    before = recorded(folder)
    monkeypatch.setattr(
        extend,
        "versions",
        lambda: {
            "justright": "9.0",
            "jax": "0.10.2",
            "jaxlib": "0.10.2",
            "keras": "3.15.1",
            "numpy": "2.4.6",
        },
    )
    values = read_spec(VERSION_1 / "study.toml")
    values["recipe"]["batch_size"] = 10
    changed = study_from_dict(values, split_from_spec(read_table(VERSION_1 / "table.csv"), values))
    assert refusal(jr.run_study, changed, folder, error=FolderError) == (
        f"{str(folder)!r} holds another study: batch_size was 15, is 10; "
        "the version of justright was '0.1.0', is '9.0'. "
        "Run that one again, choose another --out, or start in a fresh folder with --new."
    )
    assert recorded(folder) == before


def test_the_description_of_a_study_gives_the_same_fingerprints(folder, study):
    """If table, split or recipe were described in another way now, no old folder could be resumed."""
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        (text,) = connection.execute("SELECT value FROM meta WHERE key = 'fingerprints'").fetchone()
    stored, current = json.loads(text), extend.fingerprints(study)
    parts = set(stored) - {"versions"}
    assert parts >= {"split", "test", "recipe", "variants"}
    assert {part: json.loads(json.dumps(current[part])) for part in parts} == {
        part: stored[part] for part in parts
    }


def test_a_newer_folder_is_refused(folder):
    """By its database and by its study file, each with what to do."""
    database = folder / "study.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert refusal(jr.open_result, folder, error=FolderError) == (
        f"The database {str(database)!r} has schema version 99; this justright knows versions up to 1. "
        "Install a newer justright, or choose another folder."
    )
    spec = folder / "study.toml"
    spec.write_text(spec.read_text().replace("schema_version = 1", "schema_version = 99"))
    assert refusal(read_spec, spec) == (
        f"Study file {str(spec)!r} has schema_version 99; this justright reads up to 3. Install a newer justright."
    )


# Values of every kind that SQLite has, where each may be something else; the last is text that is no UTF-8.
STRANGE = ("NULL", "'x'", "x'ff'", "1e300", "-9223372036854775808", "'{}'", "'[1]'", "CAST(x'ff' AS TEXT)")


def columns_of(path):
    """Return (table, column) of a database."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return [
            (table, row[1]) for table in tables for row in connection.execute(f"PRAGMA table_info({table})")
        ]


@pytest.mark.filterwarnings(
    "ignore:.* encountered in:RuntimeWarning"
)  # 1e300 as a loss is large, and no damage
@pytest.mark.parametrize("value", STRANGE)
def test_a_sound_database_with_strange_values_is_shown_or_refused(folder, value, tmp_path, capsys):
    """A folder from a stranger: whatever a column holds, `show` prints a table or one sentence."""
    good, refused = (folder / "study.db").read_bytes(), []
    for table, column in columns_of(folder / "study.db"):
        for file in folder.glob("study.db*"):
            file.unlink()
        (folder / "study.db").write_bytes(good)
        with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
            try:
                connection.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = {value}')
            except sqlite3.IntegrityError:  # the schema refuses it, as it would anybody's
                continue
        with pytest.raises(SystemExit) as ended:
            main(["show", str(folder)])
        said = capsys.readouterr()
        assert ended.value.code in (0, 2), (table, column)
        if ended.value.code:
            assert said.err.startswith("justright: ")
            assert said.err.count("\n") == 1
            refused.append((table, column))
    assert ("meta", "value") in refused or value == "NULL"


@pytest.mark.parametrize("value", ["'[1]'", "'7'", "CAST(x'ff' AS TEXT)"])
def test_a_run_into_a_folder_with_strange_values_is_refused_before_anything_is_trained(folder, study, value):
    """What `show` says about such a folder, `run` says as well, and changes nothing."""
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        connection.execute(f"UPDATE meta SET value = {value} WHERE key = 'fingerprints'")
        before = connection.execute("SELECT count(*), max(epoch) FROM epochs").fetchall()
    with pytest.raises(FolderError, match="holds what no study writes"):
        jr.run_study(study, folder)
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        assert connection.execute("SELECT count(*), max(epoch) FROM epochs").fetchall() == before


def test_the_fixture_is_small_and_names_no_machine():
    """It stays in the repository for good."""
    files = list(VERSION_1.iterdir())
    assert sorted(path.name for path in files) == ["result.json", "study.sql", "study.toml", "table.csv"]
    assert sum(path.stat().st_size for path in files) < MAX_FIXTURE_BYTES
    assert not re.search(r"/(home|root|tmp|work|Users)/", (VERSION_1 / "study.sql").read_text())
