"""One stack over four devices: the same curves as on one, each device with its part of large values."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from tests.training.devices.virtual_devices import BUILD, DEVICES, OPTIONS, RECIPE, made_rows

from justright.runs.shards import SHARDED_VALUES, shard_axis, values_per_device
from justright.training.devices.placement import Placement, beside_devices

ROOT = Path(__file__).resolve().parents[3]
# Sums in another order: single steps differ in the last of 24 bits, and six epochs of steps hardly add to that.
CLOSE = {"rtol": 2e-5, "atol": 1e-6}


@pytest.fixture(scope="module")
def sharded(tmp_path_factory):
    """What a process with four devices said."""
    folder = tmp_path_factory.mktemp("devices")
    subprocess.run(
        [sys.executable, "-m", "tests.training.devices.virtual_devices", str(folder)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=True,
    )
    return pickle.loads((folder / "said.pickle").read_bytes())


@pytest.fixture(scope="module")
def alone(train):
    """The same stack on one device, and its compiled program."""
    cache = {}
    return train(BUILD, made_rows(), RECIPE, cache=cache, **OPTIONS), cache


def assert_close(ours, theirs):
    """Compare curves, row losses and ends as float32 numbers."""
    assert ours.curves.keys() == theirs.curves.keys()
    for seed, curves in theirs.curves.items():
        for metric, values in curves.items():
            np.testing.assert_allclose(ours.curves[seed][metric], values, err_msg=metric, **CLOSE)
    assert ours.row_losses.keys() == theirs.row_losses.keys()
    for key, losses in theirs.row_losses.items():
        np.testing.assert_allclose(ours.row_losses[key], losses, err_msg=str(key), rtol=1e-3, atol=1e-5)
    for seed, ended in theirs.finished.items():
        mine = ours.finished[seed]
        assert (mine.outcome, mine.epochs, mine.best_epoch) == (ended.outcome, ended.epochs, ended.best_epoch)
        assert mine.test == pytest.approx(ended.test, rel=1e-5)


@pytest.mark.slow
def test_four_devices_give_the_curves_of_one(sharded, alone):
    """With dropout, a penalty, averaged weights, two lanes, and what is measured and decided at the end."""
    assert len(alone[0].curves[0]["loss"]) == RECIPE.max_epochs
    assert_close(sharded["whole"], alone[0])


def test_a_resumed_stack_is_the_undisturbed_one_on_as_many_devices(sharded):
    """Bit by bit: a checkpoint holds whole values, which are sharded again as they were."""
    first, second, whole = sharded["first"], sharded["second"], sharded["whole"]
    assert not first.is_done
    both = type(first)([*first.events, *second.events], is_done=True, folder=first.folder)
    for seed, curves in whole.curves.items():
        for metric, values in curves.items():
            np.testing.assert_array_equal(both.curves[seed][metric], values, err_msg=metric)


def test_a_stack_may_go_on_with_another_number_of_devices(sharded, alone, train):
    """Then its curve agrees within the precision of float32, as one of other devices would."""
    theirs, cache = alone
    first = sharded["first"]
    path = first.checkpoints[-1].path
    rest = train(BUILD, made_rows(), RECIPE, folder=first.folder, checkpoint=path, cache=cache, **OPTIONS)
    assert_close(type(first)([*first.events, *rest.events], is_done=True, folder=first.folder), theirs)


def test_each_device_holds_its_part_of_large_values_and_all_of_small_ones(sharded):
    """Weights, best weights, averages and the optimizer's moments, from the first chunk to the last."""
    lanes = len(OPTIONS["seeds"])
    large = (lanes, 128, 128)
    part = (lanes, 128, 128 // DEVICES)
    assert {entry[0] for entry in sharded["shards"] if entry[1] == large} == {
        *("weights", "best_weights", "average_weights", "optimizer")
    }
    for name, shape, *held, count in sharded["shards"]:
        assert (count, held) == (DEVICES, [part if shape == large else shape]), name


def test_models_are_saved_whole(sharded, alone):
    """Another process needs no devices to open them."""
    import keras

    models = [
        keras.saving.load_model(trained.folder / "models" / "v" / "seed-1.keras")
        for trained in (sharded["whole"], alone[0])
    ]
    x = made_rows().test[0]
    ours, theirs = (model.predict(x, verbose=0) for model in models)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_stack_needs_as_many_devices_as_it_names():
    """One is always there."""
    Placement(1)
    with pytest.raises(RuntimeError, match=r"^a stack needs 64 devices; JAX sees \d+$"):
        Placement(64)


@pytest.mark.parametrize(
    ("shape", "devices", "axis"),
    [
        ((SHARDED_VALUES,), 4, 0),
        ((SHARDED_VALUES // 2,), 4, None),  # small
        ((333, 333), 2, None),  # nothing to divide
        ((333, 332), 2, 1),
        ((1_000, 332), 2, 0),  # the larger
        ((3, 256, 64, 64), 4, 1),
        ((512, 512), 1, None),
        ((), 4, None),
    ],
)
def test_a_value_is_cut_along_its_largest_axis_that_can_be_divided(shape, devices, axis):
    """The last of equal ones: the outputs of a square kernel."""
    assert shard_axis(shape, devices) == axis
    whole = int(np.prod(shape))
    assert values_per_device([shape], devices) == (whole if axis is None else whole // devices)
    assert values_per_device([shape, (5, 3)], devices) == values_per_device([shape], devices) + 15


def test_beside_an_accelerator_values_are_made_on_the_host(monkeypatch):
    """A network that is only described needs no room there; where there is the processor alone, nothing changes."""
    with beside_devices():
        assert jax.config.jax_default_device is None
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with beside_devices():
        assert jax.config.jax_default_device == jax.local_devices(backend="cpu")[0]
