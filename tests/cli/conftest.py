"""What several commands read."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A training log with a clear course."""
    path = tmp_path / "log.csv"
    lines = [f"{epoch},{1 - epoch / 100},{0.6 + abs(epoch - 30) / 100}" for epoch in range(90)]
    path.write_text("\n".join(["epoch,loss,val_loss", *lines]))
    return path
