"""Accelerators are found without JAX in this process, and dealt out one a worker. There is none here: JAX is played."""

from __future__ import annotations

import os
import sys
from subprocess import Popen

import numpy as np
import pytest

from justright.runs.tasks import StudyRows
from justright.workers import engines
from justright.workers.accelerators import Accelerators, find_accelerators
from justright.workers.processes import Processes

GIGABYTE = 10**9
PART = np.zeros((2, 1), np.float32), np.zeros(2, np.float32)
ROWS = StudyRows("regression", 1, PART, PART, PART)
JAX = """
class Device:
    platform = {platform!r}
    def __init__(self, limit):
        self.limit = limit
    def memory_stats(self):
        return None if self.limit is None else {{"bytes_limit": self.limit}}

def local_devices():
    return [Device(limit) for limit in {limits!r}]
"""


@pytest.fixture
def play_jax(tmp_path, monkeypatch):
    """Return a function that puts a JAX with given devices, and a plugin for it, before the real ones."""

    def play(platform, limits):
        (tmp_path / "jax.py").write_text(JAX.format(platform=platform, limits=limits))
        (tmp_path / "jax_plugins").mkdir()
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    return play


def test_the_smallest_device_gives_the_limit(play_jax):
    """Any stack may land on any device."""
    play_jax("gpu", [8 * GIGABYTE, 6 * GIGABYTE])
    assert find_accelerators() == Accelerators("gpu", 2, 6 * GIGABYTE)


def test_devices_that_do_not_tell_their_memory_have_no_limit(play_jax):
    """As some platforms of JAX do."""
    play_jax("tpu", [None])
    assert find_accelerators() == Accelerators("tpu", 1, None)


@pytest.mark.parametrize(("platform", "limits"), [("cpu", [None]), ("gpu", [])])
def test_a_plugin_without_a_device_leaves_the_cpu(play_jax, platform, limits):
    """A driver that is missing or broken must not end a study: JAX itself goes on with the CPU."""
    play_jax(platform, limits)
    assert find_accelerators() is None


def test_without_a_plugin_nothing_is_asked(monkeypatch):
    """The usual installation pays nothing for the question."""
    monkeypatch.setattr("subprocess.run", lambda *arguments, **options: pytest.fail("a process was started"))
    assert find_accelerators() is None


def test_workers_see_one_device_each_and_share_when_there_are_more():
    """Four on two devices: the first and third see the first one, and none takes it whole."""
    two = Accelerators("gpu", 2, 8 * GIGABYTE)
    assert [two.variables(number, 2)["JAX_CUDA_VISIBLE_DEVICES"] for number in range(2)] == ["0", "1"]
    assert "XLA_PYTHON_CLIENT_PREALLOCATE" not in two.variables(0, 2)
    assert [two.variables(number, 4)["JAX_ROCM_VISIBLE_DEVICES"] for number in range(4)] == [
        "0",
        "1",
        "0",
        "1",
    ]
    assert two.variables(0, 4)["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    assert [two.memory_share(workers) for workers in (1, 2, 3, 4)] == [8 * GIGABYTE] * 2 + [4 * GIGABYTE] * 2


def test_a_machine_with_devices_gets_a_worker_for_each(monkeypatch):
    """However many cores it has: eight processes on one device would only be in each other's way."""
    monkeypatch.setattr(engines, "find_accelerators", lambda: Accelerators("gpu", 3, None))
    monkeypatch.setattr(engines, "available_cores", lambda: list(range(16)))
    opened = engines.open_pool("local", ROWS, None, workers=None, jobs=50, address=None)
    assert (opened.workers, opened.accelerators.count) == (3, 3)
    assert engines.open_pool("local", ROWS, None, workers=None, jobs=2, address=None).workers == 2
    assert engines.open_pool("local", ROWS, None, workers=6, jobs=50, address=None).workers == 6


def test_a_started_worker_has_its_device_in_its_environment(monkeypatch):
    """Beside everything that this process has in its own."""
    started = {}

    def begin(words, **options):
        started.update(options["env"])
        return Popen([sys.executable, "-c", ""], **options)

    monkeypatch.setattr("justright.workers.processes.subprocess.Popen", begin)
    processes = Processes(ROWS, None, workers=4, accelerators=Accelerators("gpu", 2, None))
    processes.end(processes.start(3))
    assert started["JAX_CUDA_VISIBLE_DEVICES"] == "1"
    assert started["PATH"] == os.environ["PATH"]
