"""What trains the stacks of this folder: they share their programs, which take longest."""

from __future__ import annotations

import pytest
from tests.training.together.mixed_stacks import Stacks

from justright.training import stack


@pytest.fixture(scope="package")
def stacks(few_rows, tmp_path_factory):
    """What trains stacks here."""
    return Stacks(few_rows, tmp_path_factory)


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    """Up to four epochs."""
    monkeypatch.setattr(stack, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(stack, "MAX_CHUNK_EPOCHS", 4)
