"""NumPy arrays, and what can become one, as columns."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.readers.plain_values import values_column
from justright.data.readers.raw import RawTable, made_up_names, row_place
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

# Array kinds that hold numbers or text; complex numbers and raw bytes do not become columns.
ARRAY_KINDS = "biufUS"
# Halves of a UTF-16 pair: numbers in Python's range that are not characters (Unicode standard, section 3.8).
SURROGATES = (0xD800, 0xDFFF)


def as_array(source: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - anything with an array in it
    """Return what is given as a NumPy array: arrays of other packages, too, and NaN where a value is masked.

    Raises:
        InputError: it has no one shape, or is no array.
    """
    if type(source).__module__.split(".")[0] == "torch":
        source = source.detach().cpu()
    if isinstance(source, np.ma.MaskedArray):
        source = np.ma.filled(source.astype(np.float64), np.nan)
    try:
        return np.asarray(source)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"Features must form a (rows, features) array; got {type(source).__name__}: {str(error).rstrip('.')}."
        ) from None


def array_table(array: npt.NDArray[Any], label: str) -> RawTable:
    """Return the columns of an array, numbered from 0, or named by the fields of a structured array.

    Raises:
        InputError: it has not two axes, or a dtype that holds no values of a table.
    """
    import polars as pl

    if array.dtype.names and array.ndim == 1:
        fields = [array_column(name, array[name], label) for name in array.dtype.names]
        return RawTable(pl.DataFrame(fields), label, has_header=True, locate=row_place)

    if array.ndim != 2:
        raise InputError(
            f"{label}: features must have two axes, (rows, features); got shape {array.shape}. "
            "Reshape it: array.reshape(len(array), -1)."
        )
    names = made_up_names(array.shape[1])
    columns = [array_column(name, array[:, index], label) for index, name in enumerate(names)]
    return RawTable(pl.DataFrame(columns), label, has_header=False, locate=row_place)


def array_column(name: str, values: npt.NDArray[Any], label: str) -> pl.Series:
    """Return a column of the values in an array with one axis.

    Raises:
        InputError: its dtype holds no values of a table.
    """
    import polars as pl

    if values.dtype.kind == "O":
        return values_column(name, values.tolist())
    if values.dtype.kind in "mM":
        return pl.Series(name, values.astype(f"{values.dtype.kind}8[us]"))
    if values.dtype.kind not in ARRAY_KINDS:
        raise InputError(
            f"{label}: an array must hold numbers, booleans or text; got dtype {values.dtype}. "
            "Convert it with .astype(float) or .astype(str)."
        )
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        _check_characters(name, values, label)
        return pl.Series(name, values.tolist(), dtype=pl.String)
    # Polars knows no float16 arithmetic and no long double; both fit or round to float64.
    if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
        values = values.astype(np.float64)
    native = values.astype(values.dtype.newbyteorder("="), copy=True)
    return pl.Series(name, np.ascontiguousarray(native))


def _check_characters(name: str, values: npt.NDArray[np.str_], label: str) -> None:
    """Refuse text whose numbers are not characters: an array from a file may hold any number, and NumPy does not check."""
    native = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    codes = native.view(np.uint32) if native.dtype.itemsize and native.size else np.zeros(0, np.uint32)
    bad = (codes > sys.maxunicode) | ((codes >= SURROGATES[0]) & (codes <= SURROGATES[1]))
    if bad.any():
        row = int(np.argmax(bad.reshape(len(values), -1).any(axis=1)))
        raise InputError(
            f"{label}: column {name!r} must hold text; {row_place(row)} holds a number that is not a character. "
            "Write the file again."
        )
