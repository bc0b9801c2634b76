"""Worker processes: builders from anywhere, workers that die, an interruption between events."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest
from tests.refusals import refusal

from justright.errors import InputError
from justright.runs.events import RunKey, StackCheckpoint, VariantBuilt
from justright.runs.tasks import BuildTask, StackTask
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.workers.pool import Pool
from justright.workers.processes import Processes, _pickled

RECIPE = Recipe(batch_size=100, max_epochs=3, patience=None).resolve("binary", 250)
LONG = Recipe(batch_size=100, max_epochs=100_000, patience=None).resolve("binary", 250)


def stack(name, build, *, recipe=RECIPE, seed=1, **options):
    """Return a stack of one run."""
    run = RunKey(name, seed, 250)
    return StackTask(name, name, build, recipe, (run,), (f"models/{name}.keras",), np.arange(250), **options)


@pytest.fixture(scope="module")
def pool(few_rows, tmp_path_factory):
    """One worker, shared by the tests that leave it well."""
    from justright.records.checkpoints import read_tensors, write_tensors
    from justright.records.models import save_model_atomically
    from justright.runs.tasks import Storage

    folder = tmp_path_factory.mktemp("pool")
    for place in ("checkpoints", "models"):
        (folder / place).mkdir()
    storage = Storage(folder, write_tensors, read_tensors, save_model_atomically)
    with Pool(Processes(few_rows, storage, workers=1)) as running:
        yield running


def finished(events):
    """Return variant -> how its run ended."""
    ends = [event.finished for event in events if isinstance(event, StackCheckpoint)]
    return {run.run.variant: run for runs in ends for run in runs}


def dying(marker, deaths):
    """Return a builder whose process ends itself, as often as said; counted in a file, for each death is final."""

    def build():
        import keras

        count = int(marker.read_text())
        marker.write_text(str(count + 1))
        if 1 <= count <= deaths:  # the first call is the check before anything trains
            print("out of memory, says the model", file=sys.stderr, flush=True)
            os._exit(9)
        return keras.Sequential([keras.Input((28,)), keras.layers.Dense(1)])

    marker.write_text("0")
    return build


@pytest.mark.slow
def test_a_worker_that_dies_once_is_replaced_and_its_run_tried_again(pool, tmp_path):
    """The run ends well, and so does the one after it."""
    events = []
    build = dying(tmp_path / "calls", deaths=1)
    pool.execute([BuildTask((("Mortal", build, RECIPE),))], events.append)
    pool.execute([stack("Mortal", build), stack("Plain", mlp(3))], events.append)
    assert {name: run.outcome for name, run in finished(events).items()} == {
        "Mortal": "finished",
        "Plain": "finished",
    }


@pytest.mark.slow
def test_a_worker_that_dies_twice_costs_its_runs_and_no_others(pool, tmp_path):
    """Its run is 'failed', with code and last words as the reason; the rest of the study completes."""
    events = []
    build = dying(tmp_path / "calls", deaths=10**6)
    pool.execute([BuildTask((("Doomed", build, RECIPE),))], events.append)
    pool.execute([stack("Doomed", build), stack("Plain", mlp(3))], events.append)
    ended = finished(events)
    assert ended["Plain"].outcome == "finished"
    assert (ended["Doomed"].outcome, ended["Doomed"].best_epoch) == ("failed", None)
    assert ended["Doomed"].reason == "worker 0 ended with code 9: out of memory, says the model"


@pytest.fixture
def short_lived(tmp_path, monkeypatch):
    """Make worker processes die before they connect, as often as told; return how to tell."""
    real = subprocess.Popen
    left = tmp_path / "left"

    def popen(command, **options):
        count = int(left.read_text())
        if count:
            left.write_text(str(count - 1))
            command = [sys.executable, "-c", "import sys; sys.exit('no memory for me')"]
        return real(command, **options)

    monkeypatch.setattr("justright.workers.processes.subprocess.Popen", popen)
    return lambda count: left.write_text(str(count))


def test_a_worker_that_dies_while_it_starts_is_started_once_more(few_rows, storage, short_lived):
    """A stray signal or a moment without memory costs nothing."""
    events = []
    short_lived(1)
    with Pool(Processes(few_rows, storage, workers=1)) as running:
        running.execute([BuildTask((("Good", mlp(3), RECIPE),))], events.append)
    assert [event.variant for event in events] == ["Good"]


def test_a_worker_that_dies_whenever_it_starts_is_one_clear_error(few_rows, storage, short_lived):
    """What it said last is the reason; the third process would have lived."""
    short_lived(2)
    with pytest.raises(InputError) as caught, Pool(Processes(few_rows, storage, workers=1)) as running:
        running.execute(
            [BuildTask((("Good", mlp(3), RECIPE),))], lambda event: pytest.fail("it came to life")
        )
    assert str(caught.value) == (
        "A worker process could not start: worker 0 ended with code 1: no memory for me"
    )


def test_a_builder_that_raises_ends_the_study_before_anything_trains(pool):
    """One InputError with the variant's name and the builder's own words; the variants before it were fine."""
    events = []

    def broken():
        raise RuntimeError("no such layer")

    assert (
        refusal(pool.execute, [BuildTask((("Good", mlp(3), RECIPE), ("Bad", broken, RECIPE)))], events.append)
        == "Variant 'Bad' cannot be built: RuntimeError: no such layer"
    )
    assert [event.variant for event in events if isinstance(event, VariantBuilt)] == ["Good"]


def test_a_worker_imports_no_library_that_training_does_not_use(pool):
    """Keras imports two of them where it finds them, which takes longer than Keras itself; a builder still can."""

    def build():
        import keras

        loaded = {"matplotlib", "sklearn"} & sys.modules.keys()
        assert not loaded, loaded
        import matplotlib  # noqa: F401

        return keras.Sequential([keras.Input((28,)), keras.layers.Dense(1)])

    pool.execute([BuildTask((("Alone", build, RECIPE),))], lambda event: None)


def test_an_interruption_waits_for_the_event_under_way(few_rows, storage, request):
    """SIGINT in the middle of storing epochs: that event is stored wholly, then a last checkpoint follows it.

    The epochs of all events join without a hole, and a later session goes on from the last of them.
    """
    events = []

    def handle(event):
        if isinstance(event, StackCheckpoint) and not any(
            isinstance(seen, StackCheckpoint) for seen in events
        ):
            os.kill(os.getpid(), signal.SIGINT)
        events.append(event)  # where a KeyboardInterrupt at any instruction would have lost the event

    # A test run in the background of a shell inherits an ignored SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    task = stack("Long", mlp(3), recipe=LONG, checkpoint_seconds=0.0)
    with Pool(Processes(few_rows, storage, workers=1)) as running, pytest.raises(KeyboardInterrupt):
        running.execute([task], handle)
    checkpoints = [event for event in events if isinstance(event, StackCheckpoint)]
    assert len(checkpoints) >= 2
    trained = 0
    for event in checkpoints:
        assert [block.first_epoch for block in event.blocks] == [trained]
        trained += event.blocks[0].epochs
        assert event.epoch == trained
    assert (storage.folder / checkpoints[-1].path).is_file()
    assert checkpoints[-1].lanes


SCRIPT = """
import numpy as np
import keras
import justright as jr

WIDTH = 5

def build():  # lives in __main__, uses a global of it and a class defined there
    return Own()

class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(WIDTH, activation="relu")
        self.last = keras.layers.Dense(1)

    def call(self, inputs):
        return self.last(self.hidden(inputs))

def main():
    assert keras.backend.backend() == BACKEND, keras.backend.backend()
    x = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    split = jr.read_table((x, (x[:, 0] > 0).astype(np.float32))).split(validation=50, train=100, test=50)
    width = 3
    variants = {
        "Main": build,
        "Lambda": lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(width), keras.layers.Dense(1)]),
        "Instance": keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]),
    }
    recipe = jr.Recipe(batch_size=50, max_epochs=2, optimizer=keras.optimizers.SGD(0.1))
    result = jr.Study(split, variants, recipe, reference=False).run("out", workers=1)
    print({row["variant"]: row["parameters"] for row in result.verdicts.to_dicts()})

main()  # without `if __name__ == "__main__"`: workers never import the caller's script
"""


@pytest.mark.slow
@pytest.mark.torch
def test_builders_of_a_script_work_whatever_its_own_backend_is(tmp_path):
    """Functions and classes of __main__, closures, an instance and a Keras optimizer, from a torch process."""
    pytest.importorskip("torch", reason="needs torch, which `make test` installs")
    path = tmp_path / "script.py"
    path.write_text("BACKEND = 'torch'\n" + textwrap.dedent(SCRIPT))
    environment = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "{'Main': 31, 'Lambda': 19, 'Instance': 5}"


def test_workers_map_the_rows_of_the_coordinator(few_rows, storage):
    """What is sent are places; values written here afterwards are there, and the rows themselves are in no message."""
    places = np.arange(250, dtype=np.int32)[::-1].copy()
    transport = Processes(replace(few_rows, train_places=places), storage, workers=1)
    message = _pickled(transport._rows)
    assert len(message) < few_rows.test[0].nbytes
    attached = pickle.loads(message)
    transport._rows.train[0][7, 3] = 123.0
    assert attached.train[0][7, 3] == 123.0
    for one, other in zip(attached.arrays, transport._rows.arrays, strict=True):
        np.testing.assert_array_equal(one, other)
