"""Curves and histograms in one row of characters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from justright.report.terminal.text import Symbols


def sparkline(values: Sequence[float], width: int, symbols: Symbols) -> str:
    """Return a curve as at most `width` bars, the lowest value the lowest bar; values that are not finite are left out.

    Longer curves are averaged in equal stretches, shorter ones not stretched.

    Example:
        >>> from justright.report.terminal.text import UNICODE
        >>> sparkline([3.0, 2.0, 1.0, 2.0], 8, UNICODE)
        '█▅▁▅'
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite or width < 1:
        return ""
    # Scaled below 1, by a power of two so that nothing is rounded: neither sum nor range of huge values overflows.
    exponent = math.frexp(max(map(abs, finite)))[1]
    return _bars(_resampled([math.ldexp(value, -exponent) for value in finite], width), symbols)


def histogram(counts: Sequence[int], symbols: Symbols) -> str:
    """Return counts as bars from zero up; a count of zero is a space, so that gaps show.

    Example:
        >>> from justright.report.terminal.text import UNICODE
        >>> histogram([0, 1, 8, 1], UNICODE)
        ' ▂█▂'
    """
    most = max(counts, default=0)
    if most == 0:
        return " " * len(counts)
    last = len(symbols.bars) - 1
    return "".join(symbols.bars[round(count / most * last)] if count else " " for count in counts)


def _resampled(values: Sequence[float], width: int) -> list[float]:
    """Return the means of `width` equal stretches of `values`, or `values` when they are fewer."""
    if len(values) <= width:
        return list(values)
    edges = [index * len(values) // width for index in range(width + 1)]
    return [sum(values[start:stop]) / (stop - start) for start, stop in itertools.pairwise(edges)]


def _bars(values: Sequence[float], symbols: Symbols) -> str:
    low, high = min(values), max(values)
    last = len(symbols.bars) - 1
    if high - low <= 1e-12 * max(abs(low), abs(high)):  # flat up to rounding
        return symbols.bars[0] * len(values)
    return "".join(symbols.bars[math.floor((value - low) / (high - low) * last + 0.5)] for value in values)
