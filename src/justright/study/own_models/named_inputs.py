"""Which features each input of a model gets: by the inputs' names, or in their order."""

from __future__ import annotations

from collections.abc import Sequence

from justright.data.checks import listed
from justright.errors import InputError, near_miss

# What may follow a group's name in the names of its features: `color=red`, `age missing`, `jet_1`, `left.x`.
SEPARATORS = ("=", " ", "_", ".", ":")
MOST_LISTED = 8

Places = tuple[int, ...]


def places_of_inputs(
    variant: str, inputs: Sequence[tuple[str, int]], features: Sequence[str]
) -> tuple[Places, ...]:
    """Return which features each input gets, by their places.

    An input of one number gets the feature of its name; a wider one those whose names begin with its own, up to a space or one of
    `= _ . :`, as do the features of one column. If no name fits, inputs get the features in order, and must take all of them.

    Args:
        variant: for messages.
        inputs: (name, numbers per row) of each.
        features: their names.

    Raises:
        InputError: only some names fit, an input has another width than its features, or the widths do not add up.

    Example:
        >>> names = ("age", "color=red", "color=blue", "pay")
        >>> places_of_inputs("Mine", [("color", 2), ("pay", 1)], names)
        ((1, 2), (3,))
        >>> places_of_inputs("Mine", [("input_1", 3), ("input_2", 1)], names)
        ((0, 1, 2), (3,))
    """
    named = [_places_of(name, width, features) for name, width in inputs]
    if not any(named):
        return _in_order(variant, inputs, features)
    unknown = [name for (name, _), places in zip(inputs, named, strict=True) if not places]
    wrong = [
        f"{name!r} takes {width}, and {len(places)} are named after it"
        for (name, width), places in zip(inputs, named, strict=True)
        if places and len(places) != width
    ]
    hint = next((near for name in unknown if (near := near_miss(name, features))), "")
    problems = []
    if unknown:
        problems.append(f"no feature is named after {listed(unknown, most=MOST_LISTED)}")
    if problems or wrong:
        known = listed(list(features), most=MOST_LISTED)
        raise InputError(
            f"Each input of variant {variant!r} must be named after a feature, or after the column or group of several features, "
            f"and take as many numbers; {'; '.join([*problems, *wrong])}. The features are {known}.{hint}"
        )
    return tuple(named)


def _places_of(name: str, width: int, features: Sequence[str]) -> Places:
    if width == 1 and name in features:
        return (list(features).index(name),)
    beginnings = tuple(name + mark for mark in SEPARATORS)
    return tuple(
        place for place, feature in enumerate(features) if feature == name or feature.startswith(beginnings)
    )


def _in_order(variant: str, inputs: Sequence[tuple[str, int]], features: Sequence[str]) -> tuple[Places, ...]:
    widths = [width for _, width in inputs]
    if sum(widths) != len(features):
        raise InputError(
            f"The inputs of variant {variant!r} must take the table's {len(features)} features in order, or be named after them "
            f"({listed(list(features), most=MOST_LISTED)}); {listed([name for name, _ in inputs], most=MOST_LISTED)} take "
            f"{' + '.join(map(str, widths))} = {sum(widths)}."
        )
    places, start = [], 0
    for width in widths:
        places.append(tuple(range(start, start + width)))
        start += width
    return tuple(places)
