"""The end of a run: models that any Keras opens, and numbers they reproduce."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from justright.records.checkpoints import read_tensors, write_tensors
from justright.records.models import read_about
from justright.runs.tasks import StudyRows
from justright.runs.weight_histograms import HISTOGRAMS, histogram_of
from justright.study.families import mlp
from justright.study.recipe import Recipe

# Saved float32 weights are exact; what differs is the order of float32 sums, on another backend of each product.
TOLERANCE = 1e-5
# One that rises again at once where the learning rate is this large, so that the best epoch is not the last.
FAST = {"class_name": "Adam", "config": {"learning_rate": 0.05}}

EVALUATE = """
import json, sys
import keras, numpy as np
found = {}
for task, rows, path in json.loads(sys.argv[1]):
    with np.load(rows) as values:
        x, y = values["x"], values["y"] if task == "multiclass" else values["y"][:, None]
    found[task] = keras.saving.load_model(path).evaluate(x, y, return_dict=True, verbose=0)
print(json.dumps([keras.backend.backend(), found]))
"""


@pytest.fixture(scope="module")
def ended(few_rows, train):
    """(rows, recorded best metrics, path) of a run of every task, with layers that differ between training and use."""
    x, validation = few_rows.train[0], few_rows.validation[0]
    third = StudyRows(
        "multiclass",
        3,
        *((part, (part[:, 1] > 0).astype(np.int32) + (part[:, 2] > 0)) for part in (x, validation)),
        test=(validation[:0], np.empty(0, np.int32)),
    )
    number = StudyRows(
        "regression", 1, *((part, part[:, 0] * part[:, 1]) for part in (x, validation, few_rows.test[0]))
    )
    build = mlp(8, l2=0.01, dropout=0.2, batch_normalization=True)
    runs = {}
    for rows in (few_rows, third, number):
        trained = train(build, rows, Recipe(100, 3, None))
        path = trained.folder / trained.finished[0].model_path
        runs[rows.task] = (rows, trained.finished[0], path)
    return runs


def assert_reproduces(found, recorded):
    """Compare what `evaluate` says with what the run recorded at its best epoch."""
    assert len(found) == 3
    for name, value in found.items():
        np.testing.assert_allclose(value, recorded[f"val_{name}"], rtol=TOLERANCE, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_plain_keras_opens_the_model_and_reproduces_its_validation_metrics(task, ended):
    """Loss with penalties, loss, and score: by `evaluate` of the compiled model as it was saved."""
    rows, run, path = ended[task]
    model = keras.saving.load_model(path)
    y = rows.validation[1] if task == "multiclass" else rows.validation[1][:, None]
    assert_reproduces(model.evaluate(rows.validation[0], y, return_dict=True, verbose=0), run.best)


@pytest.mark.torch
@pytest.mark.slow
def test_the_torch_backend_opens_the_same_models(ended, tmp_path):
    """In a process whose Keras runs on torch: the same metrics, for every task."""
    pytest.importorskip("torch", reason="needs torch, which `make test` installs")
    jobs = []
    for task, (rows, _, path) in ended.items():
        np.savez(tmp_path / f"{task}.npz", x=rows.validation[0], y=rows.validation[1])
        jobs.append((task, str(tmp_path / f"{task}.npz"), str(path)))
    done = subprocess.run(
        [sys.executable, "-c", EVALUATE, json.dumps(jobs)],
        env=os.environ | {"KERAS_BACKEND": "torch", "TORCHDYNAMO_DISABLE": "1"},  # compiling takes a minute
        capture_output=True,
        text=True,
        check=True,
    )
    backend, found = json.loads(done.stdout.splitlines()[-1])
    assert backend == "torch"
    for task, (_, run, _) in ended.items():
        assert_reproduces(found[task], run.best)


def test_rows_are_measured_at_the_best_and_at_the_last_epoch(ended):
    """Test and fixed rows one by one; their means are the recorded losses, without penalties.

    Validation rows are not repeated: both epochs lie on the grid, whose blocks hold them.
    """
    for rows, run, _ in ended.values():
        losses = [part for part in run.rows if not part.kind.endswith(("_score", "_output"))]
        epochs = {run.best_epoch, run.epochs - 1}
        wanted = ["fixed", *(["test"] if len(rows.test[0]) else [])]
        kinds = {(part.kind, part.epoch) for part in losses}
        assert kinds == {(kind, epoch) for kind in wanted for epoch in epochs}
        loss = next(name for name in run.best if name.startswith("fixed_"))
        for part in losses:
            side = run.best if part.epoch == run.best_epoch else run.last
            test = run.test if part.epoch == run.best_epoch else run.test_last
            recorded = {"fixed": side[loss], "test": test.get("loss")}
            np.testing.assert_allclose(part.losses.mean(dtype=np.float64), recorded[part.kind], rtol=1e-6)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_outputs_are_those_of_the_saved_model(task, ended):
    """Row after row, a value for each output, at the best epoch only; none of the fixed subset."""
    rows, run, path = ended[task]
    model = keras.saving.load_model(path)
    wanted = {"validation_output": rows.validation[0]}
    wanted |= {"test_output": rows.test[0]} if len(rows.test[0]) else {}
    found = {part.kind: part for part in run.rows if part.kind.endswith("_output")}
    assert found.keys() == wanted.keys()
    for kind, x in wanted.items():
        assert (found[kind].epoch, found[kind].losses.dtype) == (run.best_epoch, np.float32)
        outputs = found[kind].losses.reshape(len(x), -1)
        assert outputs.shape == (len(x), rows.outputs)
        np.testing.assert_allclose(outputs, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_a_split_without_test_rows_measures_none(ended):
    """No test rows: no test metrics and no rows of that kind, rather than zeros."""
    _, run, _ = ended["multiclass"]
    assert (run.test, run.test_last) == ({}, {})
    assert {part.kind for part in run.rows if part.kind.startswith("test")} == set()


@pytest.mark.slow
def test_saving_leaves_the_shared_model_as_it_was(few_rows, train):
    """All lanes share one Keras model: saving one lane's best weights must not leak into the next lane's model."""
    trained = train(mlp(4), few_rows, Recipe(100, 2, None), seeds=(0, 1))
    first, second = (
        keras.saving.load_model(trained.folder / run.model_path).get_weights()
        for run in trained.finished.values()
    )
    assert not np.array_equal(first[0], second[0])
    alone = train(mlp(4), few_rows, Recipe(100, 2, None), seeds=(1,))
    again = keras.saving.load_model(alone.folder / alone.finished[1].model_path).get_weights()
    for one, other in zip(second, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_model_says_how_weights_were_distributed_before_after_and_at_best(few_rows, train, ema):
    """Against Keras' own initial weights, the saved ones, and the last checkpoint's; widths that are padded are cut."""
    recipe = Recipe(100, 12, None, optimizer=FAST, ema=ema)
    trained = train(mlp(20), few_rows, recipe, seeds=(3, 4))
    for lane, (seed, run) in enumerate(trained.finished.items()):
        assert 0 < run.best_epoch < 11
        kept = read_about(trained.folder / run.model_path)[HISTOGRAMS]
        keras.utils.clear_session()
        keras.utils.set_random_seed(seed)
        first = mlp(20)(few_rows.train[0].shape[1], 1)
        best = keras.saving.load_model(trained.folder / run.model_path)
        tensors, _ = read_tensors(trained.folder / trained.checkpoints[-1].path)
        field = "average_weights" if ema else "weights"
        last = [tensors[f"{field}/{number:04d}"][lane] for number in range(4)]
        names = ["dense/kernel", "dense/bias", "dense_1/kernel"]  # a single bias is no distribution
        for step, weights in ((0, first.get_weights()), (run.best_epoch, best.get_weights()), (11, last)):
            shown = dict(zip(names, map(histogram_of, weights), strict=False))
            assert kept[str(step)] == shown
        assert list(kept) == ["0", str(run.best_epoch), "11"]


def test_weights_before_training_are_known_after_a_stop(few_rows, train):
    """They are in the checkpoint: the model of a run that was stopped on its way is the one of a run that was not."""
    recipe, cache = Recipe(100, 6, None), {}
    whole = train(mlp(4), few_rows, recipe, cache=cache)
    stopped = train(mlp(4), few_rows, recipe, cache=cache, is_stopping=lambda: True)
    assert not stopped.is_done
    checkpoint = stopped.checkpoints[-1].path
    resumed = train(mlp(4), few_rows, recipe, cache=cache, folder=stopped.folder, checkpoint=checkpoint)
    one, other = (read_about(done.folder / done.finished[0].model_path) for done in (whole, resumed))
    assert next(iter(one[HISTOGRAMS])) == "0"
    assert one == other


def test_a_stack_that_an_earlier_version_began_ends(few_rows, train):
    """Its checkpoint does not know the first weights: the best and the last ones are shown."""
    recipe, cache = Recipe(100, 6, None), {}
    stopped = train(mlp(4), few_rows, recipe, cache=cache, is_stopping=lambda: True)
    path = stopped.folder / stopped.checkpoints[-1].path
    tensors, metadata = read_tensors(path)
    write_tensors(
        path, {name: values for name, values in tensors.items() if name != "first_weights"}, metadata
    )
    checkpoint = stopped.checkpoints[-1].path
    resumed = train(mlp(4), few_rows, recipe, cache=cache, folder=stopped.folder, checkpoint=checkpoint)
    run = resumed.finished[0]
    kept = read_about(resumed.folder / run.model_path)[HISTOGRAMS]
    assert set(kept) == {str(run.best_epoch), "5"}
