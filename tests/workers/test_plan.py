"""Runs dealt out to stacks: longest first, evenly over workers, nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from justright.data.read import read_table
from justright.runs.events import RunKey
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.study import Study
from justright.study.variant import Variant
from justright.workers.plan import MAX_LANES, SMALL_PARAMETERS, SavedStack, plan_stacks

VARIANTS = (
    Variant("Small", mlp(4)),
    Variant("Large", mlp(512, 512)),
    Variant("Dropped", mlp(512, 512, dropout=0.5)),
    Variant("Long", mlp(4), Recipe(batch_size=10, max_epochs=10**7)),
)
PARAMETERS = {"Small": 21, "Large": 265_000, "Dropped": 265_000, "Long": 21}


@pytest.fixture(scope="module")
def split():
    """60 training rows."""
    x = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    return read_table((x, (np.arange(100) % 2).astype(np.float32))).split(validation=20, train=60, test=20)


def plan(split, *, seeds=3, workers=2, variants=VARIANTS, **options):
    """Return the plan of a study of the variants above."""
    study = Study(split, variants, Recipe(max_epochs=100), seeds=seeds, **options.pop("study", {}))
    return plan_stacks(
        study,
        parameters=PARAMETERS,
        workers=workers,
        model_path=lambda run: f"models/{run.variant}/seed-{run.seed}-{run.train_rows}.keras",
        **options,
    )


def test_every_run_is_in_exactly_one_stack(split):
    """For several numbers of seeds and workers, training sizes included."""
    for seeds, workers in ((1, 1), (3, 2), (7, 3), (130, 1)):
        stacks = plan(split, seeds=seeds, workers=workers, study={"train_sizes": [20, 60]})
        runs = [run for stack in stacks for run in stack.runs]
        expected = {
            RunKey(member.name, seed, rows)
            for member in VARIANTS
            for seed in range(1, seeds + 1)
            for rows in (20, 60)
        }
        assert len(runs) == len(set(runs))
        assert set(runs) == expected
        assert len({stack.name for stack in stacks}) == len(stacks)
        for stack in stacks:
            assert {(run.variant, run.train_rows) for run in stack.runs} == {
                (stack.variant, len(stack.train_index))
            }
            assert len(stack.models) == len(stack.runs) <= MAX_LANES


def test_the_longest_start_first(split):
    """Ten million epochs of a small network, then dropout (which learns longer), then the rest."""
    order = list(dict.fromkeys(stack.variant for stack in plan(split)))
    assert order == ["Long", "Dropped", "Large", "Small"]


def test_small_networks_share_programs_evenly_and_large_ones_do_not(split):
    """Seeds of a small network are dealt out over the workers; each run of a large one is a stack of its own."""
    assert PARAMETERS["Small"] <= SMALL_PARAMETERS < PARAMETERS["Large"]
    for seeds, workers, lanes in ((4, 2, [2, 2]), (5, 2, [3, 2]), (3, 4, [1, 1, 1]), (130, 1, [64, 64, 2])):
        stacks = plan(split, seeds=seeds, workers=workers)
        assert [len(stack.runs) for stack in stacks if stack.variant == "Small"] == lanes
        assert [len(stack.runs) for stack in stacks if stack.variant == "Large"] == [1] * seeds


def test_ended_runs_are_left_out_and_saved_stacks_stay_as_they_were(split):
    """A checkpoint's lanes stay together under their name, ended ones included; nothing else repeats them."""
    small = tuple(RunKey("Small", seed, 60) for seed in (1, 2))
    ended = {RunKey("Large", 1, 60), RunKey("Small", 1, 60), RunKey("Small", 3, 60)}
    stacks = plan(split, ended=ended, saved=[SavedStack("old name", "checkpoints/old.safetensors", small)])
    (saved,) = [stack for stack in stacks if stack.checkpoint]
    assert (saved.name, saved.runs, saved.checkpoint) == ("old name", small, "checkpoints/old.safetensors")
    runs = [run for stack in stacks for run in stack.runs]
    assert len(runs) == len(set(runs))
    assert RunKey("Large", 1, 60) not in runs
    assert RunKey("Small", 3, 60) not in runs


def test_nothing_is_left_to_plan_when_all_runs_have_ended(split):
    """No stacks, and no error."""
    everything = {RunKey(member.name, seed, 60) for member in VARIANTS for seed in (1, 2, 3)}
    assert plan(split, ended=everything) == []


def test_large_networks_share_a_program_where_lanes_are_computed_together(split):
    """An accelerator is not filled by one 512-wide network; on a CPU each is a stack of its own."""
    lanes = {
        together: {stack.variant: len(stack.runs) for stack in plan(split, seeds=6, together=together)}
        for together in (False, True)
    }
    assert (lanes[False]["Large"], lanes[False]["Small"]) == (1, 3)
    assert (lanes[True]["Large"], lanes[True]["Small"]) == (3, 3)
