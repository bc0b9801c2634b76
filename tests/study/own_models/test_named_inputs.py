"""Which features inputs get; whole messages are tested where models are built."""

from __future__ import annotations

import pytest

from justright.errors import InputError
from justright.study.own_models.named_inputs import places_of_inputs

FEATURES = ("age", "age missing", "jet_1_pt", "jet_2_pt", "jet_1_eta", "jetset")


@pytest.mark.parametrize(
    ("inputs", "places"),
    [
        ([("age", 1)], ((0,),)),  # the feature itself
        ([("age", 2)], ((0, 1),)),  # all that is made of the column
        ([("jet_1", 2), ("jet_2", 1)], ((2, 4), (3,))),
        ([("jet", 3), ("jetset", 1)], ((2, 3, 4), (5,))),  # a group ends where its name does
        ([("age", 1), ("jetset", 1)], ((0,), (5,))),  # others are left out
        ([("input_1", 5), ("input_2", 1)], ((0, 1, 2, 3, 4), (5,))),
    ],
)
def test_inputs_get_features_by_name_or_in_order(inputs, places):
    """Places among the features."""
    assert places_of_inputs("Mine", inputs, FEATURES) == places


@pytest.mark.parametrize("inputs", [[("jet", 2)], [("age", 1), ("jte", 1)], [("a", 3), ("b", 2)]])
def test_what_does_not_fit_is_refused(inputs):
    """Another width, a name among names that is none, widths that do not add up."""
    with pytest.raises(InputError):
        places_of_inputs("Mine", inputs, FEATURES)
