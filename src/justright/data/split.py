"""Which rows learn, which choose, which only measure: disjoint, exact in size, fixed by a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from justright.data.checks import is_whole
from justright.data.row_groups import number_groups, place_groups
from justright.data.row_times import UNUSED, split_by_time
from justright.data.stratify import stratify, teach_every_class
from justright.errors import InputError, check_one_of

Part = Literal["train", "validation", "test"]
# In the order in which rows are handed out: the tutorial's first rows validate, the next train.
PARTS: tuple[Part, ...] = ("validation", "train", "test")
Order = Literal["head", "random", "stratified", "time"]
ORDERS: tuple[Order, ...] = get_args(Order)
# Used when neither `train` nor `test` is given: as large as the default validation part.
DEFAULT_TEST_FRACTION = 0.2

Rows = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Arrays = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32 | np.int32]]


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """How a table is split: whole numbers are rows, floats are fractions of the table's rows.

    Args:
        validation: rows that choose the epoch.
        train: rows that learn; None for all that remain.
        test: rows that only measure; None for all that remain. When `train` is None as well, `test` is
            `DEFAULT_TEST_FRACTION` and `train` takes the rest.
        order: `head` takes rows in file order, `random` after one shuffle, `stratified` class by class; `time` trains on the
            earliest rows, validates on later ones and tests on the last. None is `time` where the table has times, else
            `stratified` where it has classes, else `random`.
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
    order: Order | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.order is not None:
            check_one_of("order", self.order, ORDERS)
        if not is_whole(self.seed, least=0):
            raise InputError(f"`seed` must be a whole number of 0 or more; got {self.seed!r}.")
        if self.train is None and self.test is None:
            object.__setattr__(self, "test", DEFAULT_TEST_FRACTION)
        for part in PARTS:
            _check_size(part, getattr(self, part))

    def resolved(self, *, has_classes: bool, has_times: bool) -> SplitSpec:
        """Return the same with an order, for a table with or without classes and times.

        Raises:
            InputError: the order asked for needs what the table lacks.
        Example:
            >>> SplitSpec().resolved(has_classes=True, has_times=False).order
            'stratified'
        """
        if self.order is None:
            return replace(self, order="time" if has_times else "stratified" if has_classes else "random")
        if self.order == "stratified" and not has_classes:
            raise InputError(
                "order='stratified' needs classes; the target is numeric (regression). Use order='random'."
            )
        if self.order == "time" and not has_times:
            raise InputError(
                "order='time' needs a time for each row; the table has none. Name its column with `time` when reading it."
            )
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """The classes of a table's rows.

    Args:
        codes: (rows,), the index of each row's class, from 0.
        names: the names of classes 0, 1, ....
    """

    codes: Codes
    names: tuple[str, ...]


def split_rows(
    spec: SplitSpec,
    rows: int,
    classes: Classes | None,
    *,
    has_validation_table: bool = False,
    groups: Rows | None = None,
    times: npt.NDArray[np.float64] | None = None,
) -> dict[Part, Rows]:
    """Return the row numbers of each part.

    Args:
        spec: sizes, order and seed; an order of None is chosen as `SplitSpec.resolved` says.
        rows: rows of the table.
        classes: of the rows; None for a numeric target.
        has_validation_table: whether another table validates, so that this one need not.
        groups: (rows,) codes; rows with equal codes stay in one part, and sizes are then as near to those asked for as the
            groups allow. Orders `random` and `stratified` only.
        times: (rows,) for order `time`.
    Returns:
        (rows,) int64 arrays, read-only, in the order in which training sizes take them: that of the shuffle, except for
        `head`.
    Raises:
        InputError: too few rows for the sizes, an order that cannot be had here, or a class without training rows.
    Example:
        >>> split_rows(SplitSpec(1, train=3, order="head"), 5, None)["train"]
        array([1, 2, 3])
    """
    spec = spec.resolved(has_classes=classes is not None, has_times=times is not None)
    sizes = part_sizes(spec, rows, has_validation_table=has_validation_table)
    if groups is not None and spec.order == "time":
        raise InputError(
            "Rows can be kept together by group, or validate and test later than they train; both were asked for. Give "
            "`group` or `time`, not both."
        )
    if groups is not None and spec.order == "head":
        raise InputError(
            f"Rows of one group can be kept together in order='random' or 'stratified'; got order={spec.order!r}. "
            "Choose one of those, or read the table without `group`."
        )
    parts: Mapping[str, Rows]
    if spec.order == "head":
        parts = _cut(np.arange(rows, dtype=np.int64), sizes)
    elif times is not None and spec.order == "time":
        parts = split_by_time(times, sizes, shuffled_rows(rows, spec.seed))
    else:
        parts = _deal(shuffled_rows(rows, spec.seed), sizes, classes, spec, groups)
    if classes is not None:
        _check_every_class_learns(classes, parts["train"], spec)
    found: dict[Part, Rows] = {part: parts[part] for part in PARTS}
    for part in found.values():
        part.flags.writeable = False
    return found


def shuffled_rows(rows: int, seed: int) -> Rows:
    """Return a permutation of 0..rows-1 that depends on the seed alone, not on the platform or NumPy's version.

    NumPy promises the raw stream of a bit generator to stay the same, but not `Generator.permutation`
    (NEP 19), so rows are ordered by 64 raw bits each; ties keep their order.

    Example:
        >>> shuffled_rows(5, 0)
        array([0, 3, 1, 2, 4])
    """
    keys = np.random.Philox(np.random.SeedSequence(seed)).random_raw(rows)
    return np.argsort(keys, kind="stable").astype(np.int64, copy=False)


def part_sizes(spec: SplitSpec, rows: int, *, has_validation_table: bool) -> dict[str, int]:
    """Return the rows of each part that are asked for, in the order in which rows are dealt out.

    Raises:
        InputError: the table has too few rows.
    Example:
        >>> part_sizes(SplitSpec(), 10, has_validation_table=False)
        {'validation': 2, 'train': 6, 'test': 2}
    """
    asked: dict[str, int | float | None] = {part: getattr(spec, part) for part in PARTS}
    sizes: dict[str, int] = {part: size for part, size in asked.items() if isinstance(size, int)}
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


def _check_size(part: str, size: int | float | None) -> None:
    if size is None and part != "validation":
        return
    good_rows = is_whole(size, least=0)
    good_fraction = isinstance(size, float) and 0.0 <= size <= 1.0
    if not (good_rows or good_fraction):
        raise InputError(
            f"`{part}` must be a whole number of rows, or a float from 0.0 to 1.0 as a fraction of them; got {size!r}."
        )


def _check_sizes(sizes: Mapping[str, int], rows: int, rest: int, *, has_validation_table: bool) -> None:
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
        other = (
            "more training rows"
            if spec.order == "stratified"
            else "order='stratified', or more training rows"
        )
        raise InputError(
            f"Training rows must hold every class; none of the {len(train):,} rows chosen by order={spec.order!r} "
            f"is of class {name!r}. Use {other}."
        )


def _deal(
    shuffled: Rows, sizes: Mapping[str, int], classes: Classes | None, spec: SplitSpec, groups: Rows | None
) -> dict[str, Rows]:
    """Return parts of shuffled rows, stratified or not, with groups kept together and every class in training."""
    is_stratified = classes is not None and spec.order == "stratified"
    if groups is not None:
        groups = number_groups(groups)
    placed: dict[str, Rows] = {}
    left, room = shuffled, dict(sizes)
    if groups is not None and int(groups.max()) + 1 < len(groups):
        every = {**sizes, UNUSED: len(shuffled) - sum(sizes.values())}
        codes = classes.codes if classes is not None and is_stratified else None
        found = place_groups(groups, shuffled, every, codes, len(classes.names) if classes else 0)
        placed, left, room = found.rows, found.alone, found.sizes
        room.pop(UNUSED)
    if classes is not None and is_stratified:
        parts = stratify(left, room, classes.codes, len(classes.names))
    else:
        parts = _cut(left, room)
    if placed:
        parts = {part: np.concatenate([rows, placed[part]]) for part, rows in parts.items()}
        parts = _in_order(parts, shuffled)
        _check_groups(parts, sizes)
    if classes is None or np.bincount(classes.codes[parts["train"]], minlength=len(classes.names)).all():
        return parts
    if len(parts["train"]) < len(classes.names):
        return parts  # which is refused: there is no room for all
    parts[UNUSED] = np.setdiff1d(shuffled, np.concatenate(list(parts.values())), assume_unique=True)
    parts = teach_every_class(parts, classes.codes, len(classes.names), groups=groups)
    return _in_order(parts, shuffled)


def _in_order(parts: Mapping[str, Rows], shuffled: Rows) -> dict[str, Rows]:
    rank = np.argsort(shuffled)
    return {part: rows[np.argsort(rank[rows])] for part, rows in parts.items()}


def _check_groups(parts: Mapping[str, Rows], sizes: Mapping[str, int]) -> None:
    empty = [part for part, size in sizes.items() if size and not len(parts[part])]
    if empty:
        raise InputError(
            f"Every part must have a group of rows; there are too few, or too large, groups for `{empty[0]}` to have one. "
            "Ask for fewer parts, or read the table without `group`."
        )


def _cut(rows: Rows, sizes: Mapping[str, int]) -> dict[str, Rows]:
    ends = np.cumsum(list(sizes.values()))
    return {part: rows[end - sizes[part] : end].copy() for part, end in zip(sizes, ends, strict=True)}
