"""JSON Lines: DETR's log.txt, MMDetection's and Detectron2's metrics, Ray Tune's result.json, and any log with an object per line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from justright.logs.formats.json_shapes.json_curves import read_leaves
from justright.logs.formats.json_shapes.json_numbers import to_number
from justright.logs.formats.json_shapes.json_tree import find_leaves
from justright.logs.formats.json_shapes.logged_rows import role_of
from justright.logs.logged_run import LoggedRun
from justright.logs.source import LogFormat, Source

Record = Mapping[str, Any]


def _read(source: Source) -> list[LoggedRun]:
    records = _mm_without_modes(_mm_with_modes(source.records or []))
    return read_leaves(source, find_leaves(source.name, records))


def _mm_with_modes(records: Sequence[Record]) -> list[Record]:
    """Return the lines of MMDetection 2 and its kin without the `iter` of evaluations, which counts their own batches."""
    return [
        {key: value for key, value in record.items() if key != "iter"}
        if isinstance(mode := record.get("mode"), str) and role_of(mode) in ("validation", "test")
        else record
        for record in records
    ]


def _mm_without_modes(records: Sequence[Record]) -> list[Record]:
    """Return the lines of MMEngine's scalars.json with `mode`; evaluations have no `iter`, and their step may be an epoch."""
    if not any(record.keys() >= {"data_time", "iter", "step"} for record in records):
        return list(records)
    read: list[Record] = []
    epoch = step = None
    for record in records:
        if "iter" in record:
            epoch, step = to_number(record.get("epoch")), to_number(record.get("step"))
            read.append({"mode": "train", **record})
            continue
        own = to_number(record.get("step"))
        is_epoch = own is not None and own == epoch and step is not None and own < step
        renamed = {"epoch" if key == "step" and is_epoch else key: value for key, value in record.items()}
        read.append({"mode": "val", **renamed})
    return read


JSON_LINES = LogFormat(
    "json-lines",
    "JSON Lines with an object per epoch or step",
    _read,
    lambda source: source.records is not None,
)
