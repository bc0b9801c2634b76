"""The classifier where scikit-learn's users use one."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import sklearn
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.refusals import refusal

import justright as jr


def test_it_learns_and_says_what_it_found(fitted, table):
    """Accuracy far above chance after few epochs; verdict, network and epochs are those of the study."""
    x, y = table
    assert fitted.score(x, y) > 0.8
    [variant] = fitted.result_.summary["variants"]
    assert (fitted.variant_, fitted.verdict_) == (variant["name"], variant["verdict"]["label"])
    assert fitted.n_iter_ == variant["runs"][0]["epochs"]
    assert fitted.classes_.tolist() == ["no", "yes"]
    assert fitted.n_features_in_ == 3


def test_probabilities_are_those_of_the_saved_model(fitted, table):
    """The study's own predictor is the oracle; classes are named as the user's are."""
    x, _ = table
    frame = fitted.result_.predict(x)
    assert np.allclose(fitted.predict_proba(x), frame.drop("prediction").to_numpy(), atol=1e-6)
    assert frame.columns == ["prediction", "probability_no", "probability_yes"]
    assert fitted.predict(x).tolist() == frame["prediction"].to_list()


def test_a_row_is_predicted_alike_alone_and_among_others(fitted, table):
    """To the last digit."""
    x, _ = table
    alone = np.concatenate([fitted.predict_proba(x[[row]]) for row in range(5)])
    assert np.array_equal(alone, fitted.predict_proba(x)[:5])


def test_the_same_random_state_gives_the_same_network(fitted, table, small):
    """And another gives another."""
    x, y = table
    again = jr.JustRightClassifier(**small).fit(x, y)
    other = jr.JustRightClassifier(**small | {"random_state": 1}).fit(x, y)
    assert np.array_equal(again.predict_proba(x), fitted.predict_proba(x))
    assert not np.array_equal(other.predict_proba(x), fitted.predict_proba(x))


@pytest.mark.parametrize("copied", [lambda one: pickle.loads(pickle.dumps(one)), copy.deepcopy])
def test_a_copy_predicts_the_same_without_the_study(fitted, table, copied):
    """Neither the folder nor a path to it is in the copy."""
    x, _ = table
    other = copied(fitted)
    assert np.array_equal(other.predict_proba(x), fitted.predict_proba(x))
    assert (other.verdict_, other.variant_) == (fitted.verdict_, fitted.variant_)
    assert str(fitted.result_.folder.parent).encode() not in pickle.dumps(fitted)
    with pytest.raises(AttributeError) as caught:
        _ = other.result_
    assert str(caught.value) == (
        "A copy of a fitted estimator, such as one that was pickled, has no `result_`: the study's folder stays with the "
        "original. Fit with folder='...' and open that with justright.open_result."
    )


def test_a_temporary_folder_goes_with_the_estimator(table, small):
    """As soon as nobody has its result any more."""
    model = jr.JustRightClassifier(**small).fit(*table)
    folder = model.result_.folder
    assert folder.is_dir()
    model.fit(*table)
    assert not folder.parent.exists()
    folder = model.result_.folder
    del model
    assert not folder.parent.exists()


def test_a_named_folder_stays_and_the_next_fit_has_one_beside_it(table, small, tmp_path):
    """Nothing is overwritten, and each has a report."""
    model = jr.JustRightClassifier(**small, folder=tmp_path / "study")
    first = model.fit(*table).result_.folder
    second = model.fit(*table).result_.folder
    assert first == tmp_path / "study" != second
    assert jr.open_result(first).verdicts.equals(jr.open_result(second).verdicts)
    assert (second / "report.html").is_file()


def test_pipelines_searches_and_cross_validation_take_it(table, small):
    """With frames from `set_output`, and networks as what is searched."""
    x, y = table
    pipeline = make_pipeline(StandardScaler(), jr.JustRightClassifier(**small)).set_output(transform="pandas")
    assert pipeline.fit(pd.DataFrame(x, columns=["a", "b", "c"]), y)[-1].feature_names_in_.tolist() == [
        *("a", "b", "c")
    ]
    assert cross_val_score(pipeline, x, y, cv=2).min() > 0.7
    grid = {"study": [{"None": jr.mlp()}, {"Small": jr.mlp(8)}]}
    search = GridSearchCV(jr.JustRightClassifier(**small), grid, cv=2).fit(x, y)
    assert search.best_estimator_.variant_ in ("None", "Small")
    assert clone(search.best_estimator_).get_params()["study"] == search.best_params_["study"]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_frames_may_hold_texts_categories_and_gaps(kind, small):
    """Columns are found by name; what a frame's order or index says is no feature."""
    random = np.random.default_rng(1)
    colour = random.choice(["red", "green", "blue"], 120)
    size = random.normal(size=120)
    y = np.where(colour == "red", 3, np.where(size > 0, 2, 1))
    size[::10] = np.nan
    frame = kind({"colour": colour, "size": size, "code": np.where(colour == "red", 7, 9)})
    if kind is pd.DataFrame:
        frame = frame.astype({"code": "category"}).set_index(pd.Index(y, name="answer"))
    else:
        frame = frame.with_columns(pl.col("code").cast(pl.String).cast(pl.Categorical))
    model = jr.JustRightClassifier(**small).fit(frame, y)
    assert model.feature_names_in_.tolist() == ["colour", "size", "code"]
    assert model.classes_.tolist() == [1, 2, 3]
    assert model.score(frame, y) > 0.75
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["size", "colour", "code"]])


def test_sparse_matrices_are_the_arrays_that_they_stand_for(fitted, table, small):
    """As encoders give them in a pipeline: the same network, and the same predictions, to the last digit."""
    x, y = table
    sparse = jr.JustRightClassifier(**small).fit(scipy.sparse.csr_matrix(x), y)
    assert np.array_equal(sparse.predict_proba(scipy.sparse.coo_array(x)), fitted.predict_proba(x))


def test_every_column_of_numbers_is_used(small, table):
    """Also one that counts the rows, which a table from a file would leave out, and one that is constant."""
    frame = pd.DataFrame({"number": np.arange(100), "constant": 1.0, "x": table[0][:, 0]})
    model = jr.JustRightClassifier(**small).fit(frame, table[1])
    as_array = jr.JustRightClassifier(**small).fit(frame.to_numpy(), table[1])
    assert np.allclose(model.predict_proba(frame), as_array.predict_proba(frame.to_numpy()))


def test_several_seeds_predict_together(table, small):
    """Their mean, and each is another network."""
    x, y = table
    model = jr.JustRightClassifier(**small, seeds=2).fit(x, y)
    both = [one.predict(x).drop("prediction").to_numpy() for one in model.result_.models]
    assert len(both) == 2
    assert np.allclose(model.predict_proba(x), np.mean(both, axis=0), atol=1e-6)


def test_classes_that_read_as_missing_values_are_classes(table, small):
    """'NA' and '' are as good as any."""
    x, y = table
    model = jr.JustRightClassifier(**small).fit(x, np.where(y == "yes", "NA", ""))
    assert sorted(set(model.predict(x))) == ["", "NA"]


@pytest.mark.slow
def test_the_ladder_is_the_default(table):
    """Linear models and three sizes, all trained in one study."""
    model = jr.JustRightClassifier(max_iter=2, random_state=0).fit(*table)
    assert [one["name"] for one in model.result_.summary["variants"]] == [
        *("Linear", "Linear L2", "Tiny", "Small", "Medium")
    ]


def test_verbose_prints_the_verdict(table, small, capsys):
    """One sentence about the network that predicts."""
    model = jr.JustRightClassifier(**small, verbose=1).fit(*table)
    [variant] = model.result_.summary["variants"]
    assert capsys.readouterr().out == f"{variant['verdict']['answer']}\n"


def test_a_target_in_a_column_is_taken_with_the_usual_warning(table, small):
    """scikit-learn's own."""
    x, y = table
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        jr.JustRightClassifier(**small).fit(x, y[:, None])


def test_all_parameters_out_of_range_are_named_at_once(table):
    """Before anything trains."""
    model = jr.JustRightClassifier(
        "ladders",
        seeds=0,
        max_iter=0,
        n_iter_no_change=-1,
        batch_size="big",
        validation_fraction=1.0,
        n_jobs=0,
    )
    assert refusal(model.fit, *table) == (
        "`max_iter` must be a whole number of at least 1; got 0. "
        "`n_iter_no_change` must be a whole number of at least 1; got -1. "
        "`seeds` must be a whole number of at least 1; got 0. "
        "`study` must be one of 'ladder', 'quick', 'tutorial', 'sizes', 'regularizers', 'remedies', 'data', 'neighbours'; got "
        "'ladders'. Did you mean 'ladder'? "
        "`batch_size` must be 'auto' or a whole number of 1 or more; got 'big'. "
        "`validation_fraction` must lie between 0 and 1; got 1.0. "
        "`n_jobs` must be None, a number of processes, or -1 for all; got 0."
    )


def test_one_class_is_refused(table):
    """There is nothing to tell apart."""
    assert (
        refusal(jr.JustRightClassifier().fit, table[0], np.zeros(100))
        == "`y` must hold at least two classes; got one class, 0.0."
    )


def test_it_must_be_fitted_first(table):
    """scikit-learn's own error."""
    with pytest.raises(NotFittedError):
        jr.JustRightClassifier().predict(table[0])


def test_weights_count_and_a_row_without_weight_is_not_there(table, small):
    """Only ratios matter; and it is the weighted share of right rows that `score` gives."""
    x, y = table
    weights = np.random.default_rng(1).integers(0, 4, len(y))
    counting = weights > 0
    whole = jr.JustRightClassifier(**small).fit(x, y, sample_weight=weights)
    part = jr.JustRightClassifier(**small).fit(
        x[counting], y[counting], sample_weight=weights[counting] * 7.0
    )
    plain = jr.JustRightClassifier(**small).fit(x[counting], y[counting])
    np.testing.assert_array_equal(whole.predict_proba(x), part.predict_proba(x))
    assert np.abs(whole.predict_proba(x) - plain.predict_proba(x)).max() > 1e-4
    assert whole.score(x, y, sample_weight=weights) == pytest.approx(
        np.average(whole.predict(x) == y, weights=weights)
    )
    assert whole.result_.summary["table"]["weights"]["count"] == "all"


def test_weights_are_routed_through_searches_and_pipelines(table, small):
    """As metadata of scikit-learn: to `fit` and to `score` of each fold."""
    x, y = table
    weights = np.where(y == "yes", 1.0, 0.0)  # without a second class nothing can be learned
    with sklearn.config_context(enable_metadata_routing=True):
        model = jr.JustRightClassifier(**small).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        with pytest.raises(ValueError, match="got one class, 'yes'"):
            pipeline.fit(x, y, sample_weight=weights)
        plain = model.set_score_request(sample_weight=True)
        found = cross_validate(
            plain, x, y, cv=2, params={"sample_weight": weights + 0.1}, return_train_score=True
        )
    assert found["test_score"].min() > 0.7


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(99), "`sample_weight` must have one number for each of 100 rows; got the shape (99,)."),
        (np.full(100, -1), "`sample_weight` must be at least 0; got -1. Leave out rows instead."),
        (
            np.arange(100) == 3,
            "`sample_weight` must be above zero for at least 2 rows; it is for 1. Give more rows.",
        ),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(table, small, weights, message):
    """Before anything trains."""
    with pytest.raises(jr.InputError) as error:
        jr.JustRightClassifier(**small).fit(*table, sample_weight=weights)
    assert str(error.value) == message
