"""NPZ archives with a feature and a target array. Object arrays, which are pickles, are refused unread."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

    try:
        with zipfile.ZipFile(path) as archive:
            members = {
                name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")
            }
            pair = next((pair for pair in ARRAY_NAMES if set(pair) <= set(members)), None)
            if pair is None:
                raise InputError(
                    f"{label}: an NPZ file must hold two arrays called X and y, x and y, or features and target; "
                    f"got {sorted(members)!r}. Save it with numpy.savez(path, X=X, y=y)."
                )
            features, target = (_read_array(archive, members[name], name, label) for name in pair)
    except DAMAGES as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{label}: a readable NPZ file was expected; {str(error)!r}. Write or download it again."
        ) from None
    return pair_table(features, target, label)


def _read_array(archive: zipfile.ZipFile, member: str, name: str, label: str) -> npt.NDArray[Any]:
    import numpy as np

    if archive.getinfo(member).compress_type not in COMPRESSIONS:
        raise InputError(
            f"{label}: array {name!r} must be stored or deflated; it is compressed in another way. "
            "Save it with numpy.savez or numpy.savez_compressed."
        )
    with archive.open(member) as packed:
        file = io.BytesIO(packed.read(MAX_HEADER_BYTES))
        version = np.lib.format.read_magic(file)
        header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
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
    with archive.open(member) as content:
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
