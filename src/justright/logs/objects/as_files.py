"""Objects read as the files that would hold the same: what a log format knows is written down once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.discovery.checkpoint_names import with_checkpoints
from justright.logs.discovery.folders import find_logs
from justright.logs.formats.registry import log_formats
from justright.logs.logged_run import LoggedRun
from justright.logs.source import LogFormat, Source

if TYPE_CHECKING:
    import polars as pl

# Methods by which arrays, tensors and columns of other libraries give their values as lists, the first that is there.
AS_LIST = ("tolist", "to_list", "to_pylist")


def runs_of_value(name: str, value: object, choices: Choices, *, path: Path | None = None) -> list[LoggedRun]:
    """Return the runs of nested dicts and lists, which are read as a JSON file is.

    Args:
        name: how messages and the run name the object.
        value: dicts, lists and numbers; arrays and tensors inside them are taken as lists.
        choices: what the user says about names in it.
        path: the file in which its library would save it, if there are checkpoints beside that.

    Raises:
        InputError: no format knows it.
    """
    return _runs_in(Source(path or Path(name), json.dumps(plain_value(value)), choices=choices))


def runs_of_frame(name: str, frame: pl.DataFrame, choices: Choices) -> list[LoggedRun]:
    """Return the runs of a data frame, which is read as a CSV file is.

    Raises:
        InputError: no format knows it, or it holds no rows.
    """
    if not frame.height or not frame.width:
        raise InputError(f"`source` must hold curves; the {name} has {frame.height} rows.")
    return _runs_in(Source(Path(name), frame.write_csv(), choices=choices))


def runs_of_place(place: Path, choices: Choices) -> list[LoggedRun]:
    """Return the runs of a file or folder in which an object's library keeps its log.

    Raises:
        InputError: there is no log there.
    """
    logs = find_logs(place, log_formats())
    if not logs:
        raise InputError(f"A log folder must hold curves; {str(place)!r} holds none.")
    return [
        with_checkpoints(run, log.path) for log in logs for run in _runs_in(log.open(choices), log.format)
    ]


def plain_value(value: Any) -> Any:  # noqa: ANN401  # of any library
    """Return a value as JSON holds it: numbers, text, lists and dicts with names.

    Example:
        >>> import numpy as np
        >>> plain_value({"loss": np.array([0.5, 0.25]), 3: (np.float32(1.0), None)})
        {'loss': [0.5, 0.25], '3': [1.0, None]}
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain_value(one) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [plain_value(one) for one in value]
    kind = type(value)  # asked instead of the value: LightGBM's CVBooster says that it has everything
    if hasattr(kind, "numpy") and not hasattr(kind, "tolist"):  # TensorFlow's tensors
        value = value.numpy()
    listed = next((getattr(value, way) for way in AS_LIST if hasattr(type(value), way)), None)
    return str(value) if listed is None else plain_value(listed())


def _runs_in(source: Source, known: LogFormat | None = None) -> list[LoggedRun]:
    """Return the runs of a source, by its format or else by the first that knows it, with what was assumed."""
    found = known or next((one for one in log_formats() if one.matches(source)), None)
    if found is None:
        raise InputError(
            f"`source` must hold curves; the {source.name} holds none that is known. "
            "Pass {metric: [one value per epoch]}, such as {'loss': [...], 'val_loss': [...]}."
        )
    return found.runs(source)
