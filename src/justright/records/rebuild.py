"""Recovery: a damaged database is replaced by a sound one with everything that can still be read."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from justright.data.readers.databases.guarded_connection import GuardedConnection, quoted
from justright.errors import FolderError
from justright.records.codec import lanes_from_json
from justright.records.faults import DamagedError, content_faults, database_faults, disk_faults
from justright.records.files import remove, replacing
from justright.records.folder import StudyFolder
from justright.records.schema import TABLES, open_damaged, open_for_writing
from justright.records.store import Store

KEYS = {"epochs": ("run", "epoch")}  # the table without SQLite's own row number
# Runs with missing epochs: there are fewer than when the run ended, or than its last epoch implies.
HOLES = """
    SELECT id, variant, seed, train_rows FROM runs
    WHERE (SELECT count(*) FROM epochs WHERE run = runs.id)
        != coalesce(runs.epochs, (SELECT max(epoch) + 1 FROM epochs WHERE run = runs.id), 0)
"""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a recovery did.

    Args:
        aside: the damaged file, unchanged.
        lost: one sentence per thing that could not be kept and is trained or made again.
    """

    aside: Path
    lost: tuple[str, ...]


def open_store(folder: StudyFolder) -> tuple[Store, Rebuilt | None]:
    """Return the store of an owned folder, recovered first if its database is damaged, and what the recovery did.

    Raises:
        FolderError: as for `Store`, for everything but damage.
    """
    try:
        return Store(folder), None
    except DamagedError as error:
        rebuilt = rebuild(folder)
        store = Store(folder)
        store.note(
            "database rebuilt", f"{error} Kept as {rebuilt.aside.name!r}. {' '.join(rebuilt.lost)}".strip()
        )
        return store, rebuilt


def rebuild(folder: StudyFolder) -> Rebuilt:
    """Replace the database of an owned folder by a sound one with every row that can still be read.

    A run with anything missing is forgotten as a whole and trained again, to the same numbers: half a curve would be worse
    than none. Only a run that had not ended may keep its beginning without a checkpoint: it starts again, and the same
    epochs replace those kept. The damaged file is kept next to the new one.

    Raises:
        FolderError: the disk is full, read-only or gone.
    """
    path = folder.database_path
    aside = _keep_aside(path)
    lost: list[str] = []
    with replacing(path) as part, database_faults(path), content_faults(path):
        with closing(open_for_writing(part)) as target, closing(open_damaged(aside)) as source:
            target.execute("BEGIN")
            for table in TABLES:
                lost += _copy_table(source, target, table)
            lost += _forget_unusable(source, target, folder)
            target.execute("COMMIT")
        for suffix in ("-wal", "-shm"):  # they belong to the damaged file; the sound one must not meet them
            remove(path.with_name(path.name + suffix))
    remove(aside.with_name(aside.name + "-shm"))
    return Rebuilt(aside, tuple(lost))


def _keep_aside(path: Path) -> Path:
    """Copy the database and its write-ahead log to the first free name, and return it."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    with disk_faults(aside, "keep the damaged database"):
        for suffix in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copy2(path.with_name(path.name + suffix), aside.with_name(aside.name + suffix))
    return aside


def _copy_table(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> list[str]:
    """Copy the readable rows of a table, and return a sentence if something was unreadable."""
    problems: list[str] = []
    try:
        columns = [row[1] for row in source.execute(f"PRAGMA table_info ({table})")]
    except sqlite3.DatabaseError as error:
        return [f"Table {table}: nothing could be read ({error})."]
    if not columns:
        return [f"Table {table}: it is gone."]
    known = {row[1] for row in target.execute(f"PRAGMA table_info ({table})")}
    if table == "epochs":
        for column in columns:
            if column not in known:  # of a metric
                target.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(column)} REAL")
    else:
        columns = [column for column in columns if column in known]
    names = ", ".join(map(quoted, columns))
    marks = ", ".join("?" * len(columns))
    insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  # names are ours or quoted
    refused = 0
    for row in _readable_rows(source, table, names, problems):
        try:
            target.execute(insert, row)
        except sqlite3.IntegrityError:  # garbage, or a row whose run is gone
            refused += 1
    if refused:
        problems.append(f"Table {table}: {refused} rows made no sense.")
    return problems


def _readable_rows(
    source: sqlite3.Connection, table: str, names: str, problems: list[str]
) -> Iterator[tuple[object, ...]]:
    """Yield a table's rows from the front up to the first unreadable page, then from the back down to the last."""
    keys = KEYS.get(table, ("rowid",))
    seen: set[tuple[object, ...]] = set()
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{key} {direction}" for key in keys)
        try:
            select = f"SELECT {', '.join(keys)}, {names} FROM {table} ORDER BY {order}"  # noqa: S608  # as above
            for row in source.execute(select):
                key = row[: len(keys)]
                if key in seen:
                    return
                seen.add(key)
                yield row[len(keys) :]
        except sqlite3.DatabaseError as error:
            if direction == "ASC":
                problems.append(f"Table {table}: a part could not be read ({error}).")
            continue
        return


def _forget_unusable(source: GuardedConnection, target: sqlite3.Connection, folder: StudyFolder) -> list[str]:
    """Remove runs that are no longer complete and checkpoints that no longer fit their runs."""
    lost = []
    incomplete = _runs_missing_losses(source, target)
    holes = {row[0] for row in target.execute(HOLES)}
    for number, *run, texts in target.execute(
        "SELECT id, variant, seed, train_rows, json_array(best, last, test, test_last) FROM runs"
    ).fetchall():
        if number in holes or number in incomplete or not all(map(_is_json, json.loads(texts))):
            target.execute("DELETE FROM runs WHERE id = ?", (number,))
            lost.append(f"Run {run[0]}, seed {run[1]}, {run[2]} rows: it is trained again.")
    for stack, path, epoch, lanes in target.execute(
        "SELECT stack, path, epoch, lanes FROM checkpoints"
    ).fetchall():
        if not _fits(target, folder, path, epoch, lanes):
            target.execute("DELETE FROM checkpoints WHERE stack = ?", (stack,))
            lost.append(f"Checkpoint {path}: its runs start again.")
    return lost


def _runs_missing_losses(source: GuardedConnection, target: sqlite3.Connection) -> set[int]:
    """Return the runs with row losses that could not be copied; all runs if that cannot be known.

    The table's index has its own pages: if the losses are unreadable, it still says which there were.
    """
    keys = "SELECT run, kind, epoch FROM row_losses"
    copied = set(target.execute(keys))
    try:
        with source.metered():  # pages that name each other would never end
            return {
                run
                for run, kind, epoch in source.execute(f"{keys} ORDER BY 1, 2, 3")
                if (run, kind, epoch) not in copied
            }
    except sqlite3.DatabaseError:
        return {number for (number,) in target.execute("SELECT id FROM runs")}


def _fits(target: sqlite3.Connection, folder: StudyFolder, path: str, epoch: int, lanes: str) -> bool:
    """Return whether a checkpoint's file exists and each of its runs has all epochs up to it."""
    try:
        is_there = folder.inside(path).is_file()
    except (FolderError, TypeError):  # garbage
        return False
    if not is_there or not _is_json(lanes):
        return False
    # A run that ended sooner than its stack has all its epochs, which are fewer.
    missing = (
        "SELECT count(epochs.epoch) - min(?, coalesce(runs.epochs, ?)) FROM runs LEFT JOIN epochs ON runs.id = run AND epoch < ?"
        " WHERE variant = ? AND seed = ? AND train_rows = ?"
    )
    values = (epoch, epoch, epoch)
    return all(target.execute(missing, (*values, *run)).fetchone()[0] == 0 for run in lanes_from_json(lanes))


def _is_json(text: object) -> bool:
    try:
        json.loads(text)  # type: ignore[arg-type]  # garbage of another type raises TypeError, which is the question
    except (ValueError, TypeError):
        return False
    return True
