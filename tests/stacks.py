"""Fixtures of tests that train: rows, a stack trained in this process, and an oracle, plain Keras.

A plugin of tests/conftest.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from justright.workers.processes import XLA_FLAGS

# Before Keras or JAX is imported anywhere in this process; the same flags workers get.
os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = " ".join(XLA_FLAGS)

import numpy as np
import polars as pl
import pytest

import justright.higgs
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.models import save_model_atomically
from justright.runs.events import EpochBlock, Event, RunFinished, RunKey, StackCheckpoint
from justright.runs.tasks import StackTask, Storage, StudyRows
from justright.study.recipe import Recipe


@pytest.fixture(scope="session")
def higgs_sim() -> tuple[np.ndarray, np.ndarray]:
    """The packaged table as (features float32, target float32), read without our own reader."""
    path = Path(justright.higgs.__file__).parent / "higgs_sim.parquet"
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
    """What a stack said while it trained in `folder`."""

    events: list[Event]
    is_done: bool
    folder: Path

    @property
    def checkpoints(self) -> list[StackCheckpoint]:
        """The events that make epochs count."""
        return [event for event in self.events if isinstance(event, StackCheckpoint)]

    @property
    def finished(self) -> dict[int, RunFinished]:
        """Seed -> how its run ended."""
        return {ended.run.seed: ended for event in self.checkpoints for ended in event.finished}

    @property
    def curves(self) -> dict[int, dict[str, np.ndarray]]:
        """Seed -> metric -> (epochs,), the blocks put together, which must follow each other without a gap."""
        blocks: dict[int, list[EpochBlock]] = {}
        for block in (block for event in self.checkpoints for block in event.blocks):
            parts = blocks.setdefault(block.run.seed, [])
            assert not parts or block.first_epoch == parts[-1].first_epoch + parts[-1].epochs
            parts.append(block)
        return {
            seed: {name: np.concatenate([part.metrics[name] for part in parts]) for name in parts[0].metrics}
            for seed, parts in blocks.items()
        }

    @property
    def row_losses(self) -> dict[tuple[int, str, int], np.ndarray]:
        """(seed, kind, epoch) -> losses by row."""
        parts = [part for event in self.checkpoints for part in (*event.blocks, *event.finished)]
        return {(rows.run.seed, rows.kind, rows.epoch): rows.losses for part in parts for rows in part.rows}


def assert_same_stack(ours: Trained, theirs: Trained) -> None:
    """Compare everything but times: curves, row losses, ends."""
    assert ours.curves.keys() == theirs.curves.keys()
    for seed, curves in theirs.curves.items():
        for metric, values in curves.items():
            np.testing.assert_array_equal(ours.curves[seed][metric], values, err_msg=f"{seed} {metric}")
    assert ours.row_losses.keys() == theirs.row_losses.keys()
    for key, losses in theirs.row_losses.items():
        np.testing.assert_array_equal(ours.row_losses[key], losses, err_msg=str(key))
    assert ours.finished.keys() == theirs.finished.keys()
    for seed, ended in theirs.finished.items():
        mine = ours.finished[seed]
        assert replace(mine, train_seconds=0, rows=()) == replace(ended, train_seconds=0, rows=())


Train = Callable[..., Trained]


def stops_after(chunks: int) -> Callable[[], bool]:
    """Return what says, asked after each chunk, that it is enough."""
    asked = iter(range(1, 1_000))
    return lambda: next(asked) >= chunks


def train_stack(
    folder: Path,
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
    """Train one stack in this process, in a folder, and return what it said; further options are those of `StackTask`."""
    from justright.training.stacks.stack import run_stack

    count = options.pop("train_rows", len(rows.train[0]))
    task = StackTask(
        name,
        name,
        build,
        recipe.resolve(rows.task, len(rows.train[0])),
        tuple(RunKey(name, seed, count) for seed in seeds),
        tuple(f"models/{name}/seed-{seed}.keras" for seed in seeds),
        np.arange(count),
        **options,
    )
    for place in ("checkpoints", f"models/{name}"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    events: list[Event] = []
    storage = Storage(folder, write_tensors, read_tensors, save_model_atomically)
    done = run_stack(task, rows, storage, events.append, is_stopping, {} if cache is None else cache)
    return Trained(events, done, folder)


@pytest.fixture(scope="session")
def train(tmp_path_factory) -> Train:
    """Return a function that trains one stack in this process and returns what it said: `train_stack`, in a new folder."""

    def run(*arguments: Any, folder: Path | None = None, **options: Any) -> Trained:
        return train_stack(folder or tmp_path_factory.mktemp("stack"), *arguments, **options)

    return run


class Heard:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def handle(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def of(self, kind: type) -> list[Any]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def shared_workers() -> Iterator[None]:
    """Studies of a module go on with the workers that an earlier one has left, as with `keep_workers=True`.

    For tests of what is trained, not of how workers start: each start costs more than such a study. As ever, workers are not
    kept where a study has a user's own functions.
    """
    from justright.session import session

    train = session._Session.train

    def train_kept(self: Any, how: Any) -> bool:
        return train(self, replace(how, keep_workers=True))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session._Session, "train", train_kept)
        yield


def adam(rate: float) -> dict[str, Any]:
    """Return Keras' configuration of a plain Adam."""
    return {"module": "keras.optimizers", "class_name": "Adam", "config": {"learning_rate": rate}}


@pytest.fixture(scope="session")
def plain_keras() -> Callable[..., dict[str, np.ndarray]]:
    """Return a function that trains a model in Keras' own loop, with the engine's batches, and returns its curves."""
    import keras

    from justright.training.orders import batch_order

    def run(
        model: Any,
        rows: StudyRows,
        recipe: Recipe,
        *,
        order_of: Callable[[int, int, int], np.ndarray] = batch_order,
        **compiled: Any,
    ) -> dict[str, np.ndarray]:
        model.compile(**compiled)
        history = []
        column = (slice(None), None) if rows.task != "multiclass" else slice(None)
        for epoch in range(recipe.max_epochs):
            order = order_of(0, epoch, len(rows.train[0]))
            x, y = rows.train[0][order], rows.train[1][order][column]
            logs: dict[str, float] = {}
            for start in range(0, len(order), recipe.batch_size):
                part = slice(start, start + recipe.batch_size)
                model.reset_metrics()
                for name, value in model.train_on_batch(x[part], y[part], return_dict=True).items():
                    logs[name] = logs.get(name, 0.0) + float(value) * len(y[part]) / len(order)
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
            x, y = rows.validation[0], rows.validation[1][column]
            measured = model.evaluate(x, y, batch_size=recipe.batch_size, return_dict=True, verbose=0)
            history.append(logs | {f"val_{name}": value for name, value in measured.items()})
        return {name: np.array([float(entry[name]) for entry in history]) for name in history[0]}

    return run
