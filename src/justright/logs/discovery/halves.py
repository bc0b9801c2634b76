"""Training and validation of one run in two logs side by side, such as train.csv and val.csv, told by their names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from justright.logs.logged_run import LoggedRun, Role, Series
from justright.logs.metric_names import direction_of, parse_name

# Words in the names of files and folders, and the rows that they stand for; CatBoost's for training is 'learn'.
WORDS: dict[Role, tuple[str, ...]] = {
    "train": ("train", "training", "learn", "fit"),
    "validation": ("validation", "valid", "val", "vali", "dev", "eval", "evaluation", "holdout"),
    "test": ("test", "testing"),
}
ROLES = {word: role for role, words in WORDS.items() for word in words}
WORD = "|".join(ROLES)
AROUND = re.compile(rf"(.+)[-_. ]({WORD})|({WORD})[-_. ](.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run as read, with the file or folder that it came from, and the name of its format.

    Args:
        is_sure: whether the name of its file says that it is a log.
    """

    run: LoggedRun
    path: Path
    format: str
    is_sure: bool = True


def role_in_name(name: str) -> tuple[str, str] | None:
    """Return the rest of a name and its word for the rows, if it is one, or begins or ends with one.

    Example:
        >>> (
        ...     role_in_name("exp1_train"),
        ...     role_in_name("val-large"),
        ...     role_in_name("Test"),
        ...     role_in_name("retrain"),
        ... )
        (('exp1', 'train'), ('large', 'val'), ('', 'test'), None)
    """
    if name.lower() in ROLES:
        return "", name.lower()
    if (found := AROUND.fullmatch(name)) is None:
        return None
    return found[1] or found[4], (found[2] or found[3]).lower()


def join_halves(found: Sequence[FoundRun]) -> list[FoundRun]:
    """Return the runs of a folder's text logs, those that are halves of one joined to one.

    They are halves where their files' or folders' names differ by a word for rows alone, and nothing in them says otherwise.
    """
    halves: dict[Path, dict[Role, list[int]]] = defaultdict(lambda: defaultdict(list))
    for at, one in enumerate(found):
        if one.path.is_file() and (half := _half(one.path)) is not None:
            halves[half[0]][ROLES[half[1]]].append(at)
    joined: dict[int, FoundRun] = {}
    gone: set[int] = set()
    for home, roles in halves.items():
        members = {role: found[places[0]] for role, places in roles.items()}
        if all(len(places) == 1 for places in roles.values()) and _belong_together(members):
            first, *others = sorted(places[0] for places in roles.values())
            joined[first] = _joined(home, members)
            gone.update(others)
    return [joined.get(at, one) for at, one in enumerate(found) if at not in gone]


def with_role_in_name(found: FoundRun) -> FoundRun:
    """Return a run that names no rows, on those that the name of its file says: 'val_metrics.csv', 'evaluation_results.csv'.

    'test' and 'dev' in a name may stand for something else, and say nothing.
    """
    if not found.path.is_file() or any(_role_of(one) is not None for one in found.run.series):
        return found
    words = re.split(r"[\W_]+", found.path.stem.lower())
    roles = {role for role, known in WORDS.items() if set(known) & set(words)}
    if roles - {"test"} != {"validation"} or not ({*WORDS["validation"]} - {"dev"}) & set(words):
        return found
    measures = [one for one in found.run.series if direction_of(parse_name(one.written).metric) is not None]
    if not measures:
        return found
    for one in measures:
        one.role = "validation"
    note = (
        "Nothing in the log says on which rows it was measured; the name of its file does: validation rows."
    )
    return replace(found, run=replace(found.run, notes=(*found.run.notes, note)))


def _role_of(one: Series) -> Role | None:
    return one.role or parse_name(one.written).role


def _half(path: Path) -> tuple[Path, str] | None:
    """Return what the whole run is called, and the word for the rows of this half.

    Example:
        >>> (
        ...     _half(Path("run/log_train.csv")),
        ...     _half(Path("run/val/metrics.csv")),
        ...     _half(Path("run/metrics.csv")),
        ... )
        ((PosixPath('run/log.csv'), 'train'), (PosixPath('run/metrics.csv'), 'val'), None)
    """
    if (named := role_in_name(path.stem)) is not None:
        return path.with_name(f"{named[0]}{path.suffix}" if named[0] else "*" + path.suffix), named[1]
    if path.parent.name.lower() in ROLES:
        return path.parent.parent / path.name, path.parent.name.lower()
    return None


def _belong_together(members: dict[Role, FoundRun]) -> bool:
    """Return whether training and other rows are there, counted alike, and no series names rows other than its log's."""
    if "train" not in members or len(members) < 2 or len({one.run.unit for one in members.values()}) > 1:
        return False
    return all(
        (one.role or parse_name(one.written).role or role) == role
        for role, member in members.items()
        for one in member.run.series
    )


def _joined(home: Path, members: dict[Role, FoundRun]) -> FoundRun:
    ordered = [(role, members[role]) for role in WORDS if role in members]
    series = [_of_half(one, role) for role, member in ordered for one in member.run.series]
    first = ordered[0][1]
    name = str(home.parent if home.stem == "*" else home)
    run = replace(
        first.run,
        name=name,
        series=series,
        epochs={at: epoch for _, member in ordered for at, epoch in member.run.epochs.items()},
        notes=tuple(dict.fromkeys(note for _, member in ordered for note in member.run.notes)),
    )
    return FoundRun(run, first.path, first.format, any(member.is_sure for _, member in ordered))


def _of_half(one: Series, role: Role) -> Series:
    """Return a series under a name that no series of the other half has."""
    has_role = parse_name(one.written).role is not None
    return replace(one, written=one.written if has_role else f"{role}/{one.written}", role=role, lines=[])
