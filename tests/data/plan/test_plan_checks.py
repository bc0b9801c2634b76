"""Plans from strangers: any value in the place of any other ends in one sentence, or in features."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.refusals import refusal

import justright as jr
from justright.data.plan.table_plan import Plan
from justright.errors import InputError

ODD: tuple[Any, ...] = (
    *(None, True, -1, 10**30, 1e308, float("nan"), "x", "", "%", "(", "\ud800"),
    *([], [1], [[]], [None], ["a", "a"], {}, {"a": 1}),
)


def table(rows: int = 90) -> pl.DataFrame:
    """Return a table with a column of each kind."""
    random = np.random.default_rng(0)
    days = random.integers(1, 9, rows)
    return pl.DataFrame(
        {
            "number": random.normal(size=rows).round(2),
            "money": [
                f"$1,{value:03d}.5" if row % 7 else "NA" for row, value in enumerate(range(100, 100 + rows))
            ],
            "colour": random.choice(list("abcde"), rows),
            "many": [f"L{value}" for value in random.integers(0, 30, rows)],
            "two": random.choice(["yes", "no"], rows),
            "size": random.choice(["S", "M", "L"], rows),
            "month": random.choice(["jan", "feb", "mar"], rows),
            "when": [f"2019-0{day}-1{day} 1{day}:05" for day in days],
            "name": [f"x{row}" for row in range(rows)],
            "y": random.choice(["p", "q"], rows),
        }
    )


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    """The plan of that table, as JSON holds it."""
    plan = jr.read_table(table(), target="y").plan
    assert plan is not None
    values: dict[str, Any] = json.loads(json.dumps(plan.to_dict()))
    kinds = {column["kind"] for column in values["columns"]}
    assert kinds == {"category", "left out", "moment", "number", "ordered", "two levels"}
    return values


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in plain values, of lists the first two."""
    if place:
        yield place
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    if isinstance(value, list) and place == ("columns",):
        inner = enumerate(value)
    for key, one in inner:
        yield from places(one, (*place, key))


def test_a_plan_comes_back_as_it_was(plain) -> None:
    """From JSON, with the same features."""
    plan = Plan.from_dict(plain)
    assert plan.to_dict() == plain
    assert plan.prepare(table(), label="t").features.shape == (90, len(plan.feature_names))


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_any_value_in_any_place_is_refused_or_makes_finite_features(plain, odd) -> None:
    """Neither a traceback nor a panic of Polars, wherever it stands."""
    rows = table().head(4)
    for place in places(plain):
        values = copy.deepcopy(plain)
        inner: Any = values
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = odd
        try:
            prepared = Plan.from_dict(values).prepare(rows, label="t")
        except InputError:
            continue
        assert np.isfinite(prepared.features).all(), place


def test_what_is_wrong_is_named(plain) -> None:
    """The field and the value."""
    values = copy.deepcopy(plain)
    values["columns"][0]["fill"] = "x"
    assert refusal(Plan.from_dict, values) == (
        "A table's plan must be as justright wrote it; ValueError(\"'fill' of a column cannot be 'x'\")."
    )
