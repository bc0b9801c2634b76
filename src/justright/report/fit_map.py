"""The fit map's numbers: what something tighter and something freer gains for each network, and on which scale.

Gains are differences of test loss. Their scale is in units of the margin: linear within it, logarithmic beyond, so that 0.3 and
0.002 are both seen. What has no size has an edge of its own: where all that was measured is worse, and where nothing was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from justright.report.axes import Axis
from justright.report.number_formats import MISSING, format_interval, format_metric

WIDTH = 360  # pixels of the map beside the sentences
NEGATIVE, UNMEASURED = -0.8, -2.0  # places of those edges, in margins
EDGE = 0.6  # half the width of an edge, in margins
SMALL = NEGATIVE - EDGE  # where the band within the margin begins: what was not measured lies below
NEGATIVE_TICK = "<0"
LEAST, MOST = 4.0, 1e12  # margins that an axis reaches at least, and at most
ROOM = 2.2  # beyond the largest gain, as a factor: there stand the names of the quadrants
# Round gains that an axis names, by the decades that it spans.
DIGITS_BY_DECADES = ((3.5, (1, 2, 5)), (6, (1, 3)), (math.inf, (1,)))
MOST_DECADES = 9
CLEAR_OF_MARGIN = 1.5  # nearer to the margin, which is named itself, no other value is

CELLS = 6  # of a terminal's bar, on either side
CELL_FACTOR = (
    10**0.4
)  # each further cell of it needs so many times the gain: six reach from one margin to a hundred
SHOWN, POSSIBLE, TRACK = "█", "▒", "·"

Standing = Literal["shown", "open", "excluded"]


@dataclass(frozen=True, slots=True)
class Gain:
    """How much lower the loss of an alternative is, with its 95 % interval."""

    name: str
    kind: str
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, record: Mapping[str, Any] | None) -> Gain | None:
        """Return the gain that a verdict holds; None where nothing was measured, or an older version judged."""
        if not record or record.get("gain") is None:
            return None
        value, low, high = (float(record["gain"]), record.get("low"), record.get("high"))
        return cls(
            str(record.get("name") or ""),
            str(record.get("kind") or ""),
            value,
            value if low is None else float(low),
            value if high is None else float(high),
        )

    def standing(self, margin: float) -> Standing:
        """Return whether a gain beyond the margin is shown, open or excluded."""
        if self.low > margin:
            return "shown"
        return "excluded" if self.high < margin else "open"

    def words(self) -> str:
        """Return the alternative with its gain.

        Example:
            >>> Gain("Combined", "regularization", 0.0531, 0.046, 0.0602).words()
            'Combined +0.0531 [+0.0460, +0.0602]'
        """
        value = format_metric("loss", self.value, self.low, self.high, signed=True)
        return f"{self.name} {value} {format_interval('loss', self.low, self.high, signed=True)}".strip()


@dataclass(frozen=True, slots=True)
class FitPoint:
    """Where a network stands: its label, and what it gains by each direction; None where nothing was measured."""

    name: str
    label: str
    tighter: Gain | None
    freer: Gain | None
    headroom: Gain | None

    @classmethod
    def of(cls, name: str, verdict: Mapping[str, Any]) -> FitPoint:
        """Return the point of a verdict as a summary holds it."""
        return cls(
            name,
            label_words(verdict),
            *(Gain.of(verdict.get(key)) for key in ("tighter", "freer", "headroom")),
        )

    @property
    def is_measured(self) -> bool:
        """Whether anything was measured in either direction."""
        return self.tighter is not None or self.freer is not None

    def words(self) -> str:
        """Return all that the map shows of a network."""
        parts = [f"{self.name}: {self.label}"]
        for title, gain in (
            ("tighter", self.tighter),
            ("freer", self.freer),
            ("another kind of model", self.headroom),
        ):
            parts.append(f"{title}: {gain.words() if gain else 'nothing measured'}")
        return "; ".join(parts)


def fit_points(variants: Iterable[Mapping[str, Any]]) -> list[FitPoint]:
    """Return the points of those variants for which anything was measured in either direction."""
    points = (FitPoint.of(variant["name"], variant["verdict"]) for variant in variants)
    return [point for point in points if point.is_measured]


def label_words(verdict: Mapping[str, Any]) -> str:
    """Return a verdict's label, with the other direction that is shown as well.

    Example:
        >>> label_words({"label": "overfits", "also": "underfits"}), label_words({"label": "undecided"})
        ('overfits, also underfits', 'undecided')
    """
    also = verdict.get("also")
    return f"{verdict['label']}, also {also}" if also else str(verdict["label"])


def gain_place(gain: float | None, margin: float) -> float:
    """Return where a gain stands on the axis, in margins: a negative one and None on their edges.

    Example:
        >>> gain_place(0.02, 0.01), gain_place(-0.3, 0.01), gain_place(None, 0.01)
        (2.0, -0.8, -2.0)
    """
    if gain is None:
        return UNMEASURED
    return NEGATIVE if gain < 0 else min(gain / margin, MOST)


def scaled_gain(place: float) -> float:
    """Return a place in margins on the scale of the map: linear up to one margin, logarithmic beyond, without a kink.

    Example:
        >>> scaled_gain(-0.8), scaled_gain(1.0), round(scaled_gain(math.e), 9)
        (-0.8, 1.0, 2.0)
    """
    return place if place <= 1 else 1 + math.log(place)


def gain_axis(title: str, gains: Iterable[Gain | None], margin: float) -> Axis:
    """Return the axis of one direction, in scaled margins, that names round gains, the margin and the edges in use."""
    found = list(gains)
    largest = max((max(gain.value, gain.high) for gain in found if gain), default=0.0)
    high = ROOM * max(LEAST, min(largest / margin, MOST))
    low, named = SMALL, [(NEGATIVE, NEGATIVE_TICK)]
    if None in found:
        low, named = UNMEASURED - EDGE, [(UNMEASURED, MISSING), *named]
    named += [
        (0.0, "0"),
        (1.0, _tick_text(margin)),
        *((scaled_gain(value / margin), _tick_text(value)) for value in _round_gains(margin, high)),
    ]
    return Axis(title, low, scaled_gain(high), named=tuple(named), width=WIDTH)


def fit_bar(point: FitPoint, margin: float) -> str:
    """Return both gains as a bar: to the left by something tighter, to the right by something freer.

    Full cells are shown, half-dark ones possible; dots are excluded, and a dash says that nothing was measured.

    Example:
        >>> by = Gain("L2", "regularization", 0.05, 0.04, 0.06)
        >>> fit_bar(FitPoint("A", "overfits", by, None, None), 0.01)
        '····██|–     '
    """
    left, right = (_cells(gain, margin) for gain in (point.tighter, point.freer))
    return f"{left[::-1]}|{right}"


def _cells(gain: Gain | None, margin: float) -> str:
    """Return the cells on one side of a bar, from the middle outwards."""
    if gain is None:
        return MISSING.ljust(CELLS)
    standing = gain.standing(margin)
    if standing == "excluded":
        return TRACK * CELLS
    mark, size = (SHOWN, gain.value) if standing == "shown" else (POSSIBLE, gain.high)
    steps = math.log(max(1.0, min(size / margin, MOST))) / math.log(CELL_FACTOR)
    filled = min(1 + math.floor(steps), CELLS)
    return mark * filled + TRACK * (CELLS - filled)


def _round_gains(margin: float, high: float) -> list[float]:
    """Return round gains between the margin and `high` margins."""
    first, last = math.log10(margin), math.log10(margin) + math.log10(high)
    digits = next(digits for most, digits in DIGITS_BY_DECADES if last - first <= most)
    every = 1 + int((last - first) / MOST_DECADES)
    powers = range(math.floor(first), math.floor(last) + 1)
    values = (float(f"{digit}e{power}") for power in powers if power % every == 0 for digit in digits)
    return [value for value in values if CLEAR_OF_MARGIN <= value / margin <= high]


def _tick_text(value: float) -> str:
    text = f"{value:,.0f}" if 1_000 <= value < 1e6 else f"{value:.2g}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e").replace("-", "−")
