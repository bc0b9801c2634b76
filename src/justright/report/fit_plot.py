"""The fit map as the page draws it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from justright.report.axes import Axis
from justright.report.charts import BOX, Dot, Mark, Path, Plot, outline, place_dot
from justright.report.fit_map import (
    EDGE,
    SMALL,
    FitPoint,
    Gain,
    gain_axis,
    gain_place,
    scaled_gain,
)
from justright.report.label_places import CHARACTER, LINE, Box, place_labels

TITLES = ("Gain by something tighter", "Gain by something freer")
QUADRANTS = ("just right", "overfits", "underfits", "both")
HEIGHT = 400
# Width and height of the drawing in pixels, at least, beside the sentences and on a phone: for these names are placed.
SIZES: Mapping[str, tuple[float, float]] = {"wide": (370.0, 400.0), "narrow": (232.0, 282.0)}
LONGEST = {"wide": 26, "narrow": 16}  # characters of a name
STEP = 13.0  # pixels between the middles of two dots on an edge
RING, RING_STEP = 13.0, 2.5  # pixels: a ring around nothing, and for each step of the scale

Place = tuple[float, float]  # in shares of the chart: from the left, from the bottom


def fit_plot(
    points: Sequence[FitPoint], margin: float, colours: Mapping[str, str], named: Sequence[str]
) -> Plot:
    """Return gains by freeing against gains by tightening, a dot for each network, with intervals as crosses.

    Args:
        points: the networks.
        margin: up to which differences are too small to matter: shaded.
        colours: name -> CSS colour.
        named: whose names stand beside the dots, the first ones first, as far as there is room.
    """
    x = gain_axis(TITLES[0], (point.tighter for point in points), margin)
    y = gain_axis(TITLES[1], (point.freer for point in points), margin)
    places = dot_places(points, margin, (x, y))
    left, right = (_unit(x.place(place)) for place in (SMALL, 1.0))
    down, up = (BOX - _unit(y.place(place)) for place in (SMALL, 1.0))
    paths = [
        Path(f"M{left} 0H{right}V{BOX}H{left}Z", "small"),
        Path(f"M0 {up}H{BOX}V{down}H0Z", "small"),
        Path(f"M{left} {up}H{right}V{down}H{left}Z", "fine"),
        Path("".join(f"M{10 * tick.at:.0f} 0V{BOX}" for tick in x.ticks()), "grid"),
        Path(f"M{right} 0V{BOX}M0 {up}H{BOX}", "limit"),
    ]
    dots: list[Dot] = []
    for point, place in zip(points, places, strict=True):
        colour, words = colours[point.name], point.words()
        paths += [
            Path(outline(ends), "rule", colour, words) for ends in crosses(point, place, margin, (x, y))
        ]
        if (size := ring_size(point, margin)) is not None:
            dots.append(place_dot(place, colour, words, css="ring", size=size))
        dots.append(place_dot(place, colour, words))
    marks = [*quadrant_marks(x, y), *_names(points, places, margin, (x, y), colours, named)]
    return Plot(x, y, tuple(paths), tuple(dots), HEIGHT, marks=tuple(marks))


def dot_places(
    points: Sequence[FitPoint],
    margin: float,
    axes: tuple[Axis, Axis],
    size: tuple[float, float] = SIZES["narrow"],
) -> list[Place]:
    """Return where the dots lie. On an edge, where places mean no size, those that would hide each other stand side by side."""
    width, height = size
    half = [
        axis.place(EDGE / 2) - axis.place(-EDGE / 2) for axis in axes
    ]  # of the room on an edge, less what the dots need themselves
    found: list[Place] = []
    for point in points:
        gains = (point.tighter, point.freer)
        exact = tuple(
            axis.place(scaled_gain(gain_place(gain.value if gain else None, margin)))
            for axis, gain in zip(axes, gains, strict=True)
        )
        moves = [
            _moves(room, step / pixels) if gain is None or gain.value < 0 else [0.0]
            for gain, room, step, pixels in zip(gains, half, (STEP, STEP), (width, height), strict=True)
        ]
        candidates = sorted(
            ((along, across) for along in moves[0] for across in moves[1]),
            key=lambda one: (abs(one[1]), abs(one[0])),
        )

        def crowd(move: tuple[float, float], at: tuple[float, ...] = exact) -> bool:
            here = at[0] + move[0], at[1] + move[1]
            return any(
                abs(here[0] - x) * width < STEP - 1 and abs(here[1] - y) * height < STEP - 1 for x, y in found
            )

        along, across = next((move for move in candidates if not crowd(move)), (0.0, 0.0))
        found.append((exact[0] + along, exact[1] + across))
    return found


def crosses(
    point: FitPoint, place: Place, margin: float, axes: tuple[Axis, Axis]
) -> Iterable[tuple[Place, Place]]:
    """Yield the intervals of a network, each as its two ends, through its dot; those that lie on an edge have no length."""
    if point.tighter:
        low, high = _ends(point.tighter, margin, axes[0])
        if low < high:
            yield (min(low, place[0]), place[1]), (max(high, place[0]), place[1])
    if point.freer:
        low, high = _ends(point.freer, margin, axes[1])
        if low < high:
            yield (place[0], min(low, place[1])), (place[0], max(high, place[1]))


def ring_size(point: FitPoint, margin: float) -> float | None:
    """Return how wide the ring is that shows what another kind of model gains; None where no gain is shown."""
    headroom = point.headroom
    if headroom is None or headroom.standing(margin) != "shown":
        return None
    return round(RING + RING_STEP * scaled_gain(gain_place(headroom.value, margin)), 1)


def quadrant_marks(x: Axis, y: Axis) -> tuple[Mark, ...]:
    """Return the names of the quadrants, each in its outer corner."""
    left, down = round(100 * x.place(SMALL), 2), round(100 - 100 * y.place(SMALL), 2)
    corners = (
        (left, down, " from-bottom"),
        (100, down, " from-bottom from-right"),
        (left, 0, ""),
        (100, 0, " from-right"),
    )
    return tuple(
        Mark(right, top, text, f"quadrant{css}")
        for text, (right, top, css) in zip(QUADRANTS, corners, strict=True)
    )


def quadrant_boxes(x: Axis, y: Axis, size: tuple[float, float]) -> list[Box]:
    """Return the boxes that those names take on a chart of so many pixels."""
    width, height = size
    tall = LINE + 6
    boxes = []
    for mark in quadrant_marks(x, y):
        wide = CHARACTER * len(mark.text) + 8
        left = mark.left / 100 * width - ("from-right" in mark.css) * wide
        top = mark.top / 100 * height - ("from-bottom" in mark.css) * tall
        boxes.append(Box(left, top, left + wide, top + tall))
    return boxes


def _names(
    points: Sequence[FitPoint],
    places: Sequence[Place],
    margin: float,
    axes: tuple[Axis, Axis],
    colours: Mapping[str, str],
    named: Sequence[str],
) -> Iterable[Mark]:
    """Yield the names beside the dots, placed once for a wide page and once for a phone."""
    rank = {name: number for number, name in enumerate(named)}
    order = sorted(range(len(points)), key=lambda number: rank.get(points[number].name, len(rank)))
    for medium, (width, height) in SIZES.items():
        texts = [
            _shortened(points[number].name, LONGEST[medium]) if points[number].name in rank else ""
            for number in order
        ]
        dots = [(places[number][0] * width, (1 - places[number][1]) * height) for number in order]
        lines = cross_boxes(points, places, margin, axes, (width, height))
        size = (width, height)
        for number, text, side in zip(
            order,
            texts,
            place_labels(dots, texts, size, lines=lines, taken=quadrant_boxes(*axes, size)),
            strict=True,
        ):
            if side:
                at = place_dot(places[number], colours[points[number].name], points[number].name)
                yield Mark(at.left, at.top, text, f"name {medium} at-{side}", at.colour)


def cross_boxes(
    points: Sequence[FitPoint],
    places: Sequence[Place],
    margin: float,
    axes: tuple[Axis, Axis],
    size: tuple[float, float],
) -> list[Box]:
    """Return the boxes that the intervals take on a chart of so many pixels."""
    width, height = size
    return [
        Box(start[0] * width - 1, (1 - end[1]) * height - 1, end[0] * width + 1, (1 - start[1]) * height + 1)
        for point, place in zip(points, places, strict=True)
        for start, end in crosses(point, place, margin, axes)
    ]


def _ends(gain: Gain, margin: float, axis: Axis) -> tuple[float, float]:
    low, high = (axis.place(scaled_gain(gain_place(end, margin))) for end in (gain.low, gain.high))
    return low, high


def _moves(room: float, step: float) -> list[float]:
    """Return the shifts along an edge that stay on it, the smallest first."""
    most = int(room / step)
    return sorted((number * step for number in range(-most, most + 1)), key=lambda move: (abs(move), -move))


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _unit(share: float) -> int:
    return round(BOX * share)
