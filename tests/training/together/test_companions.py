"""Several variants in one stack: each lane trains as it would among lanes of its own variant."""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
from tests.stacks import adam

from justright.records.checkpoints import read_tensors, take_lanes, write_tensors
from justright.records.models import save_model_atomically
from justright.runs.events import EpochBlock, RunFinished, RunKey, StackCheckpoint
from justright.runs.shared_programs import companions
from justright.runs.tasks import Member, StackTask, Storage
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.training import stack
from justright.training.network import build_network
from justright.training.stack import run_stack
from justright.training.together import companions as lanes

# Lanes end at different epochs, by patience or by the rule, which remembers something of each.
RECIPE = Recipe(*(100, 30, 4, None, adam(0.02)), batch_orders="device")
SETTLED = replace(RECIPE, stop="settled", optimizer=adam(0.05))
TOLERANCE = 2e-5  # the order of float32 sums


def decayed(rate, decay):
    """Return a recipe with a weight decay."""
    config = {"learning_rate": rate, "weight_decay": decay}
    return replace(RECIPE, optimizer={"module": "keras.optimizers", "class_name": "AdamW", "config": config})


PENALTIES = {"none": (mlp(6), RECIPE), "some": (mlp(6, l2=0.01), RECIPE)}
MASKS = {"a": (mlp(6, dropout=0.2, l2=0.01), SETTLED), "b": (mlp(6, dropout=0.6), SETTLED)}
RATES = {
    "a": (mlp(6, batch_normalization=True, l1=0.1), decayed(0.02, 0.1)),
    "b": (mlp(6, batch_normalization=True, l1=0.2), decayed(0.003, 0.5)),
}


@dataclass(frozen=True)
class Found:
    """What a stack said of its runs."""

    curves: dict
    rows: dict
    finished: dict
    checkpoints: list
    folder: object


class Stacks:
    """Trains stacks in folders of their own; programs are shared."""

    def __init__(self, rows, place):
        self.rows, self.place, self.programs = rows, place, {}

    def task(self, variants, seeds, **options):
        """Return the task of all seeds of some variants: name -> (build, recipe)."""
        known = {
            name: Member(build, recipe.resolve("binary", len(self.rows.train[0])))
            for name, (build, recipe) in variants.items()
        }
        assert len({companions(name, one.build, one.recipe) for name, one in known.items()}) == 1
        runs = tuple(RunKey(name, seed, len(self.rows.train[0])) for name in variants for seed in seeds)
        first = next((name for name, one in known.items() if one.build.l2), runs[0].variant)
        return StackTask(
            *("stack", first, known[first].build, known[first].recipe, runs),
            tuple(f"models/{run.variant}-{run.seed}.keras" for run in runs),
            np.arange(len(self.rows.train[0])),
            together=True,
            members=known if len(known) > 1 else {},
            **options,
        )

    def train(self, task, *, is_stopping=lambda: False, folder=None):
        """Return what a stack said, cut off where it was told to stop."""
        folder = folder or self.place.mktemp("stack")
        for name in ("checkpoints", "models"):
            (folder / name).mkdir(exist_ok=True)
        events = []
        storage = Storage(folder, write_tensors, read_tensors, save_model_atomically)
        run_stack(task, self.rows, storage, events.append, is_stopping, self.programs)
        checkpoints = [event for event in events if isinstance(event, StackCheckpoint)]
        return found_in(checkpoints, folder)


def found_in(checkpoints, folder):
    """Return what events said, put together."""
    blocks: dict[RunKey, list[EpochBlock]] = {}
    finished: dict[RunKey, RunFinished] = {}
    for event in checkpoints:
        for block in event.blocks:
            blocks.setdefault(block.run, []).append(block)
        finished |= {one.run: one for one in event.finished}
    curves = {
        run: {name: np.concatenate([one.metrics[name] for one in parts]) for name in parts[0].metrics}
        for run, parts in blocks.items()
    }
    rows = {
        (one.run, one.kind, one.epoch): one.losses
        for part in (*(one for parts in blocks.values() for one in parts), *finished.values())
        for one in part.rows
    }
    return Found(curves, rows, finished, checkpoints, folder)


@pytest.fixture(scope="module")
def stacks(few_rows, tmp_path_factory):
    """What trains stacks here."""
    return Stacks(few_rows, tmp_path_factory)


def assert_same_runs(ours, theirs, runs):
    """Compare everything but times of some runs, bit by bit."""
    for run in runs:
        for name, values in theirs.curves[run].items():
            np.testing.assert_array_equal(ours.curves[run][name], values, err_msg=f"{run} {name}")
        mine, other = (replace(one.finished[run], train_seconds=0, rows=()) for one in (ours, theirs))
        assert mine == other
    keys = {key for key in theirs.rows if key[0] in runs}
    assert {key for key in ours.rows if key[0] in runs} == keys
    for key in keys:
        np.testing.assert_array_equal(ours.rows[key], theirs.rows[key], err_msg=str(key))


@pytest.mark.parametrize("variants", [PENALTIES, MASKS, RATES])
def test_a_lane_among_others_is_the_lane_among_its_own(variants, stacks):
    """With as many lanes, bit by bit: curves, losses of rows, how it ended. Two seeds of two variants, and four of each."""
    ours = stacks.train(stacks.task(variants, (1, 2)))
    ends = {one.epochs for one in ours.finished.values()}
    assert len(ends) > 1
    for name in variants:
        theirs = stacks.train(stacks.task({name: variants[name]}, (1, 2, 3, 4)))
        assert_same_runs(ours, theirs, [run for run in ours.curves if run.variant == name])
    lossy = [curves["loss"] for curves in ours.curves.values()]
    assert len({losses[0] for losses in lossy}) == len(lossy)  # strengths matter from the first epoch on


def test_a_lane_among_others_is_plain_keras(few_rows, stacks, plain_keras):
    """With the host's batch orders, which Keras can be given: an oracle that knows nothing of lanes."""
    plain = {
        name: (build, replace(recipe, batch_orders="host", patience=None, max_epochs=2))
        for name, (build, recipe) in PENALTIES.items()
    }
    ours = stacks.train(stacks.task(plain, (0,)))
    build, recipe = plain["some"]
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model, optimizer = build(few_rows.features, 1), keras.optimizers.deserialize(recipe.optimizer)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    theirs = plain_keras(model, few_rows, recipe, optimizer=optimizer, loss=loss)
    curves = ours.curves["some", 0, len(few_rows.train[0])]
    for name in ("loss", "val_loss", "learning_rate"):
        np.testing.assert_allclose(curves[name], theirs[name], rtol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize(("variants", "count"), [(PENALTIES, 5), (MASKS, 5), (RATES, 2)])
def test_initial_values_are_those_that_keras_gives_each_network(variants, count, stacks, few_rows):
    """Bit by bit, however many seeds there are."""
    task = stacks.task(variants, tuple(range(count)))
    values = lanes.first_values(task, few_rows)
    for lane, run in enumerate(task.runs):
        own = task.of(run.variant)
        network = build_network(
            *(run.variant, own.build, own.recipe),
            seed=run.seed,
            features=few_rows.features,
            outputs=1,
            task="binary",
        )
        for kind, theirs in network.initial_values().items():
            for ours, value in zip(values[kind], theirs, strict=True):
                np.testing.assert_array_equal(ours[lane], value)


def test_few_networks_are_built_for_many_lanes(stacks, few_rows, monkeypatch):
    """Two for the values that Keras draws, and one for each other variant."""
    built = []
    original = lanes.stack_network
    monkeypatch.setattr(
        lanes,
        "stack_network",
        lambda *arguments, **options: built.append(options["seed"]) or original(*arguments, **options),
    )
    variants = {f"v{number}": (mlp(6, l2=0.1 * (number + 1)), RECIPE) for number in range(3)}
    task = stacks.task(variants, tuple(range(20)))
    values = lanes.first_values(task, few_rows)
    assert len(values["weights"][0]) == 60
    assert len(built) == 4


@pytest.mark.parametrize("after", [1, 3])
def test_going_on_from_a_checkpoint_changes_nothing(after, stacks, monkeypatch):
    """Cut off and gone on, the rule's memory of each lane included."""
    monkeypatch.setattr(stack, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(stack, "MAX_CHUNK_EPOCHS", 4)
    task = stacks.task(MASKS, (1, 2))
    whole = stacks.train(task)
    asked = []
    first = stacks.train(task, is_stopping=lambda: asked.append(True) or len(asked) >= after)
    going_on = replace(task, checkpoint=first.checkpoints[-1].path)
    second = stacks.train(going_on, folder=first.folder)
    ours = found_in([*first.checkpoints, *second.checkpoints], first.folder)
    assert_same_runs(ours, whole, list(whole.finished))


def test_the_lanes_of_one_variant_go_on_alone(stacks, monkeypatch):
    """Taken out of a checkpoint, they end as they would have: as float32 does, since there are fewer lanes."""
    monkeypatch.setattr(stack, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(stack, "MAX_CHUNK_EPOCHS", 4)
    task = stacks.task(MASKS, (1, 2))
    whole = stacks.train(task)
    asked = []
    first = stacks.train(task, is_stopping=lambda: asked.append(True) or len(asked) >= 2)
    last = first.checkpoints[-1]
    tensors, metadata = read_tensors(first.folder / last.path)
    path = "checkpoints/alone.safetensors"
    write_tensors(first.folder / path, take_lanes(tensors, [2, 3], 4), metadata)
    alone = stacks.task({"b": MASKS["b"]}, (1, 2), checkpoint=path)
    second = stacks.train(alone, folder=first.folder)
    for run, curves in second.curves.items():
        for name, values in curves.items():
            theirs = whole.curves[run][name][last.epoch :]
            np.testing.assert_allclose(values, theirs, rtol=TOLERANCE, atol=1e-6, err_msg=f"{run} {name}")


@pytest.mark.parametrize("variants", [MASKS, RATES])
def test_each_saved_model_is_that_of_its_variant(variants, stacks, few_rows):
    """Its layers, its optimizer, and its weights: it loses on test rows what the engine measured."""
    found = stacks.train(stacks.task(variants, (1, 2)))
    for run, ended in found.finished.items():
        model = keras.models.load_model(found.folder / ended.model_path)
        build, recipe = variants[run.variant]
        keras.utils.clear_session()
        fresh = build(few_rows.features, 1)
        assert [layer.get_config() for layer in model.layers] == [
            layer.get_config() for layer in fresh.layers
        ]
        rate = recipe.optimizer["config"]["learning_rate"]
        np.testing.assert_allclose(float(model.optimizer.learning_rate), rate, rtol=1e-6)
        logits = model.predict(few_rows.test[0], verbose=0)[:, 0].astype(np.float64)
        losses = np.logaddexp(0.0, logits) - few_rows.test[1] * logits
        np.testing.assert_allclose(losses.mean(), ended.test["binary_crossentropy"], rtol=1e-5)
