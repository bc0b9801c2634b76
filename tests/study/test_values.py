"""Values of the wrong kind in a study file are refused in one sentence each; most were found by fuzzing."""

from __future__ import annotations

import contextlib
import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.refusals import refusal

from justright.data.read import read_table
from justright.errors import InputError
from justright.study.spec import study_from_dict, study_to_dict

TABLE = read_table((np.arange(40.0).reshape(20, 2), np.arange(20) % 2))
DAY = datetime.date(2026, 1, 1)


def described(**changes):
    """Return a good description with some sections changed."""
    values = {
        "table": {"source": "t"},
        "split": {"validation": 5, "train": 10, "test": 2},
        "recipe": {"batch_size": 5, "max_epochs": 3},
        "variants": {"Tiny": {"family": "mlp", "units": [4]}},
    }
    return values | changes


def variant(**changes):
    """Return a description whose only variant also has these options."""
    return described(variants={"Tiny": {"family": "mlp", "units": [4], **changes}})


def make(values):
    """Return the study of a description, on a small table whatever it names."""
    return study_from_dict(values, read=lambda source, **options: TABLE)


WRONG = [
    (variant(units=4), "`units` must be a list of whole numbers; got 4. Write units = [64, 64]."),
    (variant(units="44"), "`units` must be a list of whole numbers; got '44'. Write units = [64, 64]."),
    (variant(l2="0.1"), "`l2` must be a finite number of at least 0; got '0.1'."),
    (variant(l1=True), "`l1` must be a finite number of at least 0; got True."),
    (variant(l2=10**400), f"`l2` must be a finite number of at least 0; got {10**400}."),
    (variant(l2=float("nan")), "`l2` must be a finite number of at least 0; got nan."),
    (variant(dropout=DAY), "`dropout` must lie in [0, 1); got datetime.date(2026, 1, 1)."),
    (variant(activation=["relu"]), "`activation` must be the name of a Keras activation; got ['relu']."),
    (variant(batch_normalization="yes"), "`batch_normalization` must be true or false; got 'yes'."),
    (variant(family={"a": 1}), "`family` must be one of 'mlp', 'higgs_mlp'; got {'a': 1}."),
    (variant(group=3), "The group of variant 'Tiny' must be a text; got 3."),
    (variant(recipe=2), "A recipe must be a table of options; got 2."),
    (variant(recipe=[]), "A recipe must be a table of options; got []."),
    (
        variant(baseline={"a": 1}),
        "The baseline of variant 'Tiny' must be another variant of the study; got {'a': 1}.",
    ),
    (described(recipe={"from_logits": "no"}), "`from_logits` must be true or false; got 'no'."),
    (described(margin=[]), "`margin` must be a positive number in units of the loss; got []."),
    (described(train_sizes=0.5), "`train_sizes` must be a list of whole numbers; got 0.5."),
    (described(train_sizes="88"), "`train_sizes` must be a list of whole numbers; got '88'."),
    (described(reference="no"), "`reference` must be true or false; got 'no'."),
    (
        described(seeds=10**400),
        f"`seeds` must be a number in 1..10000 or a list of seeds; got {10**400}.",
    ),
]


@pytest.mark.parametrize(("values", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_a_value_of_the_wrong_kind_is_refused(values, said):
    """With the option, what it must be, and what was given."""
    assert refusal(make, values) == said


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
# Every place of a description where a value may stand: (sections on the way, key).
PLACES = [
    *(
        ((), key)
        for key in ("name", "seeds", "train_sizes", "margin", "reference", "split", "recipe", "variants")
    ),
    *((("split",), key) for key in ("validation", "train", "test", "order", "seed")),
    *(
        (("recipe",), key)
        for key in ("batch_size", "max_epochs", "patience", "monitor", "optimizer", "precision")
    ),
    *((("recipe",), key) for key in ("from_logits", "measure_rows", "stop")),
    *((("variants",), key) for key in ("Tiny", "Other")),
    *((("variants", "Tiny"), key) for key in ("family", "units", "activation", "l1", "l2", "dropout")),
    *(
        (("variants", "Tiny"), key)
        for key in ("batch_normalization", "baseline", "group", "recipe", "keras_config")
    ),
]


@given(place=st.sampled_from(PLACES), value=PLAIN)
def test_any_value_anywhere_is_a_study_or_one_sentence(place, value):
    """And a study that is accepted describes itself in values that TOML can hold."""
    import tomli_w

    values = described()
    section = values
    for key in place[0]:
        section = section[key]
    section[place[1]] = value
    with contextlib.suppress(InputError):
        tomli_w.dumps(study_to_dict(make(values)))
