"""Numbers and lists as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from justright.statistics.intervals import Interval

UNCERTAIN_DIGITS = 2  # an estimate is printed to the second digit of its uncertainty
MAX_DECIMALS = 8
PLAIN_DIGITS = 3
TINY = 1e-7  # below it decimals are too many to count
LARGE = 1e6  # from here on digits are hard to count: 8.8e8 instead of 883,005,443
MOST_NAMES = 4  # of more names nobody reads the last
MOST_LISTED = 7  # but the networks of a study like the tutorial's are all named
SMALL_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def number(value: float) -> str:
    """Return a number to three digits.

    Example:
        >>> number(0.6914), number(0.00125), number(12345.6), number(0.0)
        ('0.691', '0.00125', '12,346', '0')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return _fixed(value, _decimals(abs(value), PLAIN_DIGITS))


def rough(value: float) -> str:
    """Return a number to two digits, for numbers without an interval.

    Example:
        >>> rough(0.0665), rough(1234.5)
        ('0.067', '1,234')
    """
    return f"{value:g}" if value == 0 else _fixed(value, _decimals(abs(value), UNCERTAIN_DIGITS))


def estimate(interval: Interval) -> str:
    """Return an estimate with its interval, to the second digit of the uncertainty.

    Example:
        >>> estimate(Interval(0.41234, 0.3912, 0.4333)), estimate(Interval(5.8e6, -999_673.0, 1.26e7))
        ('0.412 [0.391, 0.433]', '5.8e6 [-1.0e6, 1.26e7]')
        >>> estimate(Interval(5.8e-14, 0.0, 1.2e-13))
        '5.8e-14 [0, 1.2e-13]'
    """
    half = (interval.high - interval.low) / 2
    if not half > 0:
        return f"{number(interval.mean)} exactly"
    decimals = _decimals(half, UNCERTAIN_DIGITS)
    values = [interval.mean, interval.low, interval.high]
    if max(map(abs, values)) < TINY:  # with a fixed number of decimals all three would read 0
        mean, low, high = (f"{value:.1e}".replace("e-0", "e-") if value else "0" for value in values)
        return f"{mean} [{low}, {high}]"
    if max(map(abs, values)) >= LARGE:  # beside 1.2e7, 999,673 looks more exact than it is
        values = [round(value, min(decimals, 0)) for value in values]
    mean, low, high = (_fixed(value, decimals) for value in values)
    return f"{mean} [{low}, {high}]"


def rounded(value: float, interval: Interval) -> str:
    """Return `value` with as many decimals as `estimate` prints of `interval`.

    Example:
        >>> rounded(0.6, Interval(0.41234, 0.3912, 0.4333))
        '0.600'
    """
    half = (interval.high - interval.low) / 2
    return rounded_by(value, half) if half > 0 else number(value)


def rounded_by(value: float, half: float, *, most: int = MAX_DECIMALS) -> str:
    """Return `value` to the second digit of `half`, half the width of its interval, with at most `most` decimals.

    Example:
        >>> rounded_by(0.61931, 0.0051), rounded_by(24_612.0, 1_643.0), rounded_by(2.94e9, 2.3e9)
        ('0.6193', '24,600', '2.9e9')
    """
    decimals = min(_decimals(half, UNCERTAIN_DIGITS), most)
    return _fixed(round(value, decimals), decimals)


def rounded_up(count: int) -> int:
    """Return a count rounded up to two digits: a plan is no more precise than that.

    Example:
        >>> rounded_up(3_869), rounded_up(45)
        (3900, 45)
    """
    step: int = 10 ** max(len(str(count)) - 2, 0)
    return -(-count // step) * step


def counted(count: int, thing: str) -> str:
    """Return a count with its noun, singular or plural.

    Example:
        >>> counted(1, "seed"), counted(12_000, "test row")
        ('1 seed', '12,000 test rows')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def word(count: int) -> str:
    """Return a small count as a word.

    Example:
        >>> word(4), word(12)
        ('four', '12')
    """
    return SMALL_WORDS[count] if count < len(SMALL_WORDS) else str(count)


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence.

    Example:
        >>> listed(["L2", "dropout", "Tiny"])
        'L2, dropout and Tiny'
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def listed_briefly(names: Sequence[str]) -> str:
    """Return names as a list in a sentence that stays readable: beyond `MOST_LISTED` most are counted.

    Example:
        >>> listed_briefly(list("ABCD")), listed_briefly(list("ABCDEFGH"))
        ('A, B, C and D', 'A, B, C and 5 others')
    """
    if len(names) <= MOST_LISTED:
        return listed(names)
    first = names[: MOST_NAMES - 1]
    return listed([*first, f"{len(names) - len(first):,} others"])


def epochs(low: int, high: int) -> str:
    """Return a range of epochs.

    Example:
        >>> epochs(3, 9), epochs(4, 4)
        ('epochs 3 to 9', 'epoch 4')
    """
    return f"epoch {low}" if low == high else f"epochs {low} to {high}"


def sentence(text: str) -> str:
    """Return `text` with a capital first letter and a full stop.

    Example:
        >>> sentence("gradient-boosted trees reach 0.566")
        'Gradient-boosted trees reach 0.566.'
    """
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"


def _decimals(size: float, digits: int) -> int:
    """Return how many decimals show `digits` digits of a number of that size; negative if it has more before the point."""
    return min(digits - 1 - math.floor(math.log10(size)), MAX_DECIMALS)


def _fixed(value: float, decimals: int) -> str:
    """Return a number that never reads '-0.00'; a large one with an exponent, to the same decimal.

    Example:
        >>> _fixed(-0.001, 2), _fixed(883_005_443.0, -7), _fixed(12_345.6, -2)
        ('0.00', '8.8e8', '12,346')
    """
    if abs(value) >= LARGE:
        digits = max(math.floor(math.log10(abs(value))) + decimals, 0)
        return f"{value:.{digits}e}".replace("e+0", "e").replace("e+", "e")
    text = f"{value:,.{max(decimals, 0)}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text
