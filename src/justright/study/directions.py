"""In which direction a change goes: freer, so that a network can fit more, or tighter, so that it fits less by heart.

What would help decides what is wrong: a network underfits if something freer is better, and overfits if something tighter is.
"""

from __future__ import annotations

from typing import Literal

Direction = Literal["freer", "tighter"]

MORE_CAPACITY = "more capacity"
MORE_WITH_BRAKE = "capacity with regularization"
LESS_REGULARIZATION = "less regularization"
LONGER_TRAINING = "longer training"
LESS_CAPACITY = "less capacity"
REGULARIZATION = "regularization"
NOISE = "noise"
AVERAGING = "weight averaging"
AUGMENTATION = "augmentation"
SHORTER_TRAINING = "shorter training"
EARLIER_END = "an earlier end"
MORE_ROWS = "more training rows"
# Neither: the network sees its inputs otherwise, or is trained in another way.
OTHER_INPUTS = "other inputs"
OTHER_TRAINING = "another training"

FREER = (MORE_CAPACITY, MORE_WITH_BRAKE, LESS_REGULARIZATION, LONGER_TRAINING)
TIGHTER = (
    LESS_CAPACITY,
    REGULARIZATION,
    NOISE,
    AVERAGING,
    AUGMENTATION,
    SHORTER_TRAINING,
    EARLIER_END,
    MORE_ROWS,
)


def direction_of(change: str) -> Direction | None:
    """Return the direction of a change, in the words above; None for one that is neither, or unknown.

    Example:
        >>> direction_of("longer training"), direction_of("augmentation"), direction_of("other inputs")
        ('freer', 'tighter', None)
    """
    if change in FREER:
        return "freer"
    return "tighter" if change in TIGHTER else None
