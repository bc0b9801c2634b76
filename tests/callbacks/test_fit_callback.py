"""`jr.callbacks.JustRight` in real trainings by `model.fit`."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import polars as pl
import pytest
from tests.refusals import refusal

import justright as jr
from justright.callbacks.fit_rows import FitData
from justright.records.folder import StudyFolder
from justright.records.models import read_about
from justright.records.reader import StoreReader
from justright.records.store import Store
from justright.runs.events import RunKey
from justright.runs.grid import fixed_rows, measured_epochs
from justright.runs.weight_histograms import HISTOGRAMS, bins_of, histogram_of
from justright.session.extend import check_same_study, find_remaining, fingerprints
from justright.session.prepare import prepare_study

EPOCHS = 24


def drawn(seed, count, features=20):
    """Return rows (x, y) of two classes that one feature tells apart, with much noise."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, features)).astype("float32")
    return x, (x[:, 0] + random.normal(size=count) > 0).astype("float32")


TRAIN, VALIDATION, TEST = drawn(1, 80), drawn(2, 100), drawn(3, 120)
ROWS = {"data": VALIDATION, "train": TRAIN}


def network(*between, seed=0, outputs=1, activation=None, loss=None, metrics=(), **layers):
    """Return a compiled network whose initial weights and masks are always the same."""
    import keras

    keras.utils.set_random_seed(seed)
    hidden = keras.layers.Dense(32, activation="relu", **layers)
    model = keras.Sequential([hidden, *between, keras.layers.Dense(outputs, activation)])
    loss = loss or keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=list(metrics))
    return model


def fit(model, *callbacks, epochs=EPOCHS, rows=TRAIN, **options):
    """Train a network, and return its history."""
    given = {"batch_size": 20, "verbose": 0, "epochs": epochs} | options
    return model.fit(*rows, callbacks=list(callbacks), **given).history


def recorder(folder, **given):
    """Return the callback, silent."""
    return jr.callbacks.JustRight(folder, **{"seed": 1, "verbose": 0, **ROWS, **given})


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(callback, model, history, those of the same training without the callback)."""
    import keras

    folder = tmp_path_factory.mktemp("fit") / "study"
    callback = recorder(folder, test=TEST, name="Mine", seed=7)

    def made():
        keras.utils.set_random_seed(0)  # Dropout draws its own
        between = keras.layers.Dropout(0.2), keras.layers.BatchNormalization()
        auc = keras.metrics.AUC(from_logits=True, name="auc")
        return network(*between, metrics=["accuracy", auc])

    plain_model = made()
    plain = fit(plain_model, validation_data=VALIDATION)
    model = made()
    history = fit(model, callback, validation_data=VALIDATION)
    return callback, model, history, (plain_model, plain)


def records(callback):
    """Return the record of the callback's run, and its row losses by kind and epoch."""
    with StoreReader(StudyFolder.open(callback.folder)) as store:
        [record] = store.runs()
        kinds = ("validation", "fixed", "test", "validation_score", "validation_output", "test_output")
        return record, {kind: store.row_losses(record.run, kind) for kind in kinds}


def test_a_training_is_the_same_with_and_without_being_recorded(recorded):
    """Neither its numbers nor the weights it ends with."""
    _, model, history, (plain_model, plain) = recorded
    assert history == plain
    for with_it, without in zip(model.get_weights(), plain_model.get_weights(), strict=True):
        np.testing.assert_array_equal(with_it, without)


def test_validation_losses_are_those_of_keras_row_by_row(recorded):
    """Keras computes their mean in float32; recorded are the rows, at the epochs of the grid and at the end."""
    callback, model, history, _ = recorded
    record, rows = records(callback)
    curves = callback.result.curves
    np.testing.assert_allclose(curves["val_binary_crossentropy"], history["val_loss"], rtol=1e-5)
    np.testing.assert_allclose(curves["val_loss"], history["val_loss"], rtol=1e-6)
    grid = set(np.flatnonzero(measured_epochs(0, EPOCHS)).tolist())
    assert set(rows["validation"]) == grid | {EPOCHS - 1, record.best_epoch}
    for epoch, losses in rows["validation"].items():
        assert losses.mean() == pytest.approx(history["val_loss"][epoch], rel=1e-5)
    logits = model.predict(VALIDATION[0], verbose=0)[:, 0].astype(np.float64)
    expected = np.log1p(np.exp(-logits * (2 * VALIDATION[1] - 1)))
    np.testing.assert_allclose(rows["validation"][EPOCHS - 1], expected, rtol=1e-5, atol=1e-7)


def test_the_training_loss_is_measured_on_the_fixed_rows_without_dropout(recorded):
    """The last value is that of the model as it is in the end."""
    callback, model, history, _ = recorded
    curves = callback.result.curves
    measured = measured_epochs(0, EPOCHS)
    assert curves["fixed_binary_crossentropy"].is_not_nan().to_list() == measured.tolist()
    chosen = fixed_rows(80, 1_000)
    expected = model.evaluate(TRAIN[0][chosen], TRAIN[1][chosen], verbose=0, return_dict=True)["loss"]
    record, rows = records(callback)
    assert record.last["fixed_binary_crossentropy"] == pytest.approx(expected, rel=1e-5)
    assert rows["fixed"][EPOCHS - 1].mean() == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(curves["loss"], history["loss"], rtol=1e-6)


def test_keras_accuracy_of_logits_is_not_taken_for_the_share_of_right_rows(recorded):
    """Keras compares logits with 0.5; ours of validation rows is that of the classes."""
    callback, model, history, _ = recorded
    curves = callback.result.curves
    assert curves["accuracy"].is_nan().all()
    right = (model.predict(VALIDATION[0], verbose=0)[:, 0] > 0) == (VALIDATION[1] > 0.5)
    assert curves["val_accuracy"][-1] == pytest.approx(right.mean())
    np.testing.assert_allclose(curves["val_auc"], history["val_auc"])


def test_the_best_weights_are_saved_and_measured(recorded):
    """Those of the epoch with the lowest validation loss, in a file that predicts rows."""
    callback, _, history, _ = recorded
    record, rows = records(callback)
    best = int(np.argmin(history["val_loss"]))
    assert (record.run, record.best_epoch) == (RunKey("Mine", 7, 80), best)
    saved = callback.result.best.load()
    logits = saved.predict(TEST[0], verbose=0)[:, 0].astype(np.float64)
    np.testing.assert_allclose(rows["test_output"][best], logits, rtol=1e-5, atol=1e-6)
    losses = np.log1p(np.exp(-logits * (2 * TEST[1] - 1)))
    assert record.test["loss"] == pytest.approx(losses.mean(), rel=1e-5)
    assert set(rows["test"]) == {best, EPOCHS - 1}
    predicted = callback.result.predict(TEST[0])["probability_1"]
    np.testing.assert_allclose(predicted, 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_weights_before_training_and_at_its_end_are_histograms(recorded):
    """For TensorBoard, beside those of the best epoch."""
    callback, model, *_ = recorded
    record, _ = records(callback)
    kept = read_about(callback.folder / record.model_path)[HISTOGRAMS]
    assert list(kept) == ["0", str(record.best_epoch), str(EPOCHS - 1)]
    last = {one.path.partition("/")[2]: histogram_of(np.asarray(one.value)) for one in model.weights}
    assert kept[str(EPOCHS - 1)] == {name: one for name, one in last.items() if one}
    first = {name: bins_of(one) for name, one in kept["0"].items()}
    for name, values in (("bias", 0.0), ("gamma", 1.0)):  # as Keras begins
        (edges, counts) = next(one for key, one in first.items() if key.endswith(f"/{name}"))
        assert counts[np.searchsorted(edges, values, side="right") - 1] == counts.sum() == 32
    assert kept["0"].keys() == kept[str(EPOCHS - 1)].keys()


def test_the_folder_is_a_studys(recorded):
    """Described, judged and reported as any other; and its table is said to be in memory when it is to run again."""
    callback, *_ = recorded
    result = jr.open_result(callback.folder)
    [variant] = result.summary["variants"]
    assert variant["verdict"]["label"] == "overfits"
    assert result.summary["rows"] == {"train": 80, "validation": 100, "test": 120}
    assert result.summary["environment"]["recorded by"] == "keras.Model.fit on jax"
    assert result.study["recipe"]["batch_size"] == 20
    assert result.study["recipe"]["optimizer"]["class_name"] == "Adam"
    assert "Mine overfits" in (callback.folder / "report.html").read_text()
    assert list((callback.folder / "tensorboard" / "Mine" / "seed-7").glob("*/events.*"))
    assert callback.result.repairs == ()


def test_the_verdict_is_printed(tmp_path, capsys):
    """And where the report is; a folder that is taken gets a number."""
    for name in ("study", "study-2"):
        callback = recorder(tmp_path / "study", verbose=1, new=True)
        fit(network(), callback, epochs=2)
        answer, report = capsys.readouterr().out.splitlines()
        assert answer.startswith("My network is undecided")
        assert report == f"Report: {tmp_path / name / 'report.html'}"


def test_early_stopping_that_restores_weights_leaves_the_last_ones_known(tmp_path):
    """Keras gives the best weights back before the record ends: the last epoch's are kept until then."""
    import keras

    callback = recorder(tmp_path / "study")
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    history = fit(network(), stop, callback, validation_data=VALIDATION)
    record, rows = records(callback)
    last = len(history["loss"]) - 1
    assert (record.outcome, record.epochs, record.best_epoch) == ("stopped early", last + 1, last - 3)
    assert record.reason == f"Training was stopped after {last + 1} of {EPOCHS} epochs."
    assert rows["validation"][last].mean() == pytest.approx(history["val_loss"][last], rel=1e-5)


def test_an_interrupted_training_keeps_what_was_recorded(tmp_path):
    """Keras does not end a training that Ctrl-C ends; `finish` judges it, and nothing is lost without."""
    import keras

    def interrupt(epoch, logs):
        if epoch == 3:
            raise KeyboardInterrupt

    for name in ("finished", "left"):
        callback = recorder(tmp_path / name)
        with pytest.raises(KeyboardInterrupt):
            fit(network(), callback, keras.callbacks.LambdaCallback(on_epoch_end=interrupt))
        if name == "finished":
            result = callback.finish()
            [run] = result.summary["variants"][0]["runs"]
            assert (run["outcome"], run["epochs"]) == ("stopped early", 4)
            assert callback.finish() is result
        callback.__dict__["_close"]()  # as when the callback is forgotten, or the script ends
        assert jr.open_result(tmp_path / name).curves.height == 4


def test_a_training_that_diverges_is_recorded_until_then(tmp_path):
    """Keras goes on; the record does not."""
    import keras

    model = network(loss="mse")
    model.optimizer.learning_rate = 1e30
    callback = recorder(tmp_path / "study")
    fit(model, callback, keras.callbacks.TerminateOnNaN())
    [variant] = callback.result.summary["variants"]
    assert variant["verdict"]["label"] == "diverged"
    assert variant["runs"][0]["outcome"] == "diverged"


def test_several_classes_and_one_hot_targets(tmp_path):
    """A row's class is its number, or the place of the 1. A metric of a class of one's own is recorded as Keras reports it."""
    import keras

    class Certainty(keras.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(keras.ops.max(y_pred, -1))

    classes = np.random.default_rng(0).integers(0, 3, 100)
    rows = (VALIDATION[0], np.eye(3)[classes]), (TRAIN[0], np.eye(3)[classes[:80]])
    callback = recorder(tmp_path / "study", data=rows[0], train=rows[1])
    model = network(
        outputs=3,
        activation="softmax",
        loss="categorical_crossentropy",
        metrics=["accuracy", Certainty(name="certainty")],
    )
    history = fit(model, callback, epochs=2, rows=rows[1], validation_data=rows[0])
    curves = callback.result.curves
    assert callback.result.summary["task"] == "multiclass"
    np.testing.assert_allclose(curves["val_sparse_categorical_crossentropy"], history["val_loss"], rtol=1e-5)
    np.testing.assert_allclose(curves["accuracy"], history["accuracy"])
    np.testing.assert_allclose(curves["val_accuracy"], history["val_accuracy"])
    np.testing.assert_allclose(curves["val_certainty"], history["val_certainty"])
    assert "Certainty" not in (callback.folder / "study.toml").read_text()  # commands could not read it again


def test_two_outputs_for_two_classes_are_one_logit(tmp_path):
    """Their difference: a study of two classes records one output per row."""
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    callback = recorder(tmp_path / "study")
    history = fit(network(outputs=2, loss=loss), callback, epochs=2, validation_data=VALIDATION)
    curves = callback.result.curves
    assert callback.result.summary["task"] == "binary"
    np.testing.assert_allclose(curves["val_binary_crossentropy"], history["val_loss"], rtol=1e-5)
    assert callback.result.predict(TEST[0]).height == 120


def test_numbers_with_penalties_and_a_frame_of_named_columns(tmp_path):
    """Keras' loss of training has the penalty in it, which the recorded losses of rows have not."""
    import keras

    names = [f"x{place}" for place in range(20)]
    frames = [pl.DataFrame(rows[0], schema=names) for rows in (VALIDATION, TRAIN)]
    data, train = (frames[0].to_pandas(), VALIDATION[0][:, 0]), (frames[1].to_pandas(), TRAIN[0][:, 0])
    callback = recorder(tmp_path / "study", data=data, train=train)
    model = network(loss="mse", metrics=["mae"], kernel_regularizer=keras.regularizers.L2(0.1))
    history = fit(
        model, callback, epochs=2, rows=(TRAIN[0], train[1]), validation_data=(VALIDATION[0], data[1])
    )
    curves = callback.result.curves
    outputs = model.predict(VALIDATION[0], verbose=0)[:, 0]
    assert callback.result.summary["task"] == "regression"
    assert curves["val_mean_squared_error"][-1] == pytest.approx(
        np.square(outputs - data[1]).mean(), rel=1e-5
    )
    assert curves["val_loss"][-1] > curves["val_mean_squared_error"][-1]
    assert curves["mean_squared_error"].is_nan().all()
    np.testing.assert_allclose(curves["mean_absolute_error"], history["mae"])
    assert [one["name"] for one in callback.result.summary["table"]["columns"]] == names


def test_a_model_of_several_inputs_sees_them(tmp_path):
    """Named by a dictionary; the table has all of their columns."""
    import keras

    inputs = {"left": keras.Input((5,), name="left"), "right": keras.Input((15,), name="right")}
    joined = keras.layers.Concatenate()(list(inputs.values()))
    model = keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(joined))
    model.compile("sgd", "binary_crossentropy")
    data, train = (({"left": x[:, :5], "right": x[:, 5:]}, y) for x, y in (VALIDATION, TRAIN))
    callback = recorder(tmp_path / "study", data=data, train=train)
    history = fit(model, callback, epochs=2, rows=train, validation_data=data)
    np.testing.assert_allclose(
        callback.result.curves["val_binary_crossentropy"], history["val_loss"], rtol=1e-5
    )
    columns = [one["name"] for one in callback.result.summary["table"]["columns"]]
    assert columns[:6] == ["left_0", "left_1", "left_2", "left_3", "left_4", "right_0"]


def test_the_rows_of_a_split(tmp_path):
    """Nothing else has to be said, and the table's names are kept."""
    split = jr.read_table("higgs-sim", rows=400).split(100, train=200)
    callback = jr.callbacks.JustRight(tmp_path / "study", data=split, seed=3, verbose=0)
    fit(network(), callback, epochs=1, rows=split.arrays("train"))
    summary = callback.result.summary
    assert summary["rows"] == {"train": 200, "validation": 100, "test": 100}
    assert (summary["table"]["source"], summary["seeds"]) == ("higgs-sim", [3])
    # The commands of the report go on from the folder: what `fit` has trained is known, and is not trained again.
    study = prepare_study(folder=tmp_path / "study")
    with StudyFolder.open(tmp_path / "study", "resume") as folder, Store(folder) as store:
        current = fingerprints(study)
        check_same_study(store, current)
        remaining = find_remaining(study, store, current)
    assert remaining.is_nothing
    assert remaining.ended == {RunKey("My network", 3, 200)}


def test_recorded_trainings_join_into_one_study(tmp_path):
    """Two seeds and their models, which predict together."""
    folders = [tmp_path / "one", tmp_path / "other"]
    models = []
    for seed, folder in enumerate(folders, 1):
        models.append(network(seed=seed))
        fit(models[-1], recorder(folder, seed=seed), epochs=1)
    result = jr.join(folders, tmp_path / "both")
    logits = [model.predict(TEST[0], verbose=0)[:, 0].astype(np.float64) for model in models]
    expected = np.mean([1 / (1 + np.exp(-values)) for values in logits], axis=0)
    predicted = result.predict(TEST[0], ensemble=True)["probability_1"]
    np.testing.assert_allclose(predicted, expected, rtol=1e-5)


def test_rows_that_count_differently(tmp_path):
    """What is measured is what Keras' `weighted_metrics` say of the rows, at every epoch and in the verdict."""
    import keras

    random = np.random.default_rng(4)
    weighted = {
        name: (x, y[:, None], random.exponential(size=len(y)).astype("float32"))
        for name, (x, y) in (("data", VALIDATION), ("train", TRAIN), ("test", TEST))
    }
    model, callback = network(), recorder(tmp_path / "study", **weighted)
    loss = keras.metrics.BinaryCrossentropy(from_logits=True, name="binary_crossentropy")
    model.compile(keras.optimizers.Adam(0.01), model.loss, weighted_metrics=[loss])
    x, y, weights = weighted["train"]
    history = model.fit(
        *(x, y),
        sample_weight=weights,
        validation_data=weighted["data"],
        epochs=3,
        verbose=0,
        callbacks=[callback],
    ).history
    curves = callback.result.curves
    for name in ("binary_crossentropy", "val_binary_crossentropy"):
        np.testing.assert_allclose(curves[name], history[name], rtol=1e-5)
    [variant] = callback.result.summary["variants"]
    [run] = variant["runs"]
    assert run["best_epoch"] == np.argmin(history["val_binary_crossentropy"])
    model = callback.result.best.load()
    x, y, weights = weighted["test"]
    model.compile(weighted_metrics=[loss])
    tested = model.evaluate(x, y, sample_weight=weights, return_dict=True, verbose=0)
    assert variant["test"]["mean"] == pytest.approx(tested["binary_crossentropy"], rel=1e-5)
    assert callback.result.summary["table"]["weights"]["count"] == "all"


def test_a_model_without_a_configuration(tmp_path):
    """A class of one's own is called by its name, and cannot be saved; all else is recorded."""
    import keras

    class Own(keras.Model):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

        def call(self, x):
            return self.layer(x)

        def get_config(self):
            raise NotImplementedError("no configuration")

        def train_step(self, *arguments):
            return super().train_step(*arguments)

    model = Own(keras.layers.Dense(1))
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    callback = recorder(tmp_path / "study")
    fit(model, callback, epochs=1)
    assert callback.result.study["variants"]["My network"]["builder"].endswith("Own")
    assert callback.result.curves.height == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"train": None},
            (
                "A training is judged on rows that learned and on others: `train` must be given as (x, y), as to model.fit; got None. "
                "Write JustRight(folder, data=(x_val, y_val), train=(x_train, y_train)), or data=split."
            ),
        ),
        (
            {"train": (TRAIN[0], TRAIN[1][:5]), "data": (np.array([["a"]]), np.array([1]))},
            (
                "`train` must have a target for each row, and at least one row; got 5 and 80 rows. `data` must hold arrays of "
                "numbers with a row for each example; got ndarray of <U1 with shape (1, 1)."
            ),
        ),
        (
            {"data": range(3), "train": (*TRAIN, -TRAIN[1])},
            (
                "The weights of `train` must be a number of at least 0 for each of 80 rows, not all 0; got shape (80,), values from "
                "-1 to -0. `data` must be arrays (x, y) or (x, y, sample_weight), as model.fit takes them, or a justright.Split; got "
                "range. Collect the batches of a data set into arrays first."
            ),
        ),
        (
            {"train": (*TRAIN, np.ones(80))},
            (
                "Weights must be given for all rows or for none, so that means can be compared; `train` has some and `data` has none. "
                "Give `data` as (x, y, sample_weight), with ones if all count the same."
            ),
        ),
        (
            {"train": drawn(0, 5, features=3)},
            "All rows must have the same number of features; got train rows 3, validation rows 20.",
        ),
        (
            {"verbose": 3, "measure_rows": 0},
            "`measure_rows` must be a whole number of at least 1; got 0. `verbose` must be 0, 1 or 2; got 3.",
        ),
    ],
)
def test_what_cannot_be_recorded_is_said_at_once(tmp_path, given, message):
    """Before training begins, all that is wrong in one message."""
    assert refusal(recorder, tmp_path / "study", **given) == message
    assert not (tmp_path / "study").exists()


def test_a_folder_that_holds_a_study_is_refused(recorded):
    """Before hours of training."""
    folder = recorded[0].folder
    assert refusal(recorder, folder, error=jr.FolderError) == (
        f"`folder` must be a new one, for one training; {str(folder)!r} holds a study. Give another path, or new=True to have a "
        "number added to this one."
    )


def test_models_that_cannot_be_judged_are_refused_before_they_train(tmp_path):
    """Several outputs, several targets, and a training that goes on with another."""
    import keras

    entry = keras.Input((20,))
    two = keras.Model(entry, [keras.layers.Dense(1)(entry), keras.layers.Dense(1)(entry)])
    two.compile("sgd", ["mse", "mse"])
    assert refusal(two.fit, TRAIN[0], [TRAIN[1]] * 2, verbose=0, callbacks=[recorder(tmp_path / "a")]) == (
        "The model must have one output; it has 2. A network of several outputs is not judged: train one for each."
    )
    rows = (TRAIN[0], TRAIN[0][:, :2])
    with pytest.raises(jr.InputError) as caught:
        fit(
            network(outputs=2, loss="mse"),
            recorder(tmp_path / "b", train=rows, data=rows),
            rows=rows,
        )
    assert str(caught.value).startswith(
        "Targets must be one number per row, or a class of as many as the model has outputs (its number, or a 1 in its place); "
        "for 2 outputs they have shape (rows, 2) and values from "
    )
    assert refusal(fit, network(), recorder(tmp_path / "c"), initial_epoch=2) == (
        "A JustRight callback must see a training from its first epoch; this one begins at epoch 2. Leave initial_epoch out."
    )


def test_logits_that_a_loss_takes_for_probabilities_are_named(tmp_path):
    """The usual mistake, before hours of training; and what is recorded is what Keras minimised."""
    callback = recorder(tmp_path / "study")
    with pytest.warns(
        UserWarning, match="The loss takes the model's outputs for probabilities, but they lie between -"
    ):
        history = fit(network(loss="binary_crossentropy"), callback, epochs=1, validation_data=VALIDATION)
    measured = callback.result.curves["val_binary_crossentropy"]
    # A certain mistake costs -log(1e-7); in Keras' float32, 1 - 1e-7 is 1 - 1.2e-7, 1 % less of it.
    np.testing.assert_allclose(measured, history["val_loss"], rtol=0.012)


def test_a_second_training_needs_another_callback(tmp_path):
    """A folder holds one."""
    callback = recorder(tmp_path / "study")
    fit(network(), callback, epochs=1)
    assert refusal(fit, network(), callback, epochs=1) == (
        f"A JustRight callback records one training; {str(tmp_path / 'study')!r} has one already. Make another callback, with a "
        "folder of its own."
    )


def test_a_fault_while_recording_does_not_end_training(tmp_path):
    """Such as a folder that is removed: a warning, once, and the fit goes on."""
    import keras

    def remove(epoch, logs):
        if epoch == 1:
            (tmp_path / "study" / "study.db").unlink()

    callback = recorder(tmp_path / "study")
    with pytest.warns(
        RuntimeWarning, match="justright records this training no longer: The study folder must stay"
    ):
        history = fit(network(), callback, keras.callbacks.LambdaCallback(on_epoch_end=remove), epochs=4)
    assert len(history["loss"]) == 4
    assert callback.result is None


@pytest.mark.parametrize(
    ("targets", "width", "loss", "task"),
    [
        ([0, 1, 1], 1, "binary_crossentropy", "binary"),
        ([0, 1, 1], 1, "mean_squared_error", "regression"),
        ([0.5, 1, 1], 1, None, "regression"),
        ([[0], [1], [1]], 1, None, "binary"),
        ([0, 1, 2], 3, None, "multiclass"),
        ([0, 1, 0], 2, None, "binary"),
    ],
)
def test_what_is_learned_follows_from_targets_outputs_and_loss(targets, width, loss, task):
    """As a user of Keras would read it."""
    rows = np.zeros((3, 2)), np.array(targets)
    assert FitData.of(rows, rows, None).task(width, loss) == task


@pytest.mark.slow  # importing PyTorch
@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_other_backends_need_no_jax(tmp_path):
    """A training on PyTorch, in a process where JAX cannot be imported, is recorded as on JAX."""
    program = f"""
import sys
sys.modules["jax"] = None  # importing it fails
import numpy as np
from tests.callbacks.test_fit_callback import EPOCHS, VALIDATION, fit, network, recorder, records
callback = recorder({str(tmp_path / "study")!r})
model = network()
history = fit(model, callback, epochs=3, validation_data=VALIDATION)
record, rows = records(callback)
np.testing.assert_allclose(callback.result.curves["val_binary_crossentropy"], history["val_loss"], rtol=1e-5)
print(record.worker, record.outcome, sorted(rows["validation"]), callback.result.summary["environment"]["recorded by"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "model.fit:torch finished [0, 1, 2] keras.Model.fit on torch\n"
