"""Plain values and JSON: the one place that says what becomes of NaN, infinities and NumPy's types."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def plain(value: Any) -> Any:  # noqa: ANN401  # any plain value in, its JSON form out
    """Return `value` as JSON can hold it: NumPy scalars and arrays unwrapped, NaN and infinities None.

    Raises:
        TypeError: a value is of a kind that JSON cannot hold.

    Example:
        >>> plain({"a": (1.0, float("nan"))})
        {'a': [1.0, None]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # a NumPy array or scalar
        return plain(value.tolist())
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    raise TypeError(f"a plain value is text, a number, a list or a mapping; got {value!r}")


def to_json(value: object, **options: Any) -> str:
    """Return plain values as strict JSON text; NaN and infinities, which JSON lacks, become null.

    Args:
        value: what to write.
        options: those of `json.dumps`, such as `indent`.

    Example:
        >>> to_json({"low": float("nan"), "epochs": (1, 2)})
        '{"low": null, "epochs": [1, 2]}'
    """
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, **options)
