"""A finished study against its rivals, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables.networks import best_network
from benchmarks.tables.rivals import Measured, measure_rivals
from justright.data.plan.column_plans import LeftOut
from justright.data.plan.table_plan import Plan
from justright.data.read_options import Task
from justright.session.prepare import prepare_study

# A network that is no worse than this, as a share of the better rival's loss, is as good.
TOLERANCE = 0.05
NORMAL_95 = 1.96


def compare(folder: Path) -> dict[str, Any]:
    """Return rows, features, plan, losses, scores and flags of a finished study; everything in the target's units."""
    split = prepare_study(folder=folder, trust=True).split
    facts: dict[str, Any] = {
        "task": split.table.task,
        "rows": split.sizes,
        "features": split.table.n_features,
        "plan": plan_kinds(split.table.plan),
    }
    best = best_network(folder, split)
    if best is None:
        return facts | {"verdict": "none", "says": ["No network was measured."]}
    measured = {"network": best.measured} | measure_rivals(split)
    return facts | {
        "network": best.name,
        "verdict": best.verdict,
        "says": list(best.says),
        "loss": {name: one.loss for name, one in measured.items()},
        "score": {name: one.score for name, one in measured.items()},
        **flags(measured, split.table.task),
    }


def flags(measured: Mapping[str, Measured], task: Task) -> dict[str, Any]:
    """Return how the network does against the constant and the better of its rivals.

    Within 5 % is meant of the better rival's loss. For classes, whose losses may be near zero, 5 % of that rival's gain over
    the constant will do as well. `difference` is the network's loss minus that rival's, with the 95 % interval over test
    rows.
    """
    loss = {name: one.loss for name, one in measured.items()}
    rival = min(("linear", "trees"), key=loss.__getitem__)
    gain, needed = loss["constant"] - loss["network"], loss["constant"] - loss[rival]
    is_close = loss["network"] <= (1 + TOLERANCE) * loss[rival]
    difference = measured["network"].losses - measured[rival].losses
    half = NORMAL_95 * difference.std(ddof=1) / np.sqrt(len(difference))
    return {
        "worse_than_constant": bool(gain < 0),
        "rival": rival,
        "loss_ratio": loss["network"] / loss[rival] if loss[rival] else None,
        "gain_share": gain / needed if needed > 0 else None,
        "within": bool(
            is_close or (task != "regression" and needed > 0 and gain >= (1 - TOLERANCE) * needed)
        ),
        "difference": [float(difference.mean()), float(half)],
    }


def plan_kinds(plan: Plan | None) -> str:
    """Return the kinds of columns in a plan, such as '4 number, 2 category'; empty where there is none."""
    if plan is None:
        return ""
    kinds = Counter(
        f"left out ({column.what})" if isinstance(column, LeftOut) else column.label
        for column in plan.columns
    )
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
