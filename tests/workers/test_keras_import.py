"""What a worker's import of Keras leaves out."""

from __future__ import annotations

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from justright.workers.keras_import import without_packages


def test_a_package_is_refused_to_one_thread_and_for_a_while(tmp_path, monkeypatch):
    """Whoever imports it in another thread meanwhile, or in this one afterwards, gets it; other packages are never refused."""
    for name in ("left_out", "left_out_too", "wanted"):
        (tmp_path / f"{name}.py").write_text("")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with without_packages({"left_out", "left_out_too"}), ThreadPoolExecutor(1) as other:
        with pytest.raises(ModuleNotFoundError, match="left_out is not imported here"):
            importlib.import_module("left_out")
        importlib.import_module("wanted")
        other.submit(importlib.import_module, "left_out_too").result()
        importlib.import_module("left_out_too")  # there already
    importlib.import_module("left_out")
