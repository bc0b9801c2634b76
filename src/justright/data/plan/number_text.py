"""Numbers as people write them: thousands separators, decimal commas, currencies, percent signs, units."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from justright.data.plan.missing_values import share_of

if TYPE_CHECKING:
    import polars as pl

# Marks around a number that do not change it.
CURRENCIES = "$€£¥₹₽₩₺฿"
SPACES = "\u00a0\u2009\u202f '’"  # what groups digits besides comma and dot
MINUS = "\u2212\u2013"
# A comma with a blank behind it stands between numbers, not within one.
LISTED = r",\s+"
UNIT = re.compile(r"^[^\d]*\d[\d.,]*(?:[eE][-+]?\d+)?\s*([A-Za-zµ°/²³%][A-Za-z0-9µ°/²³%]*)$")
# Digits in groups of three, as thousands separators stand.
GROUPED = r"^[-+]?\d{1,3}(?:%s\d{3})+(?:%s\d+)?$"
# From this share of readable values on, a column of text is one of numbers; the others are then missing.
MOSTLY_NUMBERS = 0.9
# A column of at least half numbers is one, too, if the others are but a few texts: a lab's own word for "not measured".
HALF_NUMBERS, FEW_WORDS, MANY_NUMBERS = 0.5, 2, 20
# Marks of a bound around a number: below what a laboratory can detect, or the open end of a scale.
BOUNDS = r"^[<>≤≥]=?\s*|\+$"
# What stands for the unit of lengths of time, which become seconds: 35:07 (minutes and seconds), 2:23:31, 0 days 00:01:30.
LENGTH_OF_TIME = "h:min:s"
# The same for 08:15, hours and minutes of a clock with a 0 in front.
HOURS_AND_MINUTES = "h:min"
CLOCKS = (LENGTH_OF_TIME, HOURS_AND_MINUTES)
PADDED_HOURS, ANY_HOURS = r"^0\d:\d\d$", r"^(?:[01]?\d|2[0-3]):\d\d$"
CLOCK = r"^(?:(-?\d+) days?,? \+?)?(-)?(\d+):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?$"


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How a column writes its numbers.

    Args:
        decimal: the decimal mark.
        thousands: what groups digits; empty for nothing.
        unit: what follows every number; empty for nothing, and `LENGTH_OF_TIME` for what a clock shows.
        bounds: `BOUNDS` if some are bounds, which stand for themselves; empty if none are.
    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    bounds: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the format as plain values, defaults left out."""
        return {name: value for name, value in asdict(self).items() if value != getattr(PLAIN, name)}

    def parse(self, text: pl.Series) -> pl.Series:
        """Return Float64 values; null for what is no number in this format.

        Example:
            >>> import polars as pl
            >>> NumberFormat(",", ".").parse(pl.Series(["1.234,5", "(3)", "x"])).to_list()
            [1234.5, -3.0, None]
        """
        import polars as pl

        numbers = text.cast(pl.Float64, strict=False)
        if self == PLAIN and numbers.null_count() == text.null_count():
            return numbers
        if self.unit in CLOCKS:
            return _clock_seconds(text, has_hours=self.unit == HOURS_AND_MINUTES)
        bare = _bare(pl.col("text").str.replace(self.bounds, "") if self.bounds else pl.col("text"))
        if self.unit:
            bare = bare.str.strip_suffix(self.unit).str.strip_chars()
        if self.thousands:
            bare = bare.str.replace_all(self.thousands, "", literal=True)
        if self.decimal != ".":
            bare = bare.str.replace_all(self.decimal, ".", literal=True)
        return _computed(text, bare.cast(pl.Float64, strict=False))


PLAIN = NumberFormat()


def find_number_format(
    text: pl.Series, *, decimal: str | None = None, thousands: str | None = None
) -> NumberFormat:
    """Return the format in which most of a column's texts are numbers.

    Args:
        text: different texts of the column, without missing values.
        decimal: the decimal mark, if it is known.
        thousands: what groups digits, if it is known.

    Example:
        >>> import polars as pl
        >>> [find_number_format(pl.Series(text)).decimal for text in (["1,234", "20"], ["1,5", "20"])]
        ['.', ',']
    """
    if decimal is not None or thousands is not None:
        known = NumberFormat(decimal or ("," if thousands == "." else "."), thousands or "")
        return _with_unit(text, known)
    import polars as pl

    bare = _computed(text, _bare(pl.col("text")))
    found = _with_unit(text, PLAIN)
    bare = bare.str.strip_suffix(found.unit).str.strip_chars() if found.unit else bare
    comma, dot = bare.str.contains(",", literal=True), bare.str.contains(".", literal=True)
    if not comma.any():
        dotted = bare.filter(dot)
        several = dotted.str.count_matches(r"\.") > 1
        if several.any() and dotted.str.contains(GROUPED % (r"\.", ",")).all():
            return NumberFormat(",", ".", found.unit)
        return found
    with_comma = bare.filter(comma)
    both = bare.filter(comma & dot)
    is_grouped = with_comma.str.contains(GROUPED % (",", r"\."))
    begins_with_zero = with_comma.str.contains(r"^[-+]?0,").any()
    if share_of(is_grouped) == 1.0 and not begins_with_zero:
        return NumberFormat(".", ",", found.unit)
    if len(both) and share_of(both.str.contains(GROUPED % (r"\.", ","))) == 1.0:
        return NumberFormat(",", ".", found.unit)
    is_decimal = with_comma.str.contains(r"^[-+]?\d*,\d+(?:[eE][-+]?\d+)?$")
    share_decimal, share_grouped = share_of(is_decimal), share_of(is_grouped)
    if share_decimal > share_grouped or (begins_with_zero and share_decimal):
        return NumberFormat(",", "", found.unit)
    return NumberFormat(".", ",", found.unit) if share_grouped else found


def find_bounded_format(text: pl.Series, form: NumberFormat) -> NumberFormat | None:
    """Return the format of a column of numbers some of which are bounds; None if none are, or the others are no numbers.

    Args:
        text: of the column, without missing values.
        form: in which the numbers are written.

    Example:
        >>> import polars as pl
        >>> form = find_bounded_format(pl.Series(["<0.5", "0.7", "90+"]), PLAIN)
        >>> form.parse(pl.Series(["<0.5", "0.7", "90+"])).to_list()
        [0.5, 0.7, 90.0]
    """
    is_bound = text.str.contains(BOUNDS)
    if not is_bound.any() or is_bound.all():
        return None
    bounded = replace(form, bounds=BOUNDS)
    return bounded if is_mostly_numbers(bounded.parse(text), text) else None


def find_length_format(text: pl.Series) -> NumberFormat | None:
    """Return the format of a column whose texts are lengths of time; None if they are none.

    Args:
        text: different texts of the column, without missing values.

    Example:
        >>> import polars as pl
        >>> form = find_length_format(pl.Series(["59:07", "1:23:31", "0 days 00:01:30"]))
        >>> form.parse(pl.Series(["59:07", "1:23:31", "0 days 00:01:30", "x"])).to_list()
        [3547.0, 5011.0, 90.0, None]
    """
    if not len(text) or share_of(text.str.contains(CLOCK)) < MOSTLY_NUMBERS:
        return None
    is_of_day = text.str.contains(PADDED_HOURS).any() and text.str.contains(ANY_HOURS).all()
    return NumberFormat(unit=HOURS_AND_MINUTES if is_of_day else LENGTH_OF_TIME)


def _clock_seconds(text: pl.Series, *, has_hours: bool) -> pl.Series:
    import polars as pl

    def part(group: int) -> pl.Series:
        return text.str.extract(CLOCK, group).cast(pl.Float64)

    days, first, second, third = part(1), part(3), part(4), part(5)
    # Days come before hours, so that two numbers after them are hours and minutes.
    short = first * 60 + second
    is_short = third.is_null() & days.is_null() & (not has_hours)
    clock = short.zip_with(is_short, short * 60 + third.fill_null(0.0))
    sign = 1 - 2 * text.str.extract(CLOCK, 2).is_not_null().cast(pl.Float64)
    return days.fill_null(0.0) * 86_400 + sign * clock


def is_mostly_numbers(numbers: pl.Series, text: pl.Series) -> bool:
    """Return whether a column of text is one of numbers, some of which may not be readable.

    Args:
        numbers: what was read from it.
        text: without missing values.
    """
    total = len(text)
    readable = total - numbers.null_count()
    if not total or not readable:
        return False
    if readable >= MOSTLY_NUMBERS * total:
        return True
    words = text.filter(numbers.is_null()).n_unique()
    return (
        readable >= HALF_NUMBERS * total
        and words <= FEW_WORDS
        and numbers.drop_nulls().n_unique() >= MANY_NUMBERS
    )


def _bare(text: pl.Expr) -> pl.Expr:
    """Return texts without currency signs, percent signs and blanks; (3) is -3. What holds several numbers stays none."""
    bare = text.str.replace_all(LISTED, ";").str.replace_all(f"[{re.escape(CURRENCIES + SPACES)}]", "")
    bare = bare.str.replace_all(f"[{MINUS}]", "-").str.strip_suffix("%")
    return bare.str.replace(r"^\((.*)\)$", "-$1")


def _computed(text: pl.Series, what: pl.Expr) -> pl.Series:
    """Return what is computed of the column `text`, in one go: each step by itself takes as long, for a short column."""
    return text.alias("text").to_frame().select(what).to_series()


def _with_unit(text: pl.Series, form: NumberFormat) -> NumberFormat:
    """Return the format with the unit that follows every number, if one does."""
    if not len(text):
        return form
    units = text.str.extract(UNIT.pattern, 1)
    if units.null_count() or units.n_unique() != 1:
        return form
    unit = str(units[0])
    return form if unit in ("e", "E", "%") else NumberFormat(form.decimal, form.thousands, unit)
