"""What is sent to workers: plain picklable descriptions, without JAX or Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.read_options import Task
from justright.runs.events import RunKey
from justright.runs.limits import CHECKPOINT_SECONDS
from justright.study.recipe import Recipe
from justright.study.registered import registered_objects
from justright.study.variant import Build


@dataclass(frozen=True, slots=True)
class ChosenRows:
    """Some rows of an array in a given order, copied a slice at a time.

    Args:
        values: (rows, features).
        places: of the chosen rows in `values`.
    """

    values: npt.NDArray[np.float32]
    places: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, part: slice) -> npt.NDArray[np.float32]:
        return self.values[self.places[part]]


Arrays = tuple[npt.NDArray[np.float32], npt.NDArray[Any]]
Index = range | npt.NDArray[np.int64]
# Features and targets of rows that are measured; many of them are not copied out of the table.
PartArrays = tuple[npt.NDArray[np.float32] | ChosenRows, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class TargetUnits:
    """The units of a numeric target: a network predicts numbers near 0, times `scale`, plus `offset`.

    Args:
        scale: standard deviation of the target; 1 for a constant one.
        offset: its mean.
    """

    scale: float
    offset: float

    @classmethod
    def of(cls, targets: npt.NDArray[Any]) -> TargetUnits:
        """Return the units of (rows,) training targets.

        Example:
            >>> TargetUnits.of(np.array([10.0, 30.0]))
            TargetUnits(scale=10.0, offset=20.0)
        """
        values = targets.astype(np.float64)
        return cls(float(values.std()) or 1.0, float(values.mean()))


@dataclass(frozen=True, slots=True)
class StudyRows:
    """The rows of a study, sent to each worker once.

    Training rows stay where they are, in the study's table: a copy of them would be the largest in memory. So do many
    validation or test rows.

    Shape:
        train, validation, test: ((rows, features) float32, (rows,)); test may have no rows. Features of the last two may be
            `ChosenRows` of those of `train`.

    Args:
        task: the table's task.
        outputs: width of a model's last layer: the classes, or 1.
        train: rows among which the training rows are.
        train_places: (training rows,), where in `train` each of them is; None if they are all, in their order.
        units: the units in which networks predict a numeric target; None leaves their outputs as they are.
        class_names: what the numbers of classes stand for; empty for a regression.
        train_weights: (rows,) float32, how much each of `train` counts in training; None if all count the same.
        validation_weights, test_weights: (rows,) float32, how much each of the others counts in means of losses and metrics, as
            then those of `train` do as well; None if all count the same there.
        feature_names: after which a model's inputs may be named; empty if they are not known.
    """

    task: Task
    outputs: int
    train: Arrays
    validation: PartArrays
    test: PartArrays
    train_places: npt.NDArray[np.int32] | None = None
    units: TargetUnits | None = None
    class_names: tuple[str, ...] = ()
    train_weights: npt.NDArray[np.float32] | None = None
    feature_names: tuple[str, ...] = ()
    validation_weights: npt.NDArray[np.float32] | None = None
    test_weights: npt.NDArray[np.float32] | None = None

    def places(self, index: Index) -> npt.NDArray[np.int32]:
        """Return where in `train` some of the training rows are.

        Args:
            index: their positions among the training rows.
        """
        if isinstance(index, range):
            part = slice(index.start, index.stop, index.step)
            return (
                np.arange(len(self.train[0]), dtype=np.int32)[part]
                if self.train_places is None
                else self.train_places[part]
            )
        return index.astype(np.int32) if self.train_places is None else self.train_places[index]

    @property
    def train_count(self) -> int:
        """Number of training rows."""
        return len(self.train[0] if self.train_places is None else self.train_places)

    @property
    def train_targets(self) -> npt.NDArray[Any]:
        """The targets of the training rows."""
        return self.train[1] if self.train_places is None else self.train[1][self.train_places]

    @property
    def measures_weighted(self) -> bool:
        """Whether rows count by their weights in means of losses and metrics."""
        return self.validation_weights is not None

    @property
    def weights_of_train_rows(self) -> npt.NDArray[np.float32] | None:
        """How much each training row counts; None if all count the same."""
        if self.train_weights is None or self.train_places is None:
            return self.train_weights
        return self.train_weights[self.train_places]

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """All arrays, each once."""
        optional = (self.train_places, self.train_weights, self.validation_weights, self.test_weights)
        features = (part[0] for part in (self.validation, self.test))
        return (
            *(*self.train, self.validation[1], self.test[1]),
            *(values.places if isinstance(values, ChosenRows) else values for values in features),
            *(values for values in optional if values is not None),
        )

    def with_arrays(self, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> StudyRows:
        """Return these rows with each of their arrays replaced by what `change` returns for it."""
        train = change(self.train[0]), change(self.train[1])

        def changed(part: PartArrays) -> PartArrays:
            features, targets = part
            if isinstance(features, ChosenRows):
                return ChosenRows(train[0], change(features.places)), change(targets)
            return change(features), change(targets)

        validation, test = changed(self.validation), changed(self.test)
        names = ("train_places", "train_weights", "validation_weights", "test_weights")
        given = {name: getattr(self, name) for name in names}
        optional: dict[str, Any] = {
            name: None if values is None else change(values) for name, values in given.items()
        }
        return replace(self, train=train, validation=validation, test=test, **optional)

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
        save_model: (Keras model, path, what it is in plain values) written aside, flushed and renamed.
    """

    folder: Path
    write_tensors: Callable[[Path, Mapping[str, npt.NDArray[Any]], Mapping[str, str]], None]
    read_tensors: Callable[[Path], tuple[dict[str, npt.NDArray[Any]], dict[str, str]]]
    save_model: Callable[[Any, Path, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class BuildTask:
    """Build every variant once and describe it: the check before anything trains.

    Args:
        variants: name, builder and recipe of each.
        registered: classes and functions to register with Keras first.
        traces_steps: whether to trace the steps of those that may share a program, as on an accelerator.
    """

    variants: tuple[tuple[str, Build, Recipe], ...]
    registered: Mapping[str, Any] = field(default_factory=registered_objects)
    traces_steps: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """One of several variants of a stack: its network and its recipe."""

    build: Build
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class StackTask:
    """Train one stack: runs on one training size, one lane per run. They are seeds of one variant, or of several companions.

    Shape:
        train_index: (train rows,) positions among the split's training rows; a smaller training size is a prefix, for which a
            range takes no memory.

    Args:
        name: unique among the study's stacks; begins its checkpoints' file names.
        variant, build, recipe: what is trained; of several multilayer perceptrons the one whose network has all strengths.
        runs: one per lane.
        models: where each run's model goes, relative to the folder: those of `runs`, then those of `waiting`.
        checkpoint: the checkpoint to resume from, relative to the folder; None starts from the beginning.
        registered: classes and functions to register with Keras first.
        together: whether lanes are computed together, as on an accelerator, rather than one after the other.
        devices: how many devices train the stack together, its large values sharded over them.
        members: the variants by name, if there are several; see `shared_programs.companions`.
        waiting: further runs, each of which takes the lane of a run that has ended.
        form: what the steps of all its variants have in common, see `StepTraced`; empty where they were not traced.
    """

    name: str
    variant: str
    build: Build
    recipe: Recipe
    runs: tuple[RunKey, ...]
    models: tuple[str, ...]
    train_index: Index
    checkpoint: str | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    registered: Mapping[str, Any] = field(default_factory=registered_objects)
    together: bool = False
    devices: int = 1
    members: Mapping[str, Member] = field(default_factory=dict)
    waiting: tuple[RunKey, ...] = ()
    form: str = ""

    @property
    def all_runs(self) -> tuple[RunKey, ...]:
        """Those that have a lane, and those that wait."""
        return (*self.runs, *self.waiting)

    def seated(self, runs: Sequence[RunKey], waiting: Sequence[RunKey]) -> StackTask:
        """Return the task with other runs in its lanes and others that wait, all of which it has."""
        models = dict(zip(self.all_runs, self.models, strict=True))
        return replace(
            self,
            runs=tuple(runs),
            waiting=tuple(waiting),
            models=tuple(models[run] for run in (*runs, *waiting)),
        )

    def of(self, variant: str) -> StackTask:
        """Return the task with the network and the recipe of one of its variants."""
        if variant not in self.members:
            return self
        member = self.members[variant]
        return replace(self, variant=variant, build=member.build, recipe=member.recipe, members={})

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of its variants, in the order of their first lanes."""
        return tuple(dict.fromkeys(run.variant for run in self.all_runs))

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

    @property
    def registered(self) -> Mapping[str, Any]:
        """Those of the stack."""
        return self.stack.registered


WorkerTask = BuildTask | StackTask | MeasureTask | ReferenceTask


def checkpoint_path(stack: str, epoch: int) -> str:
    """Return where a stack's state after `epoch` epochs is kept, relative to the study folder.

    Example:
        >>> checkpoint_path("Tiny-x8", 120)
        'checkpoints/Tiny-x8-0000120.safetensors'
    """
    return f"checkpoints/{stack}-{epoch:07d}.safetensors"
