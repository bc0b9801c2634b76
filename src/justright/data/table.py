"""A table of float32 features and one target, and how it is split or aligned to the columns of another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.arrays import WHOLE, Target, check_arrays, hash_arrays, row_blocks
from justright.data.checks import check_names, check_whole, listed
from justright.data.duplicates import Duplicates, find_duplicates
from justright.data.histograms.feature_summaries import HISTOGRAM_BINS
from justright.data.plan.table_plan import Plan, fit_number_plan, fit_plan, used_features
from justright.data.read_options import TASKS, ReadOptions, Task
from justright.data.readers.raw import MADE_UP_NAME
from justright.data.shared_arrays import release_memory, shareable_empty
from justright.data.shown.table_words import split_card, split_text, table_card, table_text
from justright.data.split import PARTS, Classes, Order, Part, Rows, SplitSpec, part_sizes, split_rows
from justright.errors import InputError, check_one_of

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

# The source of arrays and frames: it cannot be read again, so `justright run` on a written study refuses it.
MEMORY_SOURCE = "<memory>"
# Columns and classes listed when two tables differ: enough to see the pattern, short enough for a terminal.
MAX_LISTED = 5


@dataclass(frozen=True, slots=True)
class TableSource(ReadOptions):
    """Where a table came from, and how it was read: all that `read_table` needs to read it again.

    Args:
        source: a name such as `higgs-sim`, a path, a URL, or `<memory>` for arrays and frames.
        target: the target's column name or number (as text); None when it was chosen by the reader.
        location: the copy of a named source that was read; None otherwise.
    """

    source: str
    target: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows x features and one target, all finite, ready to train on.

    Args:
        features: (rows, features), float32, C-contiguous; kept as a read-only view.
        target: (rows,), float32 0/1 for `binary`, float32 for `regression`, int32 class index for `multiclass`.
        feature_names: the name of each feature; `column_N`, counting from 0, where the source has no names.
        target_name: the target's column name.
        task: `binary`, `multiclass` or `regression`.
        class_names: what 0, 1, ... of the target stand for; empty for `regression`.
        source: where the table came from.
        rows_left_out: rows without a target, which are not among these.
        columns: the columns as read, where features had to be made of them; None where they are the features.
        plan: what each column is taken for; decided on all rows, until a split decides it on its training rows. None for
            a table made of arrays by hand.
        has_header: whether the source names its columns itself.
        task_reason: why the target is taken for this task.
        notes: what was understood in an unusual way, a sentence each.
        groups: (rows,) numbers; rows with the same one stay in one part of a split.
        times: (rows,) numbers that rise with time; a split then tests on later rows.
        weights: (rows,) how much each row counts, in training and wherever losses are averaged.
    Raises:
        InputError: shapes, dtypes, names or values break one of the rules above.
    Example:
        >>> table = Table(
        ...     features=np.zeros((2, 1), np.float32),
        ...     target=np.array([0, 1], np.float32),
        ...     feature_names=("x",),
        ...     target_name="y",
        ...     task="binary",
        ...     class_names=("0", "1"),
        ... )
        >>> table.rows, table.n_features, table.source.source
        (2, 1, '<memory>')
    """

    features: npt.NDArray[np.float32]
    target: Target
    feature_names: tuple[str, ...]
    target_name: str
    task: Task
    class_names: tuple[str, ...] = ()
    source: TableSource = TableSource(MEMORY_SOURCE)
    rows_left_out: int = 0
    _: KW_ONLY
    columns: pl.DataFrame | None = None
    plan: Plan | None = None
    has_header: bool = True
    task_reason: str = ""
    notes: tuple[str, ...] = ()
    groups: npt.NDArray[np.int64] | None = None
    times: npt.NDArray[np.float64] | None = None
    weights: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        check_one_of("task", self.task, TASKS)
        check_arrays(self.features, self.target, self.task, self.feature_names, self.class_names)
        check_names("feature", self.feature_names)
        check_names("target", (self.target_name,))
        check_names("class", self.class_names)
        for name in ("features", "target"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def __repr__(self) -> str:
        return table_text(self)

    def _repr_html_(self) -> str:
        """Return what the table is, with a histogram for each of the first features, for notebooks."""
        return table_card(self)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.features.shape[0])

    @property
    def n_features(self) -> int:
        """Number of feature columns."""
        return int(self.features.shape[1])

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of content, names and task: equal on every platform, unequal when any value differs."""
        return self.digest()

    def digest(self, rows: Rows | slice = WHOLE) -> str:
        """Return the SHA-256 (hex) of some rows, in this order, under the table's names and task."""
        names: list[Any] = [self.task, self.feature_names, self.target_name, self.class_names]
        if self.weights is not None:
            names.append(hashlib.sha256(self.weights[rows].astype("<f4").tobytes()).hexdigest())
        return hash_arrays(names, self.features, self.target, rows)

    def fitted(self, rows: Rows) -> Table:
        """Return the table with its plan decided on some of its rows alone, and its features made as that plan says.

        Args:
            rows: the training rows.
        Raises:
            InputError: no column makes a feature.
        """
        if self.plan is None:
            return self
        options = column_options(self.source, self.plan.order, has_header=self.has_header)
        if self.columns is None:
            plan = fit_number_plan(self.features, self.feature_names, rows, options, self.plan)
            features = used_features(self.features, self.feature_names, plan)
        else:
            plan = fit_plan(self.columns, rows, options, self.plan)
            features = plan.prepare(self.columns, label=_name(self)).features
        if not plan.used:
            raise InputError(
                f"{_name(self)}: at least one column must tell training rows apart; all are constant or empty in those "
                f"{len(rows):,}. Train on more rows."
            )
        return replace(self, features=features, feature_names=plan.feature_names, plan=plan)

    def raw_columns(self) -> pl.DataFrame:
        """Return the columns that features are made of, as read."""
        import polars as pl

        if self.columns is not None:
            return self.columns
        return pl.DataFrame({name: self.features[:, index] for index, name in enumerate(self.feature_names)})

    def plot_histograms(
        self,
        features: Sequence[str] | None = None,
        *,
        flat: bool = False,
        bins: int = HISTOGRAM_BINS,
        ax: Axes | None = None,
    ) -> Axes:
        """Return matplotlib axes with the distribution of each feature by class, or of all values together.

        Args:
            features: names of those to draw, in this order; None draws all, or the 60 that tell most about the target by
                themselves.
            flat: whether all values stand in one histogram, as in TensorFlow's tutorial. Otherwise the axes hold a small
                histogram for each feature (`.child_axes`), each class scaled to its own number of rows.
            bins: of each histogram.
            ax: where to draw; None makes a new figure.
        Raises:
            InputError: there is no such feature, `bins` is not a whole number of at least 1, or `features` are named with `flat`.
        Example:
            >>> import justright as jr
            >>> table = jr.read_table("higgs-sim")
            >>> table.plot_histograms(flat=True, bins=101).get_ylabel()
            'Values'
        """
        from justright.data.histograms.histogram_display import feature_histograms, value_histogram

        check_whole("bins", bins, least=1)
        if not flat:
            names, classes = self.feature_names, self.class_names
            return feature_histograms(
                self.features, names, self.target, classes, chosen=features, bins=bins
            ).plot(ax)
        if features is not None:
            raise InputError(
                f"`features` must be left out with `flat`, which draws all values together; got {features!r}."
            )
        return value_histogram(self.features, bins=bins).plot(ax)

    def split(
        self,
        validation: int | float = 0.2,
        *,
        train: int | float | None = None,
        test: int | float | None = None,
        order: Order | None = None,
        seed: int = 0,
        test_table: Table | None = None,
        validation_table: Table | None = None,
    ) -> Split:
        """Return which rows learn, choose and measure; a table given for a part replaces rows of this one.

        In a shuffled split, rows that are copies of each other stay in one part, as do the table's groups. What columns are
        taken for is decided on the training rows alone.

        Args:
            validation: rows that choose the epoch, as a whole number or a fraction; see `SplitSpec`.
            train: rows that learn.
            test: rows that only measure.
            order: `head` takes rows as they come; `random` and `stratified` shuffle them; `time` takes later rows to
                validate and test. None: by time where the table has times, else shuffled, class by class where there are
                classes.
            seed: fixes the shuffle.
            test_table: rows that test instead of this table's; aligned to it by column name.
            validation_table: rows that validate instead.
        Raises:
            InputError: too few rows for the sizes, a class without training rows, or tables that do not match.
        Example:
            >>> import justright as jr
            >>> jr.read_table("higgs-sim").split(1_000, train=10_000, test=0, order="head").sizes
            {'train': 10000, 'validation': 1000, 'test': 0}
        """
        spec = SplitSpec(validation=validation, train=train, test=test, order=order, seed=seed)
        spec = replace(spec, test=0) if test_table is not None else spec
        spec = replace(spec, validation=0) if validation_table is not None else spec
        classes = None
        if self.task != "regression":
            classes = Classes(self.target.astype(np.int32, copy=False), self.class_names)
        spec = spec.resolved(has_classes=classes is not None, has_times=self.times is not None)
        groups, duplicates = self.groups, None
        if spec.order in ("random", "stratified"):
            duplicates = find_duplicates(self._used_columns(), self.target)
            groups = duplicates.joined(groups)
        parts = split_rows(
            spec,
            self.rows,
            classes,
            has_validation_table=validation_table is not None,
            groups=groups,
            times=self.times,
        )
        fitted = self.fitted(parts["train"])
        others = {"test_table": test_table, "validation_table": validation_table}
        aligned: dict[str, Any] = {
            name: None if table is None else align_table(table, like=fitted) for name, table in others.items()
        }
        found = duplicates and replace(duplicates, groups=None)
        release_memory()
        return Split(
            fitted, parts["train"], parts["validation"], parts["test"], spec, duplicates=found, **aligned
        )

    def _used_columns(self) -> npt.NDArray[np.float32] | pl.DataFrame:
        """Return the columns that features are made of, as read: identifiers would make every row another one."""
        if self.columns is None or self.plan is None:
            return self.features
        return self.columns.select([column.name for column in self.plan.used])


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A table and the rows of it that train, validate and test.

    Args:
        table: the table that is split.
        train: (rows,), int64 row numbers, in the order in which training sizes take them.
        validation: (rows,), int64 row numbers; empty with a `validation_table`.
        test: (rows,), int64 row numbers; empty with a `test_table`, or if nothing is tested.
        spec: how the rows were chosen.
        test_table: a separate table for testing, aligned to `table`; None otherwise.
        validation_table: the same for validation.
        duplicates: how many rows are copies of others, where that was looked for.
    """

    table: Table
    train: Rows
    validation: Rows
    test: Rows
    spec: SplitSpec
    test_table: Table | None = None
    validation_table: Table | None = None
    duplicates: Duplicates | None = None
    _copies: dict[Part, tuple[npt.NDArray[np.float32], Target]] = field(
        default_factory=dict, init=False, repr=False
    )

    def __repr__(self) -> str:
        return split_text(self)

    def _repr_html_(self) -> str:
        """Return what the split is, for notebooks."""
        return split_card(self)

    @property
    def sizes(self) -> dict[str, int]:
        """Rows of each part: `train`, `validation`, `test`."""
        return {
            "train": len(self.train),
            "validation": self.validation_table.rows if self.validation_table else len(self.validation),
            "test": self.test_table.rows if self.test_table else len(self.test),
        }

    def digest(self, *parts: Part) -> str:
        """Return the SHA-256 (hex) of the rows of `parts` in their order, whichever table they come from."""
        hashes = [table.digest(rows) for table, rows in map(self._place, parts)]
        return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()

    def with_test_table(self, table: Table) -> Split:
        """Return this split with the rows of another table to test on; the same rows train and validate.

        Raises:
            InputError: the tables do not match.
        """
        # Sizes as they were asked for: those that groups allowed might be met in another way.
        has_validation = self.validation_table is not None
        sizes = part_sizes(self.spec, self.table.rows, has_validation_table=has_validation)
        spec = replace(self.spec, validation=sizes["validation"], train=sizes["train"], test=0)
        return replace(self, test=self.test[:0], test_table=align_table(table, like=self.table), spec=spec)

    def arrays(self, part: Part) -> tuple[npt.NDArray[np.float32], Target]:
        """Return one part's features and target, read-only.

        Consecutive rows are a view of the table; others are copied once and kept.

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
        check_one_of("part", part, PARTS)
        table, rows = self._place(part)
        if isinstance(rows, slice):
            return table.features[rows], table.target[rows]
        if part not in self._copies:
            self._copies[part] = _taken(table.features, rows), _taken(table.target, rows)
        return self._copies[part]

    def places(self, part: Part) -> Rows | None:
        """Return where one part's rows are in `table`; None if they follow one another there, or are in a table of their own."""
        _, rows = self._place(part)
        return None if isinstance(rows, slice) else rows

    def weights(self, part: Part) -> npt.NDArray[np.float32] | None:
        """Return (rows,) how much each row of one part counts; None if its table has no weights.

        Args:
            part: `train`, `validation` or `test`.
        """
        table, rows = self._place(part)
        return None if table.weights is None else table.weights[rows]

    def blocks(self, part: Part) -> Iterator[npt.NDArray[np.float32]]:
        """Yield one part's features a block of rows at a time, so that no copy of all of them is made."""
        table, rows = self._place(part)
        return (block for _, block in row_blocks(table.features, rows))

    def _place(self, part: Part) -> tuple[Table, Rows | slice]:
        """Return the table that holds a part, and which of its rows they are."""
        stand_in = {"test": self.test_table, "validation": self.validation_table}.get(part)
        return (stand_in, WHOLE) if stand_in else (self.table, _as_slice(getattr(self, part)))


def column_options(source: TableSource, names: Sequence[str], *, has_header: bool) -> ReadOptions:
    """Return what the user says about columns: whoever passes an array wants each of its columns, constants included."""
    is_array = source.source == MEMORY_SOURCE and not has_header
    return replace(source, keep=tuple(names)) if is_array else source


def align_table(table: Table, *, like: Table) -> Table:
    """Return the table with the features, order, task and classes of another.

    Columns are matched by name, or by position if either table has no names, and treated as the other's plan says.
    Classes are matched by name.

    Args:
        table: the table to align, a test file for example.
        like: the table the network trains on.
    Raises:
        InputError: columns or classes differ; the message lists which.
    Example:
        >>> import justright as jr
        >>> like = jr.read_table("higgs-sim", rows=100)
        >>> align_table(jr.read_table("higgs-sim", rows=50), like=like).rows
        50
    """
    return replace(
        table,
        features=_match_features(table, like),
        target=_match_target(table, like),
        feature_names=like.feature_names,
        target_name=like.target_name,
        task=like.task,
        class_names=like.class_names,
        plan=like.plan,
    )


def _match_features(table: Table, like: Table) -> npt.NDArray[np.float32]:
    names = table.feature_names
    is_plain = table.columns is None and like.columns is None
    if is_plain and names == like.feature_names:
        return table.features
    if like.plan is not None:
        frame = table.raw_columns()
        prepared = like.plan.prepare(
            frame, label=_name(table), has_header=table.has_header, is_strict=True, has_target=False
        )
        return prepared.features
    if _are_made_up(names) or _are_made_up(like.feature_names):
        if len(names) != len(like.feature_names):
            raise InputError(
                f"{_name(table)} must have the {len(like.feature_names)} features of {_name(like)}; got {len(names)}. "
                "Give it the same columns in the same order."
            )
        return table.features
    lacking = [name for name in like.feature_names if name not in names]
    if lacking:
        raise InputError(
            f"{_name(table)} must have the features of {_name(like)}; it lacks {listed(lacking, most=MAX_LISTED)}. "
            "Rename or add columns."
        )
    places = [names.index(name) for name in like.feature_names]
    return np.ascontiguousarray(table.features[:, places])


def _match_target(table: Table, like: Table) -> Target:
    if (table.task, table.class_names) == (like.task, like.class_names):
        return table.target
    if like.task == "regression":
        return _as_numbers(table, like)
    if table.task == "regression":
        raise InputError(
            f"The target of {_name(table)} must hold the classes of {_name(like)}, {listed(like.class_names, most=MAX_LISTED)}; "
            "its values are numbers, not classes. Name the right target column."
        )
    unknown = [name for name in table.class_names if name not in like.class_names]
    if unknown:
        raise InputError(
            f"The target of {_name(table)} must hold the classes of {_name(like)}, {listed(like.class_names, most=MAX_LISTED)}; "
            f"it also holds {listed(unknown, most=MAX_LISTED)}. Remove those rows, or name the right target column."
        )
    codes = np.array([like.class_names.index(name) for name in table.class_names])
    matched = codes[table.target.astype(np.int64)]
    return matched.astype(np.int32) if like.task == "multiclass" else matched.astype(np.float32)


def _as_numbers(table: Table, like: Table) -> npt.NDArray[np.float32]:
    try:
        values = np.array([float(name) for name in table.class_names], np.float32)
    except ValueError:
        raise InputError(
            f"The target of {_name(table)} must be numeric as in {_name(like)}; it holds "
            f"{listed(table.class_names, most=MAX_LISTED)}. Name the right target column."
        ) from None
    return values[table.target.astype(np.int64)]


def _are_made_up(names: tuple[str, ...]) -> bool:
    return all(MADE_UP_NAME.fullmatch(name) for name in names)


def _name(table: Table) -> str:
    return f"Table {table.source.source!r}"


def _taken(values: npt.NDArray[Any], rows: Rows) -> npt.NDArray[Any]:
    copy = shareable_empty((len(rows), *values.shape[1:]), values.dtype)
    np.take(values, rows, axis=0, out=copy, mode="clip")  # otherwise NumPy would copy what it copies
    copy.flags.writeable = False
    return copy


def _as_slice(rows: Rows) -> Rows | slice:
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and bool((np.diff(rows) == 1).all()):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows
