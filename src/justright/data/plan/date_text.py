"""Dates and times as people write them, and the numbers made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from justright.data.plan.missing_values import share_of

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]

ISO_DATE = "%Y-%m-%d"
# Tried in this order; of those that read equally many texts the first is taken, so day before month only where a day
# above 12 says so. A blank stands for any number of blanks, also for none: `%d %b %Y` reads SAS's 10AUG2021.
DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *(
        "%d-%b-%Y",
        "%d %b %Y",
        "%b %d, %Y",
        "%b %d %Y",
        "%d %B %Y",
        "%B %d, %Y",
        "%B %d %Y",
        "%d-%b-%y",
        "%d %b %y",
        "%b-%d-%Y",
    ),
    *("%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%y-%m-%d"),
)
MONTHS = (
    *("%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%b-%Y", "%B %Y", "%b-%y", "%YM%m", "%Y %b", "%Y-%b", "%Y %B"),
)
# Quarters (chrono reads none: `%q` is ours) and weeks, as pandas, R and statistical offices write them.
QUARTERS = ("%Y Q%q", "%YQ%q", "%Y-Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y")
WEEKS = ("%G W%V", "%GW%V", "%G-W%V")
# A day as a number, alone or with a time behind it.
DAY_NUMBER = "%Y%m%d"
COMPACT = (f"{DAY_NUMBER}T%H%M%S", f"{DAY_NUMBER}T%H%M", f"{DAY_NUMBER} %H%M%S", f"{DAY_NUMBER} %H%M")
# Whole numbers drawn at random are days of the calendar in one of 27 cases.
MIN_DAY_NUMBERS = 8
TIMES = ("%H:%M:%S%.f", "%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
# SAS writes a moment as 10AUG2021:14:30:00.
COLON_DAY = "%d %b %Y"
ZONES = ("", "Z", "%z")
# A column of texts is one of dates if this share of them is read.
MOSTLY_DATES = 0.95
# Without a digit and a mark between digits, or a month's name, nothing is a date.
LOOKS = r"\d.*[-/.: ,QTW]|[-/.: ,QTW].*\d|^\d\d?[A-Za-z]{3}\d\d"
# Texts are read as dates of these years only: `%Y` also reads the year 3.
FIRST_YEAR, LAST_YEAR = 1500, 2500
# A year of two digits stands last or first: 3.10.2 is a version.
SHORT_YEAR = r"^(?:\d+\W+\w+\W+\d\d(?:\D|$)|\d\d?[A-Za-z]{3}\d\d(?:\D|$)|[A-Za-z]+\W+\d\d(?:\D|$)|\d\d-\d\d-)"
TESTED = 1_000  # different texts on which formats are tried
SECONDS_PER_DAY = 86_400.0
DAYS_PER_YEAR = 365.2425

# What is made of a moment: name -> (period in its own units, numbers of the moment). A period makes sine and cosine.
PARTS = ("time in years", "month", "weekday", "hour")


def find_date_format(text: pl.Series) -> str | None:
    """Return the format in which a column's texts are dates or times; None if they are none.

    Args:
        text: different texts of the column, without missing values.

    Example:
        >>> import polars as pl
        >>> (
        ...     find_date_format(pl.Series(["1/27/2019", "2/3/2019"])),
        ...     find_date_format(pl.Series(["13:08", "7:30"])),
        ... )
        ('%m/%d/%Y', '%H:%M')
    """
    sample = text.head(TESTED)
    if not len(sample) or share_of(sample.str.contains(LOOKS)) < MOSTLY_DATES:
        return None
    has_colon = share_of(sample.str.contains(r"\d:\d\d")) >= MOSTLY_DATES
    is_zoned = has_colon and share_of(sample.str.contains(r"(Z|[+-]\d\d:?\d\d)$")) >= MOSTLY_DATES
    best, most = None, MOSTLY_DATES * len(sample)
    has_short_year = share_of(sample.str.contains(SHORT_YEAR)) >= MOSTLY_DATES
    for form in _formats(has_colon=has_colon, is_zoned=is_zoned):
        if "%y" in form and not has_short_year:
            continue
        read = len(sample) - parse_dates(sample, form).null_count()
        if read >= most and (best is None or read > most):
            best, most = form, read
    return best


def parse_dates(text: pl.Series, form: str) -> pl.Series:
    """Return texts as seconds since 1970 (Float64), in UTC where they name a zone; null for what is not in the format.

    Times of day alone are seconds since midnight.
    """
    import polars as pl

    if "%q" in form:
        text, form = _quarters_as_months(text, form), "%Y-%m"
    if "%G" in form:
        text, form = text + " 1", f"{form} %u"
    elif not has_year(form):
        # chrono reads no time without a day: give it one.
        text, form = "1970-01-01 " + text, f"%Y-%m-%d {form}"
    elif "%d" not in form:
        text, form = text + " 01", f"{form} %d"
    if form.endswith("Z"):
        text, form = text.str.strip_suffix("Z"), form[:-1]
    moments = text.str.to_datetime(form, time_unit="us", strict=False, exact=True)
    if isinstance(moments.dtype, pl.Datetime) and moments.dtype.time_zone:
        moments = moments.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    years = moments.dt.year()
    return seconds(moments.set(~years.is_between(FIRST_YEAR, LAST_YEAR), None))


def has_year(form: str) -> bool:
    """Return whether a format says which year, so that it is one of days, weeks, months or quarters, not of times of day.

    Example:
        >>> [has_year(form) for form in ("%d.%m.%y", "%G-W%V", "%H:%M")]
        [True, True, False]
    """
    return any(year in form for year in ("%Y", "%y", "%G"))


def are_day_numbers(values: pl.Series) -> bool:
    """Return whether numbers are days such as 20190127.

    Example:
        >>> import polars as pl
        >>> days = [19990131, 19990228, 19990331, 19990430, 19990531, 19990630, 19990731, 19990831]
        >>> are_day_numbers(pl.Series(days)), are_day_numbers(pl.Series([20_000_000 + n for n in range(9)]))
        (True, False)
    """
    low, high = values.min(), values.max()
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return False
    if not (low > FIRST_YEAR * 10_000 and high < LAST_YEAR * 10_000):
        return False
    if values.dtype.is_float() and not bool((values.round(0) == values).all()):
        return False
    known = values.drop_nulls().unique()
    return len(known) >= MIN_DAY_NUMBERS and not parse_dates(day_texts(known), DAY_NUMBER).null_count()


def day_texts(values: pl.Series) -> pl.Series:
    """Return whole numbers as text, without a decimal point."""
    import polars as pl

    return values.cast(pl.Int64, strict=False).cast(pl.String)


def seconds(values: pl.Series) -> pl.Series:
    """Return a column of dates, moments, times of day or durations as seconds (Float64)."""
    import polars as pl

    if values.dtype == pl.Time:
        return values.cast(pl.Int64).cast(pl.Float64) / 1e9
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone:
        values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if values.dtype == pl.Duration:
        return values.dt.total_microseconds().cast(pl.Float64) / 1e6
    return values.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64) / 1e6


def date_parts(moments: Floats, *, origin: float) -> dict[str, Floats]:
    """Return the numbers made of moments: years since the first, and sine and cosine of what comes round again.

    Args:
        moments: (rows,) seconds since 1970; NaN where there is none.
        origin: the first moment, in the same seconds.

    Example:
        >>> parts = date_parts(np.array([0.0, 86_400.0 * 365.2425]), origin=0.0)
        >>> parts["time in years"].tolist(), sorted(parts)[:2]
        ([0.0, 1.0], ['hour cos', 'hour sin'])
    """
    days = np.floor(moments / SECONDS_PER_DAY)
    hours = (moments / SECONDS_PER_DAY - days) * 24
    parts = {"time in years": (moments - origin) / (SECONDS_PER_DAY * DAYS_PER_YEAR)}
    known = np.isfinite(days)
    dates = np.where(known, days, 0).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + (dates - months.astype("datetime64[D]")).astype(np.int64) / 31
    cycles = {"month": (month, 12), "weekday": ((days + 3) % 7, 7), "hour": (hours, 24)}
    for name, (values, period) in cycles.items():
        angle = 2 * np.pi * np.where(known, values, np.nan) / period
        parts[f"{name} sin"], parts[f"{name} cos"] = np.sin(angle), np.cos(angle)
    return parts


def _quarters_as_months(text: pl.Series, form: str) -> pl.Series:
    """Return each quarter as its first month, as `%Y-%m`."""
    import polars as pl

    pattern = form.replace("%Y", r"(?P<year>\d{4})").replace("%q", "(?P<quarter>[1-4])")
    found = text.str.extract_groups(f"^{pattern}$").struct
    month = found.field("quarter").cast(pl.Int64) * 3 - 2
    return found.field("year") + "-" + month.cast(pl.String).str.zfill(2)


def _formats(*, has_colon: bool, is_zoned: bool) -> list[str]:
    if not has_colon:
        return [*DAYS, *MONTHS, *QUARTERS, *WEEKS, *COMPACT]
    zones = ZONES[1:] if is_zoned else ZONES[:1]
    moments = [f"{day}{gap}{time}{zone}" for day in DAYS for gap in " T" for time in TIMES for zone in zones]
    after_colon = [f"{COLON_DAY}:{time}" for time in TIMES]
    return [*TIMES, *moments, *after_colon]
