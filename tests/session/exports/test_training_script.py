"""Scripts of plain Keras: they run without this package, and train to the numbers that the study recorded."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path
from typing import Any

import keras
import numpy as np
import polars as pl
import pytest

import justright as jr
from justright.session.exports.keras_code import code_of
from justright.session.exports.training_script import _recipe as script_recipe

# What a script may import: nothing of ours.
IMPORTS = {"os", "pathlib", "keras", "numpy", "json"}


def run_script(path: Path) -> dict[str, Any]:
    """Return the variables of a script after it has run."""
    tree = ast.parse(path.read_text())
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= IMPORTS
    return runpy.run_path(str(path))


def own_network() -> keras.Model:
    """Return a graph of layers that is no chain, with slices of columns."""
    inputs = keras.Input((5,))
    hidden = keras.layers.Dense(4, activation="tanh")(inputs)
    both = keras.layers.Concatenate()([hidden, inputs[:, 0:2]])
    return keras.Model(inputs, keras.layers.Dense(1)(both))


@pytest.mark.parametrize(
    ("study", "variant", "metric"),
    [("classes", "Tiny", "binary_crossentropy"), ("numbers", "Tiny", "mean_squared_error")],
)
def test_a_script_trains_to_the_losses_of_the_study(request, tmp_path, study, variant, metric) -> None:
    """The same weights to begin with, standardised inputs, penalties and learning rates: the same loss after each epoch."""
    result = request.getfixturevalue(study)
    path = tmp_path / "net.py"
    written = result.export(variant, path, seed=1)
    assert written == (path, tmp_path / "net.npz", tmp_path / "net.plan.json")
    ran = run_script(path)
    (item,) = [one for one in result.summary["variants"] if one["name"] == variant]
    assert ran["model"].count_params() == item["parameters"]
    curve = result.curves.filter(variant=variant, seed=1).sort("epoch")
    for name in (f"val_{metric}", metric):
        np.testing.assert_allclose(ran["history"].history[name], curve[name].to_numpy(), rtol=2e-3)
    saved = keras.saving.load_model(tmp_path / "net.trained.keras")
    x, y = (ran["data"][f"test_{name}"] for name in "xy")
    (run,) = [run for run in item["runs"] if run["seed"] == 1]
    assert saved.evaluate(x, y, return_dict=True, verbose=0)[metric] == pytest.approx(
        run["test"]["loss"], rel=2e-3
    )


def test_a_script_has_every_layer_and_option_of_its_network(classes, tmp_path) -> None:
    """Batch normalisation, dropout and penalties; and the rows are those of the split, with their numbers in the table."""
    path = tmp_path / "net.py"
    classes.export("L2", path)
    ran = run_script(path)
    study = classes.models[0].load() if classes.models[0].variant == "L2" else None
    study = study or next(one for one in classes.models if one.variant == "L2").load()
    for ours, theirs in zip(ran["model"].layers, study.layers, strict=True):
        assert type(ours) is type(theirs)
        wanted, given = theirs.get_config(), ours.get_config()
        assert {**given, "name": ""} == {**wanted, "name": ""}
    best = min(ran["history"].history["val_binary_crossentropy"])
    recorded = classes.curves.filter(variant="L2")["val_binary_crossentropy"].min()
    assert best == pytest.approx(recorded, rel=0.1)  # dropout draws other numbers
    data = ran["data"]
    assert [len(data[f"{part}_y"]) for part in ("train", "validation", "test")] == [240, 80, 40]
    table = pl.read_csv(classes.folder.parent / "sold.csv")
    column = data["features"].tolist().index("size")
    for part in ("train", "validation", "test"):
        wanted = table["size"].gather(data[f"{part}_rows"]).to_numpy()
        np.testing.assert_allclose(data[f"{part}_x"][:, column], wanted, rtol=1e-6)


def test_a_network_that_is_no_chain_weights_and_a_table_in_memory(tmp_path) -> None:
    """It is built from its description; rows of rare classes count more; the caller hands the rows over."""
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 5)).astype(np.float32)
    frame = pl.DataFrame(dict(zip("abcde", x.T, strict=True)) | {"y": (x[:, 0] > 0.7).astype(int)})
    split = jr.read_table(frame, target="y").split(30, train=90, test=0)
    recipe = jr.Recipe(
        batch_size=90,
        max_epochs=3,
        patience=None,
        class_weight="balanced",
        label_smoothing=0.1,
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        metrics=[keras.metrics.AUC(from_logits=True, name="area")],
        monitor="val_area",
    )
    study = jr.Study(split, {"Own": own_network}, recipe, reference=False, neighbours=False)
    result = study.run(tmp_path / "study", workers=1, report=False)
    with pytest.raises(jr.InputError) as caught:
        result.export("Own", tmp_path / "own.py")
    assert str(caught.value) == (
        "A script needs the study's rows; its table was in memory. Export from Python, with `split=` the split that the study was "
        "made of."
    )
    other = jr.read_table(frame.reverse(), target="y").split(30, train=90, test=0)
    with pytest.raises(
        jr.FolderError, match=r"^A script needs the rows that .* was trained on; those of '<memory>' differ"
    ):
        result.export("Own", tmp_path / "own.py", split=other)
    result.export("Own", tmp_path / "own.py", split=split)
    text = (tmp_path / "own.py").read_text()
    assert "keras.optimizers.SGD(learning_rate=0.1" in text
    assert "monitor='val_area', mode='max', patience=3" in text
    history, curve = run_script(tmp_path / "own.py")["history"].history, result.curves.sort("epoch")
    for name in ("loss", "val_binary_crossentropy", "val_area"):
        np.testing.assert_allclose(history[name], curve[name].to_numpy(), rtol=5e-3)


def test_what_plain_keras_lacks_is_refused_all_at_once(tmp_path) -> None:
    """Mixing rows, averaged weights, and functions of a user."""
    recipe = {"mixup": 0.2, "ema": 0.99, "loss": "mine:loss", "metrics": ["mae", "mine:score"]}
    with pytest.raises(jr.InputError) as caught:
        script_recipe({"recipe": recipe, "variants": {"Net": {}}}, "Net")
    assert str(caught.value) == (
        "A script of plain Keras must train as the study did; variant 'Net' has mixup=0.2, ema=0.99, the function mine:loss, the "
        "function mine:score. Export it as .keras, or train a variant without."
    )


def test_code_makes_the_same_object_and_leaves_defaults_out() -> None:
    """Layers, with objects among their options; names that Keras numbers are left out, others are kept."""
    made = [
        keras.layers.Dense(3, "elu", kernel_regularizer=keras.regularizers.L1L2(l2=0.1), name="dense_7"),
        keras.layers.Dense(3, kernel_initializer=keras.initializers.HeNormal(seed=3), name="own"),
        keras.layers.Embedding(4, 2, embeddings_constraint=keras.constraints.MaxNorm(2.0)),
        keras.layers.Rescaling([1.0, 2.0], offset=3.0),
        keras.layers.Bidirectional(keras.layers.LSTM(2)),
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.1, 100), weight_decay=0.01),
        keras.losses.Huber(),
    ]
    for one in made:
        code = code_of(keras.saving.serialize_keras_object(one))
        again = eval(code, {"keras": keras})
        wanted, given = one.get_config(), again.get_config()
        if "name" in wanted and "own" not in code:
            wanted["name"] = given["name"]
        if hasattr(one, "forward_layer"):
            wanted = given = None
            assert again.forward_layer.units == one.forward_layer.units
        assert given == wanted
    assert code_of(keras.saving.serialize_keras_object(made[0])) == (
        "keras.layers.Dense(units=3, activation='elu', kernel_regularizer=keras.regularizers.L1L2(l2=0.1))"
    )
