"""A table holds what it says, refuses what is not a table, and has a fingerprint of its content."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest
from tests.refusals import refusal

from justright.data.read import read_table
from justright.data.table import Table


def make(**changes: object) -> Table:
    """Return a small table with some fields changed."""
    fields: dict[str, object] = {
        "features": np.array([[1, 2], [3, 4], [5, 6]], np.float32),
        "target": np.array([0, 1, 1], np.float32),
        "feature_names": ("a", "b"),
        "target_name": "y",
        "task": "binary",
        "class_names": ("0", "1"),
    }
    return Table(**{**fields, **changes})  # type: ignore[arg-type]


BAD = [
    ({"task": "ranking"}, "`task` must be one of 'binary', 'multiclass', 'regression'; got 'ranking'."),
    (
        {"features": np.zeros((3, 2))},
        (
            "`features` must be a C-contiguous float32 array of shape (rows, features); got float64 (3, 2). "
            "Use `read_table`, which converts."
        ),
    ),
    (
        {"features": np.zeros((0, 2), np.float32), "target": np.zeros(0, np.float32)},
        "A table must have at least one row and one feature; got shape (0, 2).",
    ),
    (
        {"target": np.zeros(2, np.float32)},
        "`target` of a binary table must be float32 of shape (3,); got float32 (2,). Use `read_table`, which converts.",
    ),
    ({"feature_names": ("a",)}, "`feature_names` must name all 2 features; got 1 names."),
    (
        {"feature_names": ("a", "a")},
        "Every feature name must be unique; 'a' is number 0 and 1 (from 0). Rename one of them.",
    ),
    (
        {"target_name": "y\n"},
        r"A target name must not hold control characters; got 'y\n'. Rename it.",
    ),
    (
        {"features": np.array([[1, 2], [3, np.nan], [5, 6]], np.float32)},
        "`features` must be finite; row 2 of 'b' holds nan. Fill or drop such rows first.",
    ),
    (
        {"target": np.array([0, 1, np.inf], np.float32)},
        "`target` must be finite; it holds NaN or infinity. Drop such rows first.",
    ),
    (
        {"target": np.array([0, 1, 2], np.float32)},
        "`target` of a binary table must hold class indices 0 to 1 only.",
    ),
    ({"class_names": ()}, "`class_names` of a binary table must name its classes; got ()."),
    (
        {"task": "regression"},
        "`class_names` of a regression table must be empty; got ('0', '1').",
    ),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_what_is_no_table_is_refused(changes, message):
    """Each rule of a table has its sentence."""
    assert refusal(make, **changes) == message


def test_fingerprints_tell_content_apart():
    """Any changed value, name, class or task is another fingerprint; the sign of zero is not."""
    changed = [
        {"features": np.array([[1, 2], [3, 4], [5, 7]], np.float32)},
        {"target": np.array([1, 1, 0], np.float32)},
        {"feature_names": ("a", "c")},
        {"target_name": "z"},
        {"class_names": ("n", "p")},
        {"task": "regression", "class_names": ()},
    ]
    prints = {make(**changes).fingerprint for changes in changed} | {make().fingerprint}
    assert len(prints) == len(changed) + 1
    zero = make(features=np.zeros((3, 2), np.float32))
    assert make(features=-zero.features).fingerprint == zero.fingerprint
    # Written down: an upgrade or platform that changes it would make every study folder look like another study's.
    assert make().fingerprint == EXPECTED_FINGERPRINT


EXPECTED_FINGERPRINT = "4cb9b805bee3f29e025f17c042bf4a56670fcdafa3830226baa529b74a59a81c"


def test_tables_are_frozen_and_travel_to_other_processes():
    """Arrays and fields refuse writes; a pickle round trip keeps the fingerprint."""
    table = make()
    with pytest.raises(ValueError, match="read-only"):
        table.features[0, 0] = 9
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.task = "regression"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(table)).fingerprint == table.fingerprint
    split = read_table("higgs-sim", rows=100).split()
    assert pickle.loads(pickle.dumps(split)).digest("train", "test") == split.digest("train", "test")


def test_importing_the_package_loads_no_reader():
    """Polars, the web client, Keras and JAX come only when a table is read."""
    code = (
        "import sys, justright.data.read;"
        "print([n for n in ('polars', 'http.client', 'zstandard', 'pandas', 'keras', 'jax') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
