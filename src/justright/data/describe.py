"""What a table looks like: sizes, class balance, and the distribution of every feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.table import Table

# Bins of a histogram: fine enough to show a peak, coarse enough for a small picture.
HISTOGRAM_BINS = 30


def describe_table(table: Table) -> dict[str, Any]:
    """Return a summary of a table as plain numbers, texts and lists, ready for JSON.

    Args:
        table: any table.
    Returns:
        `source`, `rows`, `rows_left_out`, `features` (count), `task`, `target`, `fingerprint`;
        `classes`: a list of `name`, `rows`, `fraction` (empty for regression);
        `columns`: a list of `name`, `min`, `max`, `mean`, `std` (population), `edges` (31 bin edges) and
        `counts` (30, of all rows) and `class_counts` (a list of 30 counts for each class; empty for regression);
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
    codes = None if table.task == "regression" else table.target.astype(np.int64)
    columns = [
        _describe_column(name, table.features[:, index], codes, len(table.class_names))
        for index, name in enumerate(table.feature_names)
    ]
    return {
        "source": table.source.source,
        "rows": table.rows,
        "rows_left_out": table.rows_left_out,
        "features": table.n_features,
        "task": table.task,
        "target": table.target_name,
        "fingerprint": table.fingerprint,
        "classes": _describe_classes(table, codes),
        "columns": columns,
        "target_column": None
        if codes is not None
        else _describe_column(table.target_name, table.target, None, 0),
    }


def _describe_classes(table: Table, codes: npt.NDArray[np.int64] | None) -> list[dict[str, Any]]:
    if codes is None:
        return []
    counts = np.bincount(codes, minlength=len(table.class_names)).tolist()
    return [
        {"name": name, "rows": count, "fraction": count / table.rows}
        for name, count in zip(table.class_names, counts, strict=True)
    ]


def _describe_column(
    name: str, values: npt.NDArray[np.float32 | np.int32], codes: npt.NDArray[np.int64] | None, classes: int
) -> dict[str, Any]:
    # float64: a float32 sum over millions of rows loses digits, and float32 bin edges can coincide.
    wide = values.astype(np.float64)
    edges = np.histogram_bin_edges(wide, HISTOGRAM_BINS)
    return {
        "name": name,
        "min": float(wide.min()),
        "max": float(wide.max()),
        "mean": float(wide.mean()),
        "std": float(wide.std()),
        "edges": edges.tolist(),
        "counts": np.histogram(wide, edges)[0].tolist(),
        "class_counts": [np.histogram(wide[codes == index], edges)[0].tolist() for index in range(classes)],
    }
