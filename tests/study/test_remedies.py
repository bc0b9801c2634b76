"""A contract over every remedy of the catalogue: one change, which builds, trains and survives a study file."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path

import keras
import numpy as np
import pytest
from tests.refusals import refusal

from justright.data.read import read_table
from justright.higgs.columns import HIGGS_FEATURES
from justright.higgs.physics import COLUMN_OPTIONS, HiggsMlp
from justright.higgs.tutorial import LADDER_BASE, LADDER_EPOCHS, LADDER_STEPS
from justright.study.catalogue import catalogue, ladder, remedies, remedy_named
from justright.study.directions import FREER as UNDERFIT_CHANGES
from justright.study.families import Mlp, mlp
from justright.study.recipe import Recipe
from justright.study.remedy import Facts
from justright.study.spec import study_from_dict, study_to_dict
from justright.study.studies import default_split, named_study
from justright.study.study import Study
from justright.study.variant import Variant

CATALOGUE = catalogue()
BASE = Variant("Large", mlp(64, 64, 64, 64))
FACTS = Facts("binary", HIGGS_FEATURES, 10_000, Recipe(max_epochs=50).resolve("binary", 10_000))
CASES = [(remedy, strength) for remedy in CATALOGUE for strength in remedy.strengths]


@pytest.fixture(scope="module")
def higgs():
    """The packaged table, split as the tutorial does."""
    return default_split(read_table("higgs-sim"))


def changed_options(before: object, after: object) -> set[str]:
    """Names of the options in which two dataclasses differ, those only one of them has at their defaults included."""
    defaults = {one.name: one.default for one in (*fields(before), *fields(after))}
    values = [{one.name: getattr(item, one.name) for one in fields(item)} for item in (before, after)]
    return {
        name
        for name in defaults
        if values[0].get(name, defaults[name]) != values[1].get(name, defaults[name])
    }


@pytest.mark.parametrize(("remedy", "strength"), CASES, ids=[f"{one.name} {at:g}" for one, at in CASES])
def test_a_remedy_changes_one_thing(remedy, strength):
    """Either the architecture or the recipe, in one option (two where it is made of two); the rest stays."""
    made = remedy.apply(BASE, strength, FACTS)
    build = changed_options(BASE.build, made.build) - set(
        COLUMN_OPTIONS
    )  # which columns: no change by themselves
    recipe = changed_options(FACTS.recipe, FACTS.recipe_of(made))
    assert len(build) + len(recipe) == (2 if "+" in remedy.name or remedy.name == "Longer training" else 1)
    assert (made.baseline, made.remedy, made.name) == ("Large", remedy.name, remedy.label(strength))
    assert (made.change in UNDERFIT_CHANGES) == (remedy.name == "Longer training")
    if remedy.needs_family:
        assert not recipe
    else:
        assert not build


@pytest.mark.parametrize("remedy", CATALOGUE, ids=lambda remedy: remedy.name)
def test_a_remedy_builds_with_keras(remedy):
    """Model and optimizer of its strongest variant, and an output for each row."""
    made = remedy.apply(BASE, remedy.strengths[-1], FACTS)
    model = made.build(28, 1)
    assert model(np.zeros((3, 28), np.float32)).shape == (3, 1)
    assert keras.optimizers.deserialize(dict(FACTS.recipe_of(made).optimizer)).get_config()


def test_the_documented_catalogue_is_the_catalogue():
    """docs/remedies.md has a row for each remedy, with its sentence and its strengths."""
    page = (Path(__file__).parents[2] / "docs" / "remedies.md").read_text(encoding="utf-8")
    for remedy in CATALOGUE:
        strengths = ", ".join(f"{one:g}" for one in remedy.strengths) if remedy.has_degrees else "–"
        assert f"| {remedy.name} | {remedy.summary} | {strengths} |\n" in page


def test_every_usual_remedy_is_in_the_catalogue():
    """What a textbook would name; early stopping and the ensemble of seeds are measured in every study of remedies."""
    assert {remedy.name for remedy in CATALOGUE} >= {
        *("Fewer units", "Fewer layers", "L1", "L2", "L1 + L2", "AdamW", "Dropout", "L2 + dropout"),
        *("Batch normalisation", "Input noise", "Mixup", "Label smoothing", "Weight averaging"),
        *("Random turns", "Random reflections", "Standardised inputs"),
    }


def test_strengths_are_few_and_named_apart():
    """One or two to four, weakest first for penalties and shares; names differ."""
    assert all(1 <= len(remedy.strengths) <= 4 for remedy in CATALOGUE)
    assert len({remedy.name for remedy in CATALOGUE}) == len(CATALOGUE)
    for remedy in CATALOGUE:
        growing = remedy.name != "Fewer units"  # the weakest keeps the most
        assert list(remedy.strengths) == sorted(remedy.strengths, reverse=not growing)


def test_the_whole_catalogue_survives_a_study_file(higgs):
    """Roles, families and recipes come back as they were."""
    study = named_study("remedies").on(higgs)
    again = study_from_dict(study_to_dict(study), higgs)
    assert again.variants == study.variants
    assert {variant.remedy for variant in study.variants} >= {remedy.name for remedy in CATALOGUE}


def test_weight_decay_keeps_the_schedule():
    """Keras' AdamW with the same falling learning rate; other optimizers take the decay themselves."""
    made = remedy_named("AdamW").apply(BASE, 0.1, FACTS)
    before = FACTS.recipe.optimizer["config"]["learning_rate"]
    assert made.recipe.optimizer["config"]["learning_rate"] == before
    optimizer = keras.optimizers.deserialize(
        deepcopy(dict(made.recipe.optimizer))
    )  # Keras changes what it reads
    assert type(optimizer) is keras.optimizers.AdamW
    assert optimizer.weight_decay == 0.1
    sgd = replace(BASE, recipe=Recipe(optimizer=keras.optimizers.SGD(0.1)))
    decayed = keras.optimizers.deserialize(
        dict(remedy_named("AdamW").apply(sgd, 0.1, FACTS).recipe.optimizer)
    )
    assert (type(decayed), decayed.weight_decay) == (keras.optimizers.SGD, 0.1)


def test_the_cosine_ends_at_the_epoch_limit():
    """Zero after the last step of the last epoch, half-way the half."""
    made = remedy_named("Cosine schedule").apply(BASE, 0.003, FACTS)
    schedule = keras.optimizers.deserialize(dict(made.recipe.optimizer))._learning_rate
    steps = 50 * 20
    assert float(schedule(0)) == pytest.approx(0.003)
    assert float(schedule(steps // 2)) == pytest.approx(0.0015)
    assert float(schedule(steps)) == pytest.approx(0, abs=1e-9)


def test_strengths_that_change_nothing_are_left_out():
    """One hidden layer cannot lose any; two lose one, whatever is asked."""
    single = Variant("Tiny", mlp(16), recipe=Recipe(ema=0.98))
    names = [one.name for one in remedies(single, FACTS)]
    assert not any(name.startswith("Fewer layers") for name in names)
    averages = [name for name in names if name.startswith("Weight averaging")]
    assert averages == ["Weight averaging 0.995", "Weight averaging 0.998"]
    two = remedies(Variant("Small", mlp(16, 16)), FACTS, only=["Fewer layers"])
    assert [one.build.units for one in two] == [(16,)]


def test_any_keras_model_gets_what_needs_no_change_of_architecture():
    """Remedies of the recipe, and a user's own augmentation, which is a builder of its own."""
    made = remedies(
        Variant("Mine", lambda: keras.Sequential([keras.Input((28,)), keras.layers.Dense(1)])),
        FACTS,
        extra={"Mine, jittered": mlp(4)},
    )
    assert {one.remedy for one in made} == {
        *(remedy.name for remedy in CATALOGUE if not remedy.needs_family),
        "Mine, jittered",
    }
    assert all(one.baseline == "Mine" for one in made)


def test_a_table_gets_only_remedies_that_make_sense_for_it():
    """No symmetries without azimuths, no smoothed labels without labels."""
    plain = Facts("regression", ("a", "b"), 100, Recipe().resolve("regression", 100))
    names = {one.remedy for one in remedies(BASE, plain)}
    assert names == {
        remedy.name
        for remedy in CATALOGUE
        if remedy.name != "Label smoothing"
        and not isinstance(remedy.apply(BASE, remedy.strengths[0], FACTS).build, HiggsMlp)
    }


def test_steps_build_on_each_other():
    """Each changes one thing of the one before; the last has them all."""
    steps = ladder(LADDER_BASE, LADDER_STEPS, FACTS)
    count = len(LADDER_STEPS[-1][1])  # strengths of the last step, all made from the step before
    chain = steps[: len(steps) - count]
    assert [step.baseline for step in steps] == [
        "Base",
        *(step.name for step in chain),
        *([chain[-1].name] * (count - 1)),
    ]
    last = steps[-1]
    assert isinstance(last.build, HiggsMlp)
    assert last.build.units == LADDER_BASE.build.units
    for before, after in zip((LADDER_BASE, *chain), steps, strict=False):
        changes = changed_options(before.build, after.build) - set(COLUMN_OPTIONS)
        assert len(changes | changed_options(FACTS.recipe_of(before), FACTS.recipe_of(after))) == 1
    plain = Facts("binary", ("a", "b"), 10_000, FACTS.recipe)
    assert not any(isinstance(step.build, HiggsMlp) for step in ladder(LADDER_BASE, LADDER_STEPS, plain))


def test_a_caller_s_epoch_limit_is_the_combination_s_too(higgs):
    """`--max-epochs 3` shortens everything (longer training has twice that); without it the combination has its own."""
    short = named_study("remedies").on(higgs, recipe=Recipe(max_epochs=3))
    limits = {variant.name: short.recipe_of(variant).max_epochs for variant in short.variants}
    assert limits.pop("Longer training") == 6
    assert set(limits.values()) == {3}
    own = named_study("remedies").on(higgs)
    assert own.recipe_of(own.variant("Base")).max_epochs == LADDER_EPOCHS != own.recipe.max_epochs


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: remedies(BASE, FACTS, only=["Droput"]),
            "`remedy` must be one of "
            + ", ".join(repr(remedy.name) for remedy in CATALOGUE)
            + "; got 'Droput'. Did you mean 'Dropout'?",
        ),
        (
            lambda: remedy_named("Random turns").apply(BASE, 1, replace(FACTS, feature_names=("a", "b"))),
            (
                "Remedy 'Random turns' must have a baseline of a family, such as mlp(64, 64), and a table it is for; "
                "got variant 'Large'. Leave the remedy out."
            ),
        ),
        (
            lambda: remedies(Variant("Tiny", mlp(16)), FACTS, only=["Fewer layers"]),
            "Variant 'Tiny' must be changed by some remedy; none of ['Fewer layers'] does.",
        ),
        (
            lambda: Variant("L2", mlp(4), remedy="L2"),
            "Variant 'L2' is a remedy (L2) and must name its `baseline`; got None.",
        ),
        (
            lambda: Variant("L2", mlp(4), baseline="Large", remedy="L2", strength="strong"),
            "The strength of variant 'L2' must be a finite number; got 'strong'.",
        ),
    ],
)
def test_bad_values_are_refused(make, message):
    """One whole sentence each."""
    assert refusal(make) == message


def test_remedies_of_a_split_use_its_table(higgs):
    """`jr.remedies(baseline, split)` finds columns and rows in the split, and the study takes the variants."""
    base = Variant("Mine", Mlp((8,)))
    study = Study(higgs, [base, *remedies(base, higgs, only=["Random turns", "Dropout"])])
    assert [variant.name for variant in study.variants] == [
        "Mine",
        "Random turns",
        "Dropout 0.2",
        "Dropout 0.5",
        "Dropout 0.7",
    ]
