"""A study folder, and events as the engine sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from justright.records.folder import StudyFolder
from justright.records.store import Store
from justright.runs.events import EpochBlock, RowLosses, RunFinished, RunKey, StackCheckpoint

RUN = RunKey("Tiny", 0, 10_000)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[StudyFolder]:
    """A new study folder, owned."""
    with StudyFolder.open(tmp_path / "study", "create") as folder:
        yield folder


@pytest.fixture
def store(folder: StudyFolder) -> Iterator[Store]:
    """Its store."""
    with Store(folder) as store:
        yield store


@pytest.fixture
def block() -> Callable[..., EpochBlock]:
    """A maker of blocks of consecutive epochs, with a fixed-subset metric measured at even epochs only."""

    def make(run: RunKey = RUN, first: int = 0, epochs: int = 5, shift: float = 0.0) -> EpochBlock:
        numbers = np.arange(first, first + epochs, dtype=np.float64)
        metrics = {
            "loss": 0.7 - numbers / 300 + shift,
            "val_loss": 0.8 - numbers / 700 + shift,
            "fixed_accuracy": np.where(numbers % 2 == 0, numbers / 1_000, np.nan),
            "learning_rate": 0.001 / (1 + numbers),
        }
        rows = RowLosses(run, "validation", first, np.float32([first, np.nan, np.inf]))
        return EpochBlock(run, first, metrics, (rows,))

    return make


@pytest.fixture
def finished() -> Callable[..., RunFinished]:
    """A maker of the last word of a run."""

    def make(run: RunKey = RUN, epochs: int = 5) -> RunFinished:
        return RunFinished(
            run=run,
            outcome="finished",
            reason="It reached the limit.",
            epochs=epochs,
            best_epoch=epochs - 2,
            train_seconds=1.5,
            best={"loss": 0.1, "val_loss": float("nan")},
            last={"loss": float("inf")},
            test={"loss": 0.25},
            test_last={"loss": 0.5},
            rows=(RowLosses(run, "test", epochs - 1, np.float32([1, 2])),),
            model_path="models/Tiny/seed-0.keras",
        )

    return make


@pytest.fixture
def checkpoint(folder: StudyFolder) -> Callable[..., StackCheckpoint]:
    """A maker of checkpoint events, the file included."""

    def make(name: str, *, blocks=(), finished=(), lanes=(RUN,), epoch: int = 5) -> StackCheckpoint:
        folder.checkpoints_path.mkdir(exist_ok=True)
        (folder.checkpoints_path / name).write_bytes(b"state")
        return StackCheckpoint(
            "stack-0", f"checkpoints/{name}", epoch, tuple(lanes), tuple(blocks), tuple(finished)
        )

    return make
