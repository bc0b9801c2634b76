"""Damaged databases: named, recovered as far as possible, and honest about the rest."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.refusals import refusal

from justright.records.faults import DamagedError
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.records.rebuild import open_store
from justright.records.store import Store
from justright.runs.events import EpochBlock, RowLosses, RunFinished, RunKey, StackCheckpoint, VariantBuilt

RUNS = [RunKey("Tiny", seed, 100) for seed in range(12)]
EPOCHS = 200


@pytest.fixture
def full(folder: StudyFolder) -> StudyFolder:
    """A folder with twelve runs, six of them ended, and a checkpoint of the others."""
    with Store(folder) as store:
        folder.checkpoints_path.mkdir()
        (folder.checkpoints_path / "a").write_bytes(b"state")
        store.handle(VariantBuilt("Tiny", 1, "", "", ()))
        store.set_meta("fingerprints", {"table": "abc"})
        blocks = tuple(
            EpochBlock(
                run,
                0,
                {"loss": np.arange(EPOCHS) + run.seed / 10, "val_loss": np.ones(EPOCHS)},
                tuple(
                    RowLosses(run, "validation", epoch, np.full(500, epoch, np.float32))
                    for epoch in range(10)
                ),
            )
            for run in RUNS
        )
        ended = tuple(RunFinished(run, "finished", "", EPOCHS, 3, 1.0, {}, {}, {}, {}) for run in RUNS[:6])
        store.handle(StackCheckpoint("stack-0", "checkpoints/a", EPOCHS, tuple(RUNS[6:]), blocks, ended))
    return folder


def page_of(path: Path, table: str, share: float) -> tuple[int, int]:
    """Return (offset, size) of a leaf page of a table, `share` of the way through it."""
    with closing(sqlite3.connect(path)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    content = path.read_bytes()

    def leaves(page: int) -> list[int]:
        at = (page - 1) * size
        if content[at] not in (2, 5):  # not an interior page of an index or a table
            return [page]
        cells = int.from_bytes(content[at + 3 : at + 5], "big")
        pointers = [int.from_bytes(content[at + 12 + 2 * i : at + 14 + 2 * i], "big") for i in range(cells)]
        children = [int.from_bytes(content[at + cell : at + cell + 4], "big") for cell in pointers]
        children.append(int.from_bytes(content[at + 8 : at + 12], "big"))
        return [leaf for child in children for leaf in leaves(child)]

    pages = leaves(root)
    return (pages[int(share * (len(pages) - 1))] - 1) * size, size


def damage(path: Path, table: str, share: float = 0.5) -> None:
    """Overwrite one page of a table."""
    offset, size = page_of(path, table, share)
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * size)


def test_a_sound_database_is_only_opened(full) -> None:
    """Nothing is rebuilt, nothing kept aside."""
    store, rebuilt = open_store(full)
    with store:
        assert rebuilt is None
        assert len(store.runs()) == 12


def test_a_damaged_database_is_named(full) -> None:
    """Opening to write looks at every page; the message names the file and what to do."""
    damage(full.database_path, "epochs")
    with pytest.raises(DamagedError) as caught:
        Store(full)
    words = str(caught.value)
    assert words.startswith(f"The database {str(full.database_path)!r} is damaged (")
    assert words.endswith("). Run the study again: what can be read is recovered.")


def test_a_file_that_is_no_database_is_named(full) -> None:
    """Whoever reads it learns that, too."""
    full.database_path.write_bytes(b"not a database" * 1_000)
    assert refusal(StoreReader, full, error=DamagedError) == (
        f"The database {str(full.database_path)!r} is damaged (file is not a database). "
        "Run the study again: what can be read is recovered."
    )


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_runs_that_lost_epochs_are_forgotten_and_all_others_kept_whole(full, share) -> None:
    """One page of curves is lost: its runs start again, the others are equal to the last bit."""
    damage(full.database_path, "epochs", share)
    damaged = full.database_path.read_bytes()
    store, rebuilt = open_store(full)
    with store:
        kept = [record.run for record in store.runs()]
        assert 9 <= len(kept) < 12
        for record in store.runs():
            # A run that has not ended may keep its beginning: it starts again, and the same epochs replace it.
            assert record.epochs == EPOCHS or not (record.is_ended or store.checkpoints())
            losses = store.curves(seed=record.run.seed)["loss"].to_numpy()
            np.testing.assert_array_equal(losses, np.arange(record.epochs) + record.run.seed / 10)
            assert list(store.row_losses(record.run, "validation")) == list(range(10))
        assert store.get_meta("fingerprints") == {"table": "abc"}
        missing = [run for run in RUNS if run not in kept]
        again = [f"Run Tiny, seed {run.seed}, 100 rows: it is trained again." for run in missing]
        assert [sentence for sentence in rebuilt.lost if sentence.startswith("Run")] == again
        # The checkpoint counts on the epochs of its runs, the last six: it survives the loss of a first one.
        assert bool(store.checkpoints()) == (share < 0.5)
        assert all((run.seed < 6) == (share < 0.5) for run in missing)
        (note,) = [note for note in store.notes() if note.kind == "database rebuilt"]
        assert "Kept as 'study.db.damaged-1'." in note.text
    assert rebuilt.aside.read_bytes() == damaged
    with Store(full) as store:
        assert [record.run for record in store.runs()] == kept


def test_runs_that_lost_row_losses_are_forgotten(full) -> None:
    """A verdict from half of a run's row losses would be wrong; the index says whose are missing."""
    damage(full.database_path, "row_losses")
    store, rebuilt = open_store(full)
    with store:
        kept = [record.run for record in store.runs()]
        assert 9 <= len(kept) < 12
        assert all(list(store.row_losses(run, "validation")) == list(range(10)) for run in kept)
        assert len(rebuilt.lost) >= 13 - len(kept)


def test_curves_without_their_runs_are_not_kept(full) -> None:
    """Nobody could say whose they are; the rest of the database stays."""
    damage(full.database_path, "runs")
    store, rebuilt = open_store(full)
    with store:
        assert store.runs() == []
        assert store.checkpoints() == []
        assert store.get_meta("fingerprints") == {"table": "abc"}
        assert [built.variant for built in store.variants()] == ["Tiny"]
    assert f"Table epochs: {12 * EPOCHS} rows made no sense." in rebuilt.lost
    assert "Checkpoint checkpoints/a: its runs start again." in rebuilt.lost


def test_a_checkpoint_whose_file_is_gone_is_not_kept(full) -> None:
    """Its runs keep what they recorded, and start again."""
    damage(full.database_path, "variants")
    (full.checkpoints_path / "a").unlink()
    store, rebuilt = open_store(full)
    with store:
        assert len(store.runs()) == 12
        assert store.checkpoints() == []
    assert rebuilt.lost[-1] == "Checkpoint checkpoints/a: its runs start again."


def test_a_database_destroyed_wholly_becomes_an_empty_one(full) -> None:
    """Everything is trained again; that is said, and the folder is usable."""
    full.database_path.write_bytes(b"\0" * 8192)
    store, rebuilt = open_store(full)
    with store:
        assert (store.runs(), store.checkpoints()) == ([], [])
        assert (
            "Table runs: it is gone." in rebuilt.lost
            or "Table runs: nothing could be read" in rebuilt.lost[2]
        )
    assert list(full.checkpoints_path.iterdir()) == []


def test_what_was_in_the_log_is_recovered_too(full) -> None:
    """The write-ahead log of a killed process belongs to the damaged database."""
    store = Store(full)
    store.set_meta("late", 1)
    log = full.database_path.with_name("study.db-wal").read_bytes()
    store.close()
    # As after kill -9 (the log is still there) and damage to the file it belongs to.
    damage(full.database_path, "row_losses")
    full.database_path.with_name("study.db-wal").write_bytes(log)
    store, rebuilt = open_store(full)
    with store:
        assert rebuilt is not None
        assert store.get_meta("late") == 1


def test_a_second_rebuild_keeps_both_damaged_files(full) -> None:
    """Nothing of the user's is ever overwritten."""
    for number in (1, 2):
        full.database_path.write_bytes(b"\xff" * 4096 * number)
        open_store(full)[0].close()
    sizes = [(full.path / f"study.db.damaged-{number}").stat().st_size for number in (1, 2)]
    assert sizes == [4096, 8192]
