"""A table: float32 features, one target, and where they came from. Everything downstream starts here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from justright.data.checks import check_names
from justright.errors import InputError, one_of

if TYPE_CHECKING:
    from justright.data.split import Order, Split

Task = Literal["binary", "multiclass", "regression"]
Part = Literal["train", "validation", "test"]
TASKS: tuple[Task, ...] = get_args(Task)

# The source of arrays and frames: it cannot be read again, so `justright run` on a written study refuses it.
MEMORY_SOURCE = "<memory>"
# Rows hashed at a time, so that a fingerprint needs no second copy of the table.
HASH_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class TableSource:
    """Where a table came from: all that `read_table` needs to read it again.

    Args:
        source: `higgs-sim`, `higgs`, a path, a URL, or `<memory>` for arrays and frames.
        target: the target's column name or number (as text); None when it was chosen by the reader.
        rows: the first rows asked for; None for all of them.
        location: where HIGGS was read from instead of UCI; None otherwise.
        task: the task asked for; None when it was found from the target's values.
        missing: the tokens whose rows were left out.
        categorical: the columns that became one 0/1 feature a level.
    """

    source: str
    target: str | None = None
    rows: int | None = None
    location: str | None = None
    task: Task | None = None
    missing: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows x features and one target, all finite, ready to train on.

    Args:
        features: (rows, features), float32, C-contiguous; kept as a read-only view.
        target: (rows,), float32 0/1 for `binary`, float32 for `regression`, int32 class index for `multiclass`.
        feature_names: one name a feature; `column_N`, counting from 0, where the source has no names.
        target_name: the target's column name.
        task: `binary`, `multiclass` or `regression`.
        class_names: what 0, 1, ... of the target stand for; empty for `regression`.
        source: where the table came from.
        rows_left_out: rows dropped because they held one of the `missing` tokens.
    Raises:
        InputError: shapes, dtypes, names or values break one of the rules above.
    Example:
        >>> table = Table(
        ...     features=np.zeros((2, 1), np.float32),
        ...     target=np.array([0, 1], np.float32),
        ...     feature_names=("x",),
        ...     target_name="y",
        ...     task="binary",
        ...     class_names=("0", "1"),
        ... )
        >>> table.rows, table.n_features, table.source.source
        (2, 1, '<memory>')
    """

    features: npt.NDArray[np.float32]
    target: npt.NDArray[np.float32] | npt.NDArray[np.int32]
    feature_names: tuple[str, ...]
    target_name: str
    task: Task
    class_names: tuple[str, ...] = ()
    source: TableSource = TableSource(MEMORY_SOURCE)
    rows_left_out: int = 0
    _digest: list[str] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise one_of("task", self.task, TASKS)
        _check_arrays(self)
        check_names("feature", self.feature_names)
        check_names("target", (self.target_name,))
        check_names("class", self.class_names)
        for name in ("features", "target"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.features.shape[0])

    @property
    def n_features(self) -> int:
        """Number of feature columns."""
        return int(self.features.shape[1])

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of content, names and task: equal on every platform, unequal when any value differs."""
        if not self._digest:
            self._digest.append(hash_rows(self, self.features, self.target))
        return self._digest[0]

    def split(
        self,
        validation: int | float = 0.2,
        *,
        train: int | float | None = None,
        test: int | float | None = None,
        order: Order = "head",
        seed: int = 0,
        test_table: Table | None = None,
        validation_table: Table | None = None,
    ) -> Split:
        """Return which rows learn, choose and measure; see `justright.data.split.split_table`."""
        from justright.data.split import SplitSpec, split_table

        spec = SplitSpec(validation=validation, train=train, test=test, order=order, seed=seed)
        return split_table(self, spec, test_table=test_table, validation_table=validation_table)


def _check_arrays(table: Table) -> None:
    features, target = table.features, table.target
    wanted = np.int32 if table.task == "multiclass" else np.float32
    if features.ndim != 2 or features.dtype != np.float32 or not features.flags.c_contiguous:
        raise InputError(
            "`features` must be a C-contiguous float32 array of shape (rows, features); got "
            f"{features.dtype} {features.shape}. Use `read_table`, which converts."
        )
    if target.shape != (features.shape[0],) or target.dtype != wanted:
        raise InputError(
            f"`target` of a {table.task} table must be {np.dtype(wanted)} of shape ({features.shape[0]},); got "
            f"{target.dtype} {target.shape}. Use `read_table`, which converts."
        )
    if len(table.feature_names) != features.shape[1]:
        raise InputError(
            f"`feature_names` must name all {features.shape[1]} features; got {len(table.feature_names)} names."
        )
    if features.shape[0] == 0 or features.shape[1] == 0:
        raise InputError(f"A table must have at least one row and one feature; got shape {features.shape}.")
    _check_values(table)


def _check_values(table: Table) -> None:
    for start, block in _blocks(table.features):
        finite = np.isfinite(block)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise InputError(
                f"`features` must be finite; row {start + row + 1} of {table.feature_names[column]!r} holds "
                f"{block[row, column]}. Fill or drop such rows first."
            )
    if not np.isfinite(table.target).all():
        raise InputError("`target` must be finite; it holds NaN or infinity. Drop such rows first.")
    classes = len(table.class_names)
    if table.task == "regression":
        if classes:
            raise InputError(f"`class_names` of a regression table must be empty; got {table.class_names!r}.")
        return
    if classes < 2 or (table.task == "binary" and classes != 2):
        raise InputError(
            f"`class_names` of a {table.task} table must name its classes; got {table.class_names!r}."
        )
    if not np.isin(table.target, np.arange(classes)).all():
        raise InputError(f"`target` of a {table.task} table must hold class indices 0 to {classes - 1} only.")


def _blocks(features: npt.NDArray[np.float32]) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    for start in range(0, features.shape[0], HASH_ROWS):
        yield start, features[start : start + HASH_ROWS]


def hash_rows(table: Table, features: npt.NDArray[np.float32], target: npt.NDArray[Any]) -> str:
    """Return the SHA-256 (hex) of rows, features (rows, features) and target (rows,), and of `table`'s names and task."""
    names = [table.task, table.feature_names, table.target_name, table.class_names, features.shape]
    digest = hashlib.sha256(json.dumps(names).encode())
    for _, block in _blocks(features):
        # Adding 0 makes -0.0 and 0.0 one value: files in different formats keep or lose that sign.
        digest.update((block + np.float32(0)).astype("<f4", copy=False).tobytes())
    little = "<i4" if table.task == "multiclass" else "<f4"
    digest.update((target + target.dtype.type(0)).astype(little, copy=False).tobytes())
    return digest.hexdigest()
