"""Plain values: what JSON can hold, and one error for what it cannot."""

from __future__ import annotations

import json

import numpy as np
from tests.refusals import refusal

from justright.runs.plain import plain, to_json


def test_special_floats_and_numpy_types_become_plain() -> None:
    """NumPy scalars, arrays and tuples are unwrapped; NaN and infinities are null."""
    value = {"a": (np.float32(0.5), [np.nan], {"b": np.inf, 3: np.int64(2)}), "c": None, "d": True}
    assert json.loads(to_json(value)) == {"a": [0.5, [None], {"b": None, "3": 2}], "c": None, "d": True}
    assert plain(np.array([1.0, -np.inf])) == [1.0, None]


def test_what_json_cannot_hold_is_refused() -> None:
    """An object would only fail later, without a name."""
    assert (
        refusal(to_json, {"a": 1j}, error=TypeError)
        == "a plain value is text, a number, a list or a mapping; got 1j"
    )
