"""How values become JSON text and BLOBs in the database, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from justright.runs.events import RunKey

LOSS_DTYPE = np.dtype("<f4")  # little-endian whatever the machine, so that a folder can be moved
INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}


def metrics_to_json(metrics: Mapping[str, float]) -> str:
    """Return metrics as JSON text that keeps every float: NaN as null, infinities by name.

    `runs.plain` writes both as null, for readers who want numbers only; records must be read back unchanged.

    Example:
        >>> metrics_to_json({"loss": float("inf"), "accuracy": 0.5})
        '{"loss": "Infinity", "accuracy": 0.5}'
    """
    return json.dumps({name: _float_out(float(value)) for name, value in metrics.items()}, ensure_ascii=False)


def metrics_from_json(text: str) -> dict[str, float]:
    """Return the metrics that `metrics_to_json` wrote.

    Example:
        >>> metrics_from_json('{"loss": "Infinity", "accuracy": null}')
        {'loss': inf, 'accuracy': nan}
    """
    return {name: _float_in(value) for name, value in json.loads(text).items()}


def losses_to_blob(losses: npt.NDArray[np.float32]) -> bytes:
    """Return (rows,) losses as little-endian float32 bytes."""
    return np.ascontiguousarray(losses, dtype=LOSS_DTYPE).tobytes()


def losses_from_blob(blob: bytes) -> npt.NDArray[np.float32]:
    """Return the (rows,) losses that `losses_to_blob` wrote, as a new array.

    Example:
        >>> losses_from_blob(losses_to_blob(np.array([0.5, np.nan], np.float32)))
        array([0.5, nan], dtype=float32)
    """
    return np.frombuffer(blob, dtype=LOSS_DTYPE).astype(np.float32)


def lanes_from_json(text: str) -> tuple[RunKey, ...]:
    """Return the runs of a stack, lane by lane, from JSON text.

    Example:
        >>> lanes_from_json('[["Tiny", 0, 10000]]')
        (RunKey(variant='Tiny', seed=0, train_rows=10000),)
    """
    return tuple(RunKey(*run) for run in json.loads(text))


def _float_out(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _float_in(value: float | str | None) -> float:
    if value is None:
        return math.nan
    return INFINITIES[value] if isinstance(value, str) else float(value)
