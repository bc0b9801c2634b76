"""Stacks trained on a Ray cluster of two nodes: the same curves as local workers give, whatever dies or interrupts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import types
from dataclasses import replace

import keras
import numpy as np
import psutil
import pytest
from tests.refusals import refusal

from benchmarks.faults.ray_nodes import Nodes
from justright.errors import InputError
from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.models import load_model, save_model_atomically
from justright.runs.events import RunFinished, RunKey, RunStarted, StackCheckpoint, VariantBuilt
from justright.runs.tasks import BuildTask, StackTask, Storage
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers import watch
from justright.workers.engines import open_pool
from justright.workers.pool import Pool
from justright.workers.processes import Processes
from justright.workers.ray_cluster import RayCluster
from justright.workers.ray_driver import START_TRIES, connect

CORES = 2
# A killed or interrupted stack must not have ended by then. While the coordinator is busy a worker may run ahead by
# as many messages as are unread, each chunk of at most 256 epochs making three: far fewer epochs than these.
MANY_EPOCHS = 4_000
HANG_SECONDS = (
    8.0  # a stopped actor is noticed after these; the shortest that compiling on a crowded machine survives
)

pytestmark = [
    pytest.mark.slow,  # Ray takes seconds to start
    # A start that took Ray too long leaves the processes of that try to its own exit handler; the next try serves.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]


@pytest.fixture(scope="module")
def ray():
    """A cluster of two nodes with a processor each, on this machine; this process itself does not join it."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'justright[ray]'")
    with Nodes() as nodes:
        yield nodes


@pytest.fixture(scope="module")
def local(small_rows, tmp_path_factory):
    """Two local workers; called with tasks, it returns their events. Its `folder` is where models go."""
    folder = tmp_path_factory.mktemp("local")

    def perform(tasks):
        events = []
        pool.execute(tasks, events.append)
        return events

    perform.folder = folder
    with Pool(Processes(small_rows, folder_storage(folder), workers=CORES)) as pool:
        yield perform


def folder_storage(folder):
    """A study folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return Storage(folder, write_tensors, read_tensors, save_model_atomically)


def stack(name, build, rows, *, seeds=(0,), epochs=12):
    """One stack without early stopping."""
    count = len(rows.train[0])
    recipe = Recipe(max_epochs=epochs, patience=None).resolve("binary", count)
    runs = tuple(RunKey(name, seed, count) for seed in seeds)
    models = tuple(f"models/{name}/seed-{seed}.keras" for seed in seeds)
    return StackTask(name, name, build, recipe, runs, models, np.arange(count), checkpoint_seconds=0.0)


def curves(events):
    """Return {run: {metric: (epochs,)}}; every epoch must be there exactly once."""
    blocks = [block for event in events if isinstance(event, StackCheckpoint) for block in event.blocks]
    for run in {block.run for block in blocks}:
        mine = [block for block in blocks if block.run == run]
        ends = np.cumsum([block.epochs for block in mine])
        assert [block.first_epoch for block in mine] == [0, *ends[:-1].tolist()]
    return {
        run: {
            metric: np.concatenate([block.metrics[metric] for block in blocks if block.run == run])
            for metric in blocks[0].metrics
        }
        for run in {block.run for block in blocks}
    }


def outcomes(events):
    """Return {run: how it ended}."""
    return {
        done.run: done for event in events if isinstance(event, StackCheckpoint) for done in event.finished
    }


def assert_same_curves(ours, theirs):
    """Bit for bit: the program and its single thread are the same."""
    ours, theirs = curves(ours), curves(theirs)
    assert ours.keys() == theirs.keys()
    for run, metrics in theirs.items():
        for metric, values in metrics.items():
            np.testing.assert_array_equal(ours[run][metric], values, err_msg=f"{run} {metric}")


def on_ray(tasks, rows, folder, *, address, handle=None, workers=CORES, **options):
    """Return the events of actors, which cannot see the folder; `handle` may interfere."""
    events = []

    def take(event):
        events.append(event)
        if handle:
            handle(event)

    cluster = RayCluster(rows, folder_storage(folder), workers=workers, jobs=len(tasks), address=address)
    with Pool(cluster, **options) as pool:
        try:
            pool.execute(tasks, take)
        except KeyboardInterrupt:
            events.append("interrupted")
    return events


def test_curves_outcomes_and_models_equal_those_of_local_workers(ray, small_rows, tmp_path, local):
    """A study's tasks: descriptions, small stacks of two lanes, dropout; the models arrive and predict the same."""
    tasks = [
        BuildTask((("Tiny", mlp(16), Recipe().resolve("binary", 1_250)),)),
        stack("Tiny", mlp(16), small_rows, seeds=(0, 1)),
        stack("Dropout", mlp(32, 32, l2=0.001, dropout=0.5), small_rows),
    ]
    ours = on_ray(tasks, small_rows, tmp_path / "ray", address=ray.address)
    theirs = local(tasks)
    assert_same_curves(ours, theirs)
    built = [event for event in ours if isinstance(event, VariantBuilt)]
    assert built == [event for event in theirs if isinstance(event, VariantBuilt)]
    for run, done in outcomes(theirs).items():
        mine: RunFinished = outcomes(ours)[run]
        assert (mine.outcome, mine.best_epoch, mine.test) == (done.outcome, done.best_epoch, done.test)
        predictions = [
            load_model(folder / done.model_path).predict(small_rows.test[0], verbose=0)
            for folder in (tmp_path / "ray", local.folder)
        ]
        np.testing.assert_array_equal(*predictions)


def test_a_killed_actor_is_replaced_and_its_stack_goes_on_from_the_last_checkpoint(
    ray, small_rows, tmp_path, local
):
    """The checkpoint comes to the coordinator and goes out to the new actor; the curve has no gap and no seam."""
    pid_file = tmp_path / "pid"

    def build():
        pid_file.write_text(str(os.getpid()))
        return keras.Sequential([keras.Input((28,)), keras.layers.Dense(4, "elu"), keras.layers.Dense(1)])

    def kill_once(event):
        if isinstance(event, StackCheckpoint) and event.lanes and not killed:
            killed.append(int(pid_file.read_text()))
            os.kill(killed[0], signal.SIGKILL)

    killed = []
    task = stack("Mine", build, small_rows, epochs=MANY_EPOCHS)
    ours = on_ray([task], small_rows, tmp_path / "ray", address=ray.address, handle=kill_once, workers=1)
    starts = [event.epoch for event in ours if isinstance(event, RunStarted)]
    assert len(starts) == 2
    assert starts[0] == 0 < starts[1]
    assert outcomes(ours)[task.runs[0]].outcome == "finished"
    assert_same_curves(ours, local([task]))


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows cannot stop a process")
def test_a_stopped_actor_is_ended_and_its_stack_goes_on_elsewhere(
    ray, small_rows, tmp_path, local, monkeypatch
):
    """Ray itself would wait for it for ever; the curve has neither gap nor seam, and no process is left behind."""
    monkeypatch.setattr(watch, "CHUNK_FACTOR", 0.0)  # the first chunk compiles: its time would be the limit
    pid_file = tmp_path / "pid"

    def build():
        pid_file.write_text(str(os.getpid()))
        return keras.Sequential([keras.Input((28,)), keras.layers.Dense(4, "elu"), keras.layers.Dense(1)])

    def stop_once(event):
        if isinstance(event, StackCheckpoint) and event.lanes and event.epoch and not stopped:
            stopped.append(int(pid_file.read_text()))
            os.kill(stopped[0], signal.SIGSTOP)

    stopped = []
    task = stack("Mine", build, small_rows, epochs=MANY_EPOCHS)
    ours = on_ray(
        [task],
        small_rows,
        tmp_path / "ray",
        address=ray.address,
        handle=stop_once,
        workers=1,
        hang_seconds=HANG_SECONDS,
    )
    starts = [event.epoch for event in ours if isinstance(event, RunStarted)]
    assert len(starts) == 2
    assert starts[0] == 0 < starts[1]
    assert outcomes(ours)[task.runs[0]].outcome == "finished"
    assert_same_curves(ours, local([task]))
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in stopped if psutil.pid_exists(pid)], 30)
    assert alive == []


def test_an_interrupted_stack_leaves_a_checkpoint_to_go_on_from(ray, small_rows, tmp_path, local):
    """Ctrl-C: the last checkpoint is written here before the pool gives up, and another one resumes from it."""

    def interrupt_once(event):
        if isinstance(event, StackCheckpoint) and not seen:
            seen.append(event)
            signal.raise_signal(signal.SIGINT)

    seen = []
    task = stack("Tiny", mlp(16), small_rows, epochs=MANY_EPOCHS)
    first = on_ray(
        [task], small_rows, tmp_path / "ray", address=ray.address, handle=interrupt_once, workers=1
    )
    assert first.pop() == "interrupted"
    last = [event for event in first if isinstance(event, StackCheckpoint)][-1]
    assert last.lanes == task.runs
    assert seen[0].epoch < last.epoch < MANY_EPOCHS
    resumed = replace(task, checkpoint=last.path)
    rest = on_ray([resumed], small_rows, tmp_path / "ray", address=ray.address, workers=1)
    assert_same_curves(first + rest, local([task]))


def test_more_workers_than_the_cluster_has_processors_are_refused(ray, small_rows, tmp_path):
    """They would wait for ever."""
    pool = open_pool("ray", small_rows, folder_storage(tmp_path), workers=3, jobs=5, address=ray.address)
    with pytest.raises(InputError) as caught, pool:
        pass
    assert str(caught.value) == (
        "`workers` must be at most the number of CPUs of the Ray cluster, 2; got 3. Ask for fewer, or add nodes."
    )


def test_a_lost_node_costs_nothing(ray, small_rows, tmp_path, local):
    """Each node trains a stack; when one is killed, both end on the other, and the curves have neither gap nor seam."""

    def kill_once(event):
        if isinstance(event, StackCheckpoint) and event.lanes and event.epoch:
            started.add(event.stack)
        if len(started) == CORES and not killed:
            killed.append(ray.kill_one())

    started, killed = set(), []
    tasks = [stack(name, mlp(16), small_rows, epochs=MANY_EPOCHS) for name in ("Tiny", "Twin")]
    ours = on_ray(tasks, small_rows, tmp_path / "ray", address=ray.address, handle=kill_once)
    assert killed
    assert sorted(event.epoch == 0 for event in ours if isinstance(event, RunStarted)) == [False, True, True]
    assert {done.outcome for done in outcomes(ours).values()} == {"finished"}
    assert_same_curves(ours, local(tasks))


def test_a_ray_of_our_own_that_dies_is_started_again(ray, small_rows, tmp_path, local):
    """Its raylet is killed: the stack goes on from its checkpoint. This process keeps its handlers and environment."""

    def kill_once(event):
        if isinstance(event, StackCheckpoint) and event.lanes and event.epoch and not killed:
            below = psutil.Process().children(recursive=True)
            (raylet,) = [child for child in below if child.name() == "raylet" and is_below_keeper(child)]
            killed.append(raylet.pid)
            raylet.kill()

    killed = []
    handler, variables = signal.getsignal(signal.SIGTERM), dict(os.environ)
    task = stack("Tiny", mlp(16), small_rows, epochs=MANY_EPOCHS)
    ours = on_ray([task], small_rows, tmp_path / "ray", address=None, handle=kill_once, workers=1)
    done = outcomes(ours)[task.runs[0]]
    assert done.outcome == "finished", done.reason
    assert len([event for event in ours if isinstance(event, RunStarted)]) == 2
    assert_same_curves(ours, local([task]))
    assert (signal.getsignal(signal.SIGTERM), dict(os.environ)) == (handler, variables)
    assert not any("ray_keeper" in " ".join(child.cmdline()) for child in psutil.Process().children())


def is_below_keeper(process):
    """Whether a process belongs to a Ray that a pool has started."""
    return any("justright.workers.ray_keeper" in parent.cmdline() for parent in process.parents())


def test_without_ray_the_message_says_what_to_install(small_rows, tmp_path, monkeypatch):
    """It is an optional extra."""
    monkeypatch.setitem(sys.modules, "ray", None)
    pool = open_pool("ray", small_rows, folder_storage(tmp_path), workers=None, jobs=1, address=None)
    assert refusal(pool.__enter__) == (
        "`engine` 'ray' needs the package ray; it is not installed. "
        "Install it with pip install 'justright[ray]', or take engine 'local'."
    )


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "10.0.0.1:6379",
            (
                "`ray_address` must be that of a running Ray cluster; nothing answers at '10.0.0.1:6379'. "
                "Start one with `ray start --head`, or leave the address out to start Ray on this machine."
            ),
        ),
        (
            "ray://head:10001",
            (
                "`ray_address` must be 'auto' or HOST:PORT of a Ray cluster; got 'ray://head:10001'. "
                "Run this on a node of the cluster, or send it there with `ray job submit`."
            ),
        ),
    ],
)
def test_an_address_without_a_cluster_is_refused(address, message):
    """Ray's own error is the cause; here a stand-in that refuses, since Ray tries for half a minute."""

    def refuse(**options):
        raise ConnectionError("no node")

    assert refusal(connect, types.SimpleNamespace(init=refuse), address, cores=1) == message


def test_a_ray_that_takes_too_long_to_start_is_tried_again_and_then_refused():
    """Ray gives its agent 15 seconds (ray issue 65983), which a busy machine may exceed; a stand-in counts the tries."""

    def start(**options):
        tries.append(options["address"])
        raise RuntimeError("The current node timed out during startup.")

    tries = []
    with pytest.raises(InputError) as caught:
        connect(types.SimpleNamespace(init=start, shutdown=lambda: None), None, cores=1)
    assert tries == ["local"] * START_TRIES
    assert str(caught.value) == (
        "Ray must start on this machine for `engine` 'ray'; it did not (The current node timed out during startup.). "
        "Try again when the machine is less busy, or take engine 'local'."
    )


def test_nothing_imports_ray_before_a_pool_is_opened():
    """Not even this package's own modules about Ray."""
    code = "import sys, justright.workers.ray_cluster; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
