"""Training and validation in two logs side by side."""

from __future__ import annotations

import pytest

from justright.logs.formats.registry import read_logs

TRAIN = "epoch,loss,accuracy\n0,0.7,0.5\n1,0.6,0.6\n2,0.5,0.7\n"
VALIDATION = "epoch,loss,accuracy\n0,0.8,0.4\n1,0.7,0.5\n2,0.75,0.6\n"


def write(path, text):
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("train", "validation", "name"),
    [
        ("log_train.csv", "log_val.csv", "log.csv"),
        ("train.log", "valid.log", ""),
        ("train/metrics.csv", "eval/metrics.csv", "metrics.csv"),
        ("Train-history.csv", "Test-history.csv", "history.csv"),
    ],
)
def test_two_logs_whose_names_differ_by_the_rows_are_one_run(tmp_path, train, validation, name):
    """Its series are told apart by their files."""
    write(tmp_path / train, TRAIN)
    write(tmp_path / validation, VALIDATION)
    (run,) = read_logs(tmp_path).curves
    assert run.name == str(tmp_path / name)
    assert [(curve.metric, curve.values.tolist()) for curve in run.curves if curve.role == "train"] == [
        ("loss", [0.7, 0.6, 0.5]),
        ("accuracy", [0.5, 0.6, 0.7]),
    ]
    assert [(curve.metric, curve.values.tolist()) for curve in run.curves if curve.role != "train"] == [
        ("loss", [0.8, 0.7, 0.75]),
        ("accuracy", [0.4, 0.5, 0.6]),
    ]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("val_metrics.csv", "validation"),
        ("similarity_evaluation_sts-dev_results.csv", "validation"),
        ("training_log.csv", "train"),
        ("train_val.csv", "train"),
        ("test.csv", "train"),
        ("dev.csv", "train"),
    ],
)
def test_the_name_of_a_lone_file_says_rows_that_nothing_in_it_says(tmp_path, name, role):
    """But 'test' and 'dev' may stand for something else."""
    write(tmp_path / name, VALIDATION)
    (run,) = read_logs(tmp_path / name).curves
    assert {curve.role for curve in run.curves} == {role}
    note = (
        "Nothing in the log says on which rows it was measured; the name of its file does: validation rows."
    )
    assert (note in run.notes) == (role == "validation")


def test_logs_that_hold_both_stay_apart(tmp_path):
    """Ultralytics calls runs train and val."""
    both = VALIDATION.replace("accuracy", "val_loss")
    write(tmp_path / "train" / "results.csv", both)
    write(tmp_path / "val" / "results.csv", both.replace("0.7", "0.6"))
    assert len(read_logs(tmp_path).curves) == 2


def test_a_half_alone_is_a_run_of_its_own(tmp_path):
    """So is each of two for validation alone."""
    write(tmp_path / "log_val.csv", VALIDATION)
    assert [run.name for run in read_logs(tmp_path).curves] == [str(tmp_path / "log_val.csv")]
    write(tmp_path / "log_test.csv", TRAIN)
    assert len(read_logs(tmp_path).curves) == 2
