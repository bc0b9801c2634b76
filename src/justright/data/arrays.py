"""The arrays of a table: the task they are for, what they must hold, and their fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from justright.data.read_options import Task
from justright.errors import InputError

Target = npt.NDArray[np.float32] | npt.NDArray[np.int32]

# Values looked at together, so that no look at a table needs a second copy of it.
BLOCK_VALUES = 1 << 21
WHOLE = slice(None)


def check_arrays(
    features: npt.NDArray[np.float32],
    target: Target,
    task: Task,
    feature_names: tuple[str, ...],
    class_names: tuple[str, ...],
) -> None:
    """Refuse arrays that cannot form a table.

    Raises:
        InputError: shapes, dtypes or values do not fit each other, the task or the names.
    """
    wanted = np.int32 if task == "multiclass" else np.float32
    if features.ndim != 2 or features.dtype != np.float32 or not features.flags.c_contiguous:
        raise InputError(
            "`features` must be a C-contiguous float32 array of shape (rows, features); got "
            f"{features.dtype} {features.shape}. Use `read_table`, which converts."
        )
    if target.shape != (features.shape[0],) or target.dtype != wanted:
        raise InputError(
            f"`target` of a {task} table must be {np.dtype(wanted)} of shape ({features.shape[0]},); got "
            f"{target.dtype} {target.shape}. Use `read_table`, which converts."
        )
    if len(feature_names) != features.shape[1]:
        raise InputError(
            f"`feature_names` must name all {features.shape[1]} features; got {len(feature_names)} names."
        )
    if features.shape[0] == 0 or features.shape[1] == 0:
        raise InputError(f"A table must have at least one row and one feature; got shape {features.shape}.")
    _check_features(features, feature_names)
    _check_target(target, task, class_names)


def hash_arrays(
    names: list[Any],
    features: npt.NDArray[np.float32],
    target: Target,
    rows: npt.NDArray[np.int64] | slice = WHOLE,
) -> str:
    """Return the SHA-256 (hex) of names and values: equal on every platform, unequal when any value differs.

    Args:
        names: what is hashed first.
        features: of a table.
        target: of a table.
        rows: the rows of both that are hashed, in this order.
    """
    target = target[rows]
    digest = hashlib.sha256(json.dumps([*names, (len(target), features.shape[1])]).encode())
    for _, block in row_blocks(features, rows):
        # Adding 0 makes -0.0 and 0.0 one value: files in different formats keep or lose that sign.
        digest.update((block + np.float32(0)).astype("<f4", copy=False).tobytes())
    positive = target + target.dtype.type(0)
    digest.update(positive.astype(target.dtype.newbyteorder("<"), copy=False).tobytes())
    return digest.hexdigest()


def row_blocks(
    features: npt.NDArray[np.float32], rows: npt.NDArray[np.int64] | slice = WHOLE
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield rows of a table a block at a time, each with the number of its first row among `rows`.

    Args:
        features: (rows, features).
        rows: which of them, in this order.
    """
    if isinstance(rows, slice):
        features, rows = features[rows], WHOLE
    count = max(1, BLOCK_VALUES // max(features.shape[1], 1))
    for start in range(0, len(features) if isinstance(rows, slice) else len(rows), count):
        part = slice(start, start + count)
        yield start, features[part if isinstance(rows, slice) else rows[part]]


def _check_features(features: npt.NDArray[np.float32], names: tuple[str, ...]) -> None:
    for start, block in row_blocks(features):
        finite = np.isfinite(block)
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise InputError(
                f"`features` must be finite; row {start + row + 1} of {names[column]!r} holds "
                f"{block[row, column]}. Fill or drop such rows first."
            )


def _check_target(target: Target, task: Task, class_names: tuple[str, ...]) -> None:
    if not np.isfinite(target).all():
        raise InputError("`target` must be finite; it holds NaN or infinity. Drop such rows first.")
    classes = len(class_names)
    if task == "regression":
        if classes:
            raise InputError(f"`class_names` of a regression table must be empty; got {class_names!r}.")
        return
    if classes < 2 or (task == "binary" and classes != 2):
        raise InputError(f"`class_names` of a {task} table must name its classes; got {class_names!r}.")
    if not np.isin(target, np.arange(classes)).all():
        raise InputError(f"`target` of a {task} table must hold class indices 0 to {classes - 1} only.")
