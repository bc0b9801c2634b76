"""How many workers shared an accelerator, and what decided it, in words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

ORDINALS: Mapping[int, str] = MappingProxyType({2: "second", 3: "third"})
MOST_CHARACTERS = 160  # of the reason
NUMBERS: Mapping[int, str] = MappingProxyType({1: "one", 2: "two", 3: "three"})


def tried_sentence(tried: Mapping[str, Any]) -> str:
    """Return what came of another worker on the same accelerator.

    Args:
        tried: the fields of `WorkersTried`.

    Example:
        >>> measured = {
        ...     "tried": 2,
        ...     "kept": 2,
        ...     "gain": 1.472,
        ...     "idle_share": 0.1,
        ...     "is_measured": True,
        ...     "reason": "",
        ... }
        >>> tried_sentence(measured)
        'A second worker on the device gained 47 %: two were kept.'
        >>> tried_sentence(measured | {"kept": 1, "gain": 0.98})
        'A second worker on the device lost 2 %: one was kept.'
        >>> tried_sentence(measured | {"idle_share": 0.38, "is_measured": False})
        'The device idled for 38 % of the time between short networks: two workers were kept.'
        >>> tried_sentence(measured | {"kept": 1, "gain": None, "reason": "out of memory"})
        'Two workers shared the device until one failed (out of memory): one was kept.'
    """
    number = NUMBERS.get(tried["kept"], str(tried["kept"]))
    verb = "was" if tried["kept"] == 1 else "were"
    if tried["gain"] is None:
        why = (tried["reason"].strip().splitlines() or ["for no known reason"])[0]
        shared = NUMBERS.get(tried["tried"], str(tried["tried"])).capitalize()
        return f"{shared} workers shared the device until one failed ({why[:MOST_CHARACTERS].rstrip('.')}): {number} {verb} kept."
    if not tried["is_measured"]:
        workers = "worker" if tried["kept"] == 1 else "workers"
        idle = f"{100 * tried['idle_share']:.0f} %"
        return (
            f"The device idled for {idle} of the time between short networks: {number} {workers} {verb} kept."
        )
    percent = round(100 * (tried["gain"] - 1))
    change = (
        f"gained {percent} %" if percent > 0 else f"lost {-percent} %" if percent < 0 else "gained nothing"
    )
    another = ORDINALS.get(tried["tried"], "further")
    return f"A {another} worker on the device {change}: {number} {verb} kept."
