"""scikit-learn's own checks of estimators: all pass but those of one claim about weights, which its SGDClassifier does not pass either."""

from __future__ import annotations

import os
import warnings

import jax
import pytest
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

import justright as jr

# One linear model and one step per epoch: nearly all the time goes into compiling a program for each check's table.
QUICK = {"study": {"Linear": jr.mlp()}, "max_iter": 1_000, "batch_size": 1_000}
# Copies of a row are dealt into batches and held out one by one: a weight of 2 cannot do the same, bit by bit.
EXPECTED = {
    f"check_sample_weight_equivalence_on_{kind}_data": "copies of a row are dealt into batches one by one"
    for kind in ("dense", "sparse")
}
# Skipped for every estimator, unless an environment variable asks for it.
SKIPPED = {"check_array_api_input"}


@pytest.fixture(scope="module", autouse=True)
def _quick_programs():
    """Let the worker of these checks compile without optimising: a third less time, and the checks are not about numbers."""
    jax.devices()  # this process has its flags
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XLA_FLAGS", f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0")
        yield


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # checks pass on purpose what warns
def test_the_classifier_passes_the_checks_of_scikit_learn():
    """Each of them."""
    done = check_estimator(
        jr.JustRightClassifier(**QUICK), on_fail=None, on_skip=None, expected_failed_checks=EXPECTED
    )
    assert {one["check_name"] for one in done if one["status"] not in ("passed", "xfail")} == SKIPPED
    assert {one["check_name"] for one in done if one["status"] == "xfail"} <= set(EXPECTED)
    assert len(done) > 50


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # as above
def test_the_regressor_passes_the_checks_that_a_classifier_does_not_have():
    """The others test what both share."""
    known = {name_of(check) for _, check in estimator_checks_generator(jr.JustRightClassifier(**QUICK))}
    own = [
        (estimator, check)
        for estimator, check in estimator_checks_generator(jr.JustRightRegressor(**QUICK))
        if name_of(check) not in known
    ]
    assert {name_of(check) for _, check in own} >= {"check_regressors_train", "check_regressors_int"}
    for estimator, check in own:
        with warnings.catch_warnings():
            check(estimator)


def name_of(check):
    """The name of a check, which is a partial function."""
    return check.func.__name__
