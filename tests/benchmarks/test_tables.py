"""`benchmarks.tables` says of a table what is true of it."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

import justright as jr
from benchmarks.tables import __main__ as tables
from benchmarks.tables.compare import compare, flags
from benchmarks.tables.first_try import failure
from benchmarks.tables.printing import standing
from benchmarks.tables.rivals import Measured, choose, constant, measure, measure_rivals, shaped
from justright.session.prepare import prepare_study

ROWS = 200


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    """A table of two numbers and a text, whose target is a linear function of them."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, ROWS))
    frame = pl.DataFrame({"a": a, "b": b, "c": ["x", "y"] * (ROWS // 2), "price": 1_000 + 100 * (a - b)})
    path = tmp_path_factory.mktemp("tables") / "prices.csv"
    frame.write_csv(path)
    return path


@pytest.fixture(scope="module")
def record(csv):
    """What is said of a study of that table with a network that hardly learned."""
    split = jr.read_table(csv, target="price").split(validation=0.2, test=0.3, order="random")
    folder = csv.parent / "study"
    study = jr.Study(
        split, {"Tiny": jr.mlp(2)}, jr.Recipe(max_epochs=1), seeds=2, reference=False, neighbours=False
    )
    study.run(folder, workers=1, keep_workers=True)
    accepted = {"table": "prices.csv", "accepted": True, "data_accepted": True, "run_accepted": True}
    return accepted | {"seconds": 1.0, "data_seconds": 1.0} | compare(folder)


def test_a_study_is_compared_with_its_rivals_on_its_own_rows(record):
    """The linear model is right about a linear target; one epoch of a raw target teaches nothing."""
    assert record["rows"] == {"train": 100, "validation": 40, "test": 60}
    assert record["task"] == "regression"
    assert record["features"] == 3
    assert record["plan"] == "2 number, 1 category"
    assert record["score"]["linear"] == pytest.approx(1.0, abs=1e-5)
    assert record["score"]["linear"] > record["score"]["trees"] > 0.5
    assert record["loss"]["linear"] < record["loss"]["trees"] < record["loss"]["constant"]
    assert record["rival"] == "linear"
    assert not record["within"]


def test_the_loss_of_the_network_is_that_of_the_study(record, csv):
    """And its score, computed from the outputs that were recorded, goes with that loss."""
    (variant,) = jr.open_result(csv.parent / "study").summary["variants"]
    assert record["network"] == "Tiny"
    assert record["loss"]["network"] == pytest.approx(variant["test"]["mean"], rel=1e-6)
    targets = prepare_study(folder=csv.parent / "study", trust=True).split.arrays("test")[1]
    assert record["score"]["network"] == pytest.approx(
        1 - variant["test"]["mean"] / targets.var(dtype=np.float64), rel=1e-4
    )


def test_records_are_printed_and_read_again(record, tmp_path, capsys):
    """As JSON, with a refused table beside: the exit code says that not all is well."""
    refused = {
        "table": "bad.csv",
        "accepted": False,
        "data_accepted": False,
        "run_accepted": False,
        "code": 2,
    }
    refused |= {"message": "No header.", "seconds": 0.4, "data_seconds": 0.6}
    path = tmp_path / "tables.json"
    path.write_text(json.dumps([record, refused]))
    assert tables.main(["--show", str(path)]) == 1
    printed = capsys.readouterr().out
    assert "bad.csv refused with exit code 2: No header." in printed
    assert f"| {record['verdict']} |" in printed
    assert "Accepted 1 of 2;" in printed


def test_a_table_that_is_refused_is_recorded_with_its_sentence(tmp_path):
    """Both commands are tried, as programs."""
    path = tmp_path / "empty.csv"
    path.write_text("")
    record = tables.try_table(path, "y", tmp_path / "study", ())
    assert (record["accepted"], record["code"]) == (False, 2)
    assert str(path) in record["message"]
    assert "loss" not in record


def test_tables_without_a_target_are_left_out_and_named(tmp_path, capsys):
    """A folder is taken in order of its names, without its README."""
    for name in ("b.csv", "a.csv", "README.md", "c.csv"):
        (tmp_path / name).touch()
    targets = tmp_path / "targets.toml"
    targets.write_text('"a.csv" = "y"\n"b.csv" = 3\n')
    options = tables.read_options([str(tmp_path), "--targets", str(targets)])
    chosen = tables.chosen_tables(options)
    assert {path.name: target for path, target in chosen.items()} == {"a.csv": "y", "b.csv": "3"}
    assert (
        capsys.readouterr().err
        == "Left out, since targets.toml has no target for them: c.csv, targets.toml.\n"
    )


def test_the_sentence_of_a_failure_is_found():
    """After progress, at the end of a traceback, or not at all."""
    assert failure("reading\njustright: No such file.\n") == "No such file."
    assert failure("Traceback\n  File x\nValueError: 3\n") == "ValueError: 3"
    assert failure("") == "it said nothing"


@pytest.mark.parametrize(
    ("network", "linear", "trees", "said"),
    [
        (1.02, 1.0, 1.5, "within 5 %"),  # of the loss
        (0.02, 0.001, 1.5, "within 5 %"),  # of the gain over the constant, 2
        (1.5, 1.0, 1.2, "worse than linear"),
        (1.5, 1.4, 1.0, "worse than trees"),
        (2.1, 1.0, 1.0, "worse than constant"),
        (2.1, 2.2, 2.3, "worse than constant"),
    ],
)
def test_a_network_is_held_against_the_better_rival(network, linear, trees, said):
    """By its mean loss, and clearly where the interval over rows says so."""
    losses = {"network": network, "linear": linear, "trees": trees, "constant": 2.0}
    noise = np.tile([-0.1, 0.1], 50)
    measured = {
        name: Measured(loss + noise * (name == "network"), float("nan")) for name, loss in losses.items()
    }
    record = {"loss": losses} | flags(measured, "binary")
    assert standing(record) == said


def test_the_gain_over_the_constant_counts_for_classes_only():
    """A network of numbers with 1.5 times the loss is behind, however small both are beside the constant's."""
    losses = {"network": 0.3, "linear": 0.2, "trees": 0.4, "constant": 9.0}
    measured = {name: Measured(np.full(10, loss), float("nan")) for name, loss in losses.items()}
    assert flags(measured, "binary")["within"]
    assert not flags(measured, "regression")["within"]


def test_few_rows_do_not_show_a_network_to_be_worse():
    """A difference of less than its interval."""
    rows = {"network": [1.0, 3.0], "linear": [1.0, 1.0], "trees": [4.0, 4.0], "constant": [9.0, 9.0]}
    measured = {name: Measured(np.array(losses), float("nan")) for name, losses in rows.items()}
    assert standing({"loss": rows} | flags(measured, "binary")) == "behind, not clearly: linear"


def test_a_constant_predicts_the_training_rows(csv):
    """The shares of classes, or the mean, against hand arithmetic."""
    (shares,) = constant(np.array([0, 0, 0, 1]), "binary", 2)
    assert shares(np.zeros((1, 2))).tolist() == [[0.75, 0.25]]
    (mean,) = constant(np.array([1.0, 5.0]), "regression", 0)
    assert mean(np.zeros((2, 2))).tolist() == [[3.0], [3.0]]


def test_classes_without_training_rows_have_no_probability():
    """Columns are those of the table's classes."""

    class Model:
        classes_ = np.array([0.0, 2.0])

    assert shaped(np.array([[0.25, 0.75]]), Model(), "multiclass", 3).tolist() == [[0.25, 0.0, 0.75]]


def test_validation_rows_choose_among_models():
    """The one with the lowest mean loss."""
    models = [lambda rows, value=value: np.full((len(rows), 1), value) for value in (1.0, 2.0, 4.0)]
    best = choose("regression", models, np.zeros((3, 1)), np.array([2.0, 2.0, 3.0]))
    assert best(np.zeros((1, 1))).tolist() == [[2.0]]


def test_scores_are_those_that_people_know():
    """Against hand arithmetic; rows of one class have no ROC AUC."""
    chances = np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
    assert measure("binary", chances, np.array([0, 0, 1, 1])).score == 0.75
    assert np.isnan(measure("binary", chances, np.zeros(4)).score)
    assert measure("multiclass", chances, np.array([0, 1, 0, 1])).score == 0.75
    assert measure("regression", np.array([[1.0], [3.0]]), np.array([0.0, 4.0])).score == 0.75


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_rivals_learn_what_the_features_tell(task, tmp_path):
    """Classes by the larger of some columns: the rivals come close, the constant does not."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(300, 2 if task == "binary" else 3))
    frame = pl.DataFrame(features, schema=[f"x{place}" for place in range(features.shape[1])])
    labels = pl.Series("y", [f"c{place}" for place in features.argmax(axis=1)])
    split = jr.read_table(frame.with_columns(labels), target="y").split(
        validation=0.2, test=0.3, order="stratified"
    )
    measured = measure_rivals(split)
    assert measured["linear"].loss < measured["trees"].loss < 0.5 < measured["constant"].loss
    assert measured["linear"].score > 0.95
