"""Rows that are copies of each other: in two parts of a split, they would be learned in one and measured in the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.arrays import Target, row_blocks
from justright.data.row_groups import join_groups

if TYPE_CHECKING:
    import polars as pl

Rows = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

# Where less than half of the rows are distinct, rows repeat because there are few values, not because they were copied.
LEAST_DISTINCT = 0.5
# A row that makes up more than a tenth of a table is a common case, such as all zeros. In one part, it would distort the split.
MOST_COPIES = 0.1
FRAME_BLOCK_ROWS = 1 << 17
# An odd number without structure: the golden ratio's first 64 binary digits.
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)


@dataclass(frozen=True, slots=True, eq=False)
class Duplicates:
    """What was found about the rows of a table that are equal in every column, the target included.

    Args:
        copies: rows that repeat an earlier one.
        groups: (rows,) the number of the first row equal to each; None if none is kept together.
        is_natural: whether there are copies, but rows repeat because the columns have few values.
    """

    copies: int
    groups: Rows | None
    is_natural: bool = False

    def joined(self, groups: Rows | None) -> Rows | None:
        """Return groups that keep copies together as well."""
        return join_groups(groups, self.groups)


def find_duplicates(rows: npt.NDArray[np.float32] | pl.DataFrame, target: Target | None = None) -> Duplicates:
    """Return which rows are copies of others, and whether they should stay together.

    Rows are compared by a hash of 64 bits, a block at a time: 8 bytes for each row are kept, and of a table without copies
    no more. Two rows that differ have equal
    hashes with a probability of 1e-6 in a table of 5 million; they would merely stay in one part.

    Args:
        rows: (rows, columns) the features as numbers, or a frame of the columns as they were read.
        target: of each row; None if the columns hold it.
    Example:
        >>> x = np.array([[1, 2], [3, 4], [1, 2]], np.float32)
        >>> find_duplicates(x, np.array([0, 1, 0], np.float32)).groups.tolist()
        [0, 1, 0]
    """
    hashes = hash_table(rows, target)
    distinct = _count_distinct(hashes)
    copies = len(hashes) - distinct
    if not copies:
        return Duplicates(0, None)
    if distinct < LEAST_DISTINCT * len(hashes):
        return Duplicates(copies, None, is_natural=True)
    hashes = hash_table(rows, target)  # in the order of the rows again
    _, first, own, counts = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    groups = first[own].astype(np.int64)
    is_common = counts[own] > max(2, MOST_COPIES * len(hashes))
    groups[is_common] = np.flatnonzero(is_common)
    return Duplicates(copies, groups)


def _count_distinct(hashes: Hashes) -> int:
    """Return how many hashes differ; afterwards they are sorted."""
    hashes.sort()
    return 1 + int(np.count_nonzero(hashes[1:] != hashes[:-1])) if len(hashes) else 0


def hash_table(rows: npt.NDArray[np.float32] | pl.DataFrame, target: Target | None = None) -> Hashes:
    """Return (rows,) hashes, equal for equal rows in this process; arguments as for `find_duplicates`."""
    hashes = np.empty(len(rows), np.uint64)
    for start, block in _array_hashes(rows) if isinstance(rows, np.ndarray) else _frame_hashes(rows):
        part = slice(start, start + len(block))
        hashes[part] = block if target is None else _mixed(block, _bits(target[part]))
    return hashes


def _array_hashes(rows: npt.NDArray[np.float32]) -> Iterator[tuple[int, Hashes]]:
    for start, block in row_blocks(rows):
        hashes = np.zeros(len(block), np.uint64)
        for column in range(block.shape[1]):
            hashes = _mixed(hashes, _bits(block[:, column]))
        yield start, hashes


def _frame_hashes(frame: pl.DataFrame) -> Iterator[tuple[int, Hashes]]:
    for start in range(0, frame.height, FRAME_BLOCK_ROWS):
        yield start, frame.slice(start, FRAME_BLOCK_ROWS).hash_rows().to_numpy()


def _bits(values: npt.NDArray[Any]) -> Hashes:
    """Return the bits of numbers of 32 bits; -0.0 and 0.0 have the same."""
    bits: Hashes = (values + values.dtype.type(0)).view(np.uint32).astype(np.uint64)
    return bits


def _mixed(hashes: Hashes, bits: Hashes) -> Hashes:
    """Return hashes into which further bits went: each of them changes half of the result, wherever it stood."""
    mixed = (hashes ^ bits) * MULTIPLIER
    mixed ^= mixed >> HALF
    return mixed * MULTIPLIER
