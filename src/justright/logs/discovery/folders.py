"""Which files below a folder are logs, and which of them together are one.

A folder may be a stranger's: links that leave it are not followed, nothing but plain files is opened, and there are limits on
how many are listed and how much of them is read.
"""

from __future__ import annotations

import filecmp
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from justright.data.pipes import is_pipe
from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.source import LogFormat, Source

MAX_FILES = 10_000  # files listed below a folder; a log folder with more is the wrong folder
MAX_DEPTH = 12  # folders inside each other: runs/GROUP/VARIANT/seed-0/lightning_logs/version_0 are six
MAX_LOGS = 1_000  # text files of a folder that are opened
MAX_FOLDER_BYTES = 256 << 20  # of text that is read for one folder: a thousand logs of 256 KB
MAX_TABLE_BYTES = 8 << 20  # of a file whose name does not say that it is a log: larger ones are data

# Endings of text files that may be logs; files without any are looked at if their name says so.
TEXT_ENDINGS = frozenset({".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".log", ".txt", ".out", ".dat"})
# Of tables that are not text: most are data, so that their names must say that they are logs.
TABLE_ENDINGS = frozenset(
    {
        ".parquet",
        ".feather",
        ".arrow",
        ".xlsx",
        ".xls",
        ".ods",
        ".npz",
        ".npy",
        ".arff",
        ".gz",
        ".bz2",
        ".xz",
        ".zst",
        ".zip",
    }
)
DATABASE_ENDINGS = frozenset({".db", ".db3", ".sqlite", ".sqlite3"})
LOG_ENDINGS = frozenset({".log", ".jsonl", ".ndjson", ".tsv"})
LOG_WORDS = re.compile(
    r"logs?(?![a-z])|histor|metric|result|progress|curve|loss|scalars|trainer_state|stdout|output|evals",
    re.IGNORECASE,
)
# What tools write beside a log, under names that sound like one. Summaries hold one number of each kind.
NO_LOGS = re.compile(
    r"(?:.*config.*|.*args|hparams|params|tokenizer.*|vocab.*|.*index|.*metadata|package.*|requirements.*|readme.*|licen[cs]e.*"
    r"|wandb-summary|(?:all|train|eval|test|predict)_results)\.(?:json|txt)|debug.*\.log",
    re.IGNORECASE,
)
STUDY_FILE = "study.toml"
# Folders of programs, beside logs in a project's own folder.
PROGRAMS = frozenset({"__pycache__", "site-packages", "node_modules"})
# Folders of one state of a run, each of which holds the log so far: 'checkpoint-400'.
STATE_FOLDER = re.compile(r"checkpoint[-_](\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LogFiles:
    """What may be one log.

    Args:
        path: the file, or the folder that `files` are in.
        files: those that a format recognises by their names, or by the folder that they are in; empty for a text file.
        format: that format.
        is_sure: whether the name says that it is a log, so that it is worth a sentence if it cannot be read.
    """

    path: Path
    files: tuple[Path, ...] = ()
    format: LogFormat | None = None
    is_sure: bool = True

    def open(self, choices: Choices) -> Source:
        """Return its content.

        Raises:
            InputError: it is too large, or not text.
            OSError: it cannot be read.
        """
        if self.files:
            return Source(self.path, files=self.files, choices=choices)
        return Source.of_file(self.path, choices)


def find_logs(path: Path, formats: Sequence[LogFormat]) -> tuple[LogFiles, ...]:
    """Return what may be logs at `path`: a file is one, a folder may hold many.

    Raises:
        InputError: the folder has too many files.
        OSError: it cannot be listed.
    """
    if is_pipe(str(path)):
        return (LogFiles(path),)
    if path.is_dir():
        return tuple(_in_folder(path, formats))
    claiming = next((one for one in formats if one.claims(path)), None) or _claiming(path, formats)
    return (LogFiles(path, (path,) if claiming else (), claiming),)


def _claiming(file: Path, formats: Sequence[LogFormat]) -> LogFormat | None:
    """Return the format that a file which is not text has by its content."""
    return next((one for one in formats if one.recognises(file)), None)


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Return what sorts paths as people count: version_2 before version_10.

    Example:
        >>> [str(path) for path in sorted(map(Path, ("v10", "v2")), key=natural_key)]
        ['v2', 'v10']
    """
    return [
        (0, int(piece), piece) if piece.isdecimal() else (1, 0, piece)
        for part in path.parts
        for piece in re.findall(r"\d{1,18}|\D+|\d+", part)
    ]


def _in_folder(root: Path, formats: Sequence[LogFormat]) -> Iterator[LogFiles]:
    """Yield the logs below a folder: of tools that own a whole folder, of those that name their files, then other text files."""
    folders, files = _list_files(root)
    taken: set[Path] = set()
    # Folders of one tool: what else is in them says the same, or is no log. Ours keeps its curves below, for TensorBoard.
    owned = {file.parent for file in files if file.name == STUDY_FILE}
    for folder in folders:
        if folder.parent in owned and STATE_FOLDER.fullmatch(folder.name):
            continue
        for one in formats:
            group = tuple(file for file in one.folder_files(folder) if file not in taken)
            if group:
                taken.update(group)
                owned.add(folder)
                yield LogFiles(folder, group, one)
    for one in formats:
        group = tuple(file for file in files if file not in taken and one.claims(file))
        if not group:
            continue
        taken.update(group)
        if one.is_joined:
            yield LogFiles(root, group, one)
        else:
            yield from (LogFiles(file, (file,), one) for file in group)
    known = frozenset(one.folder_file for one in formats if one.folder_file)
    count, left = 0, MAX_FOLDER_BYTES
    seen: dict[tuple[Path, int], list[Path]] = defaultdict(list)
    for file in _last_states(files):
        if file in taken or file.parent in owned or not _may_be_log(file, known):
            continue
        if file.suffix.lower() in DATABASE_ENDINGS and (database := _claiming(file, formats)):
            yield LogFiles(file, (file,), database)
            continue
        is_sure, size = _is_named_as_log(file, known), _size(file)
        if size > MAX_TABLE_BYTES and not is_sure:
            continue
        count, left = count + 1, left - size
        if count > MAX_LOGS or left < 0:
            raise InputError(
                f"A log folder must hold at most {MAX_LOGS:,} text files with {MAX_FOLDER_BYTES >> 20} MiB; {str(root)!r} holds "
                "more. Name one of the folders or files in it."
            )
        alike = seen[file.parent, size]
        if not any(_is_copy(file, other) for other in alike):
            yield LogFiles(file, is_sure=is_sure)
            alike.append(file)


def _list_files(root: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders and the plain files at and below `root`, both as people count."""
    folders, files, waiting = [], [], [(root, 0)]
    inside = root.resolve()
    count = 0
    while waiting:
        folder, depth = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            if folder == root:
                raise
            continue  # one that we may not list costs only itself
        folders.append(folder)
        for entry in entries:
            count += 1
            if count > MAX_FILES:
                raise InputError(
                    f"A log folder must hold at most {MAX_FILES:,} files; {str(root)!r} has more."
                )
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                if depth < MAX_DEPTH and not entry.name.startswith(".") and entry.name not in PROGRAMS:
                    waiting.append((path, depth + 1))
            elif _is_plain(entry, inside):
                files.append(path)
    return sorted(folders, key=natural_key), sorted(_once_each(files), key=natural_key)


def _is_plain(entry: os.DirEntry[str], root: Path) -> bool:
    """Return whether an entry is a file, or a link to one that does not leave the folder."""
    try:
        return entry.is_file() and (not entry.is_symlink() or Path(entry.path).resolve().is_relative_to(root))
    except (OSError, RuntimeError):  # links in a circle, or into what we may not see
        return False


def _once_each(files: list[Path]) -> list[Path]:
    """Return the files without links to others among them, such as W&B's to the latest run."""
    plain = [file for file in files if not file.is_symlink()]
    known = {file.resolve() for file in plain}
    return plain + [file for file in files if file.is_symlink() and file.resolve() not in known]


def _may_be_log(file: Path, known: frozenset[str]) -> bool:
    if file.name in known:
        return True
    if NO_LOGS.fullmatch(file.name) or file.name.startswith("."):
        return False
    ending = file.suffix.lower()
    if ending in TABLE_ENDINGS or not ending:
        return LOG_WORDS.search(file.name) is not None
    return ending in TEXT_ENDINGS | DATABASE_ENDINGS


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # gone since it was listed; reading it says so
        return 0


def _is_copy(file: Path, other: Path) -> bool:
    """Return whether two files of one size hold the same, and something, as the two logs that MMEngine writes."""
    try:
        return _size(file) > 0 and filecmp.cmp(file, other, shallow=False)
    except OSError:
        return False


def _is_named_as_log(file: Path, known: frozenset[str]) -> bool:
    return file.name in known or file.suffix.lower() in LOG_ENDINGS or LOG_WORDS.search(file.stem) is not None


def _last_states(files: Sequence[Path]) -> Iterator[Path]:
    """Yield the files without those of earlier states of a run, whose logs are the beginnings of the last one's."""
    names = {(file.parent, file.name) for file in files}
    last: dict[tuple[Path, str], int] = {}
    for file in files:
        if state := STATE_FOLDER.fullmatch(file.parent.name):
            key = (file.parent.parent, file.name)
            last[key] = max(last.get(key, -1), int(state[1]))
    for file in files:
        state = STATE_FOLDER.fullmatch(file.parent.name)
        key = (file.parent.parent, file.name)
        if state is None or (key not in names and int(state[1]) == last[key]):
            yield file
