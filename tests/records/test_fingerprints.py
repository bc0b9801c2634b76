"""Whether a folder holds the study it is asked to go on with: every difference has a name."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from justright.records.fingerprints import PACKAGES, changed, versions

STORED = {
    "split": "cd34" * 16,
    "test": "ef56" * 16,
    "recipe": {"batch_size": 500, "max_epochs": 100, "optimizer": {"config": {"learning_rate": 0.001}}},
    "variants": {
        "Tiny": {"family": "mlp", "units": [16], "recipe": {"max_epochs": 50}},
        "Large": {"units": [512]},
    },
    "versions": {"jax": "0.10.2", "keras": "3.15.1"},
}


def edited(**parts) -> dict:
    """Return the study with some parts replaced."""
    return copy.deepcopy(STORED) | parts


def recipe(**options) -> dict:
    """Return the study with some options of its recipe changed."""
    return edited(recipe=STORED["recipe"] | options)


def variants(**members) -> dict:
    """Return the study with some variants changed or added."""
    return edited(variants=STORED["variants"] | members)


@pytest.mark.parametrize(
    ("current", "sentences"),
    [
        (
            edited(split="00" * 32),
            ["the training and validation rows had fingerprint cd34cd34cd34, has 000000000000"],
        ),
        (recipe(batch_size=100), ["batch_size was 500, is 100"]),
        (recipe(max_epochs=99), ["max_epochs was 100, is 99"]),
        (recipe(patience=10), ["patience was not set, is 10"]),
        (
            recipe(optimizer={"config": {"learning_rate": 0.1}}),
            ["optimizer.config.learning_rate was 0.001, is 0.1"],
        ),
        (recipe(optimizer=None), ["optimizer was {'config': {'learning_rate': 0.001}}, is not set"]),
        (
            variants(Tiny={"family": "mlp", "units": [8]}),
            [
                "variant 'Tiny': units was [16], is [8]",
                "variant 'Tiny': recipe was {'max_epochs': 50}, is not set",
            ],
        ),
        (edited(variants={"Large": {"units": [512]}}), ["variant 'Tiny' is gone"]),
        (
            edited(versions={"jax": "0.11.0", "keras": "3.15.1"}),
            ["the version of jax was '0.10.2', is '0.11.0'"],
        ),
        (edited(precision="bfloat16"), ["precision was not set, is 'bfloat16'"]),
        (
            edited(split="00" * 32, recipe=STORED["recipe"] | {"batch_size": 1}),
            [
                "the training and validation rows had fingerprint cd34cd34cd34, has 000000000000",
                "batch_size was 500, is 1",
            ],
        ),
    ],
)
def test_what_makes_another_study_is_named(current, sentences) -> None:
    """Each change is one sentence with what was and what is."""
    assert changed(STORED, current) == sentences


@pytest.mark.parametrize(
    "current",
    [
        recipe(max_epochs=200),
        variants(Wide={"units": [64]}),
        edited(test="00" * 32),
        variants(Tiny={"family": "mlp", "units": [16], "recipe": {"max_epochs": 60}}),
    ],
)
def test_what_only_extends_a_study_is_no_change(current) -> None:
    """More epochs, more variants and other test rows leave everything trained as it was."""
    assert changed(STORED, current) == []


def test_an_unchanged_study_differs_in_nothing() -> None:
    """Also after a journey through JSON, where tuples become lists."""
    assert changed(STORED, copy.deepcopy(STORED)) == []
    assert changed({"recipe": {"units": [1, [2]]}}, {"recipe": {"units": (1, (2,))}}) == []


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(
    before=st.dictionaries(st.text(max_size=5), plain, max_size=4),
    after=st.dictionaries(st.text(max_size=5), plain, max_size=4),
)
def test_equal_studies_and_only_those_have_no_difference(before, after) -> None:
    """Nothing that differs goes unnamed; a value of None is one that is not set."""

    def without_none(value):
        return (
            {key: without_none(item) for key, item in value.items() if item is not None}
            if isinstance(value, dict)
            else value
        )

    before, after = without_none(before), without_none(after)
    assert bool(changed(before, after)) == (before != after)


def test_versions_are_those_installed() -> None:
    """Of every package that takes part in a number, read without importing it."""
    assert tuple(versions()) == PACKAGES
    assert versions()["numpy"] == np.__version__
