"""Metrics of classes against scikit-learn, and their influences against leaving rows out one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from justright.runs.weighted_means import spread_out
from justright.statistics.class_metrics import (
    BINS,
    MOST_RANKED,
    ONE_CLASS,
    TOO_MANY,
    ClassPredictions,
    Confusion,
    calibration_error,
    class_metrics,
    told_and_seen,
)
from justright.statistics.ranking import (
    average_precision,
    precision_recall_curve,
    rank_rows,
    roc_auc,
    roc_curve,
)

ROWS = 200


def make(classes, *, rows=ROWS, seed=0, present=None):
    """Return predictions with ties, as rounded logits give."""
    rng = np.random.default_rng(seed)
    own = rng.choice(present or classes, rows)
    logits = (rng.normal(size=(rows, classes)) + (np.arange(classes) == own[:, None])).round(1)
    return told(logits, own)


def told(logits, own):
    """Return predictions with these logits."""
    if logits.shape[1] == 2:
        return ClassPredictions((logits[:, 1:] - logits[:, :1]).round(9), own, are_logits=True)
    return ClassPredictions(
        np.log(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)), own, are_logits=True
    )


def without(predictions, row):
    """Return the same without one row."""
    parts = (predictions.scores, predictions.classes)
    return ClassPredictions(*(np.delete(part, row, axis=0) for part in parts), are_logits=True)


@pytest.mark.parametrize("classes", [2, 4])
def test_every_metric_is_that_of_scikit_learn(classes):
    """With ties; several classes as scikit-learn's macro averages of one against the rest."""
    predictions = make(classes)
    own, chances, said = predictions.classes, predictions.probabilities, predictions.predicted
    is_binary = classes == 2
    expected = {
        "roc_auc": sk.roc_auc_score(own, chances[:, 0] if is_binary else chances, multi_class="ovr"),
        "average_precision": sk.average_precision_score(
            own if is_binary else np.eye(classes)[own], chances[:, 0] if is_binary else chances
        ),
        "log_loss": sk.log_loss(own, chances[:, 0] if is_binary else chances),
        "brier_score": sk.brier_score_loss(own, chances[:, 0] if is_binary else chances),
        "accuracy": sk.accuracy_score(own, said),
        "balanced_accuracy": sk.balanced_accuracy_score(own, said),
        "f1": sk.f1_score(own, said, average="binary" if is_binary else "macro"),
        "matthews_correlation": sk.matthews_corrcoef(own, said),
    }
    found = {name: one.value for name, one in dict(class_metrics(predictions)).items()}
    assert set(found) == {*expected, "calibration_error"}
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 4])
def test_an_influence_is_what_leaving_out_the_row_changes(classes):
    """Times the other rows, up to terms that many rows make small: the jackknife's definition."""
    predictions = make(classes)
    whole = dict(class_metrics(predictions))
    rows = range(0, ROWS, 7)
    left_out = [dict(class_metrics(without(predictions, row))) for row in rows]
    for name, one in whole.items():
        if name == "calibration_error":  # its sign turns where a bin of few rows is nearly right
            continue
        changes = [(ROWS - 1) * (one.value - less[name].value) for less in left_out]
        spread = one.influence.std()
        np.testing.assert_allclose(one.influence[::7], changes, atol=0.25 * spread, err_msg=name)
        assert abs(one.influence.mean()) < 1e-12


def test_the_variance_of_the_area_is_that_of_delong():
    """Written out: the variance of placements among rows of the class, and among the others."""
    rng = np.random.default_rng(3)
    is_positive = np.arange(150) < 60
    scores = (rng.normal(size=150) + is_positive).round(1)
    above = (scores[is_positive][:, None] > scores[~is_positive]) + 0.5 * (
        scores[is_positive][:, None] == scores[~is_positive]
    )
    delong = above.mean(axis=1).var(ddof=0) / 60 + above.mean(axis=0).var(ddof=0) / 90
    found = roc_auc(rank_rows(scores, is_positive))
    assert found.value == pytest.approx(above.mean())
    assert found.influence.var() / 150 == pytest.approx(delong)
    assert found.fewest == 60


def test_curves_are_those_of_scikit_learn():
    """Point by point; its precision-recall curve runs the other way and ends in a point without rows."""
    rng = np.random.default_rng(4)
    is_positive = rng.random(80) < 0.4
    scores = rng.normal(size=80).round(1)
    ranking = rank_rows(scores, is_positive)
    false, true, _ = sk.roc_curve(is_positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(roc_curve(ranking), [false, true])
    precision, recall, _ = sk.precision_recall_curve(is_positive, scores)
    np.testing.assert_allclose(precision_recall_curve(ranking), [recall[-2::-1], precision[-2::-1]])
    assert average_precision(ranking).value == pytest.approx(sk.average_precision_score(is_positive, scores))


def test_calibration_bins_are_those_of_scikit_learn():
    """And the error is their distances, weighted by rows."""
    predictions = make(2)
    found = calibration_error(*told_and_seen(predictions.probabilities, predictions.classes))
    seen, mean = calibration_curve(predictions.classes, predictions.probabilities[:, 0], n_bins=BINS)
    is_there = found.rows > 0
    np.testing.assert_allclose(found.seen[is_there], seen)
    np.testing.assert_allclose(found.told[is_there], mean)
    error = np.abs(seen - mean) @ found.rows[is_there] / ROWS
    assert found.estimate.value == pytest.approx(error)


def test_several_classes_are_calibrated_by_the_most_probable_one():
    """Its probability, and whether it is right."""
    predictions = told(np.log([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1]]), np.array([0, 2]))
    chances, seen = told_and_seen(predictions.probabilities, predictions.classes)
    assert chances.round(3).tolist() == [0.7, 0.6]
    assert seen.tolist() == [1.0, 0.0]


def test_right_probabilities_have_no_more_error_than_the_excess():
    """Rows of a bin that are right by chance alone."""
    rng = np.random.default_rng(5)
    chances = rng.random(3_000)
    found = calibration_error(chances, rng.random(3_000) < chances).estimate
    assert 0 < found.value < 1.5 * found.excess


@pytest.mark.parametrize("classes", [2, 3])
def test_rows_of_one_class_give_reasons_and_no_warnings(classes):
    """What compares classes has no value; the rest has."""
    found = dict(class_metrics(make(classes, rows=20, present=[1])))
    missing = {name for name, one in found.items() if one == ONE_CLASS}
    assert missing == {"roc_auc", "average_precision", "balanced_accuracy", "f1", "matthews_correlation"}
    assert found["accuracy"].value == pytest.approx(
        np.mean(make(classes, rows=20, present=[1]).predicted == 1)
    )


def test_averages_are_over_the_classes_that_the_rows_contain():
    """As scikit-learn's balanced accuracy; of a class without rows nothing can be said."""
    predictions = make(4, present=[0, 1, 3])
    found = dict(class_metrics(predictions))
    own, chances = predictions.classes, predictions.probabilities
    recalls = [np.mean(predictions.predicted[own == each] == each) for each in (0, 1, 3)]
    areas = [sk.roc_auc_score(own == each, chances[:, each]) for each in (0, 1, 3)]
    assert found["balanced_accuracy"].value == pytest.approx(np.mean(recalls))
    assert found["roc_auc"].value == pytest.approx(np.mean(areas))


def test_a_constant_prediction_tells_nothing_apart():
    """An area of one half, the share of the class as precision, and no correlation; no warning."""
    own = np.arange(10) % 5 // 4
    found = dict(class_metrics(told(np.tile([[1.0, 0.0]], (10, 1)), own)))
    values = {
        name: found[name].value for name in ("roc_auc", "average_precision", "f1", "matthews_correlation")
    }
    assert values == {"roc_auc": 0.5, "average_precision": 0.2, "f1": 0.0, "matthews_correlation": 0.0}
    assert found["balanced_accuracy"].value == 0.5


def test_areas_are_not_computed_for_very_many_classes():
    """Each class takes a sort of all rows."""
    found = dict(class_metrics(make(MOST_RANKED + 1, rows=400)))
    assert (found["roc_auc"], found["average_precision"]) == (TOO_MANY, TOO_MANY)
    assert found["accuracy"].value > 0


def test_a_table_of_confusion_is_that_of_scikit_learn():
    """Own classes down, predicted ones across."""
    predictions = make(3)
    expected = sk.confusion_matrix(predictions.classes, predictions.predicted)
    np.testing.assert_array_equal(Confusion.of(predictions).counts, expected)


@pytest.mark.parametrize("classes", [2, 4])
def test_weights_of_rows_are_repetitions_of_rows(classes):
    """Every metric is that of rows repeated as often as they weigh, and a row's influence that of all its copies."""
    plain = make(classes)
    times = np.random.default_rng(5).integers(1, 5, ROWS)
    relative = times / times.mean()
    weighted = dict(class_metrics(replace(plain, weights=relative)))
    copies = np.repeat(np.arange(ROWS), times)
    repeated = dict(
        class_metrics(ClassPredictions(plain.scores[copies], plain.classes[copies], are_logits=True))
    )
    first = np.concatenate([[0], times.cumsum()[:-1]])
    assert len(weighted) > 7
    for name, found in weighted.items():
        assert found.value == pytest.approx(repeated[name].value), name
        np.testing.assert_allclose(
            found.influence,
            spread_out(relative * repeated[name].influence[first], relative),
            atol=1e-9,
            err_msg=name,
        )
        assert found.fewest < repeated[name].fewest, name


def test_weighted_metrics_are_those_of_scikit_learn():
    """Whose metrics take `sample_weight`."""
    predictions = make(2)
    weights = np.random.default_rng(6).exponential(size=ROWS)
    given = {"sample_weight": weights}
    found = dict(class_metrics(replace(predictions, weights=weights / weights.mean())))
    own, said, chances = predictions.classes, predictions.predicted, predictions.probabilities[:, 0]
    assert {
        name: found[name].value for name in ("accuracy", "roc_auc", "average_precision", "brier_score")
    } == (
        pytest.approx(
            {
                "accuracy": sk.accuracy_score(own, said, **given),
                "roc_auc": sk.roc_auc_score(own, chances, **given),
                "average_precision": sk.average_precision_score(own, chances, **given),
                "brier_score": sk.brier_score_loss(own, chances, **given),
            }
        )
    )
    assert [
        found[name].value for name in ("balanced_accuracy", "f1", "matthews_correlation")
    ] == pytest.approx(
        [
            sk.balanced_accuracy_score(own, said, **given),
            sk.f1_score(own, said, **given),
            sk.matthews_corrcoef(own, said, **given),
        ]
    )
