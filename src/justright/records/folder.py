"""A study folder: the paths of its files, and the process that owns it."""

from __future__ import annotations

import json
import os
import socket
import stat
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, Self

from justright.errors import FolderError, one_of
from justright.records.entries import check_entries, check_inside, open_regular
from justright.records.faults import disk_faults
from justright.records.files import make_folders, remove, remove_leftovers, write_atomically
from justright.runs.events import RunKey
from justright.study.spec import read_spec

if TYPE_CHECKING:
    from filelock import BaseFileLock

Mode = Literal["create", "resume", "read"]
MODES: tuple[Mode, ...] = ("create", "resume", "read")

LOCK_NAME = "lock"
OWNER_NAME = "owner.json"  # who holds the lock, for people to read; only the lock itself counts
MAX_OWNER_BYTES = 4096
MAX_COMPONENT_BYTES = 255  # of one file name, on every common file system
# Everything a study folder may hold before its database exists; anything else is the user's.
OWN_NAMES = frozenset(
    {
        "study.toml",
        "plan.json",
        LOCK_NAME,
        OWNER_NAME,
        "checkpoints",
        "tensorboard",
        "models",
        "result.json",
        "report.html",
    }
)


class StudyFolder:
    """The paths of one study folder and, in the writing modes, its ownership.

    Use it as a context manager, or call `close`. The operating system's lock (flock) ends with the process that holds it,
    however that process ends, so no lock is ever stale.

    Args:
        path: the folder; made absolute, so that a change of the working directory does not matter.
        mode: as in `open`.
    """

    __slots__ = ("_lock", "mode", "path")

    def __init__(self, path: Path, mode: Mode) -> None:
        self.path = path
        self.mode = mode
        self._lock: BaseFileLock | None = None

    @classmethod
    def open(cls, path: Path | str, mode: Mode = "read") -> Self:
        """Return the study folder at `path`.

        Args:
            path: the folder.
            mode: 'create' makes it, unless it exists and is empty, and owns it; 'resume' owns one that holds a study;
                'read' reads one that holds a study, whoever owns it.

        Raises:
            FolderError: there is no study to read or resume, something else is where one should be created, it holds a
                link or a pipe, another process owns it, or it may not be written.
        """
        if mode not in MODES:
            raise one_of("mode", mode, MODES)
        folder = cls(Path(path).absolute(), mode)
        if mode == "create":
            _check_free(folder.path)
            make_folders(folder.path)
        elif not holds_study(folder.path):
            raise _no_study(folder.path)
        check_entries(folder.path, writing=mode != "read")
        if mode != "read":
            folder._lock = _take_lock(folder.path)
            try:
                since = datetime.now(UTC).isoformat(timespec="seconds")
                owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
                write_atomically(folder.path / OWNER_NAME, json.dumps(owner).encode())
                remove_leftovers(folder.path)
            except BaseException:
                folder.close()
                raise
        return folder

    @property
    def study_path(self) -> Path:
        """The resolved study, enough to run it again."""
        return self.path / "study.toml"

    @property
    def plan_path(self) -> Path:
        """What each column of the table is taken for, and how features are made of it."""
        return self.path / "plan.json"

    @property
    def database_path(self) -> Path:
        """The SQLite database, the durable record of the study."""
        return self.path / "study.db"

    @property
    def checkpoints_path(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def tensorboard_path(self) -> Path:
        """The folder to give to `tensorboard --logdir`."""
        return self.path / "tensorboard"

    @property
    def models_path(self) -> Path:
        """The folder of the saved Keras models."""
        return self.path / "models"

    @property
    def result_path(self) -> Path:
        """The summary for programs."""
        return self.path / "result.json"

    @property
    def report_path(self) -> Path:
        """The summary for people."""
        return self.path / "report.html"

    def read_study(self) -> dict[str, Any]:
        """Return the plain values of study.toml.

        Raises:
            InputError: as `read_spec`, or it is not a regular file.
        """
        return read_spec(self.study_path, opener=open_regular)

    def tensorboard_run_path(self, run: RunKey, *, full_rows: int, group: str = "") -> Path:
        """Return the folder of one run's event files; its subfolders are `train` and `validation`.

        Args:
            run: which.
            full_rows: training rows of the whole split; for runs on fewer, the folder's name includes their number.
            group: the folder of the group in which the variant is shown; '' for none.

        Raises:
            FolderError: the variant's name cannot be a folder name.
        """
        above = self.tensorboard_path / _component(group) if group else self.tensorboard_path
        return above / _component(run.variant) / run_name(run, full_rows=full_rows)

    def model_path(self, run: RunKey, *, full_rows: int) -> Path:
        """Return the file of one run's saved model; arguments and errors as for `tensorboard_run_path`, without groups."""
        return self.models_path / _component(run.variant) / f"{run_name(run, full_rows=full_rows)}.keras"

    def relative(self, path: Path) -> str:
        """Return `path`, which lies in the folder, relative to it and with forward slashes.

        Raises:
            FolderError: it lies outside.
        """
        if not path.is_relative_to(self.path):
            raise _outside(self.path, str(path))
        return self.inside(path.relative_to(self.path).as_posix()).relative_to(self.path).as_posix()

    def inside(self, relative: str) -> Path:
        """Return the absolute path of a file that is recorded relative to the folder.

        Raises:
            FolderError: it would lie outside: it is absolute, climbs with '..', or follows a link; or it is a pipe.
        """
        parts = PurePosixPath(relative).parts
        if not parts:
            raise _outside(self.path, relative)
        path = self.path.joinpath(*(_component(part) for part in parts))
        check_inside(path, self.path)
        return path

    def close(self) -> None:
        """Give up ownership; harmless if called twice, in read mode, or after the folder was deleted."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        try:
            if self.path.is_dir():
                remove(self.path / OWNER_NAME)
        finally:
            lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def holds_study(path: Path | str) -> bool:
    """Return whether there is a study at `path`: a folder with its database, or what stands in the place of one.

    Raises:
        FolderError: nobody may look, or no folder can have this name.
    """
    database = Path(path) / "study.db"
    with disk_faults(Path(path), "look for a study"):
        try:
            mode = os.lstat(database).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        return not stat.S_ISDIR(mode)


def new_folder_beside(path: Path | str) -> Path:
    """Return where `--new` starts: `path` itself if nothing is there, else the first free of path-2, path-3, ...

    Example:
        >>> new_folder_beside("no/such/folder").as_posix()
        'no/such/folder'
    """
    wanted = Path(path)
    candidate, number = wanted, 1
    while candidate.exists() or candidate.is_symlink():
        number += 1
        candidate = wanted.with_name(f"{wanted.name}-{number}")
    return candidate


def run_name(run: RunKey, *, full_rows: int) -> str:
    """Return the name of a run's files within its variant's folder.

    Example:
        >>> (
        ...     run_name(RunKey("Tiny", 0, 10_000), full_rows=10_000),
        ...     run_name(RunKey("Tiny", 0, 500), full_rows=10_000),
        ... )
        ('seed-0', 'seed-0-rows-500')
    """
    suffix = "" if run.train_rows == full_rows else f"-rows-{run.train_rows}"
    return f"seed-{run.seed}{suffix}"


def _component(name: str) -> str:
    """Return `name` if it is one plain file name; raise FolderError otherwise.

    Names of variants are checked when they are made; a damaged database may hold any.
    """
    usable = (
        name not in ("", ".", "..")
        and not any(mark in name for mark in "/\\:\0")
        and name.isprintable()
        and len(name.encode()) <= MAX_COMPONENT_BYTES
    )
    if not usable:
        raise FolderError(
            f"A name inside a study folder must be one plain file name of at most {MAX_COMPONENT_BYTES} bytes; "
            f"got {name!r}. Rename the variant."
        )
    return name


def _take_lock(folder: Path) -> BaseFileLock:
    """Take and return the lock of a folder; raise FolderError, naming the process, if another one has it."""
    import filelock  # imports asyncio, which no reader of a folder should pay for

    # It opens no link; what else the name could stand for was checked with all other entries.
    lock = filelock.FileLock(folder / LOCK_NAME, timeout=0, thread_local=False)
    with disk_faults(folder, "lock the study folder"):
        try:
            lock.acquire()
        except filelock.Timeout:
            raise _owned(folder) from None
    return lock


def _owned(folder: Path) -> FolderError:
    try:
        with open(folder / OWNER_NAME, "rb", opener=open_regular) as file:
            owner = json.loads(file.read(MAX_OWNER_BYTES))
        who = f"process {owner['pid']} on host {owner['host']!r} has used it since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # not written yet, or damaged
        who = "another process is using it"
    return FolderError(
        f"One process at a time may use a study folder; {str(folder)!r} is taken: {who}. "
        "Wait for it, or choose another folder."
    )


def _check_free(path: Path) -> None:
    """Raise FolderError if something else is where a study should be created."""
    if path.exists() and not path.is_dir():
        raise FolderError(f"The study folder must be a folder; {str(path)!r} is a file. Choose another path.")
    if holds_study(path):
        raise FolderError(
            f"A new study needs an empty folder; {str(path)!r} holds a study. Resume it, or start a new one."
        )
    if not path.is_dir():
        return
    with disk_faults(path, "list the folder"):
        names = sorted(item.name for item in path.iterdir())
    foreign = [name for name in names if name not in OWN_NAMES and not name.startswith(".")]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise FolderError(
            f"A new study needs an empty folder; {str(path)!r} holds {foreign[0]!r}{more}. Choose another path."
        )


def _no_study(path: Path) -> FolderError:
    if not path.exists():
        found = "there is nothing"
    elif not path.is_dir():
        found = "it is a file"
    else:
        found = "it has no study.db"
    return FolderError(
        f"A study folder must be one that `justright run` wrote; {str(path)!r} is not: {found}. "
        "Give the path that was given as --out."
    )


def _outside(folder: Path, name: str) -> FolderError:
    return FolderError(
        f"Every file of a study must lie in its folder; {name!r} does not lie in {str(folder)!r}. "
        "The database was changed by hand or is damaged: start a new study in another folder."
    )
