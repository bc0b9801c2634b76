"""Whether a folder holds the study that is to be resumed in it, and what differs if not.

A study is described by nested plain values: `split` and `test` (fingerprints of the rows that learn and choose, and of
those that only measure), `recipe` and `variants` (their descriptions), `versions` (of the packages that affect numbers).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

# Packages that affect the numbers of a run.
PACKAGES = ("justright", "jax", "jaxlib", "keras", "numpy")
# The beginning of a fingerprint tells a reader as much as all of it.
SHOWN_CHARACTERS = 12
# What may grow without a change of what was trained: the epoch limit.
GROWING = frozenset({"max_epochs"})
ABSENT = object()


def versions() -> dict[str, str]:
    """Return the versions of the packages that affect numbers, without importing them."""
    return {package: _version(package) for package in PACKAGES}


def changed(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Return one sentence per difference that makes it another study; none if the folder can be resumed.

    Other test rows, more variants and a higher `max_epochs` only extend a study, and are not differences.

    Args:
        stored: the study's description when the folder was made.
        current: its description now.

    Example:
        >>> changed({"recipe": {"batch_size": 500}}, {"recipe": {"batch_size": 100}})
        ['batch_size was 500, is 100']
    """
    found: list[str] = []
    for part in _keys(stored, current):
        before, after = stored.get(part, ABSENT), current.get(part, ABSENT)
        if part == "split":
            found += _split_difference(before, after)
        elif part == "variants":
            found += _variant_differences(_mapping(before), _mapping(after))
        elif part == "versions":
            found += [f"the version of {sentence}" for sentence in _nested(before, after, ())]
        elif part != "test":
            # `recipe.batch_size` is `batch_size` to its user.
            found += _nested(before, after, () if part == "recipe" else (part,))
    return found


def _split_difference(before: object, after: object) -> list[str]:
    if before == after:
        return []
    was, now = (_show(value)[: SHOWN_CHARACTERS + 1].strip("'") for value in (before, after))
    return [f"the training and validation rows had fingerprint {was}, has {now}"]


def _variant_differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    found = []
    for name in before:
        if name in after:
            found += [f"variant {name!r}: {sentence}" for sentence in _nested(before[name], after[name], ())]
        else:
            found.append(f"variant {name!r} is gone")
    return found


def _nested(before: object, after: object, path: tuple[str, ...]) -> list[str]:
    """Return the differences of two plain values, named by their places in nested mappings."""
    before, after = _without_tuples(before), _without_tuples(after)
    if before == after or _has_grown(path, before, after):
        return []
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return [
            difference
            for key in _keys(before, after)
            for difference in _nested(before.get(key, ABSENT), after.get(key, ABSENT), (*path, key))
        ]
    name = ".".join(path) or "the description"
    return [f"{name} was {_show(before)}, is {_show(after)}"]


def _without_tuples(value: object) -> object:
    """Return a plain value with lists instead of tuples, as JSON and TOML return it."""
    return [_without_tuples(item) for item in value] if isinstance(value, list | tuple) else value


def _has_grown(path: tuple[str, ...], before: object, after: object) -> bool:
    named = bool(path) and path[-1] in GROWING
    return named and isinstance(before, int) and isinstance(after, int) and after > before


def _keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the keys of both, in the order stored, new ones last."""
    return list(dict.fromkeys([*before, *after]))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _show(value: object) -> str:
    return "not set" if value is ABSENT or value is None else repr(value)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
