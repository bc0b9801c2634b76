"""The cache lives where it is told, or where the system keeps caches."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from justright.data.cache import default_cache_dir


@pytest.mark.skipif(sys.platform != "linux", reason="each system has its own folder for caches")
def test_the_folder_follows_the_environment(monkeypatch):
    """$JUSTRIGHT_CACHE first, then $XDG_CACHE_HOME, then the home folder."""
    monkeypatch.setenv("JUSTRIGHT_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert default_cache_dir() == Path("/a")
    monkeypatch.delenv("JUSTRIGHT_CACHE")
    assert default_cache_dir() == Path("/b/justright")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache_dir() == Path.home() / ".cache/justright"
