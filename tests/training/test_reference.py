"""The reference model and the constant prediction, against scikit-learn and closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss

from justright.runs.losses import EPSILON, constant_loss
from justright.runs.tasks import StudyRows
from justright.training import reference


@pytest.fixture(autouse=True)
def few_iterations(monkeypatch):
    """Twenty trees instead of 300: the same code in a tenth of the time."""
    monkeypatch.setattr(reference, "MAX_ITERATIONS", 20)
    monkeypatch.setattr(reference, "BLOCK", 20)


def on_task(rows, task):
    """Return the rows with a target for another task."""
    targets = {
        "binary": lambda x, y: y,
        "multiclass": lambda x, y: (x[:, 1] > 0).astype(np.int32) + (x[:, 2] > 0),
        "regression": lambda x, y: x[:, 0] * x[:, 1],
    }
    parts = [(x, targets[task](x, y)) for x, y in (rows.train, rows.validation, rows.test)]
    return StudyRows(task, 3 if task == "multiclass" else 1, *parts)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_losses_are_those_of_plain_scikit_learn(task, few_rows):
    """A model of as many trees as validation rows chose: the same losses by row, and the same score."""
    rows = on_task(few_rows, task)
    measured = reference.measure_reference(rows)
    family = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    model = family(max_iter=measured.iterations, early_stopping=False, random_state=0).fit(*rows.train)
    for (x, y), losses in ((rows.validation, measured.validation), (rows.test, measured.test)):
        if task == "regression":
            expected = (model.predict(x) - y) ** 2
        else:
            expected = -np.log(model.predict_proba(x)[np.arange(len(y)), y.astype(int)])
            assert losses.mean() == pytest.approx(log_loss(y, model.predict_proba(x)), rel=1e-5)
        np.testing.assert_allclose(losses, expected, rtol=1e-5, atol=1e-7)
    x, y = rows.test
    score = np.abs(model.predict(x) - y).mean() if task == "regression" else model.score(x, y)
    assert measured.test_score == pytest.approx(score)
    said = model.predict(x)[:, None] if task == "regression" else model.predict_proba(x)[:, -rows.outputs :]
    np.testing.assert_allclose(measured.test_output.reshape(len(x), -1), said, rtol=1e-5, atol=1e-6)
    assert len(measured.validation_output) == len(rows.validation[0]) * rows.outputs


def test_validation_rows_choose_the_number_of_iterations(few_rows):
    """No other number of trees has a lower validation loss."""
    measured = reference.measure_reference(few_rows)
    model = HistGradientBoostingClassifier(max_iter=20, early_stopping=False, random_state=0).fit(
        *few_rows.train
    )
    curve = [
        log_loss(few_rows.validation[1], stage)
        for stage in model.staged_predict_proba(few_rows.validation[0])
    ]
    assert measured.iterations == int(np.argmin(curve)) + 1


@pytest.mark.parametrize(("block", "patience"), [(1, 1), (2, 4), (5, 5)])
def test_trees_are_added_only_while_they_help(few_rows, monkeypatch, block, patience):
    """In blocks, each of which goes on where the last one stopped: the same trees as of one training."""
    monkeypatch.setattr(reference, "BLOCK", block)
    monkeypatch.setattr(reference, "PATIENCE", patience)
    measured = reference.measure_reference(few_rows)
    model = HistGradientBoostingClassifier(max_iter=20, early_stopping=False, random_state=0).fit(
        *few_rows.train
    )
    losses = [
        -np.log(stage[np.arange(len(few_rows.validation[1])), few_rows.validation[1].astype(int)])
        for stage in model.staged_predict_proba(few_rows.validation[0])
    ]
    curve, end = np.mean(losses, axis=1), block
    while end < 20 and np.argmin(curve[:end]) >= end - patience:
        end += block
    assert measured.iterations == int(np.argmin(curve[:end])) + 1
    np.testing.assert_allclose(measured.validation, losses[measured.iterations - 1], rtol=1e-6)


def test_a_table_of_many_columns_has_fewer_bins(few_rows, monkeypatch):
    """Which are what takes the time there."""
    monkeypatch.setattr(reference, "MANY_COLUMNS", few_rows.features)
    measured = reference.measure_reference(few_rows)
    model = HistGradientBoostingClassifier(
        max_iter=measured.iterations, max_bins=63, early_stopping=False, random_state=0
    ).fit(*few_rows.train)
    x, y = few_rows.test
    assert measured.test.mean() == pytest.approx(log_loss(y, model.predict_proba(x)), rel=1e-5)


def test_the_reference_is_the_same_each_time(few_rows):
    """Losses by row, bit for bit."""
    first, second = reference.measure_reference(few_rows), reference.measure_reference(few_rows)
    np.testing.assert_array_equal(first.test, second.test)
    np.testing.assert_array_equal(first.validation, second.validation)


def test_without_test_rows_none_are_measured(few_rows):
    """No test rows: no losses, no score, and the constant is measured on validation rows."""
    rows = replace(few_rows, test=(few_rows.test[0][:0], few_rows.test[1][:0]))
    measured = reference.measure_reference(rows)
    assert measured.test.shape == (0,)
    assert measured.test_output.shape == (0,)
    assert math.isnan(measured.test_score)
    assert measured.constant_loss == constant_loss(rows)


def test_a_class_without_training_rows_costs_the_clipped_maximum(few_rows):
    """The trees cannot predict what they never saw: its rows are certain mistakes, not errors of the program."""
    rows = on_task(few_rows, "multiclass")
    seen = rows.train[1] != 2
    rows = replace(rows, train=(rows.train[0][seen], rows.train[1][seen]))
    measured = reference.measure_reference(rows)
    unseen = rows.test[1] == 2
    assert unseen.any()
    np.testing.assert_allclose(measured.test[unseen], -np.log(EPSILON), rtol=1e-6)


def rows_of(task, outputs, train, validation, test):
    """Return rows of which only the targets matter."""
    parts = [(np.zeros((len(y), 1), np.float32), np.asarray(y)) for y in (train, validation, test)]
    return StudyRows(task, outputs, *parts)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # A quarter ones learned; three quarters ones measured: cross entropy of (3/4, 1/4) under (1/4, 3/4).
        (
            rows_of("binary", 1, [0, 0, 0, 1.0], [0], [1, 1, 1, 0.0]),
            -(0.75 * math.log(0.25) + 0.25 * math.log(0.75)),
        ),
        (rows_of("binary", 1, [0, 1.0], [1, 0, 1.0], []), math.log(2)),
        (rows_of("multiclass", 3, [0, 0, 1, 2], [0], [0, 1, 2]), (math.log(2) + 2 * math.log(4)) / 3),
        (rows_of("multiclass", 3, [0, 1], [0], [2]), -math.log(EPSILON)),
        (rows_of("regression", 1, [1.0, 3.0], [0], [2.0, 5.0]), (0 + 9) / 2),
    ],
)
def test_the_constant_s_loss_is_its_closed_form(rows, expected):
    """Class shares or mean of training rows, measured on test rows, or on validation rows without any."""
    assert constant_loss(rows) == pytest.approx(expected)


def test_rows_without_weight_teach_the_reference_nothing():
    """Half of the training rows say the opposite, and count for nothing; which rows train is looked up first."""
    x = np.random.default_rng(0).normal(size=(900, 2)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.float32)
    wrong = np.arange(900) % 2 == 0
    said = np.where(wrong, 1 - y, y).astype(np.float32)
    places = np.arange(899, 299, -1, dtype=np.int32)
    rows = StudyRows("binary", 1, (x, said), (x[:150], y[:150]), (x[150:300], y[150:300]), places)
    unweighted = reference.measure_reference(rows)
    weighted = reference.measure_reference(replace(rows, train_weights=(~wrong).astype(np.float32)))
    assert weighted.test.mean() < 0.1 < unweighted.test.mean()
