"""The kinds of columns: what each is taken for, what was fitted on training rows, and how it becomes numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from justright.data.plan.date_text import (
    DAY_NUMBER,
    ISO_DATE,
    date_parts,
    day_texts,
    find_date_format,
    parse_dates,
    seconds,
)
from justright.data.plan.missing_values import MISSING, MISSING_AMONG_NUMBERS, as_text, without_missing
from justright.data.plan.number_text import PLAIN, NumberFormat
from justright.data.plan.plan_checks import check_column_plan

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float32]
MAX_FLOAT32 = float(np.finfo(np.float32).max)
OTHER = "other"
# A level's name is part of a feature's name, of which reports and terminals show a line.
MAX_LEVEL_CHARACTERS = 60
BLOCK_ROWS = 1 << 20  # read at a time: their numbers are in memory in float64, and as text


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPlan:
    """What one column is taken for.

    Args:
        name: the column's name.
        reason: why, and what was done about missing values, for the printed plan.
        missing: the user's own texts that mean no value.
    """

    kind: ClassVar[str]

    name: str
    reason: str = ""
    missing: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What people call such a column."""
        raise NotImplementedError

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features made of it."""
        raise NotImplementedError

    def encode(self, values: pl.Series) -> tuple[Floats, str]:
        """Return (rows, features) float32, and what was not known in the values, or ''."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return the plan of the column as plain values."""
        values: dict[str, Any] = {"kind": self.kind}
        for one in fields(self):
            value = getattr(self, one.name)
            if value != one.default:
                plain = value.to_dict() if isinstance(value, NumberFormat) else value
                values[one.name] = list(plain) if isinstance(plain, tuple) else plain
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut(ColumnPlan):
    """A column that no feature is made of.

    Args:
        what: free text, identifier, constant, empty, or whatever else it is.
    """

    kind = "left out"

    what: str

    @property
    def label(self) -> str:
        return "left out"

    @property
    def features(self) -> tuple[str, ...]:
        return ()

    def encode(self, values: pl.Series) -> tuple[Floats, str]:
        return np.empty((len(values), 0), np.float32), ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(ColumnPlan):
    """A column of numbers; what is missing is the median of the training rows, and has a flag.

    Args:
        fill: that median.
        has_flag: whether a second feature says which values were missing.
        is_flag_only: whether all values that are there are equal, so that only the flag says something.
        is_yes_no: whether training rows hold two values only.
        form: how texts write the numbers.
    """

    kind = "number"

    fill: float
    has_flag: bool = False
    is_flag_only: bool = False
    is_yes_no: bool = False
    form: NumberFormat = PLAIN

    @property
    def label(self) -> str:
        return "yes/no" if self.is_yes_no else "number"

    @property
    def features(self) -> tuple[str, ...]:
        own = () if self.is_flag_only else (self.name,)
        return (*own, f"{self.name} missing") if self.has_flag else own

    def encode(self, values: pl.Series) -> tuple[Floats, str]:
        numbers, unread = read_numbers(values, self.form, self.missing)
        gone = ~np.isfinite(numbers)
        block = np.empty((len(numbers), len(self.features)), np.float32)
        if not self.is_flag_only:
            block[:, 0] = np.where(gone, np.float32(self.fill), numbers)
        if self.has_flag:
            block[:, -1] = gone
        return block, f"{unread:,} values that are no numbers" if unread else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoLevels(ColumnPlan):
    """A column of two texts: one feature, 1 for the second.

    Args:
        levels: the two, in their order.
        has_flag: whether a second feature says which values were missing.
        is_yes_no: whether the two mean no and yes.
    """

    kind = "two levels"

    levels: tuple[str, ...]
    has_flag: bool = False
    is_yes_no: bool = False

    @property
    def label(self) -> str:
        return "yes/no" if self.is_yes_no else "category"

    @property
    def features(self) -> tuple[str, ...]:
        own = self.name if self.is_yes_no else f"{self.name}={shortened(self.levels[1])}"
        return (own, f"{self.name} missing") if self.has_flag else (own,)

    def encode(self, values: pl.Series) -> tuple[Floats, str]:
        text = read_levels(values, self.missing)
        codes, unseen = find_levels(text, self.levels)
        # Between the two where nobody knows; the flag tells a missing value from one that is new.
        block = np.full((len(text), len(self.features)), 0.5, np.float32)
        block[:, 0] = np.where(codes >= 0, codes, np.float32(0.5))
        if self.has_flag:
            block[:, 1] = text.is_null().to_numpy()
        return block, unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Category(ColumnPlan):
    """A column of levels: one 0/1 feature for each that is frequent in training rows, and one for all others.

    Args:
        levels: those with a feature of their own, most frequent first.
        has_other: whether rare and unseen levels share a feature; without it, an unseen level is 0 everywhere.
        has_flag: whether missing values are a level of their own.
        counts: training rows of every level, where levels are too many for a feature each: one more feature is the
            logarithm of the count of a row's level. Empty otherwise.
        rare_levels: those without a feature of their own.
    """

    kind = "category"

    levels: tuple[str, ...]
    has_other: bool = False
    has_flag: bool = False
    counts: tuple[int, ...] = ()
    rare_levels: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return "category"

    @property
    def features(self) -> tuple[str, ...]:
        names = [f"{self.name}={shortened(level)}" for level in self.levels]
        names += [f"{self.name}={OTHER}"] * self.has_other + [f"{self.name} missing"] * self.has_flag
        return (*names, f"{self.name} frequency") if self.counts else tuple(names)

    def encode(self, values: pl.Series) -> tuple[Floats, str]:
        text = read_levels(values, self.missing)
        known = (*self.levels, *self.rare_levels)
        codes, unseen = find_levels(text, known)
        gone = text.is_null().to_numpy()
        block = np.zeros((len(text), len(self.features)), np.float32)
        own = (codes >= 0) & (codes < len(self.levels))
        block[np.flatnonzero(own), codes[own]] = 1.0
        place = len(self.levels)
        if self.has_other:
            block[:, place] = ~own & ~gone
            place += 1
        if self.has_flag:
            block[:, place] = gone
            place += 1
        if self.counts:
            counts = np.array([*self.counts, 1], np.float64)  # a level that is not known is as rare as can be
            block[:, place] = np.log(counts[codes])
        return block, unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered(ColumnPlan):
    """A column of texts with an order: their rank in it, from 0; for what comes round again, sine and cosine.

    Args:
        levels: from low to high.
        fill: the rank that stands for a missing or unseen one.
        has_flag: whether a further feature says which values were missing.
        is_cycle: whether the last is a neighbour of the first: then each also has a 0/1 feature of its own.
    """

    kind = "ordered"

    levels: tuple[str, ...]
    fill: float
    has_flag: bool = False
    is_cycle: bool = False

    @property
    def label(self) -> str:
        return "ordered text"

    @property
    def features(self) -> tuple[str, ...]:
        own = (
            [f"{self.name} sin", f"{self.name} cos", *(f"{self.name}={level}" for level in self.levels)]
            if self.is_cycle
            else [self.name]
        )
        return (*own, f"{self.name} missing") if self.has_flag else tuple(own)

    def encode(self, values: pl.Series) -> tuple[Floats, str]:
        text = read_levels(values, self.missing)
        codes, unseen = find_levels(text, self.levels)
        ranks = np.where(codes >= 0, codes, self.fill)
        block = np.zeros((len(text), len(self.features)), np.float32)
        if self.is_cycle:
            angle = 2 * np.pi * ranks / len(self.levels)
            block[:, 0], block[:, 1] = np.sin(angle), np.cos(angle)
            known = np.flatnonzero(codes >= 0)
            block[known, 2 + codes[known]] = 1.0
        else:
            block[:, 0] = ranks
        if self.has_flag:
            block[:, -1] = text.is_null().to_numpy()
        return block, unseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment(ColumnPlan):
    """A column of dates or times: years since the first training row, and sine and cosine of month, weekday and hour.

    Args:
        form: how texts write them; empty for a column that holds dates itself.
        origin: the first moment of the training rows, in seconds since 1970.
        parts: those that vary among training rows.
        fills: the training rows' mean of each part.
        has_flag: whether a further feature says which values were missing.
    """

    kind = "moment"

    form: str
    origin: float
    parts: tuple[str, ...]
    fills: tuple[float, ...]
    has_flag: bool = False

    @property
    def label(self) -> str:
        return "date/time"

    @property
    def features(self) -> tuple[str, ...]:
        own = tuple(f"{self.name} {part}" for part in self.parts)
        return (*own, f"{self.name} missing") if self.has_flag else own

    def encode(self, values: pl.Series) -> tuple[Floats, str]:
        moments, unread = read_moments(values, self.form, self.missing)
        parts = date_parts(moments, origin=self.origin)
        gone = ~np.isfinite(moments)
        block = np.empty((len(moments), len(self.features)), np.float32)
        for place, (part, fill) in enumerate(zip(self.parts, self.fills, strict=True)):
            block[:, place] = np.where(gone, fill, parts[part])
        if self.has_flag:
            block[:, -1] = gone
        return block, f"{unread:,} values that are no dates in its format" if unread else ""


def read_numbers(
    values: pl.Series, form: NumberFormat, missing: tuple[str, ...]
) -> tuple[npt.NDArray[np.float32], int]:
    """Return a column's numbers as float32, NaN where there is none that float32 holds, and how many texts are no numbers."""
    found, unread = np.empty(len(values), np.float32), 0
    for start in range(0, len(values), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        found[part], more = _read_block(values[part], form, missing)
        unread += more
    return found, unread


def _read_block(
    values: pl.Series, form: NumberFormat, missing: tuple[str, ...]
) -> tuple[npt.NDArray[np.float32], int]:
    """Return the same for a block of rows."""
    import polars as pl

    unread = 0
    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        numbers = values.cast(pl.Float64)
        for token in _numbers_of(missing):
            numbers = numbers.set((numbers == token).fill_null(value=False), None)
    elif values.dtype == pl.Duration:
        numbers = seconds(values)
    else:
        text = without_missing(as_text(values), MISSING_AMONG_NUMBERS, missing)
        numbers = form.parse(text)
        unread = numbers.null_count() - text.null_count()
    array = numbers.to_numpy().astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = array.astype(np.float32)
    return np.where(np.abs(narrow) <= MAX_FLOAT32, narrow, np.float32("nan")), unread


def read_levels(values: pl.Series, missing: tuple[str, ...]) -> pl.Series:
    """Return a column as levels: text, in which whole numbers have no decimal point; null where there is no value."""
    import polars as pl

    if values.dtype.is_float():
        values = values.fill_nan(None)
        whole = values.drop_nulls()
        if len(whole) and bool((whole.round(0) == whole).all()) and bool((whole.abs() < 1e15).all()):
            values = values.cast(pl.Int64)
    text = as_text(values)
    numbers = text.cast(pl.Float64, strict=False)
    # What a file with a stray word in it wrote as 1.0 is the level 1 of one that has only numbers.
    is_whole_text = text.str.contains(r"^-?\d+\.0+$") & numbers.is_not_null()
    if is_whole_text.any():
        text = text.zip_with(~is_whole_text.fill_null(value=False), text.str.replace(r"\.0+$", ""))
    return without_missing(text, MISSING, missing)


def read_moments(
    values: pl.Series, form: str, missing: tuple[str, ...]
) -> tuple[npt.NDArray[np.float64], int]:
    """Return a column's moments in seconds, NaN where there is none, and how many texts are none."""
    import polars as pl

    if isinstance(values.dtype, pl.Datetime) or values.dtype in (pl.Date, pl.Time):
        moments, unread = seconds(values), 0
    else:
        if form == DAY_NUMBER and values.dtype.is_numeric():
            values = day_texts(values)
        text = without_missing(as_text(values), MISSING_AMONG_NUMBERS, missing)
        # Training rows that held dates themselves (Parquet) say nothing of how a text writes them.
        form = form or find_date_format(text.drop_nulls().unique(maintain_order=True)) or ISO_DATE
        moments = parse_dates(text, form)
        unread = moments.null_count() - text.null_count()
    return moments.to_numpy().astype(np.float64, copy=False), unread


def find_levels(text: pl.Series, levels: tuple[str, ...]) -> tuple[npt.NDArray[np.int64], str]:
    """Return each row's level by number, -1 for a missing or unknown one, and a few words about the unknown ones."""
    import polars as pl

    places = pl.DataFrame(
        {"level": pl.Series(list(levels), dtype=pl.String), "code": np.arange(len(levels), dtype=np.int64)}
    )
    joined = text.alias("level").to_frame().join(places, on="level", how="left", maintain_order="left")
    codes = joined["code"].fill_null(-1).to_numpy().astype(np.int64)
    unknown = text.filter((joined["code"].is_null()) & text.is_not_null())
    if not len(unknown):
        return codes, ""
    first = sorted(unknown.unique().head(100).to_list())[0]
    return codes, f"{len(unknown):,} values that training rows lack (such as {shortened(first)!r})"


def shortened(level: str) -> str:
    """Return a level for the name of a feature: printable, and not too long."""
    clean = "".join(character if character.isprintable() else "?" for character in level)
    return clean if len(clean) <= MAX_LEVEL_CHARACTERS else clean[: MAX_LEVEL_CHARACTERS - 1] + "…"


def column_from_dict(values: Mapping[str, Any]) -> ColumnPlan:
    """Return the plan of a column that `to_dict` described.

    Raises:
        KeyError, TypeError, ValueError: the values describe none.
    """
    options: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    kind = {one.kind: one for one in KINDS}[options.pop("kind")]
    if "form" in options and kind is Number:
        options["form"] = NumberFormat(**options["form"])
    column = kind(**options)
    check_column_plan(column)
    return column


def _numbers_of(missing: tuple[str, ...]) -> list[float]:
    numbers = []
    for token in missing:
        try:
            numbers.append(float(token))
        except ValueError:
            continue
    return numbers


KINDS: tuple[type[ColumnPlan], ...] = (Number, TwoLevels, Category, Ordered, Moment, LeftOut)
