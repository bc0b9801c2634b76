"""Predictions for raw rows: those of the study, whatever the rows come in, and nothing from a stranger's file but numbers."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.refusals import refusal
from typer.testing import CliRunner

import justright as jr
from justright.cli.main import command_line
from justright.data.plan.column_plans import Number
from justright.data.plan.table_plan import Plan
from justright.errors import FolderError, InputError
from justright.records.faults import DamagedError
from justright.records.models import read_notes, save_model_atomically
from justright.session.predictor import Predictor, SavedNetwork, load_predictor, plan_of, probabilities
from justright.session.saved_models import SavedModel, choose_models

ABOUT = {"variant": "Net", "seed": 3, "train_rows": 100, "epoch": 7, "are_logits": True}


def frame(rows: int = 240) -> pl.DataFrame:
    """Return a table with texts, missing values and numbers, whose target depends on two of them."""
    random = np.random.default_rng(0)
    colour, size = random.choice(["blue", "green", "red"], rows), random.normal(10, 3, rows).round(3)
    sold = np.where((colour == "red") ^ (size > 10), "yes", "no")
    sizes = [None if row % 11 == 0 else float(value) for row, value in enumerate(size)]
    return pl.DataFrame({"colour": colour, "size": sizes, "weight": random.normal(size=rows), "sold": sold})


def sigmoid() -> keras.Model:
    """Return a network that ends in a probability, unlike those of `mlp`."""
    return keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1, "sigmoid")]
    )


@pytest.fixture(scope="module")
def split() -> jr.Split:
    """200 rows to learn and choose, 40 to test, as they come."""
    return jr.read_table(frame(), target="sold").split(60, train=140, test=40, order="head")


@pytest.fixture(scope="module")
def result(split, tmp_path_factory) -> jr.Result:
    """The study of two variants with two seeds each, run once."""
    recipe = jr.Recipe(batch_size=35, max_epochs=4, patience=None)
    study = jr.Study(split, {"Net": jr.mlp(4), "Own": sigmoid()}, recipe, seeds=2, reference=False)
    return study.run(
        tmp_path_factory.mktemp("predicting") / "study", workers=1, report=False, keep_workers=True
    )


@pytest.fixture(scope="module")
def best(result) -> pl.DataFrame:
    """What its best model says of every row."""
    return result.predict(frame())


def log_losses(predicted: pl.DataFrame, targets: pl.Series) -> np.ndarray:
    """Return minus the logarithm of the probability that each row's own class was given, without our own code."""
    own = np.where(targets == "yes", predicted["probability_yes"], predicted["probability_no"])
    return -np.log(own)


def test_predictions_have_the_loss_that_the_study_measured(result, split) -> None:
    """Raw test rows, for logits and for probabilities, of every run: the same plan, features, weights and reading."""
    tested = frame()[split.test.tolist()]
    recorded = {
        (item["name"], run["seed"]): run["test"]["loss"]
        for item in result.summary["variants"]
        for run in item["runs"]
    }
    measured = {
        (model.variant, model.seed): log_losses(model.predict(tested.drop("sold")), tested["sold"]).mean()
        for model in result.models
    }
    assert len(recorded) == 4
    assert measured == pytest.approx(recorded, rel=1e-4)


def test_a_prediction_is_the_more_probable_class_and_rows_keep_their_order(result, best) -> None:
    """Names of classes as the table has them, and a probability for each of them."""
    assert best.columns == ["prediction", "probability_no", "probability_yes"]
    assert best.height == 240
    wanted = np.where(best["probability_yes"] > best["probability_no"], "yes", "no")
    assert best["prediction"].to_list() == wanted.tolist()
    assert best["probability_no"].to_numpy() + best["probability_yes"].to_numpy() == pytest.approx(
        np.ones(240)
    )
    backwards = result.predict(frame().reverse())
    assert np.allclose(backwards["probability_yes"].reverse(), best["probability_yes"], atol=1e-6)


def test_rows_may_come_in_any_form(result, best, tmp_path) -> None:
    """Frames, files, dictionaries and records; columns in any order, and further ones."""
    rows = frame().head(5)
    rows.write_csv(tmp_path / "rows.csv")
    forms = [
        pd.DataFrame(rows.to_dict(as_series=False)),
        rows.select("weight", "sold", "colour", "size", pl.lit(1).alias("more")),
        tmp_path / "rows.csv",
        str(tmp_path / "rows.csv"),
        rows.to_dict(as_series=False),
        rows.to_dicts(),
    ]
    predictor = result.predictor()
    for form in forms:
        assert_frame_equal(predictor.predict(form), best.head(5), abs_tol=1e-6)
    one = predictor.predict(rows.to_dicts()[1])
    assert_frame_equal(one, best[1], abs_tol=1e-6)
    assert predictor.predict(rows, proba=False).columns == ["prediction"]


def test_what_is_missing_or_new_is_said(result) -> None:
    """A column that is not there counts as missing in each row, a level that is new as one of the others."""
    rows = {"colour": ["violet", "red", "violet"], "weight": [0.0, "1.5", 2]}
    with pytest.warns(UserWarning, match="not there|lack") as caught:
        found = result.predict(rows)
    assert found.height == 3
    assert [str(one.message) for one in caught] == [
        "'size': not there, taken as missing",
        "'colour': 2 values that training rows lack (such as 'violet')",
    ]
    assert caught[0].filename == __file__
    with pytest.raises(InputError, match="must have the columns of the training table"):
        result.predict({"x": [1.0]})


def test_a_model_file_alone_is_enough(result, split, best, tmp_path) -> None:
    """It goes to another machine without its folder; the folder has the plan to read."""
    shutil.copy(result.best.path, tmp_path / "copy.keras")
    predictor = jr.load_predictor(tmp_path / "copy.keras")
    assert_frame_equal(predictor.predict(frame()), best)
    plan = json.loads((result.folder / "plan.json").read_bytes())
    assert [read_notes(model.path)["plan"] for model in result.models] == [plan] * 4
    assert Plan.from_dict(plan) == plan_of(split) == predictor.plan


def test_an_ensemble_is_the_mean_of_its_seeds(result) -> None:
    """Of their probabilities, as the study's own ensembles are."""
    own = [result.predict(frame(), variant="Own", seed=seed)["probability_yes"] for seed in (1, 2)]
    both = result.predict(frame(), variant="Own", ensemble=True)["probability_yes"]
    assert np.allclose(both, (own[0] + own[1]) / 2)
    assert not np.allclose(*own)


def test_the_command_predicts_a_file(result, best, tmp_path) -> None:
    """From the folder and a CSV to a CSV; the study's own options of reading apply."""
    frame().head(7).write_csv(tmp_path / "rows.csv")
    out = tmp_path / "out.csv"
    done = CliRunner().invoke(
        command_line(), ["predict", str(result.folder), str(tmp_path / "rows.csv"), "-o", str(out)]
    )
    assert (done.exit_code, done.output) == (0, "")
    assert_frame_equal(pl.read_csv(out), best.head(7), abs_tol=1e-6)


# What follows trains nothing: a plan of two numbers, and networks of one layer with given weights.


def plan(task="binary", class_names=("no", "yes"), **changed) -> Plan:
    """Return the plan of columns `a` and `b`."""
    columns = (Number(name="a", fill=0.5), Number(name="b", fill=0.0))
    return replace(Plan(columns, "y", task, class_names, ("a", "b", "y")), **changed)


def linear(weights) -> keras.Model:
    """Return a network without hidden layers or bias, given (features, outputs) weights."""
    kernel = np.array(weights, np.float32)
    model = keras.Sequential(
        [keras.Input((kernel.shape[0],)), keras.layers.Dense(kernel.shape[1], use_bias=False)]
    )
    model.set_weights([kernel])
    return model


def predictor(weights, given: Plan, *, are_logits: bool = True) -> Predictor:
    """Return the predictor of such a network."""
    return Predictor(given, (SavedNetwork(linear(weights), are_logits, "Net", 3, 7),))


def test_several_classes_take_the_most_probable() -> None:
    """Logits through a softmax; classes that are whole numbers are predicted as such."""
    names = ("0", "1", "5")
    found = predictor([[1, 0, 0], [0, 0, 2]], plan("multiclass", names)).predict(np.eye(2))
    assert found["prediction"].to_list() == [0, 5]
    total = [2 + np.e, 2 + np.e**2]
    chances = found.drop("prediction").to_numpy()
    assert chances == pytest.approx(
        np.array(
            [[np.e / total[0], 1 / total[0], 1 / total[0]], [1 / total[1], 1 / total[1], np.e**2 / total[1]]]
        )
    )
    assert found.columns == ["prediction", "probability_0", "probability_1", "probability_5"]


def test_a_regression_predicts_numbers() -> None:
    """In the target's units, without probabilities."""
    found = predictor([[2.0], [100.0]], plan("regression", ()), are_logits=False).predict([[1, 2], [3, 0]])
    assert found.to_dict(as_series=False) == {"prediction": [202.0, 6.0]}


def test_a_threshold_is_for_two_classes() -> None:
    """From that probability on it is class 1."""
    two = predictor([[1.0], [0.0]], plan(), are_logits=False)
    rows = {"a": [0.1, 0.3, 0.5, 0.6], "b": [0, 0, 0, 0]}
    assert two.predict(rows)["prediction"].to_list() == ["no", "no", "no", "yes"]
    assert two.predict(rows, threshold=0.25)["prediction"].to_list() == ["no", "yes", "yes", "yes"]
    for wrong in (0, 1.0, float("nan")):
        assert (
            refusal(two.predict, rows, threshold=wrong)
            == f"`threshold` must lie between 0 and 1; got {wrong!r}."
        )
    assert (
        refusal(predictor([[1.0], [0.0]], plan("regression", ())).predict, rows, threshold=0.5)
        == "`threshold` is for targets of two classes; 'y' is regression. Leave it out."
    )


def test_a_row_without_a_finite_output_has_no_prediction() -> None:
    """And that is said: no class is made up for it."""
    wild = predictor([[3e38], [3e38]], plan("regression", ()))
    with pytest.warns(UserWarning, match=r"^no prediction for 1 row: the network's outputs are not finite$"):
        assert wild.predict({"a": [0.0, 9.0], "b": [0.0, 9.0]})["prediction"].to_list() == [0.0, None]
    wild = predictor([[3e38, -3e38, 0], [3e38, -3e38, 0]], plan("multiclass", ("a", "b", "c")))
    with pytest.warns(UserWarning, match="no prediction for 1 row"):
        found = wild.predict({"a": [0.0, 9.0], "b": [0.0, 9.0]})
    assert found["prediction"].to_list() == ["a", None]
    assert found["probability_a"].to_list() == [pytest.approx(1 / 3), None]


def test_many_rows_are_predicted_a_piece_at_a_time(monkeypatch) -> None:
    """The same numbers, wherever the pieces end."""
    monkeypatch.setattr("justright.session.predictor.PIECE_ROWS", 3)
    values = np.arange(20.0).reshape(10, 2)
    found = predictor([[1.0], [1.0]], plan("regression", ())).predict(values)
    assert found["prediction"].to_list() == values.sum(1).tolist()


def test_probabilities_of_a_sigmoid_are_taken_as_they_are() -> None:
    """Those of several classes are made to sum to 1, as in the loss that training minimises."""
    assert probabilities(np.array([[0.25]]), are_logits=False).tolist() == [[0.75, 0.25]]
    assert probabilities(np.array([[0.5, 1.5]]), are_logits=False).tolist() == [[0.25, 0.75]]


def saved(path: Path, model: keras.Model | None = None, given: Plan | None = None, **about) -> Path:
    """Return a saved model of columns `a` and `b`."""
    save_model_atomically(
        model or linear([[1.0], [2.0]]), path, ABOUT | about, plan=(given or plan()).to_dict()
    )
    return path


def test_a_table_of_arrays_has_a_plan_of_its_features() -> None:
    """Made by hand, it has none of its own; a value that is missing is the median of training rows."""
    values = np.array([[1.0], [3.0], [5.0], [100.0]], np.float32)
    table = jr.Table(values, np.array([0, 1, 0, 1], np.float32), ("x",), "y", "binary", ("n", "p"))
    found = plan_of(SimpleNamespace(table=table, train=np.array([0, 1, 2])))
    assert found == Plan((Number(name="x", fill=3.0),), "y", "binary", ("n", "p"), ("x", "y"))


def test_files_that_no_study_writes_are_one_sentence(tmp_path) -> None:
    """Notes without a seed, networks of another shape, plans that are none."""
    odd = saved(tmp_path / "odd.keras", seed="x")
    assert refusal(load_predictor, odd, error=DamagedError) == (
        f"The model {str(odd)!r} holds what no study writes (it does not say its seed). Take it from its source again."
    )
    wide = saved(tmp_path / "wide.keras", linear([[1.0], [2.0], [3.0]]))
    assert refusal(load_predictor, wide, error=DamagedError) == (
        f"The model {str(wide)!r} holds what no study writes (its plan makes 2 features and 1 outputs, its network takes "
        "others). Take it from its source again."
    )
    none = tmp_path / "none.keras"
    save_model_atomically(linear([[1.0], [2.0]]), none, ABOUT, plan={"schema_version": 1, "columns": [7]})
    with pytest.raises(
        InputError, match=r"^The model '.*none.keras' cannot be used\. A table's plan must be as justright"
    ):
        load_predictor(none)


def test_models_are_averaged_only_with_one_plan(tmp_path) -> None:
    """Otherwise their features mean different things."""
    one = saved(tmp_path / "one.keras")
    other = saved(tmp_path / "other.keras", given=plan(class_names=("a", "b")))
    assert len(load_predictor(one, one).networks) == 2
    assert refusal(load_predictor, one, other) == (
        f"Models must share one plan to be averaged; that of {str(other)!r} differs from that of {str(one)!r}. "
        "Name models of one study."
    )
    with pytest.raises(InputError, match="needs the path of at least one model; got none"):
        load_predictor()


def test_rows_of_other_types_are_one_sentence() -> None:
    """Neither a traceback nor a guess."""
    assert refusal(predictor([[1.0], [2.0]], plan()).predict, 7) == (
        "`rows` must be a frame, an array, a path, an address or a dictionary; got int."
    )
    with pytest.raises(
        InputError, match=r"^`rows` must be columns of equal length, or rows of plain values; they are not"
    ):
        predictor([[1.0], [2.0]], plan()).predict({"a": [1, 2], "b": [1, 2, 3]})


MODELS = tuple(
    SavedModel(variant, seed, 5, loss, Path(f"{variant}-{seed}.keras"), counts)
    for variant, seed, loss, counts in (
        ("Wide", 1, 0.1, False),
        ("Wide", 2, 0.2, True),
        ("Tiny", 2, 0.3, True),
        ("Tiny", 1, 0.4, True),
    )
)
SUMMARY = {"variants": [{"name": name} for name in ("Tiny", "Wide", "Deep")], "choice": {"variant": "Tiny"}}


def chosen(models=MODELS, summary=SUMMARY, **wanted) -> list[str]:
    """Return the files of the models that are chosen."""
    return [model.path.stem for model in choose_models(models, summary, Path("runs/x"), **wanted)]


def test_the_model_is_chosen_by_variant_seed_or_as_an_ensemble() -> None:
    """Smaller training sizes predict only where they are the best of all."""
    assert chosen() == ["Wide-1"]
    assert chosen(variant="Wide") == ["Wide-2"]
    assert chosen(variant="Tiny", seed=1) == ["Tiny-1"]
    assert chosen(seed=2) == ["Wide-2"]
    assert chosen(ensemble=True) == ["Tiny-2", "Tiny-1"]
    assert chosen(summary=SUMMARY | {"choice": None}, ensemble=True) == ["Wide-2"]
    assert chosen(variant="Wide", ensemble=True) == ["Wide-2"]


@pytest.mark.parametrize(
    ("wanted", "models", "kind", "message"),
    [
        (
            {"variant": "Tinny"},
            MODELS,
            InputError,
            "`variant` must be one of the study's, 'Tiny', 'Wide', 'Deep'; got 'Tinny'. Did you mean 'Tiny'?",
        ),
        (
            {"variant": "Deep"},
            MODELS,
            FolderError,
            "Variant 'Deep' of 'runs/x' must have a run that ended with a model; it has none. Name another.",
        ),
        (
            {"variant": "Tiny", "seed": 7},
            MODELS,
            InputError,
            "`seed` must be one of the runs of 'Tiny', 1, 2; got 7.",
        ),
        (
            {"seed": 1, "ensemble": True},
            MODELS,
            InputError,
            "`seed` names one run, `ensemble` takes all; got seed 1 and both. Give one of them.",
        ),
        (
            {},
            (),
            FolderError,
            (
                "'runs/x' must hold a run that has ended with a model to have a best one; none has. See what became of "
                "them: justright show runs/x"
            ),
        ),
    ],
)
def test_a_model_that_is_not_there_is_one_sentence(wanted, models, kind, message) -> None:
    """Which there are, and what may have been meant."""
    assert refusal(chosen, models, **wanted, error=kind) == message
