"""LIBSVM's sparse text: a target, then `number:value` for each feature that is not 0; read by scikit-learn."""

from __future__ import annotations

import io
import re
from pathlib import Path

from justright.data.read_options import ReadOptions
from justright.data.readers.inflate import read_packed
from justright.data.readers.raw import MAX_TABLE_BYTES, RawTable, TableFormat
from justright.data.readers.sniff import check_text
from justright.errors import InputError

NUMBER = rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?"
# Three lines at least look like this one before a file without a telling name is taken for LIBSVM's.
LINE = re.compile(rb"\s*%(n)s(?:\s+qid:\d+)?(?:\s+\d+:%(n)s)+\s*(?:#.*)?" % {b"n": NUMBER})
LINES = 3
VALUE_BYTES = 8


def read_libsvm(path: Path, label: str, options: ReadOptions) -> RawTable:
    """Return the columns of a file in LIBSVM's format: features by number, and the target.

    Args:
        path: the file, which may be compressed.
        label: how messages name it.
        options: of `head_rows`, no more rows are read.

    Raises:
        InputError: a line that does not follow the format, or more values than fit into memory once zeros are written out.
    """
    from sklearn.datasets import load_svmlight_file

    from justright.data.readers.frames.in_memory import pair_table

    text = check_text(read_packed(path, label), label)
    try:
        features, target = load_svmlight_file(io.BytesIO(text))[:2]
    except (ValueError, OverflowError, IndexError) as error:
        raise InputError(
            f"{label}: every line must be a target and NUMBER:VALUE pairs; scikit-learn says: {error}. Correct the file."
        ) from None
    features, target = features[: options.head_rows], target[: options.head_rows]
    size = features.shape[0] * features.shape[1] * VALUE_BYTES
    if size > MAX_TABLE_BYTES:
        raise InputError(
            f"{label}: a table must take at most {MAX_TABLE_BYTES:,} bytes in memory; {features.shape[0]:,} rows of "
            f"{features.shape[1]:,} features take {size:,} with their zeros. Ask for fewer `rows`, or remove features."
        )
    return pair_table(features.toarray(), target, label)


def looks_like_libsvm(start: bytes) -> bool:
    r"""Return whether text begins as LIBSVM's.

    Example:
        >>> looks_like_libsvm(b"+1 1:0.5 7:1\n" * 3), looks_like_libsvm(b"1,2\n" * 3)
        (True, False)
    """
    lines = start.splitlines()[:LINES]
    return len(lines) == LINES and all(LINE.fullmatch(line) for line in lines)


LIBSVM = TableFormat(
    "LIBSVM", "a LIBSVM file", (), (".libsvm", ".svm", ".svmlight"), read_libsvm, recognise=looks_like_libsvm
)
