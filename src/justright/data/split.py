"""Which rows learn, which choose, which only measure: disjoint, exact in size, fixed by a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from justright.data.checks import is_whole
from justright.errors import InputError, check_one_of

Part = Literal["train", "validation", "test"]
# In the order in which rows are handed out: the tutorial's first rows validate, the next train.
PARTS: tuple[Part, ...] = ("validation", "train", "test")
Order = Literal["head", "random", "stratified"]
ORDERS: tuple[Order, ...] = get_args(Order)
# Used when neither `train` nor `test` is given: as large as the default validation part.
DEFAULT_TEST_FRACTION = 0.2

Rows = npt.NDArray[np.int64]
Arrays = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32 | np.int32]]


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """How a table is split: whole numbers are rows, floats are fractions of the table's rows.

    Args:
        validation: rows that choose the epoch.
        train: rows that learn; None for all that remain.
        test: rows that only measure; None for all that remain. When `train` is None as well, `test` is
            `DEFAULT_TEST_FRACTION` and `train` takes the rest.
        order: `head` takes rows in file order, `random` after one shuffle, `stratified` class by class.
        seed: fixes the shuffle.
    Raises:
        InputError: a number is negative, a fraction above 1, or `order` unknown.
    Example:
        >>> SplitSpec(validation=0.2).test
        0.2
    """

    validation: int | float = 0.2
    train: int | float | None = None
    test: int | float | None = None
    order: Order = "head"
    seed: int = 0

    def __post_init__(self) -> None:
        check_one_of("order", self.order, ORDERS)
        if not is_whole(self.seed, least=0):
            raise InputError(f"`seed` must be a whole number of 0 or more; got {self.seed!r}.")
        if self.train is None and self.test is None:
            object.__setattr__(self, "test", DEFAULT_TEST_FRACTION)
        for part in PARTS:
            _check_size(part, getattr(self, part))


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """The classes of a table's rows.

    Args:
        codes: (rows,), the index of each row's class.
        names: the names of classes 0, 1, ....
        target: the target column's name, for messages.
        source: where the table came from, for messages.
    """

    codes: Rows
    names: tuple[str, ...]
    target: str
    source: str


def split_rows(
    spec: SplitSpec, rows: int, classes: Classes | None, *, has_validation_table: bool = False
) -> dict[Part, Rows]:
    """Return the row numbers of each part.

    Args:
        spec: sizes, order and seed.
        rows: rows of the table.
        classes: of the rows; None for a numeric target.
        has_validation_table: whether another table validates, so that this one need not.
    Returns:
        (rows,) int64 arrays, read-only, in the order in which training sizes take them.
    Raises:
        InputError: too few rows for the sizes, or a class without training rows.
    Example:
        >>> split_rows(SplitSpec(1, train=3), 5, None)["train"]
        array([1, 2, 3])
    """
    sizes = _part_sizes(spec, rows, has_validation_table=has_validation_table)
    order = np.arange(rows, dtype=np.int64) if spec.order == "head" else shuffled_rows(rows, spec.seed)
    parts = _stratify(order, sizes, classes) if spec.order == "stratified" else _cut(order, sizes)
    if classes is not None:
        _check_every_class_learns(classes, parts["train"], spec)
    for part in parts.values():
        part.flags.writeable = False
    return parts


def shuffled_rows(rows: int, seed: int) -> Rows:
    """Return a permutation of 0..rows-1 that depends on the seed alone, not on the platform or NumPy's version.

    NumPy promises the raw stream of a bit generator to stay the same, but not `Generator.permutation`
    (NEP 19), so rows are ordered by 64 raw bits each; ties keep their order.

    Example:
        >>> shuffled_rows(5, 0)
        array([0, 3, 1, 2, 4])
    """
    keys = np.random.Philox(np.random.SeedSequence(seed)).random_raw(rows)
    return np.argsort(keys, kind="stable").astype(np.int64)


def allocate_rows(size: int, weights: Rows, *, least: int, most: Rows) -> Rows:
    """Return how many of `size` rows come from each class: the largest-remainder rule within bounds.

    Each class first gets the whole part of its proportional share; the rows left over go to the largest
    remainders (Hamilton's method), ties to the first class.

    Args:
        size: rows to allocate, between classes x `least` and the sum of `most`.
        weights: (classes,), rows of each class; shares are proportional to them.
        least: fewest rows of any class.
        most: (classes,), most rows of each class.
    Returns:
        (classes,), sums to `size`.
    Example:
        >>> allocate_rows(5, np.array([10, 6, 4]), least=1, most=np.array([10, 6, 4]))
        array([3, 1, 1])
    """
    shares = size * weights / max(int(weights.sum()), 1)  # no rows are left for a part of size 0
    counts: Rows = np.clip(np.floor(shares).astype(np.int64), least, most)
    while counts.sum() < size:
        counts[np.where(counts < most, shares - counts, -np.inf).argmax()] += 1
    while counts.sum() > size:
        counts[np.where(counts > least, shares - counts, np.inf).argmin()] -= 1
    return counts.astype(np.int64, copy=False)


def _check_size(part: str, size: int | float | None) -> None:
    if size is None and part != "validation":
        return
    good_rows = is_whole(size, least=0)
    good_fraction = isinstance(size, float) and 0.0 <= size <= 1.0
    if not (good_rows or good_fraction):
        raise InputError(
            f"`{part}` must be a whole number of rows, or a float from 0.0 to 1.0 as a fraction of them; got {size!r}."
        )


def _part_sizes(spec: SplitSpec, rows: int, *, has_validation_table: bool) -> dict[Part, int]:
    asked: dict[Part, int | float | None] = {part: getattr(spec, part) for part in PARTS}
    sizes: dict[Part, int] = {part: size for part, size in asked.items() if isinstance(size, int)}
    # Cumulative rounding: fractions that add up to 1 then add up to all rows. `str` keeps 0.1 a tenth.
    taken, total = 0, Fraction(0)
    for part, size in asked.items():
        if isinstance(size, float):
            total += Fraction(str(size)) * rows
            sizes[part] = round(total) - taken
            taken += sizes[part]
    rest = rows - sum(sizes.values())
    # In this order: rows are dealt out by position.
    sizes = {part: sizes.get(part, max(rest, 0)) for part in PARTS}
    _check_sizes(sizes, rows, rest, has_validation_table=has_validation_table)
    return sizes


def _check_sizes(sizes: Mapping[Part, int], rows: int, rest: int, *, has_validation_table: bool) -> None:
    listed = ", ".join(f"{part} {size:,}" for part, size in sizes.items())
    if rest < 0:
        raise InputError(
            f"The split must fit into the table's {rows:,} rows; got {listed} = {sum(sizes.values()):,}. "
            "Read more rows or ask for fewer."
        )
    if sizes["train"] < 1 or (sizes["validation"] < 1 and not has_validation_table):
        raise InputError(
            f"A split must have at least 1 training and 1 validation row; of {rows:,} rows got {listed}. "
            "Read more rows or ask for fewer."
        )


def _check_every_class_learns(classes: Classes, train: Rows, spec: SplitSpec) -> None:
    counts = np.bincount(classes.codes[train], minlength=len(classes.names))
    if counts.min() == 0:
        name = classes.names[int(counts.argmin())]
        raise InputError(
            f"Training rows must hold every class; none of the {len(train):,} rows chosen by order={spec.order!r} "
            f"is of class {name!r}. Use order='stratified', or more training rows."
        )


def _cut(rows: Rows, sizes: Mapping[Part, int]) -> dict[Part, Rows]:
    ends = np.cumsum(list(sizes.values()))
    return {part: rows[end - sizes[part] : end].copy() for part, end in zip(sizes, ends, strict=True)}


def _stratify(shuffled: Rows, sizes: Mapping[Part, int], classes: Classes | None) -> dict[Part, Rows]:
    """Return parts that each hold every class, in the table's proportions to the nearest row."""
    if classes is None:
        raise InputError(
            "order='stratified' needs classes; the target is numeric (regression). Use order='random'."
        )
    codes = classes.codes[shuffled]
    queues = [shuffled[codes == index] for index in range(len(classes.names))]
    _check_rows_per_class(classes, queues, sizes)
    rank = np.argsort(shuffled)
    parts: dict[Part, Rows] = {}
    to_come = sum(1 for size in sizes.values() if size)
    for part, size in sizes.items():
        to_come -= min(size, 1)
        left = np.array([len(queue) for queue in queues])
        counts = allocate_rows(size, left, least=min(size, 1), most=left - to_come)
        chosen = np.concatenate([queue[:count] for queue, count in zip(queues, counts, strict=True)])
        queues = [queue[count:] for queue, count in zip(queues, counts, strict=True)]
        parts[part] = chosen[np.argsort(rank[chosen])]
    return parts


def _check_rows_per_class(classes: Classes, queues: list[Rows], sizes: Mapping[Part, int]) -> None:
    parts = sum(1 for size in sizes.values() if size)
    for name, queue in zip(classes.names, queues, strict=True):
        if len(queue) < parts:
            has = f"{len(queue)} {'row' if len(queue) == 1 else 'rows'} (first: row {int(queue.min()) + 1})"
            raise InputError(
                f"{classes.source!r}: order='stratified' needs a row of every class in each of {parts} parts; of "
                f"{classes.target!r} class {name!r} has {has}. "
                "Correct or remove such values, read more rows, or use order='random'."
            )
    for part, size in sizes.items():
        if 0 < size < len(queues):
            raise InputError(
                f"order='stratified' needs a row of each of {len(queues)} classes in every part; `{part}` has "
                f"{size:,} rows. Ask for more."
            )
