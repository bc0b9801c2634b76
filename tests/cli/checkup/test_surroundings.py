"""Processors, disks, caches and Ray clusters, as this process may use them."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import pytest

from justright.cli.checkup import surroundings
from justright.cli.checkup.surroundings import cache, disk, processors, ray
from justright.runs.place import available_cores


@pytest.mark.parametrize(("text", "quota"), [("200000 100000\n", 2.0), ("max 100000\n", None), (None, None)])
def test_a_container_may_give_less_time_than_it_shows_processors(tmp_path, monkeypatch, text, quota):
    """Linux writes microseconds of each period, or that there is no limit."""
    monkeypatch.setattr(surroundings, "CONTAINER", tmp_path)
    if text:
        (tmp_path / "cpu.max").write_text(text)
    found = processors()
    assert (found["count"], found["quota"]) == (len(available_cores()), quota)
    assert found["blas_threads"] >= 1


def test_the_disk_of_a_folder_that_is_still_to_be_made_is_its_parents(tmp_path):
    """A cache need not exist before it is used."""
    found = disk(tmp_path / "a" / "b")
    assert (found["path"], found["is_writable"]) == (str(tmp_path / "a" / "b"), True)
    assert found["free_bytes"] > 0


def test_a_folder_of_others_cannot_be_written_to(tmp_path, monkeypatch):
    """Nothing is written to find that out: the system is asked, which allows root everything."""
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == tmp_path and mode == os.W_OK))
    assert not disk(tmp_path / "new")["is_writable"]


def test_the_cache_is_measured_with_its_compiled_programs(tmp_path, monkeypatch):
    """A program is one file, beside when it was last used."""
    monkeypatch.setenv("JUSTRIGHT_CACHE", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    compiled = Path(cache()["compiled"])
    (tmp_path / "higgs.npy").write_bytes(bytes(1_000))
    (compiled / "jit_a-0-cache").write_bytes(bytes(200))
    (compiled / "jit_a-0-atime").write_bytes(bytes(8))
    found = cache()
    assert found | {"bytes": 0, "compiled_bytes": 0} == {
        "path": str(tmp_path),
        "bytes": 0,
        "compiled": str(compiled),
        "compiled_bytes": 0,
        "programs": 1,
    }
    assert found["compiled_bytes"] >= 208
    assert found["bytes"] - found["compiled_bytes"] == 1_000


def test_without_a_cache_of_programs_there_is_none_to_measure(tmp_path, monkeypatch):
    """It can be switched off."""
    monkeypatch.setenv("JUSTRIGHT_CACHE", str(tmp_path))
    monkeypatch.setenv("JUSTRIGHT_COMPILE_CACHE", "off")
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    assert (cache()["compiled"], cache()["programs"]) == (None, 0)


def test_a_ray_cluster_is_asked_where_ray_left_its_address(tmp_path, monkeypatch):
    """In a file, or in the environment, which comes first; one that is gone does not answer."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert ray({})["address"] is None
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = f"127.0.0.1:{server.getsockname()[1]}"
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(here)
        found = ray({})
        assert (found["address"], found["answers"]) == (here, True)
        assert ray({"RAY_ADDRESS": "auto"})["answers"] is False
    assert ray({"RAY_ADDRESS": here})["answers"] is False
