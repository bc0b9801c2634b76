"""Worlds with a known truth, and the engine itself training on them in this process.

The engine measures test rows with the targets it is given. Cross-entropy is linear in the target, so where fresh rows
carry the true probability of class 1 in place of a class, what it measures is each row's expected loss: the truth,
without the noise of labels. Other fresh rows take the place of the training rows that the engine measures after every
epoch, which gives the true loss of every epoch.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from scipy import special

from justright.data import tables
from justright.data.tables import Teacher
from justright.runs.events import EpochBlock, Event, RunFinished, RunKey, StackCheckpoint
from justright.runs.grid import measured_epochs
from justright.runs.losses import constant_losses
from justright.runs.tasks import StackTask, Storage, StudyRows
from justright.study.families import Mlp
from justright.study.recipe import Recipe

FEATURES = 8  # of every world, so that all share their compiled programs; how many of them matter varies
NOISES = (0.2, 0.35, 0.6)  # Bayes losses of about 0.25, 0.38 and 0.52
TRAIN, VALIDATION, POOL, FRESH, EVERY_EPOCH = 1, 2, 3, 4, 5  # seeds of a world's samples
EVERY_EPOCH_ROWS = 4_000  # fresh rows whose true loss is measured after every epoch
# The level of a curve near an epoch: a parabola through the epochs at most so far away.
REACH = 5
LOSS = "binary_crossentropy"


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
        curve: (seeds, epochs) mean validation losses, NaN beyond the last epoch; true_curve: likewise true losses, on fewer
            rows than `true_best`.
        train_first, train_best, train_last: (seeds,) losses of training rows; epochs, best_epochs: (seeds,).

    Args:
        validation: for each seed, epoch -> (rows,) validation losses on the grid and at the chosen and last epoch.
        state: where training can go on from; None where nothing was kept.
    """

    best: np.ndarray
    last: np.ndarray
    true_best: np.ndarray
    true_last: np.ndarray
    curve: np.ndarray
    true_curve: np.ndarray
    validation: tuple[Mapping[int, np.ndarray], ...]
    train_first: np.ndarray
    train_best: np.ndarray
    train_last: np.ndarray
    epochs: np.ndarray
    best_epochs: np.ndarray
    state: tuple[dict[str, np.ndarray], dict[str, str]] | None = None

    @property
    def rises(self) -> np.ndarray:
        """(seeds,) true rises from the chosen to the last epoch, exactly these two."""
        return self.true_last - self.true_best

    @property
    def trend_rises(self) -> np.ndarray:
        """(seeds,) true rises of the trend: what single epochs stray from it is taken out at both."""
        strays = [
            stray(curve[:epochs], epochs - 1) - stray(curve[:epochs], best)
            for curve, epochs, best in zip(self.true_curve, self.epochs, self.best_epochs, strict=True)
        ]
        return self.rises - np.array(strays)


@dataclass(frozen=True)
class Rivals:
    """What needs no training: the constant prediction, and the teacher itself, which nothing can beat.

    Shape:
        constant, teacher: (pool,) losses of the test rows.

    Args:
        true_teacher: the teacher's true loss.
    """

    constant: np.ndarray
    teacher: np.ndarray
    true_teacher: float


@dataclass(frozen=True)
class World:
    """A world's rows, and what is known of them without training.

    Args:
        rows: as the engine takes them, the pool of test rows before the fresh ones.
        every_epoch: fresh rows with true probabilities, measured after every epoch.
        rivals: what its networks are compared with.
    """

    rows: StudyRows
    every_epoch: tuple[np.ndarray, np.ndarray]
    rivals: Rivals

    @property
    def pool(self) -> int:
        """Number of test rows that studies are drawn from."""
        return len(self.rivals.constant)


def stray(curve: np.ndarray, epoch: int) -> float:
    """Return how far a curve lies above its own level at one epoch: a parabola through its neighbours.

    Example:
        >>> parabola = 0.1 * (np.arange(20.0) - 8) ** 2
        >>> round(stray(parabola, 8), 9), round(stray(parabola + np.eye(20)[8], 8), 2)
        (0.0, 0.79)
    """
    first, end = max(epoch - REACH, 0), min(epoch + REACH + 1, len(curve))
    x = np.arange(first, end) - float(epoch)
    return float(curve[epoch] - np.polynomial.polynomial.polyfit(x, curve[first:end], 2)[0])


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


def make_world(number: int, sizes: Sizes) -> World:
    """Return a world's rows and what is known of them."""
    teacher = world_teacher(number)
    train, validation, pool, fresh, every = (
        teacher.sample(count, seed=seed)
        for count, seed in (
            (sizes.train, TRAIN),
            (sizes.validation, VALIDATION),
            (sizes.pool, POOL),
            (sizes.fresh, FRESH),
            (EVERY_EPOCH_ROWS, EVERY_EPOCH),
        )
    )
    test = (
        np.concatenate([pool.features, fresh.features]),
        np.concatenate([pool.target, fresh.truth.astype(np.float32)]),
    )
    rows = StudyRows(
        "binary", 1, (train.features, train.target), (validation.features, validation.target), test
    )
    return World(
        rows,
        (every.features, every.truth.astype(np.float32)),
        Rivals(
            constant_losses(rows, pool.target),
            -np.log(np.where(pool.target == 1, pool.truth, 1 - pool.truth)),
            float(special.entr([fresh.truth, 1 - fresh.truth]).sum(axis=0).mean()),
        ),
    )


class Engine:
    """The engine in this process: compiled programs are kept from world to world, since all have the same shapes.

    Args:
        recipe: how everything is trained; resolved here.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.cache: dict = {}

    def train(
        self,
        name: str,
        build: Mlp,
        world: World,
        *,
        seeds: Sequence[int],
        train_rows: int,
        after: Trained | None = None,
    ) -> Trained:
        """Return all seeds of a variant, trained as one stack on the first `train_rows` rows.

        With `after`, the first seeds of a training with a lower epoch limit go on, as a user's would.
        """
        from justright.training.lanes import Rows
        from justright.training.stacks import chunk_plans, stack

        runs = tuple(RunKey(name, seed, train_rows) for seed in seeds)
        task = StackTask(
            *(f"{name}-{train_rows}", name, build, self.recipe.resolve("binary", train_rows), runs),
            models=("",) * len(runs),
            train_index=np.arange(train_rows),
            checkpoint="" if after is None else "kept",
            checkpoint_seconds=float("inf"),
        )
        kept: list[tuple[dict[str, np.ndarray], dict[str, str]]] = []
        storage = Storage(
            Path(), lambda _, *state: kept.append(state), lambda _: _first(after, len(runs)), _forget_model
        )
        # Keras collects garbage for every network; leaving the libraries out of that halves the time.
        gc.freeze()
        session = stack._Session(task, world.rows, storage, _ignore, self.cache)
        session.data = session.data._replace(fixed=Rows(*world.every_epoch))
        with mock.patch.object(chunk_plans, "measured_epochs", lambda _, epochs: np.ones(epochs, bool)):
            while not session.is_done:
                session.train_chunk()
        return _collected(session.checkpoint()(), runs, world.pool, kept[0])


def _first(trained: Trained, count: int) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return the state of the first seeds."""
    tensors, about = trained.state
    return {
        key: values if key == "train_seconds" else values[:count] for key, values in tensors.items()
    }, about


def _ignore(event: Event) -> None:
    """Take an event and do nothing."""


def _forget_model(model: object, path: Path, about: object) -> None:
    """Take a run's best model and keep nothing of it."""


def _collected(done: StackCheckpoint, runs: Sequence[RunKey], pool: int, state: tuple) -> Trained:
    by_run = {run.run: run for run in done.finished}
    ended = [by_run[run] for run in runs]
    outcomes = {run.outcome for run in ended}
    assert outcomes <= {"finished", "stopped early"}, outcomes
    blocks = {run: [block for block in done.blocks if block.run == run] for run in runs}
    best = [_test_losses(run, run.best_epoch) for run in ended]
    last = [_test_losses(run, run.epochs - 1) for run in ended]
    fixed = f"fixed_{LOSS}"
    return Trained(
        best=np.array([losses[:pool] for losses in best]),
        last=np.array([losses[:pool] for losses in last]),
        true_best=np.array([losses[pool:].mean(dtype=np.float64) for losses in best]),
        true_last=np.array([losses[pool:].mean(dtype=np.float64) for losses in last]),
        curve=_padded([_curve(blocks[run], f"val_{LOSS}") for run in runs]),
        true_curve=_padded([_curve(blocks[run], fixed) for run in runs]),
        validation=tuple(_validation(blocks[run.run], run) for run in ended),
        train_first=np.array([_curve(blocks[run], LOSS)[0] for run in runs]),
        train_best=np.array([run.best[fixed] for run in ended]),
        train_last=np.array([run.last[fixed] for run in ended]),
        epochs=np.array([run.epochs for run in ended]),
        best_epochs=np.array([run.best_epoch for run in ended]),
        state=state,
    )


def _curve(blocks: Sequence[EpochBlock], metric: str) -> np.ndarray:
    return np.concatenate([block.metrics[metric] for block in blocks])


def _padded(curves: Sequence[np.ndarray]) -> np.ndarray:
    """Return curves as a table, NaN after their ends."""
    length = max(map(len, curves))
    return np.array([np.pad(one, (0, length - len(one)), constant_values=np.nan) for one in curves])


def _validation(blocks: Sequence[EpochBlock], run: RunFinished) -> dict[int, np.ndarray]:
    """Return epoch -> validation losses by row, as a study folder holds them."""
    rows = [each for block in blocks for each in block.rows] + list(run.rows)
    found = {each.epoch: each.losses for each in rows if each.kind == "validation"}
    kept = {*np.flatnonzero(measured_epochs(0, run.epochs)).tolist(), run.best_epoch, run.epochs - 1}
    return {epoch: losses for epoch, losses in sorted(found.items()) if epoch in kept}


def _test_losses(run: RunFinished, epoch: int) -> np.ndarray:
    return next(rows.losses for rows in run.rows if rows.kind == "test" and rows.epoch == epoch)


Variants = Mapping[str, tuple[Mlp, str | None]]
