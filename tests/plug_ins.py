"""A fixture that installs a plug-in for one test: entries of any registry from one file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from justright import plugins


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function that installs a module called `toy`, given as its source text, as a plug-in."""

    def install(text: str) -> None:
        folder = tmp_path / "installed"
        folder.mkdir()
        (folder / "toy.py").write_text(text)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(plugins, "BUILT_IN", (*plugins.BUILT_IN, "toy"))
        forget()

    yield install
    sys.modules.pop("toy", None)
    monkeypatch.undo()
    forget()


def forget() -> None:
    """Have the registries look for plug-ins again."""
    for remembered in (plugins.plugged_in, plugins._plugins, plugins._members):
        remembered.cache_clear()
