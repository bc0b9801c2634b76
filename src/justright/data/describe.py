"""What a table looks like: sizes, class balance, and the distribution of every feature."""

from __future__ import annotations

from typing import Any

import numpy as np

from justright.data.arrays import Target
from justright.data.build import plan_columns
from justright.data.histograms.feature_summaries import describe_features, histogram, moments
from justright.data.plan.column_plans import LeftOut
from justright.data.plan.table_plan import Plan
from justright.data.readers.raw import RawTable
from justright.data.sources import Request
from justright.data.table import Table


def describe_table(table: Table) -> dict[str, Any]:
    """Return a summary of a table as plain numbers, texts and lists, ready for JSON.

    Args:
        table: any table.
    Returns:
        `source`, `rows`, `rows_left_out`, `features` (count), `task`, `target`, `fingerprint`;
        `classes`: a list of `name`, `rows`, `fraction` (empty for regression);
        `columns`: a list of `name`, `min`, `max`, `mean`, `std` (population), `edges` (31 bin edges) and
        `counts` (30, of all rows) and `class_counts` (a list of 30 counts for each class; empty for regression); all
        three empty beyond the 60 features that tell most about the target by themselves;
        `target_column`: the same summary of a regression target; None for classes.
    Example:
        >>> import justright as jr
        >>> summary = describe_table(jr.read_table("higgs-sim"))
        >>> (
        ...     summary["rows"],
        ...     summary["features"],
        ...     summary["classes"][1]["name"],
        ...     len(summary["columns"][0]["counts"]),
        ... )
        (24000, 28, '1', 30)
    """
    codes = None if table.task == "regression" else table.target
    columns = describe_features(
        table.features, table.feature_names, table.target, codes, len(table.class_names)
    )
    target_column = None
    if codes is None:
        numbers, _ = moments(table.target[None].astype(np.float64))
        target_column = {"name": table.target_name} | numbers[0] | histogram(table.target, None, 0)
    return {
        "source": table.source.source,
        "rows": table.rows,
        "rows_left_out": table.rows_left_out,
        "features": table.n_features,
        "task": table.task,
        "task_reason": table.task_reason,
        "notes": list(table.notes),
        "plan": [] if table.plan is None else describe_plan(table.plan),
        "target": table.target_name,
        "fingerprint": table.fingerprint,
        "classes": _describe_classes(table, codes),
        "columns": columns,
        "target_column": target_column,
    }


def describe_columns(raw: RawTable, request: Request, *, source: str) -> dict[str, Any]:
    """Return what is known of a table whose target nobody has named: rows, notes, and what each column is taken for."""
    plan = plan_columns(raw, request)
    return {
        "source": source,
        "rows": raw.pieces.most_rows if raw.pieces else raw.frame.height,
        "target": None,
        "notes": list(raw.notes),
        "plan": describe_plan(plan),
    }


def describe_plan(plan: Plan) -> list[dict[str, Any]]:
    """Return what each column is taken for: `name`, `kind` (number, category, left out, ...), `about`, and its `features`."""
    return [
        {
            "name": column.name,
            "kind": f"left out: {column.what}" if isinstance(column, LeftOut) else column.label,
            "about": column.reason,
            "features": len(column.features),
        }
        for column in plan.columns
    ]


def _describe_classes(table: Table, codes: Target | None) -> list[dict[str, Any]]:
    if codes is None:
        return []
    counts = np.bincount(codes.astype(np.int32, copy=False), minlength=len(table.class_names)).tolist()
    return [
        {"name": name, "rows": count, "fraction": count / table.rows}
        for name, count in zip(table.class_names, counts, strict=True)
    ]
