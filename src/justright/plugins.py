"""What plug-ins add to the registries: a whole domain - its tables, networks, studies - without a change elsewhere.

A plug-in is a module with a literal `MEMBERS`: registry -> places, each the 'module:name' of an entry or a tuple of entries.
Nothing is imported before a registry asks for its entries. Installed packages add theirs by an entry point of the group
`justright.plugins` whose value is such a module.
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from justright.errors import InputError

GROUP = "justright.plugins"
# Plug-ins that come with the package; nothing else names them.
BUILT_IN = ("justright.higgs",)
# What may be plugged in. One file reads each registry, next to the literal list of what comes with the package.
REGISTRIES = (
    "sources",
    "table_formats",
    "families",
    "remedies",
    "studies",
    "rules",
    "facts",
    "claims",
    "log_formats",
    "sections",
    "commands",
)


@cache
def plugged_in(registry: str) -> tuple[Any, ...]:
    """Return the entries that plug-ins add to a registry, in the order in which they list them.

    Args:
        registry: one of `REGISTRIES`.

    Raises:
        InputError: a plug-in cannot be imported, or lists something that is not there.

    Example:
        >>> len(plugged_in("log_formats"))
        0
    """
    found: list[Any] = []
    for plugin in _plugins():
        for place in _members(plugin).get(registry, ()):
            entry = _entry(plugin, place)
            found += entry if isinstance(entry, tuple) else (entry,)
    return tuple(found)


@cache
def _plugins() -> tuple[str, ...]:
    return (*BUILT_IN, *sorted(point.value for point in entry_points(group=GROUP)))


@cache
def _members(plugin: str) -> dict[str, tuple[str, ...]]:
    members = _entry(plugin, f"{plugin}:MEMBERS")
    unknown = [name for name in members if name not in REGISTRIES]
    if unknown:
        raise InputError(
            f"Plug-in {plugin!r} must add to one of {', '.join(REGISTRIES)}; got {unknown[0]!r}."
        )
    found: dict[str, tuple[str, ...]] = members
    return found


def _entry(plugin: str, place: str) -> Any:  # noqa: ANN401  # entries differ in type
    module, _, name = place.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"Plug-in {plugin!r} must offer what it lists; {place!r} is not there: {error}. Install another version of it."
        ) from error
