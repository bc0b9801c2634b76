"""Which rows learn, which choose, which only measure: disjoint, exact in size, fixed by a seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from justright.data.align import align_table
from justright.data.checks import is_whole
from justright.data.stratify import stratified_parts
from justright.data.table import Part, Table, hash_rows
from justright.errors import InputError, one_of

Order = Literal["head", "random", "stratified"]
ORDERS: tuple[Order, ...] = get_args(Order)
# In the order in which rows are handed out: the tutorial's first rows validate, the next train.
PARTS: tuple[Part, ...] = ("validation", "train", "test")
# Used when neither `train` nor `test` says how many rows it takes: as large as the default validation part.
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
        if self.order not in ORDERS:
            raise one_of("order", self.order, ORDERS)
        if not is_whole(self.seed, least=0):
            raise InputError(f"`seed` must be a whole number of 0 or more; got {self.seed!r}.")
        if self.train is None and self.test is None:
            object.__setattr__(self, "test", DEFAULT_TEST_FRACTION)
        for part in PARTS:
            _check_size(part, getattr(self, part))


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A table and the rows of it that train, validate and test.

    Args:
        table: the table that is split.
        train: (rows,), int64 row numbers, in the order in which training sizes take them.
        validation: (rows,), int64 row numbers; empty when `validation_table` stands in.
        test: (rows,), int64 row numbers; empty when `test_table` stands in or nothing is tested.
        spec: how the rows were chosen.
        test_table: a table of its own for testing, aligned to `table`; None otherwise.
        validation_table: the same for validation.
    """

    table: Table
    train: Rows
    validation: Rows
    test: Rows
    spec: SplitSpec
    test_table: Table | None = None
    validation_table: Table | None = None
    _copies: dict[Part, Arrays] = field(default_factory=dict, init=False, repr=False)

    @property
    def sizes(self) -> dict[str, int]:
        """Rows of each part: `train`, `validation`, `test`."""
        return {
            "train": len(self.train),
            "validation": self.validation_table.rows if self.validation_table else len(self.validation),
            "test": self.test_table.rows if self.test_table else len(self.test),
        }

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the tables' content and of which rows are which."""
        extra = [table.fingerprint if table else None for table in (self.test_table, self.validation_table)]
        digest = hashlib.sha256(json.dumps([self.table.fingerprint, asdict(self.spec), extra]).encode())
        for rows in (self.train, self.validation, self.test):
            digest.update(len(rows).to_bytes(8, "little") + rows.astype("<i8", copy=False).tobytes())
        return digest.hexdigest()

    def digest(self, *parts: Part) -> str:
        """Return the SHA-256 (hex) of the rows of `parts` in their order, wherever they were read from."""
        hashes = [hash_rows(self.table, *self.arrays(part)) for part in parts]
        return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()

    def with_test_table(self, table: Table) -> Split:
        """Return this split with the rows of another table to test on; the same rows train and validate.

        Raises:
            InputError: the tables do not match.
        """
        spec = replace(self.spec, validation=len(self.validation), train=len(self.train), test=0)
        return replace(self, test=self.test[:0], test_table=align_table(table, like=self.table), spec=spec)

    def arrays(self, part: Part) -> Arrays:
        """Return one part's features and target, read-only.

        Rows that are consecutive are a view of the table; others are copied once and kept.

        Args:
            part: `train`, `validation` or `test`.
        Returns:
            Features (rows, features) float32 and target (rows,).
        Raises:
            InputError: `part` is none of the three.
        Example:
            >>> import justright as jr
            >>> split = jr.read_table("higgs-sim").split(validation=1_000, train=10_000)
            >>> split.arrays("test")[0].shape
            (13000, 28)
        """
        if part not in PARTS:
            raise one_of("part", part, PARTS)
        stand_in = {"test": self.test_table, "validation": self.validation_table, "train": None}[part]
        if stand_in is not None:
            return stand_in.features, stand_in.target
        if part not in self._copies:
            rows = _as_slice(getattr(self, part))
            found = self.table.features[rows], self.table.target[rows]
            for values in found:
                values.flags.writeable = False
            self._copies[part] = found
        return self._copies[part]

    def train_subset(self, rows: int) -> Rows:
        """Return the row numbers of a smaller training part: a larger one contains every smaller one.

        Args:
            rows: how many; the first of `train`, which is in file order for `head` and shuffled otherwise.
        Returns:
            (rows,), int64.
        Raises:
            InputError: `rows` is not in 1..training rows.
        """
        if not is_whole(rows, least=1) or rows > len(self.train):
            raise InputError(
                f"A training size must be 1 to {len(self.train)} rows (the training rows); got {rows!r}."
            )
        return self.train[:rows]


def split_table(
    table: Table,
    spec: SplitSpec,
    *,
    test_table: Table | None = None,
    validation_table: Table | None = None,
) -> Split:
    """Return the split of a table after `spec`; a table given for a part stands in for rows of this one.

    Args:
        table: the table to split.
        spec: sizes, order and seed. A part that a table of its own stands in for takes no rows from here.
        test_table: rows that test instead; aligned to `table` by column name.
        validation_table: rows that validate instead.
    Raises:
        InputError: too few rows for the sizes, a class without training rows, or tables that do not match.
    Example:
        >>> import justright as jr
        >>> split_table(jr.read_table("higgs-sim"), SplitSpec(1_000, train=10_000, test=0)).sizes
        {'train': 10000, 'validation': 1000, 'test': 0}
    """
    if test_table is not None:
        test_table, spec = align_table(test_table, like=table), replace(spec, test=0)
    if validation_table is not None:
        validation_table, spec = align_table(validation_table, like=table), replace(spec, validation=0)
    sizes = _part_sizes(table, spec, has_validation_table=validation_table is not None)
    parts = ORDER_RULES[spec.order](table, sizes, spec.seed)
    _check_classes(table, parts["train"], spec)
    for rows in parts.values():
        rows.flags.writeable = False
    return Split(table=table, **parts, spec=spec, test_table=test_table, validation_table=validation_table)


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


def _check_size(part: str, size: int | float | None) -> None:
    if size is None and part != "validation":
        return
    good_rows = is_whole(size, least=0)
    good_fraction = isinstance(size, float) and 0.0 <= size <= 1.0
    if not (good_rows or good_fraction):
        raise InputError(
            f"`{part}` must be a whole number of rows, or a float from 0.0 to 1.0 as a fraction of them; got {size!r}."
        )


def _part_sizes(table: Table, spec: SplitSpec, *, has_validation_table: bool) -> dict[Part, int]:
    asked: dict[Part, int | float | None] = {part: getattr(spec, part) for part in PARTS}
    sizes: dict[Part, int] = {part: size for part, size in asked.items() if isinstance(size, int)}
    # Cumulative rounding: fractions that add up to 1 then add up to all rows. `str` keeps 0.1 a tenth.
    taken, total = 0, Fraction(0)
    for part, size in asked.items():
        if isinstance(size, float):
            total += Fraction(str(size)) * table.rows
            sizes[part] = round(total) - taken
            taken += sizes[part]
    missing = [part for part in PARTS if part not in sizes]
    rest = table.rows - sum(sizes.values())
    sizes.update({part: max(rest, 0) for part in missing})
    _check_sizes(table, sizes, rest, has_validation_table=has_validation_table)
    return {part: sizes[part] for part in PARTS}  # in this order: rows are dealt out by position


def _check_sizes(table: Table, sizes: Mapping[Part, int], rest: int, *, has_validation_table: bool) -> None:
    listed = ", ".join(f"{part} {sizes[part]:,}" for part in PARTS)
    if rest < 0:
        raise InputError(
            f"The split must fit into the table's {table.rows:,} rows; got {listed} = {sum(sizes.values()):,}. "
            "Read more rows or ask for fewer."
        )
    if sizes["train"] < 1 or (sizes["validation"] < 1 and not has_validation_table):
        raise InputError(
            f"A split must have at least 1 training and 1 validation row; of {table.rows:,} rows got {listed}. "
            "Read more rows or ask for fewer."
        )


def _split_head(table: Table, sizes: Mapping[Part, int], seed: int) -> dict[Part, Rows]:
    return _cut(np.arange(table.rows, dtype=np.int64), sizes)


def _split_random(table: Table, sizes: Mapping[Part, int], seed: int) -> dict[Part, Rows]:
    return _cut(shuffled_rows(table.rows, seed), sizes)


def _split_stratified(table: Table, sizes: Mapping[Part, int], seed: int) -> dict[Part, Rows]:
    return dict(zip(PARTS, stratified_parts(table, sizes, shuffled_rows(table.rows, seed)), strict=True))


def _cut(rows: Rows, sizes: Mapping[Part, int]) -> dict[Part, Rows]:
    ends = np.cumsum([sizes[part] for part in PARTS])
    return {part: rows[end - sizes[part] : end].copy() for part, end in zip(PARTS, ends, strict=True)}


def _check_classes(table: Table, train: Rows, spec: SplitSpec) -> None:
    if table.task == "regression":
        return
    counts = np.bincount(table.target[train].astype(np.int64), minlength=len(table.class_names))
    if counts.min() == 0:
        name = table.class_names[int(counts.argmin())]
        raise InputError(
            f"Training rows must hold every class; none of the {len(train):,} rows chosen by order={spec.order!r} "
            f"is of class {name!r}. Use order='stratified', or more training rows."
        )


def _as_slice(rows: Rows) -> Rows | slice:
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and bool((np.diff(rows) == 1).all()):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


ORDER_RULES: Mapping[Order, Callable[[Table, Mapping[Part, int], int], dict[Part, Rows]]] = MappingProxyType(
    {"head": _split_head, "random": _split_random, "stratified": _split_stratified}
)
