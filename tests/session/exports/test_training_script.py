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
from tests.refusals import refusal

import justright as jr
from justright.session.exports.keras_code import code_of
from justright.session.exports.training_script import Trained
from justright.session.exports.training_script import _about as about_script
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "variant", "metric"),
    [
        ("classes", "Tiny", "binary_crossentropy"),
        ("classes", "Own", "binary_crossentropy"),
        ("numbers", "Tiny", "mean_squared_error"),
    ],
    ids=["family", "own", "numbers"],
)
def test_a_script_trains_to_the_losses_of_the_study(request, tmp_path, study, variant, metric) -> None:
    """From the same weights, on the same rows, all in one batch: the same losses after each epoch, and of the best one on test rows.

    So layers, penalties, standardised inputs, weights of rows and classes, smoothing, the optimizer and its schedule are as they were.
    """
    result = request.getfixturevalue(study)
    split = request.getfixturevalue("classes_split") if study == "classes" else None
    path = tmp_path / "net.py"
    written = result.export(variant, path, seed=2 if study == "classes" else 1, split=split)
    assert written == (path, tmp_path / "net.npz", tmp_path / "net.plan.json")
    ran = run_script(path)
    (item,) = [one for one in result.summary["variants"] if one["name"] == variant]
    run = item["runs"][-1]
    assert sum(one.value.size for one in ran["model"].trainable_variables) == item["parameters"]
    curve = result.curves.filter(variant=variant, seed=run["seed"]).sort("epoch")
    for name in (f"val_{metric}", metric):
        np.testing.assert_allclose(ran["history"].history[name], curve[name].to_numpy(), rtol=1e-4)
    saved = keras.saving.load_model(tmp_path / "net.trained.keras", compile=study == "classes")
    x, y = (ran["data"][f"test_{name}"] for name in "xy")
    said = saved.predict(x, verbose=0)
    if study == "classes":
        loss = saved.evaluate(x, y, return_dict=True, verbose=0)[metric]
    else:
        loss = np.average((said - y)[:, 0] ** 2, weights=ran["data"]["test_weights"])
    assert loss == pytest.approx(run["test"]["loss"], rel=1e-4)


def test_an_own_network_keeps_its_options(classes, classes_split, tmp_path) -> None:
    """What it was trained by is written as code; it stops by what it was asked to follow."""
    classes.export("Own", tmp_path / "own.py", split=classes_split)
    text = (tmp_path / "own.py").read_text()
    for part in (
        "keras.optimizers.SGD(learning_rate=0.1",
        "monitor='val_area', mode='max', patience=6",
        "keras.metrics.AUC(name='area')",
        "keras.losses.BinaryCrossentropy(label_smoothing=0.1)",
        'sample_weight=data["train_weights"]',
    ):
        assert part in text


@pytest.mark.parametrize(
    ("precision", "said"),
    [
        ("float32", ""),
        (
            "bfloat16",
            "The study multiplied in bfloat16; this computes in float32, or on a GPU in what Keras takes there.",
        ),
        (
            "tensorfloat32",
            "The study multiplied in TF32, as this does on an NVIDIA GPU that has it; elsewhere it computes in float32.",
        ),
    ],
)
def test_a_script_says_where_it_multiplies_in_another_precision(precision, said) -> None:
    """Keras has no word for it in a model: it follows the device."""
    trained = Trained("Net", None, jr.Recipe(precision=precision), {}, {})
    about = " ".join(about_script(trained, Path("net.py"), "runs/a").split())
    assert said in about
    assert ("The study multiplied" in about) == bool(said)


def test_the_rows_beside_a_script_are_those_of_the_split(numbers, price_table, tmp_path) -> None:
    """With their features as the network takes them, and their numbers in the table."""
    numbers.export("Tiny", tmp_path / "net.py")
    data = np.load(tmp_path / "net.npz")
    table, column = pl.read_csv(price_table), data["features"].tolist().index("size")
    for part, rows in (("train", 240), ("validation", 80), ("test", 40)):
        places = data[f"{part}_rows"]
        assert len(places) == rows
        np.testing.assert_allclose(data[f"{part}_x"][:, column], table["size"].gather(places), rtol=1e-6)
        np.testing.assert_allclose(data[f"{part}_y"][:, 0], table["price"].gather(places), rtol=1e-6)


def test_rows_that_are_not_those_of_the_study_are_refused(classes, numbers, price_table, tmp_path) -> None:
    """A table in memory that nobody hands over, other rows, and a table that this user has not named."""
    assert refusal(classes.export, "Own", tmp_path / "own.py") == (
        "A script needs the study's rows; its table was in memory. Export from Python, with `split=` the split that the study was "
        "made of."
    )
    other = jr.read_table(price_table, target="price").split(80, train=240, test=40, seed=1)
    assert refusal(numbers.export, "Tiny", tmp_path / "net.py", split=other, error=jr.FolderError) == (
        f"A script needs the rows that {str(numbers.folder)!r} was trained on; those of {str(price_table)!r} differ from them. "
        "Put the table back as it was."
    )
    assert list(tmp_path.iterdir()) == []


def test_what_plain_keras_lacks_is_refused_all_at_once(tmp_path) -> None:
    """Mixing rows, averaged weights, and functions of a user."""
    recipe = {"mixup": 0.2, "ema": 0.99, "loss": "mine:loss", "metrics": ["mae", "mine:score"]}
    assert refusal(script_recipe, {"recipe": recipe, "variants": {"Net": {}}}, "Net") == (
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
