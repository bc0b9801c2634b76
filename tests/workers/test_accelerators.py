"""Accelerators are found without JAX in this process, and dealt out to workers. There is none here: JAX is played."""

from __future__ import annotations

import os
import sys
from subprocess import Popen

import numpy as np
import pytest
from tests.refusals import refusal

from justright.runs.tasks import StudyRows
from justright.workers import accelerators, engines, processes
from justright.workers.accelerators import (
    FRACTIONS,
    TPU_BOUNDS,
    Accelerators,
    accelerator_fault,
    find_accelerators,
    without_accelerators,
)
from justright.workers.processes import Processes

GIGABYTE = 10**9
PART = np.zeros((2, 1), np.float32), np.zeros(2, np.float32)
ROWS = StudyRows("regression", 1, PART, PART, PART)
H100 = "NVIDIA H100 80GB HBM3"
# What the separate process asks of JAX. `trial` is what its trial comes to: a sum, sorted keys, and a permutation.
JAX = """
from array import array
from types import SimpleNamespace

class Device:
    platform = {platform!r}
    device_kind = {name!r}
    client = SimpleNamespace(platform_version={version!r})
    compute_capability = {capability!r}
    def __init__(self, number, limit):
        self.limit, self.coords = limit, (number // {cores}, 0, 0)
    def memory_stats(self):
        return None if self.limit is None else {{"bytes_limit": self.limit}}

def local_devices():
    return [Device(number, limit) for number, limit in enumerate({limits!r})]

lax = SimpleNamespace()
device_get = lambda values: values
def jit(function):
    def trial(x):
        {trial}
    return trial
"""
NUMPY = "full = lambda *arguments: None"
FINE = "return 32.0, array('I', range(64)), array('i', range(64))"


@pytest.fixture
def play_jax(tmp_path, monkeypatch):
    """Return a function that puts a JAX with given devices, and a plugin for it, before the real ones."""

    def play(platform, limits, *, version="", name="", capability="", cores=1, trial=FINE):
        values = {"platform": platform, "limits": limits, "version": version, "name": name}
        text = JAX.format(capability=capability, cores=cores, trial=trial, **values)
        for folder, files in {"jax": {"__init__": text, "numpy": NUMPY}, "jax_plugins": {}}.items():
            (tmp_path / folder).mkdir()
            for file, content in files.items():
                (tmp_path / folder / f"{file}.py").write_text(content)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        monkeypatch.delenv("JAX_PLATFORMS", raising=False)
        # An answer holds for its environment, and this one is new.
        monkeypatch.setenv("JAX_PLAYED", str(tmp_path))

    return play


def test_the_smallest_device_gives_the_limit(play_jax):
    """Any stack may land on any device."""
    play_jax("gpu", [8 * GIGABYTE, 6 * GIGABYTE], version="cuda 13000", name=H100, capability="9.0")
    found = find_accelerators()
    assert found == Accelerators("cuda", 2, 6 * GIGABYTE, H100, "9.0")
    assert (str(found), found.kind.platform, found.kind.has_tensorfloat32) == (f"2 x {H100}", "cuda", True)
    assert accelerator_fault() is None
    assert without_accelerators() == {"JAX_PLATFORMS": "cpu"}


def test_gpus_of_amd_are_told_by_their_driver(play_jax):
    """JAX calls both makers' devices 'gpu'."""
    play_jax("gpu", [8 * GIGABYTE], version="PJRT C API\nrocm 60300", name="gfx942")
    assert find_accelerators() == Accelerators("rocm", 1, 8 * GIGABYTE, "gfx942")


def test_a_tpu_s_chips_count_not_its_cores(play_jax):
    """A process takes whole chips, of which the older ones have two devices; none tells its memory here."""
    play_jax("tpu", [None] * 8, cores=2, name="TPU v3")
    assert find_accelerators() == Accelerators("tpu", 4, None, "TPU v3")


def test_of_a_platform_whose_devices_cannot_be_dealt_out_only_the_first_is_used(play_jax):
    """As Apple's, which has one anyway: workers would all take the same."""
    play_jax("METAL", [None, None], name="Metal")
    found = find_accelerators()
    assert found == Accelerators("metal", 1, None, "Metal")
    assert (found.variables(0, 1), found.layouts(3)) == ({}, {1: 3})


SORT = "MLIR translation rule for primitive 'sort' not found for platform METAL"


@pytest.mark.parametrize(
    ("limits", "trial", "fault"),
    [
        (
            [None],
            f'raise NotImplementedError("{SORT}")',
            f"JAX cannot use its devices: NotImplementedError: {SORT}",
        ),
        (
            [None],
            FINE.replace("32.0", "31.0"),
            "JAX cannot use its devices: RuntimeError: a matrix product is wrong: 31.0 instead of 32.0",
        ),
        (
            [None],
            FINE.replace("'I', range(64)", "'I', range(63, -1, -1)"),
            "JAX cannot use its devices: RuntimeError: it sorts wrongly",
        ),
        ([], FINE, "JAX cannot use its devices: IndexError: list index out of range"),
        ([None], "raise SystemExit(3)", "JAX cannot use its devices: its process ended with code 3"),
    ],
)
def test_a_device_that_lacks_what_training_needs_is_not_used(play_jax, limits, trial, fault):
    """Experimental platforms lack operations: the CPU is used, and one sentence says why."""
    play_jax("METAL", limits, trial=trial)
    assert find_accelerators() is None
    assert accelerator_fault() == fault


def test_a_driver_that_does_not_answer_is_not_used(play_jax, monkeypatch):
    """A driver may wait for ever: the process that asks it is ended, and workers never wake it."""
    monkeypatch.setattr(accelerators, "PROBE_SECONDS", 0.2)
    play_jax("gpu", [None], trial="import threading; threading.Event().wait()")
    assert find_accelerators() is None
    assert accelerator_fault() == "JAX did not answer within 0 seconds when it was asked for its devices"
    assert without_accelerators() == {"JAX_PLATFORMS": "cpu"}


def test_a_plugin_without_a_device_leaves_the_cpu(play_jax):
    """JAX itself goes on with the CPU then."""
    play_jax("cpu", [None])
    assert find_accelerators() is None
    assert accelerator_fault() == "JAX found no device for its plugin, and takes the CPU"


def test_who_chose_the_cpu_is_not_told_why_it_is_used(play_jax, monkeypatch):
    """`JAX_PLATFORMS=cpu` is no fault."""
    play_jax("cpu", [None])
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    assert find_accelerators() is None
    assert accelerator_fault() is None


def test_what_is_tried_works_in_jax_itself(tmp_path, monkeypatch):
    """The products, gradients, random bits and the sort of the trial, on the CPU."""
    (tmp_path / "jax_plugins").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("JAX_PLAYED", "not")
    assert accelerators._answer() == Accelerators("cpu", 1, None, "cpu")


def test_without_a_plugin_nothing_is_asked(monkeypatch):
    """The usual installation pays nothing for the question."""
    monkeypatch.setattr(
        "subprocess.Popen", lambda *arguments, **options: pytest.fail("a process was started")
    )
    assert find_accelerators() is accelerator_fault() is None
    assert without_accelerators() == {}


def test_workers_see_one_device_each_and_share_when_there_are_more():
    """Four on two devices: the first and third see the first one, and none takes it whole."""
    two = Accelerators("rocm", 2, 8 * GIGABYTE)
    seen = [two.variables(number, 2)["JAX_ROCM_VISIBLE_DEVICES"] for number in range(2)]
    assert seen == ["0", "1"]
    assert "XLA_PYTHON_CLIENT_PREALLOCATE" not in two.variables(0, 2)
    seen = [two.variables(number, 4)["JAX_ROCM_VISIBLE_DEVICES"] for number in range(4)]
    assert seen == ["0", "1", "0", "1"]
    assert two.variables(0, 4)["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
    assert [two.memory_share(workers) for workers in (1, 2, 3, 4)] == [8 * GIGABYTE] * 2 + [4 * GIGABYTE] * 2


def test_a_machine_with_devices_gets_a_worker_for_each(monkeypatch):
    """However many cores it has: eight processes on one device would only be in each other's way."""
    monkeypatch.setattr(engines, "find_accelerators", lambda: Accelerators("cuda", 3, None))
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
    processes = Processes(ROWS, None, workers=4, accelerators=Accelerators("cuda", 2, None))
    processes.end(processes.start(3))
    assert started["JAX_CUDA_VISIBLE_DEVICES"] == "1"
    assert started["PATH"] == os.environ["PATH"]


def test_workers_see_several_devices_where_these_train_together():
    """Each its own, with the memory of each."""
    four = Accelerators("cuda", 4, 8 * GIGABYTE)
    seen = [four.variables(number, 2, 2) for number in range(2)]
    assert seen == [{"JAX_CUDA_VISIBLE_DEVICES": "0,1"}, {"JAX_CUDA_VISIBLE_DEVICES": "2,3"}]
    assert four.memory_share(2, 2) == four.memory_share(1, 4) == 8 * GIGABYTE
    assert four.groups == (1, 2, 3, 4)
    assert four.layouts(4) == {1: 4, 2: 2, 4: 1}


def test_workers_see_no_other_devices_than_the_user_lets_jax_see(monkeypatch):
    """The second and third of four, say: worker 0 must not take the first."""
    monkeypatch.setenv("JAX_CUDA_VISIBLE_DEVICES", "1,2")
    two = Accelerators("cuda", 2, None)
    assert [two.variables(number, 2)["JAX_CUDA_VISIBLE_DEVICES"] for number in range(2)] == ["1", "2"]
    monkeypatch.setenv("JAX_CUDA_VISIBLE_DEVICES", "all")
    assert two.variables(1, 2)["JAX_CUDA_VISIBLE_DEVICES"] == "1"


def test_a_chip_of_a_tpu_belongs_to_one_process():
    """And the chips of a process form a rectangle, which it is told."""
    four = Accelerators("tpu", 4, None)
    assert four.variables(1, 2, 2) == {
        "JAX_CUDA_VISIBLE_DEVICES": "2,3",  # where it trained, for the record
        "TPU_VISIBLE_CHIPS": "2,3",
        "TPU_PROCESS_BOUNDS": "1,1,1",
        "TPU_CHIPS_PER_PROCESS_BOUNDS": "1,2,1",
    }
    assert (four.groups, four.layouts(8)) == ((1, 2, 4), {1: 4, 2: 2, 4: 1})
    for chips, bounds in TPU_BOUNDS.items():
        assert np.prod([int(size) for size in bounds.split(",")]) == chips


def open_on(monkeypatch, found, **options):
    """Open a pool of local workers on a machine with these accelerators."""
    monkeypatch.setattr(engines, "find_accelerators", lambda: found)
    options = {"workers": None, "jobs": 50} | options
    return engines.open_pool("local", ROWS, None, address=None, **options)


def test_devices_that_train_together_make_fewer_workers(monkeypatch):
    """Four devices are two workers with two each, which they see from the start."""
    pool = open_on(monkeypatch, Accelerators("cuda", 4, None), devices_per_run=2)
    assert (pool.workers, pool.layouts) == (2, {2: 2})
    assert open_on(monkeypatch, Accelerators("tpu", 4, None)).workers == 4
    assert open_on(monkeypatch, None, workers=1, devices_per_run=1).workers == 1


@pytest.mark.parametrize(
    ("found", "options", "message"),
    [
        (
            Accelerators("cuda", 4, None, H100),
            {"devices_per_run": 5},
            f"`devices_per_run` must be 1, 2, 3 or 4: JAX uses 4 x {H100} here; got 5. Take one of these, or leave it out.",
        ),
        (
            Accelerators("tpu", 4, None, "TPU v4"),
            {"devices_per_run": 3},
            "`devices_per_run` must be 1, 2 or 4: JAX uses 4 x TPU v4 here; got 3. Take one of these, or leave it out.",
        ),
        (
            None,
            {"devices_per_run": 2},
            "`devices_per_run` must be 1: JAX uses no accelerator here; got 2. Take one of these, or leave it out.",
        ),
        (
            Accelerators("tpu", 4, None, "TPU v4"),
            {"workers": 5},
            "`workers` must be at most 4: each takes 1 of 4 x TPU v4 for itself; got 5. Ask for fewer.",
        ),
        (
            Accelerators("cuda", 4, None, H100),
            {"workers": 3, "devices_per_run": 2},
            f"`workers` must be at most 2: each takes 2 of 4 x {H100} for itself; got 3. Ask for fewer.",
        ),
    ],
)
def test_devices_that_are_not_there_are_refused(monkeypatch, found, options, message):
    """Before a worker waits for them."""
    assert refusal(open_on, monkeypatch, found, **options) == message


def test_workers_start_again_when_the_plan_gives_them_other_devices():
    """A process sees the devices that it started with."""
    pool = Processes(ROWS, None, workers=4, accelerators=Accelerators("cuda", 4, None))
    assert [pool.group_devices(devices) for devices in (1, 2, 2)] == [False, True, False]


def test_a_worker_on_the_cpu_never_wakes_a_driver_that_fails(monkeypatch):
    """JAX would try every plugin when it starts."""
    started = {}

    def begin(words, **options):
        started.update(options["env"])
        return Popen([sys.executable, "-c", ""], **options)

    monkeypatch.setattr("justright.workers.processes.subprocess.Popen", begin)
    monkeypatch.setattr(processes, "without_accelerators", lambda: {"JAX_PLATFORMS": "cpu"})
    monkeypatch.setenv("JAX_PLATFORMS", "cuda,cpu")
    pool = Processes(ROWS, None, workers=1)
    pool.end(pool.start(0))
    assert started["JAX_PLATFORMS"] == "cpu"


def test_further_workers_may_share_the_only_device_unless_the_user_has_said_how_many_or_how_much(monkeypatch):
    """A device of unknown memory, a chip of a TPU and several devices are not shared unasked."""
    one = Accelerators("cuda", 1, 80 * GIGABYTE)
    for name in FRACTIONS:
        monkeypatch.delenv(name, raising=False)
    assert open_on(monkeypatch, one).may_share
    assert one.sharing_bytes == 8 * GIGABYTE
    assert one.sharing_variables() == {
        "XLA_CLIENT_MEM_FRACTION": "0.1",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    for found, options in (
        (one, {"workers": 1}),
        (None, {}),
        (Accelerators("cuda", 1, None), {}),
        (Accelerators("cuda", 2, 80 * GIGABYTE), {}),
        (Accelerators("tpu", 1, 80 * GIGABYTE), {}),
    ):
        assert not open_on(monkeypatch, found, **options).may_share
    for name in FRACTIONS:
        with monkeypatch.context() as patch:
            patch.setenv(name, "0.4")
            assert not open_on(monkeypatch, one).may_share
