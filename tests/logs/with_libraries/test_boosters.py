"""Boosted trees, trained by their libraries: what they leave on disk or in memory is read back as they report it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import justright as jr

TREES = 30


@pytest.fixture(scope="module")
def xgboost_model(rows):
    """A fitted estimator, which evaluated training and validation rows by two metrics."""
    xgboost = pytest.importorskip("xgboost", reason="XGBoost is not installed")
    model = xgboost.XGBClassifier(n_estimators=TREES, eval_metric=["auc", "logloss"], n_jobs=1)
    return model.fit(*rows.train, eval_set=[rows.train, rows.validation], verbose=False)


@pytest.fixture(scope="module")
def lightgbm_model(rows):
    """The same of LightGBM, with its own names of sets, and the record of its callback."""
    lightgbm = pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    record = {}
    data = lightgbm.Dataset(*rows.train)
    model = lightgbm.train(
        {"objective": "binary", "metric": ["binary_logloss", "auc"], "verbose": -1, "num_threads": 1},
        data,
        num_boost_round=TREES,
        valid_sets=[data, lightgbm.Dataset(*rows.validation, reference=data)],
        valid_names=["training", "valid_1"],
        callbacks=[lightgbm.record_evaluation(record)],
    )
    return model, record


def test_xgboosts_evals_result_is_read_from_json(xgboost_model, tmp_path, read_curve):
    """Which set is which is told by their course: XGBoost numbers them, whatever they are."""
    path = tmp_path / "evals_result.json"
    path.write_text(json.dumps(xgboost_model.evals_result()))
    said = xgboost_model.evals_result()
    np.testing.assert_allclose(read_curve(path, "train", "logloss"), said["validation_0"]["logloss"])
    np.testing.assert_allclose(read_curve(path, "validation", "logloss"), said["validation_1"]["logloss"])
    np.testing.assert_allclose(read_curve(path, "validation", "auc"), said["validation_1"]["auc"])


def test_xgboosts_estimator_is_read(xgboost_model, tmp_path):
    """The same reading as of its evals_result on disk."""
    path = tmp_path / "evals_result.json"
    path.write_text(json.dumps(xgboost_model.evals_result()))
    of_object, of_file = jr.diagnose(xgboost_model), jr.diagnose(path)
    assert of_object.sentence == of_file.sentence
    assert of_object.run.curves.tool == "trees"


def test_trees_without_brakes_overfit(xgboost_model):
    """Thirty deep trees on 150 noisy rows: XGBoost's own record says that validation rose while training fell."""
    said = xgboost_model.evals_result()
    assert said["validation_1"]["logloss"][-1] > 1.1 * min(said["validation_1"]["logloss"])
    assert jr.diagnose(xgboost_model).label in {"overfits", "overfits by loss only"}


def test_lightgbms_record_is_read(lightgbm_model, tmp_path, read_curve):
    """As JSON on disk: LightGBM names its metrics in its own words."""
    _, record = lightgbm_model
    path = tmp_path / "evals_result.json"
    path.write_text(json.dumps(record))
    np.testing.assert_allclose(
        read_curve(path, "validation", "binary_logloss"), record["valid_1"]["binary_logloss"]
    )
    np.testing.assert_allclose(read_curve(path, "train", "auc"), record["training"]["auc"])


def test_lightgbms_estimator_is_read(rows, read_curve):
    """Through its scikit-learn interface."""
    lightgbm = pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    model = lightgbm.LGBMClassifier(n_estimators=TREES, verbose=-1, n_jobs=1)
    model.fit(
        *rows.train, eval_X=(rows.train[0], rows.validation[0]), eval_y=(rows.train[1], rows.validation[1])
    )
    held = model.evals_result_["valid_1"]["binary_logloss"]
    np.testing.assert_allclose(read_curve(model, "validation", "binary_logloss"), held)


@pytest.fixture(scope="module")
def catboost_model(rows, tmp_path_factory):
    """A fitted estimator, and the folder that it wrote."""
    catboost = pytest.importorskip(
        "catboost",
        reason="CatBoost (with what it needs 320 MB) is not installed: pip install --group log-writers",
    )
    folder = tmp_path_factory.mktemp("catboost") / "catboost_info"
    model = catboost.CatBoostClassifier(
        iterations=TREES, custom_metric=["AUC"], train_dir=str(folder), verbose=0, thread_count=1
    )
    return model.fit(*rows.train, eval_set=rows.validation), folder


@pytest.mark.parametrize("log", ["", "catboost_training.json"])
def test_catboosts_folder_is_read(catboost_model, read_curve, log):
    """The folder by itself, and the JSON file in it."""
    model, folder = catboost_model
    said = model.get_evals_result()
    np.testing.assert_allclose(
        read_curve(folder / log, "train", "Logloss"), said["learn"]["Logloss"], rtol=1e-6
    )
    held = said["validation"]["Logloss"]
    np.testing.assert_allclose(read_curve(folder / log, "validation", "Logloss"), held, rtol=1e-6)


def test_catboosts_estimator_is_read(catboost_model):
    """The same sentence as of the folder that it wrote, but for digits that its files leave out."""
    model, folder = catboost_model
    assert jr.diagnose(model).label == jr.diagnose(folder).label


def test_scikit_learns_boosting_is_read(rows):
    """Early stopping keeps a score of training and of validation rows, of which more is better."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=TREES, early_stopping=True, n_iter_no_change=TREES, random_state=0
    )
    model.fit(*rows.train)
    reading = jr.diagnose(model)
    held = next(one for one in reading.run.curves.curves if one.role == "validation")
    # Scores are negative losses.
    np.testing.assert_allclose(np.abs(held.values), np.abs(model.validation_score_))
    assert reading.run.curves.tool == "trees"
