"""Runs dealt out to stacks: longest first, evenly over workers, nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from justright.data.read import read_table
from justright.errors import InputError
from justright.runs.events import RunKey, StepTraced
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.study import Study
from justright.study.variant import Variant
from justright.workers.plan import MAX_LANES, SMALL_PARAMETERS, SavedStack, companion_groups, plan_stacks

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
        together: {
            stack.variant: len(stack.runs) for stack in plan(split, seeds=6, workers=1, together=together)
        }
        for together in (False, True)
    }
    assert (lanes[False]["Large"], lanes[False]["Small"]) == (1, 6)
    assert (lanes[True]["Large"], lanes[True]["Small"]) == (6, 6)


def dealt(split, *, seeds, workers, names, **options):
    """Return the variant and the number of lanes of each stack on accelerators, in order."""
    variants = [one for one in VARIANTS if one.name in names]
    stacks = plan(split, seeds=seeds, workers=workers, variants=variants, together=True, **options)
    runs = [run for stack in stacks for run in stack.all_runs]
    assert len(runs) == len(set(runs)) == seeds * len(variants)
    return [(stack.variant, len(stack.runs)) for stack in stacks]


@pytest.mark.parametrize(
    ("names", "seeds", "workers", "expected"),
    [
        ("Small", 6, 1, [("Small", 6)]),
        ("Small", 6, 4, [("Small", 2), ("Small", 2), ("Small", 1), ("Small", 1)]),
        ("Small", 2, 4, [("Small", 1)] * 2),  # there are no more runs
        # Dropout trains twice as long: two thirds of the work for two of three devices, and one for the rest.
        ("Large Dropped", 4, 3, [("Large", 4), ("Dropped", 2), ("Dropped", 2)]),
        # Next to a large network a small one takes no time: it is compiled for one device only.
        ("Small Large", 4, 2, [("Large", 2), ("Large", 2), ("Small", 4)]),
        (
            "Small",
            600,
            2,
            [("Small", 150)] * 2,
        ),  # of 300 for each of them, as many lanes as those that wait fill, too
    ],
)
def test_accelerators_share_the_seeds_of_a_network_so_that_none_idles(split, names, seeds, workers, expected):
    """As few stacks as give each of them its share of the work: every stack must be compiled."""
    lanes = dealt(split, seeds=seeds, workers=workers, names=names.split(), max_lanes=256)
    assert sorted(lanes, key=lambda one: one[0] == "Small") == expected


@pytest.mark.parametrize(
    ("workers", "expected"),
    [(1, ["Small", "Dropped", "Large"]), (2, ["Dropped", "Large", "Small"])],
)
def test_a_single_accelerator_trains_the_smallest_network_while_the_others_compile(split, workers, expected):
    """Its program is there first, and with one device the order of the others does not matter; with several it does."""
    lanes = dealt(split, seeds=1, workers=workers, names=["Small", "Large", "Dropped"])
    assert [variant for variant, _ in lanes] == expected


def test_stacks_that_continue_take_devices_of_their_own(split):
    """The others are dealt out over what is left."""
    runs = tuple(RunKey("Large", seed, 60) for seed in (1, 2, 3))
    saved = [SavedStack("saved", "checkpoints/saved.safetensors", runs)]
    lanes = dealt(split, seeds=6, workers=2, names=["Large"], saved=saved)
    assert lanes == [("Large", 3), ("Large", 3)]


def test_every_stack_says_how_many_devices_train_it(split):
    """One, unless the plan says otherwise."""
    for devices in (1, 4):
        assert {stack.devices for stack in plan(split, together=True, devices=devices)} == {devices}
    assert {stack.devices for stack in plan(split)} == {1}


GRID = (
    Variant("Plain", mlp(4)),
    Variant("L2 0.1", mlp(4, l2=0.1)),
    Variant("L2 0.2", mlp(4, l2=0.2)),
    Variant("Dropped", mlp(4, dropout=0.5)),
    Variant("Long L2", mlp(4, l2=0.1), Recipe(max_epochs=200)),
)
ALIKE = ("Plain", "L2 0.1", "L2 0.2")


def grid_plan(split, **options):
    """Return the plan of a study of the variants above."""
    study = Study(split, GRID, Recipe(max_epochs=100), seeds=options.pop("seeds", 2))
    return study, plan_stacks(
        study,
        parameters=dict.fromkeys((one.name for one in GRID), 21),
        workers=options.pop("workers", 1),
        model_path=lambda run: f"models/{run.variant}/seed-{run.seed}.keras",
        **options,
    )


def test_variants_that_differ_in_strengths_alone_share_a_stack_on_an_accelerator(split):
    """Other layers and other recipes have stacks of their own; the program is that of a network with all penalties."""
    study, stacks = grid_plan(split, together=True)
    by_name = {stack.name: stack for stack in stacks}
    assert set(by_name) == {
        "Plain-and-2-more-rows-60-seeds-1-2-x6",
        "Dropped-rows-60-seeds-1-2-x2",
        "Long L2-rows-60-seeds-1-2-x2",
    }
    mixed = by_name["Plain-and-2-more-rows-60-seeds-1-2-x6"]
    assert mixed.runs == tuple(RunKey(name, seed, 60) for name in ALIKE for seed in (1, 2))
    assert mixed.models == tuple(f"models/{run.variant}/seed-{run.seed}.keras" for run in mixed.runs)
    assert (mixed.variant, mixed.build) == ("L2 0.1", mlp(4, l2=0.1))
    for name in ALIKE:
        own = mixed.of(name)
        variant = study.variant(name)
        assert (own.variant, own.build, own.recipe) == (name, variant.build, study.recipe_of(variant))
    assert by_name["Dropped-rows-60-seeds-1-2-x2"].members == {}


def test_they_do_not_on_a_cpu(split):
    """Lanes are computed one after the other there."""
    _, stacks = grid_plan(split)
    assert sorted({run.variant for run in stack.runs} == {stack.variant} for stack in stacks) == [True] * 5


def test_stacks_that_began_on_an_accelerator_are_not_mapped_on_a_cpu(split):
    """Each lane has strengths of its own, and those that wait take the lanes of others; where a stack is neither, it is."""
    runs = [tuple(RunKey(name, seed, 60) for seed in (1, 2)) for name in ALIKE]
    saved = [
        SavedStack("mixed", "a.safetensors", (*runs[0], *runs[1])),
        SavedStack("waiting", "b.safetensors", runs[2][:1], runs[2][1:]),
    ]
    _, stacks = grid_plan(split, saved=saved)
    by_name = {stack.name: stack.together for stack in stacks}
    assert (by_name.pop("mixed"), by_name.pop("waiting")) == (True, True)
    assert by_name
    assert not any(by_name.values())


@pytest.mark.parametrize(("seeds", "most", "workers"), [(3, 4, 1), (5, 256, 3), (2, 1, 2)])
def test_stacks_of_several_variants_have_names_of_their_own(seeds, most, workers, split):
    """However their runs are dealt out; each run is in one of them."""
    _, stacks = grid_plan(split, seeds=seeds, together=True, max_lanes=most, workers=workers)
    assert len({stack.name for stack in stacks}) == len(stacks)
    runs = [run for stack in stacks for run in stack.all_runs]
    assert len(set(runs)) == len(runs) == 5 * seeds
    for stack in stacks:
        assert len(stack.runs) <= most
        assert stack.models == tuple(f"models/{run.variant}/seed-{run.seed}.keras" for run in stack.all_runs)


def test_the_runs_of_a_stack_are_one_group_until_the_study_changes(split):
    """Variants that are left out, and those with another recipe now, train no longer with the others."""
    _, stacks = grid_plan(split, together=True)
    runs = next(stack.runs for stack in stacks if len(stack.runs) == 6)
    kept = {"Plain": Variant("Plain", mlp(4)), "L2 0.1": Variant("L2 0.1", mlp(4, l2=0.1))}
    study = Study(split, tuple(kept.values()), Recipe(max_epochs=100), seeds=2)
    assert companion_groups(study, runs) == [runs[:4], runs[4:]]
    longer = Study(
        split,
        (kept["Plain"], Variant("L2 0.1", mlp(4, l2=0.1), Recipe(max_epochs=300))),
        Recipe(max_epochs=100),
    )
    assert companion_groups(longer, runs) == [runs[:2], runs[2:4], runs[4:]]
    same = Study(split, GRID, Recipe(max_epochs=100), seeds=2)
    assert companion_groups(same, runs) == [runs]


@pytest.mark.parametrize(
    ("seeds", "most", "lanes", "waiting"),
    [(10, 256, 10, 0), (10, 4, 4, 6), (300, 256, 150, 150), (9, 8, 5, 4)],
)
def test_runs_beyond_the_lanes_of_a_stack_wait_in_it(seeds, most, lanes, waiting, split):
    """On an accelerator: they take the lanes of those that end, as many as fill the lanes the last time, too."""
    stacks = plan(split, seeds=seeds, workers=1, variants=VARIANTS[:1], together=True, max_lanes=most)
    assert [(len(stack.runs), len(stack.waiting)) for stack in stacks] == [(lanes, waiting)]
    assert stacks[0].all_runs == tuple(RunKey("Small", seed, 60) for seed in range(1, seeds + 1))


def test_a_saved_stack_keeps_its_runs_that_wait(split):
    """They are in no other stack."""
    seats = [tuple(RunKey("Small", seed, 60) for seed in part) for part in ((3, 2), (4, 5))]
    saved = SavedStack("old", "checkpoints/old.safetensors", *seats)
    stacks = plan(split, seeds=6, workers=1, variants=VARIANTS[:1], together=True, saved=[saved])
    by_name = {stack.name: stack for stack in stacks}
    assert (by_name["old"].runs, by_name["old"].waiting) == tuple(seats)
    del by_name["old"]
    assert [stack.all_runs for stack in by_name.values()] == [
        tuple(RunKey("Small", one, 60) for one in (1, 6))
    ]


def test_no_stack_has_more_lanes_than_are_worth_having(split):
    """Nor more than memory allows; a CPU does not ask."""
    for most, worth, lanes in ((256, 3, 3), (2, 8, 2), (256, 8, 6)):
        options = {"seeds": 6, "workers": 1, "variants": VARIANTS[:1], "max_lanes": most}
        stacks = plan(split, together=True, lanes_worth=lambda stack, worth=worth: worth, **options)
        assert [(len(stack.runs), len(stack.all_runs)) for stack in stacks] == [(lanes, 6)]
        assert plan(split, lanes_worth=lambda stack: 1, **options) == plan(split, **options)


OWN = tuple(Variant(name, dict) for name in ("One", "Two", "Other"))
STEPS = {
    name: StepTraced(name, form) for name, form in (("One", "same"), ("Two", "same"), ("Other", "another"))
}


def own_plan(split, traced, saved=()):
    """Return the stacks of models of one's own."""
    study = Study(split, OWN, Recipe(max_epochs=100), seeds=2, neighbours=False)
    parameters = {one.name: 9 for one in OWN}
    options = {"workers": 1, "together": True, "model_path": str, "traced": traced, "saved": saved}
    return plan_stacks(study, parameters=parameters, **options)


def test_models_of_ones_own_share_a_program_if_their_steps_are_the_same(split):
    """Others have one of their own, as do those whose steps were not traced."""
    stacks = own_plan(split, STEPS)
    assert {(stack.variants, stack.form) for stack in stacks} == {
        (("One", "Two"), "same"),
        (("Other",), "another"),
    }
    assert {(stack.variants, stack.form) for stack in own_plan(split, {})} == {
        ((one.name,), "") for one in OWN
    }


def test_models_that_began_together_and_differ_now_are_refused(split):
    """Whoever changed a function between two sessions would have one network trained as the other."""
    runs = tuple(RunKey(name, 1, 60) for name in ("One", "Two"))
    saved = [SavedStack("old", "checkpoints/old.safetensors", runs)]
    assert own_plan(split, STEPS, saved)
    changed = {**STEPS, "Two": StepTraced("Two", "changed")}
    missing = {name: step for name, step in STEPS.items() if name != "Two"}
    for traced in (changed, missing):
        with pytest.raises(InputError) as caught:
            own_plan(split, traced, saved)
        assert str(caught.value) == (
            "Variants 'One', 'Two' began to train in one program, and their models now differ in more than strengths. Build "
            "them as they were built then, or start in a fresh folder with --new."
        )
