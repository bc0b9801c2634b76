"""What is sent to workers: plain picklable descriptions, without JAX or Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.arrays import Task
from justright.runs.events import RunKey
from justright.runs.limits import CHECKPOINT_SECONDS
from justright.study.recipe import Recipe
from justright.study.variant import Build

Arrays = tuple[npt.NDArray[np.float32], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class StudyRows:
    """The rows of a study, sent to each worker once.

    Shape:
        train, validation, test: ((rows, features) float32, (rows,)); test may have no rows.

    Args:
        task: the table's task.
        outputs: width of a model's last layer: the classes, or 1.
    """

    task: Task
    outputs: int
    train: Arrays
    validation: Arrays
    test: Arrays

    @property
    def features(self) -> int:
        """Number of features per row."""
        return int(self.train[0].shape[1])


@dataclass(frozen=True, slots=True)
class Storage:
    """How a worker writes to the study folder; the functions come from `justright.records`.

    Args:
        folder: the study folder.
        write_tensors: (path, tensors, metadata) written aside, flushed and renamed.
        read_tensors: path -> (tensors, metadata).
        save_model: (Keras model, path) written aside, flushed and renamed.
    """

    folder: Path
    write_tensors: Callable[[Path, Mapping[str, npt.NDArray[Any]], Mapping[str, str]], None]
    read_tensors: Callable[[Path], tuple[dict[str, npt.NDArray[Any]], dict[str, str]]]
    save_model: Callable[[Any, Path], None]


@dataclass(frozen=True, slots=True)
class BuildTask:
    """Build every variant once and describe it: the check before anything trains."""

    variants: tuple[tuple[str, Build, Recipe], ...]


@dataclass(frozen=True, slots=True)
class StackTask:
    """Train one stack: the given seeds of one variant on one training size, one lane per seed.

    Shape:
        train_index: (train rows,) positions among the split's training rows; a smaller training size is a prefix.

    Args:
        name: unique among the study's stacks; begins its checkpoints' file names.
        runs: one per lane.
        models: where each lane's model goes, relative to the folder.
        checkpoint: the checkpoint to resume from, relative to the folder; None starts from the beginning.
    """

    name: str
    variant: str
    build: Build
    recipe: Recipe
    runs: tuple[RunKey, ...]
    models: tuple[str, ...]
    train_index: npt.NDArray[np.int64]
    checkpoint: str | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS

    @property
    def seeds(self) -> tuple[int, ...]:
        """The lanes' seeds."""
        return tuple(run.seed for run in self.runs)


@dataclass(frozen=True, slots=True)
class ReferenceTask:
    """Train the reference model (gradient-boosted trees) on all training rows."""

    seed: int = 0


@dataclass(frozen=True, slots=True)
class MeasureTask:
    """Measure test rows with the weights that runs ended with, or save their models again; nothing is trained.

    Args:
        stack: the stack they trained in, with its last checkpoint.
        runs: the runs to measure, with their best and their last weights.
        unsaved: the runs whose models are to be saved, with their best weights.
    """

    stack: StackTask
    runs: frozenset[RunKey]
    unsaved: frozenset[RunKey] = frozenset()


WorkerTask = BuildTask | StackTask | MeasureTask | ReferenceTask


def checkpoint_path(stack: str, epoch: int) -> str:
    """Return where a stack's state after `epoch` epochs is kept, relative to the study folder.

    Example:
        >>> checkpoint_path("Tiny-x8", 120)
        'checkpoints/Tiny-x8-0000120.safetensors'
    """
    return f"checkpoints/{stack}-{epoch:07d}.safetensors"
