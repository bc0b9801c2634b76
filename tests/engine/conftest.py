"""Rows for engine tests, and two oracles: plain Keras, and float64 NumPy without any framework."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from justright.engine.local import XLA_FLAGS

# Before Keras or JAX is imported anywhere in this process; the same flags workers get.
os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = " ".join(XLA_FLAGS)

import numpy as np
import polars as pl
import pytest

import justright.data
from justright.engine.events import Event, RunFinished, RunKey, StackCheckpoint
from justright.engine.tasks import StackTask, Storage, StudyRows
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.models import save_model_atomically
from justright.study.recipe import Recipe


@pytest.fixture(scope="session")
def higgs_sim() -> tuple[np.ndarray, np.ndarray]:
    """The packaged table as (features float32, target float32), read without our own reader."""
    path = Path(justright.data.__file__).parent / "simulated" / "higgs_sim.parquet"
    values = pl.read_parquet(path).to_numpy().astype(np.float32)
    return np.ascontiguousarray(values[:, 1:]), np.ascontiguousarray(values[:, 0])


@pytest.fixture(scope="session")
def rows(higgs_sim) -> StudyRows:
    """The tutorial's split of the packaged table: 1,000 validate, 10,000 learn, 2,000 measure."""
    x, y = higgs_sim
    cut = [slice(1_000, 11_000), slice(0, 1_000), slice(11_000, 13_000)]
    return StudyRows("binary", 1, *((np.ascontiguousarray(x[part]), y[part]) for part in cut))


@pytest.fixture(scope="session")
def small_rows(higgs_sim) -> StudyRows:
    """1,250 rows learn (two full batches of 500 and a partial one), 300 validate, 400 measure."""
    x, y = higgs_sim
    cut = [slice(1_000, 2_250), slice(0, 300), slice(3_000, 3_400)]
    return StudyRows("binary", 1, *((np.ascontiguousarray(x[part]), y[part]) for part in cut))


@pytest.fixture
def storage(tmp_path) -> Storage:
    """A study folder that is written as real ones are."""
    (tmp_path / "checkpoints").mkdir()
    return Storage(tmp_path, write_tensors, read_tensors, save_model_atomically)


@pytest.fixture(scope="session")
def few_rows(higgs_sim) -> StudyRows:
    """250 rows learn, 100 validate, 120 measure: enough for every mechanism, compiled in a second."""
    x, y = higgs_sim
    cut = [slice(1_000, 1_250), slice(0, 100), slice(3_000, 3_120)]
    return StudyRows("binary", 1, *((np.ascontiguousarray(x[part]), y[part]) for part in cut))


@dataclass(frozen=True)
class Trained:
    """What a stack said while it trained."""

    events: list[Event]
    is_done: bool

    @property
    def finished(self) -> dict[int, RunFinished]:
        """Seed -> how its run ended."""
        ended = [event.finished for event in self.events if isinstance(event, StackCheckpoint)]
        return {run.run.seed: run for runs in ended for run in runs}

    @property
    def curves(self) -> dict[int, dict[str, np.ndarray]]:
        """Seed -> metric -> (epochs,), the blocks put together."""
        blocks: dict[int, list[Any]] = {}
        for event in self.events:
            for block in event.blocks if isinstance(event, StackCheckpoint) else ():
                assert block.first_epoch == sum(
                    before.epochs for before in blocks.setdefault(block.run.seed, [])
                )
                blocks[block.run.seed].append(block)
        return {
            seed: {
                name: np.concatenate([block.metrics[name] for block in parts]) for name in parts[0].metrics
            }
            for seed, parts in blocks.items()
        }

    @property
    def row_losses(self) -> dict[tuple[int, str, int], np.ndarray]:
        """(seed, kind, epoch) -> losses by row."""
        events = [event for event in self.events if isinstance(event, StackCheckpoint)]
        parts = [part for event in events for part in (*event.blocks, *event.finished)]
        return {(rows.run.seed, rows.kind, rows.epoch): rows.losses for part in parts for rows in part.rows}


@pytest.fixture
def train(storage) -> Callable[..., Trained]:
    """Return a function that trains one stack in this process and returns what it said."""
    from justright.engine.stack import run_stack

    def run(
        build: Any,
        rows: StudyRows,
        recipe: Recipe,
        *,
        seeds: tuple[int, ...] = (0,),
        name: str = "v",
        is_stopping: Callable[[], bool] = lambda: False,
        cache: dict[Any, Any] | None = None,
        **options: Any,
    ) -> Trained:
        count = options.pop("train_rows", len(rows.train[0]))
        task = StackTask(
            name,
            name,
            build,
            recipe.resolve(rows.task, count),
            tuple(RunKey(name, seed, count) for seed in seeds),
            tuple(f"models/{name}/seed-{seed}.keras" for seed in seeds),
            np.arange(count),
            **options,
        )
        (storage.folder / "models" / name).mkdir(parents=True, exist_ok=True)
        events: list[Event] = []
        done = run_stack(task, rows, storage, events.append, is_stopping, {} if cache is None else cache)
        return Trained(events, done)

    return run
