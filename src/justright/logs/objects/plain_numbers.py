"""Lists, dicts and arrays that a training loop of one's own filled."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.logged_run import LoggedRun
from justright.logs.objects.as_files import plain_value, runs_of_value
from justright.logs.objects.object_kind import ObjectKind, type_name

TRAIN, VALIDATION = "loss", "val_loss"


def _is_structured(source: object) -> bool:
    """Return whether an object is a NumPy array with named fields."""
    return getattr(getattr(source, "dtype", None), "names", None) is not None


def _read_structured(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # a NumPy array
    return runs_of_value("array", {name: source[name] for name in source.dtype.names}, choices)


def _is_array(source: object) -> bool:
    return hasattr(source, "tolist") and hasattr(source, "shape")


def _read_array(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # of any library
    if len(source.shape) != 1:
        raise InputError(
            f"An array must be one curve, (epochs,); got shape {tuple(source.shape)}. "
            "Pass a dict that names each curve, such as {'loss': a[:, 0], 'val_loss': a[:, 1]}."
        )
    return read_list(source.tolist(), choices)


def read_list(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # a list of anything
    """Return the runs of numbers, of a pair of lists of numbers, or of what a JSON list holds.

    Raises:
        InputError: it holds no curves.
    """
    values = plain_value(_filled(source))
    if _are_numbers(values):
        said = f"Numbers without a name were taken for {VALIDATION!r}: less is better."
        return _named({VALIDATION: values}, said, choices)
    if len(values) == 2 and all(isinstance(one, list) and _are_numbers(one) for one in values):
        said = "Of two lists without names the first was taken for the training loss, the second for the validation loss."
        return _named(dict(zip((TRAIN, VALIDATION), values, strict=True)), said, choices)
    return runs_of_value(type_name(source), values, choices)


def _named(curves: dict[str, list[float]], said: str, choices: Choices) -> list[LoggedRun]:
    runs = runs_of_value("list", curves, choices)
    return [dataclasses.replace(run, notes=(*run.notes, said)) for run in runs]


def _are_numbers(values: list[Any]) -> bool:
    found = [one for one in values if one is not None]
    return bool(found) and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in found)


def _read_dict(source: Any, choices: Choices) -> list[LoggedRun]:  # noqa: ANN401  # a dict of anything
    return runs_of_value(type_name(source), _filled(source), choices)


def _filled(source: Any) -> Any:  # noqa: ANN401  # a dict or list of anything
    if not len(source):
        raise InputError(
            f"`source` must hold curves; the {type_name(source)} is empty. "
            "Pass {metric: [one value per epoch]}, such as {'loss': [...], 'val_loss': [...]}."
        )
    return source


STRUCTURED_ARRAY = ObjectKind("a NumPy array with named fields", _is_structured, _read_structured)
ARRAY = ObjectKind("an array", _is_array, _read_array)
DICT = ObjectKind(
    "a dict {metric: [one value per epoch]}", lambda source: isinstance(source, Mapping), _read_dict
)
LIST = ObjectKind(
    "a list of numbers or of dicts, one per epoch",
    # An iterator such as W&B's `scan_history()`; bytes are a sequence of numbers, too
    lambda source: isinstance(source, (Sequence, Iterator)) and not isinstance(source, (bytes, bytearray)),
    lambda source, choices: read_list(list(source), choices),
)
