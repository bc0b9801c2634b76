"""Study folders that a stranger has prepared: every command refuses them at once, and touches nothing outside."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from benchmarks.faults.commands import Command, Place
from benchmarks.faults.kinds import Seen, is_refused

MOST_SECONDS = (
    20.0  # a command takes two; one that waits for a pipe, or follows an endless view, takes for ever
)
VICTIM = "not yours"


def folder_of_a_stranger(prepare: Callable[[Path, Path], object], place: Place, out: str) -> Seen:
    """Prepare a copy of the undisturbed folder, and let every command meet it.

    Args:
        prepare: receives the copy, and a folder outside with one file in it.
        place: where studies are.
        out: the copy.
    """
    folder, outside = place.path / out, place.path / f"{out}-outside"
    shutil.copytree(place.path / "undisturbed", folder)
    outside.mkdir()
    (outside / "victim").write_text(VICTIM)
    prepare(folder, outside)
    commands = [place.start(out), *(place.command([word, out], out) for word in ("show", "report"))]
    ends = [end_in_time(command) for command in commands]
    touched = sorted(path.name for path in outside.iterdir()) != ["victim"]
    touched |= (outside / "victim").read_text() != VICTIM
    code, said = next((end for end in ends if not is_refused(*end)), ends[0])
    return Seen(code, f"TOUCHED {said}" if touched else said, is_refused(code, said) and not touched)


def end_in_time(command: Command) -> tuple[int, str]:
    """Return how a command ended; -9 if it had to be killed."""
    return command.end(MOST_SECONDS)


def replace_by_link(name: str, folder: Path, outside: Path) -> None:
    """Let a name of the folder lead to what is outside: to a file if it is a file."""
    path = folder / name
    is_folder = path.is_dir()
    shutil.rmtree(path) if is_folder else path.unlink(missing_ok=True)
    path.symlink_to(outside if is_folder else outside / "victim")


def replace_by_pipe(name: str, folder: Path, outside: Path) -> None:
    """Let whoever opens a file of the folder wait for ever."""
    (folder / name).unlink()
    os.mkfifo(folder / name)


def execute(statements: str, folder: Path, outside: Path) -> None:
    """Change the database."""
    with closing(sqlite3.connect(folder / "study.db")) as database:
        database.executescript(statements)


VIEW = """
    ALTER TABLE runs RENAME TO kept;
    CREATE VIEW runs AS WITH RECURSIVE endless(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless)
        SELECT kept.* FROM kept, endless;
"""
TRIGGER = """
    CREATE TRIGGER grow AFTER INSERT ON events BEGIN
        INSERT INTO events (time, kind, text) SELECT time, kind, text || text FROM events;
    END;
"""
PREPARED: dict[str, Callable[[Path, Path], object]] = {
    "lock is a link": partial(replace_by_link, "lock"),
    "report is a link": partial(replace_by_link, "report.html"),
    "event files behind a link": partial(replace_by_link, "tensorboard"),
    "study file is a pipe": partial(replace_by_pipe, "study.toml"),
    "database is a pipe": partial(replace_by_pipe, "study.db"),
    "endless view": partial(execute, VIEW),
    "trigger": partial(execute, TRIGGER),
}
KINDS: dict[str, Callable[[Place, str], Seen]] = {
    name: partial(folder_of_a_stranger, prepare) for name, prepare in PREPARED.items()
}
