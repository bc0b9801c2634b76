"""Decide what a column is taken for, from its training rows alone, and fit what is needed to turn it into numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from justright.data.checks import counted
from justright.data.plan.column_plans import (
    Category,
    ColumnPlan,
    LeftOut,
    Moment,
    Number,
    Ordered,
    TwoLevels,
    read_levels,
    read_moments,
    read_numbers,
)
from justright.data.plan.date_text import (
    DAY_NUMBER,
    MONTHS,
    QUARTERS,
    are_day_numbers,
    date_parts,
    find_date_format,
    has_year,
)
from justright.data.plan.missing_values import MISSING_AMONG_NUMBERS, as_text, without_missing
from justright.data.plan.number_text import (
    CLOCKS,
    PLAIN,
    NumberFormat,
    find_bounded_format,
    find_length_format,
    find_number_format,
    is_mostly_numbers,
)
from justright.data.plan.word_order import word_order

if TYPE_CHECKING:
    import polars as pl

    from justright.data.read_options import ReadOptions

Rows = npt.NDArray[np.int64]

# A column with more levels has features for its most frequent ones only, and one for how frequent each row's level is. Of 22
# encodings that do not look at the target this was best or within a standard error of it on tables with 60 to 1,000 levels;
# hashing was worse than leaving the column out (benchmarks/categories.py, docs/tables.md).
MAX_LEVELS = 20
# A level with fewer training rows teaches nothing that lasts: of few levels, and of many. Where there are few rows in all, a
# level needs a twentieth of them.
MIN_LEVEL_ROWS, MIN_ROWS_OF_MANY, SMALL_TABLE = 3, 10, 20
MAX_ORDERED = 30
# Levels whose frequencies are kept.
MAX_COUNTED = 10_000
# A text column is no category if this share of its rows holds a text that stands nowhere else.
MOSTLY_UNIQUE = 0.8
# Of texts with this many words on average, half the rows suffice: sentences repeat, too.
WORDS_OF_TEXT, PARTLY_UNIQUE = 4.0, 0.5
# One digit is a number, however it is written.
MIN_CODE_DIGITS = 2
# Fewer rows cannot show that a column numbers them.
MIN_NUMBERED_ROWS = 10
# Rows on which medians are found: their median is as good a stand-in, and 100 times as many take a second per column.
MEDIAN_ROWS = 100_000
MAX_SHOWN = 40  # characters of a value in a sentence
SHOWN_LEVELS = 5
TREND = "time in years"
MIN_VARIATION = 1e-6
YES_NO = (
    *({"no", "yes"}, {"n", "y"}, {"false", "true"}, {"f", "t"}, {"off", "on"}, {"absent", "present"}),
    *({"non", "oui"}, {"nein", "ja"}, {"neg", "pos"}, {"negative", "positive"}),
)
IDENTIFIER = re.compile(
    r"(?i:(?:^|[_\W])(?:ids?|idx|index|key|uuid|guid|uid|pid|id_?(?:no|num|nr)|pat_?(?:id|nr)|row_?names?|row_?id|row_?num(?:ber)?"
    r"|serial|nr|no|num|code|obs|case|subject|patient|person|participant|respondent|isbn)$"
    r"|^ids?[_\W]|^unnamed)|[a-z](?:Id|ID|Key|Index|No|Nr)$"
)
# What counts up by one may measure time: ages, weeks, years.
TIMES = re.compile(
    r"(?i:year|yr|jahr|date|time)|(?i:(?:^|[_\W])(?:age|day|week|month|quarter|season|hour|minute)s?(?:$|[_\W]))"
)
# Rows are numbered from 0 or 1, or a little more where the first ones are left out for want of a target.
MOST_FIRST = 5
# Beyond it float32 does not tell whole numbers apart.
MOST_TOLD_APART = 2**24


def plan_column(values: pl.Series, rows: Rows, options: ReadOptions) -> ColumnPlan:
    """Return what a column is taken for.

    Args:
        values: of all rows, as read; only those of `rows` are looked at.
        rows: the training rows, sorted.
        options: what the user says about columns.
    """
    import polars as pl

    name, missing = values.name, options.missing
    train = values if len(rows) == len(values) else values.gather(rows)
    if name in options.drop:
        return LeftOut(name=name, what="dropped", reason="as asked")
    dtype = train.dtype
    if dtype.is_nested() or dtype in (pl.Object, pl.Binary):
        return LeftOut(name=name, what="no plain values", reason=f"its values are {dtype}", missing=missing)
    if name in options.categorical:
        return _category(name, read_levels(train, missing), missing, is_asked=True)
    if dtype.is_numeric() and name not in options.numeric and are_day_numbers(train):
        return _moment(name, train, DAY_NUMBER, options)
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Duration):
        return plan_numbers(name, read_numbers(train, PLAIN, missing)[0], rows, options)
    if isinstance(dtype, pl.Datetime) or dtype in (pl.Date, pl.Time):
        return _moment(name, train, "", options)
    return _plan_text(name, train, rows, options)


def plan_numbers(
    name: str,
    numbers: npt.NDArray[np.float32],
    rows: Rows,
    options: ReadOptions,
    *,
    form: NumberFormat = PLAIN,
    unread: str = "",
) -> ColumnPlan:
    """Return what a column of numbers is taken for.

    Args:
        name: the column's.
        numbers: of the training rows, NaN where missing.
        rows: the training rows, sorted.
        options: what the user says about columns.
        form: how texts write them.
        unread: about texts that are no numbers.
    """
    known = numbers[np.isfinite(numbers)]
    missing = options.missing
    gone = len(numbers) - len(known)
    if not len(known):
        return LeftOut(name=name, what="empty", reason="no training row has a value", missing=missing)
    low, high = float(known.min()), float(known.max())
    if low == high and not gone and name not in options.keep:
        return LeftOut(name=name, what="constant", reason=f"always {shown(low)}", missing=missing)
    if name not in (*options.keep, *options.numeric) and (why := numbers_rows(name, numbers, rows)):
        return LeftOut(name=name, what="identifier", reason=why, missing=missing)
    step = -(-len(known) // MEDIAN_ROWS)
    fill = float(np.median(known[::step].astype(np.float64)))
    is_two = low < high and bool(((known == low) | (known == high)).all())
    return Number(
        name=name,
        fill=fill,
        has_flag=gone > 0,
        is_flag_only=gone > 0 and low == high,
        is_yes_no=is_two,
        form=form,
        missing=missing,
        reason="; ".join(
            filter(
                None,
                (
                    about_two(low, high) if is_two else "",
                    _about_format(form),
                    unread,
                    _about_missing(gone, len(numbers), f"filled with the median, {shown(fill)}"),
                ),
            )
        ),
    )


def numbers_rows(
    name: str, numbers: npt.NDArray[np.float32], rows: npt.NDArray[np.signedinteger[Any]]
) -> str:
    """Return why a column only numbers the rows; '' if it does not.

    It does if its whole numbers rise or fall by one from row to row, or if its name says identifier and hardly any value comes
    twice, or its numbers are too long to be told apart. What rises from a larger number than `MOST_FIRST` is a quantity, unless its name
    says identifier; so is a column of years or ages: one row per year is a series in time.
    """
    if len(numbers) < MIN_NUMBERED_ROWS or not np.isfinite(numbers).all():
        return ""
    wide = numbers.astype(np.float64)
    if not bool((wide == np.round(wide)).all()):
        return ""
    is_named = IDENTIFIER.search(name) is not None
    steps = wide - rows
    rises = bool((steps == steps[0]).all()) and (is_named or 0 <= steps[0] <= MOST_FIRST)
    if rises or bool((wide + rows == wide[0] + rows[0]).all()):
        return "" if TIMES.search(name) else "it only numbers the rows"
    if not is_named:
        return ""
    if np.abs(wide).max() > MOST_TOLD_APART:
        return "by its name, and its numbers are long"
    values, counts = np.unique(numbers, return_counts=True)
    if len(values) == len(numbers):
        return "by its name, and every value is unique"
    alone = int((counts == 1).sum())
    return "by its name, and nearly every value is unique" if alone >= MOSTLY_UNIQUE * len(numbers) else ""


def _plan_text(name: str, values: pl.Series, rows: Rows, options: ReadOptions) -> ColumnPlan:
    missing = options.missing
    text = without_missing(as_text(values), MISSING_AMONG_NUMBERS, missing)
    known = text.drop_nulls()
    distinct = known.unique(maintain_order=True)
    form = find_number_format(distinct, decimal=options.decimal, thousands=options.thousands)
    parsed = form.parse(known)
    if (is_mostly_numbers(parsed, known) or len(distinct) > MAX_ORDERED) and (
        bounded := find_bounded_format(known, form)
    ):
        form, parsed = bounded, bounded.parse(known)
    is_numeric = name in options.numeric
    if not is_numeric and are_day_numbers(parsed):
        return _moment(name, values, DAY_NUMBER, options)
    if is_numeric or (is_mostly_numbers(parsed, known) and not are_codes(distinct)):
        unread = known.filter(parsed.is_null())
        about = ""
        if len(unread):
            what = "value that is no number" if len(unread) == 1 else "values that are no numbers"
            about = f"{len(unread):,} {what} ({unread[0][:MAX_SHOWN]!r})"
        numbers = read_numbers(values, form, missing)[0]
        return plan_numbers(name, numbers, rows, options, form=form, unread=about)
    if date_form := find_date_format(distinct):
        return _moment(name, values, date_form, options)
    if lengths := find_length_format(distinct):
        numbers, wrong = read_numbers(values, lengths, missing)
        about = f"{counted(wrong, 'value')} of another kind" if wrong else ""
        return plan_numbers(name, numbers, rows, options, form=lengths, unread=about)
    levels = read_levels(values, missing)
    if not levels.drop_nulls().len():
        return LeftOut(name=name, what="empty", reason="no training row has a value", missing=missing)
    return _plan_words(name, levels, options)


def are_codes(distinct: pl.Series) -> bool:
    """Return whether texts are codes, such as postal ones: digits of one length, some of which begin with 0.

    Times of day such as 0930 are numbers.
    """
    lengths = distinct.str.len_chars()
    if not len(distinct) or lengths.n_unique() != 1 or lengths[0] < MIN_CODE_DIGITS:
        return False
    if not distinct.str.contains(r"^\d+$").all() or not distinct.str.starts_with("0").any():
        return False
    return not distinct.str.contains(r"^(?:[01]\d|2[0-3])[0-5]\d$").all()


def _plan_words(name: str, levels: pl.Series, options: ReadOptions) -> ColumnPlan:
    """Return what a column of words is taken for; null where there is none."""
    missing, known = options.missing, levels.drop_nulls()
    counts = known.alias("level").value_counts(name="rows")
    distinct, gone = counts.height, len(levels) - len(known)
    is_kept = name in options.keep
    if distinct == 1 and not gone and not is_kept:
        return LeftOut(name=name, what="constant", reason=f"always {known[0][:MAX_SHOWN]!r}", missing=missing)
    if distinct == 2:
        return _two_levels(name, sorted(known.unique().to_list()), gone, len(levels), missing)
    if distinct <= MAX_ORDERED and (order := word_order(sorted(known.unique().to_list()))):
        return _ordered(name, levels, *order, missing)
    alone = float((counts["rows"] == 1).sum()) / len(known)
    words = int(known.str.count_matches(r"\S+").sum() or 0) / len(known)
    if not is_kept and len(known) >= MIN_NUMBERED_ROWS:
        if words >= WORDS_OF_TEXT and alone >= PARTLY_UNIQUE:
            reason = f"{words:.0f} words on average, {distinct:,} different texts"
            return LeftOut(name=name, what="free text", reason=reason, missing=missing)
        if alone >= MOSTLY_UNIQUE:
            reason = (
                "every text is unique"
                if distinct == len(known)
                else f"{distinct:,} different texts in {len(known):,} rows"
            )
            return LeftOut(name=name, what="identifier", reason=reason, missing=missing)
    return _category(name, levels, missing)


def _two_levels(
    name: str, levels: Sequence[str], gone: int, rows: int, missing: tuple[str, ...]
) -> TwoLevels:
    is_yes_no = {level.lower() for level in levels} in YES_NO
    order = tuple(levels)
    about = _about_missing(gone, rows, "flagged")
    return TwoLevels(
        name=name,
        levels=order,
        has_flag=gone > 0,
        is_yes_no=is_yes_no,
        missing=missing,
        reason="; ".join(filter(None, (" / ".join(level[:MAX_SHOWN] for level in order), about))),
    )


def _ordered(
    name: str, levels: pl.Series, order: tuple[str, ...], is_cycle: bool, missing: tuple[str, ...]
) -> Ordered:
    import polars as pl

    places = {level: float(place) for place, level in enumerate(order)}
    ranks = levels.drop_nulls().replace_strict(places, return_dtype=pl.Float64)
    gone = len(levels) - len(ranks)
    fill = float(np.median(ranks.to_numpy()))
    shown_levels = order if len(order) <= SHOWN_LEVELS else (order[0], "...", order[-1])
    about = f"{', '.join(shown_levels)}, in this order"
    return Ordered(
        name=name,
        levels=order,
        fill=fill,
        has_flag=gone > 0,
        is_cycle=is_cycle,
        missing=missing,
        reason="; ".join(
            filter(None, (about, _about_missing(gone, len(levels), "filled with the median level")))
        ),
    )


def _category(
    name: str, levels: pl.Series, missing: tuple[str, ...], *, is_asked: bool = False
) -> ColumnPlan:
    known = levels.drop_nulls()
    gone = len(levels) - len(known)
    if not len(known):
        return LeftOut(name=name, what="empty", reason="no training row has a value", missing=missing)
    counts = known.alias("level").value_counts(name="rows")
    pairs = sorted(
        zip(counts["level"].to_list(), counts["rows"].to_list(), strict=True),
        key=lambda pair: (-pair[1], pair[0]),
    )
    if len(pairs) == 1 and not gone and not is_asked:
        return LeftOut(
            name=name, what="constant", reason=f"always {pairs[0][0][:MAX_SHOWN]!r}", missing=missing
        )
    is_many = len(pairs) > MAX_LEVELS
    least = min(MIN_ROWS_OF_MANY if is_many else MIN_LEVEL_ROWS, len(known) // SMALL_TABLE)
    frequent = [level for level, count in pairs if count >= least][:MAX_LEVELS]
    others = pairs[len(frequent) :][: MAX_COUNTED - len(frequent)]
    first = ", ".join(level[:MAX_SHOWN] for level, _ in pairs[: SHOWN_LEVELS - 1])
    named = f": {first}{', ...' if len(pairs) >= SHOWN_LEVELS else ''}"
    parts = [f"{counted(len(pairs), 'level')}{named}"]
    if others:
        parts.append(
            f"{counted(len(pairs) - len(frequent), 'rare one')} together"
            if frequent
            else "all rare: how frequent each is"
        )
    parts.append(_about_missing(gone, len(levels), "a level of their own"))
    return Category(
        name=name,
        levels=tuple(frequent),
        has_other=bool(others and frequent),
        has_flag=gone > 0,
        counts=tuple(count for _, count in pairs[:MAX_COUNTED]) if is_many else (),
        rare_levels=tuple(level for level, _ in others),
        missing=missing,
        reason="; ".join(filter(None, parts)),
    )


def _moment(name: str, values: pl.Series, form: str, options: ReadOptions) -> ColumnPlan:
    missing = options.missing
    moments, _ = read_moments(values, form, missing)
    known = moments[np.isfinite(moments)]
    if not len(known):
        return LeftOut(name=name, what="empty", reason="no training row has a value", missing=missing)
    origin = float(known.min())
    if known.max() == origin and len(known) == len(moments) and name not in options.keep:
        day = np.datetime64(int(origin), "s")
        return LeftOut(name=name, what="constant", reason=f"always {day}", missing=missing)
    parts = date_parts(known, origin=origin)
    varying = [part for part, numbers in parts.items() if np.ptp(numbers.astype(np.float32)) > MIN_VARIATION]
    is_beyond = name == options.time and len(varying) > 1  # later rows lie beyond all that a network has seen
    if TREND in varying and (is_beyond or not _has_days(values, form)):
        varying.remove(TREND)
    if form in (*MONTHS, *QUARTERS):  # the weekday of a month's first day says nothing
        varying = [part for part in varying if not part.startswith("weekday")]
    gone = len(moments) - len(known)
    if not varying and not gone:
        return LeftOut(name=name, what="constant", reason="no part of it varies", missing=missing)
    first, last = (np.datetime64(int(moment), "s") for moment in (origin, known.max()))
    about = (
        f"{first.astype('datetime64[D]')} to {last.astype('datetime64[D]')}"
        if _has_days(values, form)
        else "time of day"
    )
    return Moment(
        name=name,
        form=form,
        origin=origin,
        parts=tuple(varying),
        fills=tuple(float(parts[part].mean()) for part in varying),
        has_flag=gone > 0,
        missing=missing,
        reason="; ".join(filter(None, (about, _about_missing(gone, len(moments), "filled with the mean")))),
    )


def _has_days(values: pl.Series, form: str) -> bool:
    import polars as pl

    return has_year(form) if form else values.dtype != pl.Time


def _about_missing(gone: int, rows: int, how: str) -> str:
    if not gone:
        return ""
    share = 100 * gone / rows
    return f"{'<1' if share < 1 else f'{share:.0f}'} % missing, {how}"


def _about_format(form: NumberFormat) -> str:
    parts = []
    if form.decimal != ".":
        parts.append("decimal comma")
    if form.thousands:
        parts.append(f"thousands marked by {form.thousands!r}")
    if form.bounds:
        parts.append("bounds such as <5 or 90+ taken for their numbers")
    if form.unit in CLOCKS:
        parts.append("lengths of time, in seconds")
    elif form.unit:
        parts.append(f"in {form.unit}")
    return ", ".join(parts)


def about_two(low: float, high: float) -> str:
    """Return how a plan speaks of a column of two numbers.

    Example:
        >>> about_two(1.0, 9.0)
        '1 or 9'
    """
    return f"{shown(low)} or {shown(high)}"


def shown(value: float) -> str:
    """Return a number for a sentence.

    Example:
        >>> shown(28.0), shown(0.12345678)
        ('28', '0.123457')
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"
