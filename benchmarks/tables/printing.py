"""What was found about tables, for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.printing import print_table

MODELS = ("network", "linear", "trees", "constant")
SCORES = {"binary": "AUC", "multiclass": "accuracy", "regression": "R2"}
MOST_SENTENCES = 3

Record = Mapping[str, Any]


def print_record(record: Record) -> None:
    """Print one line about one table."""
    if record["accepted"]:
        said = f"{record['verdict']}; {standing(record)}"
    else:
        said = f"refused ({record['code']}): {record['message']}"
    print(f"{record['table']}: {record['seconds']:.0f} s, {said}", flush=True)


def print_records(records: Sequence[Record]) -> None:
    """Print all tables: how they were taken, how good the network is, what is said where it is not, and the sum."""
    print("\n## First try\n")
    headings = ("table", "data", "run", "seconds", "rows", "features", "task", "plan")
    print_table(headings, map(first_try, records))
    compared = [one for one in records if "loss" in one]
    if compared:
        print("\n## Test loss and score (AUC, accuracy or R2)\n")
        losses = [f"loss: {name}" for name in MODELS]
        scores = [f"score: {name}" for name in MODELS[:-1]]
        print_table(
            ("table", "network", "verdict", *losses, *scores, "against the best"), map(quality, compared)
        )
    print_exceptions(records)
    print(f"\n{total(records)}")


def first_try(record: Record) -> tuple[str, ...]:
    parts = record.get("rows", {})
    return (
        record["table"],
        "yes" if record["data_accepted"] else "no",
        "yes" if record["run_accepted"] else "no",
        f"{record['seconds']:.0f}",
        "+".join(str(parts[part]) for part in ("train", "validation", "test")) if parts else "",
        str(record.get("features", "")),
        record.get("task", ""),
        record.get("plan", ""),
    )


def quality(record: Record) -> tuple[str, ...]:
    return (
        record["table"],
        record["network"],
        record["verdict"],
        *(f"{record['loss'][name]:.4g}" for name in MODELS),
        *(shown_score(record["score"][name]) for name in MODELS[:-1]),
        standing(record),
    )


def standing(record: Record) -> str:
    """Return in a few words how the network does against the constant and the better rival."""
    if "loss" not in record:
        return "not measured"
    if record["worse_than_constant"]:
        return "worse than constant"
    if record["within"]:
        return "within 5 %"
    mean, half = record["difference"]
    return f"{'worse than' if mean > half else 'behind, not clearly:'} {record['rival']}"


def shown_score(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def print_exceptions(records: Sequence[Record]) -> None:
    """Print why tables were refused, and what the study says of networks that are not as good as their rivals."""
    for record in records:
        if not record["accepted"]:
            print(f"\n{record['table']} refused with exit code {record['code']}: {record['message']}")
        elif "loss" in record and not record["within"]:
            mean, half = record["difference"]
            print(
                f"\n{record['table']}: {standing(record)}; the loss is {mean:.3g} ± {half:.2g} above that of "
                f"{record['rival']}. {record['network']} {record['verdict']}:"
            )
            for sentence in record["says"][:MOST_SENTENCES]:
                print(f"- {sentence}")


def total(records: Sequence[Record]) -> str:
    """Return the sum of all tables in a line."""
    compared = [one for one in records if "loss" in one]
    return (
        f"Accepted {sum(one['accepted'] for one in records)} of {len(records)}; "
        f"not worse than the constant {sum(not one['worse_than_constant'] for one in compared)} of {len(compared)}; "
        f"within 5 % {sum(one['within'] for one in compared)} of {len(compared)}; "
        f"{sum(one['seconds'] + one['data_seconds'] for one in records):.0f} seconds in all."
    )
