"""In which folders a variant's event files stand: that of its own group, and those of groups that are compared with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from justright.study.variant_groups import compared_variants, group_names

# A group is any text; its folder has the characters of a variant's name.
UNUSABLE = re.compile(r"[^\w .,+=()×-]")
MAX_GROUP_LENGTH = 60  # characters; of at most 4 bytes each, so that it fits into a file name


def groups_of(variants: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return variant -> the names of its groups' folders, its own first; '' if it has no group.

    A group's folder holds what a picture of the group shows; see `compared_variants`.

    Args:
        variants: variant -> the plain values of its description.

    Example:
        >>> tiny, large = {"group": "sizes"}, {"group": "sizes"}
        >>> groups_of({"Tiny": tiny, "Large": large, "L2": {"group": "regularizers", "baseline": "Large"}})
        {'Tiny': ('sizes', 'regularizers'), 'Large': ('sizes', 'regularizers'), 'L2': ('regularizers',)}
    """
    spelled: dict[str, str] = {}  # names that differ in case alone share a folder, as they do on some systems
    own = {}
    for name, values in variants.items():
        folder = group_folder(values.get("group", ""))
        own[name] = spelled.setdefault(folder.casefold(), folder)
    described = [
        {"name": name, "group": own[name], "baseline": values.get("baseline")}
        for name, values in variants.items()
    ]
    shown = {group: set(compared_variants(described, group)) for group in group_names(described)}
    return {
        name: (group, *(other for other, names in shown.items() if name in names and other != group))
        for name, group in own.items()
    }


def group_folder(group: str) -> str:
    """Return the name of a group's folder.

    Example:
        >>> group_folder("width / depth")
        'width _ depth'
    """
    return UNUSABLE.sub("_", group)[:MAX_GROUP_LENGTH].strip(" .")
