"""Which variants are compared with each other: the members of a group, and what stands beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def group_names(variants: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of all groups, in the study's order; variants without a group have none."""
    return list(dict.fromkeys(one["group"] for one in variants if one["group"]))


def compared_variants(variants: Sequence[Mapping[str, Any]], group: str) -> list[str]:
    """Return the variants that a picture of a group shows, in the study's order.

    These are its members and the variants that they change. Where those are of another group, the study's first variant is
    shown as well: in the tutorial, `regularizers` holds Large, which they regularize, and Tiny.

    Args:
        variants: each with `name`, `group` and `baseline`.
        group: whose picture it is; '' for the variants without a group.

    Example:
        >>> sizes = [
        ...     {"name": name, "group": "sizes", "baseline": None} for name in ("Tiny", "Small", "Large")
        ... ]
        >>> l2 = {"name": "L2", "group": "regularizers", "baseline": "Large"}
        >>> compared_variants([*sizes, l2], "regularizers")
        ['Tiny', 'Large', 'L2']
    """
    members = {one["name"] for one in variants if one["group"] == group}
    changed = {one["baseline"] for one in variants if one["name"] in members}
    known = [one["name"] for one in variants]
    beside = {name for name in changed - members if name in known}
    if beside and group:
        beside.add(known[0])
    return [name for name in known if name in members | beside]
