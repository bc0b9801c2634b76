"""Classes and functions that a test registers with Keras: no other test of the same process is to find them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def own_keras_objects() -> Iterator[dict[str, Any]]:
    """Give Keras' dictionary of registered objects, and put it back as it was afterwards."""
    import keras

    known = keras.saving.get_custom_objects()
    before = dict(known)
    try:
        yield known
    finally:
        known.clear()
        known.update(before)


@pytest.fixture
def keras_objects() -> Iterator[dict[str, Any]]:
    """Keras' dictionary of registered objects, as it is put back afterwards."""
    with own_keras_objects() as known:
        yield known
