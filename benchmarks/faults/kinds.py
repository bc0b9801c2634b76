"""Faults other than kills, one function for each: what is done to a study, and how it ends then."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.commands import Command, Place, contents, differences

# Larger than a checkpoint of these networks, smaller than their database: the disk fills up in the middle.
FULL_BYTES = 300_000
FULL_WORDS = ("the disk is full", "disk I/O error")
HANG_SECONDS = 8.0  # a stopped worker is noticed after these; the shortest that compiling under load survives


@dataclass(frozen=True)
class Seen:
    """What a fault led to.

    Args:
        code: exit code of the command that met it.
        said: what it said.
        is_right: whether that is what should happen.
        lost: what differs from the undisturbed study once the same command has ended; None where it was not run.
    """

    code: int
    said: str
    is_right: bool
    lost: list[str] | None = None


def worker_killed_twice(place: Place, out: str) -> Seen:
    """Both workers are killed, again and again: their runs go on in others."""
    command = place.start(out)
    for _ in range(3):
        command.wait_for_checkpoint(since=time.time())
        for worker in command.workers():
            worker.kill()
    code, said = command.end()
    return Seen(code, said, code == 0, lost(place, out))


def worker_hangs(place: Place, out: str) -> Seen:
    """A worker that is stopped for good: it is ended and its runs go on in another."""
    command = place.start(out, HANG_SECONDS=str(HANG_SECONDS))
    command.wait_for_checkpoint()
    for worker in command.workers()[:1]:
        worker.send_signal(signal.SIGSTOP)
    code, said = command.end()
    return Seen(code, said, code == 0, lost(place, out))


def run_diverges(place: Place, out: str) -> Seen:
    """One variant has a learning rate of 1e12: its runs diverge, the others are as ever."""
    code, _ = place.start(out, study="diverging").end()
    found = contents(place.path / out)
    names = [name for name in differences(found, place.found) if "Steep" not in name and name != "judgement"]
    with closing(sqlite3.connect(place.path / out / "study.db")) as database:
        outcomes = database.execute("SELECT DISTINCT outcome FROM runs WHERE variant = 'Steep'").fetchall()
    return Seen(
        code, f"outcomes of the variant: {outcomes}", code == 0 and outcomes == [("diverged",)], names
    )


def disk_full(place: Place, out: str) -> Seen:
    """No file may grow beyond a size. SQLite calls that an I/O error; it names a disk that is really full."""
    code, said = place.start(out, FILE_BYTES=str(FULL_BYTES)).end()
    return Seen(code, said, code == 2 and any(words in said for words in FULL_WORDS), resumed(place, out))


def folder_read_only(place: Place, out: str) -> Seen:
    """A place where nothing may be written; for root, who may write everywhere, one of the kernel's own folders."""
    closed = Path("/sys") if os.geteuid() == 0 else place.path / out
    if os.geteuid() != 0:
        closed.mkdir()
        closed.chmod(0o555)
    code, said = place.start(str(closed / "study")).end()
    return Seen(code, said, code == 2 and "may not be written" in said)


def folder_deleted(place: Place, out: str) -> Seen:
    """The study folder disappears while its study trains."""
    command = place.start(out)
    command.wait_for_checkpoint()
    shutil.rmtree(command.folder, ignore_errors=True)
    code, said = command.end()
    return Seen(code, said, is_refused(code, said))


def two_commands(place: Place, out: str) -> Seen:
    """A second command on the folder of a running one is told who owns it; the first does not notice."""
    first = place.start(out)
    first.wait_for_checkpoint()
    code, said = place.start(out).end()
    is_right = code == 2 and str(first.process.pid) in said
    return Seen(code, said, is_right and first.end()[0] == 0, lost(place, out))


def checkpoint_damaged(place: Place, out: str) -> Seen:
    """A bit of every checkpoint is turned after a kill: the stacks begin anew, to the same numbers."""
    return after_damage(
        place, out, lambda folder: [flip(path) for path in folder.glob("checkpoints/*.safetensors")]
    )


def database_damaged(place: Place, out: str) -> Seen:
    """Pages in the middle of the database are overwritten after a kill: what can be read is recovered."""

    def overwrite(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "study.db")) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = bytearray((folder / "study.db").read_bytes())
        middle = len(content) // 2 // 4096 * 4096
        content[middle : middle + 8192] = b"\xa5" * min(8192, len(content) - middle)
        (folder / "study.db").write_bytes(content)

    return after_damage(place, out, overwrite)


def event_file_damaged(place: Place, out: str) -> Seen:
    """TensorBoard files are cut in the middle after a kill."""
    return after_damage(
        place,
        out,
        lambda folder: [
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            for path in folder.glob("tensorboard/**/events.*")
        ],
    )


def model_damaged(place: Place, out: str) -> Seen:
    """A bit of every saved model is turned once the study has ended; the same command makes the models again."""
    place.start(out).end()
    for path in (place.path / out).glob("models/**/*.keras"):
        flip(path)
    code, said = place.start(out).end()
    return Seen(code, said, code == 0, lost(place, out))


def after_damage(place: Place, out: str, damage: Callable[[Path], object]) -> Seen:
    """Kill a study in the middle, damage its folder, and run the same command."""
    command = place.start(out)
    command.wait_for_checkpoint(2)
    kill(command)
    damage(command.folder)
    code, said = place.start(out).end()
    return Seen(code, said, code == 0, lost(place, out))


def is_refused(code: int, said: str) -> bool:
    """Whether a command ended as one does that was given bad input: with a sentence, not with a traceback."""
    return code == 2 and said.startswith("justright: ") and "Traceback" not in said


def resumed(place: Place, out: str) -> list[str]:
    """Run the same command again, undisturbed, and return what differs."""
    code, said = place.start(out).end()
    return lost(place, out) if code == 0 else [f"the next command ended with {code}: {said}"]


def lost(place: Place, out: str) -> list[str]:
    """Return what differs from the undisturbed study."""
    try:
        return differences(contents(place.path / out), place.found)
    except Exception as error:  # noqa: BLE001  # what cannot be read is lost, and the table says so
        return [f"{type(error).__name__}: {error}"]


def kill(command: Command) -> None:
    """End the coordinator at once; its workers die with it."""
    command.process.kill()
    command.process.wait()


def flip(path: Path) -> None:
    """Turn one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


KINDS: dict[str, Callable[[Place, str], Seen]] = {
    "workers killed repeatedly": worker_killed_twice,
    "worker hangs": worker_hangs,
    "run diverges": run_diverges,
    "disk full": disk_full,
    "folder read-only": folder_read_only,
    "folder deleted": folder_deleted,
    "two commands on one folder": two_commands,
    "checkpoint damaged": checkpoint_damaged,
    "database damaged": database_damaged,
    "event files cut": event_file_damaged,
    "models damaged": model_damaged,
}
