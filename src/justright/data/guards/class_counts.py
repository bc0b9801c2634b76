"""Classes that are rare, absent from a part of the split, or next to everything."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from justright.data.checks import listed
from justright.data.guards.table_warning import MAX_NAMED, TableWarning
from justright.data.split import PARTS, Part
from justright.data.table import Split

# With fewer rows nothing general can be learned about a class, and less be measured.
MIN_CLASS_ROWS = 10
# From this share on, the share of right answers says little about a network.
IMBALANCE = 0.95
# What becomes of a class without a row in a part.
WITHOUT: dict[Part, str] = {
    "train": "cannot be learned: there are no such training rows",
    "validation": "cannot help to choose the epoch: there are no such validation rows",
    "test": "cannot be measured: there are no such test rows",
}


def find_absent_classes(split: Split) -> Iterable[TableWarning]:
    """Yield, for each part, the classes of which it has no row."""
    if split.table.task == "regression":
        return
    for part in PARTS:
        absent = np.flatnonzero(_counts(split, part) == 0)
        if split.sizes[part] and len(absent):
            names = [split.table.class_names[number] for number in absent]
            which = "Class" if len(names) == 1 else "Classes"
            yield TableWarning(
                "class absent",
                (split.table.target_name,),
                len(names),
                f"{which} {listed(names, most=MAX_NAMED)} of {split.table.target_name!r} {WITHOUT[part]}. Use more rows, or make "
                "rare classes one (--min-class-rows).",
            )


def find_rare_classes(split: Split) -> Iterable[TableWarning]:
    """Yield the classes with few training rows, and one that nearly all rows have."""
    if split.table.task == "regression":
        return
    counts, names, target = _counts(split, "train"), split.table.class_names, split.table.target_name
    rare = np.flatnonzero(counts < MIN_CLASS_ROWS)
    if len(rare):
        least = int(counts[rare].min())
        yield TableWarning(
            "rare class",
            (target,),
            least,
            f"{listed([names[number] for number in rare], most=MAX_NAMED)} of {target!r} {'has' if len(rare) == 1 else 'have'} fewer than "
            f"{MIN_CLASS_ROWS} training rows (the fewest: {least}): little can be learned about {'it' if len(rare) == 1 else 'them'}. Use more "
            "rows, or make rare classes one (--min-class-rows).",
        )
    most = int(counts.argmax())
    share = counts[most] / counts.sum()
    if share >= IMBALANCE:
        yield TableWarning(
            "imbalance",
            (target,),
            float(share),
            f"{100 * share:.1f} % of the training rows are of class {names[most]!r}: to always answer it is right as often. Judge by the "
            "loss, by ROC AUC or by balanced accuracy, not by the share of right answers.",
        )


def _counts(split: Split, part: str) -> np.ndarray:
    """Return (classes,) rows of a part."""
    stand_in = {"test": split.test_table, "validation": split.validation_table}.get(part)
    target = stand_in.target if stand_in is not None else split.table.target[getattr(split, part)]
    return np.bincount(target.astype(np.int32, copy=False), minlength=len(split.table.class_names))
