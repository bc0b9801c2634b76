"""Several variants in one stack: each lane trains as it would among lanes of its own variant."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from tests.stacks import stops_after
from tests.training.together.mixed_stacks import (
    MASKS,
    PENALTIES,
    RATES,
    RECIPE,
    TOLERANCE,
    assert_same_runs,
    found_in,
)

from justright.study.families import mlp
from justright.training.network import build_network
from justright.training.program import stack_program
from justright.training.together import companions as lanes


def beginnings(task, stacks):
    """Return what the runs of a stack begin with."""
    program = stack_program(task, stacks.rows, stacks.programs)
    return lanes.Beginnings(task, stacks.rows, program, program.network)


@pytest.mark.parametrize("variants", [PENALTIES, MASKS, RATES])
def test_a_lane_among_others_is_the_lane_among_its_own(variants, stacks):
    """With as many lanes, bit by bit: curves, losses of rows, how it ended. A seed of two variants, and two seeds of each."""
    ours = stacks.train(stacks.task(variants, (1,)))
    ends = {one.epochs for one in ours.finished.values()}
    assert len(ends) > 1
    for name in variants:
        theirs = stacks.train(stacks.task({name: variants[name]}, (1, 2)))
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
    values = beginnings(task, stacks).values(task.runs)
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
    values = beginnings(task, stacks).values(task.runs)
    assert len(values["weights"][0]) == 60
    assert len(built) == 6  # one more for the strengths of each other variant


def test_going_on_from_a_checkpoint_changes_nothing(stacks):
    """Cut off and gone on, the rule's memory of each lane included."""
    task = stacks.task(MASKS, (1,))
    whole = stacks.train(task)
    first = stacks.train(task, is_stopping=stops_after(3))
    going_on = replace(task, checkpoint=first.checkpoints[-1].path)
    second = stacks.train(going_on, folder=first.folder)
    ours = found_in([*first.checkpoints, *second.checkpoints], first.folder)
    assert_same_runs(ours, whole, list(whole.finished))


def test_each_saved_model_is_that_of_its_variant(stacks, few_rows):
    """Its layers, its optimizer, and its weights: it loses on test rows what the engine measured."""
    found = stacks.train(stacks.task(RATES, (1,)))
    for run, ended in found.finished.items():
        model = keras.models.load_model(found.folder / ended.model_path)
        build, recipe = RATES[run.variant]
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
