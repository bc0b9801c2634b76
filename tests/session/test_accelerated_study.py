"""A study on an accelerator, played on the CPU: all as there, but for the products and for where the lanes are computed."""

from __future__ import annotations

from contextlib import contextmanager

import keras
import numpy as np
import polars as pl
import pytest

import justright as jr
from justright.errors import FolderError, InputError
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.runs.events import RunKey, StackCheckpoint
from justright.session.options import RunOptions
from justright.session.session import run_study
from justright.workers import engines, train
from justright.workers.accelerators import Accelerators

DEVICE = Accelerators("cuda", 1, None, "NVIDIA H100 80GB HBM3", "9.0")


@contextmanager
def devices(found):
    """Let these be the accelerators of this machine, as far as the coordinator knows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "find_accelerators", lambda: found)
        yield


def without_device():
    """Let there be none."""
    return devices(None)


@pytest.fixture(scope="module")
def on_device():
    """Let there be one."""
    with devices(DEVICE):
        yield


@pytest.fixture(scope="module")
def split(table):
    """300 rows learn, 120 choose, 100 measure."""
    return table.split(validation=120, train=300, test=100, order="head")


@pytest.fixture(scope="module")
def table():
    """Four features, two of which decide."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(520, 4))
    y = (x[:, 0] + x[:, 1] + generator.normal(size=520) > 0).astype(int)
    return jr.read_table(pl.DataFrame(x, schema=list("abcd")).with_columns(y=pl.Series(y)), target="y")


def describe(split, **options):
    """Two networks with three seeds each."""
    recipe = jr.Recipe(100, options.pop("max_epochs", 6), None, **options)
    variants = {"Narrow": jr.mlp(4), "Dropped": jr.mlp(8, dropout=0.2)}
    return jr.Study(split, variants, recipe, seeds=3, reference=False, neighbours=False)


@pytest.fixture(scope="module")
def folder(split, on_device, tmp_path_factory):
    """The study's folder."""
    place = tmp_path_factory.mktemp("accelerated") / "study"
    describe(split).run(place, progress=False)
    return place


@pytest.mark.slow
def test_what_auto_meant_there_is_recorded(folder):
    """Products, batch orders and the device, in words that decide whether a run can be continued."""
    with StudyFolder.open(folder, "read") as opened:
        values = opened.read_study()
    assert values["recipe"]["precision"] == "tensorfloat32"
    assert values["recipe"]["batch_orders"] == "device"
    summary = jr.open_result(folder).summary
    assert summary["environment"]["device"] == "NVIDIA H100 80GB HBM3"
    assert {one["name"]: one["lanes"] for one in summary["variants"]} == {"Narrow": 3, "Dropped": 3}


def test_all_seeds_of_a_network_train_in_one_stack(folder):
    """They fill the device together."""
    names = {path.name.rpartition("-")[0] for path in (folder / "checkpoints").iterdir()}
    assert names == {"Narrow-rows-300-seeds-1-3-x3", "Dropped-rows-300-seeds-1-3-x3"}


def test_a_study_of_an_accelerator_is_not_continued_on_a_cpu(folder, split):
    """Nor the other way round: its runs would be neither the one nor the other."""
    with without_device(), pytest.raises(FolderError) as caught:
        describe(split).run(folder, progress=False)
    assert str(caught.value) == (
        f"{str(folder)!r} holds another study: precision was 'tensorfloat32', is 'float32'; batch_orders was 'device', is not "
        "set. Run that one again, choose another --out, or start in a fresh folder with --new."
    )


@pytest.mark.slow
def test_it_is_continued_there_for_longer(folder, split, on_device):
    """More epochs go on from the checkpoints, and the first ones stay as they were."""
    order = ["variant", "seed", "epoch"]
    before = jr.open_result(folder).curves.sort(order)
    describe(split, max_epochs=9).run(folder, progress=False)
    after = jr.open_result(folder).curves.sort(order)
    assert after["epoch"].max() == 8
    assert after.filter(pl.col("epoch") < 6).equals(before)


def test_products_that_the_device_lacks_are_refused(split, tmp_path):
    """Before a folder is made."""
    with without_device(), pytest.raises(InputError) as caught:
        describe(split, precision="tensorfloat32").run(tmp_path / "study", progress=False)
    assert str(caught.value) == (
        "`precision` 'tensorfloat32' needs an NVIDIA GPU of compute capability 8.0 or more; networks are trained on a CPU here. "
        "Take 'auto' or 'float32', or 'bfloat16' for speed."
    )
    assert not (tmp_path / "study").exists()


def alike(split, *names, max_epochs=4):
    """Networks that differ in a penalty alone, with two seeds each."""
    known = {"Plain": jr.mlp(4), "Weak": jr.mlp(4, l2=1e-3), "Strong": jr.mlp(4, l2=0.1)}
    variants = {name: known[name] for name in names}
    recipe = jr.Recipe(100, max_epochs, None)
    return jr.Study(split, variants, recipe, seeds=2, reference=False, neighbours=False)


def own_model(l2):
    """Return a function that makes a model, which only its traced step tells to be another's but for a penalty."""

    def build():
        penalty = keras.regularizers.L2(l2)
        layers = [
            keras.Input((4,), name="inputs"),
            keras.layers.Dense(4, "elu", kernel_regularizer=penalty, name="hidden"),
            keras.layers.Dense(1, name="outputs"),
        ]
        return keras.Sequential(layers, name="own")

    return build


def own_models(split):
    """The same as `alike` of models that are no family's: two made by functions, and one that is described."""
    variants = {"Plain": own_model(0.0), "Weak": own_model(1e-3)(), "Strong": own_model(0.1)}
    recipe = jr.Recipe(100, 4, None)
    return jr.Study(split, variants, recipe, seeds=2, reference=False, neighbours=False)


def states(folder):
    """The stacks of a folder, and how far each is."""
    return {tuple(path.stem.rpartition("-")[::2]) for path in (folder / "checkpoints").iterdir()}


@pytest.mark.slow
def test_a_variant_leaves_stacks_of_several_and_comes_back(split, on_device, tmp_path, monkeypatch):
    """Six runs in three lanes: the checkpoints of those that began and of those that waited are divided; all go on for longer."""
    monkeypatch.setattr(train, "MAX_LANES_TOGETHER", 3)
    order, folder = ["variant", "seed", "epoch"], tmp_path / "study"
    before = alike(split, "Plain", "Weak", "Strong").run(folder, progress=False).curves.sort(order)
    name = "Plain-and-2-more-rows-300-seeds-1-2-x6"
    assert states(folder) == {(f"{name}-ended-4", "0000004"), (name, "0000008")}
    alike(split, "Plain", "Strong", max_epochs=6).run(folder, progress=False)
    others = {
        ("Plain-rows-300-seeds-1-2-x2", "0000006"),
        ("Strong-rows-300-seeds-1-2-x2", "0000010"),
    }
    left = {("Weak-rows-300-seeds-1-1-x1", "0000004"), ("Weak-rows-300-seeds-2-2-x1", "0000008")}
    assert states(folder) == others | left
    result = alike(split, "Plain", "Weak", "Strong", max_epochs=6).run(folder, progress=False)
    after = result.curves.sort(order)
    assert after.filter(pl.col("epoch") < 4).equals(before)
    assert len(after) == 6 * 6
    with StudyFolder.open(folder, "read") as opened, StoreReader(opened) as store:
        started = [note.text.partition(" on ")[0] for note in store.notes() if note.kind == "run started"]
    assert sorted(started[-2:]) == [f"Weak, seed {seed}, 300 rows: from epoch 4" for seed in (1, 2)]


class Crash(Exception):
    """What ends a study in the middle."""


class Crashing:
    """A sink that fails when the first run has taken the lane of another, and that has been stored."""

    def handle(self, event):
        """Take one event."""
        if isinstance(event, StackCheckpoint) and event.parked:
            raise Crash


@pytest.mark.slow
def test_more_runs_than_lanes_end_in_any_number_of_sessions(split, on_device, tmp_path, monkeypatch):
    """Six runs of models of one's own in two lanes, cut off in the middle: the same curves as without."""
    monkeypatch.setattr(train, "MAX_LANES_TOGETHER", 2)
    order = ["variant", "seed", "epoch"]
    whole = own_models(split).run(tmp_path / "whole", progress=False).curves.sort(order)
    assert len(whole) == 6 * 4
    folder = tmp_path / "cut"
    with pytest.raises(Crash):
        run_study(own_models(split), folder, RunOptions(), sinks=[Crashing()])
    with StudyFolder.open(folder, "read") as opened, StoreReader(opened) as store:
        assert [record.lanes for record in store.checkpoints()] == [
            tuple(RunKey(name, seed, 300) for seed in (1, 2)) for name in ("Weak", "Plain")
        ]
    assert own_models(split).run(folder, progress=False).curves.sort(order).equals(whole)
