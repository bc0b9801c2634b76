"""Axes of charts: where a value lies, and which values are named."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

TICKS = 6  # about so many values of a linear axis are named
STEPS = ((7.0, 10.0), (3.2, 5.0), (1.4, 2.0))  # a step of 1, 2 or 5: the nearest one on a logarithmic scale
LEAST_SPAN = 1e-300  # below it a step is no normal number; only the ends are named then
MOST_DECIMALS, LARGE = 6, 1e6  # beyond either a number is shorter with an exponent
# Pixels of the axis under a chart, on a wide page and on a phone, and how wide a character of its labels is.
WIDE, NARROW, CHARACTER = 640, 260, 7
# Epochs a logarithmic axis names. The axis is symmetric-logarithmic in the epoch, log(1 + epoch): epoch 0 has a place.
LOG_TICKS = (0, *(digit * 10**power for power in range(6) for digit in (1, 2, 5)), 1_000_000)


@dataclass(frozen=True, slots=True)
class Tick:
    """A named value of an axis: its place in per cent of the axis, and `css`, the class 'extra' of one that a phone leaves out."""

    at: float
    text: str
    css: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from `low` to `high`, and the values it names."""

    title: str
    low: float
    high: float
    scale: Literal["linear", "log", "log1p"] = "linear"
    named: tuple[tuple[float, str], ...] = ()
    width: int = WIDE  # pixels on a wide page
    narrow: int = NARROW  # and on a phone

    def place(self, value: float) -> float:
        """Return where a value lies, as a share of the axis: 0 at `low`, 1 at `high`.

        Example:
            >>> Axis("Epoch", 0, 99, "log1p").place(9), Axis("", -1e308, 1e308).place(0.0)
            (0.5, 0.5)
        """
        low, high, at = (_scaled(each, self.scale) for each in (self.low, self.high, value))
        if not high > low:
            return 0.5
        # Halves: the range of huge values overflows, that of their halves does not.
        return (
            (at / 2 - low / 2) / (high / 2 - low / 2) if math.isinf(high - low) else (at - low) / (high - low)
        )

    def ticks(self) -> tuple[Tick, ...]:
        """Return the named values with their places, for a vertical axis: counted from the bottom."""
        return tuple(Tick(_per_cent(self.place(value)), text) for value, text in self.named)

    def thinned(self) -> tuple[Tick, ...]:
        """Return them for a horizontal axis: as many as there is room for, on a wide page and on a phone."""
        ticks = self.ticks()
        wide = _apart(ticks, self.width)
        narrow = _apart(wide, min(self.narrow, self.width))
        return tuple(Tick(tick.at, tick.text, "" if tick in narrow else "extra") for tick in wide)

    def to_dict(self) -> dict[str, Any]:
        """Return what draws the axis in a browser."""
        ticks = [[tick.at, tick.text, tick.css] for tick in self.thinned()]
        return {"title": self.title, "low": self.low, "high": self.high, "scale": self.scale, "ticks": ticks}


def linear_axis(title: str, low: float, high: float, *, is_share: bool = False) -> Axis:
    """Return a linear axis that names round values; shares of rows as percentages.

    Example:
        >>> [text for _, text in linear_axis("Loss", 0.53, 0.71).named]
        ['0.54', '0.56', '0.58', '0.60', '0.62', '0.64', '0.66', '0.68', '0.70']
    """
    factor = 100.0 if is_share else 1.0
    unit = " %" if is_share else ""
    named = tuple((value / factor, text + unit) for value, text in round_values(factor * low, factor * high))
    return Axis(title, low, high, named=named)


def epoch_axis(last_epoch: int, *, is_log: bool) -> Axis:
    """Return the axis of epochs from 0 to the last one, spaced as log(1 + epoch) or linearly."""
    last = max(1, last_epoch)
    if is_log:
        named = tuple((tick, f"{tick:,}") for tick in LOG_TICKS if tick <= last)
        return Axis("Epoch (log)", 0, last, "log1p", named)
    named = tuple((value, text) for value, text in round_values(0, last) if value.is_integer())
    return Axis("Epoch", 0, last, named=named)


def size_axis(title: str, sizes: Sequence[float]) -> Axis:
    """Return a logarithmic axis of positive whole numbers that names them."""
    return Axis(title, min(sizes), max(sizes), "log", tuple((size, f"{size:,.0f}") for size in sizes))


def round_values(low: float, high: float) -> list[tuple[float, str]]:
    """Return about `TICKS` round values between two ends with their texts; only the ends where none can be computed.

    Example:
        >>> round_values(0.0, 1_200.0)[1:3]
        [(200.0, '200'), (400.0, '400')]
    """
    span = high - low
    if not LEAST_SPAN < span < math.inf:
        return [(end, f"{end:.3g}".replace("-", "−")) for end in dict.fromkeys((low, high))]
    rough = span / TICKS
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * next((digit for most, digit in STEPS if rough / unit >= most), 1.0)
    first, last = math.ceil(low / step), math.floor(high / step)
    found = {
        _tick_text(number * step, step, max(-low, high)): number * step for number in range(first, last + 1)
    }
    return [(value, text) for text, value in found.items()]


def _tick_text(value: float, step: float, largest: float) -> str:
    """Return a value in the digits that tell it from its neighbours, one step away."""
    power = math.floor(math.log10(step) + 1e-9)
    if -power <= MOST_DECIMALS and largest < LARGE:
        text = f"{value:,.{max(0, -power)}f}"
    elif value == 0:
        text = "0"
    else:
        digits = max(0, math.floor(math.log10(abs(value))) - power)
        mantissa, _, exponent = f"{value:.{min(digits, 15)}e}".partition("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def _apart(ticks: Iterable[Tick], pixels: int) -> list[Tick]:
    """Return the ticks whose texts do not touch on an axis of so many pixels, the first ones first."""
    kept: list[Tick] = []
    end = -math.inf
    for tick in ticks:
        middle, half = pixels * tick.at / 100, CHARACTER * (len(tick.text) + 1) / 2
        if middle - half >= end:
            kept.append(tick)
            end = middle + half
    return kept


def _scaled(value: float, scale: str) -> float:
    return math.log(value) if scale == "log" else math.log1p(value) if scale == "log1p" else value


def _per_cent(share: float) -> float:
    return round(100 * share, 2)
