"""The licence list: complete, up to date, and clear about what has not been reviewed."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message
from pathlib import Path
from types import ModuleType

import pytest
from tests.refusals import refusal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def licences(load_tool: Callable[[str], ModuleType]) -> ModuleType:
    """tools/licences.py as a module."""
    return load_tool("licences")


def test_the_page_lists_what_is_locked(licences: ModuleType) -> None:
    """docs/licences.md names every locked run-time dependency with its locked version."""
    locked = licences.read_lock(licences.LOCK.read_text())
    rows = [
        line.split(" | ")[:2] for line in licences.PAGE.read_text().splitlines() if line.startswith("| ")
    ][1:]
    assert {(name.removeprefix("| "), version) for name, version in rows} == {
        (each.name, str(each.specifier).removeprefix("==")) for each in locked
    }


def metadata_of(**fields: str | list[str]) -> Message:
    """A package's metadata with these fields, `_` in a name standing for `-`."""
    info = Message()
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            info[name.replace("_", "-")] = each
    return info


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (metadata_of(License_Expression="MIT"), "MIT"),
        (metadata_of(License="Apache 2.0"), "Apache-2.0"),
        (metadata_of(Classifier=["License :: OSI Approved :: ISC License"]), "ISC"),
        (metadata_of(License="text " * 99, Classifier=["License :: OSI Approved :: MIT License"]), "MIT"),
        (metadata_of(License_Expression="BSD-3-Clause AND MIT"), "BSD-3-Clause AND MIT"),
    ],
)
def test_the_licence_is_read_from_where_packages_put_it(
    licences: ModuleType, info: Message, expected: str
) -> None:
    """The SPDX expression first, then the classifiers and the free text of older packages."""
    assert licences.find_licence("example", info) == expected


@pytest.mark.parametrize(
    ("info", "said"), [(metadata_of(License_Expression="GPL-3.0-only"), "GPL-3.0-only"), (metadata_of(), "")]
)
def test_an_unknown_licence_stops_the_program(licences: ModuleType, info: Message, said: str) -> None:
    """Somebody has to look at it before it can be added to the list."""
    assert refusal(licences.find_licence, "example", info, error=SystemExit) == (
        f"example: the licence {said!r} is not in KNOWN of tools/licences.py. Look at it, then add it."
    )
