"""What a table looks like: sizes, class balance, and the distribution of every feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.build import plan_columns
from justright.data.checks import MAX_FLOAT
from justright.data.plan.column_plans import LeftOut
from justright.data.plan.table_plan import Plan
from justright.data.readers.raw import RawTable
from justright.data.sources import Request
from justright.data.table import Table

# Bins of a histogram: fine enough to show a peak, coarse enough for a small picture.
HISTOGRAM_BINS = 30
# Of a table with more features, those have a histogram that tell most about the target: ten rows of six in a report.
MAX_HISTOGRAMS = 60
CHUNK_VALUES = 4_000_000  # described at once: 32 MB
NO_HISTOGRAM: dict[str, Any] = {"edges": [], "counts": [], "class_counts": []}


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
    codes = None if table.task == "regression" else table.target.astype(np.int64)
    classes = len(table.class_names)
    moments, strengths = _describe_numbers(table, codes)
    drawn = set(np.argsort(-strengths, kind="stable")[:MAX_HISTOGRAMS].tolist())
    columns = [
        {"name": name}
        | numbers
        | (_histogram(table.features[:, index], codes, classes) if index in drawn else NO_HISTOGRAM)
        for index, (name, numbers) in enumerate(zip(table.feature_names, moments, strict=True))
    ]
    target_column = None
    if codes is None:
        numbers, _ = _moments(table.target[None].astype(np.float64))
        target_column = {"name": table.target_name} | numbers[0] | _histogram(table.target, None, 0)
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


def _describe_classes(table: Table, codes: npt.NDArray[np.int64] | None) -> list[dict[str, Any]]:
    if codes is None:
        return []
    counts = np.bincount(codes, minlength=len(table.class_names)).tolist()
    return [
        {"name": name, "rows": count, "fraction": count / table.rows}
        for name, count in zip(table.class_names, counts, strict=True)
    ]


def _describe_numbers(
    table: Table, codes: npt.NDArray[np.int64] | None
) -> tuple[list[dict[str, Any]], npt.NDArray[np.float64]]:
    """Return each feature's range and moments, and what it tells of the target by itself: a share of its variance.

    The share is what lies between classes, or the squared correlation with a numeric target. Where all features have
    histograms nobody asks for it, and it is 0.

    Shape:
        shares: (features,), in [0, 1].
    """
    found: list[dict[str, Any]] = []
    shares = np.zeros(table.n_features)
    at_once = max(1, CHUNK_VALUES // max(1, table.rows))
    for start in range(0, table.n_features, at_once):
        # float64: a float32 sum over millions of rows loses digits.
        part = np.array(table.features[:, start : start + at_once].T, np.float64, order="C")
        numbers, deviations = _moments(part)
        found += numbers
        if table.n_features > MAX_HISTOGRAMS:
            shares[start : start + at_once] = _shares_told(deviations, table.target, codes)
    return found, shares


def _moments(values: npt.NDArray[np.float64]) -> tuple[list[dict[str, Any]], npt.NDArray[np.float64]]:
    """Return min, max, mean and standard deviation of each column, and deviations from the mean in a unit of its own.

    Sums of huge values overflow, and squares of tiny ones vanish: each column is scaled by a power of two, which
    rounds nothing. What is not finite is left out; a column without any finite value has None for each number.

    Shape:
        values: (columns, rows); overwritten.
    """
    is_finite = np.isfinite(values)
    counts = is_finite.sum(1)
    low = np.where(is_finite, values, np.inf).min(1, initial=np.inf)
    high = np.where(is_finite, values, -np.inf).max(1, initial=-np.inf)
    largest = np.where(counts, np.maximum(np.abs(low), np.abs(high)), 0.0)
    power = np.frexp(largest)[1]
    values[~is_finite] = 0.0
    np.ldexp(values, -power[:, None], out=values)
    number = np.maximum(counts, 1)
    mean = values.sum(1) / number
    values -= mean[:, None]
    values[~is_finite] = 0.0
    deviation = np.sqrt(np.einsum("cr,cr->c", values, values) / number)
    columns = {"min": low, "max": high, "mean": np.ldexp(mean, power), "std": np.ldexp(deviation, power)}
    lists = {name: column.tolist() for name, column in columns.items()}
    numbers = [
        {name: column[index] if counts[index] else None for name, column in lists.items()}
        for index in range(len(values))
    ]
    return numbers, values


def _shares_told(
    deviations: npt.NDArray[np.float64], target: npt.NDArray[Any], codes: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.float64]:
    """Return the share of each column's variance that the target tells; 0 for a constant column."""
    total = np.einsum("cr,cr->c", deviations, deviations)
    if codes is None:
        wanted = target.astype(np.float64)
        wanted = wanted / (np.abs(wanted).max(initial=0.0) or 1.0)
        wanted -= wanted.mean()
        told = (deviations @ wanted) ** 2 / (wanted @ wanted or 1.0)
    else:
        order = np.argsort(codes, kind="stable")
        present, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
        sums = np.add.reduceat(deviations[:, order], starts, axis=1) if len(present) else deviations[:, :0]
        told = (sums**2 / counts).sum(1)
    shares: npt.NDArray[np.float64] = np.divide(told, total, out=np.zeros(len(total)), where=total > 0)
    return shares


def _histogram(
    values: npt.NDArray[np.floating[Any] | np.int32], codes: npt.NDArray[np.int64] | None, classes: int
) -> dict[str, Any]:
    """Return `edges`, `counts` and `class_counts` of one column's finite values; empty lists if there is none.

    A constant stands in the middle of a range around it. Ends are the least and the largest value, whatever lies
    between them: NumPy's own histogram refuses ranges that overflow, or whose bins floating point cannot tell apart.
    """
    wide = values.astype(np.float64)
    is_finite = np.isfinite(wide)
    wide = wide[is_finite]
    if not len(wide):
        return NO_HISTOGRAM
    low, high = float(wide.min()), float(wide.max())
    places = np.full(len(wide), HISTOGRAM_BINS // 2)
    is_constant = low == high
    if is_constant:
        room = max(0.5, abs(low) * 1e-6)
        low, high = (max(-MAX_FLOAT, min(MAX_FLOAT, end)) for end in (low - room, high + room))
    unit = (
        1.0 if high / 2 - low / 2 < MAX_FLOAT / 4 else 0.25
    )  # neither the range nor 30 steps of it overflow
    if not is_constant:
        shares = (wide * unit - low * unit) / (high * unit - low * unit)
        places = np.minimum((shares * HISTOGRAM_BINS).astype(np.int64), HISTOGRAM_BINS - 1)
    edges = np.clip(np.linspace(low * unit, high * unit, HISTOGRAM_BINS + 1) / unit, low, high)
    own = codes[is_finite] if codes is not None else 0
    by_class = np.bincount(places + HISTOGRAM_BINS * own, minlength=HISTOGRAM_BINS * max(1, classes))
    by_class = by_class.reshape(-1, HISTOGRAM_BINS)
    return {
        "edges": edges.tolist(),
        "counts": by_class.sum(0).tolist(),
        "class_counts": by_class.tolist() if codes is not None else [],
    }
