"""A network that needs several devices, which are played: those that workers see are virtual ones of the processor."""

from __future__ import annotations

import numpy as np
import pytest

from justright.data.read import read_table
from justright.runs.events import PlanMade, StackCheckpoint
from justright.session.views.progress import plan_text
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.study import Study
from justright.workers import engines, processes
from justright.workers.accelerators import Accelerators
from justright.workers.train import study_rows, train_study

# Of the network below: what one device would have to hold is 711 kB, each of two 449 kB, each of four 318 kB.
UNITS, DEVICE_BYTES = (128, 128), 450_000


@pytest.fixture
def study():
    """One run of one network, described as for a GPU."""
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 3)).astype(np.float32)
    table = read_table((x, (x[:, 0] + random.normal(size=200) > 0).astype(np.float32)))
    split = table.split(validation=40, train=100, test=60)
    recipe = Recipe(batch_size=50, max_epochs=3, patience=None, precision="float32", batch_orders="device")
    return Study(split, {"a": mlp(*UNITS)}, recipe, seeds=1, neighbours=False)


@pytest.mark.slow
def test_a_network_too_large_for_one_device_trains_over_as_many_as_it_needs(study, storage, monkeypatch):
    """A new worker sees them all, the plan says so, and the model is whole."""
    import jax
    import keras

    jax.devices()  # those of this process, which later tests compute on, are found before workers are told of others
    four = Accelerators("cuda", 4, DEVICE_BYTES, "NVIDIA H100 80GB HBM3", "9.0")
    monkeypatch.setattr(engines, "find_accelerators", lambda: four)
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=4")
    seen, launch = [], processes._launch

    def noted(number, workers, accelerators, devices, **options):
        seen.append(accelerators.variables(number, workers, devices)["JAX_CUDA_VISIBLE_DEVICES"])
        return launch(number, workers, accelerators, devices, **options)

    monkeypatch.setattr(processes, "_launch", noted)
    events = []
    with engines.open_pool("local", study_rows(study), storage, workers=None, jobs=1, address=None) as pool:
        train_study(study, pool, events.append, model_path=lambda run: "a.keras", measure_reference=False)
    assert seen == ["0", "0,1,2,3"]
    (plan,) = [event for event in events if isinstance(event, PlanMade)]
    assert plan_text(plan).startswith("1 run in 1 stack on 1 worker, each over 4 devices: about ")
    checkpoints = [event for event in events if isinstance(event, StackCheckpoint)]
    (ended,) = [ended for event in checkpoints for ended in event.finished]
    assert (ended.outcome, ended.epochs) == ("finished", 3)
    model = keras.saving.load_model(storage.folder / "a.keras")
    shapes = [tuple(variable.shape) for variable in model.trainable_variables]
    assert shapes == [(3, 128), (128,), (128, 128), (128,), (128, 1), (1,)]
