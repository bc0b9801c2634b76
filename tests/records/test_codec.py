"""Values as JSON text and BLOBs: what comes back is what went in."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from justright.records.codec import (
    lanes_from_json,
    losses_from_blob,
    losses_to_blob,
    metrics_from_json,
    metrics_to_json,
)
from justright.runs.events import RunKey
from justright.runs.plain import to_json


@given(st.dictionaries(st.text(), st.floats()))
def test_metrics_come_back_exactly_from_strict_json(metrics) -> None:
    """Every float, NaN and infinities included, in text that any JSON reader takes."""
    text = metrics_to_json(metrics)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    np.testing.assert_equal(metrics_from_json(text), metrics)


@given(arrays.arrays(np.float32, st.integers(0, 20)))
def test_losses_come_back_bit_by_bit(losses) -> None:
    """Also NaN and infinities, as an array that may be changed."""
    back = losses_from_blob(losses_to_blob(losses))
    assert back.tobytes() == losses.tobytes()
    assert back.flags.writeable


def test_losses_are_stored_little_endian() -> None:
    """On any machine, of any input's byte order."""
    assert losses_to_blob(np.array([1.0], ">f4")) == bytes.fromhex("0000803f")


def test_lanes_come_back() -> None:
    """As run keys."""
    lanes = (RunKey("Tiny", 0, 10), RunKey('"é"', -1, 5))
    assert lanes_from_json(to_json(lanes)) == lanes
