"""What workers are told of a study's rows."""

from __future__ import annotations

import numpy as np

from justright.data.read import read_table
from justright.runs.tasks import ChosenRows, TargetUnits
from justright.study.families import mlp
from justright.study.study import Study
from justright.workers import train
from justright.workers.train import study_rows


def numbers(spoilt=0.0):
    """A split of a table with a numeric target, whose validation and test rows may be spoilt."""
    x = np.random.default_rng(0).normal(size=(100, 2))
    y = 500 + 100 * x[:, 0]
    y[:20] += spoilt
    y[80:] -= spoilt
    return read_table((x, y)).split(validation=20, train=60, test=20, order="head")


def test_a_target_s_units_are_those_of_all_training_rows_and_of_no_others():
    """Also for smaller training sizes, so that losses can be compared; switched off, there are none."""
    split = numbers()
    target = split.arrays("train")[1].astype(np.float64)
    for options in ({}, {"train_sizes": [10, 60]}):
        rows = study_rows(Study(split, {"a": mlp(2)}, **options))
        assert rows.units == TargetUnits(target.std(), target.mean())
    assert study_rows(Study(numbers(spoilt=1e9), {"a": mlp(2)})).units == rows.units
    assert study_rows(Study(split, {"a": mlp(2)}, standardize_target=False)).units is None


def test_a_constant_target_has_a_scale_of_one():
    """There is no spread to divide by."""
    assert TargetUnits.of(np.full(5, 7.0, np.float32)) == TargetUnits(1.0, 7.0)


def test_rows_keep_their_classes_and_weights_when_they_are_shared():
    """`with_arrays` changes every array, and nothing else."""
    x = np.random.default_rng(0).normal(size=(40, 2))
    table = read_table((x, (np.arange(40) % 2).astype(float)))
    rows = study_rows(Study(table.split(validation=10, train=20, test=10), {"a": mlp(2)}))
    assert (rows.units, rows.class_names, rows.train_weights) == (None, table.class_names, None)
    weighed = rows.__class__(
        *(rows.task, rows.outputs, rows.train, rows.validation, rows.test),
        class_names=rows.class_names,
        train_weights=np.ones(40, np.float32),
    )
    doubled = weighed.with_arrays(lambda values: values * 2)
    assert doubled.class_names == rows.class_names
    assert doubled.train_weights.sum() == 80
    assert len(weighed.arrays) == 7


def test_many_measured_rows_stay_in_the_table(monkeypatch):
    """Workers find them where they are, in the order of the split; few are copied, as are targets."""
    x = np.random.default_rng(0).normal(size=(90, 2))
    split = read_table((x, (np.arange(90) % 2).astype(float))).split(validation=20, train=30, test=40)
    study = Study(split, {"a": mlp(2)})
    assert not any(
        isinstance(part[0], ChosenRows) for part in (study_rows(study).test, study_rows(study).validation)
    )
    monkeypatch.setattr(train, "LEAST_BYTES", 40 * 2 * 4)
    rows = study_rows(study)
    features, targets = rows.test
    assert isinstance(features, ChosenRows)
    assert features.values is split.table.features
    assert not isinstance(rows.validation[0], ChosenRows)
    np.testing.assert_array_equal(features[:], split.arrays("test")[0])
    np.testing.assert_array_equal(targets, split.arrays("test")[1])
    shared = rows.with_arrays(np.copy)
    assert shared.test[0].values is shared.train[0]
    assert sum(values is rows.train[0] for values in rows.arrays) == 1


def test_consecutive_rows_are_views_however_many(monkeypatch):
    """Nothing is copied, so nothing need be looked up."""
    monkeypatch.setattr(train, "LEAST_BYTES", 0)
    split = numbers()
    features, _ = study_rows(Study(split, {"a": mlp(2)})).test
    assert np.shares_memory(features, split.table.features)
