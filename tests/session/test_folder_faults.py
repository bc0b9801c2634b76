"""What happens to a study whose folder fails while workers train: one message, and what was recorded still opens."""

from __future__ import annotations

import shutil
import sqlite3

import numpy as np
import psutil
import pytest
from tests.refusals import refusal

import justright as jr
from justright.errors import FolderError
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.records.store import Store
from justright.runs.events import StackCheckpoint
from justright.session import session

INTRUDERS: list[sqlite3.Connection] = []  # a connection that nobody holds would end, and its lock with it


def delete_folder(folder, store):
    """Somebody removes the study folder, again and again while a worker writes into it."""
    for _ in range(1_000):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
    raise AssertionError(f"{folder} could not be removed")


def fill_disk(folder, store):
    """The database may not grow by another page: what SQLite says is what it says when the disk is full."""
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")


def lock_database(folder, store):
    """Another program takes the database for itself."""
    INTRUDERS.append(sqlite3.connect(folder / "study.db", isolation_level=None))
    INTRUDERS[-1].execute("BEGIN IMMEDIATE")


FAULTS = [
    (
        delete_folder,
        (
            "The study folder must stay in place while a study runs; {database!r} was removed or replaced. "
            "Put it back, or choose another folder, and run the same command again."
        ),
    ),
    (
        fill_disk,
        (
            "The database {database!r} cannot grow: the disk is full. Free some space and run the same command again; "
            "what was recorded is kept."
        ),
    ),
    (
        lock_database,
        "The database {database!r} is locked by another program. Close that program and run the same command again.",
    ),
]


def living_workers():
    """The workers of this process; those that have ended may still stand in the list of processes."""
    return {
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "justright.workers" in " ".join(child.cmdline())
    }


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "message"), FAULTS, ids=lambda item: getattr(item, "__name__", ""))
def test_a_folder_that_fails_in_training_ends_it_with_one_message(
    fault, message, tmp_path, monkeypatch
) -> None:
    """Workers are ended, the error is the folder's own, and the database opens with what it had."""
    random = np.random.default_rng(0)
    table = jr.read_table((random.normal(size=(300, 4)).astype(np.float32), random.integers(0, 2, 300)))
    split = table.split(validation=100, train=200, test=0, order="head")
    study = jr.Study(split, {"A": jr.mlp(4)}, jr.Recipe(100, 10**6, None), reference=False, neighbours=False)
    folder, opened = tmp_path / "study", []
    kept = living_workers()  # by an earlier test

    def open_store(place):
        opened.append(Store(place, busy_seconds=0.2))
        return opened[0], None

    class Fault:
        """A sink that breaks the folder when training is under way, between two checkpoints."""

        begun = False

        def handle(self, event):
            if isinstance(event, StackCheckpoint) and not self.begun:
                self.begun = True
                fault(folder, opened[0])

    monkeypatch.setattr(session, "open_store", open_store)
    assert refusal(
        session.run_study,
        study,
        folder,
        workers=1,
        sinks=[Fault()],
        checkpoint_seconds=0.2,
        error=FolderError,
    ) == message.format(database=str(folder / "study.db"))
    assert living_workers() <= kept
    if fault is lock_database:
        INTRUDERS.pop().close()
    if folder.is_dir() and fault is not delete_folder:
        with StoreReader(StudyFolder.open(folder)) as store:
            assert [record.run.variant for record in store.runs()] == ["A"]
            assert store.get_meta("fingerprints")["recipe"]["max_epochs"] == 10**6
