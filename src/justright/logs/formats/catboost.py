"""CatBoost's catboost_info: catboost_training.json, or learn_error.tsv and test_error.tsv."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from justright.errors import InputError
from justright.logs.formats.json_shapes.json_numbers import to_number
from justright.logs.logged_run import LoggedRun, Series
from justright.logs.metric_names import Direction, parse_name
from justright.logs.source import CUT_OFF, LogFormat, Source

JSON_NAME = "catboost_training.json"
# CatBoost calls evaluation sets 'test', 'test1' ..., though overfitting is detected and the best model chosen on them.
ERROR_FILE = re.compile(r"(learn|test\d*)_error.*\.tsv")
TIME_FILE = "time_left.tsv"
BEST_VALUES: Mapping[str, Direction] = {"Min": "less", "Max": "more"}


def _folder_files(folder: Path) -> tuple[Path, ...]:
    """Return the JSON and the tables, which stand in for it if the run was killed while it was written."""
    tables = sorted(path for path in folder.glob("*_error*.tsv") if ERROR_FILE.fullmatch(path.name))
    found = tuple(path for path in (folder / JSON_NAME, *tables) if path.is_file())
    return found if any(path.name == JSON_NAME or _is_table(path) for path in found) else ()


def _is_table(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(5) == b"iter\t"


def _matches(source: Source) -> bool:
    if source.is_json:
        value = source.value
        return (
            isinstance(value, dict)
            and isinstance(value.get("iterations"), list)
            and isinstance(value.get("meta"), dict)
        )
    if source.path.name == TIME_FILE:
        return True
    return bool(ERROR_FILE.fullmatch(source.path.name)) and source.text.startswith("iter\t")


def _read(source: Source) -> list[LoggedRun]:
    notes: list[str] = []
    series: list[Series] = []
    for path in source.files:
        try:
            one = Source.of_file(path)
            found = _series_of_file(one)
            if CUT_OFF in one.notes and len(source.files) > 1:
                notes.append(f"{path.name} ends in the middle of a value: the tables beside it were read.")
                continue
            series += found
            notes += one.notes
        except InputError as error:
            notes.append(f"{path.name} was left out. {error}")
        if path.name == JSON_NAME and series:
            break
    if not source.files:
        series = _series_of_file(source)
    if not series:
        raise InputError(
            f"A CatBoost log must hold metrics of iterations; {source.name!r} holds none. "
            + (notes[0] if notes else "Train with `eval_set`, and without `allow_writing_files=False`.")
        )
    return [LoggedRun(source.name, series, "iteration", notes=tuple(notes), tool="trees")]


def _series_of_file(source: Source) -> list[Series]:
    if source.path.name == TIME_FILE:
        raise InputError(
            f"A training log must hold metrics; {source.name!r} holds the time that was left. "
            f"Pass its folder, or {JSON_NAME} beside it."
        )
    return _of_json(source.value) if source.is_json else _of_table(source)


def _of_json(value: Mapping[str, Any]) -> list[Series]:
    meta = value["meta"]
    learn = {name: meta.get("learn_metrics") for name in _listed(meta, "learn_sets")}
    test = {name: meta.get("test_metrics") for name in _listed(meta, "test_sets")}
    series: dict[tuple[str, str], Series] = {}
    for order, entry in enumerate(value["iterations"]):
        if not isinstance(entry, dict):
            continue
        at = to_number(entry.get("iteration"))
        for set_name, metrics in (learn | test).items():
            numbers = entry.get(set_name)
            if not isinstance(numbers, list) or not isinstance(metrics, list):
                continue
            for metric, number in zip(metrics, map(to_number, numbers), strict=False):
                if not isinstance(metric, dict) or number is None:
                    continue
                name = str(metric.get("name"))
                if (set_name, name) not in series:
                    one = _new_series(set_name, name, is_training=set_name in learn, sets=len(test))
                    one.direction = BEST_VALUES.get(str(metric.get("best_value")))
                    series[set_name, name] = one
                series[set_name, name].add(float(order) if at is None else at, number)
    return list(series.values())


def _listed(meta: Mapping[str, Any], key: str) -> list[str]:
    names = meta.get(key)
    return [str(name) for name in names] if isinstance(names, list) else []


def _of_table(source: Source) -> list[Series]:
    """Return the columns of a table; its last line may be half-written."""
    match = ERROR_FILE.fullmatch(source.path.name)
    set_name = match[1] if match else "test"
    header, *rows = [line.split("\t") for line in source.text.rstrip("\n").split("\n")]
    if not source.text.endswith("\n") and rows and len(rows[-1]) <= len(header):
        last = rows.pop()
        if len(last) == len(header) and len(last[-1]) >= len(rows[-1][-1] if rows else ""):
            rows.append(last)
    is_one = set_name in ("learn", "test")
    series = [
        _new_series(set_name, name, is_training=set_name == "learn", sets=1 if is_one else 2)
        for name in header[1:]
    ]
    for order, row in enumerate(rows):
        at = to_number(row[0])
        for one, cell in zip(series, row[1:], strict=False):
            if (number := to_number(cell)) is not None:
                one.add(float(order) if at is None else at, number)
    return [one for one in series if one.values]


def _new_series(set_name: str, metric: str, *, is_training: bool, sets: int) -> Series:
    return Series(
        f"{set_name}/{metric}",
        [],
        [],
        role="train" if is_training else "validation",
        set="" if is_training or sets < 2 else set_name,
        metric=parse_name(metric).metric,
    )


CATBOOST = LogFormat(
    "catboost", "CatBoost's catboost_info folder", _read, _matches, folder_files=_folder_files
)
