"""The database while others read it, hold it, fill its disk or delete it: one clear message, nothing recorded lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.refusals import refusal

from justright.errors import FolderError
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.records.store import Store

NOBODY = 65534  # root ignores permissions, so a test that root runs becomes this user


def test_a_reader_sees_each_checkpoint_while_the_writer_goes_on(store, folder, block, checkpoint) -> None:
    """`justright show` in another terminal; it cannot write."""
    with StudyFolder.open(folder.path) as watched, StoreReader(watched) as reader:
        store.handle(checkpoint("a", blocks=(block(),)))
        assert len(reader.curves()) == 5
        store.handle(checkpoint("b", blocks=(block(first=5),)))
        assert len(reader.curves()) == 10
        with pytest.raises(sqlite3.OperationalError, match=r"^attempt to write a readonly database$"):
            reader._connection.execute("DELETE FROM epochs")


@pytest.fixture
def read_only(store, folder, block, checkpoint) -> Iterator[Path]:
    """A finished study in a folder that every user can read but only root can write to."""
    store.handle(checkpoint("a", blocks=(block(),)))
    store.close()
    with tempfile.TemporaryDirectory() as outer:
        path = Path(outer) / "study"
        shutil.copytree(folder.path, path)
        Path(outer).chmod(0o755)
        path.chmod(0o555)
        yield path
        path.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="permissions of folders are those of POSIX")
def test_a_read_only_folder_is_read(read_only) -> None:
    """A CD or a colleague's archive: SQLite cannot make its lock files, a database without a log is read as it is."""
    before = sorted(file.name for file in read_only.iterdir())
    program = (
        "import os, filelock, logging, polars\n"  # before what holds Python may no longer be read
        "from justright.records.folder import StudyFolder\n"
        "from justright.records.reader import StoreReader\n"
        f"os.getuid() == 0 and os.setuid({NOBODY})\n"
        f"print(len(StoreReader(StudyFolder.open({str(read_only)!r})).curves()))\n"
        f"StudyFolder.open({str(read_only)!r}, 'resume')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "5\n"
    assert done.stderr.splitlines()[-1] == (
        f"justright.errors.FolderError: Cannot lock the study folder at {str(read_only)!r}: it may not be written. "
        "Choose another folder, or change its permissions."
    )
    assert sorted(file.name for file in read_only.iterdir()) == before


def test_a_locked_database_is_one_clear_message(store, folder) -> None:
    """Another program that writes, such as a database browser, is named as the cause."""
    store.close()
    with Store(folder, busy_seconds=0.01) as store, closing(sqlite3.connect(folder.database_path)) as browser:
        browser.execute("BEGIN IMMEDIATE")
        assert refusal(store.set_meta, "a", 1, error=FolderError) == (
            f"The database {str(folder.database_path)!r} is locked by another program. "
            "Close that program and run the same command again."
        )
        browser.execute("ROLLBACK")
        store.set_meta("a", 1)


def test_a_folder_deleted_underneath_is_one_clear_message(store, folder) -> None:
    """SQLite itself would go on writing into the deleted file without a word."""
    folder.database_path.unlink()
    assert refusal(store.set_meta, "a", 1, error=FolderError) == (
        f"The study folder must stay in place while a study runs; {str(folder.database_path)!r} was removed or "
        "replaced. Put it back, or choose another folder, and run the same command again."
    )


def test_a_full_disk_is_one_clear_message_and_keeps_what_was_recorded(
    store, folder, block, checkpoint
) -> None:
    """Imitated by a limit on the database's pages; the transaction that did not fit is undone."""
    store.handle(checkpoint("a", blocks=(block(),)))
    store._connection.execute("PRAGMA max_page_count = 1")  # SQLite raises it to the pages in use
    assert refusal(
        store.handle, checkpoint("b", blocks=(block(first=5, epochs=5_000),)), error=FolderError
    ) == (
        f"The database {str(folder.database_path)!r} cannot grow: the disk is full. Free some space and run the same "
        "command again; what was recorded is kept."
    )
    assert store.curves()["epoch"].to_list() == list(range(5))
    assert [record.path for record in store.checkpoints()] == ["checkpoints/a"]


def test_a_folder_open_for_reading_has_no_store(store, folder) -> None:
    """Writing needs ownership."""
    assert refusal(Store, StudyFolder.open(folder.path, "read"), error=FolderError) == (
        f"A store needs a folder opened with mode 'create' or 'resume'; {str(folder.path)!r} was opened with 'read'. "
        "Use StoreReader."
    )
