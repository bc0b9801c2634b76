"""Predictions for new rows: a table's columns as they are go in, and what saved networks say of each row comes out."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.checks import counted
from justright.data.plan.column_plans import Number
from justright.data.plan.decide import MEDIAN_ROWS
from justright.data.plan.table_plan import Plan
from justright.data.read import read_columns
from justright.data.readers.raw import RawTable
from justright.errors import InputError
from justright.records.faults import STRANGE_VALUES, DamagedError
from justright.records.models import load_model, read_notes
from justright.runs.limits import PIECE_ROWS

if TYPE_CHECKING:
    import keras
    import polars as pl

    from justright.data.table import Split

PREDICTION = "prediction"
PROBABILITY = "probability_"

# Rows are evaluated in blocks of a power of two from here on, the last filled up with zeros: Keras compiles every operation
# again for each number of rows, and the last digits of a row's outputs would depend on how many others are beside it.
LEAST_BLOCK = 64

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a predictor says of some rows.

    Args:
        frame: a row for each row, in their order; see `Predictor.predict`.
        notes: what was unusual about the rows, such as columns that were missing, a sentence each.
    """

    frame: pl.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SavedNetwork:
    """One network of a predictor.

    Args:
        model: takes (rows, features) and gives (rows, outputs).
        are_logits: whether those are logits rather than probabilities; False for a regression.
        variant: the variant that it is a run of.
        seed: the run's seed.
        epoch: the epoch that validation rows chose, counted from 0.
    """

    model: keras.Model
    are_logits: bool
    variant: str
    seed: int
    epoch: int


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """Saved networks, loaded, with the plan that makes their features of a table's columns.

    Args:
        plan: the plan, as it was fitted on the study's training rows.
        networks: those whose probabilities, or predictions of a number, are averaged.
    """

    plan: Plan
    networks: tuple[SavedNetwork, ...]

    def predict(self, rows: object, *, proba: bool = True, threshold: float | None = None) -> pl.DataFrame:
        """Return a prediction for each row, in their order.

        Args:
            rows: a pandas or Polars frame, a path or address, a dictionary of columns or of one row, a list of rows as
                dictionaries, or an array. Columns are found by name, in any order; of an array, by place.
            proba: whether the probability of each class is a column, too.
            threshold: the probability from which on class 1 of two is predicted; None predicts the more probable.

        Returns:
            `prediction`: the class, as a whole number if all classes are, or a number in the target's units; null where
            a network's output is not finite. For classes also `probability_CLASS`, one for each.

        Raises:
            InputError: the rows cannot be read, or have none of the columns.

        Warns:
            UserWarning: columns are missing or not known, or levels are new.
        """
        found = self.predict_columns(_columns_of(rows), proba=proba, threshold=threshold)
        for note in found.notes:
            warnings.warn(note, UserWarning, stacklevel=_callers_level())
        return found.frame

    def predict_columns(
        self, raw: RawTable, *, proba: bool = True, threshold: float | None = None
    ) -> Predictions:
        """Return the predictions for columns as they were read; other arguments and errors as `predict`."""
        self._check_threshold(threshold)
        prepared = self.plan.prepare(raw.frame, label=raw.label, has_header=raw.has_header)
        values = self.mean_outputs(prepared.features)
        lost = int((~np.isfinite(values).all(axis=1)).sum())
        notes = prepared.notes
        if lost:
            notes += (f"no prediction for {counted(lost, 'row')}: the network's outputs are not finite",)
        if self.plan.task == "regression":
            return Predictions(_numbers_frame(values[:, 0]), notes)
        return Predictions(self._classes_frame(values, proba=proba, threshold=threshold), notes)

    def described(self) -> dict[str, Any]:
        """Return what predicts, as plain values: `task`, `target`, `classes` and `networks`."""
        networks = [{"variant": one.variant, "seed": one.seed, "epoch": one.epoch} for one in self.networks]
        plan = self.plan
        return {
            "task": plan.task,
            "target": plan.target,
            "classes": list(plan.class_names),
            "networks": networks,
        }

    def _check_threshold(self, threshold: float | None) -> None:
        if threshold is None:
            return
        if self.plan.task != "binary":
            raise InputError(
                f"`threshold` is for targets of two classes; {self.plan.target!r} is {self.plan.task}. Leave it out."
            )
        if not 0 < threshold < 1:  # also NaN
            raise InputError(f"`threshold` must lie between 0 and 1; got {threshold!r}.")

    def mean_outputs(self, features: npt.NDArray[np.float32]) -> Floats:
        """Return (rows, classes) probabilities, or (rows, 1) predictions of a number: the mean over networks.

        Args:
            features: (rows, features), as the plan makes them.
        """
        width = 1 if self.plan.task == "regression" else len(self.plan.class_names)
        mean = np.empty((len(features), width))
        for start in range(0, len(features), PIECE_ROWS):
            part = slice(start, start + PIECE_ROWS)
            values = [self._outputs(network, features[part]) for network in self.networks]
            mean[part] = np.mean(values, axis=0)
        return mean

    def _outputs(self, network: SavedNetwork, features: npt.NDArray[np.float32]) -> Floats:
        import keras

        block = np.zeros((_block_rows(len(features)), features.shape[1]), np.float32)
        block[: len(features)] = features
        raw = keras.ops.convert_to_numpy(network.model(block, training=False))[: len(features)]
        values = raw.astype(np.float64)
        return values if self.plan.task == "regression" else probabilities(values, network.are_logits)

    def _classes_frame(self, chances: Floats, *, proba: bool, threshold: float | None) -> pl.DataFrame:
        import polars as pl

        is_known = np.isfinite(chances).all(axis=1)
        codes = chances.argmax(axis=1) if threshold is None else (chances[:, 1] >= threshold).astype(int)
        places = pl.Series(codes, dtype=pl.Int64).set(pl.Series(~is_known), None)
        columns = [class_series(self.plan.class_names).gather(places).alias(PREDICTION)]
        if proba:
            columns += [
                pl.Series(PROBABILITY + name, chances[:, place], nan_to_null=True)
                for place, name in enumerate(self.plan.class_names)
            ]
        return pl.DataFrame(columns)


def load_predictor(*paths: str | Path, custom_objects: Mapping[str, Any] | None = None) -> Predictor:
    """Return what predicts rows of raw columns with a saved model, or with several, whose mean it is.

    Nothing in the files is run as code or unpickled.

    Args:
        paths: `.keras` files that a study saved, each with its plan in it: the file alone is enough.
        custom_objects: own layers and functions that this process has not registered with Keras, by name.

    Raises:
        InputError: no file is named, one has no plan, or their plans differ; or as `load_model`.
        FolderError: a file is missing, damaged or may not be read.

    Example:
        >>> load_predictor("model.h5")
        Traceback (most recent call last):
        justright.errors.InputError: A model must be a .keras file; got 'model.h5'. Save it with model.save('name.keras').
    """
    if not paths:
        raise InputError("`load_predictor` needs the path of at least one model; got none.")
    notes = [read_notes(path) for path in paths]
    plans = [_read_plan(one, path) for one, path in zip(notes, paths, strict=True)]
    for plan, path in zip(plans, paths, strict=True):
        if plan.to_dict() != plans[0].to_dict():
            raise InputError(
                f"Models must share one plan to be averaged; that of {str(path)!r} differs from that of {str(paths[0])!r}. "
                "Name models of one study."
            )
    networks = (
        _load(path, one, plan, custom_objects) for path, one, plan in zip(paths, notes, plans, strict=True)
    )
    return Predictor(plans[0], tuple(networks))


def probabilities(outputs: Floats, are_logits: bool) -> Floats:  # read with its name next to it
    """Return (rows, classes) probabilities from a network's outputs.

    Args:
        outputs: (rows, classes), or (rows, 1) for two classes: that of class 1.
        are_logits: whether they are logits; probabilities are only made to sum to 1.

    Example:
        >>> probabilities(np.array([[0.0], [-1000.0]]), True).tolist()
        [[0.5, 0.5], [1.0, 0.0]]
        >>> probabilities(np.array([[1000.0, 1000.0], [0.0, -1000.0]]), True).tolist()
        [[0.5, 0.5], [1.0, 0.0]]
    """
    if outputs.shape[1] == 1:
        if are_logits:
            outputs = np.concatenate([np.zeros_like(outputs), outputs], axis=1)
        else:
            outputs = np.concatenate([1.0 - outputs, outputs], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):  # outputs that are not finite stay so
        if are_logits:
            outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(outputs / outputs.sum(axis=1, keepdims=True))


def _block_rows(rows: int) -> int:
    """Return the power of two, from the least on, that holds so many rows.

    Example:
        >>> _block_rows(3), _block_rows(64), _block_rows(65)
        (64, 64, 128)
    """
    return max(LEAST_BLOCK, 1 << (rows - 1).bit_length())


def _callers_level() -> int:
    """Return the level, for a warning, of the code that called this package: the warning then names a line of the user's."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__")).startswith("justright."):
        level, frame = level + 1, frame.f_back
    return level


def plan_of(split: Split) -> Plan:
    """Return the plan of a study's table; for a table that was made without one, its features are its columns."""
    table = split.table
    if table.plan is not None:
        return table.plan
    fills = np.median(table.features[split.train[:MEDIAN_ROWS]], axis=0).tolist()
    columns = (Number(name=name, fill=fill) for name, fill in zip(table.feature_names, fills, strict=True))
    order = (*table.feature_names, table.target_name)
    return Plan(tuple(columns), table.target_name, table.task, table.class_names, order)


def _read_plan(notes: Mapping[str, Any], path: str | Path) -> Plan:
    try:
        return Plan.from_dict(notes["plan"])
    except InputError as error:
        raise InputError(f"The model {str(path)!r} cannot be used. {error}") from None
    except STRANGE_VALUES as error:
        raise _strange(path, f"its plan cannot be read, {type(error).__name__}: {error}") from error


def _load(
    path: str | Path, notes: Mapping[str, Any], plan: Plan, custom_objects: Mapping[str, Any] | None
) -> SavedNetwork:
    """Return a saved network, if it fits its plan."""
    wanted = {"are_logits": bool, "variant": str, "seed": int, "epoch": int}
    odd = [name for name, kind in wanted.items() if not isinstance(notes.get(name), kind)]
    if odd:
        raise _strange(path, f"it does not say its {odd[0]}")
    model = load_model(path, custom_objects)
    width = 1 if plan.task in ("binary", "regression") else len(plan.class_names)
    # Of a model that was built by its first batch, Keras notes that batch's number of rows, and takes any. `model.fit` may
    # train two outputs for two classes.
    given, said = (tuple(getattr(model, name, ()))[1:] for name in ("input_shape", "output_shape"))
    is_binary = plan.task == "binary"
    if given != (len(plan.feature_names),) or said not in {(width,), (2,) if is_binary else (width,)}:
        raise _strange(
            path,
            f"its plan makes {len(plan.feature_names):,} features and {width:,} outputs, its network takes others",
        )
    return SavedNetwork(model, *(notes[name] for name in wanted))


def _strange(path: str | Path, what: str) -> DamagedError:
    return DamagedError(
        f"The model {str(path)!r} holds what no study writes ({what.splitlines()[0]}). Take it from its source again."
    )


def _columns_of(rows: object) -> RawTable:
    """Return columns from whatever a caller has."""
    if isinstance(rows, Mapping):
        is_one = not any(
            isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) for value in rows.values()
        )
        return _records([rows] if is_one else rows)
    if isinstance(rows, list) and rows and all(isinstance(one, Mapping) for one in rows):
        return _records(rows)
    return read_columns(np.asarray(rows) if isinstance(rows, list) else rows, name="rows")


def _records(values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> RawTable:
    """Return columns from a dictionary of columns, or from rows as dictionaries; what a row lacks is missing."""
    import polars as pl

    try:
        frame = (
            pl.DataFrame(values, strict=False)
            if isinstance(values, Mapping)
            else pl.from_dicts(values, infer_schema_length=None, strict=False)
        )
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"`rows` must be columns of equal length, or rows of plain values; they are not: {error}."
        ) from error
    return RawTable(frame, "`rows`", has_header=True, locate=lambda row: f"row {row + 1:,}")


def _numbers_frame(values: Floats) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        [pl.Series(PREDICTION, np.where(np.isfinite(values), values, np.nan), nan_to_null=True)]
    )


def class_series(names: Sequence[str]) -> pl.Series:
    """Return the classes as predictions name them: whole numbers if all are.

    Example:
        >>> class_series(["3", "7"]).to_list(), class_series(["03", "7"]).to_list()
        ([3, 7], ['03', '7'])
    """
    import polars as pl

    texts = pl.Series(names, dtype=pl.String)
    numbers = texts.cast(pl.Int64, strict=False)
    return numbers if (numbers.cast(pl.String) == texts).fill_null(value=False).all() else texts
