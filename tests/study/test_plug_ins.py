"""A family, a remedy and a study from one file are found wherever such things are looked for."""

from __future__ import annotations

import numpy as np
import tomli_w
from tests.refusals import refusal

from justright.session.prepare import prepare_study
from justright.study.catalogue import catalogue, remedies, remedy_named
from justright.study.families import Mlp, families, family_from_dict, mlp
from justright.study.spec import read_spec, study_from_dict, study_to_dict
from justright.study.studies import named_study, studies
from justright.study.study import Study
from justright.study.variant import Variant

FAMILY = """
from dataclasses import dataclass

from justright.study.families import Family


@dataclass(frozen=True, slots=True)
class Bump(Family):
    family = "bump"
    example = "centers = 3"

    centers: int
    width: float = 1.0

    def __call__(self, features, outputs):
        import keras

        rows = keras.Input((features,))
        hidden = keras.ops.exp(-keras.ops.square(keras.layers.Dense(self.centers)(rows) / self.width))
        return keras.Model(rows, keras.layers.Dense(outputs)(hidden))


MEMBERS = {"families": ("toy:Bump",)}
"""

REMEDY = """
from dataclasses import replace

from justright.study.changes import network_of
from justright.study.remedy import Remedy


def softplus(baseline, strength, facts):
    return replace(baseline, build=replace(network_of(baseline), activation="softplus"))


SOFTPLUS = Remedy("Softplus", "hidden units have another activation", (1,), softplus)
MEMBERS = {"remedies": ("toy:SOFTPLUS",)}
"""

STUDY = """
from justright.study.families import mlp
from justright.study.recipe import Recipe
from justright.study.variant import Variant
from justright.study.studies import NamedStudy

PAIR = NamedStudy("pair", (Variant("One", mlp(2)), Variant("Two", mlp(4))), Recipe(max_epochs=3))
MEMBERS = {"studies": ("toy:PAIR",)}
"""


def test_a_new_family_survives_a_study_file(plug_in, split, tmp_path):
    """It need not be made of dense layers; it builds what it describes."""
    plug_in(FAMILY)
    member = families()["bump"](centers=3, width=0.5)
    path = tmp_path / "study.toml"
    path.write_text(tomli_w.dumps(study_to_dict(Study(split, {"Mine": member}))))
    again = study_from_dict(read_spec(path), split).variant("Mine").build
    assert again == member
    assert again(3, 1)(np.zeros((2, 3), np.float32)).shape == (2, 1)


def test_a_new_family_is_named_where_families_are_listed(plug_in):
    """Unknown names, missing options and unknown ones."""
    plug_in(FAMILY)
    assert refusal(family_from_dict, {"family": "pump"}) == (
        "`family` must be one of 'mlp', 'higgs_mlp', 'bump'; got 'pump'. Did you mean 'bump'?"
    )
    assert refusal(family_from_dict, {"family": "bump"}) == (
        "A family must name its `centers`; got none. Give for instance centers = 3."
    )
    assert refusal(family_from_dict, {"family": "bump", "center": 1}) == (
        "`option of a family` must be one of 'centers', 'width'; got 'center'. Did you mean 'centers'?"
    )


def test_a_family_of_another_kind_gets_no_remedy_of_dense_networks(plug_in, split):
    """Only what changes the recipe."""
    plug_in(FAMILY)
    made = remedies(Variant("Mine", families()["bump"](centers=3)), split)
    assert {one.remedy for one in made} == {one.name for one in catalogue() if not one.needs_family}


def test_a_new_remedy_is_in_the_catalogue(plug_in, split):
    """Of a baseline, of the study of all remedies, and by its name."""
    plug_in(REMEDY)
    (made,) = remedies(Variant("Mine", mlp(8)), split, only=["Softplus"])
    assert made.build == Mlp((8,), activation="softplus")
    assert made in remedies(Variant("Mine", mlp(8)), split)
    assert "Softplus" in {one.remedy for one in named_study("remedies").on(split).variants}
    assert refusal(remedy_named, "Softplu").endswith(", 'Softplus'; got 'Softplu'. Did you mean 'Softplus'?")


def test_a_new_study_is_trained_by_its_name(plug_in):
    """As `--study` takes it, and as messages list it."""
    plug_in(STUDY)
    prepared = prepare_study(source="higgs-sim", study="pair")
    assert [variant.name for variant in prepared.variants] == ["One", "Two"]
    assert prepared.name == "pair"
    listed = ", ".join(repr(name) for name in studies())
    assert (
        refusal(named_study, "pear") == f"`study` must be one of {listed}; got 'pear'. Did you mean 'pair'?"
    )
