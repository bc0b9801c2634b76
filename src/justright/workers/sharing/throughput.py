"""How much more one accelerator trains with several workers, from the paces of their stacks and from how long it waits.

A worker takes turns: it trains, or it does what leaves the device idle (it builds the next network, waits for a program,
measures and saves runs that have ended). The pace of a stack is the seconds of an epoch, so it says nothing of the second part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Member = TypeVar("Member")


def weighted_speedup(alone: Mapping[Member, float], together: Mapping[Member, float]) -> float:
    """Return how much stacks train side by side, in units of what the device trains of one of them alone.

    1 for a device that is shared without loss or gain, as many as there are stacks for one that none of them fills. The stacks
    need not be alike: each is compared with itself (Snavely and Tullsen, ASPLOS 2000; "system throughput" in Eyerman and
    Eeckhout, IEEE Micro 28(3), 2008).

    Args:
        alone: seconds per epoch of each stack while the others pause.
        together: the same while all of these train.

    No stack counts for more than it trains alone: others cannot make it faster, and what looks like it is noise.

    Example:
        >>> weighted_speedup({"a": 1.0, "b": 4.0}, {"a": 2.0, "b": 8.0})
        1.0
        >>> weighted_speedup({"a": 1.0}, {"a": 0.9})
        1.0
    """
    return sum(min(1.0, alone[member] / seconds) for member, seconds in together.items())


def gain_of_a_second(idle_share: float, speedup: float) -> float:
    """Return how much more two workers train in the same time than one, the device's waiting included.

    The two are customers of a closed queueing network, of whom a share `idle_share` of the time alone is spent away from the
    device; the device works `speedup` times as fast with both of them as with one. By its product form (the machine
    repairman with a load-dependent server, Lazowska et al., Quantitative System Performance, 1984, chapter 8)

        gain = 1 / (idle^2 / 2 + idle busy + busy^2 / speedup),  busy = 1 - idle,

    whatever the distributions of the two parts, as long as the device is shared evenly.

    Args:
        idle_share: of the time of one worker alone, 0 to 1, the part in which it leaves the device idle.
        speedup: of two stacks that train side by side, as `weighted_speedup` returns it.

    Example:
        >>> gain_of_a_second(0.0, 1.2), gain_of_a_second(0.5, 1.0), gain_of_a_second(0.3, 2.0)
        (1.2, 1.6, 2.0)
    """
    busy = 1.0 - idle_share
    return 1.0 / (idle_share**2 / 2 + idle_share * busy + busy**2 / speedup)
