"""Objects that hold training curves: each reads as the file that would hold the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import OrderedDict, deque
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.refusals import refusal

from justright.errors import InputError
from justright.logs.choices import Choices
from justright.logs.objects.registry import OBJECT_KINDS, curves_in, logged_runs_of
from justright.session.reading import diagnose

EPOCHS = [1, 2, 3, 4]
LOSS = [0.75, 0.5, 0.25, 0.125]
VAL_LOSS = [0.75, 0.625, 0.5, 0.5625]
COLUMNS = {"epoch": EPOCHS, "loss": LOSS, "val_loss": VAL_LOSS}
CURVES = {"loss": LOSS, "val_loss": VAL_LOSS}


def made_by(module, name, **attributes):
    """Return an object of a class that looks like a library's: the name of its module, its own name and what it keeps."""
    return type(name, (), {"__module__": module, **attributes})()


def values(source, number=0):
    """Return role -> metric -> values of one run of an object."""
    found = {}
    for curve in curves_in(source)[number].curves:
        found.setdefault(curve.role, {})[curve.metric] = curve.values.tolist()
    return found


@pytest.mark.parametrize(
    "source",
    [
        CURVES,
        OrderedDict(CURVES),
        {name: tuple(values) for name, values in CURVES.items()},
        {name: np.array(values, np.float32) for name, values in CURVES.items()},
        {name: [np.float32(one) for one in values] for name, values in CURVES.items()},
        {name: [np.array(one) for one in values] for name, values in CURVES.items()},
        {name: pd.Series(values) for name, values in CURVES.items()},
        {name: pl.Series(values) for name, values in CURVES.items()},
        {name: pa.array(values) for name, values in CURVES.items()},
        [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)],
        deque(dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)),
        (dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)),
        pd.DataFrame(COLUMNS),
        pd.DataFrame(COLUMNS).set_index("epoch"),
        pd.DataFrame(CURVES, dtype="Float64"),
        pl.DataFrame(COLUMNS),
        pl.LazyFrame(COLUMNS),
        pa.table(COLUMNS),
        np.rec.fromarrays(list(COLUMNS.values()), names=list(COLUMNS)),
        (LOSS, VAL_LOSS),
        made_by("keras.src.callbacks.history", "History", history=CURVES, epoch=[0, 1, 2, 3]),
        made_by("mine", "Model", history=SimpleNamespace(history=CURVES)),
        SimpleNamespace(history=CURVES),
        made_by(
            "fastai.learner",
            "Learner",
            recorder=SimpleNamespace(
                metric_names=["epoch", "train_loss", "valid_loss", "time"],
                values=[list(row) for row in zip(LOSS, VAL_LOSS, strict=True)],
            ),
        ),
        made_by("ray.air.result", "Result", metrics_dataframe=pd.DataFrame(COLUMNS)),
    ],
    ids=lambda source: f"{type(source).__module__}.{type(source).__name__}",
)
def test_the_same_curves_come_back_from_every_kind(source):
    """Whatever holds them: two losses of four epochs."""
    assert values(source) == {"train": {"loss": LOSS}, "validation": {"loss": VAL_LOSS}}


def test_pytorch_tensors_are_numbers():
    """Losses that were collected without `.item()`, with their gradients."""
    torch = pytest.importorskip("torch", reason="needs PyTorch, which `make test` installs")
    tensors = [torch.tensor(one, requires_grad=True) for one in LOSS]
    assert values({"loss": tensors, "val_loss": torch.tensor(VAL_LOSS)}) == values(CURVES)


def test_an_object_reads_as_its_file(tmp_path):
    """`diagnose` says the same of a dict and of the JSON file that holds it."""
    (tmp_path / "history.json").write_text(json.dumps(CURVES))
    of_file, of_object = diagnose(tmp_path / "history.json"), diagnose(CURVES)
    assert of_object.sentence == of_file.sentence
    assert of_object.to_dict()[0] | {"name": "", "format": ""} == of_file.to_dict()[0] | {
        "name": "",
        "format": "",
    }


def test_epochs_of_a_history_that_began_later_are_kept():
    """Keras numbers them in `epoch`, as after `fit(initial_epoch=5)`."""
    history = made_by("keras.src.callbacks.history", "History", history=CURVES, epoch=[5, 6, 7, 8])
    [run] = curves_in(history)
    assert [curve.at.tolist() for curve in run.curves if curve.metric == "loss"] == [[5, 6, 7, 8]] * 2


def test_a_path_is_no_object(tmp_path):
    """Neither a text nor a Path."""
    assert logged_runs_of("history.json") is None
    assert logged_runs_of(tmp_path) is None


def test_numbers_without_names_are_a_validation_loss_and_said_to_be():
    """One list of numbers, one array, or one column."""
    for source in (VAL_LOSS, np.array(VAL_LOSS), pd.Series(VAL_LOSS), pl.Series(VAL_LOSS)):
        [run] = curves_in(source)
        assert values(source) == {"validation": {"loss": VAL_LOSS}}
        assert run.notes == ("Numbers without a name were taken for 'val_loss': less is better.",)


def test_a_gap_in_a_pandas_frame_was_not_measured():
    """Pandas has one mark for both; a metric of every second epoch has gaps."""
    frame = pd.DataFrame({"loss": LOSS, "val_loss": [0.75, None, 0.5, None]})
    assert values(frame) == {"train": {"loss": LOSS}, "validation": {"loss": [0.75, 0.5]}}


def test_losses_that_end_in_nan_together_diverged():
    """All losses of a pandas frame from one row on: a run that left the numbers, not one that was not measured."""
    nan = float("nan")
    frame = pd.DataFrame({"loss": [0.7, 0.6, nan, nan, nan], "val_loss": [0.7, nan, nan, nan, nan]})
    [run] = curves_in(frame)
    assert [int(np.isfinite(curve.values).sum()) for curve in run.curves] == [2, 1]
    assert all(len(curve.values) == 5 for curve in run.curves)


def test_a_shorter_run_beside_a_longer_one_did_not_diverge():
    """Two runs side by side in a pandas frame, the shorter one filled up with NaN."""
    frame = pd.DataFrame({"loss": LOSS, "val_loss": [0.75, 0.5, None, None]})
    assert values(frame)["validation"] == {"loss": [0.75, 0.5]}


RUNS = {"small": pd.DataFrame(COLUMNS), "large": SimpleNamespace(history=CURVES)}


def test_a_dict_of_objects_has_a_run_each():
    """Different networks are different runs, under the names they were given."""
    runs = logged_runs_of(RUNS)
    assert [(run.name, run.member) for run in runs] == [("small", ""), ("large", "")]
    assert values(RUNS, 1) == values(CURVES)


def test_a_list_of_objects_has_a_run_each():
    """Nothing says that they belong together, so they are not pooled."""
    runs = logged_runs_of(list(RUNS.values()))
    assert [(run.name, run.member) for run in runs] == [("DataFrame 0", ""), ("SimpleNamespace 1", "")]


def test_folds_in_a_dict_are_one_experiment():
    """Keys such as 'fold 0' or 'seed_3' name repetitions, which are pooled; bare numbers may be sizes of networks."""

    def members(names):
        return [len(run.members) for run in diagnose(dict.fromkeys(names, pd.DataFrame(COLUMNS))).runs]

    assert members(["fold 0", "fold 1", "fold 2"]) == members(["seed_3", "seed_4", "seed_5"]) == [3]
    assert members([16, 64, 512]) == [0, 0, 0]


def test_boosted_trees_read_as_their_evaluation_results():
    """XGBoost's and LightGBM's estimators keep the dict that their users save as JSON."""
    results = {"validation_0": {"logloss": LOSS}, "validation_1": {"logloss": VAL_LOSS}}
    plain = values(results)
    for package in ("xgboost.sklearn", "lightgbm.sklearn"):
        estimator = made_by(package, "Classifier", evals_result_=results)
        assert values(estimator) == plain
        [run] = logged_runs_of(estimator)
        assert (run.unit, run.tool, run.name) == ("iteration", "trees", "Classifier")
    estimator = made_by("catboost.core", "CatBoost", get_evals_result=lambda self: results)
    assert values(estimator) == plain


def test_the_scores_that_ngboost_lowers_are_losses():
    """It keeps the dict under another name, and calls a negative log-likelihood a score."""
    results = {"train": {"LOGSCORE": LOSS}, "val": {"LOGSCORE": VAL_LOSS}}
    estimator = made_by("ngboost.api", "NGBClassifier", evals_result=results)
    assert values(estimator) == {"train": {"nll": LOSS}, "validation": {"nll": VAL_LOSS}}
    [curve] = [one for one in curves_in(estimator)[0].curves if one.role == "validation"]
    assert curve.direction == "less"


def test_an_object_that_says_it_has_every_attribute_is_no_list():
    """As LightGBM's CVBooster does, which `cv` returns beside its means."""

    class CVBooster:
        def __getattr__(self, name):
            return lambda: 1 / 0

    means = {"valid l2-mean": VAL_LOSS, "valid l2-stdv": [0.1] * 4}
    assert values(means | {"cvbooster": CVBooster()}) == {"validation": {"l2": VAL_LOSS}}


@pytest.mark.parametrize("counter", [{}, {"iterations": [0, 1, 2, 3]}])
def test_what_cross_validation_returns_is_read_as_means_over_folds(counter):
    """`cv` of XGBoost and CatBoost gives a frame, that of LightGBM a dict; 'test' are the rows left out in turn."""
    means = {"train-logloss-mean": LOSS, "test-logloss-mean": VAL_LOSS}
    spread = {name.replace("mean", "std"): [0.1] * 4 for name in means}
    frame = pd.DataFrame(counter | means | spread)
    assert values(frame) == values(means | spread)
    assert values(frame) == {"train": {"logloss": LOSS}, "validation": {"logloss": VAL_LOSS}}


def test_what_early_stopping_chose_is_said():
    """XGBoost counts rounds from 0, LightGBM trees from 1."""
    results = {"valid_0": {"l2": VAL_LOSS}}
    xgboost = made_by("xgboost.sklearn", "XGBRegressor", evals_result_=results, best_iteration=2)
    lightgbm = made_by("lightgbm.sklearn", "LGBMRegressor", evals_result_=results, best_iteration_=3)
    for estimator in (xgboost, lightgbm):
        [run] = logged_runs_of(estimator)
        assert run.notes[-1] == "Early stopping chose 3 trees; the model predicts with these already."


@pytest.fixture(scope="module")
def table():
    """80 rows of two columns, and classes with some noise."""
    random = np.random.default_rng(0)
    features = random.normal(size=(80, 2))
    return features, features[:, 0] + random.normal(size=80) > 0


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")
def test_a_network_of_scikit_learn_has_its_loss_and_validation_score(table):
    """Also at the end of a pipeline, and as the best of a search."""
    network = MLPClassifier(max_iter=4, early_stopping=True, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network).fit(*table)
    expected = {
        "train": {"loss": network.loss_curve_},
        "validation": {"accuracy": list(network.validation_scores_)},
    }
    assert values(pipeline) == expected
    search = GridSearchCV(MLPClassifier(max_iter=3, random_state=0), {"alpha": [0.1]}, cv=2).fit(*table)
    assert values(search) == {"train": {"loss": search.best_estimator_.loss_curve_}}


@pytest.mark.parametrize(
    ("scoring", "metric", "sign"),
    [("loss", "loss", -1), ("neg_log_loss", "log_loss", -1), ("accuracy", "accuracy", 1)],
)
def test_histogram_boosting_has_losses_that_fall_and_scores_that_rise(table, scoring, metric, sign):
    """Scikit-learn turns the sign of a loss into a score; it is turned back."""
    trees = HistGradientBoostingClassifier(max_iter=3, early_stopping=True, scoring=scoring).fit(*table)
    assert values(trees) == {
        "train": {metric: [sign * one for one in trees.train_score_]},
        "validation": {metric: [sign * one for one in trees.validation_score_]},
    }


def test_gradient_boosting_validates_on_rows_left_out(table):
    """With `subsample` below 1 each tree leaves rows out; the reading says what they are."""
    trees = GradientBoostingRegressor(n_estimators=3, subsample=0.5, random_state=0).fit(*table)
    assert values(trees) == {
        "train": {"loss": trees.train_score_.tolist()},
        "validation": {"loss": trees.oob_scores_.tolist()},
    }
    assert curves_in(trees)[0].notes == (
        "oob_scores_ were taken for validation: the rows that each tree left out, which earlier trees learned from.",
    )


def test_a_hugging_face_trainer_is_read_with_its_folder(tmp_path, monkeypatch):
    """Its log is in memory, its checkpoints are in `output_dir`; a state alone has none, wherever the program runs."""
    (tmp_path / "checkpoint-10").mkdir()
    log = [{"epoch": 1.0, "step": 10, "loss": 0.5}, {"epoch": 1.0, "step": 10, "eval_loss": 0.6}]
    state = made_by("transformers", "TrainerState", log_history=log)
    trainer = made_by("transformers", "Trainer", state=state, args=SimpleNamespace(output_dir=str(tmp_path)))
    monkeypatch.chdir(tmp_path)
    for source, checkpoints in ((trainer, ["checkpoint-10"]), (state, [])):
        [run] = curves_in(source)
        assert (run.name, list(run.checkpoints.values())) == (type(source).__name__, checkpoints)
        assert values(source) == {"train": {"loss": [0.5]}, "validation": {"loss": [0.6]}}


def test_lightning_is_read_from_what_its_logger_wrote(tmp_path):
    """A Trainer, or the logger itself."""
    (tmp_path / "metrics.csv").write_text("epoch,step,train_loss,val_loss\n0,9,0.5,\n0,9,,0.75\n")
    logger = made_by("lightning.pytorch.loggers.csv_logs", "CSVLogger", log_dir=str(tmp_path))
    trainer = made_by("lightning.pytorch.trainer.trainer", "Trainer", loggers=[SimpleNamespace(), logger])
    for source in (logger, trainer):
        assert values(source) == {"train": {"loss": [0.5]}, "validation": {"loss": [0.75]}}


def test_a_training_that_began_again_is_told_apart():
    """As in a file: a counter that steps back begins another attempt, and the last one counts."""
    again = {"epoch": EPOCHS[:3], "loss": [0.8, 0.6, 0.4], "val_loss": [0.8, 0.7, 0.6]}
    frame = pl.concat([pl.DataFrame(COLUMNS), pl.DataFrame(again)])
    reading = diagnose(frame)
    assert [(run.is_earlier, len(run.curves.curves[0].at)) for run in reading.runs] == [(False, 3), (True, 4)]


def test_one_run_of_several_can_be_asked_for():
    """By its name."""
    reading = diagnose(RUNS, run="large")
    assert [run.name for run in reading.runs] == ["large"]


def test_what_the_user_says_about_names_reaches_the_format():
    """The choices travel with the object as they do with a file."""
    [run] = curves_in(pl.DataFrame({"n": [5, 10], "val_loss": [0.5, 0.25]}), Choices(epoch="n"))
    assert [curve.at.tolist() for curve in run.curves if curve.metric == "loss"] == [[5, 10]]


CYCLE: list[object] = []
CYCLE.append(CYCLE)
EMPTY = "is empty. Pass {metric: [one value per epoch]}, such as {'loss': [...], 'val_loss': [...]}."


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, f"`source` must hold curves; the dict {EMPTY}"),
        ([], f"`source` must hold curves; the list {EMPTY}"),
        (
            {"loss": "low"},
            (
                "A training log must hold curves, such as one value of 'val_loss' per epoch; 'dict' holds single values only, "
                "as a summary or a configuration does. Pass the log that was written during training."
            ),
        ),
        (CYCLE, "`source` must be a few levels of dicts and lists; the list is nested too deep."),
        (
            np.zeros((3, 2)),
            (
                "An array must be one curve, (epochs,); got shape (3, 2). Pass a dict that names each curve, such as "
                "{'loss': a[:, 0], 'val_loss': a[:, 1]}."
            ),
        ),
        (pl.DataFrame({"loss": []}), "`source` must hold curves; the DataFrame has 0 rows."),
        (
            pd.DataFrame(np.zeros((3, 2))),
            (
                "The columns of a data frame must have names that say what they hold; they have numbers. Name them, such as "
                "'epoch', 'loss' and 'val_loss'."
            ),
        ),
        (
            SGDClassifier(),
            (
                "An estimator of scikit-learn must have kept its curves when it was fitted; this SGDClassifier has none. Those that "
                "do: MLPClassifier, MLPRegressor, HistGradientBoosting with early_stopping=True, GradientBoosting with "
                "subsample < 1; or pass {'loss': [...], 'val_loss': [...]}."
            ),
        ),
        (
            made_by("xgboost.core", "Booster"),
            (
                "A model of boosted trees must have kept its curves; a Booster keeps none. Pass the dict that "
                "`train(..., evals_result=...)` of XGBoost or `record_evaluation` of LightGBM filled."
            ),
        ),
        (
            made_by("lightgbm.sklearn", "LGBMClassifier"),
            (
                "A model of boosted trees must have been fitted with rows to validate on; this LGBMClassifier was not. Call "
                "`fit(X, y, eval_set=[(X, y), (X_validation, y_validation)])` first, or NGBoost's with `X_val` and `Y_val`."
            ),
        ),
        (
            made_by("keras.src.models", "Sequential", fit=None),
            (
                "A model of Keras must have been trained in this process, for an epoch at least; this Sequential was not. Pass "
                "what `fit` returned, or the file that CSVLogger wrote."
            ),
        ),
        (
            made_by("lightning.pytorch.trainer", "Trainer", loggers=[]),
            (
                "Lightning must have kept its metrics in a file; found no logger, without a folder. Train with "
                "logger=CSVLogger('logs'), or with callbacks=[jr.callbacks.LightningDiagnose()]."
            ),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_object_without_curves_says_what_to_pass(source, message):
    """In one sentence, for each kind its own."""
    assert refusal(logged_runs_of, source) == message


@pytest.mark.parametrize(("source", "name"), [(object(), "object"), (b"log.csv", "bytes"), (3, "int")])
def test_an_unknown_object_is_told_every_kind_that_is_taken(source, name):
    """The list comes from the registry."""
    with pytest.raises(InputError) as caught:
        diagnose(source)
    kinds = "; ".join(kind.summary for kind in OBJECT_KINDS if kind.summary)
    assert str(caught.value) == (
        f"`source` must be a path, or hold training curves: {kinds}; got {name}. "
        "Pass {'loss': [...], 'val_loss': [...]}."
    )


def test_no_library_is_imported_to_recognise_an_object():
    """A dict is read without pandas, Keras, PyTorch or scikit-learn."""
    program = (
        "import sys; from justright.logs.objects.registry import logged_runs_of; logged_runs_of({'loss': [1.0, 0.5]});"
        "print(sorted({'keras', 'jax', 'torch', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
