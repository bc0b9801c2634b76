"""What boosting libraries measure per round, with names that tell on which rows, and names that do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from justright.logs.formats.evals_result import EVALS_RESULT
from justright.logs.formats.registry import read_logs
from justright.logs.logged_run import LoggedRun
from justright.logs.source import Source

# Four rounds: training falls, validation turns.
TRAIN = [0.6, 0.4, 0.3, 0.2]
VALIDATION = [0.62, 0.5, 0.52, 0.55]
TEST = [0.7, 0.65, 0.66, 0.7]


def read(value, tmp_path: Path) -> LoggedRun:
    """Return the run of a value saved as JSON."""
    path = tmp_path / "evals.json"
    path.write_text(json.dumps(value))
    source = Source.of_file(path)
    assert EVALS_RESULT.matches(source)
    (run,) = EVALS_RESULT.read(source)
    assert (run.unit, run.tool) == ("iteration", "trees")
    return run


def roles(run: LoggedRun) -> dict[str, tuple[str | None, str | None, str | None]]:
    """Return name -> (rows, set, metric)."""
    return {one.written: (one.role, one.set, one.metric) for one in run.series}


def test_sets_named_by_their_rows(tmp_path):
    """Nothing has to be assumed; the values count rounds from 0."""
    run = read({"train": {"logloss": TRAIN}, "eval": {"logloss": VALIDATION}}, tmp_path)
    assert roles(run) == {
        "train/logloss": ("train", "", "logloss"),
        "eval/logloss": ("validation", "", "logloss"),
    }
    assert (run.series[1].at, run.series[1].values) == ([0, 1, 2, 3], VALIDATION)
    assert run.notes == ()


@pytest.mark.parametrize("first", ["train", "validation"])
def test_unnamed_training_rows_are_told_by_their_losses(first, tmp_path):
    """XGBoost numbers evaluation sets as they were passed: training rows may be first or last."""
    both = {"train": TRAIN, "validation": VALIDATION}
    order = [first, *(name for name in both if name != first)]
    run = read({f"validation_{at}": {"logloss": both[name]} for at, name in enumerate(order)}, tmp_path)
    assert [one.role for one in run.series] == order
    name = f"validation_{order.index('train')}"
    (note,) = run.notes
    assert note == (
        f"No evaluation set is named as training rows; {name!r} was taken for them, since its losses end better than all "
        "others'."
    )


def test_unnamed_training_rows_are_told_by_a_metric_of_which_more_is_better(tmp_path):
    """Area under the curve: training ends higher."""
    more = {
        name: {"auc": [1 - value for value in values]}
        for name, values in (("valid_0", VALIDATION), ("valid_1", TRAIN))
    }
    assert [one.role for one in read(more, tmp_path).series] == ["validation", "train"]


def test_sets_that_do_not_differ_are_all_validation(tmp_path):
    """Where none ends better, none is said to be training."""
    run = read(
        {"validation_0": {"rmse": [0.5, 0.4, 0.41, 0.42]}, "validation_1": {"rmse": [0.5, 0.41, 0.4, 0.43]}},
        tmp_path,
    )
    assert [(one.role, one.set) for one in run.series] == [
        ("validation", "validation_0"),
        ("validation", "validation_1"),
    ]
    assert run.notes == (
        "No evaluation set is named as training rows, and none ends better all along: all were taken for validation.",
        "Of 2 evaluation sets, 'validation_0' is judged first.",
    )


def test_validation_comes_before_test(tmp_path):
    """Test rows decided nothing during training; the note says which set is judged first."""
    run = read(
        {"test": {"logloss": TEST}, "valid": {"logloss": VALIDATION}, "train": {"logloss": TRAIN}}, tmp_path
    )
    assert [one.role for one in run.series] == ["test", "validation", "train"]
    assert run.notes == ("Of 2 evaluation sets, 'valid' is judged first.",)


def test_names_that_tell_validation_from_test_leave_no_training_set(tmp_path):
    """The better of two sets is no training set if its name says what it is."""
    run = read({"eval": {"logloss": VALIDATION}, "test": {"logloss": TEST}}, tmp_path)
    assert [one.role for one in run.series] == ["validation", "test"]


def test_a_single_set_is_validation(tmp_path):
    """And that is said, since it may hold training rows."""
    run = read({"validation_0": {"logloss": VALIDATION}}, tmp_path)
    assert [(one.role, one.set) for one in run.series] == [("validation", "")]
    assert run.notes == ("The only evaluation set, 'validation_0', was taken for validation rows.",)


def test_means_of_a_cross_validation_are_one_run(tmp_path):
    """`xgboost.cv` and `lightgbm.cv`: 'test' are the rows left out in turn; deviations are no curves."""
    run = read(
        {f"{rows}-rmse-{what}": TRAIN for rows in ("train", "test") for what in ("mean", "std")}, tmp_path
    )
    assert roles(run) == {
        "train-rmse-mean": ("train", "", "rmse"),
        "test-rmse-mean": ("validation", "", "rmse"),
    }
    assert run.notes == (
        "These are means over the folds of a cross-validation: a single model's losses are noisier.",
    )


@pytest.mark.parametrize(
    "value",
    [
        {"train": {"loss": TRAIN}, "val": {"loss": VALIDATION}},
        {"train": {"loss": TRAIN, "auc": TRAIN}, "val": {"loss": VALIDATION, "auc": VALIDATION}},
        {"loss": TRAIN, "val_loss": VALIDATION},
        {"train": {"logloss": 0.5}},
        {},
        [1, 2],
    ],
)
def test_networks_and_other_json_are_not_taken_for_trees(value, tmp_path):
    """A metric that only boosting libraries have tells, or that there is none but those of both."""
    path = tmp_path / "x.json"
    path.write_text(json.dumps(value))
    assert not EVALS_RESULT.matches(Source.of_file(path))


@pytest.mark.parametrize("counter", ["iterations", "Unnamed: 0", None])
def test_a_cross_validation_is_read_from_a_table(tmp_path, counter):
    """As pandas saves what `cv` returns: rounds are rounds, and 'test' rows are those left out in turn."""
    names = ["train-logloss-mean", "train-logloss-std", "test-logloss-mean", "test-logloss-std"]
    rows = [[0.6, 0.1, 0.65, 0.1], [0.5, 0.1, 0.6, 0.1], [0.4, 0.1, 0.62, 0.1]]
    start = [[counter], *([at] for at in range(3))] if counter else [[]] * 4
    lines = [[*before, *row] for before, row in zip(start, [names, *rows], strict=True)]
    path = tmp_path / "cv.csv"
    path.write_text("\n".join(",".join(map(str, line)) for line in lines) + "\n")
    (run,) = read_logs(path).curves
    assert [(one.written, one.role, list(one.values)) for one in run.curves] == [
        ("train-logloss-mean", "train", [0.6, 0.5, 0.4]),
        ("test-logloss-mean", "validation", [0.65, 0.6, 0.62]),
    ]
    assert (run.unit, run.tool) == ("iteration", "trees")


def test_rows_below_xgboosts_names_are_rounds(tmp_path):
    """A data frame of its `evals_result()`."""
    path = tmp_path / "log.csv"
    path.write_text("validation_0-logloss,validation_1-logloss\n0.6,0.65\n0.5,0.6\n0.4,0.62\n")
    (run,) = read_logs(path).curves
    assert (run.unit, run.tool) == ("iteration", "trees")
