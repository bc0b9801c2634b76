"""Normalization layers: adapted to a run's own training rows, and read from the run's own state.

Keras' layer keeps its mean and variance twice, as variables and as constants made from them. A compiled program that
several runs share must read the variables: runs on other rows, or with other weights below the layer, differ in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from justright.runs.limits import PIECE_ROWS
from justright.runs.tasks import ChosenRows
from justright.study.families import STANDARDIZATION
from justright.training.masks import replaced


class _ReachedError(BaseException):
    """A model's evaluation reached the layer whose inputs are wanted; not an Exception, which Keras would reword."""

    def __init__(self, layer: Any, inputs: Any) -> None:
        super().__init__()
        self.layer = layer
        self.inputs = inputs


def adapt_normalization(model: Any, rows: Callable[[], npt.NDArray[np.float32] | ChosenRows]) -> None:
    """Adapt every Normalization layer that has not been adapted yet to its own inputs when `model` sees `rows()`.

    Layers inside other layers are included, in the order in which the model calls them. Mean and variance are summed in float64,
    so that they depend neither on threads nor, visibly, on the number of rows. A constant input has no variance: it is
    given 1, as in scikit-learn's StandardScaler, so that it becomes 0 and another value on other rows stays moderate
    (Keras would divide by 1e-7). In our own networks, features that are 0 or 1 are not scaled either.

    Args:
        model: built.
        rows: returns the training rows of a run, (rows, features); called only if there is a layer to adapt.
    """
    waiting = {
        id(layer) for layer in model._flatten_layers(recursive=True) if _is_fresh(layer)
    }  # Keras has no public walk that goes into nested models and wrappers
    x = rows() if waiting else np.empty((0, 0), np.float32)
    while waiting:
        layer = _next_layer(model, x[:1], waiting)
        if layer is None:  # never called for rows like these
            return
        _adapt(layer, partial(_inputs, model, layer, x))
        waiting.discard(id(layer))


def normalization_from_state() -> AbstractContextManager[None]:
    """Let Normalization layers read their variables while a program is traced, so that each run brings its own."""

    def call(original: Callable[..., Any], layer: Any, inputs: Any) -> Any:
        kept = layer.mean, getattr(layer, "variance", None)
        layer.finalize_state()
        try:
            return original(layer, inputs)
        finally:
            layer.mean, layer.variance = kept

    return _replaced_call(call)


def _is_fresh(layer: Any) -> bool:
    """Return whether a layer must be adapted: it was given no moments, and still has the initial ones."""
    if not isinstance(layer, keras.layers.Normalization) or layer.input_mean is not None:
        return False
    if not layer.built:
        return True
    moments = (np.asarray(layer.adapt_mean), np.asarray(layer.adapt_variance))
    return bool((moments[0] == 0).all() and (moments[1] == 1).all())


def _next_layer(model: Any, x: npt.NDArray[np.float32], waiting: set[int]) -> Any:
    """Return the first layer of `waiting` that the model calls; None if it calls none of them."""
    try:
        with _stopping_at(lambda layer: id(layer) in waiting):
            model(x, training=False)
    except _ReachedError as reached:
        return reached.layer
    return None


def _inputs(
    model: Any, layer: Any, x: npt.NDArray[np.float32] | ChosenRows
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the inputs of `layer` for pieces of the rows; the layers above it are not evaluated."""
    with _stopping_at(lambda other: other is layer):
        for start in range(0, len(x), PIECE_ROWS):
            try:
                model(x[start : start + PIECE_ROWS], training=False)
            except _ReachedError as reached:
                yield np.asarray(reached.inputs)


def _adapt(layer: Any, pieces: Callable[[], Iterator[npt.NDArray[np.float32]]]) -> None:
    """Set a layer's moments from two passes over its inputs."""
    first = next(pieces())
    kept = {axis % first.ndim for axis in layer.axis}
    reduced = tuple(axis for axis in range(first.ndim) if axis not in kept)
    lowest, highest = first.min(reduced), first.max(reduced)
    total, count = np.zeros_like(lowest, dtype=np.float64), 0
    is_flag = np.full(lowest.shape, layer.name.startswith(STANDARDIZATION))
    for piece in pieces():
        is_flag &= ((piece == 0) | (piece == 1)).all(reduced)
        total += piece.sum(reduced, dtype=np.float64)
        count += piece.size // max(1, lowest.size)
        lowest, highest = np.minimum(lowest, piece.min(reduced)), np.maximum(highest, piece.max(reduced))
    mean = total / count
    # A worked example: inputs (2 rows, 3 features) keep axis 1; a mean (3,) meets them as (1, 3).
    wide = np.expand_dims(mean, reduced)
    squares = sum(np.square(piece - wide).sum(reduced) for piece in pieces())
    layer.adapt_mean.assign(mean)
    layer.adapt_variance.assign(np.where((lowest == highest) | is_flag, 1.0, squares / count))
    layer.finalize_state()


def _stopping_at(is_wanted: Callable[[Any], bool]) -> AbstractContextManager[None]:
    def call(original: Callable[..., Any], layer: Any, inputs: Any) -> Any:
        if is_wanted(layer):
            raise _ReachedError(layer, inputs)
        return original(layer, inputs)

    return _replaced_call(call)


def _replaced_call(call: Callable[..., Any]) -> AbstractContextManager[None]:
    """Let all Normalization layers be called through `call(original, layer, inputs)`; Keras is unchanged afterwards."""
    kind = keras.layers.Normalization
    original = kind.call
    return replaced(kind, "call", lambda layer, inputs: call(original, layer, inputs))
