"""Options that take the place of a study file's: in the study's recipe, and in its variants' own."""

from __future__ import annotations

from justright.session.options import StudyOptions
from justright.session.overrides import with_options
from justright.study.remedy import NEIGHBOUR_GROUP as GROUP

COSINE = {
    "class_name": "Adam",
    "config": {"learning_rate": {"class_name": "CosineDecay", "config": {"decay_steps": 400}}},
}
SPEC = {
    "recipe": {"batch_size": 20, "max_epochs": 60, "patience": 10},
    "variants": {
        "Plain": {"family": "mlp"},
        "Linear": {
            "family": "mlp",
            "recipe": {"batch_size": 20, "max_epochs": 60, "patience": 10, "from_logits": True},
        },
        "Short": {"family": "mlp", "recipe": {"batch_size": 5, "max_epochs": 7}},
        "Cosine": {"family": "mlp", "recipe": {"batch_size": 20, "max_epochs": 60, "optimizer": COSINE}},
        "Longer": {
            "family": "mlp",
            "baseline": "Plain",
            "change": "longer training",
            "group": GROUP,
            "recipe": {"batch_size": 20, "max_epochs": 120, "patience": 20},
        },
        "Longer Short": {
            "family": "mlp",
            "baseline": "Short",
            "change": "longer training",
            "recipe": {"batch_size": 5, "max_epochs": 21},
        },
    },
}


def changed(**given):
    """Name -> (batch size, epoch limit, patience) of each recipe after options were given."""
    values = with_options(SPEC, StudyOptions(**given))
    own = {name: one["recipe"] for name, one in values["variants"].items() if "recipe" in one}
    return {
        name: (one["batch_size"], one["max_epochs"], one.get("patience"))
        for name, one in {"study": values["recipe"], **own}.items()
    }


def test_recipes_of_their_own_follow_where_they_are_as_the_study_s():
    """`--max-epochs` holds for the linear model of `quick`; what differs on purpose stays."""
    assert changed(max_epochs=90, patience=15, batch_size=40) == {
        "study": (40, 90, 15),
        "Linear": (40, 90, 15),
        "Short": (5, 7, None),
        "Cosine": (40, 60, None),  # its schedule has ended there
        "Longer": (40, 180, 30),
        "Longer Short": (5, 21, None),
    }


def test_without_options_nothing_changes():
    """Not even the way in which it is written."""
    assert with_options(SPEC, StudyOptions()) == SPEC


def test_unwanted_neighbours_are_left_out_unless_something_is_a_change_of_one():
    """A variant whose baseline is gone would not be understood."""
    variants = SPEC["variants"] | {"Further": {"family": "mlp", "baseline": "Longer"}}
    options = StudyOptions(neighbours=False)
    assert set(with_options(SPEC, options)["variants"]) == set(SPEC["variants"]) - {"Longer"}
    assert set(with_options(SPEC | {"variants": variants}, options)["variants"]) == set(variants)
