"""A worker that starts before its study is known, where there may be an accelerator. There is none here: it is played."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from tests.stacks import Trained

from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.models import save_model_atomically
from justright.runs.events import ReferenceMeasured, RunKey, StackCheckpoint
from justright.runs.tasks import ReferenceTask, StackTask, Storage, StudyRows
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers.accelerators import Accelerators
from justright.workers.ahead import early
from justright.workers.ahead.early import EarlyProcesses, end_early, start_early
from justright.workers.pool import Pool

SEEDS = (0, 1)
RECIPE = Recipe(batch_size=250, max_epochs=40, patience=None, batch_orders="device")
PART = np.zeros((20, 3), np.float32), np.zeros(20, np.float32)
ROWS = StudyRows("binary", 1, PART, PART, PART)
DEVICE = Accelerators("cuda", 1, None, "NVIDIA H100 80GB HBM3", "9.0")


@pytest.fixture
def plugin(monkeypatch):
    """Let there be a plugin for JAX, of which nobody asks what it finds; end what was started."""
    monkeypatch.setattr(early, "may_have_accelerators", lambda: True)
    monkeypatch.setattr(early, "ask_ahead", lambda: None)
    yield
    end_early()


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
    for workers, bytes_ in ((2, early.MAX_COPIED_BYTES), (1, 10)):
        monkeypatch.setattr(early, "MAX_COPIED_BYTES", bytes_)
        start_early()
        (waiting,) = early._waiting
        EarlyProcesses(ROWS, None, workers=workers, accelerators=DEVICE).start(0)
        assert early._waiting == []
        assert waiting.process.returncode is not None
    assert started == [0, 0]


def test_without_a_plugin_nothing_starts(monkeypatch):
    """As on most machines."""
    monkeypatch.setattr(early, "may_have_accelerators", lambda: False)
    monkeypatch.setattr(early, "spawn", lambda *given, **options: pytest.fail("a process was started"))
    start_early()
    assert early._waiting == []
