"""What trains the stacks of this folder: they share their programs, which take longest."""

from __future__ import annotations

import pytest
from tests.training.together.mixed_stacks import Stacks

from justright.training.stacks import chunk_plans


@pytest.fixture(scope="package")
def stacks(few_rows, tmp_path_factory):
    """What trains stacks here."""
    return Stacks(few_rows, tmp_path_factory)


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    """Up to four epochs."""
    monkeypatch.setattr(chunk_plans, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(chunk_plans, "MAX_CHUNK_EPOCHS", 4)
