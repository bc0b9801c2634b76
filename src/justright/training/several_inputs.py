"""Models of several inputs, as models of one: the features of a row, which are dealt out to the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from justright.errors import InputError
from justright.study.own_models.named_inputs import Places, places_of_inputs

INPUT = "features"


def as_one_input(name: str, model: Any, features: Sequence[str], *, count: int) -> Any:
    """Return a model with the same layers that takes rows of features; a model of one input as it is.

    Args:
        name: the variant's.
        model: built.
        features: the names of the features; empty if they are not known, as where there is no table.
        count: how many there are.

    Raises:
        InputError: the inputs do not fit the features.
    """
    given = getattr(model, "input", None)
    if not isinstance(given, dict | list | tuple) or (len(given) == 1 and not isinstance(given, dict)):
        return model
    pairs = list(given.items()) if isinstance(given, dict) else [(tensor.name, tensor) for tensor in given]
    deep = [str(key) for key, tensor in pairs if not _takes_numbers(tensor)]
    if deep:
        raise InputError(
            f"Each input of variant {name!r} must take numbers, shape (width,) or (); {', '.join(map(repr, deep))} does not. "
            "Tables give a row of numbers for each example."
        )
    names = tuple(features) or tuple(f"column_{place}" for place in range(count))
    places = places_of_inputs(name, [(str(key), _width(tensor)) for key, tensor in pairs], names)
    rows = keras.Input((count,), name=INPUT)
    parts = [_part(rows, where, tensor) for where, (_, tensor) in zip(places, pairs, strict=True)]
    keyed = dict(zip([key for key, _ in pairs], parts, strict=True)) if isinstance(given, dict) else parts
    # Calling the layers, not the model: the result is flat, and layers are found in it as in any other.
    return keras.Model(rows, model.call(keyed), name=model.name)


def _takes_numbers(tensor: Any) -> bool:
    return len(tensor.shape) <= 2 and None not in tensor.shape[1:] and tensor.dtype != "string"


def _width(tensor: Any) -> int:
    return int(tensor.shape[1]) if len(tensor.shape) > 1 else 1


def _part(rows: Any, places: Places, tensor: Any) -> Any:
    """Return some of the features (rows, width), or (rows,) for an input without a width, in the input's type."""
    if len(tensor.shape) == 1:
        part = rows[:, places[0]]
    elif places == tuple(range(places[0], places[-1] + 1)):
        part = rows[:, places[0] : places[-1] + 1]
    else:
        part = keras.ops.take(rows, list(places), axis=1)
    return part if tensor.dtype == rows.dtype else keras.ops.cast(part, tensor.dtype)
