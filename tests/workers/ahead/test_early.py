"""A worker that starts before its study is known, where there may be an accelerator. There is none here: it is played."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.stacks import Trained

from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.models import save_model_atomically
from justright.runs.events import ReferenceMeasured, RunKey, StackCheckpoint
from justright.runs.tasks import ReferenceTask, StackTask, Storage, StudyRows
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers import accelerators
from justright.workers.accelerators import Accelerators, find_accelerators
from justright.workers.ahead import early
from justright.workers.ahead.early import EarlyProcesses, end_early, start_early
from justright.workers.pool import Pool
from justright.workers.processes import import_path

SEEDS = (0, 1)
RECIPE = Recipe(batch_size=250, max_epochs=40, patience=None, batch_orders="device")
PART = np.zeros((20, 3), np.float32), np.zeros(20, np.float32)
ROWS = StudyRows("binary", 1, PART, PART, PART)
DEVICE = Accelerators("cuda", 1, None, "NVIDIA H100 80GB HBM3", "9.0")


@pytest.fixture
def plugin(monkeypatch):
    """Let there be a plugin for JAX in an environment that nobody asked about; end what was started."""
    for module in (early, accelerators):
        monkeypatch.setattr(module, "may_have_accelerators", lambda: True)
    monkeypatch.setenv("JAX_PLAYED", "early")
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    yield
    end_early()
    accelerators._expected.clear()
    accelerators._heard.cache_clear()


def stack_of(name, build, rows):
    """A stack of two lanes that are computed together, with a checkpoint after each chunk."""
    count = len(rows.train[0])
    return StackTask(
        *(name, name, build, RECIPE.resolve("binary", count)),
        runs=tuple(RunKey(name, seed, count) for seed in SEEDS),
        models=tuple(f"models/{name}/seed-{seed}.keras" for seed in SEEDS),
        train_index=np.arange(count),
        checkpoint_seconds=0.0,
        together=True,
    )


@pytest.mark.slow
def test_the_worker_that_waits_works_and_where_it_is_killed_another_gets_the_same_numbers(
    plugin, few_rows, train, tmp_path
):
    """Bit for bit those of stacks that nobody prepares or disturbs; the reference model is trained beside them."""
    builds = {"a": mlp(4, dropout=0.2), "b": mlp(5, l2=0.01)}
    for place in ("checkpoints", *(f"models/{name}" for name in builds)):
        (tmp_path / place).mkdir(parents=True)
    storage = Storage(tmp_path, write_tensors, read_tensors, save_model_atomically)
    start_early()
    (waiting,) = early._waiting
    start_early()
    assert early._waiting == [waiting]
    events = []

    def handle(event):
        events.append(event)
        if isinstance(event, StackCheckpoint):
            assert all((tmp_path / one.model_path).is_file() for one in event.finished)
            assert (tmp_path / event.path).is_file()
            if waiting.process.poll() is None:
                os.kill(waiting.process.pid, signal.SIGKILL)

    tasks = [*(stack_of(name, build, few_rows) for name, build in builds.items()), ReferenceTask()]
    with Pool(EarlyProcesses(few_rows, storage, workers=1, accelerators=DEVICE)) as pool:
        assert [worker.link for worker in pool._workers] == [waiting]
        pool.execute(tasks, handle)
    assert waiting.process.returncode == -signal.SIGKILL
    assert [type(event) for event in events].count(ReferenceMeasured) == 1
    for name, build in builds.items():
        own = [event for event in events if getattr(event, "stack", name) == name]
        ours = Trained(own, is_done=True, folder=tmp_path)
        theirs = train(build, few_rows, RECIPE, seeds=SEEDS, name=name, together=True)
        assert ours.finished.keys() == theirs.finished.keys() == set(SEEDS)
        for seed, curves in theirs.curves.items():
            for metric, values in curves.items():
                np.testing.assert_array_equal(ours.curves[seed][metric], values, err_msg=metric)
        assert ours.row_losses.keys() == theirs.row_losses.keys()
        for key, losses in theirs.row_losses.items():
            np.testing.assert_array_equal(ours.row_losses[key], losses, err_msg=str(key))


def test_a_worker_that_does_not_fit_is_ended(plugin, monkeypatch):
    """Two workers need other devices and processors; a large table is not copied."""
    started = []
    monkeypatch.setattr(
        "justright.workers.processes.Processes.start", lambda self, number: started.append(number)
    )
    monkeypatch.setattr(early, "_hear", lambda worker: setattr(worker, "connection", Connection()))
    for found, workers, bytes_ in (
        (DEVICE, 2, early.MAX_COPIED_BYTES),
        (replace(DEVICE, count=2), 1, early.MAX_COPIED_BYTES),
        (DEVICE, 1, 10),
    ):
        monkeypatch.setattr(early, "MAX_COPIED_BYTES", bytes_)
        start_early()
        (waiting,) = early._waiting
        EarlyProcesses(ROWS, None, workers=workers, accelerators=found).start(0)
        assert early._waiting == []
        assert waiting.process.returncode is not None
    assert started == [0, 0, 0]


class Connection:
    """One that nobody speaks on; `says` is the message that comes, None if there is none."""

    def __init__(self, says=None):
        self.says = says

    def poll(self, seconds):
        """Whether there is a message."""
        return self.says is not None

    def recv_bytes(self):
        """The message; EOFError for an empty one, as of a process that has ended."""
        if not self.says:
            raise EOFError
        return pickle.dumps(self.says)

    def close(self):
        """Nothing is open."""


FOUND = {"platform": "cuda", "count": 1, "memory_bytes": 8, "name": "H100", "capability": "9.0"}


@pytest.mark.parametrize(
    ("says", "found", "stays"),
    [
        (("devices", FOUND), Accelerators("cuda", 1, 8, "H100", "9.0"), True),
        (("devices", FOUND | {"count": 2}), Accelerators("cuda", 2, 8, "H100", "9.0"), False),
        (("devices", FOUND | {"platform": "cpu"}), None, False),
        (None, None, False),
    ],
)
def test_the_worker_that_waits_answers_for_the_devices_and_stays_if_it_can_train_on_them(
    plugin, monkeypatch, says, found, stays
):
    """One device is its own; with several each worker sees another one. Nobody else is asked."""
    monkeypatch.setattr(early, "connect", lambda worker: setattr(worker, "connection", Connection(says)))
    monkeypatch.setattr(accelerators, "_asked", lambda key: pytest.fail("another process was asked"))
    start_early()
    (waiting,) = early._waiting
    assert find_accelerators() == found
    assert early._waiting == ([waiting] if stays else [])
    assert (waiting.process.poll() is None) == stays
    assert (accelerators.accelerator_fault() == accelerators.no_answer()) == (says is None)


@pytest.mark.parametrize("says", [("devices", "RuntimeError: it sorts wrongly"), ()])
def test_a_worker_that_fails_leaves_the_question_to_a_process_of_its_own(plugin, monkeypatch, says):
    """It may have been ended, or another program has the memory that a worker takes at once."""
    monkeypatch.setattr(early, "connect", lambda worker: setattr(worker, "connection", Connection(says)))
    monkeypatch.setattr(accelerators, "_asked", lambda key: Answer())
    start_early()
    assert find_accelerators() == Accelerators(**FOUND)
    assert early._waiting == []


class Answer:
    """A process that has answered."""

    def communicate(self, timeout):
        """What it printed, and nothing else."""
        return json.dumps(FOUND), ""


def test_a_worker_wakes_the_devices_and_says_what_they_are():
    """Here JAX has the processor alone; a device that fails is a sentence."""
    code = (
        "from justright.workers.worker import wake_devices; print(wake_devices())\n"
        "import justright.training.devices.device_trial as trial; trial.TRIAL_SUM = 0.0; print(wake_devices())"
    )
    environment = os.environ | {"PYTHONPATH": import_path(), "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "{'platform': 'cpu', 'count': 1, 'memory_bytes': None, 'name': 'cpu', 'capability': ''}",
        "RuntimeError: a matrix product is wrong: 32.0 instead of 0.0",
    ]


def test_who_told_jax_to_take_the_cpu_gets_no_worker_for_a_device(plugin, monkeypatch):
    """It would have to be ended; the process that asks is there sooner."""
    asked = []
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setattr(accelerators, "_asked", asked.append)
    monkeypatch.setattr(early, "spawn", lambda *given, **options: pytest.fail("a worker was started"))
    start_early()
    assert (early._waiting, len(asked)) == ([], 1)


def test_without_a_plugin_nothing_starts(monkeypatch):
    """As on most machines."""
    monkeypatch.setattr(early, "may_have_accelerators", lambda: False)
    monkeypatch.setattr(early, "spawn", lambda *given, **options: pytest.fail("a process was started"))
    start_early()
    assert early._waiting == []
