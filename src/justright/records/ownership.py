"""Which process owns a study folder."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from justright.errors import FolderError
from justright.records.faults import disk_faults
from justright.records.files import remove, write_atomically

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_NAME = "lock"
OWNER_NAME = "owner.json"  # who has the lock; only a note for people, the lock itself is what counts


@dataclass(frozen=True, slots=True)
class Ownership:
    """The right to write to a folder, until `release` or the end of the process, however it ends.

    The lock is the operating system's (flock): a dead process cannot hold it, so none is ever stale.
    """

    folder: Path
    lock: BaseFileLock

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Return the ownership of a folder.

        Raises:
            FolderError: another process has it, which the message names, or the folder may not be written.
        """
        import filelock  # imports asyncio, which no reader of a folder should pay for

        lock = filelock.FileLock(folder / LOCK_NAME, timeout=0, thread_local=False)
        with disk_faults(folder, "lock the study folder"):
            try:
                lock.acquire()
            except filelock.Timeout:
                raise _owned(folder) from None
        ownership = cls(folder, lock)
        try:
            write_atomically(folder / OWNER_NAME, json.dumps(_this_process()).encode())
        except BaseException:
            lock.release()
            raise
        return ownership

    def release(self) -> None:
        """Give the folder up; harmless when it was deleted meanwhile."""
        try:
            if self.folder.is_dir():
                remove(self.folder / OWNER_NAME)
        finally:
            self.lock.release()


def _owned(folder: Path) -> FolderError:
    try:
        owner = json.loads((folder / OWNER_NAME).read_text())
        who = f"process {owner['pid']} on host {owner['host']!r} has used it since {owner['since']}"
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
    ):  # between its lock and its note, or the note is damaged
        who = "another process is using it"
    return FolderError(
        f"One process at a time may use a study folder; {str(folder)!r} is taken: {who}. "
        "Wait for it, or choose another folder."
    )


def _this_process() -> dict[str, object]:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
