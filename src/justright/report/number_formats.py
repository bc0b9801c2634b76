"""Numbers as reports print them, with the digits that they deserve and in narrow columns with fewer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from justright.diagnosis.words.numbers import rounded_by

MISSING = "–"  # an en dash: nothing was measured, which is not the same as zero

# Metrics that are called by their initials.
INITIALS = frozenset(
    ("auc", "roc", "pr", "mae", "mse", "rmse", "rmsle", "mape", "nll", "bce", "f1", "r2", "wer", "cer")
)

LOSS_DIGITS = 4  # decimals, and significant digits of losses too large or small for fixed decimals
LARGE_DIGITS = 3  # with an exponent: four would push a table's last column off a page of 1,200 pixels
WHOLE_RANGE = (1e4, 1e6)  # magnitudes in which a whole number is shorter than one with an exponent
FIXED_RANGE = (0.001, 100.0)  # magnitudes in which four decimals show at least one and at most six digits
LEAST_DECIMAL, MOST_DECIMAL = 0.001, 1_000.0  # magnitudes that three decimals suit in a narrow column
MOST_UNCERTAIN = 1.0  # halves of intervals below this have decimals: three of 51 ± 16 say nothing
LARGEST_SHARE = 10.0  # from here on percentages are written with an exponent


def metric_words(metric: str) -> str:
    """Return the metric's name in words: the label of an axis or a column.

    Example:
        >>> metric_words("val_binary_crossentropy"), metric_words("accuracy"), metric_words("roc_auc")
        ('Binary crossentropy', 'Accuracy', 'ROC AUC')
    """
    words = metric.removeprefix("val_").removeprefix("fixed_").split("_")
    name = " ".join(word.upper() if word in INITIALS else word for word in words)
    return name[:1].upper() + name[1:]


def format_metric(
    metric: str,
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    *,
    signed: bool = False,
) -> str:
    """Return one value of `metric`: shares as percentages, losses to the second digit of half their interval.

    Further digits say nothing. Without an interval losses have four decimals.

    Example:
        >>> format_metric("accuracy", 0.7123), format_metric("loss", 0.61849), format_metric("loss", None)
        ('71.2 %', '0.6185', '–')
        >>> format_metric("loss", 0.60487, 0.577, 0.633)
        '0.605'
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if is_share(metric):
        return f"{_per_cent(value)} %"
    if low is None or high is None or not high > low:
        return format_loss(value, signed=signed)
    text = rounded_by(value, (high - low) / 2).replace("-", "−")
    return f"+{text}" if signed and not text.startswith("−") else text


def format_loss(value: float, *, signed: bool = False) -> str:
    """Return a loss, or with `signed` a difference of losses, with a true minus sign.

    Example:
        >>> format_loss(1234.5678), format_loss(-0.01234, signed=True), format_loss(0.01, signed=True)
        ('1235', '−0.0123', '+0.0100')
        >>> format_loss(26_684.1), format_loss(1.36834e9)
        ('26,684', '1.37e9')
    """
    size = abs(value)
    low, high = FIXED_RANGE
    sign = "+" if signed else ""
    if size < high and (value == 0 or signed or low <= size):
        text = f"{value:{sign}.{LOSS_DIGITS}f}"
    elif WHOLE_RANGE[0] <= size < WHOLE_RANGE[1]:
        text = f"{value:{sign},.0f}"
    else:
        digits = LOSS_DIGITS if size < WHOLE_RANGE[1] else LARGE_DIGITS
        text = f"{value:{sign}.{digits}g}".replace("e+0", "e").replace("e+", "e")
    return text.replace("-", "−")


def format_interval(metric: str, low: float | None, high: float | None, *, signed: bool = False) -> str:
    """Return an interval as `[low, high]`, or nothing when an end is missing.

    Example:
        >>> format_interval("loss", 0.6, 0.62)
        '[0.600, 0.620]'
    """
    if low is None or high is None:
        return ""
    if is_share(metric):
        return f"[{_per_cent(low)}, {_per_cent(high)}]"
    ends = (format_metric(metric, end, low, high, signed=signed) for end in (low, high))
    return f"[{', '.join(ends)}]"


def format_chance(probability: float | None) -> str:
    """Return a probability in per cent; never as certain, which no sample is.

    Example:
        >>> format_chance(0.9512), format_chance(1.0), format_chance(0.0)
        ('95.1 %', '> 99.9 %', '< 0.1 %')
    """
    if probability is None or not math.isfinite(probability):
        return MISSING
    share = 100 * probability
    return "> 99.9 %" if share >= 99.95 else "< 0.1 %" if share < 0.05 else f"{share:.1f} %"


def format_count(value: float | None) -> str:
    """Return a whole number with a comma every three digits."""
    return MISSING if value is None else f"{value:,.0f}"


def format_span(values: Sequence[float]) -> str:
    """Return whole numbers as one, or as their range.

    Example:
        >>> format_span([21, 19, 24]), format_span([7]), format_span([])
        ('19–24', '7', '–')
    """
    if not values:
        return MISSING
    low, high = min(values), max(values)
    return format_count(low) if low == high else f"{format_count(low)}–{format_count(high)}"


def format_duration(seconds: float | None) -> str:
    """Return a duration with two units at most.

    Example:
        >>> format_duration(3.21), format_duration(75), format_duration(8_130)
        ('3.2 s', '1 min 15 s', '2 h 15 min')
    """
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3_600} h {whole % 3_600 // 60} min"


def is_share(metric: str) -> bool:
    """Return whether `metric` is a share of rows, printed as a percentage, of which more is better."""
    return metric.endswith("accuracy")


def mean_of(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that were measured, or None when none was."""
    measured = [value for value in values if value is not None and math.isfinite(value)]
    return math.fsum(measured) / len(measured) if measured else None


def format_short(
    metric: str, value: float | None, low: float | None = None, high: float | None = None
) -> str:
    """Return a value of `metric` for a narrow column: shares with one decimal, losses with three, with half its interval.

    Losses have digits up to the second one of the half where three decimals would say nothing.

    Example:
        >>> format_short("accuracy", 0.7123), format_short("loss", 0.58741), format_short("loss", 24_612.0)
        ('71.2 %', '0.587', '24,600')
        >>> format_short("loss", 48_292_134_912.0), format_short("loss", None)
        ('4.83e10', '–')
        >>> format_short("loss", 0.6183, 0.6122, 0.6244), format_short("loss", 51.1, 34.9, 67.3)
        ('0.618±0.006', '51±16')
        >>> format_short("accuracy", 0.664, 0.659, 0.669)
        '66.4±0.5 %'
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if low is None or high is None:
        return f"{_per_cent(value)} %" if is_share(metric) else _short_loss(value)
    if is_share(metric):  # with two seeds an interval may reach beyond what a share can be
        return f"{_per_cent(value)}±{_per_cent((min(high, 1) - max(low, 0)) / 2)} %"
    half = (high - low) / 2
    if not half > 0:
        return f"{_short_loss(value)}±{_short_loss(half)}"
    if abs(value) < MOST_DECIMAL and LEAST_DECIMAL <= half < MOST_UNCERTAIN:
        return f"{value:.3f}±{half:.3f}"
    return f"{rounded_by(value, half)}±{rounded_by(half, half)}"


def format_seven(value: float | None) -> str:
    """Return a loss in at most seven characters: for columns that must not jump while it changes.

    Example:
        >>> format_seven(0.61849), format_seven(12345.6), format_seven(math.nan)
        ('0.6185', '1.2e+04', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    size = abs(value)
    if value == 0 or 0.001 <= size < 10:
        return f"{value:.4f}"
    return f"{value:.4g}" if 10 <= size < 1e4 else f"{value:.2g}"


def _short_loss(value: float) -> str:
    """Return a loss with three decimals, or three digits where those would say nothing."""
    if value == 0 or LEAST_DECIMAL <= abs(value) < MOST_DECIMAL:
        return f"{value:.3f}"
    if 1 <= abs(value) < WHOLE_RANGE[1]:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.2e}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def _per_cent(share: float) -> str:
    """Return a share in per cent with one decimal.

    No share of rows is large, but a damaged database may say so: its digits must not push all else off a table.

    Example:
        >>> _per_cent(0.7123), _per_cent(1e78)
        ('71.2', '1e+80')
    """
    return f"{100 * share:.{'1f' if abs(share) < LARGEST_SHARE else '0e'}}"
