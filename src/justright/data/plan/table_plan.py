"""The plan of a table: what each column is taken for, decided on training rows and applied to any others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.arrays import row_blocks
from justright.data.checks import check_names, listed
from justright.data.plan.column_plans import ColumnPlan, LeftOut, Number, column_from_dict
from justright.data.plan.decide import IDENTIFIER, MEDIAN_ROWS, about_two, numbers_rows, plan_column, shown
from justright.data.read_options import TASKS, ReadOptions, Task
from justright.data.readers.raw import MAX_COLUMNS, MAX_TABLE_BYTES
from justright.data.shared_arrays import shareable_empty
from justright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

VERSION = 1
ROLES = ("group", "weights")  # of columns that are no features: `what` says so
MAX_LISTED = 5
# What raises an error where a stranger's plan holds values of other types.
DAMAGES = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Rows as a network takes them.

    Args:
        features: (rows, features) float32, finite.
        notes: what was not as in the training rows, one phrase each.
    """

    features: Floats
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What each column of a table is taken for, as decided on its training rows.

    Args:
        columns: every column but the target, in the order of the table.
        target: the target's name.
        task: the table's task.
        class_names: of the target; empty for a regression.
        order: the names of all columns, the target's among them, in the order of the table.
        has_header: whether the table names its columns itself; otherwise they are found by their places.
    """

    columns: tuple[ColumnPlan, ...]
    target: str
    task: Task
    class_names: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    has_header: bool = True

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The name of every feature, each once."""
        return _unique(name for column in self.columns for name in column.features)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The columns that no feature is made of."""
        return tuple(column for column in self.columns if isinstance(column, LeftOut))

    @property
    def used(self) -> tuple[ColumnPlan, ...]:
        """The columns that features are made of."""
        return tuple(column for column in self.columns if not isinstance(column, LeftOut))

    def prepare(
        self,
        frame: pl.DataFrame,
        *,
        label: str,
        has_header: bool = True,
        is_strict: bool = False,
        has_target: bool = True,
    ) -> Prepared:
        """Return the features of other rows, each column treated as the plan says.

        Columns are found by name, or by place where either table has no names. A column that is not there counts as
        missing in every row, and further columns are ignored.

        Args:
            frame: columns as read.
            label: how messages name the table.
            has_header: whether the frame's names are its own.
            is_strict: whether a column that is not there is an error.
            has_target: whether the target may be among the columns.
        Raises:
            InputError: none of the columns is there, or, if strict, any of them is not.
        """
        import polars as pl

        found, lacking = self._find(frame, has_header=has_header, has_target=has_target)
        used = self.used
        if lacking and (is_strict or len(lacking) == len(used)):
            raise InputError(
                f"{label} must have the columns of the training table; it lacks {listed(lacking, most=MAX_LISTED)}. "
                f"It has {listed(frame.columns, most=MAX_LISTED)}."
            )
        notes = [f"{listed(lacking, most=MAX_LISTED)}: not there, taken as missing"] if lacking else []
        features = _empty(frame.height, len(self.feature_names), label)
        start = 0
        for column in used:
            values = found.get(column.name)
            absent = pl.Series(column.name, [None] * frame.height, dtype=pl.String)
            block, note = column.encode(absent if values is None else values)
            features[:, start : start + block.shape[1]] = block
            start += block.shape[1]
            if note:
                notes.append(f"{column.name!r}: {note}")
        return Prepared(features, tuple(notes))

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values for JSON."""
        return {
            "schema_version": VERSION,
            "target": self.target,
            "task": self.task,
            "class_names": list(self.class_names),
            "has_header": self.has_header,
            "order": list(self.order),
            "columns": [column.to_dict() for column in self.columns],
            "features": list(self.feature_names),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_dict` described.

        Raises:
            InputError: it is of a newer version, or is none.
        """
        version = values.get("schema_version") if isinstance(values, Mapping) else None
        if not isinstance(version, int) or version > VERSION:
            raise InputError(
                f"A table's plan must have a schema_version up to {VERSION}; got {version!r}. Install a newer justright."
            )
        try:
            plan = cls(
                columns=tuple(column_from_dict(column) for column in values["columns"]),
                target=str(values["target"]),
                task=TASKS[TASKS.index(values["task"])],
                class_names=tuple(map(str, values["class_names"])),
                order=tuple(map(str, values["order"])),
                has_header=bool(values["has_header"]),
            )
            check_names("column", [column.name for column in plan.columns])
            check_names("class", plan.class_names)
            if not _are_classes(plan.class_names, plan.task):
                raise ValueError(f"a {plan.task} target cannot have {len(plan.class_names):,} classes")
            return plan
        except DAMAGES as error:
            raise InputError(f"A table's plan must be as justright wrote it; {error!r}.") from None

    def _find(
        self, frame: pl.DataFrame, *, has_header: bool, has_target: bool
    ) -> tuple[dict[str, pl.Series], list[str]]:
        names = list(frame.columns)
        is_named = has_header and (
            self.has_header or not {column.name for column in self.used}.isdisjoint(names)
        )
        if not is_named:
            names = self._by_place(frame.width, has_target=has_target) or names
        places = {name: place for place, name in enumerate(names)}
        folded = {name.strip().casefold(): place for name, place in places.items()}
        found, lacking = {}, []
        for column in self.used:
            place = places.get(column.name, folded.get(column.name.strip().casefold()))
            if place is None:
                lacking.append(column.name)
            else:
                found[column.name] = frame.to_series(place).alias(column.name)
        return found, lacking

    def _by_place(self, width: int, *, has_target: bool) -> list[str] | None:
        """Return names for columns without names: all of the table's, or all but the target, or but those that are no features."""
        of_no_use = {self.target} | {column.name for column in self.left_out if column.what in ROLES}
        for names in (
            list(self.order) if has_target else [],
            [name for name in self.order if name != self.target],
            [name for name in self.order if name not in of_no_use],
        ):
            if len(names) == width:
                return names
        return None


def fit_plan(frame: pl.DataFrame, rows: Rows, options: ReadOptions, like: Plan) -> Plan:
    """Return the plan of a table's columns, fitted on its training rows.

    Args:
        frame: the columns as read, without the target and others that are no features.
        rows: the training rows.
        options: what the user says about columns.
        like: a plan with everything but the columns; those that it leaves out for another reason stay so.
    """
    rows = np.sort(rows)
    present = set(frame.columns)
    fixed = {column.name: column for column in like.columns if column.name not in present}
    fitted = {values.name: plan_column(values, rows, options) for values in frame.iter_columns()}
    if spared := _spared(fitted):
        fitted |= {
            name: plan_column(frame[name], rows, replace(options, keep=(*options.keep, *spared)))
            for name in spared
        }
    names = like.order or tuple(frame.columns)
    both = fixed | fitted
    return replace(like, columns=tuple(both[name] for name in names if name in both))


def fit_number_plan(
    features: Floats, names: Sequence[str], rows: Rows | slice, options: ReadOptions, like: Plan
) -> Plan:
    """Return the plan of a table of complete numbers, which are its features already.

    Args:
        features: (rows, features).
        names: of the features.
        rows: the training rows.
        options: what the user says about columns.
        like: a plan with everything but these columns.
    """
    # Half as large as they are elsewhere: of a long table they take as much as a feature.
    if isinstance(rows, slice):
        places = np.arange(len(features), dtype=np.int32)[rows]
    else:
        places = rows.astype(np.int32)
        places.sort()
    low = np.min([block.min(0) for _, block in row_blocks(features, rows)], axis=0)
    high = np.max([block.max(0) for _, block in row_blocks(features, rows)], axis=0)
    sampled = places[:: -(-len(places) // MEDIAN_ROWS)]
    sample = features[sampled]
    fills = np.median(sample.astype(np.float64), axis=0)
    two_valued = ((sample == low) | (sample == high)).all(0) & (low < high)
    steps = sample - sampled[:, None]
    may_number = (steps == steps[0]).all(0) | (sample + sampled[:, None] == sample[0] + sampled[0]).all(0)
    del steps, sample

    def decided(index: int, name: str, options: ReadOptions) -> ColumnPlan:
        return _number_column(
            features[:, index],
            name,
            places,
            options,
            bounds=(float(low[index]), float(high[index])),
            fill=float(fills[index]),
            may_be_two=bool(two_valued[index]),
            may_number=bool(may_number[index]),
        )

    fitted = {name: decided(index, name, options) for index, name in enumerate(names)}
    if spared := _spared(fitted):
        kept = replace(options, keep=(*options.keep, *spared))
        fitted |= {name: decided(index, name, kept) for index, name in enumerate(names) if name in spared}
    both = {column.name: column for column in like.columns} | fitted
    order = like.order or tuple(names)
    return replace(like, columns=tuple(both[name] for name in order if name in both))


def _spared(fitted: Mapping[str, ColumnPlan]) -> list[str]:
    """Return the identifiers of a table that would have no feature without them: then they are what is to be learned from."""
    left_out = [column for column in fitted.values() if isinstance(column, LeftOut)]
    if len(left_out) < len(fitted):
        return []
    return [column.name for column in left_out if column.what == "identifier"]


def used_features(features: Floats, names: Sequence[str], plan: Plan) -> Floats:
    """Return the features of a table of numbers that its plan uses: the same array if these are all.

    Args:
        features: (rows, features).
        names: of the features.
        plan: of the table.
    """
    kept = {column.name for column in plan.used}
    places = [index for index, name in enumerate(names) if name in kept]
    if len(places) == len(names):
        return features
    fewer: Floats = shareable_empty((len(features), len(places)), np.float32)
    np.take(features, places, axis=1, out=fewer, mode="clip")
    return fewer


def _number_column(
    values: Floats,
    name: str,
    rows: npt.NDArray[np.int32],
    options: ReadOptions,
    *,
    bounds: tuple[float, float],
    fill: float,
    may_be_two: bool,
    may_number: bool,
) -> ColumnPlan:
    low, high = bounds
    missing = options.missing
    if low == high and name not in options.keep:
        return LeftOut(name=name, what="constant", reason=f"always {shown(low)}", missing=missing)
    is_free = name not in (*options.keep, *options.numeric)
    if (
        is_free
        and (may_number or IDENTIFIER.search(name))
        and (why := numbers_rows(name, values[rows], rows))
    ):
        return LeftOut(name=name, what="identifier", reason=why, missing=missing)
    is_two = may_be_two and bool(((values[rows] == low) | (values[rows] == high)).all())
    reason = about_two(low, high) if is_two else ""
    return Number(name=name, fill=fill, is_yes_no=is_two, missing=missing, reason=reason)


def _are_classes(names: Sequence[str], task: Task) -> bool:
    return {"regression": not names, "binary": len(names) == 2, "multiclass": len(names) >= 2}[task]


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for name in names:
        unique, number = name, 2
        while unique in seen:
            unique, number = f"{name} ({number})", number + 1
        seen[unique] = None
    return tuple(seen)


def _empty(rows: int, columns: int, label: str) -> Floats:
    if columns > MAX_COLUMNS or rows * columns * 4 > MAX_TABLE_BYTES:
        raise InputError(
            f"{label}: the features must be at most {MAX_COLUMNS:,} and take at most {MAX_TABLE_BYTES:,} bytes; {rows:,} rows "
            f"of {columns:,} features are more. Drop columns with many levels."
        )
    features: Floats = shareable_empty((rows, columns), np.float32)
    return features
