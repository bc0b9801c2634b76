"""All tests here compile programs."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def shared_programs(compiled_once) -> None:
    """Compile each program once a session."""
