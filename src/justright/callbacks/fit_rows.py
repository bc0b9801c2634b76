"""Rows as `model.fit` takes them, checked, and as the table and split of a study."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.read_options import Task
from justright.data.split import PARTS, Part, SplitSpec
from justright.data.table import MEMORY_SOURCE, Split, Table, TableSource
from justright.errors import InputError, raise_together

Array = npt.NDArray[Any]
NUMERIC = "biuf"  # kinds of NumPy's dtypes
# Keras' losses of numbers; any other loss of targets that are 0 or 1 is taken for one of classes.
NUMBER_LOSSES = frozenset(
    {
        *("mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error"),
        *("mean_squared_logarithmic_error", "huber", "log_cosh", "poisson"),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class FitRows:
    """Rows as a model takes them.

    Args:
        x: an array (rows, ...), or a list or dictionary of such arrays.
        y: (rows,) class numbers or values, or (rows, classes) with a 1 for each row's class.
        names: of the features, as far as `x` names them.
        weights: (rows,) how much each counts; None if all count the same.
    """

    x: Any
    y: Array
    names: tuple[str, ...]
    weights: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def part(self, rows: slice | npt.NDArray[np.int64]) -> Any:  # noqa: ANN401  # any structure of arrays
        """Return the inputs of some rows, in the same structure."""
        return _mapped(self.x, lambda values: values[rows])

    def taken(self, rows: npt.NDArray[np.int64]) -> FitRows:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return FitRows(self.part(rows), self.y[rows], self.names, weights)

    @property
    def is_table(self) -> bool:
        """Whether inputs are one array (rows, features), as those of a study's networks."""
        return isinstance(self.x, np.ndarray) and self.x.ndim == 2

    @property
    def width(self) -> int:
        """Number of features."""
        return sum(math.prod(values.shape[1:]) for values in _leaves(self.x))

    def features(self) -> npt.NDArray[np.float32]:
        """Return all inputs side by side, (rows, features) float32."""
        parts = [values.reshape(len(self), -1) for values in _leaves(self.x)]
        return np.ascontiguousarray(np.concatenate(parts, axis=1), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class FitData:
    """The rows of a training.

    Args:
        parts: kind of rows -> the rows; those that test may be missing.
        split: where they come from, if that is a `jr.Split`.
    """

    parts: Mapping[Part, FitRows]
    split: Split | None

    @classmethod
    def of(cls, data: object, train: object, test: object) -> FitData:
        """Return the rows of a callback's arguments.

        Raises:
            InputError: they are no arrays of numbers, their lengths differ, only some have weights, or there are no training rows.
        """
        if isinstance(data, Split):
            if train is not None or test is not None:
                raise InputError(
                    "`train` and `test` are rows of `data` where that is a justright.Split; got both. Leave them out."
                )
            kinds = [part for part in PARTS if data.sizes[part]]
            names = data.table.feature_names
            return cls({part: FitRows(*data.arrays(part), names, data.weights(part)) for part in kinds}, data)
        if data is None or train is None:
            lacking = " and ".join(
                f"`{name}`" for name, given in (("data", data), ("train", train)) if given is None
            )
            raise InputError(
                f"A training is judged on rows that learned and on others: {lacking} must be given as (x, y), as to "
                "model.fit; got None. Write JustRight(folder, data=(x_val, y_val), train=(x_train, y_train)), or data=split."
            )
        given: dict[str, object] = {"train": train, "data": data}
        given |= {} if test is None else {"test": test}
        rows = raise_together(*(partial(_as_rows, *item) for item in given.items()))
        parts: dict[Part, FitRows] = dict(zip(("train", "validation", "test"), rows, strict=False))
        widths = {part: one.width for part, one in parts.items()}
        if len(set(widths.values())) > 1:
            found = ", ".join(f"{part} rows {width}" for part, width in widths.items())
            raise InputError(f"All rows must have the same number of features; got {found}.")
        weighted = [name for name, one in zip(given, rows, strict=True) if one.weights is not None]
        without = [name for name in given if name not in weighted]
        if weighted and without:
            raise InputError(
                f"Weights must be given for all rows or for none, so that means can be compared; `{weighted[0]}` has some and "
                f"`{without[0]}` has none. Give `{without[0]}` as (x, y, sample_weight), with ones if all count the same."
            )
        return cls(parts, None)

    def task(self, width: int, loss: str | None) -> Task:
        """Return what is learned.

        Args:
            width: numbers that the model gives for each row.
            loss: Keras' name of the loss that it was compiled with; None if unknown.

        Raises:
            InputError: targets and outputs do not fit each other.
        """
        if self.split is not None:
            return self.split.table.task
        targets = np.concatenate([_plain(one.y) for one in self.parts.values()])
        is_one_hot = targets.ndim == 2 and targets.shape[1] == width and _is_one_hot(targets)
        is_classes = targets.ndim == 1 and bool((targets == np.floor(targets)).all()) and targets.min() >= 0
        if is_one_hot or (width > 1 and is_classes and targets.max() < width):
            return "binary" if width == 2 else "multiclass"
        if targets.ndim > 1 or width > 1:
            shape = ("rows", *targets.shape[1:])
            raise InputError(
                "Targets must be one number per row, or a class of as many as the model has outputs (its number, or a 1 in "
                f"its place); for {width} output{'s' * (width != 1)} they have shape ({', '.join(map(str, shape))}) and "
                f"values from {targets.min():g} to {targets.max():g}. A network of several targets is not judged: train one "
                "for each."
            )
        is_binary = bool(np.isin(targets, (0, 1)).all()) and loss not in NUMBER_LOSSES
        return "binary" if is_binary else "regression"

    def as_split(self, task: Task, width: int, note: str) -> Split:
        """Return the rows as a table and its split, which its own is if they come from one.

        Args:
            task: what is learned.
            width: numbers that the model gives for each row.
            note: a sentence about the table.

        Raises:
            InputError: a value is not finite.
        """
        if self.split is not None:
            return self.split
        order: tuple[Part, ...] = ("validation", "train", "test")  # in which `head` deals them out
        members = [(part, self.parts[part]) for part in order if part in self.parts]
        classes = {"binary": 2, "regression": 0}.get(task, width)
        features = np.concatenate([rows.features() for _, rows in members])
        weights = [rows.weights for _, rows in members if rows.weights is not None]
        table = Table(
            features,
            np.concatenate([class_targets(rows.y, task) for _, rows in members]),
            self.parts["train"].names or tuple(f"column_{place}" for place in range(features.shape[1])),
            "target",
            task,
            tuple(map(str, range(classes))),
            TableSource(MEMORY_SOURCE),
            notes=(note,),
            has_header=bool(self.parts["train"].names),
            weights=np.concatenate(weights) if weights else None,
        )
        places: dict[Part, npt.NDArray[np.int64]] = {}
        start = 0
        for part, rows in members:
            places[part] = np.arange(start, start + len(rows))
            start += len(rows)
        empty = np.arange(0)
        sizes = {part: len(places.get(part, empty)) for part in order}
        train, validation, test = (places.get(part, empty) for part in ("train", "validation", "test"))
        return Split(table, train, validation, test, SplitSpec(order="head", **sizes))


def class_targets(y: Array, task: Task) -> npt.NDArray[np.float32] | npt.NDArray[np.int32]:
    """Return targets as a table has them: class numbers, also of rows with a 1 for each row's class, or values.

    Example:
        >>> class_targets(np.array([[0, 0, 1], [1, 0, 0]]), "multiclass")
        array([2, 0], dtype=int32)
    """
    values = _plain(y)
    if values.ndim == 2:
        values = values.argmax(axis=1)
    return values.astype(np.int32) if task == "multiclass" else values.astype(np.float32)


def _as_rows(name: str, given: object) -> FitRows:
    if not isinstance(given, list | tuple) or len(given) not in (2, 3):
        got = type(given).__name__ + (f" of {len(given)}" if isinstance(given, list | tuple) else "")
        raise InputError(
            f"`{name}` must be arrays (x, y) or (x, y, sample_weight), as model.fit takes them, or a justright.Split; got {got}. "
            "Collect the batches of a data set into arrays first."
        )
    x = _mapped(given[0], partial(_as_array, name))
    y = _as_array(name, given[1])
    counts = sorted({len(values) for values in (*_leaves(x), y)})
    if len(counts) > 1 or counts[0] == 0:
        raise InputError(
            f"`{name}` must have a target for each row, and at least one row; got {' and '.join(map(str, counts))} rows."
        )
    return FitRows(x, y, _names(given[0]), _as_weights(name, given[2], len(y)) if len(given) > 2 else None)


def _as_weights(name: str, values: object, rows: int) -> npt.NDArray[np.float32]:
    weights = _plain(_as_array(name, values)).astype(np.float32)
    if weights.shape != (rows,) or not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
        raise InputError(
            f"The weights of `{name}` must be a number of at least 0 for each of {rows:,} rows, not all 0; got shape "
            f"{weights.shape}, values from {weights.min():g} to {weights.max():g}."
        )
    return weights


def _as_array(name: str, values: object) -> Array:
    try:
        array = np.asarray(values)
    except Exception as error:  # a tensor on another device, or a ragged list
        raise InputError(
            f"`{name}` must hold arrays of numbers; {type(values).__name__} is none: {error}."
        ) from error
    if array.dtype.kind not in NUMERIC or array.ndim == 0:
        raise InputError(
            f"`{name}` must hold arrays of numbers with a row for each example; got {type(values).__name__} of "
            f"{array.dtype} with shape {array.shape}."
        )
    return array


def _names(x: object) -> tuple[str, ...]:
    """Return the names of features, of a frame or of a dictionary of columns; none where some have no name."""
    columns = getattr(x, "columns", None)
    if columns is not None:
        return tuple(map(str, columns))
    if not isinstance(x, Mapping):
        return ()
    names: list[str] = []
    for key, values in x.items():
        width = math.prod(np.shape(values)[1:])
        names += [str(key)] if width == 1 else [f"{key}_{place}" for place in range(width)]
    return tuple(names)


def _mapped(x: Any, change: Callable[[Any], Any]) -> Any:  # noqa: ANN401  # any structure of arrays
    if isinstance(x, Mapping):
        return {key: _mapped(value, change) for key, value in x.items()}
    if isinstance(x, list | tuple) and all(hasattr(one, "shape") for one in x):  # several inputs
        return [_mapped(value, change) for value in x]
    return change(x)


def _leaves(x: Any) -> Iterator[Array]:  # noqa: ANN401
    if isinstance(x, Mapping):
        for value in x.values():
            yield from _leaves(value)
    elif isinstance(x, list | tuple):
        for value in x:
            yield from _leaves(value)
    else:
        yield x


def _plain(y: Array) -> Array:
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _is_one_hot(targets: Array) -> bool:
    return bool(np.isin(targets, (0, 1)).all() and (targets.sum(axis=1) == 1).all())
