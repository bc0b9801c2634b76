"""Where the names of dots stand so that no two of them overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Side = Literal["right", "left", "above", "below", "right-above", "right-below", "left-above", "left-below"]
SIDES: tuple[Side, ...] = get_args(Side)

CHARACTER, LINE = 6.8, 15.0  # pixels of a letter, and of a line of text
GAP = 13.0  # pixels between the middle of a dot and its name, and the same along and across where it stands at a corner
CORNER = 8.0
DOT = 6.0  # half the width of a dot


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels from the left and from the top."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Return whether two boxes have more than an edge in common.

        Example:
            >>> Box(0, 0, 2, 2).overlaps(Box(1, 1, 3, 3)), Box(0, 0, 2, 2).overlaps(Box(2, 0, 3, 2))
            (True, False)
        """
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def place_labels(
    dots: Sequence[tuple[float, float]],
    texts: Sequence[str],
    size: tuple[float, float],
    *,
    lines: Sequence[Box] = (),
    taken: Sequence[Box] = (),
) -> list[Side | None]:
    """Return at which side of its dot each name stands; None where there is no room for it.

    Names that come first choose first. None covers a dot, another name or what is taken; of the sides that are left, the one
    is chosen at which a name crosses the fewest lines.

    Args:
        dots: (x, y) in pixels from the left and from the top.
        texts: the names, one for each dot; an empty one has no place.
        size: width and height of the chart in pixels; names stay inside.
        lines: what names should not cross, but may.
        taken: what they must not cover.

    Example:
        >>> place_labels([(5.0, 50.0), (95.0, 50.0)], ["A", "B"], (100.0, 100.0))
        ['right', 'left']
    """
    width, height = size
    covered = [*taken, *(Box(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in dots)]
    places: list[Side | None] = []
    for dot, text in zip(dots, texts, strict=True):
        boxes = {side: label_box(dot, text, side) for side in SIDES} if text else {}
        free = {
            side: box
            for side, box in boxes.items()
            if box.left >= 0 and box.top >= 0 and box.right <= width and box.bottom <= height
            if not any(box.overlaps(other) for other in covered)
        }
        side = min(free, key=lambda one: sum(free[one].overlaps(line) for line in lines), default=None)
        places.append(side)
        if side:
            covered.append(free[side])
    return places


def label_box(dot: tuple[float, float], text: str, side: Side) -> Box:
    """Return the box that a name takes at one side of its dot."""
    x, y = dot
    width = CHARACTER * len(text)
    gap = CORNER if "-" in side else GAP
    left, top = x - width / 2, y - LINE / 2
    if "right" in side:
        left = x + gap
    elif "left" in side:
        left = x - gap - width
    if "above" in side:
        top = y - gap - LINE
    elif "below" in side:
        top = y + gap
    return Box(left, top, left + width, top + LINE)
