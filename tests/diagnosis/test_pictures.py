"""What plots of predictions show, against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from justright.diagnosis.scores.metrics import class_predictions
from justright.diagnosis.scores.pictures import (
    MOST_CLASSES,
    calibration_bins,
    class_pictures,
    precision_recall_curves,
    roc_curves,
    spread_rows,
    value_pictures,
)


@pytest.fixture
def runs():
    """Two runs on the same rows of two classes."""
    rng = np.random.default_rng(2)
    targets = (np.arange(90) % 3 == 0).astype(np.float32)
    return [class_predictions(rng.normal(size=90) + targets, targets, are_logits=True) for _ in range(2)]


def test_curves_of_runs_enclose_the_areas_of_scikit_learn(runs):
    """To the distance of their points."""
    roc, precision = roc_curves(runs), precision_recall_curves(runs)
    for number, run in enumerate(runs):
        area = sk.roc_auc_score(run.classes, run.scores[:, 0])
        assert np.trapezoid(roc.y[number], roc.x) == pytest.approx(area, abs=0.01)
        average = sk.average_precision_score(run.classes, run.scores[:, 0])
        assert precision.y[number].mean() == pytest.approx(average, abs=0.02)


def test_several_classes_have_a_curve_each_and_absent_ones_none():
    """Each against the rest, averaged over runs."""
    rng = np.random.default_rng(3)
    targets = rng.choice([0, 2, 3], 60)
    runs = [class_predictions(rng.normal(size=60 * 4), targets, are_logits=True) for _ in range(3)]
    assert roc_curves(runs).y.shape[0] == 3


def test_one_class_has_no_curves(runs):
    """And no division by its absent rest."""
    alone = [class_predictions(np.arange(5.0), np.ones(5, np.float32), are_logits=True)]
    assert roc_curves(alone).y.shape[0] == 0
    assert set(class_pictures(alone)) == {"calibration", "confusion"}


def test_calibration_is_averaged_over_runs_by_rows():
    """Two runs with different bins: each bin has half of the rows; Wilson's interval by hand."""
    targets = np.array([1, 0, 1, 1], np.float32)
    told = [np.full(4, 0.7), np.array([0.7, 0.7, 0.9, 0.9])]
    found = calibration_bins([class_predictions(each, targets, are_logits=False) for each in told])
    np.testing.assert_allclose(found.rows, [3.0, 1.0])
    np.testing.assert_allclose(found.told, [0.7, 0.9])
    np.testing.assert_allclose(found.seen, [(3 + 1) / 6, 1.0])
    z = 1.959963984540054**2
    np.testing.assert_allclose(found.low[1], 1 / (1 + z))
    assert (found.low < found.seen).all()
    assert (found.high <= 1 + 1e-12).all()


def test_a_page_keeps_no_confusion_of_very_many_classes():
    """Its cells would be more than all else."""
    targets = np.arange(MOST_CLASSES + 1)
    many = [class_predictions(np.eye(MOST_CLASSES + 1).ravel(), targets, are_logits=True)]
    assert "confusion" not in class_pictures(many)


def test_rows_drawn_one_by_one_reach_both_ends():
    """As many as asked for, by rising target."""
    targets = np.random.default_rng(4).permutation(1_000).astype(np.float32)
    rows = spread_rows(targets, 50)
    assert (len(rows), targets[rows[0]], targets[rows[-1]]) == (50, 0, 999)
    drawn = value_pictures(targets + 1, targets)
    assert drawn["predicted"] == [value + 1 for value in drawn["true"]]
