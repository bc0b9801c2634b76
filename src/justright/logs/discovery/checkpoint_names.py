"""Checkpoints that a run's folder names by epoch or step."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from justright.logs.logged_run import LoggedRun

# Where tools keep them, beside the log or its folder.
PLACES = ("", "checkpoints", "checkpoint", "weights", "models", "model", "ckpt", "ckpts", "snapshots")
ENDINGS = frozenset(
    {
        ".ckpt",
        ".pt",
        ".pth",
        ".tar",
        ".keras",
        ".h5",
        ".hdf5",
        ".safetensors",
        ".cbm",
        ".index",
        ".th",
        ".pkl",
    }
)
KERAS_ENDINGS = frozenset({".keras", ".h5", ".hdf5", ".index"})
MAX_ENTRIES = 10_000  # looked at in one folder
BEYOND = 0.1  # of the last step: how far training may have gone on after the last value was logged

# 'epoch=3-step=400.ckpt', 'checkpoint-800', 'model_epoch_12.pth', 'weights.05-0.41.keras', 'ckpt_0012.pt'.
EPOCH = re.compile(r"(?:epoch|(?<![a-z])(?:ep|e))[-_=.]?0*(\d{1,9})(?!\d)", re.IGNORECASE)
STEP = re.compile(
    r"(?:global_?step|step|iter(?:ation)?|checkpoint|ckpt)[-_=.]?0*(\d{1,12})(?!\d)", re.IGNORECASE
)
NUMBER = re.compile(r"(?<!\d)(?<!\d\.)0*(\d{1,9})(?!\d|\.\d)")  # and no part of a value
BEST = re.compile(
    r"(?<![a-z])best(?![a-z])", re.IGNORECASE
)  # 'best.pt', 'model_best.pth.tar': nobody knows when
VALUE = re.compile(r"\d+\.\d+")


class _Checkpoint(NamedTuple):
    """A checkpoint's name and the counts in it; -1 if it has none."""

    name: str
    epoch: int
    step: int


def with_checkpoints(run: LoggedRun, path: Path) -> LoggedRun:
    """Return the run with the checkpoints beside its log, unless the log itself names some.

    Args:
        run: as read.
        path: the file or folder it was read from.
    """
    if run.checkpoints or run.is_earlier or run.tool == "trees" or not (path.is_file() or path.is_dir()):
        return run
    inside = Path(run.name)
    home = inside if inside.is_dir() else path if path.is_dir() else path.parent
    if re.fullmatch(r"checkpoint[-_]\d+", home.name):  # Hugging Face's log lies in the last of them
        home = home.parent
    names = list(_in_places(home))
    found = sorted(one._replace(name=name) for name in names if (one := _parsed(Path(name).name)) is not None)
    placed = _placed(found, run) if found else {}
    best = [name for name in names if BEST.search(Path(name).stem) and Path(name).suffix.lower() in ENDINGS]
    if not placed and len(best) == 1:
        placed = {math.nan: best[0]}
    return replace(run, checkpoints=placed) if placed else run


def _in_places(home: Path) -> Iterator[str]:
    for place in PLACES:
        try:
            with os.scandir(home / place) as entries:
                names = [entry.name for entry, _ in zip(entries, range(MAX_ENTRIES), strict=False)]
        except OSError:  # most of the places do not exist, and one that we may not look at says nothing
            continue
        yield from (f"{place}/{name}" if place else name for name in names)


def _parsed(name: str) -> _Checkpoint | None:
    """Return what a file's or folder's name says, if it is a checkpoint's.

    Example:
        >>> _parsed("epoch=3-step=400.ckpt"), _parsed("best.pt")
        (_Checkpoint(name='epoch=3-step=400.ckpt', epoch=3, step=400), None)
    """
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS and not re.fullmatch(r"(?:checkpoint|ckpt|global_?step)[-_]?\d+", name):
        return None
    epoch, step = EPOCH.search(name), STEP.search(name)
    if epoch is None and ending in KERAS_ENDINGS:
        epoch = NUMBER.search(name)
    if epoch is None and step is None:
        return None
    return _Checkpoint(name, int(epoch[1]) if epoch else -1, int(step[1]) if step else -1)


def _placed(found: list[_Checkpoint], run: LoggedRun) -> Mapping[float, str]:
    """Return when each was saved, in the run's unit; none if some lie beyond its end: they are another run's."""
    times = {at for one in run.series for at in one.at}
    if not times:
        return {}
    last = max(times)
    if run.unit == "epoch":
        counted = {one.epoch: one.name for one in found if one.epoch >= 0}
        counted = counted or {one.step: one.name for one in found if one.step >= 0}
        shift = _shift(counted, run, first=min(times), last=last)
        placed = {float(epoch - shift): name for epoch, name in counted.items()}
        return placed if max(placed) <= last else {}
    placed = {float(one.step): one.name for one in found if one.step >= 0}
    if not placed:
        ends = {epoch: step for step, epoch in sorted(run.epochs.items())}  # of an epoch's steps the last
        placed = {ends[one.epoch]: one.name for one in found if one.epoch in ends}
    # Steps are counted as done or from 0, and evaluations end before training does.
    return placed if placed and max(placed) <= last * (1 + BEYOND) + 1 else {}


def _shift(names: Mapping[int, str], run: LoggedRun, *, first: float, last: float) -> int:
    """Return by how much a checkpoint's number exceeds the log's.

    Keras' ModelCheckpoint counts epochs from 1, its logs from 0. A value in the name that the log has too decides; else a number
    that lies just beyond the log does; else it is Keras' habit.
    """
    asked = {float(epoch - shift) for epoch in names for shift in (0, 1)}
    logged: dict[float, list[float]] = {}
    for one in run.series:
        for at, value in zip(one.at, one.values, strict=True):
            if at in asked:
                logged.setdefault(at, []).append(value)
    votes = [0, 0]
    for epoch, name in names.items():
        for written in VALUE.findall(name):
            digits = len(written.partition(".")[2])
            for shift in (0, 1):
                rounded = (f"{value:.{digits}f}" for value in logged.get(float(epoch - shift), ()))
                votes[shift] += written in rounded
    if votes[0] != votes[1]:
        return int(votes[1] > votes[0])
    if first != 0:
        return 0
    is_keras = any(name.lower().endswith(tuple(KERAS_ENDINGS)) for name in names.values())
    return int(is_keras or max(names) == last + 1)
