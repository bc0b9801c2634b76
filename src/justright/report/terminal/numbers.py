"""Losses and shares of rows as a terminal's narrow columns hold them."""

from __future__ import annotations

import math

from justright.diagnosis.words.formats import is_share
from justright.diagnosis.words.numbers import rounded_by
from justright.report.terminal.text import Symbols

MOST_DECIMAL = 1_000.0  # losses below have three decimals
MOST_UNCERTAIN = 1.0  # where half an interval is below this: three decimals of 51 +- 16 say nothing


def format_value(metric: str, value: float | None, symbols: Symbols) -> str:
    """Return a value of `metric`: shares in per cent, a dash for what was not measured."""
    if value is None or not math.isfinite(value):
        return symbols.dash
    return f"{100 * value:.1f} %" if is_share(metric) else _number(value)


def with_half(mean: float, half: float) -> tuple[str, str]:
    """Return a loss and half its interval: with three decimals, or to the second digit of the half.

    Example:
        >>> (
        ...     with_half(0.6183, 0.0061),
        ...     with_half(51.133, 16.21),
        ...     with_half(24_612.0, 1_643.0),
        ...     with_half(2.94e9, 2.3e9),
        ... )
        (('0.618', '0.006'), ('51', '16'), ('24,600', '1,600'), ('2.9e9', '2.3e9'))
    """
    if not half > 0:
        return _number(mean), _number(half)
    if abs(mean) < MOST_DECIMAL and 0.001 <= half < MOST_UNCERTAIN:
        return f"{mean:.3f}", f"{half:.3f}"
    return rounded_by(mean, half), rounded_by(half, half)


def _number(value: float) -> str:
    """Return a loss with three decimals, or three digits where those would say nothing.

    Example:
        >>> _number(0.5874), _number(24_612.0), _number(48_292_134_912.0), _number(2.1e9)
        ('0.587', '24,600', '4.83e10', '2.10e9')
    """
    if value == 0 or 0.001 <= abs(value) < MOST_DECIMAL:
        return f"{value:.3f}"
    if 1 <= abs(value) < 1e6:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.2e}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
