"""The other name of `diagnose`, by which users of scikit-learn look for it."""

from __future__ import annotations

import warnings

import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neural_network import MLPClassifier

import justright as jr
from justright.errors import InputError


def test_a_fitted_estimator_is_read_by_either_name(table):
    """The same reading."""
    assert jr.diagnose_estimator is jr.diagnose
    trees = HistGradientBoostingClassifier(max_iter=30, early_stopping=True, random_state=0)
    network = MLPClassifier((8,), max_iter=30, early_stopping=True, random_state=0)
    for estimator, unit in ((trees, "iteration"), (network, "epoch")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # so few epochs are too few
            estimator.fit(*table)
        [run] = jr.diagnose_estimator(estimator).runs
        assert run.unit == unit


def test_an_estimator_of_ours_has_judged_itself(fitted):
    """On held-out rows, which its curves alone could not do."""
    with pytest.raises(InputError) as caught:
        jr.diagnose(fitted)
    assert str(caught.value) == (
        f"A JustRightClassifier has judged itself when it was fitted: its `verdict_` is {fitted.verdict_!r}, and `result_` is the "
        "whole study."
    )
