"""Worlds with a known truth, and the engine itself training on them in this process.

The engine measures test rows with the targets it is given. Cross-entropy is linear in the target, so where fresh rows
carry the true probability of class 1 in place of a class, what it measures is each row's expected loss: the truth,
without the noise of labels.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from justright.data import tables
from justright.data.tables import Teacher
from justright.runs.events import Event, RunFinished, RunKey, StackCheckpoint
from justright.runs.losses import constant_loss
from justright.runs.tasks import StackTask, Storage, StudyRows
from justright.study.families import Mlp
from justright.study.recipe import Recipe

FEATURES = 8  # of every world, so that all share their compiled programs; how many of them matter varies
NOISES = (0.2, 0.35, 0.6)  # Bayes losses of about 0.25, 0.38 and 0.52
TRAIN, VALIDATION, POOL, FRESH = 1, 2, 3, 4  # seeds of a world's samples


@dataclass(frozen=True)
class Sizes:
    """Rows of a world.

    Args:
        train, validation: as in a study.
        pool: rows with drawn classes, from which studies take their test rows.
        fresh: rows with true probabilities, for the truth.
    """

    train: int
    validation: int
    pool: int
    fresh: int


@dataclass(frozen=True)
class Trained:
    """What all seeds of one variant came to on one training size.

    Shape:
        best, last: (seeds, pool) losses at the chosen and the last epoch; true_best, true_last: (seeds,) true losses.
        train_best, train_last: (seeds,) losses of training rows; epochs, best_epochs: (seeds,).
    """

    best: np.ndarray
    last: np.ndarray
    true_best: np.ndarray
    true_last: np.ndarray
    train_best: np.ndarray
    train_last: np.ndarray
    epochs: np.ndarray
    best_epochs: np.ndarray


def world_teacher(number: int) -> Teacher:
    """Return the teacher of a world: its noise and how many features matter vary with its number."""
    features = 3 + number % (FEATURES - 2)
    return tables.teacher(
        features,
        irrelevant=FEATURES - features,
        # Shifted after each round of feature counts, so that 18 worlds are all 18 combinations.
        noise=NOISES[(number + number // (FEATURES - 2)) % len(NOISES)],
        seed=number,
    )


def world_rows(number: int, sizes: Sizes) -> tuple[StudyRows, float]:
    """Return a world's rows as the engine takes them, test rows before fresh ones, and the constant's loss on the pool."""
    teacher = world_teacher(number)
    train, validation, pool, fresh = (
        teacher.sample(count, seed=seed)
        for count, seed in (
            (sizes.train, TRAIN),
            (sizes.validation, VALIDATION),
            (sizes.pool, POOL),
            (sizes.fresh, FRESH),
        )
    )
    known = (train.features, train.target), (validation.features, validation.target)
    constant = constant_loss(StudyRows("binary", 1, *known, (pool.features, pool.target)))
    test = (
        np.concatenate([pool.features, fresh.features]),
        np.concatenate([pool.target, fresh.truth.astype(np.float32)]),
    )
    return StudyRows("binary", 1, *known, test), constant


class Engine:
    """The engine in this process: compiled programs are kept from world to world, since all have the same shapes.

    Args:
        recipe: how everything is trained; resolved here.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.cache: dict = {}

    def train(
        self, name: str, build: Mlp, rows: StudyRows, *, seeds: Sequence[int], train_rows: int, pool: int
    ) -> Trained:
        """Return all seeds of a variant, trained as one stack on the first `train_rows` rows."""
        from justright.training.stack import run_stack

        finished: list[RunFinished] = []

        def emit(event: Event) -> None:
            if isinstance(event, StackCheckpoint):
                finished.extend(event.finished)

        runs = tuple(RunKey(name, seed, train_rows) for seed in seeds)
        task = StackTask(
            *(f"{name}-{train_rows}", name, build, self.recipe.resolve("binary", train_rows), runs),
            models=("",) * len(runs),
            train_index=np.arange(train_rows),
            checkpoint_seconds=float("inf"),
        )
        # Keras collects garbage for every network; leaving the libraries out of that halves the time.
        gc.freeze()
        nothing = Storage(Path(), lambda *_: None, _refuse_to_read, _forget_model)
        run_stack(task, rows, nothing, emit, lambda: False, self.cache)
        return _collected(sorted(finished, key=lambda run: run.run.seed), pool)


def _forget_model(model: object, path: Path, about: object) -> None:
    """Take a run's best model and keep nothing of it."""


def _refuse_to_read(path: Path) -> tuple[dict, dict]:
    raise AssertionError("no stack of the calibration goes on from a checkpoint")


def _collected(runs: Sequence[RunFinished], pool: int) -> Trained:
    outcomes = {run.outcome for run in runs}
    assert outcomes <= {"finished", "stopped early"}, outcomes
    best = [_test_losses(run, run.best_epoch) for run in runs]
    last = [_test_losses(run, run.epochs - 1) for run in runs]
    loss = "fixed_binary_crossentropy"
    return Trained(
        best=np.array([losses[:pool] for losses in best]),
        last=np.array([losses[:pool] for losses in last]),
        true_best=np.array([losses[pool:].mean(dtype=np.float64) for losses in best]),
        true_last=np.array([losses[pool:].mean(dtype=np.float64) for losses in last]),
        train_best=np.array([run.best[loss] for run in runs]),
        train_last=np.array([run.last[loss] for run in runs]),
        epochs=np.array([run.epochs for run in runs]),
        best_epochs=np.array([run.best_epoch for run in runs]),
    )


def _test_losses(run: RunFinished, epoch: int) -> np.ndarray:
    return next(rows.losses for rows in run.rows if rows.kind == "test" and rows.epoch == epoch)


Variants = Mapping[str, tuple[Mlp, str | None]]
