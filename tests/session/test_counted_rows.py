"""Weights of rows in a whole study: they count in every mean, or in training alone where a folder began so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import justright as jr
from justright.errors import FolderError, InputError
from justright.records.folder import StudyFolder
from justright.records.reader import StoreReader
from justright.report.sections.verdict_table import weights_sentence
from justright.session.counted_rows import WEIGHTS
from justright.session.session import run_study
from justright.study.spec import study_to_dict
from justright.workers.kept_workers import end_kept_workers

ROWS = 300


@pytest.fixture(scope="module")
def split():
    """Return rows of which some count much and some not at all."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 3)).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=ROWS) > 0).astype(np.float32)
    weights = np.where(x[:, 1] > 0, rng.exponential(size=ROWS), 0.1).astype(np.float32)
    weights[::10] = 0
    table = replace(jr.read_table((x, y)), weights=weights)
    return table.split(validation=80, test=100)


@pytest.fixture(scope="module")
def run():
    """Return a function that runs a study; all share one worker process."""

    def run(study, folder, **options):
        return run_study(study, folder, workers=1, keep_workers=True, report=False, **options)

    yield run
    end_kept_workers()


def study_of(split, **options):
    """Return a study of one small network."""
    recipe = jr.Recipe(max_epochs=4, patience=None, batch_size=50)
    return jr.Study(split, {"Small": jr.mlp(4)}, recipe, reference=False, neighbours=False, **options)


def stored(folder):
    """Return what a folder recorded: row losses of test rows at the best epoch, and what stands beside the reference's."""
    with StoreReader(StudyFolder.open(folder, "read")) as store:
        record = store.runs()[0]
        return record, store.row_losses(record.run, "test")[record.best_epoch], store.reference()


def test_every_mean_of_a_study_counts_rows_by_their_weights(split, run, tmp_path):
    """Test loss, interval, accuracy and the constant prediction, by hand; what is recorded of each row stays as it is."""
    summary = run(study_of(split), tmp_path / "all").summary
    [variant] = summary["variants"]
    record, losses, beside = stored(tmp_path / "all")
    weights = split.weights("test").astype(np.float64)
    mean = np.average(losses, weights=weights)
    assert record.test["loss"] == pytest.approx(mean, rel=1e-5)
    assert variant["test"]["mean"] == pytest.approx(mean, rel=1e-5)
    assert variant["intervals"]["test_unweighted"]["mean"] == pytest.approx(losses.mean(), rel=1e-5)
    assert variant["metrics"]["log_loss"]["mean"] == pytest.approx(mean, rel=1e-5)
    # Half an interval over rows: Student's quantile times the error of a ratio by the jackknife.
    left = [np.average(np.delete(losses, row), weights=np.delete(weights, row)) for row in range(100)]
    error = np.sqrt(99 * np.var(left))
    assert variant["test"]["high"] - mean == pytest.approx(1.98 * error, rel=0.03)
    right = losses < np.log(2)
    assert variant["runs"][0]["test"]["accuracy"] == pytest.approx(
        np.average(right, weights=weights), rel=1e-5
    )
    train, own = split.arrays("train")[1], split.weights("train")
    share = np.average(train, weights=own)
    y = split.arrays("test")[1]
    constant = np.average(-np.log(np.where(y > 0, share, 1 - share)), weights=weights)
    assert summary["constant"]["test"] == pytest.approx(constant, rel=1e-5)
    np.testing.assert_array_equal(beside[WEIGHTS]["test"], split.weights("test"))
    fixed = variant["runs"][0]["best"]["fixed_binary_crossentropy"]
    assert variant["intervals"]["fixed"]["mean"] == pytest.approx(fixed, rel=1e-5)
    worth = weights.sum() ** 2 / np.square(weights).sum()
    assert weights_sentence(summary) == [
        f"Rows count by their weights, in training and here: 100 test rows tell as much as {worth:.0f} of equal weight."
    ]


def test_a_folder_whose_weights_were_for_training_alone_goes_on_so(split, run, tmp_path):
    """As earlier versions wrote it: without a word about it. All that is measured counts each row once, and nothing is mixed."""
    folder = tmp_path / "old"
    run(study_of(split, weighted_rows="train"), folder)
    text = (folder / "study.toml").read_text()
    assert "weighted_rows" not in text
    assert "schema_version = 2\n" in text
    before = stored(folder)[1]
    summary = run(study_of(split, seeds=2), folder).summary
    record, losses, beside = stored(folder)
    np.testing.assert_array_equal(losses, before)
    assert record.test["loss"] == pytest.approx(losses.mean(), rel=1e-5)
    assert WEIGHTS not in beside
    assert weights_sentence(summary) == [
        "Weights count in the training loss alone: here each row counts once."
    ]
    with pytest.raises(FolderError, match="weighted_rows was not set, is 'all'"):
        run(study_of(split, weighted_rows="all"), folder)


def test_a_study_says_where_weights_count(split):
    """With a version of the file that earlier ones refuse, since they would count otherwise; without weights nothing may be said."""
    values = study_to_dict(study_of(split))
    assert (values["schema_version"], values["weighted_rows"]) == (3, "all")
    plain = replace(split, table=replace(split.table, weights=None))
    values = study_to_dict(study_of(plain))
    assert values["schema_version"] == 2
    assert "weighted_rows" not in values
    with pytest.raises(InputError) as error:
        study_of(plain, weighted_rows="all")
    assert str(error.value) == (
        "`weighted_rows` says where weights of rows count; got 'all', and the table has no weights. Name their column with "
        "`weights` when reading it."
    )


def test_rows_that_measure_need_weights_where_those_that_train_have_some(split):
    """And more than one that is not 0."""
    other = jr.read_table((split.table.features[:50], split.table.target[:50]))
    with pytest.raises(InputError) as error:
        study_of(split.with_test_table(other))
    assert str(error.value) == (
        "Weights count wherever losses are averaged: the table of test rows must have some, as that of training rows has. Read it "
        'with `weights`, or give the study weighted_rows="train".'
    )
    assert study_of(split.with_test_table(other), weighted_rows="train").measures_weighted_rows is False
    single = replace(other, weights=(np.arange(50) == 3).astype(np.float32))
    with pytest.raises(InputError) as error:
        study_of(split.with_test_table(single))
    assert str(error.value) == (
        "At least 2 of the 50 test rows must have a weight above 0, so that they can differ; 1 has one. Take other rows."
    )
