"""NPZ archives with a feature and a target array. Object arrays, which are pickles, are refused unread."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from justright.data.read_options import READ_ALL, ReadOptions
from justright.data.readers.raw import MAX_TABLE_BYTES, RawTable, TableFormat
from justright.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

# Names of the two arrays, as scikit-learn, Keras' data sets and our own examples write them.
ARRAY_NAMES = (("X", "y"), ("x", "y"), ("features", "target"))

# What NumPy writes. Others (LZMA, bzip2) unpack a file of a kilobyte to gigabytes, and NumPy never wrote them.
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What precedes the name of an archive's first member, with the length of that name.
LOCAL_HEADER = struct.Struct("<26xH2x")
# An array's header has some hundred bytes, but may declare gigabytes; NumPy itself refuses more than 10,000.
MAX_HEADER_BYTES = 1 << 14


def read_npz(path: Path, label: str, options: ReadOptions = READ_ALL) -> RawTable:
    """Return the columns of the two arrays of an NPZ archive.

    Args:
        path: the file; holds `X` and `y`, `x` and `y`, or `features` and `target`.
        label: how messages name it.
        options: all rows are read, whatever they say.
    Raises:
        InputError: the archive is damaged, lacks the arrays, holds objects, or is too large in memory.
    """
    from justright.data.readers.frames.in_memory import pair_table

    with _arrays(path, label) as (archive, members):
        pair = next((pair for pair in ARRAY_NAMES if set(pair) <= set(members)), None)
        if pair is None:
            raise InputError(
                f"{label}: an NPZ file must hold two arrays called X and y, x and y, or features and target; "
                f"got {sorted(members)!r}. Save it with numpy.savez(path, X=X, y=y)."
            )
        features, target = (_read_member(archive, members[name], name, label) for name in pair)
    return pair_table(features, target, label)


def read_arrays(path: Path, label: str) -> dict[str, npt.NDArray[Any]]:
    """Return every array of an NPZ archive by its name.

    Raises:
        InputError: the archive is damaged, holds objects, or is too large in memory.
    """
    with _arrays(path, label) as (archive, members):
        return {name: _read_member(archive, member, name, label) for name, member in members.items()}


def read_array(path: Path, label: str) -> npt.NDArray[Any]:
    """Return the array in an NPY file.

    Raises:
        InputError: it is damaged, holds objects, or is too large in memory.
    """
    try:
        with path.open("rb") as file:
            return _read_open(file, path.stem, label)
    except DAMAGES as error:
        raise _damaged(error, "NPY", label) from None


@contextmanager
def _arrays(path: Path, label: str) -> Iterator[tuple[zipfile.ZipFile, dict[str, str]]]:
    """Yield an archive, and its members by the names of their arrays; say in a sentence what is found to be damaged in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            yield archive, {name.removesuffix(".npy"): name for name in names}
    except DAMAGES as error:
        raise _damaged(error, "NPZ", label) from None


def _damaged(error: Exception, kind: str, label: str) -> InputError:
    if isinstance(error, InputError):
        return error
    return InputError(
        f"{label}: a readable {kind} file was expected; {str(error)!r}. Write or download it again."
    )


def _read_member(archive: zipfile.ZipFile, member: str, name: str, label: str) -> npt.NDArray[Any]:
    if archive.getinfo(member).compress_type not in COMPRESSIONS:
        raise InputError(
            f"{label}: array {name!r} must be stored or deflated; it is compressed in another way. "
            "Save it with numpy.savez or numpy.savez_compressed."
        )
    with archive.open(member) as content:
        return _read_open(content, name, label)


def _read_open(content: IO[bytes], name: str, label: str) -> npt.NDArray[Any]:
    """Return the array at the beginning of an open file, once its header has been checked."""
    import numpy as np

    file = io.BytesIO(content.read(MAX_HEADER_BYTES))
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    if dtype.hasobject:
        raise InputError(
            f"{label}: array {name!r} must hold numbers or text; it holds Python objects, which are pickles and never "
            "loaded. Save it with .astype(float) or .astype(str)."
        )
    # Python integers: the product of a hostile header's axes must not wrap around.
    size = math.prod(map(int, shape), start=dtype.itemsize)
    if size > MAX_TABLE_BYTES:
        raise InputError(
            f"{label}: array {name!r} must take at most {MAX_TABLE_BYTES:,} bytes; it declares {size:,}. Save fewer rows."
        )
    content.seek(0)
    array: npt.NDArray[Any] = np.lib.format.read_array(content, allow_pickle=False)
    return array


def looks_like_npz(start: bytes) -> bool:
    r"""Return whether an archive begins with an array.

    Example:
        >>> looks_like_npz(b"PK\x03\x04" + bytes(22) + b"\x05\0\0\0" + b"X.npy")
        True
    """
    name = (
        start[LOCAL_HEADER.size :][: LOCAL_HEADER.unpack_from(start)[0]]
        if len(start) > LOCAL_HEADER.size
        else b""
    )
    return start.startswith(b"PK") and name.endswith(b".npy")


def _refuse_npy(path: Path, label: str, options: ReadOptions) -> RawTable:
    raise InputError(
        f"{label}: an .npy file holds one array only. Save both with numpy.savez(path, X=X, y=y)."
    )


# What zipfile, zlib and NumPy's header parser raise on damaged archives.
DAMAGES = (
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError, SyntaxError),
    *(ValueError, TypeError, EOFError, OSError, NotImplementedError, RuntimeError),
)

NPZ = TableFormat(
    "NPZ", "an NPZ file", (b"PK\x03\x04", b"PK\x05\x06"), (".npz",), read_npz, recognise=looks_like_npz
)
NPY = TableFormat("", "an NPY file", (b"\x93NUMPY",), (), _refuse_npy)
