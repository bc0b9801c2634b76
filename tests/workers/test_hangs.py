"""Workers that hang are ended, their runs tried once more, then marked failed; the folder's faults end everything."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import psutil
import pytest

from justright.errors import FolderError
from justright.runs.events import Event, RunKey, StackCheckpoint, StackProgress
from justright.runs.tasks import StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers import watch
from justright.workers.pool import Pool
from justright.workers.processes import Processes
from justright.workers.watch import Watch

HANG_SECONDS = 3.0  # twelve times as long must suffice to import Keras on a crowded machine


def stack(rows, epochs: int = 20_000) -> StackTask:
    """One lane of a tiny network, too many epochs to end by itself."""
    count = len(rows.train[0])
    recipe = Recipe(100, epochs, None).resolve("binary", count)
    run = RunKey("v", 0, count)
    return StackTask(
        "v", "v", mlp(4), recipe, (run,), ("models/v.keras",), np.arange(count), checkpoint_seconds=0.2
    )


@pytest.fixture
def clock(monkeypatch):
    """A clock and a processor meter that stand still until they are set."""
    now = {"time": 100.0, "processor": 7.0}
    monkeypatch.setattr(watch.time, "monotonic", lambda: now["time"])
    return now


def test_silence_without_work_is_a_hang(clock) -> None:
    """After the limit and not before; the time it has been silent is told."""
    watch = Watch(hang_seconds=10.0, processor_seconds=clock["processor"])
    watch.begin()
    clock["time"] += 10.0
    assert watch.hung_seconds(lambda: clock["processor"]) is None
    clock["time"] += 0.5
    assert watch.hung_seconds(lambda: clock["processor"]) == 10.5


def test_silence_with_work_is_a_hang_much_later(clock) -> None:
    """A worker that computes may be compiling: it gets twelve times as long."""
    watch = Watch(hang_seconds=10.0, processor_seconds=clock["processor"])
    watch.begin()
    clock["time"] += 120.0
    clock["processor"] += 60.0
    assert watch.hung_seconds(lambda: clock["processor"]) is None
    clock["time"] += 1.0
    assert watch.hung_seconds(lambda: clock["processor"]) == 121.0


def test_a_worker_whose_chunks_are_long_gets_longer(clock) -> None:
    """Twenty times its longest silence so far."""
    watch = Watch(hang_seconds=10.0, processor_seconds=clock["processor"])
    watch.begin()
    clock["time"] += 3.0
    watch.hear(clock["processor"])
    clock["time"] += 60.0
    assert watch.hung_seconds(lambda: clock["processor"]) is None
    clock["time"] += 1.0
    assert watch.hung_seconds(lambda: clock["processor"]) == 61.0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows cannot stop a process")
def test_a_worker_that_hangs_twice_fails_its_runs_and_leaves_none_behind(
    few_rows, storage, monkeypatch
) -> None:
    """Stopped in the middle of training each time: tried again from its checkpoint, then failed with the reason."""
    monkeypatch.setattr(watch, "CHUNK_FACTOR", 0.0)  # the first chunk compiles: its time would be the limit
    events: list[Event] = []
    pids: set[int] = set()
    with Pool(Processes(few_rows, storage, workers=1), hang_seconds=HANG_SECONDS) as pool:

        def handle(event: Event) -> None:
            events.append(event)
            (worker,) = pool._workers
            progressed = isinstance(event, StackCheckpoint) and event.epoch > 0
            if progressed and worker.link.process.pid not in pids and event.lanes:
                pids.add(worker.link.process.pid)
                os.kill(worker.link.process.pid, signal.SIGSTOP)

        pool.execute([stack(few_rows)], handle)
    last = events[-1]
    assert isinstance(last, StackCheckpoint)
    (failed,) = last.finished
    assert failed.outcome == "failed"
    assert failed.reason.startswith("worker 0 made no progress for ")
    assert failed.reason.endswith(" seconds and was ended")
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.slow
def test_a_fault_of_the_folder_ends_the_workers(few_rows, storage) -> None:
    """A sink that can no longer write ends training at once with its own error; no worker goes on."""
    said = "The database 'study.db' cannot grow: the disk is full."

    def handle(event: Event) -> None:
        if isinstance(event, StackProgress):
            raise FolderError(said)

    began = time.monotonic()
    with Pool(Processes(few_rows, storage, workers=1)) as pool:
        pid = pool._workers[0].link.process.pid
        with pytest.raises(FolderError) as caught:
            pool.execute([stack(few_rows)], handle)
    assert str(caught.value) == said
    assert not psutil.pid_exists(pid)
    assert time.monotonic() - began < watch.HANG_SECONDS


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_written_ends_training_with_the_disks_words(few_rows, storage) -> None:
    """What the worker met arrives as the folder's fault, not as bad input, and is not tried again."""
    (storage.folder / "checkpoints").rmdir()
    (storage.folder / "checkpoints").write_text("a file where the folder was")
    with pytest.raises(FolderError) as caught, Pool(Processes(few_rows, storage, workers=1)) as pool:
        pool.execute([stack(few_rows)], lambda event: None)
    assert "checkpoints" in str(caught.value)
