"""Compiled programs kept between runs: where, how long, and that they change no number."""

from __future__ import annotations

import os
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from jax._src import compilation_cache  # the only way to begin with another folder in this process

from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers import compiled
from justright.workers.compiled import MAX_BYTES, compile_cache_variables, tidy_compile_cache
from justright.workers.processes import _environment

DIRECTORY = "JAX_COMPILATION_CACHE_DIR"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A user's cache folder with nothing in it."""
    monkeypatch.setenv("JUSTRIGHT_CACHE", str(tmp_path))
    return tmp_path / "compiled"


def test_programs_are_kept_in_the_user_s_own_folder(place):
    """Private, limited, named by processor and jaxlib, and the same from one run to the next."""
    variables = compile_cache_variables({})
    (folder,) = place.iterdir()
    assert variables == {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_COMPILATION_CACHE_MAX_SIZE": str(MAX_BYTES),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }
    assert compile_cache_variables({}) == variables
    if hasattr(os, "getuid"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_another_processor_or_jaxlib_has_another_folder(place, monkeypatch):
    """Machine code for instructions that are not there must not even be found."""
    first = compile_cache_variables({})
    monkeypatch.setattr(compiled, "processor_features", lambda: "another")
    second = compile_cache_variables({})
    monkeypatch.setattr(compiled, "version", lambda name: "99")
    third = compile_cache_variables({})
    assert len({variables["JAX_COMPILATION_CACHE_DIR"] for variables in (first, second, third)}) == 3


def test_workers_are_told_of_it(place, monkeypatch):
    """Unless the user has told them of another place, as these tests do."""
    assert _environment(1, on_accelerator=False)[DIRECTORY] == os.environ[DIRECTORY]
    monkeypatch.delenv(DIRECTORY)
    told = _environment(1, on_accelerator=False)
    assert told.items() >= compile_cache_variables({}).items()
    assert Path(told[DIRECTORY]).parent == place


@pytest.mark.parametrize(
    "environment",
    [
        {"JUSTRIGHT_COMPILE_CACHE": "Off"},
        {"JUSTRIGHT_COMPILE_CACHE": "0"},
        {"JAX_COMPILATION_CACHE_DIR": "/mine"},
    ],
)
def test_it_can_be_switched_off(environment, place):
    """By our own variable; and JAX's own, where somebody uses it, is left as it is."""
    assert compile_cache_variables(environment) == {}
    assert not place.exists()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX permissions, which Windows lacks")
def test_a_folder_that_others_may_write_to_is_not_used(place):
    """Who can write there could run code as this user."""
    folder = compile_cache_variables({})["JAX_COMPILATION_CACHE_DIR"]
    os.chmod(folder, 0o770)  # noqa: PTH101  # a path as text
    assert compile_cache_variables({}) == {}


def test_a_place_that_cannot_be_used_is_no_error(place):
    """A file where the folder should be: programs are compiled each time."""
    place.write_text("")
    assert compile_cache_variables({}) == {}


def test_half_written_programs_are_removed(tmp_path):
    """A program without the time of its use, and a time without its program; whole ones stay."""
    names = ("whole-cache", "whole-atime", "cut-cache", "lone-atime", "other")
    for name in names:
        (tmp_path / "here").mkdir(exist_ok=True)
        (tmp_path / "here" / name).write_bytes(b"x")
    tidy_compile_cache(tmp_path / "here")
    left = {path.name for path in (tmp_path / "here").iterdir()}
    assert left - {".lockfile"} == {"whole-cache", "whole-atime", "other"}


def test_folders_of_other_versions_go_when_nobody_uses_them(tmp_path):
    """After two months; one that was used since stays."""
    for name, days in (("old", 61), ("recent", 59), ("here", 400)):
        (tmp_path / name).mkdir()
        then = time.time() - days * 86_400
        os.utime(tmp_path / name, (then, then))
    tidy_compile_cache(tmp_path / "here")
    assert {path.name for path in tmp_path.iterdir()} == {"recent", "here"}


@pytest.fixture
def fresh_cache(tmp_path):
    """JAX's cache in an empty folder, with the events it reports."""
    options = {
        "jax_compilation_cache_dir": str(tmp_path / "programs"),
        "jax_compilation_cache_max_size": MAX_BYTES,
        "jax_persistent_cache_min_compile_time_secs": 0.0,
    }
    before = {name: getattr(jax.config, name) for name in options}
    heard: list[str] = []
    jax.monitoring.register_event_listener(lambda event, **_: heard.append(event))
    for name, value in options.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    yield tmp_path / "programs", heard
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def test_programs_that_were_kept_give_the_same_numbers(fresh_cache, few_rows, train):
    """Compiled, read from the cache, compiled again because what was kept is damaged: the same curves, bit by bit."""
    folder, heard = fresh_cache
    build, recipe = mlp(4, l2=0.01, dropout=0.3), Recipe(100, 3, None)
    first = train(build, few_rows, recipe).curves
    assert list(folder.glob("jit__run_chunk-*-cache"))
    heard.clear()
    second = train(build, few_rows, recipe).curves
    assert heard.count("/jax/compilation_cache/cache_hits") > 0
    assert "/jax/compilation_cache/cache_misses" not in heard
    for path in folder.glob("jit__run_chunk-*-cache"):
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="Error reading persistent compilation cache entry"):
        third = train(build, few_rows, recipe).curves
    for curves in (second, third):
        for metric, values in first[0].items():
            np.testing.assert_array_equal(curves[0][metric], values, err_msg=metric)
