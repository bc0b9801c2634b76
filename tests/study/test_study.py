"""Studies: what is refused, what runs they consist of, and the built-in ones."""

from __future__ import annotations

import numpy as np
import pytest
from tests.refusals import refusal

from justright.data.read import read_table
from justright.errors import InputError
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.studies import default_split, named_study, studies
from justright.study.study import Study
from justright.study.variant import Variant

PARAMETERS = {"Tiny": 481, "Small": 753, "Medium": 10_241, "Large": 803_329}


def test_every_combination_is_a_run(split):
    """Variants, then training sizes, then seeds, in the order of the description; sizes sorted and once each."""
    study = Study(split, {"b": mlp(2), "a": mlp(3)}, seeds=[7, 3], train_sizes=[60, 20, 20])
    runs = [(variant.name, seed, rows) for variant, seed, rows in study.runs()]
    assert runs == [(name, seed, rows) for name in "ba" for rows in (20, 60) for seed in (7, 3)]


def test_a_number_of_seeds_counts_from_one(split):
    """As people count."""
    assert Study(split, {"a": mlp(2)}, seeds=3).seeds == (1, 2, 3)


def test_recipes_are_resolved_for_the_table(split):
    """The study's and a variant's own: monitor and schedule are filled in from the table."""
    own = Variant("own", mlp(2), Recipe(batch_size=7))
    study = Study(split, (Variant("plain", mlp(2)), own))
    assert study.recipe_of(study.variant("plain")) == Recipe().resolve("binary", 60)
    assert study.recipe_of(study.variant("own")) == Recipe(batch_size=7).resolve("binary", 60)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 0}, "`seeds` must be a number in 1..10000 or a list of seeds; got 0."),
        ({"seeds": 10_001}, "`seeds` must be a number in 1..10000 or a list of seeds; got 10001."),
        ({"seeds": []}, "`seeds` must be a number in 1..10000 or a list of seeds; got []."),
        ({"seeds": True}, "`seeds` must be a number in 1..10000 or a list of seeds; got True."),
        ({"seeds": "3"}, "`seeds` must be a number in 1..10000 or a list of seeds; got '3'."),
        ({"seeds": [1, -1]}, "A seed must be a whole number in 0..2147483647; got -1."),
        ({"seeds": [2**31]}, "A seed must be a whole number in 0..2147483647; got 2147483648."),
        ({"seeds": [1, 2, 1]}, "`seeds` must differ from each other; got [1, 2, 1]."),
        ({"train_sizes": [61]}, "`train_sizes` must be whole numbers in 1..60, the training rows; got 61."),
        ({"train_sizes": [0]}, "`train_sizes` must be whole numbers in 1..60, the training rows; got 0."),
        ({"train_sizes": 20}, "`train_sizes` must be a list of whole numbers; got 20."),
        ({"margin": 0}, "`margin` must be a positive number in units of the loss; got 0."),
        ({"margin": float("nan")}, "`margin` must be a positive number in units of the loss; got nan."),
        ({"reference": "no"}, "`reference` must be true or false; got 'no'."),
        (
            {"variants": [Variant("a", mlp(2), baseline="b")]},
            "The baseline of variant 'a' must be another variant of the study; got 'b'.",
        ),
        (
            {"variants": [Variant("a", mlp(2), baseline="a")]},
            "The baseline of variant 'a' must be another variant of the study; got 'a'.",
        ),
    ],
)
def test_bad_values_are_refused(options, message, split):
    """One whole sentence each, before anything is built."""
    arguments = {"variants": {"a": mlp(2)}} | options
    assert refusal(Study, split, arguments.pop("variants"), **arguments) == message


def test_a_table_in_place_of_its_split_and_a_dictionary_as_recipe_are_refused(split):
    """Both at once, and each with what to write."""
    assert refusal(Study, split.table, {"a": mlp(2)}, {"batch_size": 7}) == (
        "`split` must be the split of a table, such as jr.read_table(...).split(validation=0.2); got a Table. Say which rows "
        "train, validate and test. `recipe` must be a jr.Recipe; got a dict. Write jr.Recipe(batch_size=..., max_epochs=...)."
    )


@pytest.mark.parametrize("name", studies())
def test_built_in_studies_hold_the_tutorial_s_networks(name):
    """Their sizes are the tutorial's, and what a remedy changes is one thing."""
    study = named_study(name)
    assert study.name == name
    for one in study.variants:
        expected = PARAMETERS.get(one.name, PARAMETERS["Large"])
        assert one.build(28, 1).count_params() == expected
        assert one.baseline == ("Large" if one.group == "regularizers" else None)


def test_an_unknown_study_is_refused_with_the_nearest_name():
    """What `--study` takes is listed."""
    with pytest.raises(InputError) as caught:
        named_study("size")
    listed = ", ".join(repr(name) for name in studies())
    assert str(caught.value) == f"`study` must be one of {listed}; got 'size'. Did you mean 'sizes'?"


def test_higgs_is_split_as_in_the_tutorial():
    """The first 1,000 rows validate, the next 10,000 learn, all others measure."""
    split = default_split(read_table("higgs-sim"))
    assert split.validation.tolist() == list(range(1_000))
    assert split.train.tolist() == list(range(1_000, 11_000))
    assert split.test.tolist() == list(range(11_000, split.table.rows))


def test_too_few_rows_for_the_tutorial_s_split_are_refused():
    """With the numbers, and what to give."""
    assert refusal(default_split, read_table("higgs-sim", rows=5_000)) == (
        "The default split of 'higgs-sim' needs 11,000 rows (validation 1,000, training 10,000); got 5,000. "
        "Give --rows 11000 or more, or describe another [split] in a study file."
    )


def test_other_tables_are_split_by_class():
    """15 % validate and 25 % measure, each class in proportion; regression tables at random."""
    x = np.random.default_rng(0).normal(size=(1_000, 2)).astype(np.float32)
    split = default_split(read_table((x, (np.arange(1_000) % 5 == 0).astype(np.float32))))
    assert split.sizes == {"train": 600, "validation": 150, "test": 250}
    assert split.spec.order == "stratified"
    for part, rows in split.sizes.items():
        assert split.arrays(part)[1].sum() == rows / 5
    assert default_split(read_table((x, x[:, 0] * 3))).spec.order == "random"


def test_more_variants_than_a_table_can_show_are_refused(monkeypatch, split):
    """Before any of them is built."""
    monkeypatch.setattr("justright.study.variant.MAX_VARIANTS", 2)
    assert (
        refusal(Study, split, {name: mlp(2) for name in "abc"})
        == "`variants` must hold at most 2 variants; got 3. Split the study into several."
    )
