"""Simulated tables whose truth is known: rows labelled by a random teacher network, whose probabilities are kept.

A teacher knows the probability of each class for any row, so the loss that no model can beat is known, and the true loss
of any model follows from fresh rows without the noise of their labels. Teacher and student networks go back to Gardner &
Derrida, "Three unfinished works on the optimal storage capacity of networks", J. Phys. A 22 (1989).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from justright.data.checks import check_whole, is_finite_number
from justright.data.read_options import TASKS, Task
from justright.data.table import Table
from justright.errors import InputError, check_one_of

Floats = npt.NDArray[np.float64]

# Rows on which outputs are scaled to variance 1; the scale is then right to 2 %.
SCALING_ROWS = 10_000
BLOCK_ROWS = 50_000  # evaluated at a time: 64 units then take 25 MB
SEED_OF_SCALING, SEED_OF_WEIGHTS = 1, 2  # separate the random draws of one teacher
MIN_CLASSES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows labelled by a teacher, with what it knows about them.

    Shape:
        features: (rows, features) float32, standard normal.
        target: (rows,) as in `Table.target`, drawn from the truth.
        truth: (rows,) probability of class 1 (binary) or mean of the target (regression); (rows, classes) for multiclass.

    Args:
        task: the teacher's task.
        noise: standard deviation of the target around `truth`; only regression uses it.
    """

    features: npt.NDArray[np.float32]
    target: npt.NDArray[np.float32] | npt.NDArray[np.int32]
    truth: Floats
    task: Task
    noise: float

    def expected_losses(self, outputs: npt.ArrayLike) -> Floats:
        """Return each row's loss averaged over all targets it might have had: no label noise is left in it.

        Args:
            outputs: (rows,) or (rows, 1) logits of class 1 or predictions; (rows, classes) logits for multiclass.

        Returns:
            (rows,) cross-entropies in nats, or squared errors.

        Raises:
            InputError: `outputs` does not have one row per row of the sample.

        Example:
            >>> fresh = teacher(2, seed=1).sample(1_000, seed=2)
            >>> bool(np.allclose(fresh.expected_losses(np.zeros(1_000)), np.log(2)))
            True
        """
        values = np.asarray(outputs, dtype=np.float64)
        shape = self.truth.shape
        if values.shape not in {shape, (*shape, 1)}:
            raise InputError(f"`outputs` must have the shape {shape}; got {values.shape}.")
        values = values.reshape(shape)
        if self.task == "binary":
            return np.asarray(np.logaddexp(0, values) - self.truth * values, dtype=np.float64)
        if self.task == "multiclass":
            return np.asarray(-(self.truth * _log_softmax(values)).sum(axis=1), dtype=np.float64)
        return np.asarray((values - self.truth) ** 2 + self.noise**2, dtype=np.float64)

    def bayes_losses(self) -> Floats:
        """Return (rows,) the expected loss of the truth itself, which no model can beat."""
        if self.task == "regression":
            return np.full(len(self.truth), self.noise**2)
        known = self.truth if self.task == "multiclass" else np.stack([1 - self.truth, self.truth], axis=1)
        # A probability of exactly 0 adds nothing: the limit of p log p.
        return np.asarray(-(known * np.log(np.maximum(known, np.finfo(np.float64).tiny))).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Teacher:
    """A random network that labels rows: a source of tables whose truth is known.

    Args:
        features: features that matter, standard normal and independent.
        irrelevant: further features, of which nothing depends.
        units: width of each hidden layer, with tanh; () for a linear teacher, that any network can follow.
        task: what is to be learned.
        classes: of `multiclass`; 2 for `binary`, 0 for `regression`.
        noise: temperature that logits of variance 1 are divided by, or the standard deviation of what is added to a mean of
            variance 1. 0.5 leaves a binary Bayes loss near 0.47, where 0.69 is a coin's; larger is noisier.
        seed: which network; the same seed gives the same one on every platform.

    Raises:
        InputError: an option is out of range.

    Example:
        >>> world = teacher(8, seed=5)
        >>> split = world.table(3_000).split(validation=500, train=1_000, order="head")
        >>> split.sizes["test"], round(world.bayes_loss(), 2) < 0.69
        (1500, True)
    """

    features: int = 8
    _: KW_ONLY
    irrelevant: int = 0
    units: tuple[int, ...] = (16,)
    task: Task = "binary"
    classes: int = MIN_CLASSES
    noise: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("features", self.features, least=1)
        check_whole("irrelevant", self.irrelevant, least=0)
        check_whole("seed", self.seed, least=0)
        check_one_of("task", self.task, TASKS)
        for width in self.units:
            check_whole("units", width, least=1)
        if self.task == "multiclass":
            check_whole("classes", self.classes, least=MIN_CLASSES)
        if not is_finite_number(self.noise) or self.noise <= 0:
            raise InputError(f"`noise` must be a finite number above 0; got {self.noise!r}.")
        known = {"binary": 2, "regression": 0}.get(self.task, self.classes)
        for name, value in (("units", tuple(self.units)), ("classes", known), ("noise", float(self.noise))):
            object.__setattr__(self, name, value)

    def sample(self, rows: int, *, seed: int) -> Sample:
        """Return fresh rows: the same seed gives the same rows, another seed independent ones.

        Raises:
            InputError: `rows` or `seed` is not a whole number in range.
        """
        check_whole("rows", rows, least=1)
        check_whole("seed", seed, least=0)
        rng = np.random.default_rng([self.seed, 0, seed])
        features = rng.standard_normal((rows, self.features + self.irrelevant), dtype=np.float32)
        truth = self._truth(features)
        return Sample(features, self._draw(truth, rng), truth, self.task, self.noise)

    def table(self, rows: int, *, seed: int = 0) -> Table:
        """Return fresh rows as a table, for `Table.split` and `Study`.

        Raises:
            InputError: `rows` or `seed` is not a whole number in range.

        Example:
            >>> table = teacher(4, irrelevant=1, seed=3).table(500)
            >>> table.rows, table.feature_names[-1], table.class_names
            (500, 'irrelevant_0', ('0', '1'))
        """
        drawn = self.sample(rows, seed=seed)
        names = [f"feature_{number}" for number in range(self.features)]
        names += [f"irrelevant_{number}" for number in range(self.irrelevant)]
        classes = tuple(str(number) for number in range(self.classes))
        return Table(drawn.features, drawn.target, tuple(names), "target", self.task, classes)

    def bayes_loss(self, rows: int = 200_000, *, seed: int = 0) -> float:
        """Return the mean loss that no model can beat, over `rows` fresh rows; exact for regression.

        Its own standard error is the spread of `Sample.bayes_losses` over the root of `rows`: below 0.0005 by default.

        Example:
            >>> teacher(4, task="regression", noise=0.5, seed=3).bayes_loss(10)
            0.25
        """
        return float(self.sample(rows, seed=seed).bayes_losses().mean())

    def _truth(self, features: npt.NDArray[np.float32]) -> Floats:
        outputs = self._outputs(features) / self._scale()
        if self.task == "regression":
            return outputs[:, 0]
        if self.task == "binary":
            return np.asarray(0.5 * (1 + np.tanh(outputs[:, 0] / (2 * self.noise))), dtype=np.float64)
        return np.exp(_log_softmax(outputs / self.noise))

    def _outputs(self, features: npt.NDArray[np.float32]) -> Floats:
        """Return (rows, outputs) of the network before scaling."""
        kernels = self._kernels()
        parts = []
        for start in range(0, len(features), BLOCK_ROWS):
            values = features[start : start + BLOCK_ROWS, : self.features].astype(np.float64)
            for kernel in kernels[:-1]:
                values = np.tanh(values @ kernel[:-1] + kernel[-1])
            parts.append(values @ kernels[-1][:-1])
        return np.concatenate(parts)

    def _scale(self) -> float:
        """Return the standard deviation of the outputs over rows, the same for all rows of a teacher."""
        rng = np.random.default_rng([self.seed, SEED_OF_SCALING])
        rows = rng.standard_normal((SCALING_ROWS, self.features), dtype=np.float32)
        return float(self._outputs(rows).std())

    def _kernels(self) -> list[Floats]:
        """Return each layer's (inputs + 1, outputs) weights, biases in the last row; all outputs have zero bias."""
        rng = np.random.default_rng([self.seed, SEED_OF_WEIGHTS])
        widths = (self.features, *self.units, max(1, self.classes) if self.task == "multiclass" else 1)
        # Wide enough to leave tanh's linear middle: a linear model must not be able to follow.
        return [rng.normal(0, 2 / np.sqrt(before), (before + 1, after)) for before, after in pairwise(widths)]

    def _draw(
        self, truth: Floats, rng: np.random.Generator
    ) -> npt.NDArray[np.float32] | npt.NDArray[np.int32]:
        """Return (rows,) targets drawn from the truth."""
        if self.task == "regression":
            return np.asarray(truth + self.noise * rng.standard_normal(len(truth)), dtype=np.float32)
        if self.task == "binary":
            return np.asarray(rng.random(len(truth)) < truth, dtype=np.float32)
        above = rng.random((len(truth), 1)) > truth.cumsum(axis=1)[:, :-1]
        return np.asarray(above.sum(axis=1), dtype=np.int32)


def _log_softmax(outputs: Floats) -> Floats:
    """Return (rows, classes) log-probabilities of (rows, classes) logits."""
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)), dtype=np.float64)


# What people call: `tables.teacher(8, seed=5)`.
teacher = Teacher
